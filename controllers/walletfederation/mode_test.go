package walletfederation_test

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	corev1 "k8s.io/api/core/v1"

	"github.com/litentry/wallet-federation/api/v1alpha1"
)

var _ = Describe("A WalletFederation that observes", func() {
	It("writes nothing and says exactly what it would change", func(ctx context.Context) {
		w := newWorld(ctx)
		w.federation.Spec.ManagementPolicy = v1alpha1.ManagementObserve
		w.federation.Spec.Role.BroadGrants = v1alpha1.BroadGrantsRemove
		Expect(h.Admin.PutInlinePolicy(ctx, w.name, "quick-fix", everything)).To(Succeed())
		Expect(h.Client.Create(ctx, w.federation)).To(Succeed())
		w.reconcileIssuer(ctx)
		w.reconcileIssuer(ctx)
		h.Cloud.ResetCalls()
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.reconcile(ctx)).To(Succeed())

		Expect(h.Writes()).To(BeEmpty())
		Expect(w.condition(v1alpha1.ConditionBucketPoliciesApplied)).To(HaveField("Reason", v1alpha1.ReasonObserved))
		Expect(w.condition(v1alpha1.ConditionTrustPolicyApplied)).To(HaveField("Reason", v1alpha1.ReasonObserved))
		Expect(w.federation.Status.Differences).To(ConsistOf(
			And(HaveField("Kind", "bucket policy"), HaveField("Name", w.name), HaveField("Changes", ContainElement(ContainSubstring("DenyForeignObjects is missing")))),
			And(HaveField("Kind", "role"), HaveField("Changes", ContainElement(ContainSubstring("JustForNow")))),
			And(HaveField("Kind", "trust policy"), HaveField("Changes", ContainElement(ContainSubstring("AssumeRole is missing")))),
		))
		different := 0
		for _, event := range w.told() {
			if matched, err := ContainSubstring(v1alpha1.ReasonDifferent).Match(event); err == nil && matched {
				different++
			}
		}
		Expect(different).To(Equal(3), "each difference is told once, however often it is seen")
		err := h.Client.Get(ctx, client.ObjectKey{Namespace: w.federation.Namespace, Name: w.federation.OriginalsSecretName()}, &corev1.Secret{})
		Expect(apierrors.IsNotFound(err)).To(BeTrue(), "what is only looked at is nobody's to answer for")

		w.update(ctx, func(spec *v1alpha1.WalletFederationSpec) { spec.ManagementPolicy = v1alpha1.ManagementManage })
		w.untilVerified(ctx)
		Expect(w.federation.Status.Differences).To(BeEmpty())
	})

	It("leaves AWS alone when it is deleted", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		trust, bucket := w.trustPolicy(ctx), w.bucketPolicy(ctx)
		w.update(ctx, func(spec *v1alpha1.WalletFederationSpec) { spec.ManagementPolicy = v1alpha1.ManagementObserve })
		Expect(h.Client.Delete(ctx, w.federation)).To(Succeed())
		h.Cloud.ResetCalls()
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.gone(ctx)).To(BeTrue())
		Expect(h.Writes()).To(BeEmpty())
		Expect(w.trustPolicy(ctx)).To(Equal(trust))
		Expect(w.bucketPolicy(ctx)).To(Equal(bucket))
	})
})

var _ = Describe("The annotation that forces a look", func() {
	It("proves the isolation anew, once for each value", func(ctx context.Context) {
		w := newWorld(ctx)
		w.federation.Spec.Verification.Interval.Duration = 24 * time.Hour
		w.settle(ctx)
		w.clock.advance(3 * time.Minute)
		Expect(w.reconcile(ctx)).To(Succeed())
		proven := w.federation.Status.Isolation.ProbeTime

		w.clock.advance(time.Minute)
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.federation.Status.Isolation.ProbeTime).To(Equal(proven))

		base := client.MergeFrom(w.federation.DeepCopy())
		metav1.SetMetaDataAnnotation(&w.federation.ObjectMeta, v1alpha1.ReconcileAnnotation, "after the incident")
		Expect(h.Client.Patch(ctx, w.federation, base)).To(Succeed())
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.federation.Status.LastForced).To(Equal("after the incident"))
		forced := w.federation.Status.Isolation.ProbeTime
		Expect(forced.Time).To(BeTemporally(">", proven.Time))

		w.clock.advance(time.Minute)
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.federation.Status.Isolation.ProbeTime).To(Equal(forced))
	})
})
