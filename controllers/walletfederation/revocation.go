package walletfederation

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	"github.com/litentry/wallet-federation/internal/awsapi"
	"github.com/litentry/wallet-federation/internal/document"
)

const (
	// longestOfAll is the longest session that IAM lets any role give.
	longestOfAll = 12 * time.Hour
	// revocationMargin is how much longer than a session a revocation stays: our
	// clock is not that of STS.
	revocationMargin = 10 * time.Minute
)

// liveRevocations are the revocations of the spec whose sessions may still live,
// and asks for another look when the next of them has ended. A session that was
// chained from another one lives for an hour at most, which is the least that a
// role's own longest session can be.
func (p *pass) liveRevocations(role *awsapi.Role) []document.Revocation {
	stays := p.longestSession(role) + revocationMargin
	var live []document.Revocation
	for _, revocation := range p.federation.Spec.Revocations {
		left := revocation.Before.Add(stays).Sub(p.Now())
		if left <= 0 {
			continue
		}
		p.requeueWithin(max(left, time.Second))
		live = append(live, document.Revocation{Wallet: revocation.Wallet, Before: revocation.Before.Time})
	}
	return live
}

// longestSession is how long a session of the role may live. When the role's
// maximum was lowered, which is what people do in an incident, sessions that were
// given before live on for as long as it was: after that, for the longest that any
// role gives, nothing shorter is believed.
func (p *pass) longestSession(role *awsapi.Role) time.Duration {
	status := &p.federation.Status
	if known := status.MaxSessionDuration; known != nil && role.MaxSession < known.Duration {
		status.MaxSessionLoweredTime = new(metav1.NewTime(p.Now()))
	}
	status.MaxSessionDuration = &metav1.Duration{Duration: role.MaxSession}
	if lowered := status.MaxSessionLoweredTime; lowered != nil {
		if p.Now().Before(lowered.Add(longestOfAll)) {
			return longestOfAll
		}
		status.MaxSessionLoweredTime = nil
	}
	return role.MaxSession
}

// everybodyOutUntil is the time until which everybody's sessions are revoked, if
// it is still to come: nobody gets in then, the probe's wallets neither.
func (p *pass) everybodyOutUntil() (until time.Time, out bool) {
	for _, revocation := range p.federation.Spec.Revocations {
		if revocation.Wallet == "" && revocation.Before.After(until) {
			until = revocation.Before.Time
		}
	}
	return until, until.After(p.Now()) && p.IsTrue(v1alpha1.ConditionBucketPoliciesApplied)
}

// onlyLapsed reports whether a policy says what is desired, but for revocations
// that ran out.
func onlyLapsed(current []byte, owner document.SidPrefix, desired []document.Statement) bool {
	wanted := map[string]bool{}
	for _, statement := range desired {
		wanted[statement.Sid] = true
	}
	rest, _, err := document.RemoveStatements(current, func(_ int, sid string) bool { return owner.IsRevocation(sid) && !wanted[sid] })
	if err != nil {
		return false
	}
	_, changed, err := document.MergeBucketPolicy(rest, owner, desired)
	return err == nil && !changed
}
