package session

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/litentry/wallet-federation/internal/strictjson"
)

const (
	// DataKey is the key of the issuer's Secret, and the name of the mounted
	// file, that holds the session keys.
	DataKey = "session-keys.json"
	// MaxBytes bounds the document.
	MaxBytes = 16 << 10
	// MaxKeys bounds the set.
	MaxKeys = 32

	// keyBytes is the size of an HS256 key: that of the hash (RFC 7518, 3.2).
	keyBytes = 32
	// idBytes is how much of a key's hash is its id.
	idBytes = 8
)

// State says what a key is used for.
type State string

// The states, in the order in which a key goes through them.
const (
	// Pending: bearers signed with the key are believed.
	Pending State = "Pending"
	// Active: the key signs, too.
	Active State = "Active"
	// Retiring: the key has signed, and bearers signed with it are believed.
	Retiring State = "Retiring"
)

// Key is one session key. However it is printed, logged or encoded, it shows its
// id and nothing of its secret.
type Key struct {
	// ID is the kid: a hash of the secret.
	ID string
	// State says what the key is used for.
	State State
	// Since is when it came into the state, in whole seconds UTC, rounded up: a
	// key is in no state for a shorter time than the schedule says.
	Since time.Time

	// secret returns the key. Within a function no printing finds it, not even
	// that of a struct which holds a Key where its methods cannot be called.
	secret func() []byte
}

func newKey(secret []byte, state State, since time.Time) *Key {
	digest := sha256.Sum256(append([]byte("wallet-federation session key id:"), secret...))
	return &Key{
		ID:    base64.RawURLEncoding.EncodeToString(digest[:idBytes]),
		State: state, Since: wholeSeconds(since), secret: func() []byte { return secret },
	}
}

func wholeSeconds(t time.Time) time.Time {
	return t.Add(time.Second - 1).UTC().Truncate(time.Second)
}

func generateKey(state State, now time.Time) *Key {
	secret := make([]byte, keyBytes)
	_, _ = rand.Read(secret) // never fails
	return newKey(secret, state, now)
}

// Derive returns a key of 32 bytes for another purpose (RFC 5869), from which
// this one cannot be told.
func (k *Key) Derive(purpose string) ([]byte, error) {
	derived, err := hkdf.Key(sha256.New, k.secret(), nil, purpose, keyBytes)
	if err != nil {
		return nil, fmt.Errorf("deriving a key: %w", err)
	}
	return derived, nil
}

// Format implements [fmt.Formatter] for every verb and flag.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// String returns the key's id and state.
func (k Key) String() string { return "session.Key(" + k.ID + " " + string(k.State) + ")" }

// LogValue implements [slog.LogValuer] without the secret.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText writes what [Key.String] returns: keys are stored by
// [KeySet.Marshal] or not at all.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// KeySet is the session keys of one issuer: exactly one Active, at most one
// Pending, no two the same. It does not change after it is made.
type KeySet struct {
	keys   []*Key
	active *Key
}

// NewKeySet makes a set of one new Active key. It can sign at once: there is
// nobody yet who does not know it.
func NewKeySet(now time.Time) *KeySet {
	key := generateKey(Active, now)
	return &KeySet{keys: []*Key{key}, active: key}
}

// document and entry are the stored form.
type document struct {
	Keys []entry `json:"keys"`
}

type entry struct {
	State string `json:"state"`
	Since string `json:"since"`
	Key   string `json:"key"`
}

// ParseKeySet reads the document that [KeySet.Marshal] writes and checks all of
// it. Errors never hold a secret.
func ParseKeySet(data []byte) (*KeySet, error) {
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("parsing session keys: more than %d bytes", MaxBytes)
	}
	var doc document
	if err := strictjson.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("parsing session keys: %w", err)
	}
	keys := make([]*Key, 0, len(doc.Keys))
	for i, e := range doc.Keys {
		key, err := e.key()
		if err != nil {
			return nil, fmt.Errorf("parsing session keys: keys[%d]: %w", i, err)
		}
		keys = append(keys, key)
	}
	set, err := newKeySet(keys)
	if err != nil {
		return nil, fmt.Errorf("parsing session keys: %w", err)
	}
	return set, nil
}

func (e entry) key() (*Key, error) {
	switch State(e.State) {
	case Pending, Active, Retiring:
	default:
		return nil, errors.New("state is not Pending, Active or Retiring")
	}
	since, err := time.Parse(time.RFC3339, e.Since)
	if err != nil || since.IsZero() || since.UTC().Format(time.RFC3339) != e.Since {
		return nil, errors.New("since is not a time in whole seconds UTC, such as 2026-01-02T03:04:05Z")
	}
	secret, err := base64.RawURLEncoding.DecodeString(e.Key)
	// The decoder takes more than one spelling.
	if err != nil || len(secret) != keyBytes || base64.RawURLEncoding.EncodeToString(secret) != e.Key {
		return nil, fmt.Errorf("key is not base64url of %d bytes", keyBytes)
	}
	return newKey(secret, State(e.State), since), nil
}

func newKeySet(keys []*Key) (*KeySet, error) {
	if len(keys) > MaxKeys {
		return nil, fmt.Errorf("more than %d keys", MaxKeys)
	}
	set := &KeySet{keys: keys}
	seen := make(map[string]bool, len(keys))
	pending := 0
	for _, key := range keys {
		switch {
		case seen[key.ID]:
			return nil, fmt.Errorf("key %s is in the set twice", key.ID)
		case key.State == Active && set.active != nil:
			return nil, errors.New("more than one key is Active")
		case key.State == Active:
			set.active = key
		case key.State == Pending:
			pending++
		}
		seen[key.ID] = true
	}
	switch {
	case set.active == nil:
		return nil, errors.New("no key is Active")
	case pending > 1:
		return nil, errors.New("more than one key is Pending")
	}
	return set, nil
}

// Marshal writes the document that [ParseKeySet] reads, secrets included. Equal
// sets give equal bytes.
func (s *KeySet) Marshal() ([]byte, error) {
	doc := document{Keys: make([]entry, 0, len(s.keys))}
	for _, key := range s.keys {
		doc.Keys = append(doc.Keys, entry{
			State: string(key.State), Since: key.Since.Format(time.RFC3339),
			Key: base64.RawURLEncoding.EncodeToString(key.secret()),
		})
	}
	data, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("encoding session keys: %w", err)
	}
	return data, nil
}

// Active returns the key that signs.
func (s *KeySet) Active() *Key { return s.active }

// Keys returns every key of the set, the Active one first.
func (s *KeySet) Keys() []*Key {
	rest := slices.DeleteFunc(slices.Clone(s.keys), func(k *Key) bool { return k == s.active })
	return append([]*Key{s.active}, rest...)
}

// String returns the ids of the keys.
func (s *KeySet) String() string { return fmt.Sprint("session.KeySet", s.keys) }

// MarshalText writes what [KeySet.String] returns: sets are stored by
// [KeySet.Marshal].
func (s *KeySet) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
