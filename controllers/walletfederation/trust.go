package walletfederation

import (
	"context"
	"strings"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	"github.com/litentry/wallet-federation/internal/document"
)

// ensureTrustPolicy opens the role to the issuer's tokens and sets
// TrustPolicyApplied. It is the last write: as long as a bucket has no guard, or
// the role reaches beyond the buckets, nobody gets a session.
func (p *pass) ensureTrustPolicy(ctx context.Context) error {
	desired, err := p.documents.TrustPolicy()
	if err != nil {
		found := judgeDocument(err)
		p.False(v1alpha1.ConditionTrustPolicyApplied, found.reason, "%s", found.message)
		return nil
	}
	role := p.world.Role
	if settled, err := document.Equivalent(role.TrustPolicy, desired); err == nil && settled {
		if found := p.adopt(ctx, trustPolicy, role.Name, role.TrustPolicy); found != nil {
			p.setProblem(v1alpha1.ConditionTrustPolicyApplied, found)
			return found.err
		}
		p.True(v1alpha1.ConditionTrustPolicyApplied, v1alpha1.ReasonApplied, "Role %q trusts %s for tagged tokens alone", role.Name, p.issuer.Spec.IssuerURL)
		return nil
	}
	differences, err := p.documents.TrustDifferences(role.TrustPolicy)
	if err != nil {
		differences = []string{"the trust policy cannot be read: " + err.Error()}
	}
	difference := strings.Join(differences, "; ")
	if reason, message := p.trustBlocked(); reason != "" {
		p.False(v1alpha1.ConditionTrustPolicyApplied, reason, "%s. %s", message, difference)
		p.differs(trustPolicy, role.Name, differences...)
		p.requeueWithin(retryInterval)
		return nil
	}
	what := write{kind: trustPolicy, name: role.Name, original: role.TrustPolicy, difference: difference}
	err = p.write(ctx, what, func() error {
		if err := p.aws.PutTrustPolicy(ctx, role.Name, desired); err != nil {
			return err
		}
		role.TrustPolicy = desired
		return nil
	})
	if err != nil {
		return p.reject(v1alpha1.ConditionTrustPolicyApplied, err)
	}
	p.True(v1alpha1.ConditionTrustPolicyApplied, v1alpha1.ReasonApplied, "Role %q trusts %s for tagged tokens alone", role.Name, p.issuer.Spec.IssuerURL)
	return nil
}

// trustBlocked says why the trust policy must not be written now. A role that lets
// our tokens in already is never left with a looser policy than ours.
func (p *pass) trustBlocked() (reason, message string) {
	switch {
	case p.readOnly() != "":
		return p.readOnly(), "Nothing is written"
	case p.opened():
		return "", ""
	case p.carriesTag():
		return v1alpha1.ReasonWalletTagOnRole, p.walletTagMessage()
	case !p.IsTrue(v1alpha1.ConditionBucketPoliciesApplied):
		return v1alpha1.ReasonWaitingForBuckets, "Not opening the role before every bucket is guarded"
	case !p.IsTrue(v1alpha1.ConditionRoleConfined):
		return v1alpha1.ReasonWaitingForRole, "Not opening the role before it is confined"
	}
	return "", ""
}
