package session

import (
	"slices"
	"time"
)

// Schedule says when session keys change their states.
type Schedule struct {
	// Interval is how long a key signs; 0 means for ever.
	Interval time.Duration
	// PublishAhead is how long a key is published before it signs: the longest
	// time that a replica may be behind.
	PublishAhead time.Duration
	// RetireAfter is how long a key is believed after the last replica has
	// stopped signing with it, which is PublishAhead after it came to Retiring:
	// at least the longest life of a bearer, and [Tolerance].
	RetireAfter time.Duration
}

// Rotate returns the set as it should be at now, the set itself if nothing is
// due, and when something will be; zero for never. A set that was left alone
// for long goes through its steps one by one, each time it is asked: no key
// signs that was not Pending for its time. A state whose time is still to come,
// as after a clock was set back, lasts until the clock has caught up.
func (s *KeySet) Rotate(schedule Schedule, now time.Time) (*KeySet, time.Time) {
	keys := make([]*Key, 0, len(s.keys)+1)
	changed := false
	for _, key := range s.keys {
		if key.State == Retiring && due(key, schedule.retire(), now) {
			changed = true
			continue
		}
		keys = append(keys, key)
	}
	pending := slices.IndexFunc(keys, func(k *Key) bool { return k.State == Pending })
	switch {
	case pending >= 0 && due(keys[pending], schedule.PublishAhead, now):
		changed = true
		activate(keys, keys[pending], now)
	case pending < 0 && schedule.Interval > 0 && len(keys) < MaxKeys && due(s.active, schedule.Interval, now):
		changed = true
		keys = append(keys, generateKey(Pending, now))
	}
	next := s
	if changed {
		next, _ = newKeySet(keys) // the one Active key stayed or was replaced
	}
	return next, next.due(schedule)
}

// activate replaces the Active key by a Pending one.
func activate(keys []*Key, pending *Key, now time.Time) {
	for i, key := range keys {
		switch {
		case key == pending:
			keys[i] = newKey(key.secret(), Active, now)
		case key.State == Active:
			keys[i] = newKey(key.secret(), Retiring, now)
		}
	}
}

// retire is how long a key is Retiring.
func (s Schedule) retire() time.Duration { return s.PublishAhead + s.RetireAfter }

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
			consider(key.Since.Add(schedule.retire()))
		case Active:
		}
	}
	// A full set waits for a key to leave it.
	if !waiting && schedule.Interval > 0 && len(s.keys) < MaxKeys {
		consider(s.active.Since.Add(schedule.Interval))
	}
	return earliest
}

// due reports whether a key has been in its state for long enough.
func due(key *Key, after time.Duration, now time.Time) bool {
	return !now.Before(key.Since.Add(after))
}
