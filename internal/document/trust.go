package document

import "fmt"

// TrustPolicy is the role's trust policy, minified. It trusts the issuer's
// provider alone, for tokens of our audience and subjects that carry the wallet
// tag and no other and that are pinned to the role.
//
// The error wraps [ErrTooLarge] when the policy is over [MaxTrustPolicy].
func (f Federation) TrustPolicy() ([]byte, error) {
	statements, err := f.trustStatements()
	if err != nil {
		return nil, err
	}
	policy, err := marshalPolicy(statements)
	if err != nil {
		return nil, err
	}
	if err := checkSize("trust policy", len(policy), MaxTrustPolicy); err != nil {
		return nil, err
	}
	return policy, nil
}

// trustStatements are two: whether the issuer's aud and sub and the role pin
// are in the context when sts:TagSession is judged is not documented, so that
// statement has the tag conditions alone. Both actions must be allowed for a
// tagged session to begin, so nothing is lost.
func (f Federation) trustStatements() ([]Statement, error) {
	if err := f.validateRole(); err != nil {
		return nil, fmt.Errorf("making trust policy: %w", err)
	}
	if err := f.validateIssuer(); err != nil {
		return nil, fmt.Errorf("making trust policy: %w", err)
	}
	assume := f.tagConditions()
	assume["StringEquals"] = map[string]Strings{f.issuerKey() + ":aud": {f.Audience}}
	assume["StringLike"][f.issuerKey()+":sub"] = Strings{f.SubjectPrefix + walletPattern}
	assume["Bool"] = map[string]Strings{"sts:RoleAuthorizedByIdp": {"true"}}

	return []Statement{{
		Sid:       f.sid("AssumeRole"),
		Effect:    effectAllow,
		Principal: Principal{Federated: f.ProviderARN},
		Action:    Strings{"sts:AssumeRoleWithWebIdentity"},
		Condition: assume,
	}, {
		Sid:       f.sid("TagSession"),
		Effect:    effectAllow,
		Principal: Principal{Federated: f.ProviderARN},
		Action:    Strings{"sts:TagSession"},
		Condition: f.tagConditions(),
	}}, nil
}

// tagConditions ask for the wallet tag positively and for no other tag. Negated
// operators are true when the key is absent, so "not empty" would let an
// untagged token in; ForAllValues is true for an empty set, hence the Null.
func (f Federation) tagConditions() Conditions {
	requestTag := "aws:RequestTag/" + f.WalletTagKey
	return Conditions{
		"StringLike":                {requestTag: {walletPattern}},
		"Null":                      {requestTag: {"false"}, "aws:TagKeys": {"false"}},
		"ForAllValues:StringEquals": {"aws:TagKeys": {f.WalletTagKey}},
	}
}
