package walletfederation_test

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	"github.com/litentry/wallet-federation/internal/localaws"
	"github.com/litentry/wallet-federation/test/administrator"
)

// soften takes away what a new bucket has against the public and against ACLs.
func (w *world) soften(ctx context.Context) {
	GinkgoHelper()
	_, err := h.Admin.S3.DeletePublicAccessBlock(ctx, &s3.DeletePublicAccessBlockInput{Bucket: &w.name})
	Expect(err).NotTo(HaveOccurred())
	_, err = h.Admin.S3.DeleteBucketOwnershipControls(ctx, &s3.DeleteBucketOwnershipControlsInput{Bucket: &w.name})
	Expect(err).NotTo(HaveOccurred())
}

func (w *world) publicAccessBlock(ctx context.Context) types.PublicAccessBlockConfiguration {
	GinkgoHelper()
	out, err := h.Admin.S3.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: &w.name})
	Expect(err).NotTo(HaveOccurred())
	return *out.PublicAccessBlockConfiguration
}

func blocks(publicPolicy bool) types.PublicAccessBlockConfiguration {
	return types.PublicAccessBlockConfiguration{
		BlockPublicAcls: aws.Bool(true), IgnorePublicAcls: aws.Bool(true),
		BlockPublicPolicy: aws.Bool(publicPolicy), RestrictPublicBuckets: aws.Bool(true),
	}
}

// called counts the operator's calls of an operation.
func called(operation string) int {
	count := 0
	for _, call := range h.Cloud.Calls() {
		if call.Principal == h.Admin.ARN && call.Operation == operation {
			count++
		}
	}
	return count
}

func (w *world) force(ctx context.Context, wish string) {
	GinkgoHelper()
	base := client.MergeFrom(w.federation.DeepCopy())
	metav1.SetMetaDataAnnotation(&w.federation.ObjectMeta, v1alpha1.ReconcileAnnotation, wish)
	Expect(h.Client.Patch(ctx, w.federation, base)).To(Succeed())
}

var _ = Describe("The hygiene of a bucket", func() {
	It("is reported, and Ready does not wait for it", func(ctx context.Context) {
		w := newWorld(ctx)
		w.soften(ctx)
		w.settle(ctx) // requires Ready
		Expect(w.condition(v1alpha1.ConditionBucketsHardened)).To(And(
			HaveField("Status", metav1.ConditionFalse), HaveField("Reason", v1alpha1.ReasonNotHardened),
			HaveField("Message", And(ContainSubstring("BlockPublicPolicy is off"), ContainSubstring("BucketOwnerEnforced is off"), ContainSubstring("hygiene")))))
		Expect(w.federation.Status.Differences).To(BeEmpty(), "nobody asked for it to be otherwise")
	})

	It("is looked at once in an hour, or when somebody asks", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		Expect(w.condition(v1alpha1.ConditionBucketsHardened)).To(HaveField("Status", metav1.ConditionTrue))
		w.soften(ctx)
		h.Cloud.ResetCalls()
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(called("GetPublicAccessBlock") + called("GetBucketOwnershipControls")).To(BeZero())

		w.force(ctx, "now")
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.condition(v1alpha1.ConditionBucketsHardened)).To(HaveField("Status", metav1.ConditionFalse))
		Expect(called("GetPublicAccessBlock")).To(Equal(1))
		w.clock.advance(time.Hour)
		_ = w.reconcile(ctx)
		Expect(called("GetPublicAccessBlock")).To(Equal(2))
	})

	It("is enforced where the spec says so, and nothing but what is off is written", func(ctx context.Context) {
		w := newWorld(ctx)
		_, err := h.Admin.S3.DeletePublicAccessBlock(ctx, &s3.DeletePublicAccessBlockInput{Bucket: &w.name})
		Expect(err).NotTo(HaveOccurred())
		w.settle(ctx)
		h.Cloud.ResetCalls()
		w.update(ctx, func(spec *v1alpha1.WalletFederationSpec) { spec.Buckets[0].Hygiene = v1alpha1.HygieneEnforce })
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.condition(v1alpha1.ConditionBucketsHardened)).To(HaveField("Status", metav1.ConditionTrue))
		Expect(w.publicAccessBlock(ctx)).To(Equal(blocks(true)))
		Expect(h.Writes()).To(Equal([]string{"s3:PutPublicAccessBlock"}))

		By("and the guard can still be written")
		Expect(h.Admin.StripGuard(ctx, w.name)).To(Succeed())
		w.untilVerified(ctx)
	})

	It("is left alone by a federation that writes nothing, which says what is off", func(ctx context.Context) {
		w := newWorld(ctx)
		w.soften(ctx)
		w.federation.Spec.Buckets[0].Hygiene = v1alpha1.HygieneEnforce
		w.federation.Spec.ManagementPolicy = v1alpha1.ManagementObserve
		Expect(h.Client.Create(ctx, w.federation)).To(Succeed())
		w.reconcileIssuer(ctx)
		w.reconcileIssuer(ctx)
		h.Cloud.ResetCalls()
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(h.Writes()).To(BeEmpty())
		Expect(w.condition(v1alpha1.ConditionBucketsHardened)).To(HaveField("Message", ContainSubstring(v1alpha1.ReasonObserved)))
		Expect(w.federation.Status.Differences).To(ContainElement(And(
			HaveField("Kind", "bucket hardening"), HaveField("Changes", HaveLen(5)))))
	})

	It("does not lock the guard out of a policy that lets the public in", func(ctx context.Context) {
		w := newWorld(ctx)
		w.soften(ctx)
		public := `{"Version":"2012-10-17","Statement":[{"Sid":"Website","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::` + w.name + `/public/*"}]}`
		Expect(h.Admin.PutBucketPolicy(ctx, w.name, public)).To(Succeed())
		w.federation.Spec.Buckets[0].Hygiene = v1alpha1.HygieneEnforce
		w.settle(ctx)
		Expect(w.publicAccessBlock(ctx)).To(Equal(blocks(false)))
		Expect(w.condition(v1alpha1.ConditionBucketsHardened)).To(And(
			HaveField("Status", metav1.ConditionFalse), HaveField("Message", ContainSubstring("lets the public in"))))
		h.Cloud.ResetCalls()
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(h.Writes()).To(BeEmpty())
		Expect(h.Admin.StripGuard(ctx, w.name)).To(Succeed())
		w.untilVerified(ctx)

		Expect(h.Admin.PutBucketPolicy(ctx, w.name, administrator.ForeignPolicy(w.name))).To(Succeed())
		Expect(w.reconcile(ctx)).To(Succeed())
		w.force(ctx, "the website is gone")
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.publicAccessBlock(ctx)).To(Equal(blocks(true)))
	})

	It("that may not be read says so and holds nothing up", func(ctx context.Context) {
		w := newWorld(ctx)
		h.InjectFault(func(call localaws.Call) *localaws.Fault {
			if call.Operation == "GetPublicAccessBlock" {
				return &localaws.Fault{Code: "AccessDenied", Status: 403}
			}
			return nil
		})
		w.settle(ctx)
		Expect(w.condition(v1alpha1.ConditionBucketsHardened)).To(And(
			HaveField("Status", metav1.ConditionFalse), HaveField("Reason", v1alpha1.ReasonAWSError),
			HaveField("Message", ContainSubstring("s3:GetPublicAccessBlock"))))
	})
})
