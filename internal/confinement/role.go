package confinement

import (
	"fmt"
	"strings"

	"github.com/litentry/wallet-federation/internal/policy"
)

// Role is a role as IAM describes it.
type Role struct {
	ARN  string
	Tags map[string]string
	// Inline are the policies embedded in the role, Attached the managed ones.
	Inline, Attached []Policy
	// Boundary is the permissions boundary, nil when there is none.
	Boundary *Policy
}

// Policy is a policy document and the name that IAM knows it by.
type Policy struct {
	Name     string
	Document []byte
}

// CarriesTag says whether the role itself has the tag. Every session of such a
// role has the tag too, also one that was bought with an untagged token. IAM
// ignores the case of tag keys.
func CarriesTag(role Role, tagKey string) bool {
	for key := range role.Tags {
		if strings.EqualFold(key, tagKey) {
			return true
		}
	}
	return false
}

// Kind tells how a policy belongs to a role.
type Kind string

// How a policy belongs to a role.
const (
	Inline       Kind = "inline"
	Attached     Kind = "attached"
	kindBoundary Kind = "boundary"
)

// ownPolicy is one parsed policy of the role.
type ownPolicy struct {
	kind     Kind
	name     string
	document *policy.Document
}

// title is what people call the policy.
func (p ownPolicy) title() string { return fmt.Sprintf("%s policy %q", p.kind, p.name) }

func parseOwn(kind Kind, p Policy) (ownPolicy, error) {
	own := ownPolicy{kind: kind, name: p.Name}
	document, err := policy.Parse(policy.Identity, p.Document)
	if err != nil {
		return own, fmt.Errorf("reading %s: %w", own.title(), err)
	}
	own.document = document
	return own, nil
}

// identity parses the policies that grant, inline ones first.
func (r Role) identity() ([]ownPolicy, error) {
	var policies []ownPolicy
	for _, group := range []struct {
		kind     Kind
		policies []Policy
	}{{Inline, r.Inline}, {Attached, r.Attached}} {
		for _, p := range group.policies {
			own, err := parseOwn(group.kind, p)
			if err != nil {
				return nil, err
			}
			policies = append(policies, own)
		}
	}
	return policies, nil
}

// boundary parses the permissions boundary, if there is one.
func (r Role) boundary() ([]ownPolicy, error) {
	if r.Boundary == nil {
		return nil, nil
	}
	own, err := parseOwn(kindBoundary, *r.Boundary)
	if err != nil {
		return nil, err
	}
	return []ownPolicy{own}, nil
}
