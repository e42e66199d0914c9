package broker

import "net/http"

const (
	statusOK     = "ok"
	statusFailed = "failed"
)

type healthAnswer struct {
	Status string `json:"status"`
}

type readyAnswer struct {
	Status string `json:"status"`
	// Checks are named, each with "ok" or "failed".
	Checks map[string]string `json:"checks"`
}

// healthz answers as long as the process serves at all.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, healthAnswer{Status: statusOK})
}

// readyz answers whether a token minted now would verify, and whether new
// connections are welcome: not any more once the server stops.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	answer := readyAnswer{Status: statusOK, Checks: map[string]string{"serving": statusOK, "signing": statusOK}}
	status := http.StatusOK
	fail := func(check string) {
		status, answer.Status, answer.Checks[check] = http.StatusServiceUnavailable, statusFailed, statusFailed
	}
	if s.stopping.Load() {
		fail("serving")
	}
	if err := s.current.Load().checkSigning(); err != nil {
		s.logger.ErrorContext(r.Context(), "not ready", "check", "signing", "error", err)
		fail("signing")
	}
	writeJSON(w, status, answer)
}
