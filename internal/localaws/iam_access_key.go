package localaws

import (
	"maps"
	"slices"
)

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
	return accessKeyXML{UserName: k.user, AccessKeyID: k.id, Status: k.status(), CreateDate: timestamp(k.created)}
}

func (k *accessKey) status() string {
	if k.inactive {
		return "Inactive"
	}
	return "Active"
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

// accessKey finds the access key that a call names.
func (s *Server) accessKey(q *query) (*accessKey, *apiError) {
	u, failure := s.keyUser(q)
	if failure != nil {
		return nil, failure
	}
	id, failure := q.matching("AccessKeyId", accessKeyRule)
	if failure != nil {
		return nil, failure
	}
	k := s.state.keys[id]
	if k == nil || k.user != u.name {
		return nil, noSuchEntity("The Access Key with id %s cannot be found.", id)
	}
	return k, nil
}

func (s *Server) updateAccessKey(q *query) (any, *apiError) {
	k, failure := s.accessKey(q)
	if failure != nil {
		return nil, failure
	}
	if !q.has("Status") {
		return nil, missing("Status")
	}
	status, failure := q.choice("Status", "Active", "Inactive")
	if failure != nil {
		return nil, failure
	}
	changed := *k
	changed.inactive = status == "Inactive"
	s.state.keys[k.id] = &changed
	return nil, nil
}

func (s *Server) deleteAccessKey(q *query) (any, *apiError) {
	k, failure := s.accessKey(q)
	if failure != nil {
		return nil, failure
	}
	delete(s.state.keys, k.id)
	return nil, nil
}
