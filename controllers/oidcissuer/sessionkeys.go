package oidcissuer

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	"github.com/litentry/wallet-federation/internal/session"
)

const (
	// publishAhead is how long a session key is in the Secret before it signs.
	// By then every replica has read it: the kubelet takes a minute or two.
	publishAhead = 5 * time.Minute
	// maxSessionLifetime is the longest spec.login.sessionLifetime.
	maxSessionLifetime = 24 * time.Hour
)

func (p *pass) newSessionKeys() (map[string][]byte, error) {
	document, err := session.NewKeySet(p.Now()).Marshal()
	if err != nil {
		return nil, err
	}
	return map[string][]byte{session.DataKey: document}, nil
}

func parseSessionKeys(data map[string][]byte) (*session.KeySet, error) {
	document, found := data[session.DataKey]
	if !found {
		return nil, fmt.Errorf("it has no key %q", session.DataKey)
	}
	return session.ParseKeySet(document)
}

// sessionSchedule is when session keys change their states.
func sessionSchedule(rotation v1alpha1.KeyRotationSpec) session.Schedule {
	schedule := session.Schedule{
		PublishAhead: publishAhead,
		// The lifetime in the spec may have been longer when a bearer was signed, so
		// the longest one counts.
		RetireAfter: maxSessionLifetime + session.Tolerance,
	}
	if rotation.Policy != v1alpha1.RotationNever {
		schedule.Interval = rotation.Interval.Duration
	}
	return schedule
}

// rotateSessionKeys takes the step that is due, if any, and asks for another
// look when the next one is.
func (p *pass) rotateSessionKeys(ctx context.Context, stored *held[*session.KeySet]) error {
	next, due := stored.value.Rotate(sessionSchedule(p.issuer.Spec.Login.SessionKeyRotation), p.Now())
	if !due.IsZero() {
		p.requeueAt(due)
	}
	if next == stored.value {
		return nil
	}
	document, err := next.Marshal()
	if err != nil {
		return err
	}
	stored.secret.Data[session.DataKey] = document
	err = p.Client.Update(ctx, stored.secret)
	if apierrors.IsConflict(err) {
		// The Secret is not the one that was read. Whoever wrote it knows a key
		// that must not be lost: the next pass reads it.
		p.requeueWithin(time.Second)
		return nil
	}
	if err != nil {
		return fmt.Errorf("rotating session keys in Secret %q: %w", stored.secret.Name, err)
	}
	p.tellSteps(stored.value, next)
	return nil
}

// tellSteps tells, of every key that came into another state, its id and state.
func (p *pass) tellSteps(before, after *session.KeySet) {
	tell := func(reason, format string, args ...any) {
		p.Events.Tell(p.issuer, corev1.EventTypeNormal, reason, "Rotate", fmt.Sprintf(format, args...))
	}
	states := map[string]session.State{}
	for _, key := range before.Keys() {
		states[key.ID] = key.State
	}
	for _, key := range after.Keys() {
		if states[key.ID] != key.State {
			switch key.State {
			case session.Pending:
				tell(v1alpha1.ReasonSessionKeyPending, "Session key %s is published and signs in %s", key.ID, publishAhead)
			case session.Active:
				tell(v1alpha1.ReasonSessionKeyActive, "Session key %s signs", key.ID)
			case session.Retiring:
				tell(v1alpha1.ReasonSessionKeyRetiring, "Session key %s signs no more, and is believed until what it signed has expired", key.ID)
			}
		}
		delete(states, key.ID)
	}
	for _, key := range before.Keys() {
		if _, gone := states[key.ID]; gone {
			tell(v1alpha1.ReasonSessionKeyRemoved, "Session key %s is removed: all that it signed has expired", key.ID)
		}
	}
}
