package oidcissuer

import (
	"context"
	"errors"
	"net/http"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
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
	"github.com/litentry/wallet-federation/internal/condition"
	"github.com/litentry/wallet-federation/internal/event"
	"github.com/litentry/wallet-federation/internal/period"
)

// fieldOwner is the name under which the operator applies objects.
const fieldOwner = "wallet-federation"

// concurrency is how many issuers are reconciled at once: one whose URL does not
// answer must not keep the others waiting.
const concurrency = 4

// pollInterval is the time between looks at something outside of the cluster
// that is not as it must be: nothing wakes us when it changes.
const pollInterval = 5 * time.Second

// Reconciler reconciles OIDCIssuers.
type Reconciler struct {
	// Client reads and writes the cluster; Secrets are read without a cache.
	Client client.Client
	// Accounts opens AWS accounts.
	Accounts *account.Opener
	// HTTPClient fetches the public documents.
	HTTPClient *http.Client
	// Events tells of changes.
	Events event.Recorder
	// BrokerImage is the broker's image where the spec names none.
	BrokerImage string
	// Resync is the time between looks at a settled issuer.
	Resync time.Duration
	// Now is the clock.
	Now func() time.Time
}

// +kubebuilder:rbac:groups=federation.litentry.org,resources=oidcissuers,verbs=get;list;watch;update;patch
// +kubebuilder:rbac:groups=federation.litentry.org,resources=oidcissuers/status,verbs=patch
// +kubebuilder:rbac:groups=federation.litentry.org,resources=oidcissuers/finalizers,verbs=update
// +kubebuilder:rbac:groups=federation.litentry.org,resources=walletfederations,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=secrets,verbs=get;list;watch;create;update
// +kubebuilder:rbac:groups="",resources=configmaps;services,verbs=get;list;watch;create;patch
// +kubebuilder:rbac:groups=apps,resources=deployments,verbs=get;list;watch;create;patch
// +kubebuilder:rbac:groups=policy,resources=poddisruptionbudgets,verbs=get;list;watch;create;patch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// SetupWithManager registers the controller and its watches.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		// Our own status patches are no reason to look again.
		For(&v1alpha1.OIDCIssuer{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Owns(&appsv1.Deployment{}).
		Owns(&corev1.Service{}).
		Owns(&corev1.ConfigMap{}).
		Owns(&policyv1.PodDisruptionBudget{}).
		// Metadata alone: key material has no business in a cache.
		Owns(&corev1.Secret{}, builder.OnlyMetadata).
		// Tokens are pinned to the roles that federations declare, and an issuer
		// that is being deleted waits for its federations.
		Watches(&v1alpha1.WalletFederation{}, handler.EnqueueRequestsFromMapFunc(issuerOf), builder.WithPredicates(roleChanged)).
		WithOptions(controller.Options{MaxConcurrentReconciles: concurrency, RateLimiter: period.RateLimiter()}).
		Complete(r)
}

// roleChanged passes what concerns an issuer of its federations: that they come,
// go, and declare a role.
var roleChanged = predicate.Funcs{UpdateFunc: func(e ctrlevent.UpdateEvent) bool {
	before, ok := e.ObjectOld.(*v1alpha1.WalletFederation)
	after, alsoOK := e.ObjectNew.(*v1alpha1.WalletFederation)
	return ok && alsoOK && (before.Status.RoleARN != after.Status.RoleARN ||
		before.DeletionTimestamp.IsZero() != after.DeletionTimestamp.IsZero())
}}

func issuerOf(_ context.Context, object client.Object) []reconcile.Request {
	federation, ok := object.(*v1alpha1.WalletFederation)
	if !ok {
		return nil
	}
	return []reconcile.Request{{NamespacedName: types.NamespacedName{
		Namespace: federation.Namespace, Name: federation.Spec.IssuerRef.Name,
	}}}
}

// pass is one reconcile of one issuer.
type pass struct {
	*Reconciler
	*condition.Pass

	issuer *v1alpha1.OIDCIssuer
	// requeue is when to look again, the smallest that a step asked for.
	requeue time.Duration
}

// Reconcile brings one issuer closer to its spec.
func (r *Reconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	issuer := &v1alpha1.OIDCIssuer{}
	if err := r.Client.Get(ctx, request.NamespacedName, issuer); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	if !issuer.DeletionTimestamp.IsZero() {
		return r.finalize(ctx, issuer)
	}
	if before := issuer.DeepCopy(); controllerutil.AddFinalizer(issuer, v1alpha1.Finalizer) {
		if err := r.Client.Patch(ctx, issuer, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); err != nil {
			return reconcile.Result{}, err
		}
	}

	before := issuer.DeepCopy()
	p := &pass{
		Reconciler: r,
		Pass: condition.NewPass(v1alpha1.ConditionSigningKeyReady, v1alpha1.ConditionBrokerAvailable,
			v1alpha1.ConditionDiscoveryPublished, v1alpha1.ConditionProviderRegistered),
		issuer:  issuer,
		requeue: period.Jitter(r.Resync),
	}
	err := p.run(ctx)
	for _, changed := range p.Finish(issuer) {
		r.Events.Changed(issuer, &changed)
	}
	if !equality.Semantic.DeepEqual(before.Status, issuer.Status) {
		patchErr := r.Client.Status().Patch(ctx, issuer, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
		if apierrors.IsConflict(patchErr) {
			// The cache lags behind our last patch, or the user was faster.
			p.requeueWithin(time.Second)
			patchErr = nil
		}
		err = errors.Join(err, client.IgnoreNotFound(patchErr))
	}
	if err != nil {
		return reconcile.Result{}, err
	}
	return reconcile.Result{RequeueAfter: p.requeue}, nil
}

// run takes the steps. The broker needs the keys; the public documents and the
// providers are looked at whatever the workload says.
func (p *pass) run(ctx context.Context) error {
	var errs []error
	secrets, err := p.ensureSecrets(ctx)
	errs = append(errs, err)
	if secrets != nil {
		errs = append(errs, p.ensureBroker(ctx, secrets))
		p.checkDiscovery(ctx, secrets)
	}
	errs = append(errs, p.ensureProviders(ctx))
	return errors.Join(errs...)
}

// requeueWithin asks for another look within d.
func (p *pass) requeueWithin(d time.Duration) { p.requeue = min(p.requeue, period.Jitter(d)) }

// requeueAt asks for another look at a time: not before it, when nothing is due
// yet, and not at once again.
func (p *pass) requeueAt(t time.Time) { p.requeue = min(p.requeue, max(t.Sub(p.Now()), time.Second)) }
