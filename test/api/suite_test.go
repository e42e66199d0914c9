// Package api_test holds the API to its word on a real API server: what is
// malformed is refused with a message that names the field and the rule, and
// what the samples show is accepted.
package api_test

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/litentry/wallet-federation/test/environment"
)

// cluster is the API server of the suite, and strict a client for it that is
// told of unknown and duplicate fields, as kubectl is.
var (
	cluster *environment.Environment
	strict  client.Client
)

func TestAPI(t *testing.T) {
	t.Parallel()
	RegisterFailHandler(Fail)
	suite, reporter := GinkgoConfiguration()
	suite.RandomizeAllSpecs = true
	RunSpecs(t, "API", suite, reporter)
}

var _ = BeforeSuite(func() {
	var err error
	cluster, err = environment.Start()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(cluster.Stop()).To(Succeed()) })
	strict = client.WithFieldValidation(cluster.Client, metav1.FieldValidationStrict)
})

// newNamespace makes a namespace for one spec, so that names are free in it.
func newNamespace(ctx SpecContext, labels map[string]string) string {
	GinkgoHelper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "api-", Labels: labels}}
	Expect(strict.Create(ctx, namespace)).To(Succeed())
	return namespace.Name
}
