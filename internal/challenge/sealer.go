package challenge

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/litentry/wallet-federation/internal/wallet"
)

const (
	// nonceBytes is the randomness of a nonce: 128 bits.
	nonceBytes = 16
	// templateBytes is how much of the hash of the message's fixed part is kept.
	templateBytes = 8
	addressBytes  = 20

	// version distinguishes this layout of a handle from later ones.
	version = 1

	payloadBytes = 1 + addressBytes + 8 + 8 + nonceBytes + templateBytes + epochBytes
	handleBytes  = payloadBytes + sha256.Size
)

// ErrHandle is the error of [Sealer.Open]: the handle is not one of this issuer.
var ErrHandle = errors.New("unknown request")

// Challenge is what makes the message of one sign-in different from others'.
type Challenge struct {
	Address  wallet.Address
	ChainID  uint64
	Nonce    Nonce
	IssuedAt time.Time // in whole seconds
	// Template identifies the part of the message that is the same for all: the
	// configuration may change before the signature comes.
	Template Template
	// Epoch is that of the store that will remember the nonce.
	Epoch Epoch
}

// Nonce is the random number of a challenge.
type Nonce [nonceBytes]byte

// NewNonce returns a random one.
func NewNonce() Nonce {
	var n Nonce
	_, _ = rand.Read(n[:]) // never fails
	return n
}

// String spells the nonce with 26 letters and digits, as a message has it.
func (n Nonce) String() string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(n[:])
}

// Template is the beginning of a hash.
type Template [templateBytes]byte

// NewTemplate identifies a text.
func NewTemplate(text string) Template {
	digest := sha256.Sum256([]byte(text))
	return Template(digest[:templateBytes])
}

// Sealer turns challenges into handles and back. It is safe for concurrent use.
type Sealer struct {
	keys [][]byte
}

// NewSealer returns a sealer that seals with the first key and opens what was
// sealed with any. Keys are of 32 bytes and used for nothing else.
func NewSealer(keys ...[]byte) Sealer { return Sealer{keys: keys} }

// Seal returns the handle of a challenge: 135 characters that are safe in a URL.
// Only a sealer with the same key makes one. The error says that there is no key
// or that the address is not canonical.
func (s Sealer) Seal(c Challenge) (string, error) {
	if len(s.keys) == 0 {
		return "", errors.New("sealing a challenge: no key")
	}
	if len(c.Address) != 2+2*addressBytes {
		return "", fmt.Errorf("sealing a challenge: %w", wallet.ErrAddress)
	}
	b := make([]byte, 0, handleBytes)
	b = append(b, version)
	b, err := hex.AppendDecode(b, []byte(c.Address[2:]))
	if err != nil {
		return "", fmt.Errorf("sealing a challenge: %w", wallet.ErrAddress)
	}
	b = binary.BigEndian.AppendUint64(b, c.ChainID)
	b = binary.BigEndian.AppendUint64(b, uint64(c.IssuedAt.Unix())) //nolint:gosec // The sign survives the round trip.
	b = append(append(append(b, c.Nonce[:]...), c.Template[:]...), c.Epoch[:]...)
	return base64.RawURLEncoding.EncodeToString(append(b, mac(s.keys[0], b)...)), nil
}

// Open returns the challenge of a handle, expired or not. The error is
// [ErrHandle].
func (s Sealer) Open(handle string) (Challenge, error) {
	if len(handle) != base64.RawURLEncoding.EncodedLen(handleBytes) {
		return Challenge{}, ErrHandle
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(handle)
	// The decoder skips line breaks, with which a handle of the right length is
	// a short one.
	if err != nil || len(b) != handleBytes || !s.made(b) || b[0] != version {
		return Challenge{}, ErrHandle
	}
	next := func(n int) []byte {
		field := b[:n]
		b = b[n:]
		return field
	}
	next(1)
	var c Challenge
	c.Address = wallet.Address("0x" + hex.EncodeToString(next(addressBytes)))
	c.ChainID = binary.BigEndian.Uint64(next(8))
	c.IssuedAt = time.Unix(int64(binary.BigEndian.Uint64(next(8))), 0).UTC() //nolint:gosec // As Seal wrote it.
	copy(c.Nonce[:], next(nonceBytes))
	copy(c.Template[:], next(templateBytes))
	copy(c.Epoch[:], next(epochBytes))
	return c, nil
}

// made reports whether one of the keys made a handle of full length.
func (s Sealer) made(b []byte) bool {
	made := false
	for _, key := range s.keys {
		made = hmac.Equal(mac(key, b[:payloadBytes]), b[payloadBytes:]) || made
	}
	return made
}

func mac(key, b []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(b)
	return h.Sum(nil)
}
