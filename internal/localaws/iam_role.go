package localaws

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/litentry/wallet-federation/internal/policy"
)

// roleXML is a role as IAM shows it.
type roleXML struct {
	Path                     string
	RoleName                 string
	RoleID                   string `xml:"RoleId"`
	Arn                      string
	CreateDate               string
	AssumeRolePolicyDocument string
	Description              string `xml:",omitempty"`
	MaxSessionDuration       int
	PermissionsBoundary      *boundaryXML  `xml:",omitempty"`
	Tags                     *members[tag] `xml:",omitempty"`
}

type boundaryXML struct {
	PermissionsBoundaryType string
	PermissionsBoundaryArn  string
}

type roleResult struct {
	Role roleXML
}

// roleXML shows a role without its tags and boundary, as a list does.
func (s *Server) roleXML(r *role) roleXML {
	return roleXML{
		Path:                     r.path,
		RoleName:                 r.name,
		RoleID:                   r.id,
		Arn:                      r.arn,
		CreateDate:               timestamp(r.created),
		AssumeRolePolicyDocument: encodeDocument(string(s.renderPrincipals([]byte(r.trust.text)))),
		Description:              r.description,
		MaxSessionDuration:       int(r.maxSession / time.Second),
	}
}

// fullRoleXML shows all of a role.
func (s *Server) fullRoleXML(r *role) roleXML {
	x := s.roleXML(r)
	if len(r.tags) > 0 {
		x.Tags = &members[tag]{r.tags}
	}
	x.PermissionsBoundary = boundaryOf(r)
	return x
}

func boundaryOf(r *role) *boundaryXML {
	if r.boundary == "" {
		return nil
	}
	return &boundaryXML{PermissionsBoundaryType: "PermissionsBoundaryPolicy", PermissionsBoundaryArn: r.boundary}
}

// roleTarget is the role that a call names. One that does not exist is judged
// by the ARN that it would have without a path.
func roleTarget(s *Server, q *query) target {
	t := target{arn: s.arn("iam", "role/"+q.text("RoleName")), keys: q.policyKeys()}
	if r := s.state.roles[q.text("RoleName")]; r != nil {
		t.arn, t.tags = r.arn, r.tags
	}
	return t
}

func newRoleTarget(s *Server, q *query) target {
	return target{arn: s.arn("iam", "role"+q.path()+q.text("RoleName")), keys: q.policyKeys()}
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

// role finds the role that a call names.
func (s *Server) role(q *query) (*role, *apiError) {
	name, failure := q.matching("RoleName", roleNameRule)
	if failure != nil {
		return nil, failure
	}
	r := s.state.roles[name]
	if r == nil {
		return nil, noSuchEntity("The role with name %s cannot be found.", name)
	}
	return r, nil
}

func (s *Server) createRole(q *query) (any, *apiError) {
	r, failure := s.newRole(q)
	if failure != nil {
		return nil, failure
	}
	for name := range s.state.roles {
		if strings.EqualFold(name, r.name) {
			return nil, alreadyExists("Role with name %s already exists.", r.name)
		}
	}
	if len(s.state.roles) >= maxRoles {
		return nil, quotaError("RolesPerAccount", maxRoles)
	}
	s.state.roles[r.name] = r
	return roleResult{s.fullRoleXML(r)}, nil
}

// newRole makes a role of the parameters of CreateRole.
func (s *Server) newRole(q *query) (*role, *apiError) {
	name, failure := q.matching("RoleName", roleNameRule)
	if failure != nil {
		return nil, failure
	}
	path, failure := q.optional("Path", "/", pathRule)
	if failure != nil {
		return nil, failure
	}
	r := &role{
		name:       name,
		path:       path,
		id:         newID("AROA"),
		arn:        s.arn("iam", "role"+path+name),
		created:    s.options.Now(),
		maxSession: minSessionSeconds * time.Second,
	}
	if failure := r.describe(q); failure != nil {
		return nil, failure
	}
	if r.trust, failure = s.trustPolicy(q, "AssumeRolePolicyDocument"); failure != nil {
		return nil, failure
	}
	if r.tags, failure = q.resourceTags(); failure != nil {
		return nil, failure
	}
	if q.has("PermissionsBoundary") {
		r.boundary, failure = s.boundary(q)
	}
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
	given, failure := q.parsePolicy(parameter, policy.Trust)
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
	r, failure := s.role(q)
	if failure != nil {
		return nil, failure
	}
	return roleResult{s.fullRoleXML(r)}, nil
}

func (s *Server) listRoles(q *query) (any, *apiError) {
	prefix, failure := q.optional("PathPrefix", "/", pathPrefixRule)
	if failure != nil {
		return nil, failure
	}
	list, next, failure := paginate(q.params, s.sortedRoles(prefix), func(r *role) string { return r.name })
	if failure != nil {
		return nil, failure
	}
	result := struct {
		Roles members[roleXML]
		page
	}{page: newPage(next)}
	for _, r := range list {
		result.Roles.Member = append(result.Roles.Member, s.roleXML(r))
	}
	return result, nil
}

// sortedRoles are the roles below a path, by name.
func (s *Server) sortedRoles(prefix string) []*role {
	var roles []*role
	for _, name := range slices.Sorted(maps.Keys(s.state.roles)) {
		if r := s.state.roles[name]; strings.HasPrefix(r.path, prefix) {
			roles = append(roles, r)
		}
	}
	return roles
}

func (s *Server) updateRole(q *query) (any, *apiError) {
	failure := s.changeRole(q, func(r *role) *apiError { return r.describe(q) })
	return struct{}{}, failure
}

func (s *Server) updateAssumeRolePolicy(q *query) (any, *apiError) {
	return nil, s.changeRole(q, func(r *role) (failure *apiError) {
		r.trust, failure = s.trustPolicy(q, "PolicyDocument")
		return failure
	})
}

// changeRole puts a changed copy in the role's place, unless change fails.
func (s *Server) changeRole(q *query, change func(*role) *apiError) *apiError {
	r, failure := s.role(q)
	if failure != nil {
		return failure
	}
	changed := r.clone()
	if failure := change(changed); failure != nil {
		return failure
	}
	s.state.roles[r.name] = changed
	return nil
}

func (s *Server) deleteRole(q *query) (any, *apiError) {
	r, failure := s.role(q)
	switch {
	case failure != nil:
		return nil, failure
	case len(r.attached) > 0:
		return nil, deleteConflict("Cannot delete entity, must detach all policies first.")
	case len(r.inline) > 0:
		return nil, deleteConflict("Cannot delete entity, must delete policies first.")
	}
	delete(s.state.roles, r.name)
	return nil, nil
}

func (s *Server) tagRole(q *query) (any, *apiError) {
	return nil, s.changeRole(q, func(r *role) (failure *apiError) {
		r.tags, failure = q.mergeTags(r.tags)
		return failure
	})
}

func (s *Server) untagRole(q *query) (any, *apiError) {
	return nil, s.changeRole(q, func(r *role) *apiError {
		r.tags = r.tags.without(q.list("TagKeys"))
		return nil
	})
}

func (s *Server) listRoleTags(q *query) (any, *apiError) {
	r, failure := s.role(q)
	if failure != nil {
		return nil, failure
	}
	return q.tagPage(r.tags)
}
