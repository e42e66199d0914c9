package broker

import (
	"sync"
	"time"

	"github.com/litentry/wallet-federation/internal/siwe"
)

const (
	// challengeLifetime is how long a wallet has to sign.
	challengeLifetime = 5 * time.Minute
	// maxChallenges bounds the challenges that are open at once, at some 400
	// bytes each.
	maxChallenges = 100_000
)

// challengeStore remembers the messages that wallets were asked to sign, by an
// unguessable handle, until a good signature takes them or they expire.
//
// When it is full, a new challenge displaces the oldest. The alternative,
// refusing new ones, would let a flood of one store's worth every five minutes
// keep everyone out; this way the flood has to outrun the time an honest client
// takes to sign.
type challengeStore struct {
	mu   sync.Mutex
	open map[string]*siwe.Message
	// ring holds the handles in the order of their arrival, count of them from
	// oldest on. Handles that were taken stay until they are the oldest.
	ring   []string
	oldest int
	count  int
}

func newChallengeStore(limit int) *challengeStore {
	return &challengeStore{open: make(map[string]*siwe.Message), ring: make([]string, limit)}
}

// put remembers a message until its expiration time.
func (s *challengeStore) put(handle string, message *siwe.Message, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.count > 0 && (s.count == len(s.ring) || s.spent(s.ring[s.oldest], now)) {
		delete(s.open, s.ring[s.oldest])
		s.ring[s.oldest] = ""
		s.oldest = (s.oldest + 1) % len(s.ring)
		s.count--
	}
	s.ring[(s.oldest+s.count)%len(s.ring)] = handle
	s.count++
	s.open[handle] = message
}

func (s *challengeStore) spent(handle string, now time.Time) bool {
	message, found := s.open[handle]
	return !found || !message.ExpirationTime.After(now)
}

// get returns the message of a handle, expired or not, and leaves it there.
func (s *challengeStore) get(handle string) (*siwe.Message, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	message, found := s.open[handle]
	return message, found
}

// take forgets a handle and reports whether it was there: of any number of
// callers, one gets true.
func (s *challengeStore) take(handle string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, found := s.open[handle]
	delete(s.open, handle)
	return found
}
