package api_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

var _ = DescribeTable("a manifest of the manager is accepted",
	func(ctx SpecContext, path string) {
		for _, object := range readManifest(path).objects {
			if object.GetNamespace() != "" {
				object.SetNamespace(newNamespace(ctx, nil))
			}
			Expect(strict.Create(ctx, object, client.DryRunAll)).To(Succeed())
		}
	},
	entries(manifestPaths("config/rbac")),
	entries(manifestPaths("config/manager")),
)

var _ = It("runs the manager where Pods are restricted", func(ctx SpecContext) {
	var deployment appsv1.Deployment
	manifest := readManifest(root + "/config/manager/manager.yaml").objects[0]
	Expect(runtime.DefaultUnstructuredConverter.FromUnstructured(manifest.Object, &deployment)).To(Succeed())
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name:      "manager",
			Namespace: newNamespace(ctx, map[string]string{"pod-security.kubernetes.io/enforce": "restricted"}),
		},
		Spec: deployment.Spec.Template.Spec,
	}
	Expect(strict.Create(ctx, pod)).To(Succeed())

	By("refusing the same Pod with a right more")
	pod = &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "other", Namespace: pod.Namespace}, Spec: deployment.Spec.Template.Spec}
	pod.Spec.HostNetwork = true
	Expect(strict.Create(ctx, pod)).To(MatchError(ContainSubstring("violates PodSecurity")))
})
