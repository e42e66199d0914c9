package oidcissuer

import (
	"context"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	"github.com/litentry/wallet-federation/internal/account"
	"github.com/litentry/wallet-federation/internal/period"
)

// finalize lets an issuer go: after the federations that need its accounts, and
// with the providers that were made for it.
func (r *Reconciler) finalize(ctx context.Context, issuer *v1alpha1.OIDCIssuer) (reconcile.Result, error) {
	if !controllerutil.ContainsFinalizer(issuer, v1alpha1.Finalizer) {
		return reconcile.Result{}, nil
	}
	federations, err := federationsOf(ctx, r.Client, issuer)
	if err != nil {
		return reconcile.Result{}, err
	}
	if len(federations) > 0 {
		names := make([]string, 0, len(federations))
		for i := range federations {
			names = append(names, federations[i].Name)
		}
		// The watch on WalletFederations wakes us.
		return reconcile.Result{}, r.sayBlocked(ctx, issuer, v1alpha1.ReasonInUse,
			"Waiting for these WalletFederations to be deleted first: "+strings.Join(names, ", "))
	}
	if err := r.deleteProviders(ctx, issuer); err != nil {
		if patchErr := r.sayBlocked(ctx, issuer, v1alpha1.ReasonDeletionBlocked, err.Error()); patchErr != nil {
			return reconcile.Result{}, errors.Join(err, patchErr)
		}
		if status, _ := account.Judge(err); status == metav1.ConditionFalse {
			return reconcile.Result{RequeueAfter: period.Jitter(r.Resync)}, nil
		}
		return reconcile.Result{}, fmt.Errorf("deleting providers: %w", err)
	}
	before := issuer.DeepCopy()
	controllerutil.RemoveFinalizer(issuer, v1alpha1.Finalizer)
	err = r.Client.Patch(ctx, issuer, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	return reconcile.Result{}, client.IgnoreNotFound(err)
}

// sayBlocked makes the status and an event tell why an issuer stays.
func (r *Reconciler) sayBlocked(ctx context.Context, issuer *v1alpha1.OIDCIssuer, reason, message string) error {
	before := issuer.DeepCopy()
	changed := meta.SetStatusCondition(&issuer.Status.Conditions, metav1.Condition{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: reason,
		Message: message, ObservedGeneration: issuer.Generation,
	})
	if !changed {
		return nil
	}
	r.Events.Tell(issuer, corev1.EventTypeWarning, reason, "Delete", message)
	return client.IgnoreNotFound(r.Client.Status().Patch(ctx, issuer, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})))
}
