package localaws

import (
	"fmt"
	"time"

	"github.com/litentry/wallet-federation/internal/policy"
)

// The records are the entities of IAM and STS as a directory keeps them. Policies
// are kept as text, with unique ids for principals, and parsed again when they
// are read.

type roleRecord struct {
	Name        string            `json:"name"`
	Path        string            `json:"path"`
	ID          string            `json:"id"`
	ARN         string            `json:"arn"`
	Description string            `json:"description"`
	Created     time.Time         `json:"created"`
	MaxSession  time.Duration     `json:"maxSession"` // nanoseconds
	Tags        tagSet            `json:"tags"`
	Trust       string            `json:"trust"`
	Inline      map[string]string `json:"inline"`
	Attached    []string          `json:"attached"`
	Boundary    string            `json:"boundary"`
}

func encodeRole(r *role) roleRecord {
	record := roleRecord{
		Name: r.name, Path: r.path, ID: r.id, ARN: r.arn, Description: r.description, Created: r.created,
		MaxSession: r.maxSession, Tags: r.tags, Trust: r.trust.text, Attached: r.attached, Boundary: r.boundary,
		Inline: make(map[string]string, len(r.inline)),
	}
	for name, p := range r.inline {
		record.Inline[name] = p.text
	}
	return record
}

func decodeRole(record roleRecord) (*role, error) {
	r := &role{
		name: record.Name, path: record.Path, id: record.ID, arn: record.ARN, description: record.Description, created: record.Created,
		maxSession: record.MaxSession, tags: record.Tags, attached: record.Attached, boundary: record.Boundary,
		inline: make(map[string]policyText, len(record.Inline)),
	}
	var err error
	if r.trust, err = parseText(policy.Trust, record.Trust); err != nil {
		return nil, fmt.Errorf("parsing its trust policy: %w", err)
	}
	for name, text := range record.Inline {
		if r.inline[name], err = parseText(policy.Identity, text); err != nil {
			return nil, fmt.Errorf("parsing its policy %q: %w", name, err)
		}
	}
	return r, nil
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
	Name        string    `json:"name"`
	Path        string    `json:"path"`
	ID          string    `json:"id"`
	ARN         string    `json:"arn"`
	Description string    `json:"description"`
	Created     time.Time `json:"created"`
	Tags        tagSet    `json:"tags"`
	Document    string    `json:"document"`
}

func encodePolicy(p *managedPolicy) policyRecord {
	return policyRecord{
		Name: p.name, Path: p.path, ID: p.id, ARN: p.arn, Description: p.description, Created: p.created, Tags: p.tags, Document: p.text,
	}
}

func decodePolicy(record policyRecord) (*managedPolicy, error) {
	text, err := parseText(policy.Identity, record.Document)
	if err != nil {
		return nil, err
	}
	return &managedPolicy{
		name: record.Name, path: record.Path, id: record.ID, arn: record.ARN, description: record.Description, created: record.Created,
		tags: record.Tags, policyText: text,
	}, nil
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
		text, err := parseText(policy.Identity, p.Document)
		if err != nil {
			return nil, fmt.Errorf("parsing its session policy: %w", err)
		}
		i.policies = append(i.policies, sessionPolicy{name: p.Name, policyText: text})
	}
	return i, nil
}
