package api_test

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

var _ = DescribeTable("a sample is accepted, and our types hold all of it",
	func(ctx SpecContext, path string) {
		namespace := newNamespace(ctx, nil)
		for _, sample := range readManifest(path).objects {
			Expect(sample.GetNamespace()).To(BeEmpty(), "samples go to the namespace that kubectl is told")
			sample.SetNamespace(namespace)
			Expect(strict.Create(ctx, sample)).To(Succeed())

			typed, err := cluster.Scheme.New(sample.GroupVersionKind())
			Expect(err).NotTo(HaveOccurred())
			object, ok := typed.(client.Object)
			Expect(ok).To(BeTrue())
			Expect(strict.Get(ctx, client.ObjectKeyFromObject(sample), object)).To(Succeed())
			Expect(content(object)).To(Equal(content(sample)))
		}
	},
	entries(manifestPaths("config/samples")),
)

// content returns an object's fields without its bookkeeping.
func content(object client.Object) map[string]any {
	GinkgoHelper()
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	Expect(err).NotTo(HaveOccurred())
	for _, name := range []string{"apiVersion", "kind", "metadata", "status"} {
		delete(fields, name)
	}
	for name, field := range fields {
		fields[name] = withPlainDurations(field)
	}
	return fields
}

// withPlainDurations writes durations in one way: 60s, 1m and 1m0s are the same.
func withPlainDurations(node any) any {
	switch node := node.(type) {
	case string:
		if duration, err := time.ParseDuration(node); err == nil {
			return duration.String()
		}
	case map[string]any:
		for name, child := range node {
			node[name] = withPlainDurations(child)
		}
	case []any:
		for index, child := range node {
			node[index] = withPlainDurations(child)
		}
	}
	return node
}
