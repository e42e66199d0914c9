// Package event tells people what the operator did and what changed, as events of
// the objects that it is about.
package event

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"

	"github.com/litentry/wallet-federation/api/v1alpha1"
)

// maxNote is the longest note, in bytes, that the events API takes.
const maxNote = 1024

// Recorder records events.
type Recorder struct {
	events.EventRecorder
}

// Tell records an event about an object; the note is cut where it is too long.
func (r Recorder) Tell(object runtime.Object, eventType, reason, action, note string) {
	if len(note) > maxNote {
		note = strings.ToValidUTF8(note[:maxNote-3], "") + "..."
	}
	r.Eventf(object, nil, eventType, reason, action, "%s", note)
}

// Changed records that a condition changed. What was not looked at is no news,
// and Ready says what its parts have said.
func (r Recorder) Changed(object runtime.Object, condition *metav1.Condition) {
	if condition.Reason == v1alpha1.ReasonPending || (condition.Type == v1alpha1.ConditionReady && condition.Status != metav1.ConditionTrue) {
		return
	}
	eventType := corev1.EventTypeNormal
	if condition.Status == metav1.ConditionFalse {
		eventType = corev1.EventTypeWarning
	}
	r.Tell(object, eventType, condition.Reason, condition.Type, condition.Message)
}
