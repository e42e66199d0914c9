package localaws

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/litentry/wallet-federation/internal/policy"
)

// maxListMembers bounds the lists of a call: the longest that AWS takes has
// 100 members, and one more tells that there are too many.
const maxListMembers = 101

// params are the parameters of a call.
type params struct {
	values url.Values
	// quiet leaves a value that breaks a constraint out of the message.
	quiet bool
}

func (p params) text(name string) string { return p.values.Get(name) }

func (p params) has(name string) bool { return p.values.Has(name) }

// list reads Name.member.1, Name.member.2 and so on.
func (p params) list(name string) []string {
	var members []string
	for i := range maxListMembers {
		key := fmt.Sprintf("%s.member.%d", name, i+1)
		if !p.has(key) {
			break
		}
		members = append(members, p.text(key))
	}
	return members
}

// number reads a whole number within bounds, both inclusive; absent is the
// default.
func (p params) number(name string, def, least, most int) (int, *apiError) {
	if !p.has(name) {
		return def, nil
	}
	n, err := strconv.Atoi(p.text(name))
	switch {
	case err != nil:
		return 0, newError(400, "MalformedInput", "%s is not a whole number.", name)
	case n < least:
		return 0, p.broken(name, p.text(name), fmt.Sprintf("Member must have value greater than or equal to %d", least))
	case n > most:
		return 0, p.broken(name, p.text(name), fmt.Sprintf("Member must have value less than or equal to %d", most))
	}
	return n, nil
}

// rule is what a text parameter must be.
type rule struct {
	least, most int            // length in characters
	pattern     *regexp.Regexp // nil for any text
}

// matching reads a text parameter that is required and must obey the rule.
func (p params) matching(name string, r rule) (string, *apiError) {
	if !p.has(name) {
		return "", missing(name)
	}
	value := p.text(name)
	return value, p.check(r, name, value)
}

// check holds a value to a rule.
func (p params) check(r rule, name, value string) *apiError {
	if constraint := r.broken(value); constraint != "" {
		return p.broken(name, value, constraint)
	}
	return nil
}

// broken words a broken constraint as the service does that was called.
func (p params) broken(name, value, constraint string) *apiError {
	if p.quiet {
		return validationError("1 validation error detected: Value at '%s' failed to satisfy constraint: %s", lowerFirst(name), constraint)
	}
	return constraintError(value, name, constraint)
}

// optional reads a text parameter that must obey the rule if it is given.
func (p params) optional(name, def string, r rule) (string, *apiError) {
	if !p.has(name) {
		return def, nil
	}
	return p.matching(name, r)
}

// flag reads a boolean; absent is false.
func (p params) flag(name string) (bool, *apiError) {
	switch p.text(name) {
	case "":
		return false, nil
	case "true", "false":
		return p.text(name) == "true", nil
	default:
		return false, newError(400, "MalformedInput", "%s is not a boolean.", name)
	}
}

// choice reads a parameter that has one of a few values; absent is empty.
func (p params) choice(name string, values ...string) (string, *apiError) {
	if !p.has(name) {
		return "", nil
	}
	return p.text(name), p.oneOf(name, p.text(name), values...)
}

func (p params) oneOf(name, value string, values ...string) *apiError {
	if slices.Contains(values, value) {
		return nil
	}
	return p.broken(name, value, "Member must satisfy enum value set: ["+strings.Join(values, ", ")+"]")
}

// missing is the error for a parameter that a call must have.
func missing(name string) *apiError {
	return validationError("1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be null",
		lowerFirst(name))
}

// check holds a value to the rule, and shows it if it breaks the rule.
func (r rule) check(name, value string) *apiError {
	return params{}.check(r, name, value)
}

// broken is the constraint that a value breaks; empty for none.
func (r rule) broken(value string) string {
	length := utf8.RuneCountInString(value)
	switch {
	case length < r.least:
		return fmt.Sprintf("Member must have length greater than or equal to %d", r.least)
	case length > r.most:
		return fmt.Sprintf("Member must have length less than or equal to %d", r.most)
	case r.pattern != nil && !r.pattern.MatchString(value):
		return "Member must satisfy regular expression pattern: " + r.shown()
	}
	return ""
}

// shown is the pattern as AWS shows it: one that the whole value must match.
func (r rule) shown() string {
	return strings.TrimSuffix(strings.TrimPrefix(r.pattern.String(), "^"), "$")
}

// constraintError words a broken constraint as AWS does. The value is left out
// where it is long: it may be a document or a token.
func constraintError(value, name, constraint string) *apiError {
	const shown = 256
	if len(value) > shown {
		value = value[:shown] + "..."
	}
	return validationError("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: %s",
		value, lowerFirst(name), constraint)
}

func lowerFirst(name string) string {
	if name == "" || name[0] < 'A' || name[0] > 'Z' {
		return name
	}
	return string(name[0]|0x20) + name[1:]
}

// tagList reads Tags.member.N.Key and .Value.
func (p params) tagList() tagSet {
	var tags tagSet
	for i := range maxListMembers {
		prefix := fmt.Sprintf("Tags.member.%d.", i+1)
		if !p.has(prefix+"Key") && !p.has(prefix+"Value") {
			break
		}
		tags = append(tags, tag{Key: p.text(prefix + "Key"), Value: p.text(prefix + "Value")})
	}
	return tags
}

// check holds every tag to AWS's length, characters and reserved prefix.
func (t tagSet) check(name string) *apiError {
	if failure := (params{}).checkTags(name, t); failure != nil {
		return failure
	}
	if slices.ContainsFunc(t.keys(), hasReservedPrefix) {
		return reservedTag()
	}
	return nil
}

// checkTags holds every tag to AWS's length and characters.
func (p params) checkTags(name string, tags tagSet) *apiError {
	for i, x := range tags {
		at := fmt.Sprintf("%s.%d.member.", name, i+1)
		if failure := p.check(rule{1, maxTagKeyLen, tagKeyPattern}, at+"key", x.Key); failure != nil {
			return failure
		}
		if failure := p.check(rule{0, maxTagValueLen, tagValuePattern}, at+"value", x.Value); failure != nil {
			return failure
		}
	}
	return nil
}

func reservedTag() *apiError {
	return invalidInput("System tags cannot be added/updated/deleted: the prefix aws: is reserved.")
}

// setRequestTags adds the condition keys that tell which tags a call sets or
// removes.
func (p params) setRequestTags(ctx policy.Context) {
	keys := p.list("TagKeys")
	for _, x := range p.tagList() {
		ctx.Set("aws:RequestTag/"+x.Key, x.Value)
		keys = append(keys, x.Key)
	}
	if len(keys) > 0 {
		ctx.SetList("aws:TagKeys", keys...)
	}
}
