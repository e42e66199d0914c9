package redis

import (
	"syscall"
	"testing"
)

// Server is the [Process] of a test, which fails where the process would return
// an error. Its methods are for the test's own goroutine.
type Server struct {
	*Process

	t testing.TB
}

// Start is [Launch] for a test, whose end ends the server.
func Start(t testing.TB, arguments ...string) *Server {
	t.Helper()
	process, err := Launch(arguments...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = process.Close() })
	return &Server{Process: process, t: t}
}

// Restart is [Process.Restart].
func (s *Server) Restart() {
	s.t.Helper()
	if err := s.Process.Restart(); err != nil {
		s.t.Fatal(err)
	}
}

// Freeze makes the server hang (SIGSTOP): it takes connections and says nothing.
func (s *Server) Freeze() { s.signal(syscall.SIGSTOP) }

// Thaw ends what Freeze began.
func (s *Server) Thaw() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(signal syscall.Signal) {
	s.t.Helper()
	if err := s.Process.signal(signal); err != nil {
		s.t.Fatal(err)
	}
}
