package policycase

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/litentry/wallet-federation/internal/policy"
)

// maxDocuments bounds the policies of one kind: AWS attaches fewer to a role.
const maxDocuments = 64

// administratorAccess is the managed policy of that name.
const administratorAccess = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// policies are the policies of a case as it tells them.
type policies struct {
	identity, boundary, session []json.RawMessage
	resource                    json.RawMessage // nil for none
	// words describe the policies where the case has a text in place of them, and
	// identityWords those of the caller.
	words, identityWords string
}

// readPolicies reads the member policies: an object, null for none, or words.
func readPolicies(raw json.RawMessage) (p policies, err error) {
	if isNull(raw) {
		return p, nil
	}
	if raw[0] == '"' {
		p.words, err = text("policies", raw)
		return p, err
	}
	o, err := parseObject("policies", raw)
	if err != nil {
		return p, err
	}
	if err := o.known("identity", "boundary", "session", "resource"); err != nil {
		return p, err
	}
	if identity := o.get("identity"); identity != nil && identity[0] == '"' {
		if p.identityWords, err = text("policies.identity", identity); err != nil {
			return p, err
		}
	} else if p.identity, err = o.documents("identity"); err != nil {
		return p, err
	}
	if p.boundary, err = o.documents("boundary"); err != nil {
		return p, err
	}
	if p.session, err = o.documents("session"); err != nil {
		return p, err
	}
	if len(p.boundary) > 1 {
		return p, invalid("policies.boundary", "a user or role has one permissions boundary, not %d", len(p.boundary))
	}
	if o.has("resource") {
		p.resource = o.get("resource")
	}
	return p, nil
}

// documents reads a member that is a policy or a list of policies.
func (o *object) documents(name string) ([]json.RawMessage, error) {
	raw := o.get(name)
	switch {
	case raw == nil || isNull(raw):
		return nil, nil
	case raw[0] == '{':
		return []json.RawMessage{raw}, nil
	case raw[0] != '[':
		return nil, invalid(o.at(name), "must be a policy or a list of policies")
	}
	list := parseList(raw)
	if len(list) > maxDocuments {
		return nil, invalid(o.at(name), "has %d policies, more than %d", len(list), maxDocuments)
	}
	return list, nil
}

// attached parses the policies that are attached to the caller. The kind of
// failure is that of the call which would have attached them.
func (e *Evaluator) attached(c *testCase) (p *policy.Policies, err error) {
	if c.policies.words != "" {
		return nil, unsupported("policies: they are told in words: %q", c.policies.words)
	}
	p = &policy.Policies{}
	if p.Identity, err = e.identity(c); err != nil {
		return nil, err
	}
	if p.Session, err = e.parseAll(c, policy.Session, "session policy", c.policies.session); err != nil {
		return nil, err
	}
	boundary, err := e.parseAll(c, policy.Identity, "permissions boundary", c.policies.boundary)
	if err != nil {
		return nil, err
	}
	if len(boundary) == 1 {
		p.Boundary = &boundary[0]
	}
	return p, nil
}

// identity returns the caller's own policies. An administrator of whom a case
// tells no policies has AdministratorAccess.
func (e *Evaluator) identity(c *testCase) ([]policy.Policy, error) {
	words := strings.ToLower(c.policies.identityWords)
	switch {
	case strings.Contains(words, "administrator"), c.caller.administrator && words == "" && c.policies.identity == nil:
		return e.administrator, nil
	case words != "":
		return nil, unsupported("policies.identity: they are told in words: %q", c.policies.identityWords)
	default:
		return e.parseAll(c, policy.Identity, "identity policy", c.policies.identity)
	}
}

func (e *Evaluator) parseAll(c *testCase, kind policy.Kind, name string, documents []json.RawMessage) ([]policy.Policy, error) {
	parsed := make([]policy.Policy, 0, len(documents))
	for i, raw := range documents {
		label := name
		if len(documents) > 1 {
			label += " " + strconv.Itoa(i+1)
		}
		document, err := e.cache.parse(kind, raw)
		switch {
		case err != nil && c.simulated:
			return nil, refused("InvalidInput", "%s: %v", label, err)
		case err != nil:
			return nil, refused("MalformedPolicyDocument", "%s: %v", label, err)
		}
		parsed = append(parsed, policy.Policy{Name: label, Document: document})
	}
	return parsed, nil
}
