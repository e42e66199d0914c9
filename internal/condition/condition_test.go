package condition_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	"github.com/litentry/wallet-federation/internal/condition"
)

const first, second = "First", "Second"

func TestReadyIsComputedOfTheOthers(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		pass func(*condition.Pass)
		want metav1.ConditionStatus
	}{
		"all true": {func(p *condition.Pass) {
			p.True(first, "Fine", "fine")
			p.True(second, "Fine", "fine")
		}, metav1.ConditionTrue},
		"one false beats one unknown": {func(p *condition.Pass) {
			p.Unknown(first, "Failed", "cannot look")
			p.False(second, "Wrong", "it is not so")
		}, metav1.ConditionFalse},
		"one unknown": {func(p *condition.Pass) {
			p.True(first, "Fine", "fine")
			p.Unknown(second, "Failed", "cannot look")
		}, metav1.ConditionUnknown},
		"one never reached": {func(p *condition.Pass) { p.True(first, "Fine", "fine") }, metav1.ConditionUnknown},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			object := &v1alpha1.OIDCIssuer{ObjectMeta: metav1.ObjectMeta{Generation: 7}}
			pass := condition.NewPass(first, second)
			test.pass(pass)
			pass.Finish(object)
			ready := meta.FindStatusCondition(object.Status.Conditions, v1alpha1.ConditionReady)
			if ready == nil || ready.Status != test.want || ready.ObservedGeneration != 7 {
				t.Errorf("Ready is %+v, want %s", ready, test.want)
			}
		})
	}
}

func TestReadyDoesNotWaitForWhatIsBesideIt(t *testing.T) {
	t.Parallel()
	const beside = "Beside"
	tests := map[string]struct {
		pass func(*condition.Pass)
		want metav1.ConditionStatus
	}{
		"false":         {func(p *condition.Pass) { p.False(beside, "Wrong", "it is not so") }, metav1.ConditionFalse},
		"never reached": {func(*condition.Pass) {}, metav1.ConditionUnknown},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			object := &v1alpha1.OIDCIssuer{}
			pass := condition.NewPass(first).Beside(beside)
			pass.True(first, "Fine", "fine")
			test.pass(pass)
			if changed := pass.Finish(object); len(changed) != 3 {
				t.Errorf("%d conditions are new, want three", len(changed))
			}
			if got := meta.FindStatusCondition(object.Status.Conditions, beside); got == nil || got.Status != test.want {
				t.Errorf("the condition beside is %+v, want %s", got, test.want)
			}
			if !meta.IsStatusConditionTrue(object.Status.Conditions, v1alpha1.ConditionReady) {
				t.Error("Ready waits for it")
			}
		})
	}
}

func TestALeftoverIsNotCarriedOver(t *testing.T) {
	t.Parallel()
	object := &v1alpha1.OIDCIssuer{}
	pass := condition.NewPass(first)
	pass.True(first, "Fine", "fine")
	pass.Finish(object)
	condition.NewPass(first).Finish(object)
	if got := meta.FindStatusCondition(object.Status.Conditions, first); got.Status != metav1.ConditionUnknown || got.Reason != v1alpha1.ReasonPending {
		t.Errorf("a condition that was not reached is %+v", got)
	}
}

func TestASecondPassThatSaysTheSameChangesNothing(t *testing.T) {
	t.Parallel()
	object := &v1alpha1.OIDCIssuer{}
	say := func() []metav1.Condition {
		pass := condition.NewPass(first)
		pass.True(first, "Fine", "fine")
		return pass.Finish(object)
	}
	if changed := say(); len(changed) != 2 {
		t.Fatalf("the first pass changes First and Ready, not %v", changed)
	}
	past := metav1.NewTime(time.Now().Add(-time.Hour))
	for i := range object.Status.Conditions {
		object.Status.Conditions[i].LastTransitionTime = past
	}
	before := object.DeepCopy()
	if changed := say(); len(changed) != 0 {
		t.Errorf("the second pass changes %v", changed)
	}
	if diff := cmp.Diff(before, object); diff != "" {
		t.Errorf("the second pass writes (-before +after):\n%s", diff)
	}
}

func TestAMessageIsBounded(t *testing.T) {
	t.Parallel()
	object := &v1alpha1.OIDCIssuer{}
	pass := condition.NewPass(first)
	pass.False(first, "Wrong", "%s", strings.Repeat("ü", 10_000))
	pass.Finish(object)
	if got := len(meta.FindStatusCondition(object.Status.Conditions, first).Message); got > 2048 {
		t.Errorf("the message has %d bytes", got)
	}
}
