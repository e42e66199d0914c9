package localaws

import (
	"fmt"
	"strings"
	"time"

	"github.com/litentry/wallet-federation/internal/policy"
)

// accountState is everything IAM and STS know. It is guarded by Server.mu.
// Its values are never changed in place: an operation replaces the whole value,
// so a value read under the lock stays good after it is released.
//
// The directory (roles, users, providers, policies) is changed by
// Server.change alone, so that reads can lag behind; see lag.go. Access keys and
// sessions are valid at once, and no longer at once.
type accountState struct {
	directory                       // as it is now
	keys      map[string]*accessKey // of users, by access key id
	sessions  map[string]*session   // by access key id
	lag       lag                   // the directory as reads see it
}

// directory is what IAM keeps under names.
type directory struct {
	roles     map[string]*role          // by name
	users     map[string]*user          // by name
	providers map[string]*provider      // by ARN
	policies  map[string]*managedPolicy // by ARN
}

// entity is what a role and a user have in common: a name, tags, and the
// policies that say what it may do.
type entity struct {
	name     string
	path     string
	id       string // AROA... or AIDA..., new for each one, also after delete and create
	arn      string
	created  time.Time
	tags     tagSet
	inline   map[string]policyText // by policy name
	attached []string              // ARNs, in the order of attachment
	boundary string                // ARN of a managed policy, or empty
}

// role is an IAM role.
type role struct {
	entity
	description string
	maxSession  time.Duration
	trust       policyText
}

// user is an IAM user.
type user struct {
	entity
}

// accessKey is a long-term key of a user.
type accessKey struct {
	id      string // AKIA..., or what the options say
	secret  string
	user    string // the user's name
	created time.Time
	// inactive keys are kept and cannot be used.
	inactive bool
	// configured keys come from the options at every start and are not to be
	// kept beyond the process.
	configured bool
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
	updated     time.Time // when a version was last made or put in force
	tags        tagSet
	versions    []policyVersion // oldest first; one of them is in force
	inForce     int             // the number of the default version
	lastVersion int             // the highest number ever given; none is given twice
}

// policyVersion is one version of a managed policy.
type policyVersion struct {
	number  int // 1 is shown as v1
	created time.Time
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
		directory: newDirectory(),
		keys:      map[string]*accessKey{},
		sessions:  map[string]*session{},
	}
}

func newDirectory() directory {
	return directory{
		roles:     map[string]*role{},
		users:     map[string]*user{},
		providers: map[string]*provider{},
		policies:  map[string]*managedPolicy{},
	}
}

// arn builds an ARN of a global service in this account:
// arn:aws:iam::123456789012:role/reader.
func (s *Server) arn(service, resource string) string {
	return fmt.Sprintf("arn:%s:%s::%s:%s", s.options.Partition, service, s.options.Account, resource)
}

// roleByARN finds a role by its full ARN.
func (d *directory) roleByARN(arn string) *role {
	_, resource, ok := strings.Cut(arn, ":role/")
	if !ok {
		return nil
	}
	r := d.roles[lastSegment(resource)]
	if r == nil || r.arn != arn {
		return nil
	}
	return r
}

// userByARN finds a user by its full ARN.
func (d *directory) userByARN(arn string) *user {
	_, resource, ok := strings.Cut(arn, ":user/")
	if !ok {
		return nil
	}
	u := d.users[lastSegment(resource)]
	if u == nil || u.arn != arn {
		return nil
	}
	return u
}

func lastSegment(path string) string {
	return path[strings.LastIndexByte(path, '/')+1:]
}

// entityByID finds a role or a user by its unique id; nil if there is none.
func (d *directory) entityByID(id string) *entity {
	for _, r := range d.roles {
		if r.id == id {
			return &r.entity
		}
	}
	for _, u := range d.users {
		if u.id == id {
			return &u.entity
		}
	}
	return nil
}

// version finds a version by its number; nil if there is none.
func (p *managedPolicy) version(number int) *policyVersion {
	for i := range p.versions {
		if p.versions[i].number == number {
			return &p.versions[i]
		}
	}
	return nil
}

// document is the version in force.
func (p *managedPolicy) document() *policy.Document {
	return p.version(p.inForce).document
}
