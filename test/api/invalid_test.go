package api_test

import (
	"errors"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const invalidExamples = "hack/invalid-examples"

var _ = DescribeTable("a malformed object is refused with the field and the rule",
	func(ctx SpecContext, path string) {
		example := readManifest(path)
		field, rule := example.header[fieldKey], example.header[ruleKey]
		Expect(field).NotTo(BeEmpty(), "the file must begin with # field: and # rule:")
		Expect(rule).NotTo(BeEmpty(), "the file must begin with # field: and # rule:")
		namespace := newNamespace(ctx, nil)
		for _, object := range example.objects {
			object.SetNamespace(namespace)
		}

		err := applyLast(ctx, example.objects)

		Expect(apierrors.IsInvalid(err) || apierrors.IsBadRequest(err)).To(BeTrue(), "got: %v", err)
		Expect(refusals(err)).To(ContainElement(And(ContainSubstring(field), ContainSubstring(rule))))
	},
	entries(manifestPaths(invalidExamples)),
)

// applyLast applies the last of one or two objects. The first of two is valid:
// the second is a change of it.
func applyLast(ctx SpecContext, objects []*unstructured.Unstructured) error {
	GinkgoHelper()
	if len(objects) == 1 {
		return strict.Create(ctx, objects[0])
	}
	Expect(objects).To(HaveLen(2), "an object, or an object and its change")
	Expect(strict.Create(ctx, objects[0])).To(Succeed())
	objects[1].SetResourceVersion(objects[0].GetResourceVersion())
	return strict.Update(ctx, objects[1])
}

// refusals returns what the API server found wrong, field by field.
func refusals(err error) []string {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil || len(status.Status().Details.Causes) == 0 {
		return []string{err.Error()}
	}
	var lines []string
	for _, cause := range status.Status().Details.Causes {
		lines = append(lines, cause.Field+": "+cause.Message)
	}
	return lines
}

var _ = It("has an invalid example for every CEL rule", func() {
	var covered []string
	for _, path := range manifestPaths(invalidExamples) {
		covered = append(covered, readManifest(path).header[ruleKey])
	}
	var messages []string
	for _, path := range manifestPaths("config/crd/bases") {
		messages = append(messages, celMessages(readManifest(path))...)
	}
	Expect(messages).NotTo(BeEmpty())
	for _, message := range messages {
		Expect(covered).To(ContainElement(message))
	}
})

// celMessages returns the messages of every CEL rule of a CRD.
func celMessages(crd manifest) []string {
	var messages []string
	var walk func(node any)
	walk = func(node any) {
		switch node := node.(type) {
		case map[string]any:
			rules, _ := node["x-kubernetes-validations"].([]any)
			for _, rule := range rules {
				if rule, ok := rule.(map[string]any); ok {
					message, _ := rule["message"].(string)
					messages = append(messages, message)
				}
			}
			for _, child := range node {
				walk(child)
			}
		case []any:
			for _, child := range node {
				walk(child)
			}
		}
	}
	for _, object := range crd.objects {
		walk(object.Object)
	}
	return messages
}
