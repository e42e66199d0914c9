package localaws

import (
	"maps"
	"slices"
	"time"

	"github.com/litentry/wallet-federation/internal/policy"
)

// userXML is a user as IAM shows it.
type userXML struct {
	Path                string
	UserName            string `xml:",omitempty"` // the root user has none
	UserID              string `xml:"UserId"`
	Arn                 string
	CreateDate          string
	PermissionsBoundary *boundaryXML  `xml:",omitempty"`
	Tags                *members[tag] `xml:",omitempty"`
}

type userResult struct {
	User userXML
}

// userXML shows a user without tags and boundary, as a list does.
func (u *user) userXML() userXML {
	return userXML{Path: u.path, UserName: u.name, UserID: u.id, Arn: u.arn, CreateDate: timestamp(u.created)}
}

// fullUserXML shows all of a user.
func (u *user) fullUserXML() userXML {
	x := u.userXML()
	if len(u.tags) > 0 {
		x.Tags = &members[tag]{u.tags}
	}
	x.PermissionsBoundary = u.boundaryXML()
	return x
}

// defaultUserName is the user whom a call means that names none: the caller.
func (q *query) defaultUserName() *apiError {
	if q.has("UserName") {
		return nil
	}
	if q.caller.principal.Type != policy.User {
		return validationError("Must specify userName when calling with non-User credentials")
	}
	q.values.Set("UserName", lastSegment(q.caller.arn()))
	return nil
}

// selfTarget is userTarget for the calls that may leave the user out.
func selfTarget(s *Server, q *query) target {
	if !q.has("UserName") {
		return target{arn: q.caller.arn()}
	}
	return userEntity.target(s, q)
}

func (s *Server) createUser(q *query) (any, *apiError) {
	e, failure := s.newEntity(q, "User", newUserRule)
	if failure != nil {
		return nil, failure
	}
	e.id = newID("AIDA")
	u := &user{e}
	if failure := userEntity.add(s, u, "UsersPerAccount", maxUsers); failure != nil {
		return nil, failure
	}
	return userResult{u.fullUserXML()}, nil
}

func (s *Server) getUser(q *query) (any, *apiError) {
	if !q.has("UserName") && q.caller.principal.Type == policy.Root {
		p := q.caller.principal
		return userResult{userXML{Path: "/", UserID: p.UniqueID, Arn: p.ARN, CreateDate: timestamp(time.Unix(0, 0))}}, nil
	}
	if failure := q.defaultUserName(); failure != nil {
		return nil, failure
	}
	u, failure := userEntity.find(q)
	if failure != nil {
		return nil, failure
	}
	return userResult{u.fullUserXML()}, nil
}

func (s *Server) listUsers(q *query) (any, *apiError) {
	list, next, failure := userEntity.list(q)
	if failure != nil {
		return nil, failure
	}
	result := struct {
		Users members[userXML]
		page
	}{page: newPage(next)}
	for _, u := range list {
		result.Users.Member = append(result.Users.Member, u.userXML())
	}
	return result, nil
}

func (s *Server) deleteUser(q *query) (any, *apiError) {
	u, failure := userEntity.find(q)
	if failure != nil {
		return nil, failure
	}
	if len(s.keysOf(u.name)) > 0 {
		return nil, deleteConflict("Cannot delete entity, must delete access keys first.")
	}
	return nil, userEntity.remove(s, q)
}

// keysOf are the access keys of a user, by id.
func (s *Server) keysOf(name string) []*accessKey {
	var keys []*accessKey
	for _, id := range slices.Sorted(maps.Keys(s.state.keys)) {
		if k := s.state.keys[id]; k.user == name {
			keys = append(keys, k)
		}
	}
	return keys
}

// accessKeyXML is an access key as IAM shows it; the secret only once.
type accessKeyXML struct {
	UserName        string
	AccessKeyID     string `xml:"AccessKeyId"`
	Status          string
	SecretAccessKey string `xml:",omitempty"`
	CreateDate      string
}

func (k *accessKey) accessKeyXML() accessKeyXML {
	return accessKeyXML{UserName: k.user, AccessKeyID: k.id, Status: "Active", CreateDate: timestamp(k.created)}
}

// keyUser finds the user whose access keys a call is about.
func (s *Server) keyUser(q *query) (*user, *apiError) {
	if failure := q.defaultUserName(); failure != nil {
		return nil, failure
	}
	return userEntity.find(q)
}

func (s *Server) createAccessKey(q *query) (any, *apiError) {
	u, failure := s.keyUser(q)
	if failure != nil {
		return nil, failure
	}
	if len(s.keysOf(u.name)) >= maxAccessKeys {
		return nil, quotaError("AccessKeysPerUser", maxAccessKeys)
	}
	k := &accessKey{id: newUserKeyID(), secret: newSecret(30), user: u.name, created: s.options.Now()}
	s.state.keys[k.id] = k
	x := k.accessKeyXML()
	x.SecretAccessKey = k.secret
	return struct{ AccessKey accessKeyXML }{x}, nil
}

func (s *Server) listAccessKeys(q *query) (any, *apiError) {
	u, failure := s.keyUser(q)
	if failure != nil {
		return nil, failure
	}
	list, next, failure := paginate(q.params, s.keysOf(u.name), func(k *accessKey) string { return k.id })
	if failure != nil {
		return nil, failure
	}
	result := struct {
		AccessKeyMetadata members[accessKeyXML]
		page
	}{page: newPage(next)}
	for _, k := range list {
		result.AccessKeyMetadata.Member = append(result.AccessKeyMetadata.Member, k.accessKeyXML())
	}
	return result, nil
}

func (s *Server) deleteAccessKey(q *query) (any, *apiError) {
	u, failure := s.keyUser(q)
	if failure != nil {
		return nil, failure
	}
	id, failure := q.matching("AccessKeyId", accessKeyRule)
	if failure != nil {
		return nil, failure
	}
	if k := s.state.keys[id]; k == nil || k.user != u.name {
		return nil, noSuchEntity("The Access Key with id %s cannot be found.", id)
	}
	delete(s.state.keys, id)
	return nil, nil
}
