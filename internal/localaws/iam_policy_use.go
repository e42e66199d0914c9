package localaws

import (
	"slices"
	"strings"
)

// entities are all roles and users, roles first, each by name.
func (d *directory) entities() []*entity {
	var all []*entity
	for _, r := range roleEntity.below(d, "/") {
		all = append(all, &r.entity)
	}
	for _, u := range userEntity.below(d, "/") {
		all = append(all, &u.entity)
	}
	return all
}

// policyUses counts, for every managed policy that is in use, the entities that
// it is attached to and those that it bounds.
func (d *directory) policyUses() map[string]policyCount {
	counts := map[string]policyCount{}
	for _, e := range d.entities() {
		for _, arn := range e.attached {
			c := counts[arn]
			c.attached++
			counts[arn] = c
		}
		if e.boundary != "" {
			c := counts[e.boundary]
			c.boundary++
			counts[e.boundary] = c
		}
	}
	return counts
}

// policyCount is how many entities use a policy.
type policyCount struct {
	attached, boundary int
}

// usageFilter is which use of a policy a call asks for.
func (q *query) usageFilter() (func(attached, boundary bool) bool, *apiError) {
	filter, failure := q.choice("PolicyUsageFilter", "PermissionsPolicy", "PermissionsBoundary")
	return func(attached, boundary bool) bool {
		return attached && filter != "PermissionsBoundary" || boundary && filter != "PermissionsPolicy"
	}, failure
}

type policyRoleXML struct {
	RoleName string
	RoleID   string `xml:"RoleId"`
}

type policyUserXML struct {
	UserName string
	UserID   string `xml:"UserId"`
}

// listEntitiesForPolicy tells to whom a policy is given. There are no groups.
func (s *Server) listEntitiesForPolicy(q *query) (any, *apiError) {
	p, failure := q.attachablePolicy()
	if failure != nil {
		return nil, failure
	}
	users, failure := q.policyEntities(p)
	if failure != nil {
		return nil, failure
	}
	list, next, failure := paginate(q.params, users, func(e *entity) string { return e.id })
	if failure != nil {
		return nil, failure
	}
	result := struct {
		PolicyGroups members[string]
		PolicyUsers  members[policyUserXML]
		PolicyRoles  members[policyRoleXML]
		page
	}{page: newPage(next)}
	for _, e := range list {
		if strings.HasPrefix(e.id, "AROA") {
			result.PolicyRoles.Member = append(result.PolicyRoles.Member, policyRoleXML{e.name, e.id})
		} else {
			result.PolicyUsers.Member = append(result.PolicyUsers.Member, policyUserXML{e.name, e.id})
		}
	}
	return result, nil
}

// policyEntities are the entities that use a policy and pass the call's filters.
func (q *query) policyEntities(p *managedPolicy) ([]*entity, *apiError) {
	prefix, failure := q.optional("PathPrefix", "/", pathRule)
	if failure != nil {
		return nil, failure
	}
	kind, failure := q.choice("EntityFilter", "User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy")
	if failure != nil {
		return nil, failure
	}
	wanted, failure := q.usageFilter()
	if failure != nil {
		return nil, failure
	}
	return slices.DeleteFunc(q.directory.entities(), func(e *entity) bool {
		isRole := strings.HasPrefix(e.id, "AROA")
		return !wanted(slices.Contains(e.attached, p.arn), e.boundary == p.arn) || !strings.HasPrefix(e.path, prefix) ||
			kind != "" && (kind != "Role" || !isRole) && (kind != "User" || isRole)
	}), nil
}
