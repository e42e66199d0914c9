package confinement

import (
	"fmt"

	"github.com/litentry/wallet-federation/internal/document"
	"github.com/litentry/wallet-federation/internal/policy"
)

// Grant is a statement that lets a wallet's session reach S3 beyond the wallet's
// prefix, with one request that it allows.
type Grant struct {
	// Policy is what people call the policy, such as: inline policy "broad".
	Policy string
	Kind   Kind
	// PolicyName is the name that IAM knows the policy by.
	PolicyName string
	// Sid is the statement's, which may be empty. Statement is its place in the
	// policy, counted from zero.
	Sid       string
	Statement int
	// Action and Resource are of a request that the statement allows and should not.
	Action, Resource string
}

// String names the policy, the statement and the request, for people.
func (g Grant) String() string {
	statement := fmt.Sprintf("statement %d", g.Statement)
	if g.Sid != "" {
		statement = fmt.Sprintf("statement %q", g.Sid)
	}
	return fmt.Sprintf("%s, %s, allows %s on %s", g.Policy, statement, g.Action, g.Resource)
}

// BroadGrants names every statement of the role's policies that allows a session
// of one wallet something in S3 outside of that wallet's prefix in the buckets,
// in the order of the policies. Grants below
// P${aws:PrincipalTag/<tagKey>}/ are fine, and so is the location of the buckets.
//
// The permissions boundary and the Deny statements of the role's policies count
// as far as they hold for every request. A policy that cannot be read is an
// error that names it.
func BroadGrants(role Role, buckets []document.Bucket, tagKey string) ([]Grant, error) {
	world, err := newWorld(role.ARN, buckets, tagKey)
	if err != nil {
		return nil, err
	}
	identity, err := role.identity()
	if err != nil {
		return nil, err
	}
	boundary, err := role.boundary()
	if err != nil {
		return nil, err
	}
	limits, err := world.limitsOf(identity, boundary)
	if err != nil {
		return nil, err
	}
	requests := world.requestsFor(append(identity, boundary...))

	var grants []Grant
	for _, own := range identity {
		for i := range own.document.Statements {
			found, err := world.judge(own.document, i, limits, requests)
			if err != nil {
				return nil, fmt.Errorf("judging %s: %w", own.title(), err)
			}
			if found == nil {
				continue
			}
			grants = append(grants, Grant{
				Policy: own.title(), Kind: own.kind, PolicyName: own.name,
				Sid: own.document.Statements[i].Sid, Statement: i,
				Action: found.action, Resource: found.resource,
			})
		}
	}
	return grants, nil
}

// judge returns a request beyond the wallet's prefix that the statement allows,
// or nil.
func (w *world) judge(d *policy.Document, index int, limits *policy.Policies, requests []request) (*request, error) {
	statement := &d.Statements[index]
	if statement.Effect != policy.EffectAllow {
		return nil, nil //nolint:nilnil // no request is the answer
	}
	alone, err := w.relax(d, []*policy.Statement{statement})
	if err != nil {
		return nil, err
	}
	policies := *limits
	policies.Identity = append([]policy.Policy{{Document: alone}}, limits.Identity...)
	for i := range requests {
		if !isAbout(statement, requests[i].action) {
			continue
		}
		if policies.Evaluate(w.evaluation(&requests[i])).Allowed() {
			return &requests[i], nil
		}
	}
	return nil, nil //nolint:nilnil // no request is the answer
}

// limitsOf is what holds grants back: the Deny statements and the boundary, as
// far as they hold for every request.
func (w *world) limitsOf(identity, boundary []ownPolicy) (*policy.Policies, error) {
	limits := &policy.Policies{}
	for _, own := range identity {
		denies, err := w.relax(own.document, w.reliableDenies(own.document))
		if err != nil {
			return nil, fmt.Errorf("judging %s: %w", own.title(), err)
		}
		if denies != nil {
			limits.Identity = append(limits.Identity, policy.Policy{Document: denies})
		}
	}
	for _, own := range boundary {
		relaxed, err := w.relax(own.document, append(w.reliableDenies(own.document), allowsOf(own.document)...))
		if err != nil {
			return nil, fmt.Errorf("judging %s: %w", own.title(), err)
		}
		if relaxed == nil {
			relaxed = own.document
		}
		limits.Boundary = &policy.Policy{Document: relaxed}
	}
	return limits, nil
}
