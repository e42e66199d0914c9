package wallet

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/sha3"
)

const (
	addressBytes  = 20
	addressLength = len("0x") + 2*addressBytes
)

// ErrAddress is the error that [Parse] wraps for everything that is no address.
var ErrAddress = errors.New("not a wallet address")

// Address is an Ethereum address in its canonical spelling,
// ^0x[0-9a-f]{40}$. Values that come from outside are made with [Parse] or by
// decoding text, which is the same.
type Address string

// Parse reads an address. Digits of one case carry no checksum and are taken as
// they are; mixed ones must be the address's EIP-55 checksum spelling, so that a
// mistyped one is refused. The error wraps [ErrAddress].
func Parse(s string) (Address, error) {
	if len(s) != addressLength || !strings.HasPrefix(s, "0x") {
		return "", fmt.Errorf("%w: want 0x and 40 hexadecimal digits", ErrAddress)
	}
	if _, err := hex.DecodeString(s[2:]); err != nil {
		return "", fmt.Errorf("%w: want 0x and 40 hexadecimal digits", ErrAddress)
	}
	address := Address(strings.ToLower(s))
	oneCase := s == string(address) || s[2:] == strings.ToUpper(s[2:])
	if !oneCase && s != address.Checksum() {
		return "", fmt.Errorf("%w: mixed-case spelling with a wrong EIP-55 checksum", ErrAddress)
	}
	return address, nil
}

// Checksum returns the EIP-55 mixed-case spelling, which wallets show to
// people. What is not canonical is returned as it is.
func (a Address) Checksum() string {
	if len(a) != addressLength {
		return string(a)
	}
	spelled := []byte(a)
	digest := keccak256(spelled[2:])
	for i := 2; i < len(spelled); i++ {
		nibble := digest[(i-2)/2] >> 4
		if i%2 == 1 {
			nibble = digest[(i-2)/2] & 0x0f
		}
		if nibble >= 8 && spelled[i] >= 'a' {
			spelled[i] -= 'a' - 'A'
		}
	}
	return string(spelled)
}

// String returns the canonical spelling.
func (a Address) String() string { return string(a) }

// UnmarshalText reads an address as [Parse] does, so that an address decoded
// from a file or a request is canonical or refused.
func (a *Address) UnmarshalText(text []byte) error {
	parsed, err := Parse(string(text))
	if err != nil {
		return err
	}
	*a = parsed
	return nil
}

// keccak256 is the hash that Ethereum calls SHA3: Keccak before the padding
// that FIPS 202 settled on.
func keccak256(parts ...[]byte) []byte {
	h := sha3.NewLegacyKeccak256()
	for _, part := range parts {
		h.Write(part)
	}
	return h.Sum(nil)
}
