package oidcissuer

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
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
		r.Events.Tell(issuer, corev1.EventTypeWarning, v1alpha1.ReasonInUse, "Delete",
			"Waiting for these WalletFederations to be deleted first: "+strings.Join(names, ", "))
		return reconcile.Result{}, nil // The watch on WalletFederations wakes us.
	}
	if err := r.deleteProviders(ctx, issuer); err != nil {
		r.Events.Tell(issuer, corev1.EventTypeWarning, v1alpha1.ReasonDeletionBlocked, "Delete", err.Error())
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
