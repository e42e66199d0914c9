package ratelimit

import (
	"hash/maphash"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// ways is how many keys share a lock, and how many places a key may be in.
	// With 16 a table gives nearly all keys a place until it is half full of
	// buckets that are in use.
	ways = 16
	// maxWait bounds what Take tells callers to wait.
	maxWait = time.Hour
)

// Table holds token buckets by key. It is safe for concurrent use; a nil table
// lets everything through. K should hold no pointers: keys stay in the table
// until others need their places.
//
// A table takes 8 bytes and the size of a key for each place from the start, and
// some 80 bytes more for each that was ever used: 7 MiB for 65,536 keys of 20
// bytes. To keep all places in use takes as many keys and, in the long run, that
// many times the rate of one key.
type Table[K comparable] struct {
	limit    rate.Limit
	burst    int
	seed     maphash.Seed
	sets     []set[K]
	overflow *rate.Limiter
}

// set is the places of the keys with one hash. The seed of the hash is random,
// so that nobody can choose keys that meet in one set.
type set[K comparable] struct {
	mu    sync.Mutex
	slots [ways]slot[K]
}

// slot is a place. Places are used in order and never given back, so that one
// without a bucket is followed by none with one.
type slot[K comparable] struct {
	key    K
	bucket *rate.Limiter
}

// New returns a table of at least the given number of keys, each of which is let
// through perSecond times a second in the long run and burst times at once. All
// three are positive.
func New[K comparable](perSecond float64, burst, keys int) *Table[K] {
	return &Table[K]{
		limit:    rate.Limit(perSecond),
		burst:    burst,
		seed:     maphash.MakeSeed(),
		sets:     make([]set[K], (keys+ways-1)/ways),
		overflow: rate.NewLimiter(rate.Limit(perSecond), burst),
	}
}

// Take lets one request of a key through and returns 0, or returns how long it
// has to wait, at most an hour.
func (t *Table[K]) Take(key K, now time.Time) time.Duration {
	if t == nil {
		return 0
	}
	s, bucket := t.hold(key, now)
	defer s.mu.Unlock()
	if bucket.AllowN(now, 1) {
		return 0
	}
	return max(t.wait(bucket, now), time.Nanosecond)
}

// Wait returns how long a request of a key has to wait, as [Table.Take] would,
// and counts nothing.
func (t *Table[K]) Wait(key K, now time.Time) time.Duration {
	if t == nil {
		return 0
	}
	s, bucket := t.hold(key, now)
	defer s.mu.Unlock()
	return t.wait(bucket, now)
}

// Charge counts one request of a key that [Table.Wait] let through. Of several
// that it did at the same time all are counted, so that the next waits the longer.
func (t *Table[K]) Charge(key K, now time.Time) {
	if t == nil {
		return
	}
	s, bucket := t.hold(key, now)
	defer s.mu.Unlock()
	bucket.ReserveN(now, 1)
}

// hold returns the bucket of a key, and its set, which is locked so that no
// bucket changes hands while it is used.
func (t *Table[K]) hold(key K, now time.Time) (*set[K], *rate.Limiter) {
	s := &t.sets[maphash.Comparable(t.seed, key)%uint64(len(t.sets))]
	s.mu.Lock()
	if bucket := s.find(key); bucket != nil {
		return s, bucket
	}
	return s, t.admit(s, key, now)
}

// find returns the bucket of a key, nil if it has none. It needs s.mu.
func (s *set[K]) find(key K) *rate.Limiter {
	for i := range s.slots {
		if slot := &s.slots[i]; slot.key == key || slot.bucket == nil {
			return slot.bucket
		}
	}
	return nil
}

// admit gives a newcomer a place, with a full bucket, or else the bucket that
// newcomers share. It needs s.mu.
func (t *Table[K]) admit(s *set[K], key K, now time.Time) *rate.Limiter {
	for i := range s.slots {
		slot := &s.slots[i]
		if slot.bucket == nil {
			slot.bucket = rate.NewLimiter(t.limit, t.burst)
		}
		if slot.bucket.TokensAt(now) >= float64(t.burst) {
			slot.key = key
			return slot.bucket
		}
	}
	return t.overflow
}

// wait is how long a bucket takes to hold one token, 0 if it does.
func (t *Table[K]) wait(bucket *rate.Limiter, now time.Time) time.Duration {
	seconds := (1 - bucket.TokensAt(now)) / float64(t.limit)
	return time.Duration(max(0, min(seconds, maxWait.Seconds())) * float64(time.Second))
}
