package policy

import (
	"fmt"
	"math"
	"strings"
)

// Explain says in a sentence why the decision is what it is: which statement
// allowed or denied the request or, where none allowed it, which came closest
// and which of its conditions failed. It evaluates again, and so is for people
// and not for the common path. The sentence holds values of the request context, and
// is at most 8 KiB long.
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
		return fmt.Sprintf("%s Statement[%d]", shorten(policy), index)
	}
	return fmt.Sprintf("%s statement %q", shorten(policy), shorten(sid))
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
	text := fmt.Sprintf("denied: no %s allows %s on %s", what, shorten(d.request.Action), shorten(d.request.Resource))
	if near := d.nearMiss(); near != "" {
		text += "; " + near
	}
	return text
}

// nearMiss tells of the statement that came closest to allowing the request in
// the layer that did not: one that lacked a condition, the fewer the nearer, one
// that names the account only, or one that allows the action on other resources.
func (d Decision) nearMiss() string {
	var nearest string
	best := math.MaxInt
	for _, p := range d.candidates() {
		if p.Document == nil {
			continue
		}
		for i := range p.Document.Statements {
			s := &p.Document.Statements[i]
			if distance, text := d.miss(p.Document, s); distance < best {
				best, nearest = distance, statementName(p.Name, s.Sid, i)+" "+text
			}
		}
	}
	return nearest
}

// miss tells how a statement failed to allow the request, and how far off it was:
// math.MaxInt if it says nothing about the request.
func (d Decision) miss(document *Document, s *Statement) (distance int, text string) {
	const accountOnly, otherResource = math.MaxInt - 2, math.MaxInt - 1
	r := d.request
	granted := s.grantTo(r.Principal)
	if s.Effect != EffectAllow || granted == noGrant || !selects(s.actions, s.notActions, r.Context, r.Action) {
		return math.MaxInt, ""
	}
	if !s.appliesTo(r) {
		return otherResource, s.describeResource(r.Context)
	}
	var failed []*Condition
	for i := range s.Conditions {
		if !s.Conditions[i].holds(r.Context) {
			failed = append(failed, &s.Conditions[i])
		}
	}
	switch {
	case len(failed) > 0:
		return len(failed), "would, but its condition " + failed[0].describeFailure(document, r.Context)
	case granted == accountGrant:
		return accountOnly, "names only the account, so that the caller's own policies must allow it too"
	default:
		return math.MaxInt, ""
	}
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
	if d.policies.Resource != nil && d.policies.Resource.namesPrincipals() {
		list = append(list, *d.policies.Resource)
	}
	return list
}

// describeResource says on what the statement allows the action instead.
func (s *Statement) describeResource(ctx Context) string {
	if len(s.notResources) > 0 {
		return "allows the action, but not on " + quoteList(s.NotResources)
	}
	text := "allows the action, but only on " + quoteList(s.Resources)
	if name, ok := missingVariable(s.resources, ctx); ok {
		text += ", and the request has no single value for ${" + name + "}"
	}
	return text
}

// describeFailure says what a condition that does not hold asks for, and what
// the request has instead.
func (c *Condition) describeFailure(document *Document, ctx Context) string {
	value, present := ctx.lookup(c.key)
	has := "the request has no such key"
	switch {
	case present && c.operator.quantifier == scalar && value.Multivalued() && c.operator.family != nullFamily:
		has = "the key is multivalued, which only ForAllValues and ForAnyValue can match"
	case present:
		has = "the request has " + quoteList(value.Strings())
	}
	var patterns []*pattern
	if document.Version == currentVersion {
		for _, v := range c.Values {
			if p, problem := compilePattern(v, variables); problem == "" {
				patterns = append(patterns, p)
			}
		}
	}
	if name, ok := missingVariable(patterns, ctx); ok {
		has += ", and no single value for ${" + name + "}"
	}
	return fmt.Sprintf("%s %s %s fails: %s", c.Operator, shorten(c.Key), quoteList(c.Values), has)
}

// missingVariable names the first variable that stands for nothing, if any does.
func missingVariable(patterns []*pattern, ctx Context) (name string, ok bool) {
	for _, p := range patterns {
		for i := range p.variables {
			if _, resolved := p.variables[i].resolve(ctx); !resolved {
				return shorten(p.variables[i].name), true
			}
		}
	}
	return "", false
}

// quoteList quotes the first few values, and the beginning of long ones.
func quoteList(values []string) string {
	const maxValues = 4
	var quoted []string
	for i, v := range values {
		if i == maxValues {
			quoted = append(quoted, fmt.Sprintf("and %d more", len(values)-maxValues))
			break
		}
		quoted = append(quoted, fmt.Sprintf("%q", shorten(v)))
	}
	if len(quoted) == 1 {
		return quoted[0]
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// shorten cuts what is too long for a sentence.
func shorten(s string) string {
	const maxLength = 200
	if len(s) > maxLength {
		return strings.ToValidUTF8(s[:maxLength], "") + "..."
	}
	return s
}
