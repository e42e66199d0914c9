package walletfederation

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	ctrlevent "sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	"github.com/litentry/wallet-federation/internal/account"
	"github.com/litentry/wallet-federation/internal/awsapi"
	"github.com/litentry/wallet-federation/internal/condition"
	"github.com/litentry/wallet-federation/internal/document"
	"github.com/litentry/wallet-federation/internal/event"
	"github.com/litentry/wallet-federation/internal/period"
)

const (
	// concurrency is how many federations are reconciled at once: a proof waits
	// for AWS most of its time.
	concurrency = 4
	// retryInterval is the time between looks at something in AWS that is not as
	// it must be and that we cannot change: nothing wakes us when somebody does.
	retryInterval = 10 * time.Second
)

// Reconciler reconciles WalletFederations.
type Reconciler struct {
	// Client reads and writes the cluster; Secrets are read without a cache.
	Client client.Client
	// Accounts opens AWS accounts.
	Accounts *account.Opener
	// HTTPClient reaches the broker through its public URL.
	HTTPClient *http.Client
	// Events tells of changes.
	Events event.Recorder
	// Resync is the time between looks at a settled federation: within it drift is found.
	Resync time.Duration
	// Backoff paces looks that fail; NewBackoff makes one.
	Backoff workqueue.TypedRateLimiter[types.UID]
	// Now is the clock.
	Now func() time.Time

	// bucketWrites keeps federations that share a bucket from writing its policy
	// over each other's. Writes are rare, so one lock serves all buckets.
	bucketWrites sync.Mutex
	hardenings   hardenings
}

// NewBackoff returns the pace of looks that fail: after a second, then after
// twice as long each time, up to a minute.
func NewBackoff() workqueue.TypedRateLimiter[types.UID] {
	return workqueue.NewTypedItemExponentialFailureRateLimiter[types.UID](time.Second, time.Minute)
}

// +kubebuilder:rbac:groups=federation.litentry.org,resources=walletfederations,verbs=get;list;watch;update;patch
// +kubebuilder:rbac:groups=federation.litentry.org,resources=walletfederations/status,verbs=patch
// +kubebuilder:rbac:groups=federation.litentry.org,resources=walletfederations/finalizers,verbs=update
// +kubebuilder:rbac:groups=federation.litentry.org,resources=oidcissuers,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=secrets,verbs=get;create;update;delete
// +kubebuilder:rbac:groups="",resources=configmaps,verbs=get;list;watch;create;update
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// SetupWithManager registers the controller and its watches.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.WalletFederation{}, builder.WithPredicates(wished)).
		Watches(&v1alpha1.OIDCIssuer{}, handler.EnqueueRequestsFromMapFunc(r.federationsOf), builder.WithPredicates(issuerChanged)).
		WithOptions(controller.Options{MaxConcurrentReconciles: concurrency, RateLimiter: period.RateLimiter()}).
		Complete(r)
}

// issuerChanged passes what concerns federations of their issuer: its spec, its
// key, its providers, and whether it is ready. A message that differs does not.
var issuerChanged = predicate.Funcs{UpdateFunc: func(e ctrlevent.UpdateEvent) bool {
	before, ok := e.ObjectOld.(*v1alpha1.OIDCIssuer)
	after, alsoOK := e.ObjectNew.(*v1alpha1.OIDCIssuer)
	return ok && alsoOK && (before.Generation != after.Generation ||
		before.Status.ActiveKeyID != after.Status.ActiveKeyID ||
		!slices.Equal(before.Status.Accounts, after.Status.Accounts) ||
		meta.IsStatusConditionTrue(before.Status.Conditions, v1alpha1.ConditionReady) !=
			meta.IsStatusConditionTrue(after.Status.Conditions, v1alpha1.ConditionReady))
}}

// federationsOf maps an issuer to the federations that use it. The cache holds
// them all, so a failure to list is one of the process, and the next resync
// makes up for it.
func (r *Reconciler) federationsOf(ctx context.Context, issuer client.Object) []reconcile.Request {
	var list v1alpha1.WalletFederationList
	if err := r.Client.List(ctx, &list, client.InNamespace(issuer.GetNamespace())); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "listing WalletFederations of an issuer")
		return nil
	}
	var requests []reconcile.Request
	for i := range list.Items {
		if list.Items[i].Spec.IssuerRef.Name == issuer.GetName() {
			requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&list.Items[i])})
		}
	}
	return requests
}

// pass is one reconcile of one federation: what it looks at, what it found, and
// what it says of it.
type pass struct {
	*Reconciler
	*condition.Pass

	federation *v1alpha1.WalletFederation
	// stored is the federation as the API server has it: the base of patches.
	stored *v1alpha1.WalletFederation
	// requeue is when to look again, the smallest that a step asked for.
	requeue time.Duration

	issuer  *v1alpha1.OIDCIssuer
	account *v1alpha1.AccountSpec
	aws     *awsapi.Account
	// identity is who we are in the account.
	identity awsapi.Identity
	// documents makes the documents that are wanted.
	documents document.Federation
	// world is what is in force.
	world world
	// ledger is what the federation answers for.
	ledger *ledger
	// others are the other federations, once they are listed.
	others []v1alpha1.WalletFederation
	listed bool
	// differences are what is left otherwise than it must be.
	differences []v1alpha1.DifferenceStatus
}

func (r *Reconciler) newPass(federation *v1alpha1.WalletFederation) *pass {
	return &pass{
		Reconciler: r,
		Pass: condition.NewPass(v1alpha1.ConditionIssuerReady, v1alpha1.ConditionBucketPoliciesApplied,
			v1alpha1.ConditionRoleConfined, v1alpha1.ConditionTrustPolicyApplied, v1alpha1.ConditionIsolationVerified).
			Beside(v1alpha1.ConditionBucketsHardened),
		federation: federation,
		stored:     federation.DeepCopy(),
		requeue:    period.Jitter(r.Resync),
	}
}

// Reconcile brings one federation closer to its spec.
func (r *Reconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	federation := &v1alpha1.WalletFederation{}
	if err := r.Client.Get(ctx, request.NamespacedName, federation); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	if !federation.DeletionTimestamp.IsZero() {
		return r.finalize(ctx, federation)
	}
	if before := federation.DeepCopy(); controllerutil.AddFinalizer(federation, v1alpha1.Finalizer) {
		if err := r.Client.Patch(ctx, federation, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); err != nil {
			return reconcile.Result{}, err
		}
	}

	p := r.newPass(federation)
	err := p.run(ctx)
	for _, changed := range p.Finish(federation) {
		p.Events.Changed(federation, &changed)
	}
	patchErr := p.patchStatus(ctx)
	if apierrors.IsConflict(patchErr) {
		// The cache lags behind our last patch, or the user was faster.
		p.requeueWithin(time.Second)
		patchErr = nil
	}
	if err := errors.Join(err, patchErr); err != nil {
		return reconcile.Result{}, err
	}
	return reconcile.Result{RequeueAfter: p.requeue}, nil
}

// run takes the steps, in the order that opens no window: the guard, the grants,
// the trust policy, the proof.
func (p *pass) run(ctx context.Context) error {
	if ok, err := p.resolve(ctx); !ok {
		return err
	}
	if ok, err := p.observe(ctx); !ok {
		return err
	}
	bucketErr := p.ensureBucketPolicies(ctx)
	hygieneErr := p.ensureBucketsHardened(ctx)
	roleErr := p.ensureRoleConfined(ctx)
	droppedErr := p.releaseDropped(ctx)
	trustErr := p.ensureTrustPolicy(ctx)
	p.tellDifferences()
	err := errors.Join(bucketErr, hygieneErr, roleErr, droppedErr, trustErr, p.verifyIsolation(ctx))
	if err == nil {
		p.settleForced()
	}
	return err
}

// requeueWithin asks for another look within d.
func (p *pass) requeueWithin(d time.Duration) { p.requeue = min(p.requeue, period.Jitter(d)) }

// patchStatus writes the status if it is not what the API server has.
func (p *pass) patchStatus(ctx context.Context) error {
	if equality.Semantic.DeepEqual(p.stored.Status, p.federation.Status) {
		return nil
	}
	if err := p.Client.Status().Patch(ctx, p.federation, client.MergeFromWithOptions(p.stored, client.MergeFromWithOptimisticLock{})); err != nil {
		return client.IgnoreNotFound(err)
	}
	p.stored = p.federation.DeepCopy()
	return nil
}
