package walletfederation

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	"github.com/litentry/wallet-federation/internal/probe"
	"github.com/litentry/wallet-federation/internal/probewallet"
	"github.com/litentry/wallet-federation/internal/signingkey"
	"github.com/litentry/wallet-federation/internal/token"
)

const (
	// propagation is how long AWS may take to act on a document: IAM promises
	// nothing, and seconds to tens of seconds are seen.
	propagation = 2 * time.Minute
	// propagatingInterval is the time between proofs that fail while documents propagate.
	propagatingInterval = 5 * time.Second
	// failedInterval is the time between proofs of documents that failed one.
	failedInterval = time.Minute
)

// verifyIsolation proves the documents in force, unless they were proven within
// the interval, and sets IsolationVerified.
func (p *pass) verifyIsolation(ctx context.Context) error {
	if !p.opened() {
		if err := p.demote(ctx, "The role does not trust the issuer any more"); err != nil {
			return err
		}
		p.Unknown(v1alpha1.ConditionIsolationVerified, v1alpha1.ReasonDocumentsNotApplied, "The role does not trust the issuer: nobody can get a session")
		return nil
	}
	if len(p.world.unread) > 0 {
		p.Unknown(v1alpha1.ConditionIsolationVerified, v1alpha1.ReasonDocumentsNotApplied, "Not every bucket policy could be read")
		return nil
	}
	hash, err := p.hash()
	if err != nil {
		return err
	}
	if p.stillProven(hash) {
		p.judge()
		return nil
	}
	if evidence := p.federation.Status.Isolation; evidence != nil && evidence.DocumentsHash != hash {
		if err := p.demote(ctx, "The documents in force, or the key that signs, are not those that were proven"); err != nil {
			return err
		}
	}
	if until, out := p.everybodyOutUntil(); out {
		p.Unknown(v1alpha1.ConditionIsolationVerified, v1alpha1.ReasonRevoked,
			"Everybody's sessions are revoked until %s: nobody can reach anything, and nothing can be proven", until.UTC().Format(time.RFC3339))
		p.requeueWithin(max(until.Sub(p.Now()), time.Second))
		return nil
	}
	return p.prove(ctx, hash)
}

// stillProven reports whether the last proof holds for what is in force now and
// is young enough.
func (p *pass) stillProven(hash string) bool {
	evidence := p.federation.Status.Isolation
	if evidence == nil || evidence.DocumentsHash != hash || p.forced() {
		return false
	}
	left := p.proofInterval(evidence) - p.Now().Sub(evidence.ProbeTime.Time)
	if left <= 0 {
		return false
	}
	p.requeueWithin(max(left, time.Second))
	return true
}

// proofInterval is how long a proof holds. One that was made before AWS could be
// trusted to act on what we wrote is repeated when it can.
func (p *pass) proofInterval(evidence *v1alpha1.IsolationStatus) time.Duration {
	interval := p.federation.Spec.Verification.Interval.Duration
	switch written := p.federation.Status.DocumentsWrittenTime; {
	case evidence.Failed > 0 && p.propagating():
		return propagatingInterval
	case evidence.Failed > 0:
		return min(interval, failedInterval)
	case written != nil && evidence.ProbeTime.Sub(written.Time) < propagation:
		return min(interval, max(written.Add(propagation).Sub(evidence.ProbeTime.Time), time.Second))
	}
	return interval
}

// propagating reports whether a document was written so recently that AWS may
// not act on it yet.
func (p *pass) propagating() bool {
	written := p.federation.Status.DocumentsWrittenTime
	return written != nil && p.Now().Sub(written.Time) < propagation
}

// prove runs the probe against the documents of the hash.
func (p *pass) prove(ctx context.Context, hash string) error {
	config, err := p.probeConfig(ctx)
	if err != nil {
		p.cannotLook("%v", err)
		return nil // The issuer's conditions tell what to do about its Secrets.
	}
	report, err := probe.Run(ctx, config)
	if err != nil {
		p.cannotLook("The probe could not look, which says nothing about the isolation: %v", err)
		return nil
	}
	if report.Incomplete != "" && len(report.Leaks()) == 0 && len(report.Blocked()) == 0 {
		p.cannotLook("The probe could not try everything: %s", report.Incomplete)
		return nil
	}
	// Somebody may have changed a document while the probe was running. What was
	// observed then describes neither the old documents nor the new ones.
	if p.world, err = p.readWorld(ctx); err != nil {
		return p.reject(v1alpha1.ConditionIsolationVerified, err)
	}
	after, err := p.hash()
	if err != nil {
		return err
	}
	if after != hash {
		p.Unknown(v1alpha1.ConditionIsolationVerified, v1alpha1.ReasonDocumentsChanged, "The documents were changed while they were being proven")
		p.requeueWithin(p.Backoff.When(p.federation.UID))
		return nil
	}
	p.Backoff.Forget(p.federation.UID)
	if err := p.record(ctx, hash, report); err != nil {
		p.Unknown(v1alpha1.ConditionIsolationVerified, v1alpha1.ReasonAPIError, "%v", err)
		return err
	}
	p.judge()
	return nil
}

// cannotLook sets IsolationVerified to Unknown and looks again, less and less often.
func (p *pass) cannotLook(format string, arguments ...any) {
	p.Unknown(v1alpha1.ConditionIsolationVerified, v1alpha1.ReasonProbeFailed, format, arguments...)
	p.requeueWithin(p.Backoff.When(p.federation.UID))
}

// probeConfig gathers what the probe needs. The keys never leave it.
func (p *pass) probeConfig(ctx context.Context) (probe.Config, error) {
	keyData, err := p.secretData(ctx, p.issuer.SigningKeySecretName())
	if err != nil {
		return probe.Config{}, err
	}
	keys, err := signingkey.Parse(keyData[signingkey.DataKey])
	if err != nil {
		return probe.Config{}, err
	}
	walletData, err := p.secretData(ctx, p.issuer.ProbeWalletSecretName())
	if err != nil {
		return probe.Config{}, err
	}
	wallets, err := probewallet.Parse(walletData)
	if err != nil {
		return probe.Config{}, err
	}
	spec := p.issuer.Spec
	return probe.Config{
		IssuerURL: spec.IssuerURL,
		ChainID:   chainID(spec.Login.ChainIDs),
		Token: token.Profile{
			Issuer:        spec.IssuerURL,
			Audience:      spec.Token.Audience,
			SubjectPrefix: spec.Token.SubjectPrefix,
			WalletTagKey:  spec.Token.WalletTagKey,
			Lifetime:      spec.Token.Lifetime.Duration,
		},
		Key:         keys.Active(),
		RoleARN:     p.documents.RoleARN,
		Buckets:     p.buckets(),
		Region:      p.account.Region,
		EndpointURL: p.account.EndpointURL,
		Wallets:     wallets,
		HTTPClient:  p.HTTPClient,
		Now:         p.Now,
	}, nil
}

// chainID is one that the issuer takes.
func chainID(taken []int64) uint64 {
	if len(taken) == 0 {
		return 0
	}
	return uint64(max(taken[0], 0))
}

func (p *pass) secretData(ctx context.Context, name string) (map[string][]byte, error) {
	secret := &corev1.Secret{}
	if err := p.Client.Get(ctx, client.ObjectKey{Namespace: p.federation.Namespace, Name: name}, secret); err != nil {
		return nil, fmt.Errorf("reading Secret %q: %w", name, err)
	}
	return secret.Data, nil
}

// judge sets IsolationVerified by the evidence in the status, which describes
// the documents in force.
func (p *pass) judge() {
	evidence := p.federation.Status.Isolation
	total := evidence.Passed + evidence.Failed
	switch leak, denied := firstFailure(evidence, probe.Denied), firstFailure(evidence, probe.Allowed); {
	case leak != nil:
		p.False(v1alpha1.ConditionIsolationVerified, v1alpha1.ReasonIsolationBroken,
			"%d of %d cases failed. %s: must be denied, was allowed (request id %s)", evidence.Failed, total, leak.Name, leak.RequestID)
	case denied != nil && p.propagating():
		p.Unknown(v1alpha1.ConditionIsolationVerified, v1alpha1.ReasonPropagating,
			"Documents were just written and AWS does not act on all of them yet. %s: must be allowed, was denied with %s (request id %s)", denied.Name, denied.Code, denied.RequestID)
	case denied != nil:
		p.False(v1alpha1.ConditionIsolationVerified, v1alpha1.ReasonAccessDenied,
			"Nothing leaked, but %d of %d cases failed. %s: must be allowed, was denied with %s (request id %s)", evidence.Failed, total, denied.Name, denied.Code, denied.RequestID)
	case !p.asDesigned():
		p.Unknown(v1alpha1.ConditionIsolationVerified, v1alpha1.ReasonNotConfined,
			"The probe saw no leak in %d cases, but what it cannot see is not in order: see the other conditions, and those of the OIDCIssuer", total)
	default:
		p.True(v1alpha1.ConditionIsolationVerified, v1alpha1.ReasonIsolated,
			"%d of %d cases were answered as they must be, at %s", evidence.Passed, total, evidence.ProbeTime.UTC().Format(time.RFC3339))
	}
}

// asDesigned reports whether everything else says that wallets are kept apart: the
// probe has its blind spots, such as a grant on a bucket in which it may not write,
// or a foreign key among the issuer's.
func (p *pass) asDesigned() bool {
	return !meta.IsStatusConditionFalse(p.issuer.Status.Conditions, v1alpha1.ConditionDiscoveryPublished) &&
		p.IsTrue(v1alpha1.ConditionBucketPoliciesApplied) && p.IsTrue(v1alpha1.ConditionRoleConfined) && p.IsTrue(v1alpha1.ConditionTrustPolicyApplied)
}

func firstFailure(evidence *v1alpha1.IsolationStatus, expected probe.Verdict) *v1alpha1.CaseStatus {
	for i := range evidence.Failures {
		if evidence.Failures[i].Expected == string(expected) {
			return &evidence.Failures[i]
		}
	}
	return nil
}

// demote takes the proof back before what it describes is changed, so that no
// crash leaves it standing for other documents, and no document that is put right
// again is taken for proven.
func (p *pass) demote(ctx context.Context, why string) error {
	evidence := p.federation.Status.Isolation
	if evidence == nil || evidence.DocumentsHash == "" {
		return nil
	}
	evidence.DocumentsHash = ""
	demoted := metav1.Condition{
		Type: v1alpha1.ConditionIsolationVerified, Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonDocumentsChanged,
		Message: why, ObservedGeneration: p.federation.Generation,
	}
	if meta.SetStatusCondition(&p.federation.Status.Conditions, demoted) {
		p.Events.Changed(p.federation, &demoted)
	}
	demoted.Type, demoted.Reason = v1alpha1.ConditionReady, v1alpha1.ReasonProgressing
	meta.SetStatusCondition(&p.federation.Status.Conditions, demoted)
	if err := p.patchStatus(ctx); err != nil {
		return fmt.Errorf("taking back the proof: %w", err)
	}
	return nil
}
