package condition

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/litentry/wallet-federation/api/v1alpha1"
)

// maxMessage bounds a condition's message in bytes; status is not a log.
const maxMessage = 2048

// Object is an object with conditions.
type Object interface {
	metav1.Object
	GetConditions() *[]metav1.Condition
}

// Pass gathers the conditions of one reconcile pass.
type Pass struct {
	types []string
	// beside are those of which Ready is not computed.
	beside []string
	set    map[string]metav1.Condition
}

// NewPass starts a pass over an object that has the given conditions, in the
// order in which they depend on each other. Ready is computed of them.
func NewPass(types ...string) *Pass {
	return &Pass{types: types, set: make(map[string]metav1.Condition, len(types)+1)}
}

// Beside adds conditions for which Ready does not wait.
func (p *Pass) Beside(types ...string) *Pass {
	p.beside = append(p.beside, types...)
	return p
}

// True sets a condition: looked, and it is so.
func (p *Pass) True(conditionType, reason, format string, args ...any) {
	p.put(conditionType, metav1.ConditionTrue, reason, format, args...)
}

// False sets a condition: looked, and it is not so.
func (p *Pass) False(conditionType, reason, format string, args ...any) {
	p.put(conditionType, metav1.ConditionFalse, reason, format, args...)
}

// Unknown sets a condition: not looked yet, or the look failed.
func (p *Pass) Unknown(conditionType, reason, format string, args ...any) {
	p.put(conditionType, metav1.ConditionUnknown, reason, format, args...)
}

func (p *Pass) put(conditionType string, status metav1.ConditionStatus, reason, format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage-3], "") + "..."
	}
	p.set[conditionType] = metav1.Condition{Type: conditionType, Status: status, Reason: reason, Message: message}
}

// IsTrue reports whether a condition was set to True in this pass.
func (p *Pass) IsTrue(conditionType string) bool {
	return p.set[conditionType].Status == metav1.ConditionTrue
}

// Finish writes the gathered conditions and Ready into the object's status and
// returns those whose status or reason is another than before.
func (p *Pass) Finish(object Object) []metav1.Condition {
	p.summarize()
	var changed []metav1.Condition
	for _, conditionType := range slices.Concat(p.types, p.beside, []string{v1alpha1.ConditionReady}) {
		next := p.set[conditionType]
		next.ObservedGeneration = object.GetGeneration()
		before := meta.FindStatusCondition(*object.GetConditions(), conditionType)
		if before == nil || before.Status != next.Status || before.Reason != next.Reason {
			changed = append(changed, next)
		}
		meta.SetStatusCondition(object.GetConditions(), next)
	}
	return changed
}

// summarize sets what the pass never reached to Unknown, and Ready: False if any
// condition is False, Unknown if any is Unknown, True if all are True.
func (p *Pass) summarize() {
	for _, conditionType := range slices.Concat(p.types, p.beside) {
		if _, ok := p.set[conditionType]; !ok {
			p.Unknown(conditionType, v1alpha1.ReasonPending, "Not looked at: an earlier step did not succeed")
		}
	}
	var missing, unknown []string
	for _, conditionType := range p.types {
		switch c := p.set[conditionType]; c.Status {
		case metav1.ConditionFalse:
			missing = append(missing, c.Type+": "+c.Message)
		case metav1.ConditionUnknown:
			unknown = append(unknown, c.Type+": "+c.Message)
		case metav1.ConditionTrue:
		}
	}
	switch {
	case len(missing) > 0:
		p.False(v1alpha1.ConditionReady, v1alpha1.ReasonNotReady, "%s", strings.Join(missing, "; "))
	case len(unknown) > 0:
		p.Unknown(v1alpha1.ConditionReady, v1alpha1.ReasonProgressing, "%s", strings.Join(unknown, "; "))
	default:
		p.True(v1alpha1.ConditionReady, v1alpha1.ReasonReady, "All conditions are true")
	}
}
