package main

import (
	"slices"
	"sync"
	"time"
)

// action is what callers do.
type action string

// What honest callers do, and what attackers try.
const (
	signIn      action = "sign in"
	mint        action = "mint"
	exchange    action = "exchange"
	fetch       action = "fetch a document"
	verifyJWT   action = "verify a JWT"
	spend       action = "use a nonce several times at once"
	replay      action = "use a nonce again"
	replayLost  action = "use a nonce from before the kill again"
	unused      action = "use a challenge from before the kill"
	forge       action = "forge a signature"
	impersonate action = "use a bearer that is none"
	intrude     action = "sign in without being admitted"
	stuff       action = "send too much"
	flood       action = "flood"
	dawdle      action = "be slow"
)

// phases of the run.
type phase string

const (
	warmUp   phase = "warm-up"
	fullLoad phase = "load"
	outage   phase = "Redis away"
	recovery phase = "Redis back"
	rotation phase = "rotation"
	restart  phase = "restart"
)

// score is how often a action had the end that it must have, another one that is
// allowed (too much was asked, or something was away, and said so), or a wrong
// one.
type score struct {
	good, putOff, bad int64
}

func (s score) plus(other score) score {
	return score{s.good + other.good, s.putOff + other.putOff, s.bad + other.bad}
}

// tally counts actions by phase.
type tally struct {
	mu     sync.Mutex
	phase  phase
	scores map[phase]map[action]score
	first  map[action]error
	notes  map[string]int64
	took   map[phase][]time.Duration // mints
}

func newTally() *tally {
	return &tally{scores: map[phase]map[action]score{}, first: map[action]error{}, notes: map[string]int64{}, took: map[phase][]time.Duration{}}
}

// enter begins a phase.
func (t *tally) enter(p phase) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.phase = p
	t.scores[p] = map[action]score{}
}

func (t *tally) add(d action, s score) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.scores[t.phase][d] = t.scores[t.phase][d].plus(s)
}

func (t *tally) good(d action)   { t.add(d, score{good: 1}) }
func (t *tally) putOff(d action) { t.add(d, score{putOff: 1}) }

// bad counts a wrong end; the first of its kind is kept.
func (t *tally) bad(d action, err error) {
	t.add(d, score{bad: 1})
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.first[d] == nil {
		t.first[d] = err
	}
}

// end counts a action that is good without an error.
func (t *tally) end(d action, err error) {
	if err != nil {
		t.bad(d, err)
		return
	}
	t.good(d)
}

// note counts something that is neither good nor bad.
func (t *tally) note(what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.notes[what]++
}

func (t *tally) noted(what string) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.notes[what]
}

func (t *tally) minted(took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.took[t.phase] = append(t.took[t.phase], took)
}

// of returns the score of actions in some phases, or in all.
func (t *tally) of(d action, phases ...phase) score {
	t.mu.Lock()
	defer t.mu.Unlock()
	var total score
	for p, scores := range t.scores {
		if len(phases) == 0 || slices.Contains(phases, p) {
			total = total.plus(scores[d])
		}
	}
	return total
}

// why returns the first error of some actions.
func (t *tally) why(actions ...action) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, d := range actions {
		if err := t.first[d]; err != nil {
			return err
		}
	}
	return nil
}

// quantile returns how long that part of the mints of a phase took at most.
func (t *tally) quantile(p phase, part float64) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	sorted := slices.Sorted(slices.Values(t.took[p]))
	if len(sorted) == 0 {
		return 0
	}
	return sorted[int(part*float64(len(sorted)-1))].Round(10 * time.Microsecond)
}
