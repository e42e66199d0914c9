package bucketpolicy

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"

	"github.com/litentry/wallet-federation/internal/policy"
)

// Messages of AWS that several checks share.
const (
	invalidPrincipal = "Invalid principal in policy"
	invalidResource  = "Policy has invalid resource"
	invalidAction    = "Policy has invalid action"
	invalidSyntax    = "Invalid policy syntax."
)

// grammarRefusal words a breach of the grammar as S3 does, by the element that
// it is in.
func grammarRefusal(text []byte, err error) *Refusal {
	var syntax *policy.SyntaxError
	switch {
	case !json.Valid(text) && !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")):
		return &Refusal{Message: "Policies must be valid JSON and the first byte must be '{'", Detail: err.Error()}
	case !json.Valid(text):
		return &Refusal{Message: "This policy contains invalid Json", Detail: err.Error()}
	case !errors.As(err, &syntax):
		return &Refusal{Message: invalidSyntax, Detail: err.Error()}
	}
	return &Refusal{Message: elementMessage(text, syntax.Path), Detail: syntax.Error()}
}

// elementMessage is AWS's message about the element at a path such as
// Statement[2].Principal.AWS[0].
func elementMessage(text []byte, path string) string {
	top, rest, inStatement := strings.Cut(path, ".")
	element := strings.FieldsFunc(rest, func(r rune) bool { return r == '.' || r == '[' })
	if !inStatement || !strings.HasPrefix(top, "Statement[") || len(element) == 0 {
		return invalidSyntax
	}
	switch name := element[0]; {
	case rest == name && isMissing(text, name):
		return "Missing required field " + name
	case name == "Principal", name == "NotPrincipal":
		return invalidPrincipal
	case name == "Action", name == "NotAction":
		return invalidAction
	case name == "Resource", name == "NotResource":
		return invalidResource
	case name == "Effect", name == "Sid", name == "Condition":
		return invalidSyntax
	default:
		return "Unknown field " + name
	}
}

// isMissing tells whether a statement of the document lacks the element.
func isMissing(text []byte, element string) bool {
	var document struct{ Statement json.RawMessage }
	if err := json.Unmarshal(text, &document); err != nil {
		return false
	}
	statements := make([]map[string]json.RawMessage, 1)
	if err := json.Unmarshal(document.Statement, &statements[0]); err != nil {
		if err := json.Unmarshal(document.Statement, &statements); err != nil {
			return false
		}
	}
	for _, s := range statements {
		if _, ok := s[element]; !ok {
			return true
		}
	}
	return false
}
