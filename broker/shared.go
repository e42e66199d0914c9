package broker

import (
	"errors"
	"fmt"
	"strings"

	"github.com/litentry/wallet-federation/internal/challenge"
)

// maxRedisURL bounds the file with the URL of Redis.
const maxRedisURL = 4096

// sharedStore is the part of the state that the replicas share: where the store
// of used nonces is. Unlike other parts, a URL may be good and become usable only
// later, as a password does that is changed here before it is in Redis: it is
// tried until it can be used or the file changes.
type sharedStore struct {
	url     watched[string]
	store   *challenge.Redis
	pending bool
	// reported is the last error of the URL that is pending.
	reported string
}

func newSharedStore(store *challenge.Redis, file string) *sharedStore {
	return &sharedStore{store: store, url: watched[string]{
		name:  partRedis,
		read:  func() ([]byte, error) { return readFile(file, maxRedisURL) },
		parse: func(data []byte) (string, error) { return strings.TrimSpace(string(data)), nil },
	}}
}

func (s *sharedStore) label() string { return s.url.name }

func (s *sharedStore) look() (bool, error) {
	news, err := s.url.look()
	if err != nil {
		return false, err
	}
	if news {
		s.pending, s.reported = true, ""
	}
	if !s.pending {
		return false, nil
	}
	err = s.store.Connect(s.url.value)
	s.pending = errors.Is(err, challenge.ErrUnavailable)
	if err == nil {
		return true, nil
	}
	if err.Error() == s.reported {
		return false, nil
	}
	s.reported = err.Error()
	return false, fmt.Errorf("reading %s: %w", s.url.name, err)
}
