package signingkey

import (
	"errors"
	"slices"
	"time"
)

// MaxPublished is how many keys a set has at most while it is rotated: one of each
// state.
const MaxPublished = 3

// The steps of a rotation. When each is due is not decided here. None changes the
// set: it returns another.
var (
	// ErrPending says that the set has a Pending key already.
	ErrPending = errors.New("a key is Pending already")
	// ErrNoPending says that the set has no Pending key.
	ErrNoPending = errors.New("no key is Pending")
	// ErrFull says that a Retiring key has to leave the set first.
	ErrFull = errors.New("the set has as many keys as may be published")
	// ErrInUse says that a key cannot be removed: it is the one that signs.
	ErrInUse = errors.New("the key is Active")
)

// Announce adds a new key, Pending since now.
func (s *Set) Announce(now time.Time) (*Set, error) {
	if s.pending != nil {
		return nil, ErrPending
	}
	if len(s.keys) >= MaxPublished {
		return nil, ErrFull
	}
	key, err := generate(Pending, now)
	if err != nil {
		return nil, err
	}
	return newSet(append(slices.Clone(s.keys), key))
}

// Activate makes the Pending key the one that signs from now on, and the one that
// did Retiring.
func (s *Set) Activate(now time.Time) (*Set, error) {
	if s.pending == nil {
		return nil, ErrNoPending
	}
	keys := slices.Clone(s.keys)
	for i, key := range keys {
		switch key.State {
		case Pending:
			keys[i] = key.becoming(Active, now)
		case Active:
			keys[i] = key.becoming(Retiring, now)
		case Retiring:
		}
	}
	return newSet(keys)
}

// Remove takes a key out of the set that does not sign. One that is not in it is no
// error.
func (s *Set) Remove(id string) (*Set, error) {
	if s.active.ID == id {
		return nil, ErrInUse
	}
	return newSet(slices.DeleteFunc(slices.Clone(s.keys), func(k *Key) bool { return k.ID == id }))
}

// becoming returns the key in another state.
func (k *Key) becoming(state State, now time.Time) *Key {
	next := *k
	next.State, next.Since = state, now.UTC().Truncate(time.Second)
	return &next
}
