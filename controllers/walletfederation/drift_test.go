package walletfederation_test

import (
	"context"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	"github.com/litentry/wallet-federation/internal/localaws"
	"github.com/litentry/wallet-federation/internal/probewallet"
	"github.com/litentry/wallet-federation/internal/wallet"
	"github.com/litentry/wallet-federation/test/administrator"
)

const everything = `{"Version":"2012-10-17","Statement":[{"Sid":"JustForNow","Effect":"Allow","Action":"s3:*","Resource":"*"}]}`

var _ = Describe("Drift", func() {
	It("is repaired in the bucket policy and the role, told of, and proven again", func(ctx context.Context) {
		w := newWorld(ctx)
		w.federation.Spec.Role.BroadGrants = v1alpha1.BroadGrantsRemove
		w.settle(ctx)
		proven := w.federation.Status.Isolation.ProbeTime
		w.told()

		Expect(h.Admin.StripGuard(ctx, w.name)).To(Succeed())
		Expect(h.Admin.PutInlinePolicy(ctx, w.name, "quick-fix", everything)).To(Succeed())
		w.clock.advance(2 * time.Second)
		Expect(w.reconcile(ctx)).To(Succeed())

		Expect(w.bucketPolicy(ctx)).To(And(ContainSubstring("DenyForeignObjects"), ContainSubstring(administrator.ForeignSid)))
		Expect(h.Admin.InlinePolicies(ctx, w.name)).To(BeEmpty())
		Expect(w.condition(v1alpha1.ConditionIsolationVerified)).To(HaveField("Status", metav1.ConditionTrue))
		Expect(w.federation.Status.Isolation.ProbeTime.Time).To(BeTemporally(">", proven.Time))
		Expect(w.told()).To(ContainElements(
			And(ContainSubstring(v1alpha1.ReasonDriftRepaired), ContainSubstring("DenyForeignObjects")),
			And(ContainSubstring(v1alpha1.ReasonGrantRemoved), ContainSubstring("JustForNow")),
			ContainSubstring(v1alpha1.ReasonDocumentsChanged)))
	})

	It("is repaired in the trust policy", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		ours := w.trustPolicy(ctx)
		w.setTrustPolicy(ctx, administrator.OriginalTrust)
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.trustPolicy(ctx)).To(Equal(ours))
	})

	It("takes the proof back before it is repaired, so that no crash leaves it standing", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		Expect(h.Admin.StripGuard(ctx, w.name)).To(Succeed())

		passCtx, kill := context.WithCancel(ctx)
		h.InjectFault(func(call localaws.Call) *localaws.Fault {
			if call.Write && call.Principal == h.Admin.ARN {
				kill()
				return &localaws.Fault{Code: "ServiceFailure", Status: 500}
			}
			return nil
		})
		_, err := w.federations.Reconcile(passCtx, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(w.federation)})
		Expect(err).To(HaveOccurred())
		w.refresh(ctx)
		Expect(w.condition(v1alpha1.ConditionIsolationVerified)).To(And(
			HaveField("Status", metav1.ConditionUnknown), HaveField("Reason", v1alpha1.ReasonDocumentsChanged)))
		Expect(w.condition(v1alpha1.ConditionReady)).To(HaveField("Status", metav1.ConditionUnknown))
	})
})

var _ = Describe("A suspended WalletFederation", func() {
	It("writes nothing, names what opened, and says that it leaks", func(ctx context.Context) {
		w := newWorld(ctx)
		w.federation.Spec.Role.BroadGrants = v1alpha1.BroadGrantsRemove
		w.settle(ctx)
		verified := w.federation.Status.Isolation.VerifiedTime
		w.update(ctx, func(spec *v1alpha1.WalletFederationSpec) { spec.Suspend = true })
		Expect(h.Admin.StripGuard(ctx, w.name)).To(Succeed())
		Expect(h.Admin.PutInlinePolicy(ctx, w.name, "quick-fix", everything)).To(Succeed())
		h.Cloud.ResetCalls()
		Expect(w.reconcile(ctx)).To(Succeed())

		Expect(h.Writes()).To(BeEmpty())
		Expect(w.condition(v1alpha1.ConditionBucketPoliciesApplied)).To(And(
			HaveField("Reason", v1alpha1.ReasonSuspended), HaveField("Message", ContainSubstring("DenyForeignObjects"))))
		Expect(w.condition(v1alpha1.ConditionRoleConfined)).To(And(
			HaveField("Reason", v1alpha1.ReasonBroadGrant), HaveField("Message", ContainSubstring("JustForNow"))))
		Expect(w.condition(v1alpha1.ConditionIsolationVerified)).To(And(
			HaveField("Status", metav1.ConditionFalse), HaveField("Reason", v1alpha1.ReasonIsolationBroken),
			HaveField("Message", ContainSubstring("request id"))))
		evidence := w.federation.Status.Isolation
		Expect(evidence.Failed).To(BeNumerically(">", 0))
		Expect(evidence.Failures).NotTo(BeEmpty())
		Expect(evidence.VerifiedTime).To(Equal(verified), "when it was last proven is not forgotten")

		w.update(ctx, func(spec *v1alpha1.WalletFederationSpec) { spec.Suspend = false })
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.condition(v1alpha1.ConditionIsolationVerified)).To(HaveField("Status", metav1.ConditionTrue))
	})
})

var _ = Describe("The proof", func() {
	It("is repeated when the interval is over, and not before", func(ctx context.Context) {
		w := newWorld(ctx)
		w.federation.Spec.Verification.Interval.Duration = time.Minute
		w.settle(ctx)
		first := w.federation.Status.Isolation.ProbeTime
		w.clock.advance(3 * time.Minute)
		Expect(w.reconcile(ctx)).To(Succeed())
		second := w.federation.Status.Isolation.ProbeTime
		Expect(second.Time).To(BeTemporally(">", first.Time))

		w.clock.advance(50 * time.Second)
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.federation.Status.Isolation.ProbeTime).To(Equal(second))

		w.clock.advance(20 * time.Second)
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.federation.Status.Isolation.ProbeTime.Time).To(BeTemporally(">", second.Time))
	})

	It("is repeated when documents have had the time to propagate, whatever the interval", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		first := w.federation.Status.Isolation.ProbeTime
		w.clock.advance(time.Minute)
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.federation.Status.Isolation.ProbeTime).To(Equal(first))
		w.clock.advance(time.Minute + 5*time.Second)
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.federation.Status.Isolation.ProbeTime.Time).To(BeTemporally(">", first.Time))
	})

	It("is unknown, and not false, when the probe cannot look", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		passed := w.federation.Status.Isolation.Passed
		h.InjectFault(func(call localaws.Call) *localaws.Fault {
			if call.Operation == "AssumeRoleWithWebIdentity" {
				return &localaws.Fault{Code: "IDPCommunicationError", Status: 400}
			}
			return nil
		})
		w.update(ctx, func(spec *v1alpha1.WalletFederationSpec) {
			spec.Buckets[0].Access = []v1alpha1.Access{v1alpha1.AccessList, v1alpha1.AccessRead, v1alpha1.AccessWrite}
		})
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.condition(v1alpha1.ConditionIsolationVerified)).To(And(
			HaveField("Status", metav1.ConditionUnknown), HaveField("Reason", v1alpha1.ReasonProbeFailed)))
		Expect(w.federation.Status.Isolation.Passed).To(Equal(passed), "the evidence of the last proof stays")
	})

	It("holds no key, bearer or token in status, evidence or events", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		config := &corev1.ConfigMap{}
		Expect(h.Client.Get(ctx, client.ObjectKey{Namespace: w.federation.Namespace, Name: w.federation.Status.Isolation.EvidenceRef}, config)).To(Succeed())
		told := append(w.told(), config.Data["evidence.json"], fmt.Sprintf("%+v", w.federation.Status))
		for _, text := range told {
			Expect(text).NotTo(ContainSubstring("eyJ"), "the beginning of a JWT")
		}
		pair, err := probewallet.Parse(w.secret(ctx, w.issuer.ProbeWalletSecretName()).Data)
		Expect(err).NotTo(HaveOccurred())
		for _, key := range []*wallet.Key{pair[0], pair[1]} {
			for _, text := range told {
				Expect(text).NotTo(ContainSubstring(key.Hex()))
			}
		}
	})
})
