package wallet

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
)

const (
	signatureBytes  = 65
	signatureLength = len("0x") + 2*signatureBytes

	// recoveryBase is what Ethereum adds to the recovery id in the last byte of
	// a signature, and what the compact form of package ecdsa adds in its first.
	recoveryBase = 27
)

// ErrSignature is the error that [RecoverPersonal] wraps for everything that is
// no signature in canonical form.
var ErrSignature = errors.New("not a canonical personal_sign signature")

// SignPersonal signs a message as Ethereum wallets do for personal_sign
// (EIP-191, version 0x45) and returns 0x and 130 hexadecimal digits: r, s in
// the lower half of the group, and v as 27 or 28. Signing is deterministic
// (RFC 6979).
func (k Key) SignPersonal(message string) string {
	compact := ecdsa.SignCompact(k.private, personalDigest(message), false)
	return "0x" + hex.EncodeToString(append(compact[1:], compact[0]))
}

// RecoverPersonal returns the wallet whose key made the signature over the
// message. It takes only the canonical form: exactly 65 bytes as 0x and 130
// hexadecimal digits, s in the lower half of the group (so that a signature has
// no second spelling, EIP-2), and v one of 0, 1, 27 and 28. A well-formed
// signature of another message recovers some other wallet: the caller compares.
// The error wraps [ErrSignature] and says nothing of the signature.
func RecoverPersonal(message, signatureHex string) (Address, error) {
	compact, err := parseSignature(signatureHex)
	if err != nil {
		return "", err
	}
	public, _, err := ecdsa.RecoverCompact(compact, personalDigest(message))
	if err != nil {
		return "", fmt.Errorf("%w: no public key fits it", ErrSignature)
	}
	return addressOf(public), nil
}

// parseSignature turns Ethereum's r, s, v into the v, r, s of package ecdsa.
func parseSignature(signatureHex string) ([]byte, error) {
	if len(signatureHex) != signatureLength || !strings.HasPrefix(signatureHex, "0x") {
		return nil, fmt.Errorf("%w: want 0x and 130 hexadecimal digits", ErrSignature)
	}
	raw, err := hex.DecodeString(signatureHex[2:])
	if err != nil {
		return nil, fmt.Errorf("%w: want 0x and 130 hexadecimal digits", ErrSignature)
	}
	var s secp256k1.ModNScalar
	if overflow := s.SetByteSlice(raw[scalarBytes : 2*scalarBytes]); overflow || s.IsOverHalfOrder() {
		return nil, fmt.Errorf("%w: s is not in the lower half of the group", ErrSignature)
	}
	v := raw[signatureBytes-1]
	switch v {
	case 0, 1:
		v += recoveryBase
	case recoveryBase, recoveryBase + 1:
	default:
		return nil, fmt.Errorf("%w: v is none of 0, 1, 27 and 28", ErrSignature)
	}
	return append([]byte{v}, raw[:signatureBytes-1]...), nil
}

func personalDigest(message string) []byte {
	prefix := "\x19Ethereum Signed Message:\n" + strconv.Itoa(len(message))
	return keccak256([]byte(prefix), []byte(message))
}
