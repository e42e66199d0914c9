package walletfederation_test

import (
	"context"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	"github.com/litentry/wallet-federation/internal/localaws"
	"github.com/litentry/wallet-federation/test/administrator"
)

const late = "WrittenMeanwhile"

// withLate is a policy with one more statement of somebody else.
func (w *world) withLate(policy string) string {
	return strings.Replace(policy, `"Statement":[`,
		`"Statement":[{"Sid":"`+late+`","Effect":"Deny","Principal":"*","Action":"s3:DeleteBucket","Resource":"arn:aws:s3:::`+w.name+`"},`, 1)
}

// atCall does something right before the operator's nth call of an operation on
// the bucket, and may break the call.
func (w *world) atCall(operation string, nth int, do func() *localaws.Fault) (done func() bool) {
	var mu sync.Mutex
	calls := 0
	h.InjectFault(func(call localaws.Call) *localaws.Fault {
		if call.Operation != operation || call.Resource != w.name || call.Principal != h.Admin.ARN {
			return nil
		}
		mu.Lock()
		calls++
		now := calls == nth
		mu.Unlock()
		if now {
			return do()
		}
		return nil
	})
	return func() bool {
		mu.Lock()
		defer mu.Unlock()
		return calls >= nth
	}
}

var _ = Describe("A write of the bucket policy that meets another", func() {
	It("is made again at once when the other one was made from what was there before", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		Expect(h.Admin.StripGuard(ctx, w.name)).To(Succeed())
		theirs := w.withLate(w.bucketPolicy(ctx))
		// The looks: that of the pass, the one right before the write, and the one
		// after it, before which somebody puts what he read long ago.
		done := w.atCall("GetBucketPolicy", 3, func() *localaws.Fault {
			Expect(h.Admin.PutBucketPolicy(ctx, w.name, theirs)).To(Succeed())
			return nil
		})
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(done()).To(BeTrue())
		Expect(w.bucketPolicy(ctx)).To(And(ContainSubstring(late), ContainSubstring("DenyForeignObjects"), ContainSubstring(administrator.ForeignSid)))
	})

	It("is made again from what is there after a conflict", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		Expect(h.Admin.StripGuard(ctx, w.name)).To(Succeed())
		theirs := w.withLate(w.bucketPolicy(ctx))
		w.atCall("PutBucketPolicy", 1, func() *localaws.Fault {
			h.InjectFault(nil)
			Expect(h.Admin.PutBucketPolicy(ctx, w.name, theirs)).To(Succeed())
			return &localaws.Fault{Code: "OperationAborted", Status: 409}
		})
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.bucketPolicy(ctx)).To(And(ContainSubstring(late), ContainSubstring("DenyForeignObjects")))
	})

	It("is not sent again blindly after a failure", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		Expect(h.Admin.StripGuard(ctx, w.name)).To(Succeed())
		theirs := w.withLate(w.bucketPolicy(ctx))
		w.atCall("PutBucketPolicy", 1, func() *localaws.Fault {
			h.InjectFault(nil)
			Expect(h.Admin.PutBucketPolicy(ctx, w.name, theirs)).To(Succeed())
			return &localaws.Fault{Code: "InternalError", Status: 500}
		})
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.bucketPolicy(ctx)).To(And(ContainSubstring(late), ContainSubstring("DenyForeignObjects")))
	})

	It("is given up for a while when it goes on", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		Expect(h.Admin.StripGuard(ctx, w.name)).To(Succeed())
		puts := 0
		h.InjectFault(func(call localaws.Call) *localaws.Fault {
			if call.Operation != "PutBucketPolicy" {
				return nil
			}
			puts++
			return &localaws.Fault{Code: "OperationAborted", Status: 409}
		})
		Expect(w.reconcile(ctx)).NotTo(Succeed())
		Expect(puts).To(Equal(4))
		Expect(w.condition(v1alpha1.ConditionBucketPoliciesApplied)).To(And(
			HaveField("Status", metav1.ConditionUnknown), HaveField("Message", ContainSubstring("OperationAborted"))))
		h.InjectFault(nil)
		w.untilVerified(ctx)
	})

	It("is not repeated upon a late answer, which may hide what came since", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		Expect(h.Admin.StripGuard(ctx, w.name)).To(Succeed())
		stale := w.bucketPolicy(ctx)
		w.atCall("GetBucketPolicy", 3, func() *localaws.Fault {
			Expect(h.Admin.PutBucketPolicy(ctx, w.name, stale)).To(Succeed())
			return nil
		})
		h.Cloud.ResetCalls()
		Expect(w.reconcile(ctx)).NotTo(Succeed())
		h.InjectFault(nil)
		Expect(called("PutBucketPolicy")).To(Equal(2), "one of the operator, one of the other writer")
		w.untilVerified(ctx)
	})

	It("is followed by another look soon", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		Expect(h.Admin.StripGuard(ctx, w.name)).To(Succeed())
		result, err := w.federations.Reconcile(ctx, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(w.federation)})
		Expect(err).NotTo(HaveOccurred())
		Expect(result.RequeueAfter).To(BeNumerically("<=", 15*time.Second))
	})
})

var _ = Describe("Two managers that share a bucket", func() {
	It("converge, lose nothing of others, and then write no more", func(ctx context.Context) {
		first, second := newWorld(ctx), newWorld(ctx)
		second.federation.Spec.Buckets[0].Name, second.federation.Spec.Buckets[0].Prefix = first.name, "agents/"
		for _, w := range []*world{first, second} {
			Expect(h.Client.Create(ctx, w.federation)).To(Succeed())
			w.reconcileIssuer(ctx)
		}
		var managers sync.WaitGroup
		for _, w := range []*world{first, second} {
			managers.Go(func() {
				defer GinkgoRecover()
				for range 5 {
					_, _ = w.federations.Reconcile(ctx, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(w.federation)})
				}
			})
		}
		managers.Wait()
		first.untilVerified(ctx)
		second.untilVerified(ctx)
		Expect(first.bucketPolicy(ctx)).To(And(
			ContainSubstring(first.sid("DenyForeignObjects")), ContainSubstring(second.sid("DenyForeignObjects")),
			ContainSubstring(administrator.ForeignSid)))
		h.Cloud.ResetCalls()
		Expect(first.reconcile(ctx)).To(Succeed())
		Expect(second.reconcile(ctx)).To(Succeed())
		Expect(h.Writes()).To(BeEmpty())
	})
})
