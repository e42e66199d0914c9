package localaws

import (
	"maps"
	"slices"
	"strings"

	"github.com/litentry/wallet-federation/internal/policy"
)

// entityKind is a kind of entity, a role or a user: how it is called and found. Its
// methods are the operations that both kinds have.
type entityKind[T any] struct {
	name          string // as in the names of operations, parameters and results
	rule          rule   // of the name of one that exists
	inlineQuota   int    // characters of all inline policies together
	attachedQuota string // name of the quota of attached policies
	table         func(*directory) map[string]*T
	entity        func(*T) *entity
}

var (
	roleEntity = entityKind[role]{
		name: "Role", rule: roleNameRule, inlineQuota: 10240, attachedQuota: "PoliciesPerRole",
		table:  func(d *directory) map[string]*role { return d.roles },
		entity: func(r *role) *entity { return &r.entity },
	}
	userEntity = entityKind[user]{
		name: "User", rule: existingUserRule, inlineQuota: 2048, attachedQuota: "PoliciesPerUser",
		table:  func(d *directory) map[string]*user { return d.users },
		entity: func(u *user) *entity { return &u.entity },
	}
)

// noun is the kind's name in messages and ARNs.
func (k entityKind[T]) noun() string {
	return strings.ToLower(k.name)
}

// target is the entity that a call names. One that does not exist is judged by
// the ARN that it would have without a path.
func (k entityKind[T]) target(s *Server, q *query) target {
	name := q.text(k.name + "Name")
	t := target{arn: s.arn("iam", k.noun()+"/"+name), keys: q.policyKeys()}
	if found := k.table(q.directory)[name]; found != nil {
		e := k.entity(found)
		t.arn, t.tags = e.arn, e.tags
	}
	return t
}

// newTarget is the entity that a call is to create.
func (k entityKind[T]) newTarget(s *Server, q *query) target {
	return target{arn: s.arn("iam", k.noun()+q.path()+q.text(k.name+"Name")), keys: q.policyKeys()}
}

// newEntity makes an entity of the parameters that CreateRole and CreateUser
// share. It has no id yet.
func (s *Server) newEntity(q *query, kind string, named rule) (e entity, failure *apiError) {
	if e.name, failure = q.named(kind+"Name", named); failure != nil {
		return e, failure
	}
	if e.path, failure = q.newPath(pathRule); failure != nil {
		return e, failure
	}
	if e.tags, failure = q.resourceTags(strings.EqualFold); failure != nil {
		return e, failure
	}
	if q.has("PermissionsBoundary") {
		e.boundary, failure = q.boundary()
	}
	e.arn = s.arn("iam", strings.ToLower(kind)+e.path+e.name)
	e.created = s.options.Now()
	return e, failure
}

// find finds the entity that a call names.
func (k entityKind[T]) find(q *query) (*T, *apiError) {
	name, failure := q.named(k.name+"Name", k.rule)
	if failure != nil {
		return nil, failure
	}
	found := k.table(q.directory)[name]
	if found == nil {
		return nil, noSuchEntity("The %s with name %s cannot be found.", k.noun(), name)
	}
	return found, nil
}

// add puts a new entity into the account.
func (k entityKind[T]) add(s *Server, added *T, quota string, limit int) *apiError {
	e, table := k.entity(added), k.table(&s.state.directory)
	for name := range table {
		if strings.EqualFold(name, e.name) {
			return alreadyExists("%s with name %s already exists.", k.name, e.name)
		}
	}
	if len(table) >= limit {
		return quotaError(quota, limit)
	}
	s.change(func(d *directory) { k.table(d)[e.name] = added })
	return nil
}

// update puts a changed copy in the entity's place, unless change fails.
func (k entityKind[T]) update(s *Server, q *query, change func(*T) *apiError) *apiError {
	old, failure := k.find(q)
	if failure != nil {
		return failure
	}
	changed := *old
	if failure := change(&changed); failure != nil {
		return failure
	}
	s.change(func(d *directory) { k.table(d)[k.entity(&changed).name] = &changed })
	return nil
}

// updateEntity is update for a change of what both kinds have.
func (k entityKind[T]) updateEntity(s *Server, q *query, change func(*entity) *apiError) (any, *apiError) {
	return nil, k.update(s, q, func(t *T) *apiError { return change(k.entity(t)) })
}

// remove takes out the entity that a call names. Its policies must be gone.
func (k entityKind[T]) remove(s *Server, q *query) *apiError {
	found, failure := k.find(q)
	if failure != nil {
		return failure
	}
	e := k.entity(found)
	switch {
	case len(e.attached) > 0:
		return deleteConflict("Cannot delete entity, must detach all policies first.")
	case len(e.inline) > 0:
		return deleteConflict("Cannot delete entity, must delete policies first.")
	}
	s.change(func(d *directory) { delete(k.table(d), e.name) })
	return nil
}

// below are the entities below a path, by name.
func (k entityKind[T]) below(d *directory, prefix string) []*T {
	var found []*T
	table := k.table(d)
	for _, name := range slices.Sorted(maps.Keys(table)) {
		if strings.HasPrefix(k.entity(table[name]).path, prefix) {
			found = append(found, table[name])
		}
	}
	return found
}

// list is one page of the entities below the path that a call names.
func (k entityKind[T]) list(q *query) (list []*T, next string, failure *apiError) {
	prefix, failure := q.optional("PathPrefix", "/", pathPrefixRule)
	if failure != nil {
		return nil, "", failure
	}
	return paginate(q.params, k.below(q.directory, prefix), func(t *T) string { return k.entity(t).name })
}

func (k entityKind[T]) putPolicy(s *Server, q *query) (any, *apiError) {
	return k.updateEntity(s, q, func(e *entity) *apiError {
		name, failure := q.named("PolicyName", policyNameRule)
		if failure != nil {
			return failure
		}
		given, failure := s.admitPolicy(q, "PolicyDocument", policy.Identity)
		if failure != nil {
			return failure
		}
		inline := maps.Clone(e.inline)
		if inline == nil {
			inline = map[string]policyText{}
		}
		inline[name] = given
		size := 0
		for _, p := range inline {
			size += policySize(p.text)
		}
		if size > k.inlineQuota {
			return limitExceeded("Maximum policy size of %d bytes exceeded for %s %s", k.inlineQuota, k.noun(), e.name)
		}
		e.inline = inline
		return nil
	})
}

// inlinePolicy finds the name of the inline policy that a call names.
func (k entityKind[T]) inlinePolicy(q *query, e *entity) (string, *apiError) {
	name, failure := q.named("PolicyName", policyNameRule)
	if failure != nil {
		return "", failure
	}
	if _, ok := e.inline[name]; !ok {
		return "", noSuchEntity("The %s policy with name %s cannot be found.", k.noun(), name)
	}
	return name, nil
}

func (k entityKind[T]) getPolicy(_ *Server, q *query) (any, *apiError) {
	found, failure := k.find(q)
	if failure != nil {
		return nil, failure
	}
	e := k.entity(found)
	name, failure := k.inlinePolicy(q, e)
	if failure != nil {
		return nil, failure
	}
	result := struct {
		RoleName       string `xml:",omitempty"`
		UserName       string `xml:",omitempty"`
		PolicyName     string
		PolicyDocument string
	}{PolicyName: name, PolicyDocument: encodeDocument(e.inline[name].text)}
	if k.name == "Role" {
		result.RoleName = e.name
	} else {
		result.UserName = e.name
	}
	return result, nil
}

func (k entityKind[T]) deletePolicy(s *Server, q *query) (any, *apiError) {
	return k.updateEntity(s, q, func(e *entity) *apiError {
		name, failure := k.inlinePolicy(q, e)
		if failure != nil {
			return failure
		}
		e.inline = maps.Clone(e.inline)
		delete(e.inline, name)
		return nil
	})
}

func (k entityKind[T]) listPolicies(_ *Server, q *query) (any, *apiError) {
	found, failure := k.find(q)
	if failure != nil {
		return nil, failure
	}
	inline := slices.Sorted(maps.Keys(k.entity(found).inline))
	names, next, failure := paginate(q.params, inline, func(name string) string { return name })
	if failure != nil {
		return nil, failure
	}
	return struct {
		PolicyNames members[string]
		page
	}{members[string]{names}, newPage(next)}, nil
}

// attachable finds the managed policy that a call wants to attach.
func (q *query) attachable() (string, *apiError) {
	arn, failure := q.arn("PolicyArn", "policy/")
	if failure == nil && q.directory.policies[arn] == nil {
		failure = noSuchEntity("Policy %s does not exist or is not attachable.", arn)
	}
	return arn, failure
}

// boundary finds the managed policy that a call makes a permissions boundary.
func (q *query) boundary() (string, *apiError) {
	arn, failure := q.arn("PermissionsBoundary", "policy/")
	if failure == nil && q.directory.policies[arn] == nil {
		failure = noSuchEntity("Scope ARN: %s does not exist or is not attachable.", arn)
	}
	return arn, failure
}

func (k entityKind[T]) attach(s *Server, q *query) (any, *apiError) {
	return k.updateEntity(s, q, func(e *entity) *apiError {
		arn, failure := q.attachable()
		if failure != nil || slices.Contains(e.attached, arn) {
			return failure
		}
		if len(e.attached) >= maxAttached {
			return quotaError(k.attachedQuota, maxAttached)
		}
		e.attached = append(slices.Clone(e.attached), arn)
		return nil
	})
}

func (k entityKind[T]) detach(s *Server, q *query) (any, *apiError) {
	return k.updateEntity(s, q, func(e *entity) *apiError {
		arn, failure := q.arn("PolicyArn", "policy/")
		if failure != nil {
			return failure
		}
		i := slices.Index(e.attached, arn)
		if i < 0 {
			return noSuchEntity("Policy %s was not found.", arn)
		}
		e.attached = slices.Delete(slices.Clone(e.attached), i, i+1)
		return nil
	})
}

type attachedXML struct {
	PolicyName string
	PolicyArn  string
}

// attachedPolicies are the managed policies of an entity below a path, by ARN.
func (d *directory) attachedPolicies(e *entity, prefix string) []attachedXML {
	var attached []attachedXML
	for _, arn := range slices.Sorted(slices.Values(e.attached)) {
		if p := d.policies[arn]; strings.HasPrefix(p.path, prefix) {
			attached = append(attached, attachedXML{PolicyName: p.name, PolicyArn: arn})
		}
	}
	return attached
}

func (k entityKind[T]) listAttached(_ *Server, q *query) (any, *apiError) {
	found, failure := k.find(q)
	if failure != nil {
		return nil, failure
	}
	prefix, failure := q.optional("PathPrefix", "/", policyPathRule)
	if failure != nil {
		return nil, failure
	}
	attached := q.directory.attachedPolicies(k.entity(found), prefix)
	list, next, failure := paginate(q.params, attached, func(a attachedXML) string { return a.PolicyArn })
	if failure != nil {
		return nil, failure
	}
	return struct {
		AttachedPolicies members[attachedXML]
		page
	}{members[attachedXML]{list}, newPage(next)}, nil
}

func (k entityKind[T]) putBoundary(s *Server, q *query) (any, *apiError) {
	return k.updateEntity(s, q, func(e *entity) (failure *apiError) {
		e.boundary, failure = q.boundary()
		return failure
	})
}

func (k entityKind[T]) deleteBoundary(s *Server, q *query) (any, *apiError) {
	return k.updateEntity(s, q, func(e *entity) *apiError {
		if e.boundary == "" {
			return noSuchEntity("%s %s does not have a permissions boundary.", k.name, e.name)
		}
		e.boundary = ""
		return nil
	})
}

func (k entityKind[T]) tag(s *Server, q *query) (any, *apiError) {
	return k.updateEntity(s, q, func(e *entity) (failure *apiError) {
		e.tags, failure = q.mergeTags(e.tags, strings.EqualFold)
		return failure
	})
}

func (k entityKind[T]) untag(s *Server, q *query) (any, *apiError) {
	return k.updateEntity(s, q, func(e *entity) (failure *apiError) {
		e.tags, failure = q.removeTags(e.tags, strings.EqualFold)
		return failure
	})
}

func (k entityKind[T]) listTags(_ *Server, q *query) (any, *apiError) {
	found, failure := k.find(q)
	if failure != nil {
		return nil, failure
	}
	return q.tagPage(k.entity(found).tags)
}
