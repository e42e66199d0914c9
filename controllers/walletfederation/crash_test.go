package walletfederation_test

import (
	"context"
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	"github.com/litentry/wallet-federation/internal/localaws"
)

// guards are the purposes of the statements without which an open role leaks.
var guards = []string{"DenyBadTag", "DenyForeignObjects", "DenyForeignLists", "DenyBucketActions", "DenyACLWrites", "DenyAccessPoints"}

// open reports whether the role lets tokens of the issuer in.
func (w *world) open(ctx context.Context) bool {
	return strings.Contains(w.trustPolicy(ctx), "oidc-provider/")
}

// expectNoWindow requires that the role is closed or the bucket is guarded.
func (w *world) expectNoWindow(ctx context.Context, when string) {
	GinkgoHelper()
	if !w.open(ctx) {
		return
	}
	policy := w.bucketPolicy(ctx)
	for _, guard := range guards {
		Expect(policy).To(ContainSubstring(guard), "%s: the role is open and the bucket lacks a guard", when)
	}
}

// killedAt runs do with a context that ends at the operator's nth call to AWS,
// which takes its effect or not. It reports whether there were that many calls.
func killedAt(ctx context.Context, n int, afterEffect bool, do func(context.Context)) bool {
	passCtx, kill := context.WithCancel(ctx)
	defer kill()
	calls, reached := 0, false
	h.InjectFault(func(call localaws.Call) *localaws.Fault {
		if call.Principal != h.Admin.ARN || reached {
			return nil
		}
		calls++
		if calls < n {
			return nil
		}
		reached = true
		kill()
		return &localaws.Fault{Code: "ServiceFailure", Status: 500, AfterEffect: afterEffect}
	})
	do(passCtx)
	h.InjectFault(nil)
	return reached
}

// killEverywhere reconciles again and again, killed at the first call, then at the
// second, and so on until a pass runs to its end; check is called after each.
func (w *world) killEverywhere(ctx context.Context, afterEffect bool, check func(when string)) {
	GinkgoHelper()
	const many = 60
	request := reconcile.Request{NamespacedName: client.ObjectKeyFromObject(w.federation)}
	for n := 1; n < many; n++ {
		reached := killedAt(ctx, n, afterEffect, func(passCtx context.Context) {
			_, _ = w.federations.Reconcile(passCtx, request)
		})
		check(fmt.Sprintf("killed at call %d", n))
		if !reached {
			return
		}
	}
	Fail("a pass makes more calls than it can need")
}

var _ = Describe("Killing the operator at any call to AWS", func() {
	for _, afterEffect := range []bool{false, true} {
		when := map[bool]string{false: "before", true: "after"}[afterEffect]

		It("leaves no window on the way up, "+when+" the call takes effect", func(ctx context.Context) {
			w := newWorld(ctx)
			w.reconcileIssuer(ctx)
			Expect(h.Client.Create(ctx, w.federation)).To(Succeed())
			w.killEverywhere(ctx, afterEffect, func(when string) { w.expectNoWindow(ctx, when) })
			w.untilVerified(ctx)
		})

		It("leaves no window on the way down, "+when+" the call takes effect", func(ctx context.Context) {
			w := newWorld(ctx)
			w.settle(ctx)
			Expect(h.Client.Delete(ctx, w.federation)).To(Succeed())
			w.killEverywhere(ctx, afterEffect, func(when string) { w.expectNoWindow(ctx, when) })
			Expect(w.gone(ctx)).To(BeTrue())
			Expect(w.open(ctx)).To(BeFalse())
		})
	}

	It("never lets a proof stand for documents that are not in force", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		proven := w.bucketPolicy(ctx)
		w.update(ctx, func(spec *v1alpha1.WalletFederationSpec) {
			spec.Buckets[0].Access = []v1alpha1.Access{v1alpha1.AccessList, v1alpha1.AccessRead, v1alpha1.AccessWrite}
		})
		w.killEverywhere(ctx, true, func(when string) {
			w.refresh(ctx)
			verified := w.condition(v1alpha1.ConditionIsolationVerified)
			if verified.Status == metav1.ConditionTrue && verified.ObservedGeneration != w.federation.Generation {
				Expect(w.bucketPolicy(ctx)).To(Equal(proven), when)
			}
		})
		w.untilVerified(ctx)
	})
})
