package document

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// normal is the meaning of a statement: for every element a text that is the
// same exactly for values that AWS treats the same.
type normal map[string]string

// accountRootForm matches the root of an account; its group is the account's id.
var accountRootForm = regexp.MustCompile(`^arn:aws[a-z-]*:iam::([0-9]{12}):root$`)

// Equivalent says whether two policies mean the same: the order of statements,
// of actions and of members, a single element with or without an array, an
// account id or its root, and "*" or {"AWS": "*"} make no difference. Empty
// documents are equivalent to each other only.
//
// The error is a [RefusedError] for a document that cannot be read.
func Equivalent(a, b []byte) (bool, error) {
	if isEmpty(a) || isEmpty(b) {
		return isEmpty(a) && isEmpty(b), nil
	}
	left, err := normalPolicy(a)
	if err != nil {
		return false, fmt.Errorf("reading first policy: %w", err)
	}
	right, err := normalPolicy(b)
	if err != nil {
		return false, fmt.Errorf("reading second policy: %w", err)
	}
	return slices.EqualFunc(left, right, maps.Equal[normal, normal]), nil
}

func isEmpty(policy []byte) bool { return len(bytes.TrimSpace(policy)) == 0 }

// normalPolicy is the policy's own elements and then its statements, sorted.
func normalPolicy(policy []byte) ([]normal, error) {
	p, err := parse(policy)
	if err != nil {
		return nil, err
	}
	statements := make([]normal, 0, len(p.entries))
	for _, entry := range p.entries {
		n, err := entry.normal()
		if err != nil {
			return nil, err
		}
		statements = append(statements, n)
	}
	slices.SortFunc(statements, func(a, b normal) int { return strings.Compare(a.text(), b.text()) })
	return append([]normal{{"Version": p.languageVersion(), "Id": p.id}}, statements...), nil
}

func (n normal) text() string {
	var builder strings.Builder
	for _, name := range slices.Sorted(maps.Keys(n)) {
		fmt.Fprintf(&builder, "%q:%q,", name, n[name])
	}
	return builder.String()
}

// normal refuses values of a shape that no policy has.
func (s parsedStatement) normal() (normal, error) {
	n := normal{}
	for name, raw := range s.elements {
		value, err := normalElement(name, raw)
		if err != nil {
			return nil, refuse(s.where+"."+name, "%v", err)
		}
		if value != "" {
			n[name] = value
		}
	}
	return n, nil
}

func normalElement(name string, raw json.RawMessage) (string, error) {
	switch name {
	case "Condition":
		return normalCondition(raw)
	case "Principal", "NotPrincipal":
		return normalPrincipal(raw)
	case "Action", "NotAction":
		// AWS ignores the case of actions.
		return normalSet(raw, strings.ToLower)
	case "Resource", "NotResource":
		return normalSet(raw, unchanged)
	default:
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return "", fmt.Errorf("it is not a string")
		}
		return text, nil
	}
}

func unchanged(s string) string { return s }

// normalSet writes a string, or a list of strings, as a sorted list.
func normalSet(raw json.RawMessage, fold func(string) string) (string, error) {
	values, err := scalars(raw)
	if err != nil {
		return "", err
	}
	for i := range values {
		values[i] = fold(values[i])
	}
	slices.Sort(values)
	return fmt.Sprintf("%q", slices.Compact(values)), nil
}

// scalars reads a string, boolean or number, or a list of them, as texts:
// policies treat true and "true" alike.
func scalars(raw json.RawMessage) ([]string, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	texts := make([]string, 0, len(list))
	for _, element := range list {
		switch element := element.(type) {
		case string:
			texts = append(texts, element)
		case bool, json.Number:
			texts = append(texts, fmt.Sprint(element))
		default:
			return nil, fmt.Errorf("it is neither a string nor a list of strings")
		}
	}
	return texts, nil
}

func normalPrincipal(raw json.RawMessage) (string, error) {
	if raw[0] == '"' {
		var text string
		if err := json.Unmarshal(raw, &text); err != nil || text != "*" {
			return "", fmt.Errorf(`the only string that is a principal is "*"`)
		}
		return `AWS:["*"]`, nil
	}
	return normalObject(raw, func(kind string, ids json.RawMessage) (string, error) {
		set, err := normalSet(ids, foldAccount)
		return kind + ":" + set, err
	})
}

// foldAccount writes an account's root as the account's id: AWS stores one as
// the other.
func foldAccount(id string) string {
	if match := accountRootForm.FindStringSubmatch(id); match != nil {
		return match[1]
	}
	return id
}

// normalCondition is empty for an empty condition, which means the same as none.
func normalCondition(raw json.RawMessage) (string, error) {
	return normalObject(raw, func(operator string, keys json.RawMessage) (string, error) {
		pairs, err := normalObject(keys, func(key string, values json.RawMessage) (string, error) {
			set, err := normalSet(values, unchanged)
			// AWS ignores the case of condition keys.
			return fmt.Sprintf("%q:%s", strings.ToLower(key), set), err
		})
		return fmt.Sprintf("%q:{%s}", operator, pairs), err
	})
}

// normalObject writes the members of an object in order.
func normalObject(raw json.RawMessage, each func(name string, value json.RawMessage) (string, error)) (string, error) {
	members, err := membersOf(raw)
	if err != nil {
		return "", err
	}
	texts := make([]string, 0, len(members))
	for _, m := range members {
		text, err := each(m.name, raw[m.start:m.end])
		if err != nil {
			return "", err
		}
		texts = append(texts, text)
	}
	slices.Sort(texts)
	return strings.Join(texts, ","), nil
}
