package localaws

import (
	"time"

	"github.com/litentry/wallet-federation/internal/policy"
)

// roleXML is a role as IAM shows it. Which of its members appear differs from
// call to call.
type roleXML struct {
	Path                     string
	RoleName                 string
	RoleID                   string `xml:"RoleId"`
	Arn                      string
	CreateDate               string
	AssumeRolePolicyDocument string
	Description              string        `xml:",omitempty"`
	MaxSessionDuration       int           `xml:",omitempty"`
	PermissionsBoundary      *boundaryXML  `xml:",omitempty"`
	Tags                     *members[tag] `xml:",omitempty"`
	RoleLastUsed             *struct{}     `xml:",omitempty"`
}

type boundaryXML struct {
	PermissionsBoundaryType string
	PermissionsBoundaryArn  string
}

type roleResult struct {
	Role roleXML
}

// roleXML shows what every call shows.
func (s *Server) roleXML(r *role) roleXML {
	return roleXML{
		Path:                     r.path,
		RoleName:                 r.name,
		RoleID:                   r.id,
		Arn:                      r.arn,
		CreateDate:               timestamp(r.created),
		AssumeRolePolicyDocument: encodeDocument(string(s.renderPrincipals([]byte(r.trust.text)))),
	}
}

// listedRoleXML shows a role as a list does: without its tags and boundary.
func (s *Server) listedRoleXML(r *role) roleXML {
	x := s.roleXML(r)
	x.Description, x.MaxSessionDuration = r.description, int(r.maxSession/time.Second)
	return x
}

// createdRoleXML shows a role as CreateRole does: without what UpdateRole sets.
func (s *Server) createdRoleXML(r *role) roleXML {
	x := s.roleXML(r)
	x.PermissionsBoundary, x.Tags = r.boundaryXML(), r.tags.xml()
	return x
}

// fullRoleXML shows all of a role. When it was used last AWS tells hours later;
// here it never does.
func (s *Server) fullRoleXML(r *role) roleXML {
	x := s.listedRoleXML(r)
	x.PermissionsBoundary, x.Tags, x.RoleLastUsed = r.boundaryXML(), r.tags.xml(), &struct{}{}
	return x
}

func (e *entity) boundaryXML() *boundaryXML {
	if e.boundary == "" {
		return nil
	}
	return &boundaryXML{PermissionsBoundaryType: "Policy", PermissionsBoundaryArn: e.boundary}
}

// policyKeys are the condition keys that tell which policy a call attaches.
func (q *query) policyKeys() map[string]string {
	keys := map[string]string{}
	if q.has("PolicyArn") {
		keys["iam:PolicyARN"] = q.text("PolicyArn")
	}
	if q.has("PermissionsBoundary") {
		keys["iam:PermissionsBoundary"] = q.text("PermissionsBoundary")
	}
	return keys
}

func (q *query) path() string {
	if !q.has("Path") {
		return "/"
	}
	return q.text("Path")
}

func (s *Server) createRole(q *query) (any, *apiError) {
	r, failure := s.newRole(q)
	if failure != nil {
		return nil, failure
	}
	if failure := roleEntity.add(s, r, "RolesPerAccount", maxRoles); failure != nil {
		return nil, failure
	}
	return roleResult{s.createdRoleXML(r)}, nil
}

// newRole makes a role of the parameters of CreateRole.
func (s *Server) newRole(q *query) (*role, *apiError) {
	e, failure := s.newEntity(q, "Role", roleNameRule)
	if failure != nil {
		return nil, failure
	}
	r := &role{entity: e, maxSession: minSessionSeconds * time.Second}
	r.id = newID("AROA")
	if failure := r.describe(q); failure != nil {
		return nil, failure
	}
	r.trust, failure = s.trustPolicy(q, "AssumeRolePolicyDocument")
	return r, failure
}

// describe sets what UpdateRole can change.
func (r *role) describe(q *query) *apiError {
	description, failure := q.optional("Description", r.description, descriptionRule)
	if failure != nil {
		return failure
	}
	seconds, failure := q.number("MaxSessionDuration", int(r.maxSession/time.Second), minSessionSeconds, maxSessionSeconds)
	if failure != nil {
		return failure
	}
	r.description, r.maxSession = description, time.Duration(seconds)*time.Second
	return nil
}

// trustPolicy reads a trust policy, and binds its principals.
func (s *Server) trustPolicy(q *query, parameter string) (policyText, *apiError) {
	given, failure := s.admitPolicy(q, parameter, policy.Trust)
	if failure != nil {
		return policyText{}, failure
	}
	if policySize(given.text) > maxTrustPolicy {
		return policyText{}, quotaError("ACLSizePerRole", maxTrustPolicy)
	}
	bound, unknown := s.bindPrincipals([]byte(given.text))
	if unknown != "" {
		return policyText{}, malformedPolicy(`Invalid principal in policy: "AWS":"%s"`, unknown)
	}
	document, err := policy.Parse(policy.Trust, bound)
	if err != nil {
		return policyText{}, malformedPolicy("%s", err)
	}
	return policyText{text: string(bound), document: document}, nil
}

func (s *Server) getRole(q *query) (any, *apiError) {
	r, failure := roleEntity.find(q)
	if failure != nil {
		return nil, failure
	}
	return roleResult{s.fullRoleXML(r)}, nil
}

func (s *Server) listRoles(q *query) (any, *apiError) {
	list, next, failure := roleEntity.list(q)
	if failure != nil {
		return nil, failure
	}
	result := struct {
		Roles members[roleXML]
		page
	}{page: newPage(next)}
	for _, r := range list {
		result.Roles.Member = append(result.Roles.Member, s.listedRoleXML(r))
	}
	return result, nil
}

func (s *Server) updateRole(q *query) (any, *apiError) {
	failure := roleEntity.update(s, q, func(r *role) *apiError { return r.describe(q) })
	return struct{}{}, failure
}

// updateRoleDescription is the older way to do a part of UpdateRole.
func (s *Server) updateRoleDescription(q *query) (any, *apiError) {
	var result roleResult
	failure := roleEntity.update(s, q, func(r *role) (failure *apiError) {
		r.description, failure = q.matching("Description", descriptionRule)
		result.Role = s.roleXML(r)
		result.Role.Description = r.description
		return failure
	})
	return result, failure
}

func (s *Server) updateAssumeRolePolicy(q *query) (any, *apiError) {
	return nil, roleEntity.update(s, q, func(r *role) (failure *apiError) {
		r.trust, failure = s.trustPolicy(q, "PolicyDocument")
		return failure
	})
}

func (s *Server) deleteRole(q *query) (any, *apiError) {
	return nil, roleEntity.remove(s, q)
}

// listInstanceProfilesForRole finds none: there are no instances here. Tools ask
// before they delete a role.
func (s *Server) listInstanceProfilesForRole(q *query) (any, *apiError) {
	if _, failure := roleEntity.find(q); failure != nil {
		return nil, failure
	}
	_, next, failure := paginate(q.params, []string{}, func(name string) string { return name })
	return struct {
		InstanceProfiles members[string]
		page
	}{page: newPage(next)}, failure
}
