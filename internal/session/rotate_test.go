package session_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/litentry/wallet-federation/internal/session"
)

var schedule = session.Schedule{Interval: 24 * time.Hour, PublishAhead: 10 * time.Minute, RetireAfter: time.Hour + session.Tolerance}

// states returns what is in a set, the Active key first.
func states(keys *session.KeySet) []session.State {
	var got []session.State
	for _, key := range keys.Keys() {
		got = append(got, key.State)
	}
	return got
}

func TestRotationGoesThroughItsSteps(t *testing.T) {
	t.Parallel()
	const active, pending, retiring = session.Active, session.Pending, session.Retiring
	keys := session.NewKeySet(noon())
	first := keys.Active().ID
	for _, step := range []struct {
		after time.Duration // since noon
		want  []session.State
		next  time.Duration // since noon
	}{
		{0, []session.State{active}, 24 * time.Hour},
		{24*time.Hour - time.Nanosecond, []session.State{active}, 24 * time.Hour},
		{24 * time.Hour, []session.State{active, pending}, 24*time.Hour + 10*time.Minute},
		{24*time.Hour + 10*time.Minute - time.Nanosecond, []session.State{active, pending}, 24*time.Hour + 10*time.Minute},
		{24*time.Hour + 10*time.Minute, []session.State{active, retiring}, 25*time.Hour + 20*time.Minute + session.Tolerance},
		{25*time.Hour + 20*time.Minute, []session.State{active, retiring}, 25*time.Hour + 20*time.Minute + session.Tolerance},
		{25*time.Hour + 20*time.Minute + session.Tolerance, []session.State{active}, 48*time.Hour + 10*time.Minute},
	} {
		next, due := keys.Rotate(schedule, noon().Add(step.after))
		if diff := cmp.Diff(step.want, states(next)); diff != "" {
			t.Fatalf("after %s (-want +got):\n%s", step.after, diff)
		}
		if want := noon().Add(step.next); !due.Equal(want) {
			t.Errorf("after %s the next step is due at %s, want %s", step.after, due, want)
		}
		keys = next
	}
	if keys.Active().ID == first {
		t.Error("the key is the same")
	}
}

func TestRotationThatIsSwitchedOffDoesNothing(t *testing.T) {
	t.Parallel()
	off := session.Schedule{PublishAhead: time.Minute, RetireAfter: time.Hour}
	keys := session.NewKeySet(noon())
	next, due := keys.Rotate(off, noon().Add(10*365*24*time.Hour))
	if next != keys || !due.IsZero() {
		t.Errorf("%s, due %s", next, due)
	}
}

func TestRotationThatWasSwitchedOffEndsWhatItBegan(t *testing.T) {
	t.Parallel()
	keys, _ := session.NewKeySet(noon()).Rotate(schedule, noon().Add(schedule.Interval))
	off := schedule
	off.Interval = 0
	now := noon().Add(schedule.Interval + schedule.PublishAhead)
	keys, due := keys.Rotate(off, now)
	if diff := cmp.Diff([]session.State{session.Active, session.Retiring}, states(keys)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	keys, due = keys.Rotate(off, due)
	if len(keys.Keys()) != 1 || !due.IsZero() {
		t.Errorf("%s, due %s", keys, due)
	}
}

// A set of which nobody rotated a key for a year still publishes one ahead.
func TestRotationOfASetThatWasLeftAloneSkipsNothing(t *testing.T) {
	t.Parallel()
	keys := session.NewKeySet(noon())
	year := noon().Add(365 * 24 * time.Hour)
	keys, due := keys.Rotate(schedule, year)
	if diff := cmp.Diff([]session.State{session.Active, session.Pending}, states(keys)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if want := year.Add(schedule.PublishAhead); !due.Equal(want) {
		t.Errorf("due %s, want %s", due, want)
	}
}

// More keys than fit: the next one waits until one has left, and nobody is
// told to come again at once.
func TestFullSetWaitsForAKeyToLeave(t *testing.T) {
	t.Parallel()
	fast := session.Schedule{Interval: time.Minute, PublishAhead: time.Minute, RetireAfter: 24 * time.Hour}
	keys, now := session.NewKeySet(noon()), noon()
	for range 10 * session.MaxKeys {
		next, due := keys.Rotate(fast, now)
		if len(next.Keys()) > session.MaxKeys {
			t.Fatalf("%d keys", len(next.Keys()))
		}
		if !due.After(now) {
			t.Fatalf("at %s the next step is due at %s", now, due)
		}
		keys, now = next, due
	}
}

// parts of a second are never saved.
func TestNoStateLastsAFractionLess(t *testing.T) {
	t.Parallel()
	late := noon().Add(999 * time.Millisecond)
	keys, _ := session.NewKeySet(noon()).Rotate(schedule, late.Add(schedule.Interval))
	early, _ := keys.Rotate(schedule, late.Add(schedule.Interval+schedule.PublishAhead-time.Millisecond))
	if early != keys {
		t.Error("the key was Pending for too short a time")
	}
}

// version is a set, since when it is published, and the codec of who knows it.
type version struct {
	from  time.Time
	keys  *session.KeySet
	codec *session.Codec
}

// rotation is the history of a set: some operator's calls of Rotate, at random
// times.
type rotation struct {
	t        *testing.T
	random   *rand.Rand
	schedule session.Schedule
	lifetime time.Duration // of bearers
	versions []version
}

// at returns what a replica knows that is behind by so much.
func (r *rotation) at(now time.Time, behind time.Duration) *session.Codec {
	seen := now.Add(-behind)
	for _, v := range slices.Backward(r.versions) {
		if !v.from.After(seen) {
			return v.codec
		}
	}
	return r.versions[0].codec // the first is there before any replica
}

// step rotates at a time and checks one step.
func (r *rotation) step(now time.Time) time.Time {
	r.t.Helper()
	before := r.versions[len(r.versions)-1]
	after, due := before.keys.Rotate(r.schedule, now)
	again, dueAgain := after.Rotate(r.schedule, now)
	if again != after || !dueAgain.Equal(due) {
		r.t.Fatalf("at %s again: %s, then %s", now, after, again)
	}
	if !due.IsZero() && !due.After(now) {
		r.t.Fatalf("at %s the next step is due at %s", now, due)
	}
	if len(after.Keys()) > session.MaxKeys {
		r.t.Fatalf("%d keys", len(after.Keys()))
	}
	r.checkKeys(before.keys, after, now)
	if written, err := after.Marshal(); err != nil {
		r.t.Fatal(err)
	} else if read, err := session.ParseKeySet(written); err != nil || read.String() != after.String() {
		r.t.Fatalf("%s is read back as %s, %v", after, read, err)
	}
	if after != before.keys {
		r.versions = append(r.versions, version{now, after, newCodec(r.t, after, issuer)})
	}
	return due
}

// checkKeys checks what became of each key.
func (r *rotation) checkKeys(before, after *session.KeySet, now time.Time) {
	r.t.Helper()
	was := map[string]*session.Key{}
	for _, key := range before.Keys() {
		was[key.ID] = key
	}
	active := 0
	for _, key := range after.Keys() {
		r.checkKey(was[key.ID], key, now)
		delete(was, key.ID)
		if key.State == session.Active {
			active++
		}
	}
	if active != 1 {
		r.t.Fatalf("%d keys are Active", active)
	}
	for _, key := range was {
		if stayed := now.Sub(key.Since); key.State != session.Retiring || stayed < r.schedule.RetireAfter {
			r.t.Fatalf("a key left that was %s for %s", key.State, stayed)
		}
	}
}

func (r *rotation) checkKey(old, key *session.Key, now time.Time) {
	r.t.Helper()
	switch {
	case old == nil:
		if key.State != session.Pending {
			r.t.Fatalf("a new key is %s", key.State)
		}
	case old.State == key.State:
	case old.State == session.Pending && key.State == session.Active:
		if published := now.Sub(old.Since); published < r.schedule.PublishAhead {
			r.t.Fatalf("a key signs that was published for %s", published)
		}
	case old.State == session.Active && key.State == session.Retiring:
	default:
		r.t.Fatalf("a key went from %s to %s", old.State, key.State)
	}
}

// checkBearers has replicas issue bearers around every change, and others verify
// them around every later one, until they expire or the history ends.
func (r *rotation) checkBearers(end time.Time) {
	r.t.Helper()
	most := r.schedule.PublishAhead
	some := func() time.Duration { return time.Duration(r.random.Int64N(int64(most))) }
	for i, v := range r.versions {
		for _, after := range []time.Duration{0, some(), most - 1} {
			for _, behind := range []time.Duration{0, some(), most} {
				issued := v.from.Add(after)
				skew := time.Duration(r.random.Int64N(int64(session.Tolerance)))
				bearer, expires := r.at(issued, behind).Issue(alice, "id", issued.Add(skew), r.lifetime)
				at := []time.Time{issued, expires.Add(-1)}
				for _, later := range r.versions[i:] {
					at = append(at, later.from, later.from.Add(most-1))
				}
				for _, verified := range at {
					if verified.Before(issued) || !verified.Before(expires) || verified.After(end) {
						continue
					}
					r.checkBearer(bearer, verified, some())
				}
			}
		}
	}
}

func (r *rotation) checkBearer(bearer string, verified time.Time, some time.Duration) {
	r.t.Helper()
	for _, behind := range []time.Duration{0, some, r.schedule.PublishAhead} {
		if _, err := r.at(verified, behind).Verify(bearer, verified); err != nil {
			r.t.Fatalf("refused at %s by a replica that is %s behind: %v", verified, behind, err)
		}
	}
}

// Whatever the schedule, and however late or often the operator comes: each key
// goes through its states in order and for their time, and a bearer of any
// replica that is not further behind than PublishAhead is believed by any other
// until it expires.
func TestRotationIsSeenByNobody(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 3))
			between := func(least, most time.Duration) time.Duration {
				return least + time.Duration(random.Int64N(int64(most-least)))
			}
			lifetime := between(time.Minute, 24*time.Hour).Truncate(time.Second)
			now := noon().Add(between(0, time.Second))
			r := &rotation{
				t: t, random: random, lifetime: lifetime,
				schedule: session.Schedule{
					Interval: between(time.Minute, 48*time.Hour), PublishAhead: between(time.Second, 30*time.Minute),
					RetireAfter: lifetime + session.Tolerance + between(0, time.Hour),
				},
			}
			first := session.NewKeySet(now)
			r.versions = []version{{now, first, newCodec(t, first, issuer)}}
			for range 80 {
				due := r.step(now)
				switch late := between(0, 2*time.Hour); random.IntN(4) {
				case 0: // just in time
					now = due
				case 1: // late
					now = due.Add(late)
				case 2: // too early
					now = now.Add(late / 100)
				default:
					now = now.Add(late)
				}
			}
			r.checkBearers(now)
		})
	}
}
