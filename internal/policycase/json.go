package policycase

import (
	"bytes"
	"encoding/json"
	"slices"
)

// object is a JSON object, taken apart no further than its members. Names are
// compared by case, and none occurs twice.
type object struct {
	path    string // of the object in the case
	members []member
}

type member struct {
	name string
	raw  json.RawMessage
}

const (
	// maxMembers bounds the members of an object, which are looked up one by one.
	maxMembers = 256
	// typicalMembers is how many most objects of a case do not exceed.
	typicalMembers = 8
)

// parseList takes a list apart. raw must be valid JSON and begin with a bracket.
func parseList(raw json.RawMessage) []json.RawMessage {
	var items []json.RawMessage
	for at := skipSpace(raw, 1); raw[at] != ']'; {
		end := skipValue(raw, at)
		items = append(items, raw[at:end])
		if at = skipSpace(raw, end); raw[at] == ',' {
			at = skipSpace(raw, at+1)
		}
	}
	return items
}

// parseObject takes an object apart. raw must be valid JSON.
func parseObject(path string, raw json.RawMessage) (object, error) {
	o := object{path: path}
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || raw[0] != '{' {
		return o, invalid(path, "must be an object")
	}
	o.members = make([]member, 0, typicalMembers)
	for at := skipSpace(raw, 1); raw[at] != '}'; {
		end := skipValue(raw, at)
		name, err := text(path, raw[at:end])
		if err != nil {
			return o, err
		}
		at = skipSpace(raw, skipSpace(raw, end)+1) // the colon
		end = skipValue(raw, at)
		if len(o.members) == maxMembers {
			return o, invalid(path, "has more than %d members", maxMembers)
		}
		if o.get(name) != nil {
			return o, invalid(o.at(name), "stands twice")
		}
		o.members = append(o.members, member{name: name, raw: raw[at:end]})
		if at = skipSpace(raw, end); raw[at] == ',' {
			at = skipSpace(raw, at+1)
		}
	}
	return o, nil
}

// skipSpace returns the index of the first byte from at on that is no white
// space.
func skipSpace(raw []byte, at int) int {
	for raw[at] == ' ' || raw[at] == '\t' || raw[at] == '\n' || raw[at] == '\r' {
		at++
	}
	return at
}

// skipValue returns the index after the JSON value that begins at at.
func skipValue(raw []byte, at int) int {
	for depth := 0; at < len(raw); at++ {
		switch raw[at] {
		case '"':
			at = skipString(raw, at)
		case '{', '[':
			depth++
			continue
		case '}', ']':
			if depth == 0 {
				return at // after a number or a word
			}
			depth--
		case ',', ' ', '\t', '\n', '\r', ':':
			if depth == 0 {
				return at // after a number or a word
			}
			continue
		default:
			continue // within a number or a word
		}
		if depth == 0 {
			return at + 1
		}
	}
	return at
}

// skipString returns the index of the closing quote of the string that begins
// at at.
func skipString(raw []byte, at int) int {
	for at++; raw[at] != '"'; at++ {
		if raw[at] == '\\' {
			at++
		}
	}
	return at
}

// get returns the value of a member, nil if there is none.
func (o *object) get(name string) json.RawMessage {
	for i := range o.members {
		if o.members[i].name == name {
			return o.members[i].raw
		}
	}
	return nil
}

// has tells whether there is such a member and it is not null.
func (o *object) has(name string) bool {
	raw := o.get(name)
	return raw != nil && !isNull(raw)
}

// at is the path of a member.
func (o *object) at(name string) string {
	if o.path == "" {
		return name
	}
	return o.path + "." + name
}

// text returns a member that is a string, or "" if it is absent or null.
func (o *object) text(name string) (string, error) {
	if !o.has(name) {
		return "", nil
	}
	return text(o.at(name), o.get(name))
}

// textField is a member that is a string, and where it goes.
type textField struct {
	name string
	to   *string
}

// texts reads several members that are strings.
func (o *object) texts(fields ...textField) (err error) {
	for _, field := range fields {
		if *field.to, err = o.text(field.name); err != nil {
			return err
		}
	}
	return nil
}

// scalar returns a member that is a string or a number, as it is spelled, or ""
// if it is absent or null.
func (o *object) scalar(name string) (string, error) {
	raw := o.get(name)
	if len(raw) > 0 && (raw[0] == '-' || '0' <= raw[0] && raw[0] <= '9') {
		return string(raw), nil
	}
	return o.text(name)
}

// flag returns a member that is a boolean, or false if it is absent or null.
func (o *object) flag(name string) (bool, error) {
	switch raw := o.get(name); string(raw) {
	case "true":
		return true, nil
	case "", "false", "null":
		return false, nil
	default:
		return false, invalid(o.at(name), "must be true or false")
	}
}

// known refuses members that this package does not know: they may change the
// answer.
func (o *object) known(names ...string) error {
	for i := range o.members {
		if !slices.Contains(names, o.members[i].name) {
			return unsupported("%s is not a member that is understood", o.at(o.members[i].name))
		}
	}
	return nil
}

func isNull(raw json.RawMessage) bool { return string(raw) == "null" }

// text reads a JSON string.
func text(path string, raw json.RawMessage) (string, error) {
	if len(raw) < 2 || raw[0] != '"' {
		return "", invalid(path, "must be a string")
	}
	if inner := raw[1 : len(raw)-1]; bytes.IndexByte(inner, '\\') < 0 {
		return string(inner), nil
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return "", invalid(path, "must be a string")
	}
	return s, nil
}
