package localaws

import (
	"fmt"
	"time"

	"github.com/litentry/wallet-federation/internal/policy"
)

// The records are the entities of IAM and STS as a directory keeps them. Policies
// are kept as text, with unique ids for principals, and parsed again when they
// are read.

type entityRecord struct {
	Name     string            `json:"name"`
	Path     string            `json:"path"`
	ID       string            `json:"id"`
	ARN      string            `json:"arn"`
	Created  time.Time         `json:"created"`
	Tags     tagSet            `json:"tags"`
	Inline   map[string]string `json:"inline"`
	Attached []string          `json:"attached"`
	Boundary string            `json:"boundary"`
}

func encodeEntity(e *entity) entityRecord {
	record := entityRecord{
		Name: e.name, Path: e.path, ID: e.id, ARN: e.arn, Created: e.created, Tags: e.tags,
		Inline: make(map[string]string, len(e.inline)), Attached: e.attached, Boundary: e.boundary,
	}
	for name, p := range e.inline {
		record.Inline[name] = p.text
	}
	return record
}

func decodeEntity(record *entityRecord) (entity, error) {
	e := entity{
		name: record.Name, path: record.Path, id: record.ID, arn: record.ARN, created: record.Created, tags: record.Tags,
		inline: make(map[string]policyText, len(record.Inline)), attached: record.Attached, boundary: record.Boundary,
	}
	for name, text := range record.Inline {
		var err error
		if e.inline[name], err = parseText(policy.Identity, text); err != nil {
			return entity{}, fmt.Errorf("parsing its policy %q: %w", name, err)
		}
	}
	return e, nil
}

type roleRecord struct {
	Entity      entityRecord  `json:"entity"`
	Description string        `json:"description"`
	MaxSession  time.Duration `json:"maxSession"` // nanoseconds
	Trust       string        `json:"trust"`
}

func encodeRole(r *role) roleRecord {
	return roleRecord{Entity: encodeEntity(&r.entity), Description: r.description, MaxSession: r.maxSession, Trust: r.trust.text}
}

func decodeRole(record roleRecord) (*role, error) {
	r := &role{description: record.Description, maxSession: record.MaxSession}
	var err error
	if r.entity, err = decodeEntity(&record.Entity); err != nil {
		return nil, err
	}
	if r.trust, err = parseText(policy.Trust, record.Trust); err != nil {
		return nil, fmt.Errorf("parsing its trust policy: %w", err)
	}
	return r, nil
}

func encodeUser(u *user) entityRecord { return encodeEntity(&u.entity) }

func decodeUser(record entityRecord) (*user, error) {
	e, err := decodeEntity(&record)
	return &user{e}, err
}

type accessKeyRecord struct {
	ID       string    `json:"id"`
	Secret   string    `json:"secret"`
	User     string    `json:"user"`
	Created  time.Time `json:"created"`
	Inactive bool      `json:"inactive"`
}

func encodeAccessKey(k *accessKey) accessKeyRecord {
	return accessKeyRecord{ID: k.id, Secret: k.secret, User: k.user, Created: k.created, Inactive: k.inactive}
}

func decodeAccessKey(record accessKeyRecord) (*accessKey, error) {
	return &accessKey{id: record.ID, secret: record.Secret, user: record.User, created: record.Created, inactive: record.Inactive}, nil
}

// parseText parses a policy that was admitted before.
func parseText(kind policy.Kind, text string) (policyText, error) {
	document, err := policy.Parse(kind, []byte(text))
	if err != nil {
		return policyText{}, err
	}
	return policyText{text: text, document: document}, nil
}

type providerRecord struct {
	ARN         string    `json:"arn"`
	Scheme      string    `json:"scheme"`
	URL         string    `json:"url"`
	Audiences   []string  `json:"audiences"`
	Thumbprints []string  `json:"thumbprints"`
	Created     time.Time `json:"created"`
	Tags        tagSet    `json:"tags"`
}

func encodeProvider(p *provider) providerRecord {
	return providerRecord{
		ARN: p.arn, Scheme: p.scheme, URL: p.url, Audiences: p.audiences, Thumbprints: p.thumbprints, Created: p.created, Tags: p.tags,
	}
}

func decodeProvider(record providerRecord) (*provider, error) {
	return &provider{
		arn: record.ARN, scheme: record.Scheme, url: record.URL, audiences: record.Audiences, thumbprints: record.Thumbprints,
		created: record.Created, tags: record.Tags,
	}, nil
}

type policyRecord struct {
	Name        string          `json:"name"`
	Path        string          `json:"path"`
	ID          string          `json:"id"`
	ARN         string          `json:"arn"`
	Description string          `json:"description"`
	Created     time.Time       `json:"created"`
	Updated     time.Time       `json:"updated"`
	Tags        tagSet          `json:"tags"`
	Versions    []versionRecord `json:"versions"`
	InForce     int             `json:"inForce"`
	LastVersion int             `json:"lastVersion"`
}

type versionRecord struct {
	Number   int       `json:"number"`
	Created  time.Time `json:"created"`
	Document string    `json:"document"`
}

func encodePolicy(p *managedPolicy) policyRecord {
	record := policyRecord{
		Name: p.name, Path: p.path, ID: p.id, ARN: p.arn, Description: p.description, Created: p.created, Updated: p.updated,
		Tags: p.tags, InForce: p.inForce, LastVersion: p.lastVersion,
	}
	for _, v := range p.versions {
		record.Versions = append(record.Versions, versionRecord{Number: v.number, Created: v.created, Document: v.text})
	}
	return record
}

func decodePolicy(record policyRecord) (*managedPolicy, error) {
	p := &managedPolicy{
		name: record.Name, path: record.Path, id: record.ID, arn: record.ARN, description: record.Description, created: record.Created,
		updated: record.Updated, tags: record.Tags, inForce: record.InForce, lastVersion: record.LastVersion,
	}
	for _, v := range record.Versions {
		text, err := parseText(policy.Identity, v.Document)
		if err != nil {
			return nil, fmt.Errorf("parsing its version %d: %w", v.Number, err)
		}
		p.versions = append(p.versions, policyVersion{number: v.Number, created: v.Created, policyText: text})
	}
	if p.version(p.inForce) == nil {
		return nil, fmt.Errorf("its version %d, which is in force, is missing", p.inForce)
	}
	return p, nil
}

type sessionRecord struct {
	AccessKeyID    string                `json:"accessKeyID"`
	Secret         string                `json:"secret"`
	Token          string                `json:"token"`
	RoleName       string                `json:"roleName"`
	RoleID         string                `json:"roleID"`
	RoleARN        string                `json:"roleARN"`
	Name           string                `json:"name"`
	Tags           tagSet                `json:"tags"`
	Transitive     []string              `json:"transitive"`
	Policies       []sessionPolicyRecord `json:"policies"`
	Provider       string                `json:"provider"`
	SourceIdentity string                `json:"sourceIdentity"`
	Issued         time.Time             `json:"issued"`
	Expires        time.Time             `json:"expires"`
}

type sessionPolicyRecord struct {
	Name     string `json:"name"`
	Document string `json:"document"`
}

func encodeSession(i *session) sessionRecord {
	record := sessionRecord{
		AccessKeyID: i.accessKeyID, Secret: i.secret, Token: i.token, RoleName: i.roleName, RoleID: i.roleID, RoleARN: i.roleARN,
		Name: i.name, Tags: i.tags, Transitive: i.transitive, Provider: i.provider, SourceIdentity: i.sourceIdentity,
		Issued: i.issued, Expires: i.expires,
	}
	for _, p := range i.policies {
		record.Policies = append(record.Policies, sessionPolicyRecord{Name: p.name, Document: p.text})
	}
	return record
}

func decodeSession(record sessionRecord) (*session, error) {
	i := &session{
		accessKeyID: record.AccessKeyID, secret: record.Secret, token: record.Token, roleName: record.RoleName, roleID: record.RoleID,
		roleARN: record.RoleARN, name: record.Name, tags: record.Tags, transitive: record.Transitive, provider: record.Provider,
		sourceIdentity: record.SourceIdentity, issued: record.Issued, expires: record.Expires,
	}
	for _, p := range record.Policies {
		text, err := parseText(policy.Session, p.Document)
		if err != nil {
			return nil, fmt.Errorf("parsing its session policy: %w", err)
		}
		i.policies = append(i.policies, sessionPolicy{name: p.Name, policyText: text})
	}
	return i, nil
}
