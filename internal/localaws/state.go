package localaws

import (
	"fmt"
	"strings"
	"time"

	"github.com/litentry/wallet-federation/internal/policy"
)

// accountState is everything IAM and STS know. It is guarded by Server.mu.
// Roles, providers, policies and sessions are never changed in place: an
// operation replaces the whole value, so a value read under the lock stays
// good after it is released.
type accountState struct {
	roles     map[string]*role          // by name
	providers map[string]*provider      // by ARN
	policies  map[string]*managedPolicy // by ARN
	sessions  map[string]*session       // by access key id
}

// role is an IAM role.
type role struct {
	name        string
	path        string
	id          string // AROA..., new for each role, also after delete and create
	arn         string
	description string
	created     time.Time
	maxSession  time.Duration
	tags        tagSet
	trust       policyText
	inline      map[string]policyText // by policy name
	attached    []string              // ARNs, in the order of attachment
	boundary    string                // ARN of a managed policy, or empty
}

// policyText is a policy document with its parsed form.
type policyText struct {
	text     string
	document *policy.Document
}

// provider is an IAM OpenID Connect provider.
type provider struct {
	arn         string
	scheme      string // https, or http for a loopback host
	url         string // without the scheme, as IAM stores and returns it
	audiences   []string
	thumbprints []string
	created     time.Time
	tags        tagSet
}

// managedPolicy is a customer managed policy or one of AWS's own.
type managedPolicy struct {
	name        string
	path        string
	id          string // ANPA...
	arn         string
	description string
	created     time.Time
	tags        tagSet
	policyText
}

// session is a set of temporary credentials.
type session struct {
	accessKeyID    string
	secret         string
	token          string
	roleName       string
	roleID         string
	roleARN        string
	name           string
	tags           tagSet
	transitive     []string
	policies       []sessionPolicy
	provider       string // ARN of the provider that vouched for it, or empty
	sourceIdentity string
	issued         time.Time
	expires        time.Time
}

// sessionPolicy is a policy that limits a session.
type sessionPolicy struct {
	name string // as a decision names it
	policyText
}

// limits are the session's policies as they are evaluated.
func (i *session) limits() []policy.Policy {
	limits := make([]policy.Policy, len(i.policies))
	for n, p := range i.policies {
		limits[n] = policy.Policy{Name: p.name, Document: p.document}
	}
	return limits
}

func newAccountState() accountState {
	return accountState{
		roles:     map[string]*role{},
		providers: map[string]*provider{},
		policies:  map[string]*managedPolicy{},
		sessions:  map[string]*session{},
	}
}

// clone copies the role so that the copy can be changed and put in its place.
func (r *role) clone() *role {
	c := *r
	return &c
}

// arn builds an ARN of a global service in this account:
// arn:aws:iam::123456789012:role/reader.
func (s *Server) arn(service, resource string) string {
	return fmt.Sprintf("arn:%s:%s::%s:%s", s.options.Partition, service, s.options.Account, resource)
}

// roleByARN finds a role by its full ARN.
func (a *accountState) roleByARN(arn string) *role {
	_, resource, ok := strings.Cut(arn, ":role/")
	if !ok {
		return nil
	}
	r := a.roles[resource[strings.LastIndexByte(resource, '/')+1:]]
	if r == nil || r.arn != arn {
		return nil
	}
	return r
}

// roleByID finds a role by its unique id.
func (a *accountState) roleByID(id string) *role {
	for _, r := range a.roles {
		if r.id == id {
			return r
		}
	}
	return nil
}
