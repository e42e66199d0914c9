package walletfederation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	"github.com/litentry/wallet-federation/internal/account"
	"github.com/litentry/wallet-federation/internal/awsapi"
	"github.com/litentry/wallet-federation/internal/document"
	"github.com/litentry/wallet-federation/internal/period"
)

// errUserMustAct says that a federation stays until somebody does something.
var errUserMustAct = errors.New("cannot undo the federation")

// finalize lets a federation go, as its deletion policy says.
func (r *Reconciler) finalize(ctx context.Context, federation *v1alpha1.WalletFederation) (reconcile.Result, error) {
	if !controllerutil.ContainsFinalizer(federation, v1alpha1.Finalizer) {
		return reconcile.Result{}, nil
	}
	p := r.newPass(federation)
	release := p.restore
	if federation.Spec.DeletionPolicy == v1alpha1.DeletionRetain {
		release = p.retain
	}
	wait, err := release(ctx)
	if err != nil {
		p.event(federation, corev1.EventTypeWarning, v1alpha1.ReasonDeletionBlocked, "Delete",
			fmt.Sprintf("%v. To let the federation go without touching AWS, set spec.deletionPolicy to Retain", err))
		if status, _ := account.Judge(err); status == metav1.ConditionFalse || errors.Is(err, errUserMustAct) {
			return reconcile.Result{RequeueAfter: period.Jitter(r.Resync)}, nil
		}
		return reconcile.Result{}, fmt.Errorf("releasing the federation: %w", err)
	}
	if wait > 0 {
		return reconcile.Result{RequeueAfter: wait}, nil
	}
	before := federation.DeepCopy()
	controllerutil.RemoveFinalizer(federation, v1alpha1.Finalizer)
	err = r.Client.Patch(ctx, federation, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	return reconcile.Result{}, client.IgnoreNotFound(err)
}

// retain leaves AWS as it is, and the originals in their Secret, which from now
// on has no owner.
func (p *pass) retain(ctx context.Context) (time.Duration, error) {
	secret, originals, err := p.readOriginals(ctx, p.federation)
	if err != nil || originals == nil {
		return 0, err
	}
	secret.OwnerReferences = nil
	return 0, p.Client.Update(ctx, secret)
}

// restore undoes the federation in the order that opens no window: the trust
// policy, so that nobody gets a new session; then, as soon as no session can
// reach beyond its prefix without the guard, our statements in the bucket
// policies. It returns how long to wait before it can go on.
func (p *pass) restore(ctx context.Context) (time.Duration, error) {
	if ok, err := p.resolveForRelease(ctx); !ok {
		return 0, err
	}
	secret, originals, err := p.readOriginals(ctx, p.federation)
	if err != nil {
		return 0, err
	}
	role, err := p.aws.Role(ctx, p.federation.Spec.Role.Name)
	if err != nil && !awsapi.Is(err, awsapi.NotFound) {
		return 0, err
	}
	if role != nil {
		if err := p.closeRole(ctx, role, originals); err != nil {
			return 0, err
		}
		if wait, err := p.sessionsLeft(ctx, role); wait > 0 || err != nil {
			return wait, err
		}
	}
	if err := p.releaseBuckets(ctx, originals); err != nil {
		return 0, err
	}
	return 0, p.keepRemovedGrants(ctx, secret, originals)
}

// resolveForRelease opens the account. A federation that never got as far as a
// role has nothing to undo: then it reports false.
func (p *pass) resolveForRelease(ctx context.Context) (bool, error) {
	if p.federation.Status.RoleARN == "" {
		return false, nil
	}
	name := p.federation.Spec.IssuerRef.Name
	p.issuer = &v1alpha1.OIDCIssuer{}
	err := p.Client.Get(ctx, client.ObjectKey{Namespace: p.federation.Namespace, Name: name}, p.issuer)
	if apierrors.IsNotFound(err) {
		return false, fmt.Errorf("%w: OIDCIssuer %q, which knows the account, is gone", errUserMustAct, name)
	}
	if err != nil {
		return false, fmt.Errorf("reading the issuer: %w", err)
	}
	if p.account = accountSpec(p.issuer, p.federation.Spec.Account); p.account == nil {
		return false, fmt.Errorf("%w: OIDCIssuer %q has no account %q any more", errUserMustAct, name, p.federation.Spec.Account)
	}
	if p.aws, p.identity, err = p.Accounts.Open(ctx, p.federation.Namespace, p.account); err != nil {
		return false, err
	}
	p.documents = p.documentsOf(p.federation.Status.RoleARN)
	return true, nil
}

// closeRole puts the original trust policy back, if what is in force is ours. A
// trust policy that somebody changed is left to them, but the guard does not go
// as long as it lets our tokens in.
func (p *pass) closeRole(ctx context.Context, role *awsapi.Role, originals []original) error {
	if p.federation.Status.RoleClosedTime != nil {
		return nil
	}
	ours, err := p.documents.TrustPolicy()
	if err != nil {
		return err
	}
	// A trust policy that cannot be read is not ours.
	settled, err := document.Equivalent(role.TrustPolicy, ours)
	settled = settled && err == nil
	kept := find(originals, originalTrustPolicy, role.Name)
	switch {
	case settled && kept == nil:
		return fmt.Errorf("%w: the original trust policy of role %q is not known; take the provider out of it by hand", errUserMustAct, role.Name)
	case settled:
		if err := p.aws.PutTrustPolicy(ctx, role.Name, []byte(kept.Document)); err != nil {
			return err
		}
		p.event(p.federation, corev1.EventTypeNormal, v1alpha1.ReasonRestored, "Delete", "Restored the trust policy of role "+role.Name)
	case kept != nil && kept.Document == string(role.TrustPolicy):
		// Nobody got a session through us, or an earlier pass restored it.
	case strings.Contains(string(role.TrustPolicy), p.documents.ProviderARN):
		return fmt.Errorf("%w: somebody changed the trust policy of role %q, so it is not overwritten; take the provider out of it by hand", errUserMustAct, role.Name)
	default:
		p.event(p.federation, corev1.EventTypeWarning, v1alpha1.ReasonNotRestored, "Delete",
			"Left the trust policy of role "+role.Name+" as it is: somebody changed it")
	}
	now := metav1.NewTime(p.Now())
	p.federation.Status.RoleClosedTime = &now
	return p.patchStatus(ctx)
}

// sessionsLeft returns how long sessions may live on that only the guard keeps
// in: none if the role's own policies reach no further than a wallet's prefix.
func (p *pass) sessionsLeft(ctx context.Context, role *awsapi.Role) (time.Duration, error) {
	var err error
	if p.world, err = p.readWorld(ctx); err != nil {
		return 0, err
	}
	// Policies that cannot be analysed are taken for broad.
	if grants, err := p.broadGrants(); err == nil && len(grants) == 0 {
		return 0, nil
	}
	left := role.MaxSession - p.Now().Sub(p.federation.Status.RoleClosedTime.Time)
	if left > 0 {
		p.event(p.federation, corev1.EventTypeNormal, v1alpha1.ReasonDeletionBlocked, "Delete",
			fmt.Sprintf("The role is closed. The guard stays for %s more, until the last session has ended: the role reaches beyond a wallet's prefix", left.Round(time.Second)))
	}
	return left, nil
}

// releaseBuckets takes our statements out of every bucket that ever got them.
func (p *pass) releaseBuckets(ctx context.Context, originals []original) error {
	names := map[string]bool{}
	for _, spec := range p.federation.Spec.Buckets {
		names[spec.Name] = true
	}
	for _, kept := range originals {
		if kept.Kind == originalBucketPolicy {
			names[kept.Name] = true
		}
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(names)) {
		errs = append(errs, p.releaseBucket(ctx, name))
	}
	return errors.Join(errs...)
}

// keepRemovedGrants lets the Secret with the originals outlive the federation if
// it holds what was taken from the role: those grants are not put back, and the
// Secret is all that is left of them.
func (p *pass) keepRemovedGrants(ctx context.Context, secret *corev1.Secret, originals []original) error {
	if !slices.ContainsFunc(originals, func(o original) bool { return o.Kind == originalInlinePolicy }) {
		return nil
	}
	secret.OwnerReferences = nil
	if err := p.Client.Update(ctx, secret); err != nil {
		return fmt.Errorf("keeping Secret %q: %w", secret.Name, err)
	}
	p.event(p.federation, corev1.EventTypeNormal, v1alpha1.ReasonNotRestored, "Delete",
		fmt.Sprintf("Grants that were removed from the role stay removed; Secret %q keeps the original policies", secret.Name))
	return nil
}
