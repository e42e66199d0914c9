package walletfederation_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	"github.com/litentry/wallet-federation/internal/document"
	"github.com/litentry/wallet-federation/internal/localaws"
	"github.com/litentry/wallet-federation/test/administrator"
)

// addSecond gives the federation a second bucket, on which nothing is wrong.
func (w *world) addSecond(ctx context.Context) string {
	GinkgoHelper()
	second := w.name + "-second"
	Expect(h.Admin.CreateBucket(ctx, second)).To(Succeed())
	bucket := w.federation.Spec.Buckets[0]
	bucket.Name = second
	w.federation.Spec.Buckets = append(w.federation.Spec.Buckets, bucket)
	return second
}

// expectBadBucket takes a pass over a federation whose first bucket is in a bad
// way, and requires that the second is guarded and that nobody gets in.
func (w *world) expectBadBucket(ctx context.Context, reason string, words ...string) {
	GinkgoHelper()
	second := w.addSecond(ctx)
	Expect(h.Client.Create(ctx, w.federation)).To(Succeed())
	w.reconcileIssuer(ctx)
	Expect(w.reconcile(ctx)).To(Succeed())
	Expect(w.condition(v1alpha1.ConditionBucketPoliciesApplied)).To(And(
		HaveField("Status", metav1.ConditionFalse), HaveField("Reason", reason)))
	for _, word := range words {
		Expect(w.condition(v1alpha1.ConditionBucketPoliciesApplied)).To(HaveField("Message", ContainSubstring(word)))
	}
	Expect(h.Admin.BucketPolicy(ctx, second)).To(ContainSubstring("DenyForeignObjects"), "the other buckets go on")
	Expect(w.trustPolicy(ctx)).To(Equal(administrator.OriginalTrust))
}

// refuse answers an operation on the first bucket with an error.
func (w *world) refuse(code string, status int, operations ...string) {
	bucket := w.federation.Spec.Buckets[0].Name
	h.InjectFault(func(call localaws.Call) *localaws.Fault {
		for _, operation := range operations {
			if call.Operation == operation && (call.Resource == bucket || operation == "ListBuckets") {
				return &localaws.Fault{Code: code, Status: status}
			}
		}
		return nil
	})
}

// sid is a Sid of the federation's own.
func (w *world) sid(purpose string) string {
	return string(document.Federation{RoleARN: "arn:aws:iam::123456789012:role/" + w.name}.SidPrefix()) + purpose
}

var _ = Describe("A bucket on a bad day", func() {
	It("is in another region", func(ctx context.Context) {
		w := newWorld(ctx)
		w.refuse("AuthorizationHeaderMalformed", 400, "GetBucketPolicy")
		w.expectBadBucket(ctx, v1alpha1.ReasonBucketElsewhere, "us-east-1", "take it out of the spec")
	})

	It("is of another account, which lets us read it", func(ctx context.Context) {
		w := newWorld(ctx)
		w.refuse("MethodNotAllowed", 405, "GetBucketPolicy")
		w.expectBadBucket(ctx, v1alpha1.ReasonBucketElsewhere, "123456789012")
	})

	It("is of another account, which tells us nothing", func(ctx context.Context) {
		w := newWorld(ctx)
		w.federation.Spec.Buckets[0].Name = w.name + "-theirs"
		w.refuse("AccessDenied", 403, "GetBucketPolicy")
		w.expectBadBucket(ctx, v1alpha1.ReasonBucketElsewhere, "another account than 123456789012")
	})

	It("is ours, and may not be read", func(ctx context.Context) {
		w := newWorld(ctx)
		w.refuse("AccessDenied", 403, "GetBucketPolicy")
		w.expectBadBucket(ctx, v1alpha1.ReasonBucketForbidden, "s3:GetBucketPolicy", "docs/iam-permissions.md")
	})

	It("may be neither read nor asked for", func(ctx context.Context) {
		w := newWorld(ctx)
		w.refuse("AccessDenied", 403, "GetBucketPolicy", "ListBuckets")
		w.expectBadBucket(ctx, v1alpha1.ReasonBucketForbidden, "s3:GetBucketPolicy", "s3:ListAllMyBuckets")
	})

	It("may not be written", func(ctx context.Context) {
		w := newWorld(ctx)
		w.refuse("AccessDenied", 403, "PutBucketPolicy")
		w.expectBadBucket(ctx, v1alpha1.ReasonBucketForbidden, "s3:PutBucketPolicy")
	})

	It("lets the public in, and blocks that nobody may do so", func(ctx context.Context) {
		w := newWorld(ctx)
		w.soften(ctx)
		Expect(h.Admin.PutBucketPolicy(ctx, w.name,
			`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::`+w.name+`/*"}}`)).To(Succeed())
		w.refuse("AccessDenied", 403, "PutBucketPolicy")
		w.expectBadBucket(ctx, v1alpha1.ReasonBucketForbidden, "lets the public in")
	})

	It("has a policy in which our statements would change the meaning of others", func(ctx context.Context) {
		w := newWorld(ctx)
		theirs := `{"Version":"2008-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::` + w.name + `/${aws:username}/*"}]}`
		Expect(h.Admin.PutBucketPolicy(ctx, w.name, theirs)).To(Succeed())
		w.expectBadBucket(ctx, v1alpha1.ReasonPolicyInvalid, "Statement[0]", "not rewritten")
		Expect(w.bucketPolicy(ctx)).To(Equal(theirs))
	})

	It("has a statement of somebody else under a Sid of ours", func(ctx context.Context) {
		w := newWorld(ctx)
		other := w.name + "-other"
		Expect(h.Admin.CreateRole(ctx, other)).To(Succeed())
		theirs := `{"Version":"2012-10-17","Statement":[{"Sid":"` + w.sid("AllowRead") + `","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/` + other + `"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::` + w.name + `/*"}]}`
		Expect(h.Admin.PutBucketPolicy(ctx, w.name, theirs)).To(Succeed())
		w.expectBadBucket(ctx, v1alpha1.ReasonSidTaken, "Statement[0]", w.sid("AllowRead"))
		Expect(w.bucketPolicy(ctx)).To(Equal(theirs))
	})

	It("has no room in its policy", func(ctx context.Context) {
		w := newWorld(ctx)
		var statements []string
		for i := range 60 {
			statements = append(statements, fmt.Sprintf(`{"Sid":"Theirs%d","Effect":"Deny","Principal":"*","Action":"s3:DeleteObject","Resource":"arn:aws:s3:::%s/%s"}`, i, w.name, strings.Repeat("x", 180)))
		}
		theirs := `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
		Expect(h.Admin.PutBucketPolicy(ctx, w.name, theirs)).To(Succeed())
		w.expectBadBucket(ctx, v1alpha1.ReasonPolicyTooLarge, "limit of 20480")
		Expect(w.bucketPolicy(ctx)).To(Equal(theirs))
	})

	It("names a role that is gone, and S3 takes no policy that does", func(ctx context.Context) {
		w := newWorld(ctx)
		gone := w.name + "-gone"
		Expect(h.Admin.CreateRole(ctx, gone)).To(Succeed())
		Expect(h.Admin.PutBucketPolicy(ctx, w.name, `{"Version":"2012-10-17","Statement":[{"Sid":"Backup","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/`+gone+`"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::`+w.name+`/*"}]}`)).To(Succeed())
		_, err := h.Admin.IAM.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: &gone})
		Expect(err).NotTo(HaveOccurred())
		theirs := w.bucketPolicy(ctx)
		w.expectBadBucket(ctx, v1alpha1.ReasonPolicyInvalid, `Statement[0] (Sid "Backup")`, "AROA", "remove")
		Expect(w.bucketPolicy(ctx)).To(Equal(theirs))
	})

	It("does not know a new role yet, or refuses it for good", func(ctx context.Context) {
		w := newWorld(ctx)
		w.refuse("MalformedPolicy", 400, "PutBucketPolicy")
		Expect(h.Client.Create(ctx, w.federation)).To(Succeed())
		w.reconcileIssuer(ctx)
		Expect(w.reconcile(ctx)).NotTo(Succeed(), "it is tried again")
		Expect(w.condition(v1alpha1.ConditionBucketPoliciesApplied)).To(HaveField("Status", metav1.ConditionUnknown))
		w.clock.advance(3 * time.Minute)
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.condition(v1alpha1.ConditionBucketPoliciesApplied)).To(And(
			HaveField("Status", metav1.ConditionFalse), HaveField("Reason", v1alpha1.ReasonPolicyInvalid)))
		h.InjectFault(nil)
		w.clock.advance(-3 * time.Minute)
		w.untilVerified(ctx)
	})
})
