package challenge

import (
	"context"
	"sync"
	"time"
)

// maxUsed bounds a generation of [Memory]. Each nonce in it cost its sender a
// good signature; a million of them take some 40 MiB.
const maxUsed = 1_000_000

// Memory is the store of a single replica. It forgets everything when the
// process ends; the next one has another epoch.
//
// Nonces are kept in two generations, each of which lasts as long as a challenge
// can: forgetting the older one as a whole costs nothing. What is forgotten is
// past by the clock. A clock that goes back makes it present again, and then a
// new epoch begins.
type Memory struct {
	now           func() time.Time
	lifetime      time.Duration
	maxGeneration int

	mu           sync.Mutex
	epoch        Epoch
	newer, older generation
	// newerUntil is when the newer generation becomes the older.
	newerUntil time.Time
	// forgotten is the latest time until which a nonce that was forgotten had to
	// be remembered.
	forgotten time.Time
}

// generation is the nonces that were used in some time, and the latest time
// until which one of them has to be remembered.
type generation struct {
	used   map[Nonce]struct{}
	latest time.Time
}

// NewMemory returns a store for challenges that live no longer than lifetime.
func NewMemory(now func() time.Time, lifetime time.Duration) *Memory {
	return &Memory{now: now, lifetime: lifetime, maxGeneration: maxUsed, epoch: newEpoch()}
}

// Epoch implements [Store]. There is no error.
func (m *Memory) Epoch() (Epoch, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.age(m.now())
	return m.epoch, nil
}

// Use implements [Store].
func (m *Memory) Use(_ context.Context, epoch Epoch, nonce Nonce, until time.Time) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	m.age(now)
	if m.remembers(epoch, nonce) || !now.Before(until) {
		return false, nil
	}
	if len(m.newer.used) >= m.maxGeneration {
		return false, &unavailableError{Full, "too many used nonces are remembered"}
	}
	m.newer.used[nonce] = struct{}{}
	m.newer.latest = latest(m.newer.latest, until)
	return true, nil
}

// Used implements [Store]. There is no error.
func (m *Memory) Used(_ context.Context, epoch Epoch, nonce Nonce) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.age(m.now())
	return m.remembers(epoch, nonce), nil
}

// remembers reports whether a nonce counts as used. It needs m.mu.
func (m *Memory) remembers(epoch Epoch, nonce Nonce) bool {
	_, newer := m.newer.used[nonce]
	_, older := m.older.used[nonce]
	return newer || older || epoch != m.epoch
}

// age forgets the generations that are past, and begins an epoch if the clock
// went back to before something that was forgotten. It needs m.mu.
func (m *Memory) age(now time.Time) {
	if !now.Before(m.newerUntil) {
		both := !now.Before(m.newerUntil.Add(m.lifetime))
		m.turn()
		if both {
			m.turn()
		}
		m.newerUntil = now.Add(m.lifetime)
	}
	if m.newerUntil.Sub(now) > m.lifetime { // the clock went back
		m.newerUntil = now.Add(m.lifetime)
	}
	if now.Before(m.forgotten) {
		m.epoch, m.forgotten = newEpoch(), time.Time{}
	}
}

// turn forgets the older generation and begins a new one. It needs m.mu.
func (m *Memory) turn() {
	m.forgotten = latest(m.forgotten, m.older.latest)
	m.older, m.newer = m.newer, generation{used: map[Nonce]struct{}{}}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
