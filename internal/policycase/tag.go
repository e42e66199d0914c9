package policycase

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/litentry/wallet-federation/internal/policy"
)

// Limits of IAM's tags.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html
const (
	maxTags        = 50
	maxTagKeyLen   = 128
	maxTagValueLen = 256
)

var tagPattern = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)

// tag is a tag that a call sets.
type tag struct {
	Key   *string
	Value *string
}

// readTags reads the parameter Tags.
func (p params) readTags() ([]tag, error) {
	if !p.has("Tags") {
		return nil, nil
	}
	var tags []tag
	if err := json.Unmarshal(p.get("Tags"), &tags); err != nil {
		return nil, invalid(p.at("Tags"), "must be a list of objects with Key and Value")
	}
	for _, t := range tags {
		if t.Key == nil || t.Value == nil {
			return nil, invalid(p.at("Tags"), "has a tag without Key or Value")
		}
	}
	return tags, nil
}

// checkTags refuses tags that IAM refuses before it asks whether the caller may
// set tags at all.
func checkTags(tags []tag) error {
	const code = "ValidationError"
	if len(tags) > maxTags {
		return refused(code, "%d tags are more than %d", len(tags), maxTags)
	}
	for i, t := range tags {
		switch {
		case *t.Key == "" || utf8.RuneCountInString(*t.Key) > maxTagKeyLen:
			return refused(code, "the key of tag %d does not have 1 to %d characters", i+1, maxTagKeyLen)
		case utf8.RuneCountInString(*t.Value) > maxTagValueLen:
			return refused(code, "the value of tag %q has more than %d characters", *t.Key, maxTagValueLen)
		case !tagPattern.MatchString(*t.Key):
			return refused(code, "the key %q has characters that IAM does not take: it takes letters, spaces, digits and _.:/=+-@", *t.Key)
		case !tagPattern.MatchString(*t.Value):
			return refused(code, "the value %q has characters that IAM does not take: it takes letters, spaces, digits and _.:/=+-@", *t.Value)
		}
	}
	return nil
}

// checkTagKeys refuses keys that IAM refuses after it has found that the caller
// may set tags.
func checkTagKeys(tags []tag) error {
	const code = "InvalidInput"
	for i, t := range tags {
		if len(*t.Key) >= 4 && strings.EqualFold((*t.Key)[:4], "aws:") {
			return refused(code, "the key %q begins with aws:, which is reserved", *t.Key)
		}
		if slices.ContainsFunc(tags[:i], func(other tag) bool { return strings.EqualFold(*other.Key, *t.Key) }) {
			return refused(code, "the key %q stands twice; the case of keys does not matter", *t.Key)
		}
	}
	return nil
}

// addRequestTags sets the condition keys of the tags that a call sets.
func addRequestTags(ctx policy.Context, tags []tag) {
	if len(tags) == 0 {
		return
	}
	keys := make([]string, len(tags))
	for i, t := range tags {
		ctx.Set("aws:RequestTag/"+*t.Key, *t.Value)
		keys[i] = *t.Key
	}
	ctx.SetList("aws:TagKeys", keys...)
}
