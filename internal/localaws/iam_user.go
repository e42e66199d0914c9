package localaws

import (
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
	x.Tags, x.PermissionsBoundary = u.tags.xml(), u.boundaryXML()
	return x
}

// defaultUserName puts the caller into a call that may leave the user out and does.
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

// selfTarget is the target of the calls that may leave the user out.
func selfTarget(s *Server, q *query) target {
	if q.defaultUserName() != nil {
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
