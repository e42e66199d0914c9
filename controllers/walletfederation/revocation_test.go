package walletfederation_test

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	"github.com/litentry/wallet-federation/internal/wallet"
)

const revokeSid = "Revoke2"

// revoke puts revocations into the spec; a nil key stands for everybody.
func (w *world) revoke(ctx context.Context, before time.Time, keys ...*wallet.Key) {
	GinkgoHelper()
	w.update(ctx, func(spec *v1alpha1.WalletFederationSpec) {
		for _, key := range keys {
			revocation := v1alpha1.Revocation{Before: new(metav1.NewTime(before))}
			if key != nil {
				revocation.Wallet = string(key.Address())
			}
			spec.Revocations = append(spec.Revocations, revocation)
		}
	})
}

func (w *world) setMaxSession(ctx context.Context, longest time.Duration) {
	GinkgoHelper()
	_, err := h.Admin.IAM.UpdateRole(ctx, &iam.UpdateRoleInput{RoleName: &w.name, MaxSessionDuration: aws.Int32(int32(longest.Seconds()))})
	Expect(err).NotTo(HaveOccurred())
}

// nextSecond is a time that sessions of before and of after can be told by.
func nextSecond() time.Time { return time.Now().Truncate(time.Second).Add(time.Second) }

var _ = Describe("A revoked wallet", func() {
	It("loses the sessions that it has, keeps those that it buys later, and concerns no other wallet", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		key, otherKey := newKey(), newKey()
		session, other := w.session(ctx, key), w.session(ctx, otherKey)
		Expect(session.put(ctx)).To(BeEmpty())
		Expect(other.put(ctx)).To(BeEmpty())
		proven := *w.federation.Status.Isolation

		w.revoke(ctx, nextSecond(), key)
		w.clock.advance(2 * time.Second)
		w.untilVerified(ctx)
		Expect(w.bucketPolicy(ctx)).To(ContainSubstring(revokeSid))
		Expect(w.federation.Status.Isolation.DocumentsHash).NotTo(Equal(proven.DocumentsHash))
		Expect(w.federation.Status.Isolation.ProbeTime.Time).To(BeTemporally(">", proven.ProbeTime.Time), "it is proven again")
		for what, code := range map[string]string{"put": session.put(ctx), "get": session.get(ctx), "list": session.list(ctx)} {
			Expect(code).To(Equal("AccessDenied"), what)
		}
		Expect([]string{other.put(ctx), other.get(ctx), other.list(ctx)}).To(HaveEach(BeEmpty()))
		Eventually(func() string { return w.session(ctx, key).put(ctx) }).WithTimeout(10 * time.Second).Should(BeEmpty())

		h.Cloud.ResetCalls()
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(h.Writes()).To(BeEmpty())
	})

	It("is kept out until a time that is to come, with everybody", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		key := newKey()
		w.revoke(ctx, time.Now().Truncate(time.Second).Add(time.Hour), nil)
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.session(ctx, key).put(ctx)).To(Equal("AccessDenied"))
		Expect(w.condition(v1alpha1.ConditionBucketPoliciesApplied)).To(HaveField("Status", metav1.ConditionTrue))
		Expect(w.condition(v1alpha1.ConditionIsolationVerified)).To(And(
			HaveField("Status", metav1.ConditionUnknown), HaveField("Reason", v1alpha1.ReasonRevoked)))

		w.update(ctx, func(spec *v1alpha1.WalletFederationSpec) { spec.Revocations = nil })
		w.untilVerified(ctx)
		Expect(w.session(ctx, key).put(ctx)).To(BeEmpty())
	})

	It("leaves the policy when its last session has ended, and the operator looks at that moment", func(ctx context.Context) {
		w := newWorld(ctx)
		w.federations.Resync = 24 * time.Hour
		w.federation.Spec.Verification.Interval.Duration = 24 * time.Hour
		w.settle(ctx)
		before := nextSecond()
		w.revoke(ctx, before, newKey())
		w.untilVerified(ctx)

		const stays = time.Hour + 10*time.Minute
		w.clock.advance(time.Until(before.Add(stays)) - 20*time.Second)
		result, err := w.federations.Reconcile(ctx, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(w.federation)})
		Expect(err).NotTo(HaveOccurred())
		Expect(result.RequeueAfter).To(BeNumerically("<=", 20*time.Second))
		Expect(w.bucketPolicy(ctx)).To(ContainSubstring(revokeSid))

		w.told()
		w.clock.advance(21 * time.Second)
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.bucketPolicy(ctx)).NotTo(ContainSubstring(revokeSid))
		Expect(w.bucketPolicy(ctx)).To(ContainSubstring("DenyForeignObjects"))
		Expect(w.told()).To(And(ContainElement(ContainSubstring(v1alpha1.ReasonDocumentWritten)),
			Not(ContainElement(ContainSubstring(v1alpha1.ReasonDriftRepaired)))), "nobody changed anything")

		h.Cloud.ResetCalls()
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(h.Writes()).To(BeEmpty(), "the spec still has it")
	})

	It("stays revoked for as long as the role's sessions could last before somebody shortened them", func(ctx context.Context) {
		w := newWorld(ctx)
		w.setMaxSession(ctx, 12*time.Hour)
		w.settle(ctx)
		w.revoke(ctx, nextSecond(), newKey())
		w.setMaxSession(ctx, time.Hour)
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.bucketPolicy(ctx)).To(ContainSubstring(revokeSid))
		w.clock.advance(2 * time.Hour)
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.bucketPolicy(ctx)).To(ContainSubstring(revokeSid))
		w.clock.advance(11 * time.Hour)
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.bucketPolicy(ctx)).NotTo(ContainSubstring(revokeSid))
	})
})

var _ = Describe("More revocations than a bucket policy holds", func() {
	It("are refused with the figure, and the guard that is there stays", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		guarded := w.bucketPolicy(ctx)
		w.update(ctx, func(spec *v1alpha1.WalletFederationSpec) {
			for i := range 100 {
				before := metav1.NewTime(nextSecond().Add(time.Duration(i) * time.Second))
				spec.Revocations = append(spec.Revocations, v1alpha1.Revocation{Wallet: fmt.Sprintf("0x%040x", i), Before: &before})
			}
		})
		h.Cloud.ResetCalls()
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(h.Writes()).To(BeEmpty())
		Expect(w.bucketPolicy(ctx)).To(Equal(guarded))
		Expect(w.condition(v1alpha1.ConditionBucketPoliciesApplied)).To(And(
			HaveField("Status", metav1.ConditionFalse), HaveField("Reason", v1alpha1.ReasonPolicyTooLarge),
			HaveField("Message", MatchRegexp(`of \d{5} bytes is over AWS's limit of 20480`))))

		// Wallets of one time share a statement.
		w.update(ctx, func(spec *v1alpha1.WalletFederationSpec) {
			for i := range spec.Revocations {
				spec.Revocations[i].Before = spec.Revocations[0].Before
			}
		})
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.condition(v1alpha1.ConditionBucketPoliciesApplied)).To(HaveField("Status", metav1.ConditionTrue))
	})
})
