package session

import (
	"slices"
	"time"
)

// Schedule says when session keys change their states.
type Schedule struct {
	// Interval is how long a key signs; 0 means for ever.
	Interval time.Duration
	// PublishAhead is how long a key is known to every replica before it signs.
	PublishAhead time.Duration
	// RetireAfter is how long a key that no longer signs is believed: at least
	// the longest life of a bearer, and the tolerance of clocks.
	RetireAfter time.Duration
}

// Rotate returns the set as it should be at now, the set itself if nothing is
// due, and when something will be; zero for never. A set that was left alone
// for long goes through all steps one by one, each time it is asked: no key
// signs that was not Pending for its time.
func (s *KeySet) Rotate(schedule Schedule, now time.Time) (*KeySet, time.Time) {
	keys := make([]*Key, 0, len(s.keys)+1)
	changed := false
	for _, key := range s.keys {
		if key.State == Retiring && due(key, schedule.RetireAfter, now) {
			changed = true
			continue
		}
		keys = append(keys, key)
	}
	pending := slices.IndexFunc(keys, func(k *Key) bool { return k.State == Pending })
	switch {
	case pending >= 0 && due(keys[pending], schedule.PublishAhead, now):
		changed = true
		for i, key := range keys {
			switch {
			case i == pending:
				keys[i] = newKey(key.secret, Active, now)
			case key.State == Active:
				keys[i] = newKey(key.secret, Retiring, now)
			}
		}
	case pending < 0 && schedule.Interval > 0 && due(s.active, schedule.Interval, now) && len(keys) < MaxKeys:
		changed = true
		keys = append(keys, generateKey(Pending, now))
	}
	next := s
	if changed {
		next, _ = newKeySet(keys) // the one Active key stayed or was replaced
	}
	return next, next.due(schedule)
}

// due is when the next step of a set is.
func (s *KeySet) due(schedule Schedule) time.Time {
	var earliest time.Time
	consider := func(t time.Time) {
		if earliest.IsZero() || t.Before(earliest) {
			earliest = t
		}
	}
	waiting := false
	for _, key := range s.keys {
		switch key.State {
		case Pending:
			waiting = true
			consider(key.Since.Add(schedule.PublishAhead))
		case Retiring:
			consider(key.Since.Add(schedule.RetireAfter))
		case Active:
		}
	}
	if !waiting && schedule.Interval > 0 {
		consider(s.active.Since.Add(schedule.Interval))
	}
	return earliest
}

// due reports whether a key has been in its state for long enough. A time to
// come, as after a clock was set back, counts from now on.
func due(key *Key, after time.Duration, now time.Time) bool {
	return !now.Before(key.Since.Add(after))
}
