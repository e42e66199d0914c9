package document

import (
	"encoding/json"
	"iter"
	"regexp"
	"strings"
)

// familyForm matches the Sids of every federation, also of other clusters.
var familyForm = regexp.MustCompile(`^WalletFederation[0-9a-f]{8}[A-Za-z][A-Za-z0-9]*$`)

// checkUpgrade refuses to raise the policy's version to the one that our
// statements need where that would give a "${" of others a meaning that it does
// not have. Statements of other federations are meant for the newer version.
func (p *parsed) checkUpgrade(owner SidPrefix) error {
	for _, entry := range p.entries {
		if owner.owns(entry.sid) || familyForm.MatchString(entry.sid) || !entry.mentionsVariable() {
			continue
		}
		return refuse(entry.where, `it contains "${", plain text in the policy's version %s and a variable in version %s, which our statements need: raise the Version or change the statement by hand`, oldVersion, policyVersion)
	}
	return nil
}

func (s parsedStatement) mentionsVariable() bool {
	for text := range textsIn(s.raw) {
		if strings.Contains(text, "${") {
			return true
		}
	}
	return false
}

// textsIn yields every string in well-formed JSON, names of members aside.
func textsIn(raw json.RawMessage) iter.Seq[string] {
	return func(yield func(string) bool) {
		var value any
		if json.Unmarshal(raw, &value) == nil {
			walkTexts(value, yield)
		}
	}
}

func walkTexts(value any, yield func(string) bool) bool {
	switch value := value.(type) {
	case string:
		return yield(value)
	case []any:
		for _, element := range value {
			if !walkTexts(element, yield) {
				return false
			}
		}
	case map[string]any:
		for _, element := range value {
			if !walkTexts(element, yield) {
				return false
			}
		}
	}
	return true
}
