package signingkey

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"github.com/litentry/wallet-federation/internal/strictjson"
)

const (
	// DataKey is the key of the issuer's Secret, and the name of the mounted
	// file, that holds the document.
	DataKey = "keys.json"
	// MaxBytes bounds the document.
	MaxBytes = 64 << 10
	// MaxKeys bounds the set, far below the 100 EC keys that AWS STS accepts.
	MaxKeys = 16
)

// Set is an issuer's keys: exactly one Active, at most one Pending, no two with
// the same id. It
// does not change after it is made, and printing it shows key ids only.
type Set struct {
	keys    []*Key
	active  *Key
	pending *Key // or nil
}

// document and entry are the stored form.
type document struct {
	Keys []entry `json:"keys"`
}

type entry struct {
	State     string          `json:"state"`
	CreatedAt string          `json:"createdAt"`
	Since     string          `json:"since"`
	JWK       json.RawMessage `json:"jwk"`
}

// New makes a set of one new Active key, created at now.
func New(now time.Time) (*Set, error) {
	key, err := generate(Active, now)
	if err != nil {
		return nil, err
	}
	return newSet([]*Key{key})
}

func generate(state State, now time.Time) (*Key, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generating signing key: %w", err)
	}
	created := now.UTC().Truncate(time.Second)
	return newKey(private, state, created, created)
}

// Parse reads the document that [Set.Marshal] writes and checks all of it: at
// most [MaxBytes] and [MaxKeys], exactly one Active key, P-256, the public
// coordinates those of the private key, the kid the key's own thumbprint, no
// member that is unknown, repeated or missing. Errors never hold key material.
func Parse(data []byte) (*Set, error) {
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("parsing signing keys: more than %d bytes", MaxBytes)
	}
	var doc document
	if err := strictjson.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("parsing signing keys: %w", err)
	}
	if len(doc.Keys) > MaxKeys {
		return nil, fmt.Errorf("parsing signing keys: more than %d keys", MaxKeys)
	}
	keys := make([]*Key, 0, len(doc.Keys))
	for i, e := range doc.Keys {
		key, err := e.key()
		if err != nil {
			return nil, fmt.Errorf("parsing signing keys: keys[%d]: %w", i, err)
		}
		keys = append(keys, key)
	}
	set, err := newSet(keys)
	if err != nil {
		return nil, fmt.Errorf("parsing signing keys: %w", err)
	}
	return set, nil
}

func (e entry) key() (*Key, error) {
	state, err := ParseState(e.State)
	if err != nil {
		return nil, err
	}
	created, err := parseTime("createdAt", e.CreatedAt)
	if err != nil {
		return nil, err
	}
	since, err := parseTime("since", e.Since)
	if err != nil {
		return nil, err
	}
	private, kid, err := parseJWK(e.JWK)
	if err != nil {
		return nil, fmt.Errorf("jwk: %w", err)
	}
	key, err := newKey(private, state, created, since)
	if err != nil {
		return nil, err
	}
	if kid != key.ID {
		return nil, errors.New("jwk: kid is not the key's RFC 7638 thumbprint")
	}
	return key, nil
}

// parseTime takes the one spelling that Marshal writes. The error leaves the value
// out.
func parseTime(name, s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || t.IsZero() || t.UTC().Format(time.RFC3339) != s {
		return time.Time{}, errors.New(name + " is not a time in whole seconds UTC, such as 2026-01-02T03:04:05Z")
	}
	return t.UTC(), nil
}

func newSet(keys []*Key) (*Set, error) {
	set := &Set{keys: keys}
	seen := make(map[string]bool, len(keys))
	for _, key := range keys {
		if seen[key.ID] {
			return nil, fmt.Errorf("key %s is in the set twice", key.ID)
		}
		seen[key.ID] = true
		switch {
		case key.State == Active && set.active != nil:
			return nil, errors.New("more than one key is Active")
		case key.State == Active:
			set.active = key
		case key.State == Pending && set.pending != nil:
			return nil, errors.New("more than one key is Pending")
		case key.State == Pending:
			set.pending = key
		}
	}
	if set.active == nil {
		return nil, errors.New("no key is Active")
	}
	return set, nil
}

// Marshal writes the document that [Parse] reads, private keys included. Equal
// sets give equal bytes.
func (s *Set) Marshal() ([]byte, error) {
	doc := document{Keys: make([]entry, 0, len(s.keys))}
	for _, key := range s.keys {
		private, err := marshalJWK(key)
		if err != nil {
			return nil, err
		}
		doc.Keys = append(doc.Keys, entry{
			State: string(key.State), CreatedAt: key.CreatedAt.Format(time.RFC3339), Since: key.Since.Format(time.RFC3339), JWK: private,
		})
	}
	data, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("encoding signing keys: %w", err)
	}
	return data, nil
}

// Active returns the key that signs.
func (s *Set) Active() *Key { return s.active }

// Pending returns the key that will sign next; nil if there is none.
func (s *Set) Pending() *Key { return s.pending }

// Keys returns every key of the set, in its stored order.
func (s *Set) Keys() []*Key { return slices.Clone(s.keys) }

// JWKS returns the public JWK Set (RFC 7517, section 5). Its keys have exactly
// kty, crv, x, y, use, alg and kid. Equal sets give equal bytes.
func (s *Set) JWKS() ([]byte, error) {
	public := jwk.NewSet()
	for _, key := range s.keys {
		if err := public.AddKey(key.public); err != nil {
			return nil, fmt.Errorf("collecting public keys: %w", err)
		}
	}
	data, err := json.Marshal(public)
	if err != nil {
		return nil, fmt.Errorf("encoding JWKS: %w", err)
	}
	return data, nil
}

// String returns the ids of the keys.
func (s *Set) String() string { return fmt.Sprint("signingkey.Set", s.keys) }

// MarshalText writes what [Set.String] returns: sets are stored by
// [Set.Marshal].
func (s *Set) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
