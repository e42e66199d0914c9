package walletfederation

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
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

// finalize lets a federation go, as its deletion policy says, suspended or not.
func (r *Reconciler) finalize(ctx context.Context, federation *v1alpha1.WalletFederation) (reconcile.Result, error) {
	if !controllerutil.ContainsFinalizer(federation, v1alpha1.Finalizer) {
		return reconcile.Result{}, nil
	}
	p := r.newPass(federation)
	wait, err := p.release(ctx)
	switch {
	case err != nil:
		message := fmt.Sprintf("%v. To let the federation go without touching AWS, set spec.deletionPolicy to Retain", err)
		p.Events.Tell(federation, corev1.EventTypeWarning, v1alpha1.ReasonDeletionBlocked, "Delete", message)
		if patchErr := p.sayDeleting(ctx, v1alpha1.ReasonDeletionBlocked, message); patchErr != nil {
			return reconcile.Result{}, errors.Join(err, patchErr)
		}
		if status, _ := account.Judge(err); status == metav1.ConditionFalse || errors.Is(err, errUserMustAct) {
			return reconcile.Result{RequeueAfter: period.Jitter(r.Resync)}, nil
		}
		return reconcile.Result{}, fmt.Errorf("releasing the federation: %w", err)
	case wait > 0:
		return reconcile.Result{RequeueAfter: min(wait, period.Jitter(r.Resync))}, nil
	}
	r.Backoff.Forget(federation.UID)
	before := federation.DeepCopy()
	controllerutil.RemoveFinalizer(federation, v1alpha1.Finalizer)
	err = r.Client.Patch(ctx, federation, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	return reconcile.Result{}, client.IgnoreNotFound(err)
}

// release undoes what the ledger says that the federation answers for. It
// returns how long to wait before it can go on.
func (p *pass) release(ctx context.Context) (time.Duration, error) {
	if p.federation.Spec.DeletionPolicy == v1alpha1.DeletionRetain || p.observes() {
		return 0, nil // The ledger has no owner and stays, with the originals.
	}
	if err := p.openLedger(ctx); err != nil {
		return 0, fmt.Errorf("%w: %w", errUserMustAct, err)
	}
	if len(p.ledger.Documents) == 0 {
		if p.federation.Status.DocumentsWrittenTime != nil && p.federation.Status.RoleClosedTime == nil {
			return 0, fmt.Errorf("%w: the Secret %q with the originals is gone", errUserMustAct, p.federation.OriginalsSecretName())
		}
		return 0, nil
	}
	return p.restore(ctx)
}

// restore undoes the federation in the order that opens no window: the trust
// policy, so that nobody gets a new session; then, as soon as no session can
// reach beyond its prefix without the guard, our statements in the bucket policies.
func (p *pass) restore(ctx context.Context) (time.Duration, error) {
	if err := p.demote(ctx, "The federation is being deleted"); err != nil {
		return 0, err
	}
	if err := p.sayDeleting(ctx, v1alpha1.ReasonDeleting, "The federation is being deleted"); err != nil {
		return 0, err
	}
	if err := p.resolveForRelease(ctx); err != nil {
		return 0, err
	}
	role, err := p.aws.Role(ctx, p.federation.Spec.Role.Name)
	if err != nil && !awsapi.Is(err, awsapi.NotFound) {
		return 0, err
	}
	if role != nil {
		if err := p.closeRole(ctx, role); err != nil {
			return 0, err
		}
		if wait, err := p.sessionsLeft(ctx, role); wait > 0 || err != nil {
			return wait, err
		}
	}
	if err := p.releaseBuckets(ctx); err != nil {
		return 0, err
	}
	return 0, p.closeLedger(ctx)
}

// sayDeleting makes the status tell that the federation is on its way out.
func (p *pass) sayDeleting(ctx context.Context, reason, message string) error {
	meta.SetStatusCondition(&p.federation.Status.Conditions, metav1.Condition{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: reason,
		Message: message, ObservedGeneration: p.federation.Generation,
	})
	return p.patchStatus(ctx)
}

// resolveForRelease opens the account.
func (p *pass) resolveForRelease(ctx context.Context) error {
	name := p.federation.Spec.IssuerRef.Name
	p.issuer = &v1alpha1.OIDCIssuer{}
	err := p.Client.Get(ctx, client.ObjectKey{Namespace: p.federation.Namespace, Name: name}, p.issuer)
	if apierrors.IsNotFound(err) {
		return fmt.Errorf("%w: OIDCIssuer %q, which knows the account, is gone", errUserMustAct, name)
	}
	if err != nil {
		return fmt.Errorf("reading the issuer: %w", err)
	}
	if p.account = accountSpec(p.issuer, p.federation.Spec.Account); p.account == nil {
		return fmt.Errorf("%w: OIDCIssuer %q has no account %q any more", errUserMustAct, name, p.federation.Spec.Account)
	}
	if p.aws, p.identity, err = p.Accounts.Open(ctx, p.federation.Namespace, p.account); err != nil {
		return err
	}
	p.documents = p.documentsOf(p.ledger.RoleARN)
	return nil
}

// closeRole puts the original trust policy back, if what is in force is ours. A
// trust policy that somebody changed is left to them. The guard stays as long as
// the role lets our tokens in, whoever says so: the look is taken in every pass.
func (p *pass) closeRole(ctx context.Context, role *awsapi.Role) error {
	switch kept := p.ledger.find(trustPolicy, role.Name); {
	case p.admits(role.TrustPolicy):
		if err := p.restoreTrustPolicy(ctx, role); err != nil {
			return err
		}
	case p.federation.Status.RoleClosedTime != nil:
		return nil
	case kept != nil && kept.Document != string(role.TrustPolicy):
		p.Events.Tell(p.federation, corev1.EventTypeWarning, v1alpha1.ReasonNotRestored, "Delete",
			"Left the trust policy of role "+role.Name+" as it is: somebody changed it")
	}
	now := metav1.NewTime(p.Now())
	p.federation.Status.RoleClosedTime = &now
	return p.patchStatus(ctx)
}

// restoreTrustPolicy replaces a trust policy of ours by the original.
func (p *pass) restoreTrustPolicy(ctx context.Context, role *awsapi.Role) error {
	ours, err := p.documents.TrustPolicy()
	if err != nil {
		return err
	}
	// A trust policy that cannot be read is not ours.
	settled, err := document.Equivalent(role.TrustPolicy, ours)
	kept := p.ledger.find(trustPolicy, role.Name)
	switch {
	case err != nil || !settled:
		return fmt.Errorf("%w: somebody changed the trust policy of role %q, so it is not overwritten; take the provider out of it by hand", errUserMustAct, role.Name)
	case kept == nil || kept.Document == "":
		return fmt.Errorf("%w: the original trust policy of role %q is not known; take the provider out of it by hand", errUserMustAct, role.Name)
	case p.admits([]byte(kept.Document)):
		return fmt.Errorf("%w: the original trust policy of role %q lets the issuer's tokens in without our conditions; take the provider out of it by hand", errUserMustAct, role.Name)
	}
	if err := p.aws.PutTrustPolicy(ctx, role.Name, []byte(kept.Document)); err != nil {
		return err
	}
	p.Events.Tell(p.federation, corev1.EventTypeNormal, v1alpha1.ReasonRestored, "Delete", "Restored the trust policy of role "+role.Name)
	return nil
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
	left := p.longestSession(role) - p.Now().Sub(p.federation.Status.RoleClosedTime.Time)
	if left > 0 {
		message := fmt.Sprintf("The role is closed. The guard stays until %s, when the last session has ended: the role reaches beyond a wallet's prefix",
			p.Now().Add(left).UTC().Format(time.RFC3339))
		p.Events.Tell(p.federation, corev1.EventTypeNormal, v1alpha1.ReasonDeletionBlocked, "Delete", message)
		return left, p.sayDeleting(ctx, v1alpha1.ReasonDeleting, message)
	}
	return 0, nil
}

// releaseBuckets takes our statements out of every bucket that ever got them.
func (p *pass) releaseBuckets(ctx context.Context) error {
	var errs []error
	for _, name := range p.ledger.buckets() {
		errs = append(errs, p.releaseBucket(ctx, name))
	}
	return errors.Join(errs...)
}

// closeLedger deletes the ledger, unless it holds what was taken from the role:
// those grants are not put back, and the Secret is all that is left of them.
func (p *pass) closeLedger(ctx context.Context) error {
	if err := p.forget(ctx, func(e entry) bool { return e.Kind != inlinePolicy }); err != nil {
		return err
	}
	if len(p.ledger.Documents) > 0 {
		p.Events.Tell(p.federation, corev1.EventTypeNormal, v1alpha1.ReasonNotRestored, "Delete",
			fmt.Sprintf("Grants that were removed from the role stay removed; Secret %q keeps the original policies", p.federation.OriginalsSecretName()))
	}
	return nil
}
