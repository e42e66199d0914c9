package oidcissuer_test

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/litentry/wallet-federation/api/v1alpha1"
)

var _ = Describe("The workload of an OIDCIssuer", func() {
	It("is one broker over http, with metrics beside, unless the spec says otherwise", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		deployment := w.deployment(ctx)
		Expect(*deployment.Spec.Replicas).To(BeEquivalentTo(1))
		pod := deployment.Spec.Template.Spec
		Expect(pod.TopologySpreadConstraints).To(BeEmpty())
		Expect(pod.Containers[0].Args).To(Equal([]string{
			"--config=/etc/broker/config/config.json", "--keys=/etc/broker/keys/keys.json",
			"--session-keys=/etc/broker/session/session-keys.json", "--listen=:8080", "--metrics-listen=:9090",
		}))
		Expect(ports(pod)).To(Equal(map[string]int32{"http": 8080, "metrics": 9090}))
		Expect(pod.Containers[0].ReadinessProbe.HTTPGet.Scheme).To(Equal(corev1.URISchemeHTTP))
		Expect(w.servicePort(ctx)).To(And(HaveField("Port", int32(80)), HaveField("TargetPort", intstr.FromString("http"))))

		budget := &policyv1.PodDisruptionBudget{}
		w.get(ctx, w.issuer.BrokerName(), budget)
		Expect(*budget.Spec.MaxUnavailable).To(Equal(intstr.FromInt32(1)))
		Expect(budget.Spec.Selector).To(Equal(deployment.Spec.Selector))
	})

	It("serves https, shares Redis, spreads, mounts lists, and writes nothing once it is settled", func(ctx context.Context) {
		w := newWorld(ctx)
		w.serveHTTPS(ctx)
		w.useRedis(ctx, "redis", "url.txt", "redis://127.0.0.1:1/0")
		w.issuer.Spec.Broker.Replicas = 3
		lists := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.issuer.Namespace, Name: strings.Repeat("long.", 20) + "name"}}
		Expect(h.Client.Create(ctx, lists)).To(Succeed())
		w.issuer.Spec.Login.Admission = v1alpha1.AdmissionSpec{
			Mode: v1alpha1.AdmissionAllowList, ConfigMapRefs: []v1alpha1.ConfigMapReference{{Name: lists.Name}},
		}
		w.settle(ctx)

		deployment := w.deployment(ctx)
		Expect(*deployment.Spec.Replicas).To(BeEquivalentTo(3))
		pod := deployment.Spec.Template.Spec
		container := pod.Containers[0]
		Expect(container.Args).To(ContainElements(
			"--tls-cert=/etc/broker/tls/tls.crt", "--tls-key=/etc/broker/tls/tls.key", "--redis-url-file=/etc/broker/redis/url"))
		Expect(ports(pod)).To(Equal(map[string]int32{"https": 8080, "metrics": 9090}))
		for _, probe := range []*corev1.Probe{container.ReadinessProbe, container.LivenessProbe} {
			Expect(probe.HTTPGet).To(And(HaveField("Scheme", corev1.URISchemeHTTPS), HaveField("Port", intstr.FromString("https"))))
		}
		Expect(w.servicePort(ctx)).To(And(HaveField("Port", int32(443)), HaveField("TargetPort", intstr.FromString("https"))))

		Expect(mountOf(pod, "/etc/broker/tls").Secret.SecretName).To(Equal("tls"))
		Expect(mountOf(pod, "/etc/broker/redis").Secret).To(And(HaveField("SecretName", "redis"),
			HaveField("Items", ConsistOf(corev1.KeyToPath{Key: "url.txt", Path: "url"}))))
		Expect(mountOf(pod, "/etc/broker/admission/"+lists.Name).ConfigMap.Name).To(Equal(lists.Name))
		for _, mount := range container.VolumeMounts {
			Expect(mount.ReadOnly).To(BeTrue(), mount.MountPath)
		}

		Expect(pod.TopologySpreadConstraints).To(HaveLen(2))
		for _, constraint := range pod.TopologySpreadConstraints {
			Expect(constraint.WhenUnsatisfiable).To(Equal(corev1.ScheduleAnyway))
			Expect(constraint.LabelSelector).To(Equal(deployment.Spec.Selector))
		}

		By("looking again")
		before := w.versions(ctx)
		h.Cloud.ResetCalls()
		for range 3 {
			Expect(w.reconcile(ctx)).To(Succeed())
		}
		Expect(h.Writes()).To(BeEmpty())
		Expect(w.versions(ctx)).To(Equal(before))
	})

	It("goes back to one broker over http", func(ctx context.Context) {
		w := newWorld(ctx)
		w.serveHTTPS(ctx)
		w.useRedis(ctx, "redis", "url", "redis://127.0.0.1:1/0")
		w.issuer.Spec.Broker.Replicas = 2
		w.settle(ctx)
		w.issuer.Spec.Broker = v1alpha1.BrokerSpec{}
		Expect(h.Client.Update(ctx, w.issuer)).To(Succeed())
		Expect(w.reconcile(ctx)).To(Succeed())
		deployment := w.deployment(ctx)
		Expect(*deployment.Spec.Replicas).To(BeEquivalentTo(1))
		pod := deployment.Spec.Template.Spec
		Expect(pod.TopologySpreadConstraints).To(BeEmpty())
		Expect(pod.Volumes).To(HaveLen(3))
		Expect(pod.Containers[0].VolumeMounts).To(HaveLen(3))
		Expect(ports(pod)).To(Equal(map[string]int32{"http": 8080, "metrics": 9090}))
		Expect(w.servicePort(ctx)).To(HaveField("Port", int32(80)))
	})

	It("is refused by the API server with more than one replica and no Redis", func(ctx context.Context) {
		w := newWorld(ctx)
		w.issuer.Spec.Broker.Replicas = 2
		err := h.Client.Create(ctx, w.issuer)
		Expect(apierrors.IsInvalid(err)).To(BeTrue(), "%v", err)
		Expect(err).To(MatchError(And(ContainSubstring("spec.broker.redis"), ContainSubstring("redis is required with more than one replica"))))
	})

	DescribeTable("is left as it was, and a condition names the field, when a Secret is no good",
		func(ctx context.Context, prepare func(context.Context, *world), message string) {
			w := newWorld(ctx)
			w.settle(ctx)
			before := w.deployment(ctx).Generation
			prepare(ctx, w)
			Expect(h.Client.Update(ctx, w.issuer)).To(Succeed())
			Expect(w.reconcile(ctx)).To(Succeed())
			Expect(w.condition(v1alpha1.ConditionBrokerAvailable)).To(And(
				HaveField("Status", metav1.ConditionFalse), HaveField("Reason", v1alpha1.ReasonConfigInvalid),
				HaveField("Message", And(ContainSubstring(message), Not(ContainSubstring("hunter2"))))))
			Expect(w.deployment(ctx).Generation).To(Equal(before))
		},
		Entry("that is absent", func(_ context.Context, w *world) {
			w.issuer.Spec.Broker.TLS = &v1alpha1.TLSSpec{SecretRef: v1alpha1.SecretReference{Name: "absent"}}
		}, `spec.broker.tls.secretRef: there is no Secret "absent"`),
		Entry("that has no certificate", func(ctx context.Context, w *world) {
			w.makeSecret(ctx, "tls", map[string]string{"tls.key": "hunter2"})
			w.issuer.Spec.Broker.TLS = &v1alpha1.TLSSpec{SecretRef: v1alpha1.SecretReference{Name: "tls"}}
		}, `spec.broker.tls.secretRef: Secret "tls" has nothing under the key "tls.crt"`),
		Entry("whose certificate is none", func(ctx context.Context, w *world) {
			w.makeSecret(ctx, "tls", map[string]string{"tls.crt": "hunter2", "tls.key": "hunter2"})
			w.issuer.Spec.Broker.TLS = &v1alpha1.TLSSpec{SecretRef: v1alpha1.SecretReference{Name: "tls"}}
		}, `spec.broker.tls.secretRef: Secret "tls": `),
		Entry("that has no Redis URL", func(ctx context.Context, w *world) {
			w.useRedis(ctx, "redis", "url", "redis://:hunter2@127.0.0.1:1/0")
			w.issuer.Spec.Broker.Redis.URLSecretRef.Key = "other"
		}, `spec.broker.redis.urlSecretRef: Secret "redis" has nothing under the key "other"`),
	)

	It("takes revocations even while a Secret is no good", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		at := metav1.NewTime(w.now)
		w.issuer.Spec.Broker.TLS = &v1alpha1.TLSSpec{SecretRef: v1alpha1.SecretReference{Name: "absent"}}
		w.issuer.Spec.Login.Revocations = []v1alpha1.Revocation{{Before: &at}}
		Expect(h.Client.Update(ctx, w.issuer)).To(Succeed())
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.config(ctx).Revocations).To(HaveLen(1))
	})

	It("is stuck when a change of it does not come up", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		deployment := w.deployment(ctx)
		base := client.MergeFrom(deployment.DeepCopy())
		deployment.Status.Conditions = []appsv1.DeploymentCondition{{
			Type: appsv1.DeploymentProgressing, Status: corev1.ConditionFalse, Reason: "ProgressDeadlineExceeded", Message: "has timed out progressing",
		}}
		Expect(h.Client.Status().Patch(ctx, deployment, base)).To(Succeed())
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.condition(v1alpha1.ConditionBrokerAvailable)).To(And(
			HaveField("Status", metav1.ConditionFalse), HaveField("Reason", v1alpha1.ReasonBrokerStuck),
			HaveField("Message", ContainSubstring("has timed out progressing"))))
	})
})

// serveHTTPS makes the issuer one of https, with a certificate that the
// controller believes.
func (w *world) serveHTTPS(ctx context.Context) {
	GinkgoHelper()
	authority := httptest.NewTLSServer(http.NotFoundHandler())
	DeferCleanup(authority.Close)
	w.reconciler.HTTPClient = authority.Client()
	certificate := authority.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	Expect(err).NotTo(HaveOccurred())
	w.makeSecret(ctx, "tls", map[string]string{
		"tls.crt": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]})),
		"tls.key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})),
	})
	w.issuer.Spec.IssuerURL = strings.Replace(w.issuer.Spec.IssuerURL, "http://", "https://", 1)
	w.issuer.Spec.Broker.TLS = &v1alpha1.TLSSpec{SecretRef: v1alpha1.SecretReference{Name: "tls"}}
}

func (w *world) useRedis(ctx context.Context, name, key, url string) {
	GinkgoHelper()
	w.makeSecret(ctx, name, map[string]string{key: url, "unrelated": "data"})
	w.issuer.Spec.Broker.Redis = &v1alpha1.RedisSpec{URLSecretRef: v1alpha1.SecretKeyReference{Name: name, Key: key}}
}

func (w *world) makeSecret(ctx context.Context, name string, data map[string]string) {
	GinkgoHelper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.issuer.Namespace, Name: name}, StringData: data}
	Expect(h.Client.Create(ctx, secret)).To(Succeed())
}

func (w *world) deployment(ctx context.Context) *appsv1.Deployment {
	GinkgoHelper()
	deployment := &appsv1.Deployment{}
	w.get(ctx, w.issuer.BrokerName(), deployment)
	return deployment
}

func (w *world) servicePort(ctx context.Context) corev1.ServicePort {
	GinkgoHelper()
	service := &corev1.Service{}
	w.get(ctx, w.issuer.BrokerName(), service)
	Expect(service.Spec.Ports).To(HaveLen(1))
	return service.Spec.Ports[0]
}

func ports(pod corev1.PodSpec) map[string]int32 {
	numbers := map[string]int32{}
	for _, port := range pod.Containers[0].Ports {
		numbers[port.Name] = port.ContainerPort
	}
	return numbers
}

// mountOf is the volume that is mounted at a path.
func mountOf(pod corev1.PodSpec, path string) corev1.VolumeSource {
	GinkgoHelper()
	for _, mount := range pod.Containers[0].VolumeMounts {
		for i := range pod.Volumes {
			if mount.MountPath == path && mount.Name == pod.Volumes[i].Name {
				return pod.Volumes[i].VolumeSource
			}
		}
	}
	Fail("nothing is mounted at " + path)
	return corev1.VolumeSource{}
}
