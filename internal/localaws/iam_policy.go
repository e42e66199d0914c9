package localaws

import (
	"maps"
	"slices"
	"strings"
)

type policyXML struct {
	PolicyName                    string
	PolicyID                      string `xml:"PolicyId"`
	Arn                           string
	Path                          string
	DefaultVersionID              string `xml:"DefaultVersionId"`
	AttachmentCount               int
	PermissionsBoundaryUsageCount int
	IsAttachable                  bool
	Description                   string `xml:",omitempty"`
	CreateDate                    string
	UpdateDate                    string
	Tags                          *members[tag] `xml:",omitempty"`
}

// policyXML shows a policy without its tags and description, as a list does.
func (p *managedPolicy) policyXML(uses policyCount) policyXML {
	return policyXML{
		PolicyName:                    p.name,
		PolicyID:                      p.id,
		Arn:                           p.arn,
		Path:                          p.path,
		DefaultVersionID:              p.version(p.inForce).id(),
		AttachmentCount:               uses.attached,
		PermissionsBoundaryUsageCount: uses.boundary,
		IsAttachable:                  true,
		CreateDate:                    timestamp(p.created),
		UpdateDate:                    timestamp(p.updated),
	}
}

// policyTarget is the policy that a call names, whether it exists or not.
func policyTarget(_ *Server, q *query) target {
	t := target{arn: q.text("PolicyArn")}
	if p := q.directory.policies[t.arn]; p != nil {
		t.tags = p.tags
	}
	return t
}

func newPolicyTarget(s *Server, q *query) target {
	return target{arn: s.arn("iam", "policy"+q.path()+q.text("PolicyName"))}
}

// managedPolicy finds the policy that a call names.
func (q *query) managedPolicy() (*managedPolicy, *apiError) {
	arn, failure := q.arn("PolicyArn", "policy/")
	if failure != nil {
		return nil, failure
	}
	p := q.directory.policies[arn]
	if p == nil {
		return nil, noSuchEntity("Policy %s was not found.", arn)
	}
	return p, nil
}

// attachablePolicy is managedPolicy in the words of the calls that are about
// versions and entities.
func (q *query) attachablePolicy() (*managedPolicy, *apiError) {
	arn, failure := q.attachable()
	return q.directory.policies[arn], failure
}

// own refuses to do something to a policy of AWS's.
func (p *managedPolicy) own(what string) *apiError {
	if p.isBuiltin() {
		return accessDenied("Cannot %s outside your own account.", what)
	}
	return nil
}

// replacePolicy puts a changed copy in the policy's place.
func (s *Server) replacePolicy(p *managedPolicy, change func(*managedPolicy)) {
	changed := *p
	change(&changed)
	s.change(func(d *directory) { d.policies[changed.arn] = &changed })
}

// retagPolicy puts a copy with other tags in the place of the policy that a call names.
func (s *Server) retagPolicy(q *query, tags func(old tagSet, same sameKey) (tagSet, *apiError)) *apiError {
	p, failure := q.managedPolicy()
	if failure == nil {
		failure = p.own("tag policies")
	}
	if failure != nil {
		return failure
	}
	changed, failure := tags(p.tags, exactly)
	if failure == nil {
		s.replacePolicy(p, func(p *managedPolicy) { p.tags = changed })
	}
	return failure
}

func (s *Server) createPolicy(q *query) (any, *apiError) {
	p, failure := s.newPolicy(q)
	if failure != nil {
		return nil, failure
	}
	own := 0
	for _, other := range s.state.policies {
		if other.isBuiltin() {
			continue
		}
		own++
		if strings.EqualFold(other.name, p.name) {
			return nil, alreadyExists("A policy called %s already exists. Duplicate names are not allowed.", p.name)
		}
	}
	if own >= maxManagedPolicies {
		return nil, quotaError("PoliciesPerAccount", maxManagedPolicies)
	}
	s.change(func(d *directory) { d.policies[p.arn] = p })
	x := p.policyXML(policyCount{})
	x.Tags = p.tags.xml()
	return struct{ Policy policyXML }{x}, nil
}

// newPolicy makes a managed policy of the parameters of CreatePolicy.
func (s *Server) newPolicy(q *query) (*managedPolicy, *apiError) {
	name, failure := q.named("PolicyName", policyNameRule)
	if failure != nil {
		return nil, failure
	}
	path, failure := q.newPath(policyPathRule)
	if failure != nil {
		return nil, failure
	}
	description, failure := q.optional("Description", "", policyDescriptionRule)
	if failure != nil {
		return nil, failure
	}
	document, failure := s.managedDocument(q)
	if failure != nil {
		return nil, failure
	}
	tags, failure := q.resourceTags(exactly)
	if failure != nil {
		return nil, failure
	}
	now := s.options.Now()
	return &managedPolicy{
		name: name, path: path, description: description, tags: tags,
		id: newID("ANPA"), arn: s.arn("iam", "policy"+path+name), created: now, updated: now,
		versions: []policyVersion{{number: 1, created: now, policyText: document}}, inForce: 1, lastVersion: 1,
	}, nil
}

// isBuiltin tells AWS's own policies from the customer's.
func (p *managedPolicy) isBuiltin() bool {
	return strings.Contains(p.arn, ":iam::aws:policy/")
}

func (s *Server) getPolicy(q *query) (any, *apiError) {
	p, failure := q.managedPolicy()
	if failure != nil {
		return nil, failure
	}
	x := p.policyXML(q.directory.policyUses()[p.arn])
	x.Description = p.description
	x.Tags = &members[tag]{p.tags}
	return struct{ Policy policyXML }{x}, nil
}

func (s *Server) listPolicies(q *query) (any, *apiError) {
	uses := q.directory.policyUses()
	wanted, failure := q.policyFilter(uses)
	if failure != nil {
		return nil, failure
	}
	list, next, failure := paginate(q.params, q.directory.sortedPolicies(wanted), func(p *managedPolicy) string { return p.arn })
	if failure != nil {
		return nil, failure
	}
	result := struct {
		Policies members[policyXML]
		page
	}{page: newPage(next)}
	for _, p := range list {
		result.Policies.Member = append(result.Policies.Member, p.policyXML(uses[p.arn]))
	}
	return result, nil
}

// policyFilter reads which policies ListPolicies is to list.
func (q *query) policyFilter(uses map[string]policyCount) (func(*managedPolicy) bool, *apiError) {
	prefix, failure := q.optional("PathPrefix", "/", policyPathRule)
	if failure != nil {
		return nil, failure
	}
	scope, failure := q.choice("Scope", "AWS", "Local", "All")
	if failure != nil {
		return nil, failure
	}
	onlyUsed, failure := q.flag("OnlyAttached")
	if failure != nil {
		return nil, failure
	}
	usage, failure := q.usageFilter()
	if failure != nil {
		return nil, failure
	}
	onlyUsed = onlyUsed || q.has("PolicyUsageFilter")
	return func(p *managedPolicy) bool {
		return strings.HasPrefix(p.path, prefix) &&
			(scope != "AWS" || p.isBuiltin()) && (scope != "Local" || !p.isBuiltin()) &&
			(!onlyUsed || usage(uses[p.arn].attached > 0, uses[p.arn].boundary > 0))
	}, nil
}

// sortedPolicies are the managed policies that are wanted, by ARN.
func (d *directory) sortedPolicies(wanted func(*managedPolicy) bool) []*managedPolicy {
	var policies []*managedPolicy
	for _, arn := range slices.Sorted(maps.Keys(d.policies)) {
		if p := d.policies[arn]; wanted(p) {
			policies = append(policies, p)
		}
	}
	return policies
}

func (s *Server) deletePolicy(q *query) (any, *apiError) {
	p, failure := q.managedPolicy()
	if failure == nil {
		failure = p.own("delete policies")
	}
	switch {
	case failure != nil:
		return nil, failure
	case s.state.policyUses()[p.arn] != policyCount{}:
		return nil, deleteConflict("Cannot delete a policy attached to entities.")
	case len(p.versions) > 1:
		return nil, deleteConflict("This policy has more than one version. Before you delete a policy, you must delete " +
			"the policy's versions. The default version is deleted with the policy.")
	}
	s.change(func(d *directory) { delete(d.policies, p.arn) })
	return nil, nil
}

func (s *Server) tagPolicy(q *query) (any, *apiError) {
	return nil, s.retagPolicy(q, q.mergeTags)
}

func (s *Server) untagPolicy(q *query) (any, *apiError) {
	return nil, s.retagPolicy(q, q.removeTags)
}

func (s *Server) listPolicyTags(q *query) (any, *apiError) {
	p, failure := q.managedPolicy()
	if failure != nil {
		return nil, failure
	}
	return q.tagPage(p.tags)
}
