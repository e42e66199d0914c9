package challenge

import (
	"context"
	"crypto/rand"
	"time"
)

// Store remembers the nonces that were used.
type Store interface {
	// Epoch is the store's now: a new one begins whenever it may have forgotten
	// something. Challenges of another are refused. It does not wait; an error
	// wraps [ErrUnavailable].
	Epoch() (Epoch, error)
	// Use marks a nonce as used until a time, from which on nobody accepts its
	// challenge, and reports whether it was not before: of any number of
	// callers, whatever replica they are, one gets true. A nonce of another
	// epoch, or one whose time is over, counts as used. An error wraps
	// [ErrUnavailable] and means that it is not known.
	Use(ctx context.Context, epoch Epoch, nonce Nonce, until time.Time) (bool, error)
	// Used reports whether a nonce counts as used, and leaves it as it is. Errors
	// are as those of Use.
	Used(ctx context.Context, epoch Epoch, nonce Nonce) (bool, error)
}

// epochBytes is enough to tell the epochs of one store apart.
const epochBytes = 8

// Epoch is the time over which a store has forgotten nothing that counts.
type Epoch [epochBytes]byte

func newEpoch() Epoch {
	var e Epoch
	_, _ = rand.Read(e[:]) // never fails
	return e
}
