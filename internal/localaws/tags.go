package localaws

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Limits of tags, the same for resources and for sessions.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html
const (
	maxTags        = 50
	maxTagKeyLen   = 128
	maxTagValueLen = 256
)

var (
	tagKeyPattern   = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]+$`)
	tagValuePattern = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)
)

// tag is a key with its value.
type tag struct {
	Key   string
	Value string
}

// tagSet is a list of tags. Those of roles, users and sessions have keys that
// differ by more than their case, and so it is for what does not say otherwise. It is
// immutable: with and without return new sets.
type tagSet []tag

func (t tagSet) index(key string) int {
	return slices.IndexFunc(t, func(x tag) bool { return strings.EqualFold(x.Key, key) })
}

// with adds the tags of more and lets them replace those whose key is the same
// but for its case; the new spelling of the key wins.
func (t tagSet) with(more tagSet) tagSet {
	return append(t.without(more.keys()), more...)
}

// without leaves out the tags with the given keys, whatever their case.
func (t tagSet) without(keys []string) tagSet {
	return t.remove(keys, strings.EqualFold)
}

// remove leaves out the tags with the given keys.
func (t tagSet) remove(keys []string, same sameKey) tagSet {
	return slices.DeleteFunc(slices.Clone(t), func(x tag) bool {
		return slices.ContainsFunc(keys, func(k string) bool { return same(k, x.Key) })
	})
}

func (t tagSet) keys() []string {
	keys := make([]string, len(t))
	for i, x := range t {
		keys[i] = x.Key
	}
	return keys
}

func (t tagSet) toMap() map[string]string {
	m := make(map[string]string, len(t))
	for _, x := range t {
		m[x.Key] = x.Value
	}
	return m
}

// sortedTags makes a set of a map, in the order of the keys.
func sortedTags(m map[string]string) tagSet {
	set := make(tagSet, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		set = append(set, tag{Key: k, Value: m[k]})
	}
	return set
}

// duplicateKey tells whether two tags have the same key.
func (t tagSet) duplicateKey(same sameKey) bool {
	for i, x := range t {
		if slices.ContainsFunc(t[:i], func(other tag) bool { return same(x.Key, other.Key) }) {
			return true
		}
	}
	return false
}

// hasReservedPrefix tells whether a tag key begins with aws:, in any case.
func hasReservedPrefix(key string) bool {
	return len(key) >= 4 && strings.EqualFold(key[:4], "aws:")
}
