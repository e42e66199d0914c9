package siwe

import (
	"errors"
	"slices"
	"time"

	"github.com/litentry/wallet-federation/internal/wallet"
)

// The errors of [Message.Verify], one for each thing that can differ.
var (
	ErrDomain  = errors.New("the message is for another domain")
	ErrURI     = errors.New("the message is for another URI")
	ErrAddress = errors.New("the message is for another wallet")
	ErrChain   = errors.New("the message is for another chain")
	ErrNonce   = errors.New("the message has another nonce")
	ErrFuture  = errors.New("the message is not good yet")
	ErrExpired = errors.New("the message has expired")
)

// Expectation is what a verifier knows about the message it is shown.
type Expectation struct {
	// Scheme is compared if the message has one.
	Scheme string
	// Domain, URI, Address and Nonce are compared byte for byte.
	Domain  string
	URI     string
	Address wallet.Address
	Nonce   string
	// ChainIDs are the chains that are allowed.
	ChainIDs []uint64
	// Now is the verifier's time, and Tolerance how far the clock of whoever
	// made the message may be from it, in either direction.
	Now       time.Time
	Tolerance time.Duration
}

// Verify compares a message with what is expected of it and returns the first
// difference. A message that expires at a time is no longer good at that time.
// It does not check the signature.
func (m *Message) Verify(want Expectation) error {
	switch {
	case m.Domain != want.Domain, m.Scheme != "" && m.Scheme != want.Scheme:
		return ErrDomain
	case m.URI != want.URI:
		return ErrURI
	case m.Address != want.Address:
		return ErrAddress
	case !slices.Contains(want.ChainIDs, m.ChainID):
		return ErrChain
	case m.Nonce != want.Nonce:
		return ErrNonce
	}
	return m.verifyTimes(want.Now, want.Tolerance)
}

func (m *Message) verifyTimes(now time.Time, tolerance time.Duration) error {
	latest, earliest := now.Add(tolerance), now.Add(-tolerance)
	switch {
	case m.IssuedAt.After(latest), m.NotBefore.After(latest):
		return ErrFuture
	case !m.ExpirationTime.IsZero() && !m.ExpirationTime.After(earliest):
		return ErrExpired
	default:
		return nil
	}
}
