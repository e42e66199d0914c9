package policy

import (
	"fmt"
	"strings"
)

// Explain says in a sentence why the decision is what it is: which statement
// allowed or denied the request or, where none allowed it, which came closest
// and which of its conditions failed. It evaluates again, and so is for people
// and not for the common path. The sentence holds values of the request context.
func (d Decision) Explain() string {
	switch d.Outcome {
	case Allow:
		if d.Statement < 0 {
			return "allowed: the root user may do everything in its own account"
		}
		return "allowed by " + statementName(d.Policy, d.Sid, d.Statement)
	case ExplicitDeny:
		return "explicitly denied by " + statementName(d.Policy, d.Sid, d.Statement)
	case ImplicitDeny:
		return d.explainImplicitDeny()
	default:
		return "denied"
	}
}

// statementName names a statement as people find it: by its Sid or else its place.
func statementName(policy, sid string, index int) string {
	if policy == "" {
		policy = "unnamed policy"
	}
	if sid == "" {
		return fmt.Sprintf("%s Statement[%d]", policy, index)
	}
	return fmt.Sprintf("%s statement %q", policy, sid)
}

func (d Decision) explainImplicitDeny() string {
	if d.request == nil {
		return "denied"
	}
	what := "statement"
	switch d.Layer {
	case BoundaryLayer:
		what = "statement of the permissions boundary"
	case SessionLayer:
		what = "statement of a session policy"
	case ResourceLayer:
		what = "statement of the resource's policy"
	case IdentityLayer, NoLayer:
	}
	text := fmt.Sprintf("denied: no %s allows %s on %s", what, d.request.Action, d.request.Resource)
	if near := d.nearMiss(); near != "" {
		text += "; " + near
	}
	return text
}

// nearMiss names a statement that would have allowed the request in the layer
// that did not, had its conditions held.
func (d Decision) nearMiss() string {
	for _, p := range d.candidates() {
		if p.Document == nil {
			continue
		}
		for i := range p.Document.Statements {
			s := &p.Document.Statements[i]
			if s.Effect != EffectAllow || !s.appliesTo(d.request) || s.grantTo(d.request.Principal) == noGrant {
				continue
			}
			if failed := s.failedCondition(d.request.Context); failed != nil {
				return fmt.Sprintf("%s would, but its condition %s",
					statementName(p.Name, s.Sid, i), failed.describeFailure(d.request.Context))
			}
			if s.grantTo(d.request.Principal) == accountGrant {
				return statementName(p.Name, s.Sid, i) +
					" names only the account, so that the caller's own policies must allow it too"
			}
		}
	}
	return ""
}

// candidates returns the policies that could have allowed what was denied.
func (d Decision) candidates() []Policy {
	var list []Policy
	switch d.Layer {
	case BoundaryLayer:
		return append(list, *d.policies.Boundary)
	case SessionLayer:
		return d.policies.Session
	case IdentityLayer:
		list = append(list, d.policies.Identity...)
	case ResourceLayer, NoLayer:
	}
	if d.policies.Resource != nil && !d.policies.Resource.is(Identity) {
		list = append(list, *d.policies.Resource)
	}
	return list
}

// describeFailure says what a condition that does not hold asks for, and what
// the request has instead.
func (c *Condition) describeFailure(ctx Context) string {
	value, present := ctx.lookup(c.key)
	has := "the request has no such key"
	switch {
	case present && c.operator.quantifier == scalar && value.multivalued() && c.operator.family != nullFamily:
		has = "the key is multivalued, which only ForAllValues and ForAnyValue can match"
	case present:
		has = "the request has " + quoteList(value.Strings)
	}
	return fmt.Sprintf("%s %s %s fails: %s", c.Operator, c.Key, quoteList(c.Values), has)
}

// quoteList quotes the first few values, and the beginning of long ones.
func quoteList(values []string) string {
	const maxValues, maxLength = 4, 200
	var quoted []string
	for i, v := range values {
		if i == maxValues {
			quoted = append(quoted, fmt.Sprintf("and %d more", len(values)-maxValues))
			break
		}
		if len(v) > maxLength {
			v = strings.ToValidUTF8(v[:maxLength], "") + "..."
		}
		quoted = append(quoted, fmt.Sprintf("%q", v))
	}
	if len(quoted) == 1 {
		return quoted[0]
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
