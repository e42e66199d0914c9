package localaws

import (
	"encoding/base64"
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

// maxMarker is more than AWS's 320 characters: the longest of ours holds the ARN
// of a policy with the longest path and name.
const maxMarker = 1024

var markerPattern = regexp.MustCompile(`^[\x20-\x{ff}]+$`)

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
		return "", missing(name)
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

// name reads the name of a thing. AWS words what is wrong with the characters of
// a name, or of a path, in its own way.
func (p params) name(name string, r rule) (string, *apiError) {
	value, failure := p.matching(name, rule{r.least, r.most, nil})
	if failure == nil && !r.pattern.MatchString(value) {
		failure = validationError("The specified value for %s is invalid. It must contain only alphanumeric characters "+
			"and/or the following: +=,.@_-", lowerFirst(name))
	}
	return value, failure
}

// newPath reads the path of a thing to be created.
func (p params) newPath(r rule) (string, *apiError) {
	value, failure := p.optional("Path", "/", rule{r.least, r.most, nil})
	if failure == nil && !r.pattern.MatchString(value) {
		failure = validationError("The specified value for path is invalid. It must begin and end with / and contain only " +
			"alphanumeric characters and/or / characters.")
	}
	return value, failure
}

// arn reads an ARN.
func (p params) arn(name string) (string, *apiError) {
	value, failure := p.matching(name, arnRule)
	if failure == nil && (!strings.HasPrefix(value, "arn:") || strings.Count(value, ":") < 5) {
		failure = invalidARN(value)
	}
	return value, failure
}

func invalidARN(arn string) *apiError {
	return invalidInput("ARN %s is not valid.", arn)
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
	return p.text(name), oneOf(name, p.text(name), values...)
}

func oneOf(name, value string, values ...string) *apiError {
	if slices.Contains(values, value) {
		return nil
	}
	return constraintError(value, name, "Member must satisfy enum value set: ["+strings.Join(values, ", ")+"]")
}

// missing is the error for a parameter that a call must have.
func missing(name string) *apiError {
	return validationError("1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be null",
		lowerFirst(name))
}

func (r rule) check(name, value string) *apiError {
	length := utf8.RuneCountInString(value)
	switch {
	case length < r.least:
		return constraintError(value, name, fmt.Sprintf("Member must have length greater than or equal to %d", r.least))
	case length > r.most:
		return constraintError(value, name, fmt.Sprintf("Member must have length less than or equal to %d", r.most))
	case r.pattern != nil && !r.pattern.MatchString(value):
		return constraintError(value, name, "Member must satisfy regular expression pattern: "+
			strings.TrimSuffix(strings.TrimPrefix(r.pattern.String(), "^"), "$"))
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
		if !p.has(prefix+"Key") && !p.has(prefix+"Value") {
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
		return nil, tooMany("tags", len(tags), maxTags)
	}
	for i := range tags {
		for _, member := range []string{"Key", "Value"} {
			if !p.has(fmt.Sprintf("Tags.member.%d.%s", i+1, member)) {
				return nil, missing(fmt.Sprintf("tags.%d.member.%s", i+1, lowerFirst(member)))
			}
		}
	}
	if failure := tags.check("tags"); failure != nil {
		return nil, failure
	}
	if tags.duplicateKey() {
		return nil, invalidInput("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
	}
	return tags, nil
}

// tagKeys reads which tags a call removes.
func (p params) tagKeys() ([]string, *apiError) {
	keys := p.list("TagKeys")
	switch {
	case len(keys) > maxTags:
		return nil, tooMany("tagKeys", len(keys), maxTags)
	case len(keys) == 0 && !p.has("TagKeys"):
		return nil, missing("TagKeys")
	}
	for i, key := range keys {
		if failure := (rule{1, maxTagKeyLen, tagKeyPattern}).check(fmt.Sprintf("tagKeys.%d.member", i+1), key); failure != nil {
			return nil, failure
		}
		if hasReservedPrefix(key) {
			return nil, reservedTag()
		}
	}
	return keys, nil
}

func tooMany(name string, given, most int) *apiError {
	return constraintError(strconv.Itoa(given), name, fmt.Sprintf("Member must have length less than or equal to %d", most))
}

func reservedTag() *apiError {
	return invalidInput("System tags cannot be added/updated/deleted: the prefix aws: is reserved.")
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
			return reservedTag()
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

// paginate cuts one page out of items, as Marker and MaxItems ask for; key tells
// them apart. next is the marker of the following page, empty on the last.
func paginate[T any](p params, items []T, key func(T) string) (page []T, next string, failure *apiError) {
	size, failure := p.number("MaxItems", 100, 1, 1000)
	if failure != nil {
		return nil, "", failure
	}
	start := 0
	if p.has("Marker") {
		after, last, failure := p.marker()
		if failure != nil {
			return nil, "", failure
		}
		start = min(after, len(items))
		// Items may have come and gone since the page before.
		if i := slices.IndexFunc(items, func(x T) bool { return key(x) == last }); i >= 0 {
			start = i + 1
		}
	}
	end := min(start+size, len(items))
	if end < len(items) {
		next = newMarker(end-1, key(items[end-1]))
	}
	return items[start:end], next, nil
}

// newMarker makes a marker of the place and the key of the last item of a page.
// If that item is gone by the next page, the item in its place comes first.
func newMarker(place int, key string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(place) + "/" + key))
}

// marker reads a marker that newMarker made.
func (p params) marker() (place int, key string, failure *apiError) {
	given := p.text("Marker")
	if failure := (rule{1, maxMarker, markerPattern}).check("Marker", given); failure != nil {
		return 0, "", failure
	}
	text, err := base64.RawURLEncoding.DecodeString(given)
	number, key, ok := strings.Cut(string(text), "/")
	place, numberErr := strconv.Atoi(number)
	if err != nil || numberErr != nil || !ok || place < 0 {
		return 0, "", validationError("Invalid Marker.")
	}
	return place, key, nil
}
