package walletfederation_test

import (
	"context"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	"github.com/litentry/wallet-federation/internal/localaws"
	"github.com/litentry/wallet-federation/test/administrator"
	"github.com/litentry/wallet-federation/test/harness"
)

// loosen takes every condition out of the trust policy in force.
func (w *world) loosen(ctx context.Context) {
	GinkgoHelper()
	w.setTrustPolicy(ctx, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::123456789012:oidc-provider/`+
		strings.TrimPrefix(w.issuer.Spec.IssuerURL, "http://")+`"},"Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession"]}]}`)
}

var _ = Describe("What a federation answers for", func() {
	It("is nothing, for one that was refused the role: deleting it touches nothing", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		trust, bucket := w.trustPolicy(ctx), w.bucketPolicy(ctx)
		owner := w.federation
		w.federation = harness.Federation(w.issuer, w.name+"-late")
		w.federation.Spec.Role.Name, w.federation.Spec.Buckets[0].Name = w.name, w.name
		Expect(h.Client.Create(ctx, w.federation)).To(Succeed())
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.condition(v1alpha1.ConditionTrustPolicyApplied)).To(HaveField("Reason", v1alpha1.ReasonRoleClaimed))

		Expect(h.Client.Delete(ctx, w.federation)).To(Succeed())
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.gone(ctx)).To(BeTrue())
		Expect(w.trustPolicy(ctx)).To(Equal(trust))
		Expect(w.bucketPolicy(ctx)).To(Equal(bucket))
		w.federation = owner
		w.untilVerified(ctx)
	})

	It("is undone for one that is deleted in the middle of its first pass", func(ctx context.Context) {
		w := newWorld(ctx)
		w.reconcileIssuer(ctx)
		Expect(h.Client.Create(ctx, w.federation)).To(Succeed())
		h.InjectFault(func(call localaws.Call) *localaws.Fault {
			if call.Operation == "UpdateAssumeRolePolicy" {
				Expect(h.Client.Delete(ctx, w.federation)).To(Succeed())
				h.InjectFault(nil)
			}
			return nil
		})
		_ = w.reconcile(ctx)
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.gone(ctx)).To(BeTrue())
		Expect(w.trustPolicy(ctx)).To(Equal(administrator.OriginalTrust))
		Expect(w.bucketPolicy(ctx)).To(Equal(administrator.ForeignPolicy(w.name)))
	})

	It("is told anew after Retain: what a user wrote in between is the original then", func(ctx context.Context) {
		w := newWorld(ctx)
		w.federation.Spec.DeletionPolicy = v1alpha1.DeletionRetain
		w.settle(ctx)
		Expect(h.Client.Delete(ctx, w.federation)).To(Succeed())
		Expect(w.reconcile(ctx)).To(Succeed())
		const theirs = `{"Version":"2012-10-17","Statement":[{"Sid":"Newer","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"sts:AssumeRole"}]}`
		w.setTrustPolicy(ctx, theirs)

		w.federation = harness.Federation(w.issuer, w.name)
		w.settle(ctx)
		Expect(h.Client.Delete(ctx, w.federation)).To(Succeed())
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.gone(ctx)).To(BeTrue())
		Expect(w.trustPolicy(ctx)).To(Equal(theirs))
	})

	It("keeps the guard when the role is opened again while the federation waits to go", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		Expect(h.Admin.PutInlinePolicy(ctx, w.name, "quick-fix", everything)).To(Succeed())
		Expect(h.Client.Delete(ctx, w.federation)).To(Succeed())
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.condition(v1alpha1.ConditionReady)).To(And(HaveField("Status", metav1.ConditionFalse), HaveField("Reason", v1alpha1.ReasonDeleting)))
		Expect(w.condition(v1alpha1.ConditionIsolationVerified)).To(HaveField("Status", metav1.ConditionUnknown))

		w.loosen(ctx)
		w.clock.advance(2 * time.Hour)
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.gone(ctx)).To(BeFalse())
		Expect(w.bucketPolicy(ctx)).To(ContainSubstring("DenyForeignObjects"))
		Expect(w.condition(v1alpha1.ConditionReady)).To(HaveField("Reason", v1alpha1.ReasonDeletionBlocked))
	})

	It("keeps the guard when the original trust policy itself lets tokens in", func(ctx context.Context) {
		w := newWorld(ctx)
		w.reconcileIssuer(ctx)
		w.loosen(ctx)
		w.settle(ctx)
		Expect(h.Client.Delete(ctx, w.federation)).To(Succeed())
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.gone(ctx)).To(BeFalse())
		w.expectNoWindow(ctx, "after the deletion")
		Expect(w.condition(v1alpha1.ConditionReady)).To(HaveField("Message", ContainSubstring("take the provider out of it")))
	})
})

var _ = Describe("A hole that the probe cannot see", func() {
	It("keeps the isolation from being called verified", func(ctx context.Context) {
		w := newWorld(ctx)
		w.federation.Spec.Buckets[0].Access = []v1alpha1.Access{v1alpha1.AccessRead}
		w.settle(ctx)
		w.update(ctx, func(spec *v1alpha1.WalletFederationSpec) { spec.Suspend = true })
		Expect(h.Admin.StripGuard(ctx, w.name)).To(Succeed())
		Expect(h.Admin.PutInlinePolicy(ctx, w.name, "reader",
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}`)).To(Succeed())
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.condition(v1alpha1.ConditionIsolationVerified)).NotTo(HaveField("Status", metav1.ConditionTrue))
	})

	It("does not keep a loosened trust policy from being tightened", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		ours := w.trustPolicy(ctx)
		w.loosen(ctx)
		w.tagRole(ctx, "agentkeys_user_wallet")
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.trustPolicy(ctx)).To(Equal(ours))
		Expect(w.condition(v1alpha1.ConditionIsolationVerified)).NotTo(HaveField("Status", metav1.ConditionTrue))
	})

	It("keeps the guard on a bucket that leaves the spec while the role reaches it", func(ctx context.Context) {
		w := newWorld(ctx)
		second := w.name + "-second"
		Expect(h.Admin.CreateBucket(ctx, second)).To(Succeed())
		bucket := w.federation.Spec.Buckets[0]
		bucket.Name = second
		w.federation.Spec.Buckets = append(w.federation.Spec.Buckets, bucket)
		w.settle(ctx)
		Expect(h.Admin.PutInlinePolicy(ctx, w.name, "quick-fix", everything)).To(Succeed())
		w.update(ctx, func(spec *v1alpha1.WalletFederationSpec) { spec.Buckets = spec.Buckets[:1] })
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(h.Admin.BucketPolicy(ctx, second)).To(ContainSubstring("DenyForeignObjects"))
		Expect(w.condition(v1alpha1.ConditionBucketPoliciesApplied)).To(And(
			HaveField("Status", metav1.ConditionFalse), HaveField("Message", ContainSubstring(second))))
	})
})

var _ = Describe("Another writer of the bucket policy", func() {
	It("loses nothing when it writes between our look and our write", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		Expect(h.Admin.StripGuard(ctx, w.name)).To(Succeed())
		const late = "WrittenMeanwhile"
		theirs := strings.Replace(w.bucketPolicy(ctx), `"Statement":[`,
			`"Statement":[{"Sid":"`+late+`","Effect":"Deny","Principal":"*","Action":"s3:DeleteBucket","Resource":"arn:aws:s3:::`+w.name+`"},`, 1)
		// The first look at the bucket is that of the pass, the second the one right
		// before the write: the other writer slips in between.
		looks, wrote := 0, false
		h.InjectFault(func(call localaws.Call) *localaws.Fault {
			if call.Operation != "GetBucketPolicy" || wrote {
				return nil
			}
			looks++
			if looks == 2 {
				wrote = true
				Expect(h.Admin.PutBucketPolicy(ctx, w.name, theirs)).To(Succeed())
			}
			return nil
		})
		Expect(w.reconcile(ctx)).To(Succeed())
		h.InjectFault(nil)
		Expect(wrote).To(BeTrue())
		Expect(w.bucketPolicy(ctx)).To(And(ContainSubstring(late), ContainSubstring("DenyForeignObjects"), ContainSubstring(administrator.ForeignSid)))
	})
})

var _ = Describe("An issuer whose account does not answer", func() {
	It("does not blind its federations", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		h.InjectFault(func(call localaws.Call) *localaws.Fault {
			if call.Operation == "GetOpenIDConnectProvider" {
				return &localaws.Fault{Code: "AccessDenied", Status: 403}
			}
			return nil
		})
		w.reconcileIssuer(ctx)
		h.InjectFault(nil)
		Expect(h.Admin.StripGuard(ctx, w.name)).To(Succeed())
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.bucketPolicy(ctx)).To(ContainSubstring("DenyForeignObjects"))
	})
})
