package localaws

import (
	"fmt"
	"maps"
	"slices"

	"github.com/litentry/wallet-federation/internal/strictjson"
)

// The kinds of what is kept. They are part of the format.
const (
	accountKind  = "account"
	roleKind     = "role"
	userKind     = "user"
	keyKind      = "accessKey"
	providerKind = "provider"
	policyKind   = "policy"
	sessionKind  = "session"
	bucketKind   = "bucket"
	objectKind   = "object"
)

// accountRecord tells whose account a directory keeps.
type accountRecord struct {
	Account   string `json:"account"`
	Partition string `json:"partition"`
}

func (s *Server) accountChange() (change, error) {
	return newChange(accountKind, "", accountRecord{Account: s.options.Account, Partition: s.options.Partition})
}

// restoreAccount refuses the account of somebody else.
func restoreAccount(s *Server, kept records) error {
	if len(kept) != 1 {
		return fmt.Errorf("%w: it does not say whose account it is", errDamaged)
	}
	var a accountRecord
	if err := strictjson.Unmarshal(kept[""], &a); err != nil {
		return fmt.Errorf("reading whose account it is: %w", err)
	}
	if a.Account != s.options.Account || a.Partition != s.options.Partition {
		return fmt.Errorf("it keeps account %s of partition %s, and this is account %s of %s",
			a.Account, a.Partition, s.options.Account, s.options.Partition)
	}
	return nil
}

// shelf is the table of a kind of entity T, whose record is R.
type shelf[T, R any] struct {
	kind string
	// live lists what is in memory, by id.
	live func(*Server) map[string]*T
	// same tells whether two values in memory are one.
	same func(a, b *T) bool
	// place puts an entity into memory.
	place  func(s *Server, id string, entity *T)
	encode func(*T) R
	decode func(R) (*T, error)

	kept    map[string]*T
	pending map[string]*T // nil for what is gone
}

func (t *shelf[T, R]) name() string { return t.kind }

func (t *shelf[T, R]) collect(s *Server) {
	t.pending = map[string]*T{}
	live, found := t.live(s), 0
	for id, entity := range live {
		kept := t.kept[id]
		if kept != nil {
			found++
		}
		if kept == nil || !t.same(kept, entity) {
			t.pending[id] = entity
		}
	}
	if found == len(t.kept) {
		return // nothing is gone
	}
	for id := range t.kept {
		if live[id] == nil {
			t.pending[id] = nil
		}
	}
}

func (t *shelf[T, R]) changes() ([]change, error) { return t.encodeAll(t.pending) }

func (t *shelf[T, R]) all() ([]change, error) { return t.encodeAll(t.kept) }

func (t *shelf[T, R]) encodeAll(entities map[string]*T) ([]change, error) {
	var changes []change
	for _, id := range slices.Sorted(maps.Keys(entities)) {
		entity := entities[id]
		if entity == nil {
			changes = append(changes, change{Kind: t.kind, ID: id})
			continue
		}
		c, err := newChange(t.kind, id, t.encode(entity))
		if err != nil {
			return nil, err
		}
		changes = append(changes, c)
	}
	return changes, nil
}

func (t *shelf[T, R]) adopt() error {
	for id, entity := range t.pending {
		if entity == nil {
			delete(t.kept, id)
		} else {
			t.kept[id] = entity
		}
	}
	return nil
}

func (t *shelf[T, R]) restore(s *Server, kept records) error {
	t.kept = map[string]*T{}
	for _, id := range slices.Sorted(maps.Keys(kept)) {
		var record R
		if err := strictjson.Unmarshal(kept[id], &record); err != nil {
			return fmt.Errorf("reading %s %q: %w", t.kind, id, err)
		}
		entity, err := t.decode(record)
		if err != nil {
			return fmt.Errorf("reading %s %q: %w", t.kind, id, err)
		}
		t.kept[id] = entity
		t.place(s, id, entity)
	}
	return nil
}

// newShelf is the table of a kind of entity that is in a map of the account.
func newShelf[T, R any](kind string, in func(*accountState) map[string]*T, encode func(*T) R, decode func(R) (*T, error)) *shelf[T, R] {
	return &shelf[T, R]{
		kind: kind, encode: encode, decode: decode,
		live:  func(s *Server) map[string]*T { return in(&s.state) },
		same:  func(a, b *T) bool { return a == b },
		place: func(s *Server, id string, entity *T) { in(&s.state)[id] = entity },
	}
}

// accountTables are the tables of IAM and STS.
func accountTables() []table {
	policies := newShelf(policyKind, func(a *accountState) map[string]*managedPolicy { return a.policies }, encodePolicy, decodePolicy)
	policies.live = func(s *Server) map[string]*managedPolicy { return customerPolicies(s.state.policies) }
	keys := newShelf(keyKind, func(a *accountState) map[string]*accessKey { return a.keys }, encodeAccessKey, decodeAccessKey)
	keys.live = func(s *Server) map[string]*accessKey { return madeKeys(s.state.keys) }
	return []table{
		newShelf(userKind, func(a *accountState) map[string]*user { return a.users }, encodeUser, decodeUser),
		keys,
		newShelf(roleKind, func(a *accountState) map[string]*role { return a.roles }, encodeRole, decodeRole),
		newShelf(providerKind, func(a *accountState) map[string]*provider { return a.providers }, encodeProvider, decodeProvider),
		policies,
		newShelf(sessionKind, func(a *accountState) map[string]*session { return a.sessions }, encodeSession, decodeSession),
	}
}

// customerPolicies leaves out AWS's own, which are part of the program.
func customerPolicies(policies map[string]*managedPolicy) map[string]*managedPolicy {
	own := maps.Clone(policies)
	maps.DeleteFunc(own, func(_ string, p *managedPolicy) bool { return p.isBuiltin() })
	return own
}

// madeKeys leaves out those of the options, which come back at every start.
func madeKeys(keys map[string]*accessKey) map[string]*accessKey {
	made := maps.Clone(keys)
	maps.DeleteFunc(made, func(_ string, k *accessKey) bool { return k.configured })
	return made
}

// checkReferences refuses a role or user whose policies do not exist:
// evaluation relies on them.
func (a *accountState) checkReferences() error {
	check := func(e *entity) error {
		for _, arn := range slices.Concat(e.attached, []string{e.boundary}) {
			if arn != "" && a.policies[arn] == nil {
				return fmt.Errorf("%s refers to the policy %s, which does not exist", e.arn, arn)
			}
		}
		return nil
	}
	for _, r := range a.roles {
		if err := check(&r.entity); err != nil {
			return err
		}
	}
	for _, u := range a.users {
		if err := check(&u.entity); err != nil {
			return err
		}
	}
	return nil
}
