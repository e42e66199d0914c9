package broker

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/litentry/wallet-federation/internal/challenge"
	"github.com/litentry/wallet-federation/internal/wallet"
)

// Paths of health. They are at the root, whatever the issuer's path: they are
// asked by who runs the broker.
const (
	healthPath = "/healthz"
	readyPath  = "/readyz"
)

// What a check, and all of them together, can say.
const (
	statusOK          = "ok"
	statusFailed      = "failed"
	statusUnavailable = "unavailable"
	statusIncomplete  = "incomplete"
	statusStale       = "stale"
	statusDegraded    = "degraded"
)

// checkInterval is how long the result of the checks that sign something
// stands: anyone may ask for them.
const checkInterval = time.Second

// While nobody can sign in, that is logged so often, and for another reason a
// little sooner.
const (
	storeLogInterval  = 30 * time.Second
	reasonLogInterval = time.Second
)

// storeLog remembers what was logged last of the nonce store.
type storeLog struct {
	mu     sync.Mutex
	reason challenge.Reason
	at     time.Time
}

// due reports whether a reason is to be logged, and takes it that it is.
func (l *storeLog) due(reason challenge.Reason, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	interval := storeLogInterval
	if reason != l.reason {
		interval = reasonLogInterval
	}
	if since := now.Sub(l.at); since >= 0 && since < interval {
		return false
	}
	l.reason, l.at = reason, now
	return true
}

type healthAnswer struct {
	Status string `json:"status"`
}

// readyAnswer is what readyz says. A broker that answers "degraded" is ready:
// it mints, which is what would stop if it were taken out of service.
type readyAnswer struct {
	// Status is "ok", "degraded" or "failed".
	Status string `json:"status"`
	// Checks are named. Of "signing" and "session_keys" each is "ok" or
	// "failed", and one that failed makes the whole so. "nonce_store" is "ok" or
	// "unavailable": nobody can sign in. "admission" is "ok" or "incomplete": not
	// all lists could be read when the broker started. "configuration" is "ok" or "stale": a
	// file was changed to something that cannot be used.
	Checks map[string]string `json:"checks"`
	// Reasons say why a check is not ok, where that helps and is no secret: of
	// "nonce_store" it is a [challenge.Reason].
	Reasons map[string]string `json:"reasons,omitempty"`
}

// health is what readyz has to remember.
type health struct {
	mu      sync.Mutex
	checked time.Time
	of      *snapshot
	failed  map[string]bool // by check
	refused map[string]bool // by part of the state
}

// reloaded remembers whether a part of the state was changed to something that
// cannot be used. Parts are those of [Source].
func (h *health) reloaded(part string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.refused == nil {
		h.refused = map[string]bool{}
	}
	h.refused[part] = err != nil
}

func (h *health) stale() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, refused := range h.refused {
		if refused {
			return true
		}
	}
	return false
}

// healthz answers as long as the process serves at all.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, healthAnswer{Status: statusOK})
}

// readyz answers whether a token minted now would verify, and whether new
// connections are welcome: not any more once the server stops.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	failed := s.failedChecks(r.Context())
	checks := map[string]string{"serving": statusOK, "signing": statusOK, "session_keys": statusOK, "nonce_store": statusOK, "admission": statusOK, "configuration": statusOK}
	answer, status := readyAnswer{Status: statusOK, Checks: checks}, http.StatusOK
	if _, err := s.nonces.Epoch(); err != nil {
		s.logStore(r.Context(), err)
		answer.Status, checks["nonce_store"] = statusDegraded, statusUnavailable
		answer.Reasons = map[string]string{"nonce_store": string(challenge.ReasonOf(err))}
	}
	if s.current.Load().incomplete {
		answer.Status, checks["admission"] = statusDegraded, statusIncomplete
	}
	if s.health.stale() {
		answer.Status, checks["configuration"] = statusDegraded, statusStale
	}
	if s.stopping.Load() {
		failed = map[string]bool{"serving": true}
	}
	for check := range failed {
		answer.Status, checks[check], status = statusFailed, statusFailed, http.StatusServiceUnavailable
	}
	writeJSON(w, status, answer)
}

// logStore says why nobody can sign in. While that is so, every sign-in and every
// look at readyz finds it, and some are enough.
func (s *Server) logStore(ctx context.Context, err error) {
	if reason := challenge.ReasonOf(err); s.storeLog.due(reason, s.now()) {
		s.logger.ErrorContext(ctx, "sign-in is not possible", "reason", string(reason), "error", err)
	}
}

// failedChecks looks at the keys, at most once in a checkInterval, and returns
// the checks that failed.
func (s *Server) failedChecks(ctx context.Context) map[string]bool {
	state, now := s.current.Load(), s.now()
	s.health.mu.Lock()
	defer s.health.mu.Unlock()
	if s.health.of == state && now.Sub(s.health.checked) < checkInterval {
		return s.health.failed
	}
	failed := map[string]bool{}
	for check, look := range map[string]func() error{
		"signing":      state.checkSigning,
		"session_keys": func() error { return state.checkSessions(now) },
	} {
		if err := look(); err != nil {
			s.logger.ErrorContext(ctx, "not ready", "check", check, "error", err)
			failed[check] = true
		}
	}
	s.health.of, s.health.checked, s.health.failed = state, now, failed
	return failed
}

// nobody is the wallet of the bearer that checkSessions makes. No key is known
// whose wallet it is, and the bearer is thrown away.
const nobody = wallet.Address("0x0000000000000000000000000000000000000000")

// checkSessions issues a bearer and verifies it.
func (s *snapshot) checkSessions(now time.Time) error {
	bearer, _ := s.sessions.Issue(nobody, "check", now, s.sessionLifetime)
	_, err := s.sessions.Verify(bearer, now)
	return err
}
