package policy

import (
	"maps"
	"slices"
	"strings"
)

// Value is what a request says about one condition key. Context.Set and
// Context.SetList make values.
type Value struct {
	// single is the value of a key that has one by definition. It is apart from
	// texts so that setting it allocates nothing.
	single string
	texts  []string
	kind   valueKind
}

type valueKind int8

const (
	absent valueKind = iota
	singleValued
	multivalued
)

// Strings returns the values, none if the key is absent.
func (v Value) Strings() []string {
	if v.kind == singleValued {
		return []string{v.single}
	}
	return v.texts
}

// Multivalued reports whether the key has several values by definition, such as
// aws:TagKeys, however many this request has. Such a key matches no operator that
// lacks ForAllValues or ForAnyValue.
func (v Value) Multivalued() bool { return v.kind == multivalued }

// Context is the request context: values by condition key. Keys are lower-case,
// because condition keys are case-insensitive; write through Set and SetList.
type Context map[string]Value

// Set gives key the single value value, in place of any other.
func (c Context) Set(key, value string) {
	c[strings.ToLower(key)] = Value{single: value, kind: singleValued}
}

// SetList gives key, which is multivalued by definition, the values values. No
// values at all is the same as the key being absent.
func (c Context) SetList(key string, values ...string) {
	c[strings.ToLower(key)] = Value{texts: values, kind: multivalued}
}

// lookup returns the value of key, which is lower-case, and whether it is present.
func (c Context) lookup(key string) (Value, bool) {
	v := c[key]
	return v, v.kind == singleValued || len(v.texts) > 0
}

// AddTo puts into c the keys that describe p, as the IAM User Guide's table of
// principal key values has them: aws:PrincipalArn, aws:PrincipalAccount,
// aws:PrincipalType, aws:userid, aws:username for a user, aws:FederatedProvider
// for a session bought with a web identity, and aws:PrincipalTag/* from tags.
//
// While a trust policy is judged for a web identity there is no
// aws:PrincipalArn, and the token's tags are request tags and not the
// principal's: tags is then ignored. Of tags whose keys differ only in case, which
// IAM does not let anybody have, the last in byte order counts.
func (p *Principal) AddTo(c Context, tags map[string]string) {
	switch p.Type {
	case Anonymous:
		c.Set("aws:PrincipalAccount", "anonymous")
		c.Set("aws:PrincipalType", "Anonymous")
		c.Set("aws:userid", "anonymous")
		return
	case WebIdentity:
		c.Set("aws:PrincipalAccount", p.Account)
		c.Set("aws:PrincipalType", "User")
		c.Set("aws:userid", p.ProviderARN)
		return
	case Root:
		c.Set("aws:PrincipalArn", p.ARN)
		c.Set("aws:PrincipalType", "Account")
		c.Set("aws:userid", p.Account)
	case User:
		c.Set("aws:PrincipalArn", p.ARN)
		c.Set("aws:PrincipalType", "User")
		c.Set("aws:userid", p.UniqueID)
		c.Set("aws:username", p.ARN[strings.LastIndexByte(p.ARN, '/')+1:])
	case AssumedRole:
		c.Set("aws:PrincipalArn", p.RoleARN)
		c.Set("aws:PrincipalType", "AssumedRole")
		c.Set("aws:userid", p.UniqueID+":"+p.SessionName)
		if p.ProviderARN != "" {
			c.Set("aws:FederatedProvider", p.ProviderARN)
		}
	}
	c.Set("aws:PrincipalAccount", p.Account)
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		c.Set("aws:PrincipalTag/"+key, tags[key])
	}
}
