package walletfederation

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrlevent "sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/litentry/wallet-federation/api/v1alpha1"
)

// Bounds of status.differences, as its schema has them.
const (
	maxDifferences = 32
	maxChanges     = 16
	maxChange      = 512
	maxForced      = 256
)

// observes reports whether the federation writes nothing to AWS, ever.
func (p *pass) observes() bool {
	return p.federation.Spec.ManagementPolicy == v1alpha1.ManagementObserve
}

// readOnly is the reason why no document may be written now; empty if it may.
func (p *pass) readOnly() string {
	switch {
	case p.observes():
		return v1alpha1.ReasonObserved
	case p.federation.Spec.Suspend:
		return v1alpha1.ReasonSuspended
	}
	return ""
}

// differs takes down how something in AWS differs from what it must be, where it
// is left so.
func (p *pass) differs(kind, name string, changes ...string) {
	if len(p.differences) >= maxDifferences || len(changes) == 0 {
		return
	}
	var told []string
	for _, change := range changes[:min(len(changes), maxChanges)] {
		if len(change) > maxChange {
			change = strings.ToValidUTF8(change[:maxChange-3], "") + "..."
		}
		told = append(told, change)
	}
	if more := len(changes) - maxChanges; more > 0 {
		told[maxChanges-1] = fmt.Sprintf("and %d more", more+1)
	}
	p.differences = append(p.differences, v1alpha1.DifferenceStatus{Kind: kind, Name: name, Changes: told})
}

// tellDifferences puts the differences into the status, and those that are new
// into events.
func (p *pass) tellDifferences() {
	before := p.federation.Status.Differences
	p.federation.Status.Differences = p.differences
	for _, difference := range p.differences {
		known := slices.ContainsFunc(before, func(d v1alpha1.DifferenceStatus) bool { return equality.Semantic.DeepEqual(d, difference) })
		if !known {
			p.Events.Tell(p.federation, corev1.EventTypeNormal, v1alpha1.ReasonDifferent, "Compare",
				fmt.Sprintf("%s %q: %s", difference.Kind, difference.Name, strings.Join(difference.Changes, "; ")))
		}
	}
}

// forced reports whether the user asked for a look that trusts no earlier one.
func (p *pass) forced() bool {
	wish := forcedBy(p.federation)
	return wish != "" && wish != p.federation.Status.LastForced
}

// settleForced remembers that what the user asked for was done.
func (p *pass) settleForced() {
	if wish := forcedBy(p.federation); wish != "" {
		p.federation.Status.LastForced = wish
	}
}

func forcedBy(federation client.Object) string {
	wish := federation.GetAnnotations()[v1alpha1.ReconcileAnnotation]
	return strings.ToValidUTF8(wish[:min(len(wish), maxForced)], "")
}

// wished passes a change of what the user wants. Our own status patches are no
// reason to look again.
var wished = predicate.Or(predicate.GenerationChangedPredicate{}, predicate.Funcs{
	UpdateFunc: func(e ctrlevent.UpdateEvent) bool { return forcedBy(e.ObjectOld) != forcedBy(e.ObjectNew) },
	CreateFunc: func(ctrlevent.CreateEvent) bool { return false },
	DeleteFunc: func(ctrlevent.DeleteEvent) bool { return false },
})
