package localaws

import (
	"fmt"
	"net/url"
	"regexp"
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
		return 0, constraintError(p.text(name), name, fmt.Sprintf("Member must have value greater than or equal to %d", least))
	case n > most:
		return 0, constraintError(p.text(name), name, fmt.Sprintf("Member must have value less than or equal to %d", most))
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
		return "", validationError("1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be null",
			lowerFirst(name))
	}
	value := p.text(name)
	return value, r.check(name, value)
}

// optional reads a text parameter that must obey the rule if it is given.
func (p params) optional(name, def string, r rule) (string, *apiError) {
	if !p.has(name) {
		return def, nil
	}
	return p.matching(name, r)
}

func (r rule) check(name, value string) *apiError {
	length := utf8.RuneCountInString(value)
	switch {
	case length < r.least:
		return constraintError(value, name, fmt.Sprintf("Member must have length greater than or equal to %d", r.least))
	case length > r.most:
		return constraintError(value, name, fmt.Sprintf("Member must have length less than or equal to %d", r.most))
	case r.pattern != nil && !r.pattern.MatchString(value):
		pattern := strings.TrimSuffix(strings.TrimPrefix(r.pattern.String(), "^"), "$")
		return constraintError(value, name, "Member must satisfy regular expression pattern: "+pattern)
	}
	return nil
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
		if !p.has(prefix + "Key") {
			break
		}
		tags = append(tags, tag{Key: p.text(prefix + "Key"), Value: p.text(prefix + "Value")})
	}
	return tags
}

// resourceTags reads the tags of a call and checks them as IAM does.
func (p params) resourceTags() (tagSet, *apiError) {
	tags := p.tagList()
	if len(tags) > maxTags {
		return nil, constraintError(strconv.Itoa(len(tags)), "tags", fmt.Sprintf("Member must have length less than or equal to %d", maxTags))
	}
	if failure := tags.check("tags"); failure != nil {
		return nil, failure
	}
	if tags.duplicateKey() {
		return nil, invalidInput("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
	}
	return tags, nil
}

// check holds every tag to AWS's length, characters and reserved prefix.
func (t tagSet) check(name string) *apiError {
	for i, x := range t {
		at := fmt.Sprintf("%s.%d.member.", name, i+1)
		if failure := (rule{1, maxTagKeyLen, tagKeyPattern}).check(at+"key", x.Key); failure != nil {
			return failure
		}
		if failure := (rule{0, maxTagValueLen, tagValuePattern}).check(at+"value", x.Value); failure != nil {
			return failure
		}
		if hasReservedPrefix(x.Key) {
			return invalidInput("System tags cannot be added/updated/deleted: the prefix aws: is reserved.")
		}
	}
	return nil
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

// paginate cuts one page out of sorted items, as Marker and MaxItems ask for.
// The marker is the key of the last item of the page before; next is empty on
// the last page.
func paginate[T any](p params, items []T, key func(T) string) (page []T, next string, failure *apiError) {
	size, failure := p.number("MaxItems", 100, 1, 1000)
	if failure != nil {
		return nil, "", failure
	}
	marker, failure := p.optional("Marker", "", rule{1, 320, nil})
	if failure != nil {
		return nil, "", failure
	}
	start := 0
	for start < len(items) && marker != "" && key(items[start]) <= marker {
		start++
	}
	end := min(start+size, len(items))
	if end < len(items) {
		next = key(items[end-1])
	}
	return items[start:end], next, nil
}
