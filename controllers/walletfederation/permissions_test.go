package walletfederation_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	"github.com/litentry/wallet-federation/test/administrator"
)

// documentedPermissions is the policy of docs/iam-permissions.md, for one world.
func (w *world) documentedPermissions() string {
	GinkgoHelper()
	page, err := os.ReadFile(filepath.Join(h.Root, "docs", "iam-permissions.md"))
	Expect(err).NotTo(HaveOccurred())
	_, rest, found := strings.Cut(string(page), "```json\n")
	Expect(found).To(BeTrue())
	policy, _, found := strings.Cut(rest, "```")
	Expect(found).To(BeTrue())
	return strings.NewReplacer(
		"ACCOUNT", "123456789012",
		"ISSUER_HOST", strings.TrimPrefix(w.issuer.Spec.IssuerURL, "http://"),
		"role/ROLE", "role/"+w.name,
		"BUCKET", w.name,
	).Replace(policy)
}

var _ = Describe("The documented IAM permissions", func() {
	It("are all that the operator needs, from the first apply to the deletion", func(ctx context.Context) {
		w := newWorld(ctx)
		operator := w.name + "-operator"
		Expect(h.Admin.CreateRole(ctx, operator)).To(Succeed())
		Expect(h.Admin.PutInlinePolicy(ctx, operator, "documented", w.documentedPermissions())).To(Succeed())
		session, err := h.Admin.STS.AssumeRole(ctx, &sts.AssumeRoleInput{
			RoleArn: aws.String("arn:aws:iam::123456789012:role/" + operator), RoleSessionName: aws.String("operator"),
		})
		Expect(err).NotTo(HaveOccurred())
		secret := w.secret(ctx, "aws")
		secret.Data = map[string][]byte{
			"aws_access_key_id":     []byte(*session.Credentials.AccessKeyId),
			"aws_secret_access_key": []byte(*session.Credentials.SecretAccessKey),
			"aws_session_token":     []byte(*session.Credentials.SessionToken),
		}
		Expect(h.Client.Update(ctx, secret)).To(Succeed())

		Expect(h.Admin.PutInlinePolicy(ctx, w.name, "legacy", broadGrant)).To(Succeed())
		w.federation.Spec.Role.BroadGrants = v1alpha1.BroadGrantsRemove
		w.soften(ctx)
		w.federation.Spec.Buckets[0].Hygiene = v1alpha1.HygieneEnforce
		w.settle(ctx)
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.condition(v1alpha1.ConditionBucketsHardened)).To(HaveField("Status", metav1.ConditionTrue))

		By("asking whose a bucket is that it may not touch")
		w.refuse("AllAccessDisabled", 403, "GetBucketPolicy")
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.condition(v1alpha1.ConditionBucketPoliciesApplied)).To(And(
			HaveField("Reason", v1alpha1.ReasonBucketForbidden), HaveField("Message", Not(ContainSubstring("ListAllMyBuckets")))))
		h.InjectFault(nil)
		Expect(h.Client.Delete(ctx, w.federation)).To(Succeed())
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.gone(ctx)).To(BeTrue())
		Expect(w.trustPolicy(ctx)).To(Equal(administrator.OriginalTrust))

		Expect(h.Client.Delete(ctx, w.issuer)).To(Succeed())
		w.reconcileIssuer(ctx)
		for _, call := range h.Cloud.Calls() {
			if strings.Contains(call.Principal, operator) {
				Expect(call.Code).NotTo(BeElementOf("AccessDenied", "UnauthorizedOperation"), call.Action())
			}
		}
	})
})
