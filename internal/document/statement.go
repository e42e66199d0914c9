package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// Versions of the policy language.
const (
	// policyVersion has variables.
	policyVersion = "2012-10-17"
	// oldVersion has none. It is the language of a policy without a Version.
	oldVersion = "2008-10-17"
)

// Effects of a statement.
const (
	effectAllow = "Allow"
	effectDeny  = "Deny"
)

// Statement is one statement of a policy, as this package writes it.
type Statement struct {
	Sid         string     `json:"Sid"`
	Effect      string     `json:"Effect"`
	Principal   Principal  `json:"Principal"`
	Action      Strings    `json:"Action,omitempty"`
	NotAction   Strings    `json:"NotAction,omitempty"`
	Resource    Strings    `json:"Resource,omitempty"`
	NotResource Strings    `json:"NotResource,omitempty"`
	Condition   Conditions `json:"Condition,omitempty"`
}

// Strings is written as a string when it has one element, as AWS itself does.
type Strings []string

// MarshalJSON writes a single element without the array.
func (s Strings) MarshalJSON() ([]byte, error) {
	if len(s) == 1 {
		return json.Marshal(s[0])
	}
	return json.Marshal([]string(s))
}

// Conditions maps a condition operator to condition keys and their values.
type Conditions map[string]map[string]Strings

// Principal is whom a statement is about: exactly one field is set, so that a
// forgotten principal is an error and never everyone.
type Principal struct {
	Everyone  bool   // written as "*"
	AWS       string // an ARN of IAM
	Federated string // the ARN of an identity provider
}

// MarshalJSON writes the principal as AWS reads it.
func (p Principal) MarshalJSON() ([]byte, error) {
	switch p {
	case Principal{Everyone: true}:
		return []byte(`"*"`), nil
	case Principal{AWS: p.AWS}:
		if p.AWS != "" {
			return json.Marshal(map[string]string{"AWS": p.AWS})
		}
	case Principal{Federated: p.Federated}:
		return json.Marshal(map[string]string{"Federated": p.Federated})
	}
	return nil, errors.New("a principal must be exactly one of everyone, an AWS ARN or a provider")
}

// marshal writes a value minified and as it is: encoding/json would otherwise
// escape <, > and &.
func marshal(value any) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, fmt.Errorf("writing policy: %w", err)
	}
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n")), nil
}

// marshalPolicy writes a whole policy of statements of ours.
func marshalPolicy(statements []Statement) ([]byte, error) {
	return marshal(struct {
		Version   string
		Statement []Statement
	}{policyVersion, statements})
}

// minifiedSize is the number of bytes that AWS counts.
func minifiedSize(policy []byte) (int, error) {
	var buffer bytes.Buffer
	if err := json.Compact(&buffer, policy); err != nil {
		return 0, fmt.Errorf("minifying policy: %w", err)
	}
	return buffer.Len(), nil
}
