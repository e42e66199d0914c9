package walletfederation_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	"github.com/litentry/wallet-federation/test/harness"
)

// sibling is a federation of the same issuer with a role of its own, over the
// same bucket.
func (w *world) sibling(ctx context.Context, prefix string) *world {
	GinkgoHelper()
	sibling := *w
	sibling.name = w.name + "-sibling"
	Expect(h.Admin.CreateRole(ctx, sibling.name)).To(Succeed())
	sibling.federation = harness.Federation(w.issuer, sibling.name)
	sibling.federation.Spec.Buckets[0].Name, sibling.federation.Spec.Buckets[0].Prefix = w.name, prefix
	return &sibling
}

var _ = Describe("Two federations over one bucket", func() {
	const prefixOfAWallet = "bots/0x1111111111111111111111111111111111111111/"

	It("must not give one prefix to the wallets of two issuers: the later one waits, whatever its namespace", func(ctx context.Context) {
		first, second := newWorld(ctx), newWorld(ctx)
		first.settle(ctx)
		guarded := first.bucketPolicy(ctx)
		second.federation.Spec.Buckets[0].Name = first.name
		Expect(h.Client.Create(ctx, second.federation)).To(Succeed())
		second.reconcileIssuer(ctx)
		Expect(second.reconcile(ctx)).To(Succeed())
		Expect(second.condition(v1alpha1.ConditionBucketPoliciesApplied)).To(And(
			HaveField("Status", metav1.ConditionFalse), HaveField("Reason", v1alpha1.ReasonPrefixClaimed),
			HaveField("Message", And(ContainSubstring(first.federation.Namespace+"/"+first.federation.Name), ContainSubstring(first.issuer.Spec.IssuerURL)))))
		Expect(second.condition(v1alpha1.ConditionTrustPolicyApplied)).To(HaveField("Reason", v1alpha1.ReasonWaitingForBuckets))
		Expect(first.bucketPolicy(ctx)).To(Equal(guarded))
		first.untilVerified(ctx)

		By("and goes on when the earlier one is gone")
		Expect(h.Client.Delete(ctx, first.federation)).To(Succeed())
		Expect(first.reconcile(ctx)).To(Succeed())
		Expect(first.gone(ctx)).To(BeTrue())
		second.untilVerified(ctx)
	})

	It("must not lie within a wallet of each other, though the issuer is one", func(ctx context.Context) {
		first := newWorld(ctx)
		first.settle(ctx)
		second := first.sibling(ctx, prefixOfAWallet)
		Expect(h.Client.Create(ctx, second.federation)).To(Succeed())
		Expect(second.reconcile(ctx)).To(Succeed())
		Expect(second.condition(v1alpha1.ConditionBucketPoliciesApplied)).To(And(
			HaveField("Reason", v1alpha1.ReasonPrefixClaimed), HaveField("Message", ContainSubstring("single wallet"))))
	})

	It("may give one prefix to the wallets of one issuer through two roles", func(ctx context.Context) {
		first := newWorld(ctx)
		first.settle(ctx)
		second := first.sibling(ctx, "bots/")
		second.settle(ctx)
		first.untilVerified(ctx)
	})

	It("may give out a folder of each other's prefix to the wallets of two issuers", func(ctx context.Context) {
		first, second := newWorld(ctx), newWorld(ctx)
		first.settle(ctx)
		second.federation.Spec.Buckets[0].Name, second.federation.Spec.Buckets[0].Prefix = first.name, "bots/archive/"
		second.settle(ctx)
	})

	It("are no matter to one that only observes, and it none to them", func(ctx context.Context) {
		first, second := newWorld(ctx), newWorld(ctx)
		second.federation.Spec.ManagementPolicy = v1alpha1.ManagementObserve
		second.federation.Spec.Buckets[0].Name = first.name
		Expect(h.Client.Create(ctx, second.federation)).To(Succeed())
		second.reconcileIssuer(ctx)
		first.settle(ctx)
		Expect(second.reconcile(ctx)).To(Succeed())
		Expect(second.condition(v1alpha1.ConditionBucketPoliciesApplied)).NotTo(HaveField("Reason", v1alpha1.ReasonPrefixClaimed))
	})
})
