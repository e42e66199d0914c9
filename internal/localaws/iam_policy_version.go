package localaws

import (
	"slices"
	"strconv"

	"github.com/litentry/wallet-federation/internal/policy"
)

// maxPolicyVersions is how many versions a managed policy can have.
const maxPolicyVersions = 5

type policyVersionXML struct {
	Document         string `xml:",omitempty"`
	VersionID        string `xml:"VersionId"`
	IsDefaultVersion bool
	CreateDate       string
}

// id is how the version is shown: v1, v2 and so on.
func (v *policyVersion) id() string {
	return "v" + strconv.Itoa(v.number)
}

// versionXML shows a version without its document, as a list does.
func (p *managedPolicy) versionXML(v *policyVersion) policyVersionXML {
	return policyVersionXML{
		VersionID:        v.id(),
		IsDefaultVersion: v.number == p.inForce,
		CreateDate:       timestamp(v.created),
	}
}

// fullVersionXML shows all of a version.
func (p *managedPolicy) fullVersionXML(v *policyVersion) policyVersionXML {
	x := p.versionXML(v)
	x.Document = encodeDocument(v.text)
	return x
}

// policyVersion finds the policy and the version of it that a call names.
func (q *query) policyVersion() (*managedPolicy, *policyVersion, *apiError) {
	arn, failure := q.arn("PolicyArn", "policy/")
	if failure != nil {
		return nil, nil, failure
	}
	id, failure := q.matching("VersionId", versionRule)
	if failure != nil {
		return nil, nil, failure
	}
	if p := q.directory.policies[arn]; p != nil {
		for i := range p.versions {
			if v := &p.versions[i]; v.id() == id {
				return p, v, nil
			}
		}
	}
	return nil, nil, noSuchEntity("Policy %s version %s does not exist or is not attachable.", arn, id)
}

// managedDocument reads the document of a managed policy.
func (s *Server) managedDocument(q *query) (policyText, *apiError) {
	given, failure := s.admitPolicy(q, "PolicyDocument", policy.Identity)
	if failure == nil && given.document.Version != "2012-10-17" {
		failure = malformedPolicy("Policy document must be version 2012-10-17 or greater.")
	}
	if failure == nil && policySize(given.text) > maxManagedPolicy {
		failure = quotaError("PolicySize", maxManagedPolicy)
	}
	return given, failure
}

// createPolicyVersion adds a version. The policy stays as it is unless the call
// puts the new version in force.
func (s *Server) createPolicyVersion(q *query) (any, *apiError) {
	p, failure := q.attachablePolicy()
	if failure == nil {
		failure = p.own("update policies")
	}
	if failure != nil {
		return nil, failure
	}
	added := policyVersion{number: p.lastVersion + 1, created: s.options.Now()}
	if added.policyText, failure = s.managedDocument(q); failure != nil {
		return nil, failure
	}
	inForce, failure := q.flag("SetAsDefault")
	if failure != nil {
		return nil, failure
	}
	if len(p.versions) >= maxPolicyVersions {
		return nil, limitExceeded("A managed policy can have up to %d versions. "+
			"Before you create a new version, you must delete an existing version.", maxPolicyVersions)
	}
	s.replacePolicy(p, func(changed *managedPolicy) {
		changed.versions = append(slices.Clone(p.versions), added)
		changed.lastVersion, changed.updated = added.number, added.created
		if inForce {
			changed.inForce = added.number
		}
	})
	x := p.versionXML(&added)
	x.IsDefaultVersion = inForce
	return struct{ PolicyVersion policyVersionXML }{x}, nil
}

func (s *Server) getPolicyVersion(q *query) (any, *apiError) {
	p, v, failure := q.policyVersion()
	if failure != nil {
		return nil, failure
	}
	return struct{ PolicyVersion policyVersionXML }{p.fullVersionXML(v)}, nil
}

// listPolicyVersions lists the newest version first, as AWS does.
func (s *Server) listPolicyVersions(q *query) (any, *apiError) {
	p, failure := q.attachablePolicy()
	if failure != nil {
		return nil, failure
	}
	newestFirst := slices.Clone(p.versions)
	slices.Reverse(newestFirst)
	list, next, failure := paginate(q.params, newestFirst, func(v policyVersion) string { return v.id() })
	if failure != nil {
		return nil, failure
	}
	result := struct {
		Versions members[policyVersionXML]
		page
	}{page: newPage(next)}
	for i := range list {
		result.Versions.Member = append(result.Versions.Member, p.versionXML(&list[i]))
	}
	return result, nil
}

func (s *Server) setDefaultPolicyVersion(q *query) (any, *apiError) {
	p, v, failure := q.policyVersion()
	if failure == nil {
		failure = p.own("update policies")
	}
	if failure != nil {
		return nil, failure
	}
	s.replacePolicy(p, func(changed *managedPolicy) {
		changed.inForce, changed.updated = v.number, s.options.Now()
	})
	return nil, nil
}

func (s *Server) deletePolicyVersion(q *query) (any, *apiError) {
	p, v, failure := q.policyVersion()
	if failure == nil {
		failure = p.own("delete policy versions for policies")
	}
	if failure == nil && v.number == p.inForce {
		failure = deleteConflict("Cannot delete the default version of a policy.")
	}
	if failure != nil {
		return nil, failure
	}
	s.replacePolicy(p, func(changed *managedPolicy) {
		changed.versions = slices.DeleteFunc(slices.Clone(p.versions), func(x policyVersion) bool { return x.number == v.number })
	})
	return nil, nil
}
