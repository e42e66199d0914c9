package wallet

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
)

const (
	scalarBytes = 32
	redacted    = "wallet.Key(redacted)"
)

// ErrKey is the error that [ParseKey] returns. It says nothing of the input,
// which may be most of a private key.
var ErrKey = errors.New("not a secp256k1 private key: want 64 hexadecimal digits, optionally after 0x, between 1 and the group order")

// Key is the private key of one wallet. However it is printed, logged or
// encoded, it shows nothing of itself; only [Key.Hex] gives it away.
type Key struct {
	private *secp256k1.PrivateKey
	address Address
}

// GenerateKey makes a key from the system's random source.
func GenerateKey() (*Key, error) {
	private, err := secp256k1.GeneratePrivateKey()
	if err != nil {
		return nil, fmt.Errorf("generating wallet key: %w", err)
	}
	return newKey(private), nil
}

// ParseKey reads the spelling that [Key.Hex] writes, with or without its 0x.
func ParseKey(s string) (*Key, error) {
	raw, err := hex.DecodeString(strings.TrimPrefix(s, "0x"))
	if err != nil || len(raw) != scalarBytes {
		return nil, ErrKey
	}
	var scalar secp256k1.ModNScalar
	if overflow := scalar.SetByteSlice(raw); overflow || scalar.IsZero() {
		return nil, ErrKey
	}
	return newKey(secp256k1.NewPrivateKey(&scalar)), nil
}

func newKey(private *secp256k1.PrivateKey) *Key {
	return &Key{private: private, address: addressOf(private.PubKey())}
}

// Address returns the wallet that the key controls.
func (k Key) Address() Address { return k.address }

// Hex returns the private key as 0x and 64 lower-case digits, for the one
// place that stores it.
func (k Key) Hex() string { return "0x" + hex.EncodeToString(k.private.Serialize()) }

// Format implements [fmt.Formatter] for every verb and flag.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// String implements [fmt.Stringer] without the key.
func (k Key) String() string { return redacted }

// GoString implements [fmt.GoStringer] without the key.
func (k Key) GoString() string { return redacted }

// LogValue implements [slog.LogValuer] without the key.
func (k Key) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON writes a placeholder: a key is stored by [Key.Hex] or not at all.
func (k Key) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// addressOf is the last 20 bytes of the Keccak-256 of the uncompressed public
// key without its leading 0x04 (Ethereum yellow paper, appendix F).
func addressOf(public *secp256k1.PublicKey) Address {
	digest := keccak256(public.SerializeUncompressed()[1:])
	return Address("0x" + hex.EncodeToString(digest[len(digest)-addressBytes:]))
}
