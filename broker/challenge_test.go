package broker

import (
	"strconv"
	"testing"
	"time"

	"github.com/litentry/wallet-federation/internal/siwe"
)

func put(s *challengeStore, handle string, now time.Time) {
	s.put(handle, &siwe.Message{ExpirationTime: now.Add(challengeLifetime)}, now)
}

func TestAFloodOfChallengesStaysWithinTheLimit(t *testing.T) {
	t.Parallel()
	store, now := newChallengeStore(100), time.Unix(0, 0)
	for i := range 1000 {
		put(store, strconv.Itoa(i), now)
		if len(store.open) > 100 || store.count > 100 {
			t.Fatalf("after %d: %d open, %d in the ring", i+1, len(store.open), store.count)
		}
	}
	for i := range 1000 {
		if _, found := store.get(strconv.Itoa(i)); found != (i >= 900) {
			t.Errorf("challenge %d: found is %v, though the newest 100 stay", i, found)
		}
	}
}

func TestTakenChallengesMakeRoom(t *testing.T) {
	t.Parallel()
	store, now := newChallengeStore(3), time.Unix(0, 0)
	for i := range 100 {
		put(store, "honest", now)
		if !store.take("honest") || store.take("honest") {
			t.Fatalf("round %d: taking did not work exactly once", i)
		}
	}
	for _, handle := range []string{"a", "b", "c"} {
		put(store, handle, now)
	}
	for _, handle := range []string{"a", "b", "c"} {
		if _, found := store.get(handle); !found {
			t.Errorf("%s was displaced, though the others before it were taken", handle)
		}
	}
}

func TestExpiredChallengesAreForgotten(t *testing.T) {
	t.Parallel()
	store, now := newChallengeStore(100), time.Unix(0, 0)
	for i := range 100 {
		put(store, strconv.Itoa(i), now)
	}
	put(store, "next", now.Add(challengeLifetime))
	if len(store.open) != 1 || store.count != 1 {
		t.Errorf("%d open, %d in the ring, want only the next", len(store.open), store.count)
	}
}
