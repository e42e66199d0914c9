package localaws

import (
	"slices"
	"strings"
	"time"

	"github.com/litentry/wallet-federation/internal/policy"
)

// anotherAccount is an account that nobody belongs to.
const anotherAccount = "another account"

func (s *Server) assumeRole(q *query) (any, *apiError) {
	a, requested, failure := s.readAssumeRole(q)
	if failure != nil {
		return nil, failure
	}
	r := s.findRole(a.roleARN)
	if failure := s.authorizeAssumeRole(q, a, r, requested); failure != nil {
		return nil, failure
	}
	if failure := a.checkDuration(r); failure != nil {
		return nil, failure
	}
	if failure := a.checkPacked(); failure != nil {
		return nil, failure
	}
	issued, failure := s.issue(r, a)
	if failure != nil {
		return nil, failure
	}
	result := struct {
		AssumedRoleUser  assumedRoleUserXML
		Credentials      credentialsXML
		PackedPolicySize int    `xml:",omitempty"`
		SourceIdentity   string `xml:",omitempty"`
	}{s.assumedRoleUserXML(issued), issued.credentialsXML(), 0, a.sourceIdentity}
	if len(a.policies)+len(a.tags) > 0 {
		result.PackedPolicySize = max(1, a.packedPercent())
	}
	return result, nil
}

// readAssumeRole reads the call, and adds what the calling session hands down.
// requested are the tags that the call itself names.
func (s *Server) readAssumeRole(q *query) (a *assumption, requested tagSet, failure *apiError) {
	for _, unsupported := range []string{"SerialNumber", "TokenCode", "ProvidedContexts.member.1.ContextAssertion"} {
		if q.has(unsupported) {
			return nil, nil, accessDenied("%s is not supported by this stand-in.", unsupported)
		}
	}
	if a, failure = s.readAssumption(q); failure != nil {
		return nil, nil, failure
	}
	if _, failure = q.optional("ExternalId", "", externalIDRule); failure != nil {
		return nil, nil, failure
	}
	if a.sourceIdentity, failure = q.optional("SourceIdentity", "", sourceIdentityRule); failure != nil {
		return nil, nil, failure
	}
	a.tags, a.transitive = q.tagList(), q.list("TransitiveTagKeys")
	requested = a.tags
	failure = a.checkTags()
	if failure == nil && q.caller.session != nil {
		failure = a.inherit(q.caller.session)
	}
	return a, requested, failure
}

// inherit adds what a session hands down to the next one of a chain: its
// transitive tags, which stay transitive and cannot be changed, and its source
// identity. A chained session lasts an hour at most.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_role-chaining
func (a *assumption) inherit(from *session) *apiError {
	if a.duration > maxChainedSeconds*time.Second {
		return validationError("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
	}
	for _, key := range from.transitive {
		if a.tags.index(key) >= 0 {
			return invalidParameter("One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.")
		}
	}
	inherited := slices.DeleteFunc(slices.Clone(from.tags), func(t tag) bool {
		return !slices.ContainsFunc(from.transitive, func(key string) bool { return strings.EqualFold(key, t.Key) })
	})
	a.tags = inherited.with(a.tags)
	a.transitive = append(slices.Clone(from.transitive), a.transitive...)
	if from.sourceIdentity == "" {
		return nil
	}
	if a.sourceIdentity != "" && a.sourceIdentity != from.sourceIdentity {
		return accessDenied("The source identity of the calling session cannot be changed.")
	}
	a.sourceIdentity = from.sourceIdentity
	return nil
}

// authorizeAssumeRole judges the call by the caller's own policies and the
// role's trust policy. r is nil for a role that does not exist, which is
// answered as if it trusted nobody.
func (s *Server) authorizeAssumeRole(q *query, a *assumption, r *role, requested tagSet) *apiError {
	if q.caller.principal.Type == policy.Root {
		return accessDenied("Roles may not be assumed by root accounts.")
	}
	if r == nil {
		return assumeDenied(q.caller, "sts:AssumeRole", a.roleARN)
	}
	ctx := s.requestContext(q.request, q.caller)
	a.trustContext(ctx, requested, r)
	if q.has("ExternalId") {
		ctx.Set("sts:ExternalId", q.text("ExternalId"))
	}
	trust := &policy.Policy{Name: "trust policy of role " + r.name, Document: r.trust.document}
	for _, action := range a.actions("sts:AssumeRole") {
		allowed := s.trusts(trust, q.caller, action, r.arn, ctx) &&
			s.authorize(q.caller, action, r.arn, ctx, trust).Allowed()
		if !allowed {
			return assumeDenied(q.caller, action, r.arn)
		}
	}
	return nil
}

// trusts tells whether a trust policy admits the caller, by itself or through
// its account. Unlike other resource policies a trust policy must always agree:
// in the role's own account, too, an identity policy is not enough. That is the
// rule of calls across accounts, so it is asked as one, by a caller who has
// every permission of its own.
func (s *Server) trusts(trust *policy.Policy, c *caller, action, resource string, ctx policy.Context) bool {
	policies := policy.Policies{Identity: []policy.Policy{s.administratorAccess}, Resource: trust}
	return policies.Evaluate(&policy.Request{
		Principal:       c.principal,
		Action:          action,
		Resource:        resource,
		ResourceAccount: anotherAccount,
		Context:         ctx,
	}).Allowed()
}

func assumeDenied(c *caller, action, resource string) *apiError {
	return accessDenied("User: %s is not authorized to perform: %s on resource: %s", c.arn(), action, resource)
}
