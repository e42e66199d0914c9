package walletfederation_test

import (
	"context"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	"github.com/litentry/wallet-federation/test/administrator"
	"github.com/litentry/wallet-federation/test/harness"
)

const broadGrant = `{"Version":"2012-10-17","Statement":[{"Sid":"Logs","Effect":"Allow","Action":"logs:PutLogEvents","Resource":"*"},{"Sid":"JustForNow","Effect":"Allow","Action":"s3:*","Resource":"*"}]}`

var _ = Describe("Applying a WalletFederation", func() {
	It("guards the bucket before it opens the role, and proves the isolation", func(ctx context.Context) {
		w := newWorld(ctx)
		h.Cloud.ResetCalls()
		w.settle(ctx)

		writes := h.Writes()
		guard, trust := slices.Index(writes, "s3:PutBucketPolicy"), slices.Index(writes, "iam:UpdateAssumeRolePolicy")
		Expect(guard).To(BeNumerically(">=", 0), "%v", writes)
		Expect(trust).To(BeNumerically(">", guard), "%v", writes)

		evidence := w.federation.Status.Isolation
		Expect(evidence.Failed).To(BeZero())
		Expect(evidence.Passed).To(BeNumerically(">", 20))
		Expect(evidence.VerifiedTime).NotTo(BeNil())
		Expect(evidence.KeyID).NotTo(BeEmpty())
		config := &corev1.ConfigMap{}
		Expect(h.Client.Get(ctx, client.ObjectKey{Namespace: w.federation.Namespace, Name: evidence.EvidenceRef}, config)).To(Succeed())
		Expect(config.Data["documents.sha256"]).To(Equal(evidence.DocumentsHash))
	})

	It("writes nothing to AWS and nothing to the API server once the world is settled", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		before := w.federation.ResourceVersion
		h.Cloud.ResetCalls()
		for range 3 {
			Expect(w.reconcile(ctx)).To(Succeed())
		}
		Expect(h.Cloud.Calls()).NotTo(BeEmpty(), "it must have looked")
		Expect(h.Writes()).To(BeEmpty())
		Expect(w.federation.ResourceVersion).To(Equal(before))
	})

	It("keeps what somebody else wrote in the bucket policy, and the original in a Secret", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		Expect(w.bucketPolicy(ctx)).To(ContainSubstring(administrator.ForeignSid))
		originals := string(w.secret(ctx, w.federation.OriginalsSecretName()).Data["originals.json"])
		Expect(originals).To(ContainSubstring(administrator.ForeignSid))
		Expect(originals).To(ContainSubstring("Operations"), "the original trust policy")
	})

	It("takes its statements out of a bucket that leaves the spec", func(ctx context.Context) {
		w := newWorld(ctx)
		second := w.name + "-second"
		Expect(h.Admin.CreateBucket(ctx, second)).To(Succeed())
		bucket := w.federation.Spec.Buckets[0]
		bucket.Name = second
		w.federation.Spec.Buckets = append(w.federation.Spec.Buckets, bucket)
		w.settle(ctx)
		Expect(h.Admin.BucketPolicy(ctx, second)).To(ContainSubstring("WalletFederation"))

		w.update(ctx, func(spec *v1alpha1.WalletFederationSpec) { spec.Buckets = spec.Buckets[:1] })
		Expect(w.reconcile(ctx)).To(Succeed())
		policy, err := h.Admin.BucketPolicy(ctx, second)
		Expect(err).NotTo(HaveOccurred())
		Expect(policy).To(Equal(administrator.ForeignPolicy(second)))
	})
})

var _ = Describe("A WalletFederation that cannot be applied", func() {
	It("says which role to create", func(ctx context.Context) {
		w := newWorld(ctx)
		w.federation.Spec.Role.Name = w.name + "-absent"
		Expect(h.Client.Create(ctx, w.federation)).To(Succeed())
		w.reconcileIssuer(ctx)
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.condition(v1alpha1.ConditionRoleConfined)).To(And(
			HaveField("Reason", v1alpha1.ReasonRoleNotFound), HaveField("Status", metav1.ConditionFalse),
			HaveField("Message", ContainSubstring("create it"))))
		Expect(w.condition(v1alpha1.ConditionIsolationVerified)).To(HaveField("Status", metav1.ConditionUnknown))
		Expect(w.bucketPolicy(ctx)).NotTo(ContainSubstring("WalletFederation"))
	})

	It("says which bucket to create, and does not open the role", func(ctx context.Context) {
		w := newWorld(ctx)
		w.federation.Spec.Buckets[0].Name = w.name + "-absent"
		Expect(h.Client.Create(ctx, w.federation)).To(Succeed())
		w.reconcileIssuer(ctx)
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.condition(v1alpha1.ConditionBucketPoliciesApplied)).To(And(
			HaveField("Reason", v1alpha1.ReasonBucketNotFound), HaveField("Status", metav1.ConditionFalse),
			HaveField("Message", ContainSubstring("create the bucket"))))
		Expect(w.condition(v1alpha1.ConditionTrustPolicyApplied)).To(HaveField("Reason", v1alpha1.ReasonWaitingForBuckets))
		Expect(w.trustPolicy(ctx)).To(Equal(administrator.OriginalTrust))
	})

	It("says that credentials are missing, incomplete or refused", func(ctx context.Context) {
		w := newWorld(ctx)
		Expect(h.Client.Create(ctx, w.federation)).To(Succeed())
		w.reconcileIssuer(ctx)
		secret := w.secret(ctx, "aws")

		secret.Data["aws_secret_access_key"] = []byte("wrong")
		Expect(h.Client.Update(ctx, secret)).To(Succeed())
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.condition(v1alpha1.ConditionIssuerReady)).To(And(
			HaveField("Reason", v1alpha1.ReasonCredentialsInvalid), HaveField("Status", metav1.ConditionFalse),
			HaveField("Message", ContainSubstring("SignatureDoesNotMatch"))))

		delete(secret.Data, "aws_secret_access_key")
		Expect(h.Client.Update(ctx, secret)).To(Succeed())
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.condition(v1alpha1.ConditionIssuerReady)).To(And(
			HaveField("Reason", v1alpha1.ReasonCredentialsMissing), HaveField("Message", ContainSubstring("aws_secret_access_key"))))

		Expect(h.Client.Delete(ctx, secret)).To(Succeed())
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.condition(v1alpha1.ConditionIssuerReady)).To(HaveField("Reason", v1alpha1.ReasonCredentialsMissing))
	})

	It("waits for an issuer that is not there, and for an account that it does not have", func(ctx context.Context) {
		w := newWorld(ctx)
		w.federation.Spec.IssuerRef.Name = "absent"
		Expect(h.Client.Create(ctx, w.federation)).To(Succeed())
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.condition(v1alpha1.ConditionIssuerReady)).To(HaveField("Reason", v1alpha1.ReasonIssuerNotFound))

		other := harness.Federation(w.issuer, w.name+"-2")
		other.Spec.Account = "elsewhere"
		w.federation = other
		Expect(h.Client.Create(ctx, w.federation)).To(Succeed())
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.condition(v1alpha1.ConditionIssuerReady)).To(HaveField("Reason", v1alpha1.ReasonAccountNotFound))
	})

	It("does not open a role that reaches beyond the buckets, and names the statement", func(ctx context.Context) {
		w := newWorld(ctx)
		Expect(h.Admin.PutInlinePolicy(ctx, w.name, "legacy", broadGrant)).To(Succeed())
		Expect(h.Client.Create(ctx, w.federation)).To(Succeed())
		w.reconcileIssuer(ctx)
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.condition(v1alpha1.ConditionRoleConfined)).To(And(
			HaveField("Reason", v1alpha1.ReasonBroadGrant),
			HaveField("Message", And(ContainSubstring("legacy"), ContainSubstring("JustForNow")))))
		Expect(w.condition(v1alpha1.ConditionTrustPolicyApplied)).To(HaveField("Reason", v1alpha1.ReasonWaitingForRole))
		Expect(w.trustPolicy(ctx)).To(Equal(administrator.OriginalTrust))
	})

	It("takes out the granting statement alone where the spec says so, and keeps the original", func(ctx context.Context) {
		w := newWorld(ctx)
		Expect(h.Admin.PutInlinePolicy(ctx, w.name, "legacy", broadGrant)).To(Succeed())
		w.federation.Spec.Role.BroadGrants = v1alpha1.BroadGrantsRemove
		w.settle(ctx)
		Expect(w.inlinePolicy(ctx, "legacy")).To(And(ContainSubstring("Logs"), Not(ContainSubstring("JustForNow"))))
		Expect(string(w.secret(ctx, w.federation.OriginalsSecretName()).Data["originals.json"])).To(ContainSubstring("JustForNow"))
	})

	It("refuses a role that carries the wallet tag", func(ctx context.Context) {
		w := newWorld(ctx)
		w.tagRole(ctx, "AgentKeys_User_Wallet")
		Expect(h.Client.Create(ctx, w.federation)).To(Succeed())
		w.reconcileIssuer(ctx)
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.condition(v1alpha1.ConditionRoleConfined)).To(HaveField("Reason", v1alpha1.ReasonWalletTagOnRole))
		Expect(w.condition(v1alpha1.ConditionTrustPolicyApplied)).To(HaveField("Reason", v1alpha1.ReasonWalletTagOnRole))
		Expect(w.trustPolicy(ctx)).To(Equal(administrator.OriginalTrust))
	})

	It("leaves a role to the federation that had it first", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		trust := w.trustPolicy(ctx)
		first := w.federation
		w.federation = harness.Federation(w.issuer, w.name+"-late")
		w.federation.Spec.Role.Name = w.name
		w.federation.Spec.Buckets[0].Name = w.name
		Expect(h.Client.Create(ctx, w.federation)).To(Succeed())
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.condition(v1alpha1.ConditionTrustPolicyApplied)).To(And(
			HaveField("Reason", v1alpha1.ReasonRoleClaimed), HaveField("Message", ContainSubstring(first.Name))))
		Expect(w.trustPolicy(ctx)).To(Equal(trust))
	})
})
