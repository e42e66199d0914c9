package bucketpolicy

import (
	"slices"
	"strings"
	"sync"

	"github.com/litentry/wallet-federation/internal/policy"
)

// action is an action of S3 as far as a bucket policy may name it.
type action struct {
	name     string // with "s3:", in lower case
	onBucket bool
	onObject bool
	// keys are the condition keys that it comes with besides commonKeys, in lower
	// case without "s3:". One that ends in a slash stands for all tags.
	keys []string
}

// catalogue is all actions of S3. It is never written again.
type catalogue struct {
	actions []action
	byName  map[string]int
	common  []string
}

// actions reads the table once: it is long, and every admission asks it.
var actions = sync.OnceValue(func() *catalogue {
	c := &catalogue{byName: map[string]int{}, common: strings.Fields(commonKeys)}
	for _, group := range actionGroups() {
		keys := strings.Fields(group.keys)
		for name := range strings.FieldsSeq(group.names) {
			a := action{name: "s3:" + strings.ToLower(name), onBucket: group.onBucket, onObject: group.onObject, keys: keys}
			c.byName[a.name] = len(c.actions)
			c.actions = append(c.actions, a)
		}
	}
	return c
})

// KnowsAction tells whether S3 has an action, such as s3:GetObject. Its case does
// not matter.
func KnowsAction(name string) bool {
	_, known := actions().byName[strings.ToLower(name)]
	return known
}

// matching returns the actions that a pattern of a policy names.
func (c *catalogue) matching(pattern string) []action {
	pattern = strings.ToLower(pattern)
	if i, ok := c.byName[pattern]; ok {
		return c.actions[i : i+1]
	}
	prefix, star := strings.CutSuffix(pattern, "*")
	if star && !strings.ContainsAny(prefix, "*?") {
		return c.filter(func(name string) bool { return strings.HasPrefix(name, prefix) })
	}
	return c.filter(func(name string) bool { return policy.Match(pattern, name) })
}

func (c *catalogue) filter(wanted func(name string) bool) []action {
	var found []action
	for _, a := range c.actions {
		if wanted(a.name) {
			found = append(found, a)
		}
	}
	return found
}

// applies tells whether the action acts on one of the resources.
func (a *action) applies(resources []string, bucketARN string) bool {
	return slices.ContainsFunc(resources, func(resource string) bool {
		if resource == bucketARN {
			return a.onBucket
		}
		return a.onObject
	})
}

// supports tells whether an action comes with a condition key, given in lower
// case without "s3:".
func (c *catalogue) supports(a *action, key string) bool {
	return containsKey(a.keys, key) || containsKey(c.common, key)
}

// knowsKey tells whether any action comes with a condition key.
func (c *catalogue) knowsKey(key string) bool {
	return slices.ContainsFunc(c.actions, func(a action) bool { return c.supports(&a, key) })
}

func containsKey(keys []string, key string) bool {
	return slices.ContainsFunc(keys, func(known string) bool {
		return known == key || strings.HasSuffix(known, "/") && strings.HasPrefix(key, known)
	})
}
