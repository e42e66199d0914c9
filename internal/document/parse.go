package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"
)

// maxCurrent bounds, in bytes, a document that somebody else wrote. No policy
// that AWS stores comes near it, whitespace included.
const maxCurrent = 256 << 10

// parsed is somebody's policy: the source, and where its parts are in it, so
// that a rewrite touches only what it must.
type parsed struct {
	source  []byte
	opening int     // right after the policy's opening brace
	version *member // nil when absent
	id      string  // the JSON of the Id element
	body    member  // the Statement element
	list    bool    // whether body is a list, and not a single statement
	entries []parsedStatement
}

// member is one member of an object, with the place of its value.
type member struct {
	name       string
	start, end int
}

// parsedStatement is one statement: raw, its elements, and its Sid.
type parsedStatement struct {
	// lead is the text between the statement before, or the opening bracket, and this one.
	lead     []byte
	raw      []byte
	where    string
	sid      string
	elements map[string]json.RawMessage
}

// knownElements are the elements of a statement
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html).
var knownElements = []string{
	"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction",
	"Resource", "NotResource", "Condition",
}

// parse reads a policy and refuses whatever a rewrite could get wrong: JSON that
// is not well-formed, members named twice, elements that are not known.
func parse(source []byte) (*parsed, error) {
	if err := checkText(source); err != nil {
		return nil, err
	}
	p := &parsed{source: source, opening: bytes.IndexByte(source, '{') + 1}
	members, err := membersOf(source)
	if err != nil {
		return nil, refuse("document", "%v", err)
	}
	found := false
	for _, m := range members {
		switch m.name {
		case "Version":
			p.version = &m
		case "Id":
			p.id = string(source[m.start:m.end])
		case "Statement":
			p.body, found = m, true
		default:
			return nil, refuse("document", "element %q is not known", m.name)
		}
	}
	if !found {
		return nil, refuse("document", "there is no Statement")
	}
	if err := p.checkVersion(); err != nil {
		return nil, err
	}
	return p, p.parseBody()
}

func checkText(source []byte) error {
	if len(source) > maxCurrent {
		return refuse("document", "%d bytes is more than any policy has", len(source))
	}
	if !utf8.Valid(source) {
		return refuse("document", "it is not UTF-8")
	}
	var value json.RawMessage
	if err := json.Unmarshal(source, &value); err != nil {
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			return refuse(fmt.Sprintf("byte %d", syntax.Offset), "it is not JSON: %v", err)
		}
		return refuse("document", "it is not JSON: %v", err)
	}
	return nil
}

func (p *parsed) checkVersion() error {
	switch p.languageVersion() {
	case policyVersion, oldVersion:
		return nil
	}
	return refuse("Version", "the only versions are %s and %s", policyVersion, oldVersion)
}

// languageVersion is the version that AWS reads the policy by, or the raw JSON
// where that is no string.
func (p *parsed) languageVersion() string {
	if p.version == nil {
		return oldVersion
	}
	raw := p.source[p.version.start:p.version.end]
	var version string
	if err := json.Unmarshal(raw, &version); err != nil {
		return string(raw)
	}
	return version
}

func (p *parsed) parseBody() error {
	body := p.source[p.body.start:p.body.end]
	if body[0] != '[' {
		entry, err := parseStatement(body, "Statement")
		p.entries = []parsedStatement{entry}
		return err
	}
	p.list = true
	values, err := valuesOf(body)
	if err != nil {
		return refuse("Statement", "it cannot be read: %v", err)
	}
	last := 1
	for i, value := range values {
		entry, err := parseStatement(body[value.start:value.end], fmt.Sprintf("Statement[%d]", i))
		if err != nil {
			return err
		}
		entry.lead = body[last:value.start]
		last = value.end
		p.entries = append(p.entries, entry)
	}
	return nil
}

// tail is the text from the last statement to the closing bracket, included.
func (p *parsed) tail() []byte {
	body := p.source[p.body.start:p.body.end]
	if !p.list || len(p.entries) == 0 {
		return []byte("]")
	}
	used := 1
	for _, entry := range p.entries {
		used += len(entry.lead) + len(entry.raw)
	}
	return body[used:]
}

func parseStatement(raw []byte, where string) (parsedStatement, error) {
	entry := parsedStatement{raw: raw, where: where, elements: map[string]json.RawMessage{}}
	members, err := membersOf(raw)
	if err != nil {
		return entry, refuse(where, "%v", err)
	}
	for _, m := range members {
		if !slices.Contains(knownElements, m.name) {
			return entry, refuse(where, "element %q is not known", m.name)
		}
		entry.elements[m.name] = raw[m.start:m.end]
	}
	sid, ok := entry.elements["Sid"]
	if !ok {
		return entry, nil
	}
	if err := json.Unmarshal(sid, &entry.sid); err != nil || sid[0] != '"' {
		return entry, refuse(where+".Sid", "it is not a string")
	}
	return entry, nil
}

// membersOf lists the members of a well-formed object, with their places in it.
func membersOf(object []byte) ([]member, error) {
	decoder := json.NewDecoder(bytes.NewReader(object))
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return nil, errors.New("it is not a JSON object")
	}
	var members []member
	seen := map[string]bool{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		name, _ := token.(string) // the name of a member is always a string
		if seen[name] {
			return nil, fmt.Errorf("element %q is there twice", name)
		}
		seen[name] = true
		m, err := valueAt(decoder)
		if err != nil {
			return nil, err
		}
		m.name = name
		members = append(members, m)
	}
	return members, nil
}

// valuesOf lists the places of the elements of a well-formed array.
func valuesOf(array []byte) ([]member, error) {
	decoder := json.NewDecoder(bytes.NewReader(array))
	if _, err := decoder.Token(); err != nil {
		return nil, err
	}
	var values []member
	for decoder.More() {
		m, err := valueAt(decoder)
		if err != nil {
			return nil, err
		}
		values = append(values, m)
	}
	return values, nil
}

func valueAt(decoder *json.Decoder) (member, error) {
	var raw json.RawMessage
	if err := decoder.Decode(&raw); err != nil {
		return member{}, err
	}
	end := int(decoder.InputOffset())
	return member{start: end - len(raw), end: end}, nil
}
