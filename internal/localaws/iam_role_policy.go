package localaws

import (
	"maps"
	"slices"

	"github.com/litentry/wallet-federation/internal/policy"
)

func (s *Server) putRolePolicy(q *query) (any, *apiError) {
	return nil, s.changeRole(q, func(r *role) *apiError {
		name, failure := q.matching("PolicyName", policyNameRule)
		if failure != nil {
			return failure
		}
		given, failure := q.parsePolicy("PolicyDocument", policy.Identity)
		if failure != nil {
			return failure
		}
		inline := maps.Clone(r.inline)
		if inline == nil {
			inline = map[string]policyText{}
		}
		inline[name] = given
		size := 0
		for _, p := range inline {
			size += policySize(p.text)
		}
		if size > maxInlinePolicies {
			return limitExceeded("Maximum policy size of %d bytes exceeded for role %s", maxInlinePolicies, r.name)
		}
		r.inline = inline
		return nil
	})
}

// inlinePolicy finds the inline policy that a call names.
func (s *Server) inlinePolicy(q *query) (*role, string, *apiError) {
	r, failure := s.role(q)
	if failure != nil {
		return nil, "", failure
	}
	name, failure := q.matching("PolicyName", policyNameRule)
	if failure != nil {
		return nil, "", failure
	}
	if _, ok := r.inline[name]; !ok {
		return nil, "", noSuchEntity("The role policy with name %s cannot be found.", name)
	}
	return r, name, nil
}

func (s *Server) getRolePolicy(q *query) (any, *apiError) {
	r, name, failure := s.inlinePolicy(q)
	if failure != nil {
		return nil, failure
	}
	return struct{ RoleName, PolicyName, PolicyDocument string }{
		r.name, name, encodeDocument(r.inline[name].text),
	}, nil
}

func (s *Server) deleteRolePolicy(q *query) (any, *apiError) {
	r, name, failure := s.inlinePolicy(q)
	if failure != nil {
		return nil, failure
	}
	changed := r.clone()
	changed.inline = maps.Clone(r.inline)
	delete(changed.inline, name)
	s.state.roles[r.name] = changed
	return nil, nil
}

func (s *Server) listRolePolicies(q *query) (any, *apiError) {
	r, failure := s.role(q)
	if failure != nil {
		return nil, failure
	}
	names, next, failure := paginate(q.params, slices.Sorted(maps.Keys(r.inline)), func(name string) string { return name })
	if failure != nil {
		return nil, failure
	}
	return struct {
		PolicyNames members[string]
		page
	}{members[string]{names}, newPage(next)}, nil
}

// attachable finds the managed policy that a call wants to attach.
func (s *Server) attachable(q *query, parameter string) (string, *apiError) {
	arn, failure := q.matching(parameter, arnRule)
	if failure != nil {
		return "", failure
	}
	if s.state.policies[arn] == nil {
		return "", noSuchEntity("Policy %s does not exist or is not attachable.", arn)
	}
	return arn, nil
}

func (s *Server) attachRolePolicy(q *query) (any, *apiError) {
	return nil, s.changeRole(q, func(r *role) *apiError {
		arn, failure := s.attachable(q, "PolicyArn")
		if failure != nil {
			return failure
		}
		if slices.Contains(r.attached, arn) {
			return nil
		}
		if len(r.attached) >= maxAttached {
			return quotaError("PoliciesPerRole", maxAttached)
		}
		r.attached = append(slices.Clone(r.attached), arn)
		return nil
	})
}

func (s *Server) detachRolePolicy(q *query) (any, *apiError) {
	return nil, s.changeRole(q, func(r *role) *apiError {
		arn, failure := q.matching("PolicyArn", arnRule)
		if failure != nil {
			return failure
		}
		i := slices.Index(r.attached, arn)
		if i < 0 {
			return noSuchEntity("Policy %s was not found.", arn)
		}
		r.attached = slices.Delete(slices.Clone(r.attached), i, i+1)
		return nil
	})
}

type attachedXML struct {
	PolicyName string
	PolicyArn  string
}

// attachedPolicies are the managed policies of a role, by name.
func (s *Server) attachedPolicies(r *role) []attachedXML {
	var attached []attachedXML
	for _, arn := range slices.Sorted(slices.Values(r.attached)) {
		attached = append(attached, attachedXML{PolicyName: s.state.policies[arn].name, PolicyArn: arn})
	}
	return attached
}

func (s *Server) listAttachedRolePolicies(q *query) (any, *apiError) {
	r, failure := s.role(q)
	if failure != nil {
		return nil, failure
	}
	list, next, failure := paginate(q.params, s.attachedPolicies(r), func(a attachedXML) string { return a.PolicyArn })
	if failure != nil {
		return nil, failure
	}
	return struct {
		AttachedPolicies members[attachedXML]
		page
	}{members[attachedXML]{list}, newPage(next)}, nil
}

// boundary reads the parameter PermissionsBoundary.
func (s *Server) boundary(q *query) (string, *apiError) {
	return s.attachable(q, "PermissionsBoundary")
}

func (s *Server) putRolePermissionsBoundary(q *query) (any, *apiError) {
	return nil, s.changeRole(q, func(r *role) (failure *apiError) {
		r.boundary, failure = s.boundary(q)
		return failure
	})
}

func (s *Server) deleteRolePermissionsBoundary(q *query) (any, *apiError) {
	return nil, s.changeRole(q, func(r *role) *apiError {
		if r.boundary == "" {
			return noSuchEntity("Role %s does not have a permissions boundary.", r.name)
		}
		r.boundary = ""
		return nil
	})
}
