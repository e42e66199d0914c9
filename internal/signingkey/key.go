package signingkey

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Algorithm is the JWS algorithm of every key (RFC 7518, section 3.4).
const Algorithm = "ES256"

// coordinateBytes is the size of a P-256 coordinate and scalar.
const coordinateBytes = 32

// State says what a key is used for.
type State string

// The states of a key, in the order of its life. Keys of every state are published.
const (
	// Pending keys do not sign yet: those who verify have to learn of them first.
	Pending State = "Pending"
	// Active is the state of the one key that signs.
	Active State = "Active"
	// Retiring keys sign no more. What they signed may still be in use.
	Retiring State = "Retiring"
)

// ParseState reads a state and refuses every word that is not one. The error
// leaves the word out: in a damaged document it can be anything.
func ParseState(s string) (State, error) {
	switch state := State(s); state {
	case Pending, Active, Retiring:
		return state, nil
	}
	return "", fmt.Errorf("unknown key state: want %q, %q or %q", Pending, Active, Retiring)
}

// Key is one signing key. However it is printed, logged or encoded, it shows
// its id and nothing of its private part.
type Key struct {
	// ID is the kid: the RFC 7638 SHA-256 thumbprint of the public key.
	ID string
	// State says what the key is used for.
	State State
	// CreatedAt is when the key was made, in whole seconds UTC.
	CreatedAt time.Time
	// Since is when the key came into its state, in whole seconds UTC.
	Since time.Time

	private *ecdsa.PrivateKey
	public  jwk.Key
}

// Sign returns the JWS ES256 signature of payload: r and s as 32 bytes each
// (RFC 7518, section 3.4). It is deterministic (RFC 6979), as RFC 8725, section
// 3.2, asks for, which is also a fifth faster than drawing a nonce. It is safe
// for concurrent use.
func (k Key) Sign(payload []byte) ([]byte, error) {
	digest := sha256.Sum256(payload)
	encoded, err := k.private.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("signing with key %s: %w", k.ID, err)
	}
	var sequence cryptobyte.String
	var r, s []byte
	der := cryptobyte.String(encoded)
	if !der.ReadASN1(&sequence, asn1.SEQUENCE) || !sequence.ReadASN1Integer(&r) || !sequence.ReadASN1Integer(&s) ||
		len(r) > coordinateBytes || len(s) > coordinateBytes {
		return nil, fmt.Errorf("signing with key %s: the signature is malformed", k.ID)
	}
	signature := make([]byte, 2*coordinateBytes)
	copy(signature[coordinateBytes-len(r):], r)
	copy(signature[2*coordinateBytes-len(s):], s)
	return signature, nil
}

// Format implements [fmt.Formatter] for every verb and flag.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// String returns the key's id and state.
func (k Key) String() string { return "signingkey.Key(" + k.ID + " " + string(k.State) + ")" }

// GoString implements [fmt.GoStringer] without the private key.
func (k Key) GoString() string { return k.String() }

// LogValue implements [slog.LogValuer] without the private key.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText writes what [Key.String] returns: keys are stored by
// [Set.Marshal] or not at all.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }
