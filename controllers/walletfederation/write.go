package walletfederation

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/litentry/wallet-federation/api/v1alpha1"
)

// write is one change of an AWS document that somebody else may own.
type write struct {
	kind, name string
	// original is the document before the change.
	original []byte
	// difference says, for people, what is changed.
	difference string
	// reason is that of the event; empty for the reason that the change was needed.
	reason string
	// lapsed says that nothing was changed by anybody: a revocation ran out.
	lapsed bool
}

// write changes a document: the proof no longer holds, the original is kept, the
// change is made and told of, in this order, whatever crashes in between.
func (p *pass) write(ctx context.Context, what write, change func() error) error {
	if err := p.demote(ctx, "The "+what.kind+" of "+what.name+" is being changed"); err != nil {
		return err
	}
	first, err := p.claim(ctx, what.kind, what.name, what.original)
	if err != nil {
		return err
	}
	now := metav1.NewTime(p.Now())
	p.federation.Status.DocumentsWrittenTime = &now
	if err := change(); err != nil {
		return err
	}
	eventType, reason := corev1.EventTypeNormal, v1alpha1.ReasonDocumentWritten
	switch {
	case what.reason != "":
		eventType, reason = corev1.EventTypeWarning, what.reason
	case !first && !what.lapsed && !p.specChanged():
		eventType, reason = corev1.EventTypeWarning, v1alpha1.ReasonDriftRepaired
	}
	p.Events.Tell(p.federation, eventType, reason, "Write", fmt.Sprintf("%s %q: %s", what.kind, what.name, what.difference))
	return nil
}

// specChanged reports whether a document is changed because the user wishes
// another one than in the last pass, and not because somebody edited it. What was
// found while the federation was suspended is drift.
func (p *pass) specChanged() bool {
	applied := meta.FindStatusCondition(p.stored.Status.Conditions, v1alpha1.ConditionBucketPoliciesApplied)
	return applied == nil || applied.ObservedGeneration != p.federation.Generation &&
		applied.Reason != v1alpha1.ReasonSuspended && applied.Reason != v1alpha1.ReasonObserved
}
