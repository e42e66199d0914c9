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

// policyVersion finds the version that a call names.
func (q *query) policyVersion(p *managedPolicy) (*policyVersion, *apiError) {
	id, failure := q.matching("VersionId", versionRule)
	if failure != nil {
		return nil, failure
	}
	for i := range p.versions {
		if v := &p.versions[i]; v.id() == id {
			return v, nil
		}
	}
	return nil, noSuchEntity("Policy %s version %s does not exist or is not attachable.", p.arn, id)
}

// managedDocument reads the document of a managed policy.
func (q *query) managedDocument() (policyText, *apiError) {
	given, failure := q.parsePolicy("PolicyDocument", policy.Identity)
	if failure == nil && policySize(given.text) > maxManagedPolicy {
		failure = quotaError("PolicySize", maxManagedPolicy)
	}
	return given, failure
}

// createPolicyVersion adds a version. The policy stays as it is unless the call
// puts the new version in force.
func (s *Server) createPolicyVersion(q *query) (any, *apiError) {
	var result struct{ PolicyVersion policyVersionXML }
	failure := s.updatePolicy(q, func(p *managedPolicy) *apiError {
		given, failure := q.managedDocument()
		if failure != nil {
			return failure
		}
		inForce, failure := q.flag("SetAsDefault")
		if failure != nil {
			return failure
		}
		if len(p.versions) >= maxPolicyVersions {
			return limitExceeded("A managed policy can have up to %d versions. "+
				"Before you create a new version, you must delete an existing version.", maxPolicyVersions)
		}
		p.lastVersion++
		p.updated = s.options.Now()
		added := policyVersion{number: p.lastVersion, created: p.updated, policyText: given}
		p.versions = append(slices.Clone(p.versions), added)
		if inForce {
			p.inForce = added.number
		}
		result.PolicyVersion = p.versionXML(&added)
		return nil
	})
	return result, failure
}

func (s *Server) getPolicyVersion(q *query) (any, *apiError) {
	p, failure := q.managedPolicy()
	if failure != nil {
		return nil, failure
	}
	v, failure := q.policyVersion(p)
	if failure != nil {
		return nil, failure
	}
	return struct{ PolicyVersion policyVersionXML }{p.fullVersionXML(v)}, nil
}

// listPolicyVersions lists the newest version first, as AWS does.
func (s *Server) listPolicyVersions(q *query) (any, *apiError) {
	p, failure := q.managedPolicy()
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
	return nil, s.updatePolicy(q, func(p *managedPolicy) *apiError {
		v, failure := q.policyVersion(p)
		if failure != nil {
			return failure
		}
		p.inForce, p.updated = v.number, s.options.Now()
		return nil
	})
}

func (s *Server) deletePolicyVersion(q *query) (any, *apiError) {
	return nil, s.updatePolicy(q, func(p *managedPolicy) *apiError {
		v, failure := q.policyVersion(p)
		if failure != nil {
			return failure
		}
		if v.number == p.inForce {
			return deleteConflict("Cannot delete the default version of a policy.")
		}
		p.versions = slices.DeleteFunc(slices.Clone(p.versions), func(x policyVersion) bool { return x.number == v.number })
		return nil
	})
}
