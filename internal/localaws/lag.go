package localaws

import (
	"maps"
	"time"
)

const (
	// maxLag bounds Options.Lag. IAM itself takes seconds, rarely minutes.
	maxLag = time.Hour
	// maxPendingChanges bounds the changes that readers do not see yet. Beyond
	// it the oldest are shown before their time.
	maxPendingChanges = 10_000
)

// lag makes reads see the directory as it was some time ago, as IAM's readers
// do while a change spreads.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency
type lag struct {
	seen    directory       // as it was Options.Lag ago, but for the changes that are due
	pending []pendingChange // in the order in which they were made
}

// pendingChange puts or removes values in a directory. It is applied twice, so it does
// nothing else, and it leaves the values themselves alone.
type pendingChange struct {
	due   time.Time
	apply func(*directory)
}

// change changes the directory now, and after the lag what reads see of it.
// It needs s.mu.
func (s *Server) change(apply func(*directory)) {
	apply(&s.state.directory)
	if s.options.Lag == 0 {
		return
	}
	l := &s.state.lag
	l.pending = append(l.pending, pendingChange{s.options.Now().Add(s.options.Lag), apply})
	if extra := len(l.pending) - maxPendingChanges; extra > 0 {
		l.show(extra)
	}
}

// seen is the directory as reads see it, and as callers are judged by it. It
// needs s.mu.
func (s *Server) seen() *directory {
	if s.options.Lag == 0 {
		return &s.state.directory
	}
	l, now, due := &s.state.lag, s.options.Now(), 0
	for due < len(l.pending) && !now.Before(l.pending[due].due) {
		due++
	}
	l.show(due)
	return &l.seen
}

// directoryFor is the directory as an operation sees it. It needs s.mu.
func (s *Server) directoryFor(op operation) *directory {
	if op.write {
		return &s.state.directory
	}
	return s.seen()
}

// show applies the oldest pending changes.
func (l *lag) show(changes int) {
	for _, c := range l.pending[:changes] {
		c.apply(&l.seen)
	}
	clear(l.pending[:changes]) // or what they hold is kept alive
	l.pending = l.pending[changes:]
}

// settle lets reads see the directory as it is. It needs s.mu, or a server that
// does not serve yet.
func (s *Server) settle() {
	d := &s.state.directory
	s.state.lag = lag{seen: directory{
		roles:     maps.Clone(d.roles),
		users:     maps.Clone(d.users),
		providers: maps.Clone(d.providers),
		policies:  maps.Clone(d.policies),
	}}
}
