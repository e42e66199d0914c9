package localaws

import (
	"fmt"
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
	RoleLastUsed             struct{}
}

type userDetailXML struct {
	Path                    string
	UserName                string
	UserID                  string `xml:"UserId"`
	Arn                     string
	CreateDate              string
	UserPolicyList          members[inlineXML]
	GroupList               members[string]
	AttachedManagedPolicies members[attachedXML]
	PermissionsBoundary     *boundaryXML `xml:",omitempty"`
	Tags                    members[tag]
}

type policyDetailXML struct {
	policyXML
	PolicyVersionList members[policyVersionXML]
}

// accountDetail is one entry of the account's details: a user, a role or a
// policy.
type accountDetail struct {
	key    string
	user   *user
	role   *role
	policy *managedPolicy
}

// getAccountAuthorizationDetails tells everything about users, roles and
// managed policies in one paginated call. There are no groups.
func (s *Server) getAccountAuthorizationDetails(q *query) (any, *apiError) {
	details, failure := q.accountDetails()
	if failure != nil {
		return nil, failure
	}
	list, next, failure := paginate(q.params, details, func(d accountDetail) string { return d.key })
	if failure != nil {
		return nil, failure
	}
	result := struct {
		UserDetailList  members[userDetailXML]
		GroupDetailList members[string]
		RoleDetailList  members[roleDetailXML]
		Policies        members[policyDetailXML]
		page
	}{page: newPage(next)}
	uses := q.directory.policyUses()
	for _, d := range list {
		switch {
		case d.user != nil:
			result.UserDetailList.Member = append(result.UserDetailList.Member, q.directory.userDetailXML(d.user))
		case d.role != nil:
			result.RoleDetailList.Member = append(result.RoleDetailList.Member, s.roleDetailXML(q.directory, d.role))
		default:
			result.Policies.Member = append(result.Policies.Member, d.policy.detailXML(uses[d.policy.arn]))
		}
	}
	return result, nil
}

// accountDetails lists what the filter of a call lets through.
func (q *query) accountDetails() ([]accountDetail, *apiError) {
	filter := q.list("Filter")
	for i, kind := range filter {
		if failure := q.oneOf(fmt.Sprintf("filter.%d.member", i+1), kind, "User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy"); failure != nil {
			return nil, failure
		}
	}
	wanted := func(kind string) bool { return len(filter) == 0 || slices.Contains(filter, kind) }
	var details []accountDetail
	if wanted("User") {
		for _, u := range userEntity.below(q.directory, "/") {
			details = append(details, accountDetail{key: u.arn, user: u})
		}
	}
	if wanted("Role") {
		for _, r := range roleEntity.below(q.directory, "/") {
			details = append(details, accountDetail{key: r.arn, role: r})
		}
	}
	for _, p := range q.directory.sortedPolicies(func(p *managedPolicy) bool {
		return p.isBuiltin() && wanted("AWSManagedPolicy") || !p.isBuiltin() && wanted("LocalManagedPolicy")
	}) {
		details = append(details, accountDetail{key: p.arn, policy: p})
	}
	return details, nil
}

func (d *directory) userDetailXML(u *user) userDetailXML {
	return userDetailXML{
		Path: u.path, UserName: u.name, UserID: u.id, Arn: u.arn, CreateDate: timestamp(u.created),
		UserPolicyList:          u.inlineXML(),
		AttachedManagedPolicies: members[attachedXML]{d.attachedPolicies(&u.entity, "/")},
		PermissionsBoundary:     u.boundaryXML(),
		Tags:                    members[tag]{u.tags},
	}
}

func (s *Server) roleDetailXML(d *directory, r *role) roleDetailXML {
	x := s.roleXML(r)
	return roleDetailXML{
		Path: x.Path, RoleName: x.RoleName, RoleID: x.RoleID, Arn: x.Arn, CreateDate: x.CreateDate,
		AssumeRolePolicyDocument: x.AssumeRolePolicyDocument,
		RolePolicyList:           r.inlineXML(),
		AttachedManagedPolicies:  members[attachedXML]{d.attachedPolicies(&r.entity, "/")},
		PermissionsBoundary:      r.boundaryXML(),
		Tags:                     members[tag]{r.tags},
	}
}

func (e *entity) inlineXML() members[inlineXML] {
	var list members[inlineXML]
	for _, name := range slices.Sorted(maps.Keys(e.inline)) {
		list.Member = append(list.Member, inlineXML{name, encodeDocument(e.inline[name].text)})
	}
	return list
}

func (p *managedPolicy) detailXML(uses policyCount) policyDetailXML {
	detail := policyDetailXML{policyXML: p.policyXML(uses)}
	for i := range p.versions {
		detail.PolicyVersionList.Member = append(detail.PolicyVersionList.Member, p.fullVersionXML(&p.versions[i]))
	}
	return detail
}

// summaryXML is the map of GetAccountSummary.
type summaryXML struct {
	Entries []summaryEntryXML `xml:"entry"`
}

type summaryEntryXML struct {
	Key   string `xml:"key"`
	Value int    `xml:"value"`
}

// getAccountSummary tells how much there is of everything, and AWS's quotas. There
// are no groups, certificates and devices here.
func (s *Server) getAccountSummary(q *query) (any, *apiError) {
	d := q.directory
	versions, own := 0, 0
	for _, p := range d.policies {
		if !p.isBuiltin() {
			own++
			versions += len(p.versions)
		}
	}
	return struct{ SummaryMap summaryXML }{summaryXML{[]summaryEntryXML{
		{"AccessKeysPerUserQuota", maxAccessKeys},
		{"AccountAccessKeysPresent", 1}, // the root user's
		{"AccountMFAEnabled", 0},
		{"AccountPasswordPresent", 0},
		{"AccountSigningCertificatesPresent", 0},
		{"AssumeRolePolicySizeQuota", maxTrustPolicy},
		{"AttachedPoliciesPerGroupQuota", maxAttached},
		{"AttachedPoliciesPerRoleQuota", maxAttached},
		{"AttachedPoliciesPerUserQuota", maxAttached},
		{"GlobalEndpointTokenVersion", 1},
		{"GroupPolicySizeQuota", 5120},
		{"Groups", 0},
		{"GroupsPerUserQuota", 10},
		{"GroupsQuota", 300},
		{"InstanceProfiles", 0},
		{"InstanceProfilesQuota", 1000},
		{"MFADevices", 0},
		{"MFADevicesInUse", 0},
		{"Policies", own},
		{"PoliciesQuota", maxManagedPolicies},
		{"PolicySizeQuota", maxManagedPolicy},
		{"PolicyVersionsInUse", versions},
		{"PolicyVersionsInUseQuota", 10000},
		{"Providers", len(d.providers)},
		{"RolePolicySizeQuota", roleEntity.inlineQuota},
		{"Roles", len(d.roles)},
		{"RolesQuota", maxRoles},
		{"ServerCertificates", 0},
		{"ServerCertificatesQuota", 20},
		{"SigningCertificatesPerUserQuota", 2},
		{"UserPolicySizeQuota", userEntity.inlineQuota},
		{"Users", len(d.users)},
		{"UsersQuota", maxUsers},
		{"VersionsPerPolicyQuota", maxPolicyVersions},
	}}}, nil
}
