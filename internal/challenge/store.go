package challenge

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"
)

// Store remembers the nonces that were used.
type Store interface {
	// Epoch is the store's now: a new one begins whenever it may have forgotten
	// something. Challenges of another are refused. It does not wait; an error
	// wraps [ErrUnavailable].
	Epoch() (Epoch, error)
	// Use marks a nonce as used until a time, after which nobody will ask for
	// it, and reports whether it was not before: of any number of callers,
	// whatever replica they are, one gets true. A nonce of another epoch counts
	// as used. An error wraps [ErrUnavailable] and means that it is not known.
	Use(ctx context.Context, epoch Epoch, nonce Nonce, until time.Time) (bool, error)
}

// ErrUnavailable marks the errors that another attempt may cure.
var ErrUnavailable = errors.New("the nonce store is unavailable")

// epochBytes is enough to tell the epochs of one store apart.
const epochBytes = 8

// Epoch is the time over which a store has forgotten nothing.
type Epoch [epochBytes]byte

func newEpoch() Epoch {
	var e Epoch
	_, _ = rand.Read(e[:]) // never fails
	return e
}

// maxUsed bounds a generation of [Memory]. Each nonce in it cost its sender a
// good signature; a million of them take some 40 MiB.
const maxUsed = 1_000_000

// Memory is the store of a single replica. It forgets everything when the
// process ends; the next one has another epoch.
//
// Nonces are kept in two generations, each of which lasts as long as a challenge
// can: forgetting the older one as a whole costs nothing.
type Memory struct {
	now      func() time.Time
	lifetime time.Duration
	epoch    Epoch

	mu            sync.Mutex
	newer, older  map[Nonce]struct{}
	newerUntil    time.Time
	maxGeneration int
}

// NewMemory returns a store for challenges that live no longer than lifetime.
func NewMemory(now func() time.Time, lifetime time.Duration) *Memory {
	return &Memory{now: now, lifetime: lifetime, epoch: newEpoch(), newer: map[Nonce]struct{}{}, maxGeneration: maxUsed}
}

// Epoch implements [Store].
func (m *Memory) Epoch() (Epoch, error) { return m.epoch, nil }

// Use implements [Store].
func (m *Memory) Use(_ context.Context, epoch Epoch, nonce Nonce, _ time.Time) (bool, error) {
	if epoch != m.epoch {
		return false, nil
	}
	now := m.now()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.age(now)
	if _, used := m.newer[nonce]; used {
		return false, nil
	}
	if _, used := m.older[nonce]; used {
		return false, nil
	}
	if len(m.newer) >= m.maxGeneration {
		return false, ErrUnavailable
	}
	m.newer[nonce] = struct{}{}
	return true, nil
}

// age begins a generation when the newer one has lasted its time. It needs m.mu.
func (m *Memory) age(now time.Time) {
	switch {
	case m.newerUntil.IsZero():
	case now.Before(m.newerUntil):
		return
	case now.Before(m.newerUntil.Add(m.lifetime)):
		m.older, m.newer = m.newer, map[Nonce]struct{}{}
	default: // nothing was used for so long that both are past
		m.older, m.newer = nil, map[Nonce]struct{}{}
	}
	m.newerUntil = now.Add(m.lifetime)
}
