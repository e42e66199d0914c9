package localaws

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// name reads the name of a thing. AWS words what is wrong with the characters of
// a name, or of a path, in its own way.
func (p params) named(name string, r rule) (string, *apiError) {
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

// arn reads an ARN of IAM whose resource begins with kind, as in "policy/".
func (p params) arn(name, kind string) (string, *apiError) {
	value, failure := p.matching(name, arnRule)
	if failure != nil {
		return "", failure
	}
	parts := strings.SplitN(value, ":", 6)
	switch {
	case len(parts) < 6 || parts[0] != "arn":
		return "", validationError("ARN %s is not valid.", value)
	case parts[2] != "iam" || parts[3] != "" || !strings.HasPrefix(parts[5], kind):
		return "", invalidInput("ARN %s is not valid.", value)
	}
	return value, nil
}

// sameKey tells whether two keys are of the same tag. The keys of roles and users
// differ by more than their case, those of policies and providers by anything.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html#id_tags_rules_creating
type sameKey func(a, b string) bool

func exactly(a, b string) bool { return a == b }

// checkTagShapes holds the tags and the tag keys of a call to their shape. IAM
// does so before it looks whether the caller may make the call.
func (p params) checkTagShapes() *apiError {
	tags, keys := p.tagList(), p.list("TagKeys")
	if len(tags) > maxTags {
		return p.tooMany("tags", len(tags), maxTags)
	}
	for i := range tags {
		for _, member := range []string{"Key", "Value"} {
			if !p.has(fmt.Sprintf("Tags.member.%d.%s", i+1, member)) {
				return missing(fmt.Sprintf("tags.%d.member.%s", i+1, lowerFirst(member)))
			}
		}
	}
	if failure := p.checkTags("tags", tags); failure != nil {
		return failure
	}
	if len(keys) > maxTags {
		return p.tooMany("tagKeys", len(keys), maxTags)
	}
	return p.checkMembers("TagKeys", keys, rule{1, maxTagKeyLen, tagKeyPattern}, "Member must not be null")
}

// resourceTags reads the tags of a call, whose shape has been checked.
func (p params) resourceTags(same sameKey) (tagSet, *apiError) {
	tags := p.tagList()
	switch {
	case slices.ContainsFunc(tags.keys(), hasReservedPrefix):
		return nil, reservedTag()
	case !tags.duplicateKey(same):
		return tags, nil
	case same("a", "A"):
		return nil, invalidInput("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
	default:
		return nil, invalidInput("Duplicate tag keys found.")
	}
}

// mergeTags puts the tags of a call over those of a resource.
func (p params) mergeTags(old tagSet, same sameKey) (tagSet, *apiError) {
	given, failure := p.resourceTags(same)
	if failure != nil {
		return nil, failure
	}
	if len(given) == 0 && !p.has("Tags") {
		return nil, missing("Tags")
	}
	merged := append(old.remove(given.keys(), same), given...)
	if len(merged) > maxTags {
		return nil, limitExceeded("The number of tags has reached the maximum limit.")
	}
	return merged, nil
}

// removeTags takes the tags that a call names off those of a resource.
func (p params) removeTags(old tagSet, same sameKey) (tagSet, *apiError) {
	keys := p.list("TagKeys")
	switch {
	case len(keys) == 0 && !p.has("TagKeys"):
		return nil, missing("TagKeys")
	case slices.ContainsFunc(keys, hasReservedPrefix):
		return nil, reservedTag()
	}
	return old.remove(keys, same), nil
}

// checkMembers holds the members of a list to a rule. AWS tells all that a member
// must be, and more besides.
func (p params) checkMembers(name string, members []string, r rule, more ...string) *apiError {
	for _, member := range members {
		if r.broken(member) == "" {
			continue
		}
		all := []string{
			fmt.Sprintf("Member must have length less than or equal to %d", r.most),
			fmt.Sprintf("Member must have length greater than or equal to %d", r.least),
		}
		if r.pattern != nil {
			all = append(all, "Member must satisfy regular expression pattern: "+r.shown())
		}
		return p.broken(name, member, "Member must satisfy constraint: ["+strings.Join(append(all, more...), ", ")+"]")
	}
	return nil
}

func (p params) tooMany(name string, given, most int) *apiError {
	return p.broken(name, strconv.Itoa(given), fmt.Sprintf("Member must have length less than or equal to %d", most))
}

// xml is the tags as an answer shows them that leaves out what there is none of.
func (t tagSet) xml() *members[tag] {
	if len(t) == 0 {
		return nil
	}
	return &members[tag]{t}
}

// tagPage is the answer of the calls that list tags.
type tagPage struct {
	Tags members[tag]
	page
}

func (p params) tagPage(tags tagSet) (any, *apiError) {
	list, next, failure := paginate(p, sortedTags(tags.toMap()), func(t tag) string { return t.Key })
	if failure != nil {
		return nil, failure
	}
	return tagPage{Tags: members[tag]{list}, page: newPage(next)}, nil
}
