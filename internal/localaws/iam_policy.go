package localaws

import (
	"maps"
	"slices"
	"strings"

	"github.com/litentry/wallet-federation/internal/policy"
)

// onlyVersion is the version that every managed policy has here: they cannot
// be changed, only replaced.
const onlyVersion = "v1"

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

type policyVersionXML struct {
	Document         string
	VersionID        string `xml:"VersionId"`
	IsDefaultVersion bool
	CreateDate       string
}

func (s *Server) policyXML(p *managedPolicy) policyXML {
	attached, boundary := s.policyUse(p.arn)
	return policyXML{
		PolicyName:                    p.name,
		PolicyID:                      p.id,
		Arn:                           p.arn,
		Path:                          p.path,
		DefaultVersionID:              onlyVersion,
		AttachmentCount:               attached,
		PermissionsBoundaryUsageCount: boundary,
		IsAttachable:                  true,
		CreateDate:                    timestamp(p.created),
		UpdateDate:                    timestamp(p.created),
	}
}

func (p *managedPolicy) versionXML() policyVersionXML {
	return policyVersionXML{
		Document:         encodeDocument(p.text),
		VersionID:        onlyVersion,
		IsDefaultVersion: true,
		CreateDate:       timestamp(p.created),
	}
}

// policyUse counts the roles that a policy is attached to and those that it bounds.
func (s *Server) policyUse(arn string) (attached, boundary int) {
	for _, r := range s.state.roles {
		if slices.Contains(r.attached, arn) {
			attached++
		}
		if r.boundary == arn {
			boundary++
		}
	}
	return attached, boundary
}

func policyTarget(s *Server, q *query) target {
	t := target{arn: q.text("PolicyArn")}
	if p := s.state.policies[t.arn]; p != nil {
		t.tags = p.tags
	}
	return t
}

func newPolicyTarget(s *Server, q *query) target {
	return target{arn: s.arn("iam", "policy"+q.path()+q.text("PolicyName"))}
}

// managedPolicy finds the policy that a call names.
func (s *Server) managedPolicy(q *query) (*managedPolicy, *apiError) {
	arn, failure := q.matching("PolicyArn", arnRule)
	if failure != nil {
		return nil, failure
	}
	p := s.state.policies[arn]
	if p == nil {
		return nil, noSuchEntity("Policy %s was not found.", arn)
	}
	return p, nil
}

func (s *Server) createPolicy(q *query) (any, *apiError) {
	p, failure := s.newPolicy(q)
	if failure != nil {
		return nil, failure
	}
	for _, other := range s.state.policies {
		if !other.isBuiltin() && strings.EqualFold(other.name, p.name) {
			return nil, alreadyExists("A policy called %s already exists. Duplicate names are not allowed.", p.name)
		}
	}
	if len(s.state.policies) >= maxManagedPolicies {
		return nil, quotaError("PoliciesPerAccount", maxManagedPolicies)
	}
	s.state.policies[p.arn] = p
	x := s.policyXML(p)
	if len(p.tags) > 0 {
		x.Tags = &members[tag]{p.tags}
	}
	return struct{ Policy policyXML }{x}, nil
}

// newPolicy makes a managed policy of the parameters of CreatePolicy.
func (s *Server) newPolicy(q *query) (*managedPolicy, *apiError) {
	name, failure := q.matching("PolicyName", policyNameRule)
	if failure != nil {
		return nil, failure
	}
	path, failure := q.optional("Path", "/", pathRule)
	if failure != nil {
		return nil, failure
	}
	description, failure := q.optional("Description", "", descriptionRule)
	if failure != nil {
		return nil, failure
	}
	text, failure := q.parsePolicy("PolicyDocument", policy.Identity)
	if failure != nil {
		return nil, failure
	}
	if policySize(text.text) > maxManagedPolicy {
		return nil, quotaError("PolicySize", maxManagedPolicy)
	}
	tags, failure := q.resourceTags()
	if failure != nil {
		return nil, failure
	}
	return &managedPolicy{
		name: name, path: path, description: description, tags: tags, policyText: text,
		id: newID("ANPA"), arn: s.arn("iam", "policy"+path+name), created: s.options.Now(),
	}, nil
}

// isBuiltin tells AWS's own policies from the customer's.
func (p *managedPolicy) isBuiltin() bool {
	return strings.Contains(p.arn, ":iam::aws:policy/")
}

func (s *Server) getPolicy(q *query) (any, *apiError) {
	p, failure := s.managedPolicy(q)
	if failure != nil {
		return nil, failure
	}
	x := s.policyXML(p)
	x.Description = p.description
	x.Tags = &members[tag]{p.tags}
	return struct{ Policy policyXML }{x}, nil
}

func (s *Server) getPolicyVersion(q *query) (any, *apiError) {
	p, failure := s.managedPolicy(q)
	if failure != nil {
		return nil, failure
	}
	if version := q.text("VersionId"); version != onlyVersion {
		return nil, noSuchEntity("Policy %s version %s does not exist or is not attachable.", p.arn, version)
	}
	return struct{ PolicyVersion policyVersionXML }{p.versionXML()}, nil
}

func (s *Server) listPolicies(q *query) (any, *apiError) {
	prefix, failure := q.optional("PathPrefix", "/", pathPrefixRule)
	if failure != nil {
		return nil, failure
	}
	scope := q.text("Scope")
	switch scope {
	case "", "All", "AWS", "Local":
	default:
		return nil, constraintError(scope, "Scope", "Member must satisfy enum value set: [AWS, Local, All]")
	}
	list, next, failure := paginate(q.params, s.sortedPolicies(func(p *managedPolicy) bool {
		attached, _ := s.policyUse(p.arn)
		return strings.HasPrefix(p.path, prefix) &&
			(scope != "AWS" || p.isBuiltin()) && (scope != "Local" || !p.isBuiltin()) &&
			(q.text("OnlyAttached") != "true" || attached > 0)
	}), func(p *managedPolicy) string { return p.arn })
	if failure != nil {
		return nil, failure
	}
	result := struct {
		Policies members[policyXML]
		page
	}{page: newPage(next)}
	for _, p := range list {
		result.Policies.Member = append(result.Policies.Member, s.policyXML(p))
	}
	return result, nil
}

// sortedPolicies are the managed policies that are wanted, by ARN.
func (s *Server) sortedPolicies(wanted func(*managedPolicy) bool) []*managedPolicy {
	var policies []*managedPolicy
	for _, arn := range slices.Sorted(maps.Keys(s.state.policies)) {
		if p := s.state.policies[arn]; wanted(p) {
			policies = append(policies, p)
		}
	}
	return policies
}

func (s *Server) deletePolicy(q *query) (any, *apiError) {
	p, failure := s.managedPolicy(q)
	if failure != nil {
		return nil, failure
	}
	if p.isBuiltin() {
		return nil, accessDenied("User: %s is not authorized to perform: iam:DeletePolicy on resource: policy %s", q.caller.arn(), p.arn)
	}
	if attached, boundary := s.policyUse(p.arn); attached+boundary > 0 {
		return nil, deleteConflict("Cannot delete a policy attached to entities.")
	}
	delete(s.state.policies, p.arn)
	return nil, nil
}
