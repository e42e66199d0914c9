package localaws

import (
	"maps"
	"slices"
)

// inlineXML is an inline policy in the account's details.
type inlineXML struct {
	PolicyName     string
	PolicyDocument string
}

type roleDetailXML struct {
	Path                     string
	RoleName                 string
	RoleID                   string `xml:"RoleId"`
	Arn                      string
	CreateDate               string
	AssumeRolePolicyDocument string
	InstanceProfileList      members[string]
	RolePolicyList           members[inlineXML]
	AttachedManagedPolicies  members[attachedXML]
	PermissionsBoundary      *boundaryXML `xml:",omitempty"`
	Tags                     members[tag]
}

type policyDetailXML struct {
	policyXML
	PolicyVersionList members[policyVersionXML]
}

// accountDetail is one entry of the account's details: a role or a policy.
type accountDetail struct {
	key    string
	role   *role
	policy *managedPolicy
}

// getAccountAuthorizationDetails tells everything about roles and managed
// policies in one paginated call. There are no groups, and the one user, the
// administrator, is not listed.
func (s *Server) getAccountAuthorizationDetails(q *query) (any, *apiError) {
	details, failure := s.accountDetails(q)
	if failure != nil {
		return nil, failure
	}
	list, next, failure := paginate(q.params, details, func(d accountDetail) string { return d.key })
	if failure != nil {
		return nil, failure
	}
	result := struct {
		UserDetailList  members[string]
		GroupDetailList members[string]
		RoleDetailList  members[roleDetailXML]
		Policies        members[policyDetailXML]
		page
	}{page: newPage(next)}
	for _, d := range list {
		if d.role != nil {
			result.RoleDetailList.Member = append(result.RoleDetailList.Member, s.roleDetailXML(d.role))
		} else {
			result.Policies.Member = append(result.Policies.Member, s.policyDetailXML(d.policy))
		}
	}
	return result, nil
}

// accountDetails lists what the filter of a call lets through, sorted by key.
func (s *Server) accountDetails(q *query) ([]accountDetail, *apiError) {
	filter := q.list("Filter")
	for _, kind := range filter {
		switch kind {
		case "User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy":
		default:
			return nil, constraintError(kind, "Filter", "Member must satisfy enum value set: [User, Role, Group, LocalManagedPolicy, AWSManagedPolicy]")
		}
	}
	wanted := func(kind string) bool { return len(filter) == 0 || slices.Contains(filter, kind) }
	var details []accountDetail
	if wanted("Role") {
		for _, r := range s.sortedRoles("/") {
			details = append(details, accountDetail{key: "1/" + r.name, role: r})
		}
	}
	for _, p := range s.sortedPolicies(func(p *managedPolicy) bool {
		return p.isBuiltin() && wanted("AWSManagedPolicy") || !p.isBuiltin() && wanted("LocalManagedPolicy")
	}) {
		details = append(details, accountDetail{key: "2/" + p.arn, policy: p})
	}
	return details, nil
}

func (s *Server) roleDetailXML(r *role) roleDetailXML {
	x := s.fullRoleXML(r)
	detail := roleDetailXML{
		Path: x.Path, RoleName: x.RoleName, RoleID: x.RoleID, Arn: x.Arn, CreateDate: x.CreateDate,
		AssumeRolePolicyDocument: x.AssumeRolePolicyDocument,
		PermissionsBoundary:      x.PermissionsBoundary,
		AttachedManagedPolicies:  members[attachedXML]{s.attachedPolicies(r)},
		Tags:                     members[tag]{r.tags},
	}
	for _, name := range slices.Sorted(maps.Keys(r.inline)) {
		detail.RolePolicyList.Member = append(detail.RolePolicyList.Member, inlineXML{name, encodeDocument(r.inline[name].text)})
	}
	return detail
}

func (s *Server) policyDetailXML(p *managedPolicy) policyDetailXML {
	return policyDetailXML{s.policyXML(p), members[policyVersionXML]{[]policyVersionXML{p.versionXML()}}}
}
