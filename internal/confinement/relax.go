package confinement

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/litentry/wallet-federation/internal/policy"
)

// variableForm matches a policy variable; its first group is the key, without a
// default value.
var variableForm = regexp.MustCompile(`\$\{([^},]*)(,[^}]*)?\}`)

// knownKeys are the condition keys whose value is tried or is the same in every
// session of the role. Any other may have whatever value a statement asks for.
var knownKeys = []string{"s3:prefix", "aws:principalarn", "aws:principalaccount", "aws:principaltype"}

// element is a statement as JSON.
type element struct {
	Effect      policy.Effect
	Action      []string                       `json:",omitempty"`
	NotAction   []string                       `json:",omitempty"`
	Resource    []string                       `json:",omitempty"`
	NotResource []string                       `json:",omitempty"`
	Condition   map[string]map[string][]string `json:",omitempty"`
}

// relax makes a policy of some statements of another, in which every condition
// that a request could satisfy is left out and every variable that a request
// could fill is a wildcard. It is nil without statements.
func (w *world) relax(d *policy.Document, statements []*policy.Statement) (*policy.Document, error) {
	if len(statements) == 0 {
		return nil, nil //nolint:nilnil // no policy is the answer
	}
	elements := make([]element, 0, len(statements))
	for _, statement := range statements {
		elements = append(elements, w.relaxStatement(statement))
	}
	source, err := json.Marshal(struct {
		Version   string `json:",omitempty"`
		Statement []element
	}{d.Version, elements})
	if err != nil {
		return nil, fmt.Errorf("writing relaxed policy: %w", err)
	}
	relaxed, err := policy.Parse(policy.Identity, source)
	if err != nil {
		return nil, fmt.Errorf("reading relaxed policy: %w", err)
	}
	return relaxed, nil
}

func (w *world) relaxStatement(s *policy.Statement) element {
	relaxed := element{
		Effect: s.Effect, Action: s.Actions, NotAction: s.NotActions,
		Resource: w.relaxResources(s.Resources), NotResource: w.keepKnown(s.NotResources),
		Condition: map[string]map[string][]string{},
	}
	if len(s.NotResources) > 0 && len(relaxed.NotResource) == 0 {
		// All that was excepted depends on the request: nothing is excepted for sure.
		relaxed.Resource = []string{"*"}
	}
	for _, condition := range s.Conditions {
		if !w.isKnown(condition) {
			continue
		}
		keys := relaxed.Condition[condition.Operator]
		if keys == nil {
			keys = map[string][]string{}
			relaxed.Condition[condition.Operator] = keys
		}
		keys[condition.Key] = condition.Values
	}
	return relaxed
}

// relaxResources makes a wildcard of every variable that a request could fill.
func (w *world) relaxResources(resources []string) []string {
	relaxed := make([]string, 0, len(resources))
	for _, resource := range resources {
		relaxed = append(relaxed, variableForm.ReplaceAllStringFunc(resource, func(variable string) string {
			if w.isKnownVariable(variable) {
				return variable
			}
			return "*"
		}))
	}
	return relaxed
}

// keepKnown leaves out the patterns with a variable that a request could fill.
func (w *world) keepKnown(resources []string) []string {
	var kept []string
	for _, resource := range resources {
		if !w.hasUnknownVariable(resource) {
			kept = append(kept, resource)
		}
	}
	return kept
}

// reliableDenies are the Deny statements that hold whatever a request says.
func (w *world) reliableDenies(d *policy.Document) []*policy.Statement {
	var denies []*policy.Statement
	for i := range d.Statements {
		s := &d.Statements[i]
		unknownCondition := slices.ContainsFunc(s.Conditions, func(c policy.Condition) bool { return !w.isKnown(c) })
		unknownVariable := slices.ContainsFunc(append(slices.Clone(s.Resources), s.NotResources...), w.hasUnknownVariable)
		if s.Effect == policy.EffectDeny && !unknownCondition && !unknownVariable {
			denies = append(denies, s)
		}
	}
	return denies
}

func allowsOf(d *policy.Document) []*policy.Statement {
	var allows []*policy.Statement
	for i := range d.Statements {
		if d.Statements[i].Effect == policy.EffectAllow {
			allows = append(allows, &d.Statements[i])
		}
	}
	return allows
}

func (w *world) isKnown(c policy.Condition) bool {
	return slices.Contains(knownKeys, strings.ToLower(c.Key)) && !slices.ContainsFunc(c.Values, w.hasUnknownVariable)
}

func (w *world) hasUnknownVariable(text string) bool {
	for _, variable := range variableForm.FindAllString(text, -1) {
		if !w.isKnownVariable(variable) {
			return true
		}
	}
	return false
}

// isKnownVariable is true for the wallet's tag, for what is the same in every
// session, and for the escapes ${*}, ${?} and ${$}.
func (w *world) isKnownVariable(variable string) bool {
	key := strings.ToLower(strings.TrimSpace(variableForm.FindStringSubmatch(variable)[1]))
	switch key {
	case "*", "?", "$", w.tagVariable():
		return true
	}
	return slices.Contains(knownKeys, key) && key != "s3:prefix"
}

func (w *world) tagVariable() string { return strings.ToLower("aws:PrincipalTag/" + w.tagKey) }
