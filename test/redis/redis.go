package redis

import (
	"bufio"
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	program = "redis-server"
	// patience is how long a server may take to answer, and pause how
	// long to wait between two looks.
	patience = 30 * time.Second
	pause    = 5 * time.Millisecond
)

// Server is a redis-server. Its methods are for the test's own goroutine.
type Server struct {
	t         testing.TB
	directory string
	arguments []string
	process   *os.Process   // nil while it does not run
	ended     chan struct{} // closed when the process has ended
	output    bytes.Buffer  // of the process, to be read when it has ended
}

// Start runs a redis-server until the test ends and returns when it answers. It
// keeps nothing on disk unless its arguments, those of redis-server's command
// line, say so: "--appendonly", "yes".
func Start(t testing.TB, arguments ...string) *Server {
	t.Helper()
	// The path of a socket has at most 107 bytes; t.TempDir() holds the test's name.
	directory, err := os.MkdirTemp("", "redis-") //nolint:usetesting // See above.
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, directory: directory, arguments: slices.Concat([]string{
		"--port", "0", "--unixsocket", filepath.Join(directory, "socket"), "--unixsocketperm", "700",
		"--dir", directory, "--save", "", "--appendonly", "no", "--daemonize", "no",
	}, arguments)}
	t.Cleanup(func() {
		s.Kill()
		_ = os.RemoveAll(directory)
	})
	s.Restart()
	return s
}

// URL is where the server listens, unix://PATH, also while it does not run.
func (s *Server) URL() string { return "unix://" + s.socket() }

func (s *Server) socket() string { return filepath.Join(s.directory, "socket") }

// Kill ends the server as a crash does (SIGKILL), and returns when it is gone.
func (s *Server) Kill() {
	if s.process == nil {
		return
	}
	_ = s.process.Kill()
	<-s.ended
	s.process = nil
}

// Restart runs the server again, killing it first if it runs, with what it kept
// on disk, and returns when it answers.
func (s *Server) Restart() {
	s.t.Helper()
	s.Kill()
	path, err := exec.LookPath(program)
	if err != nil {
		s.t.Fatalf("%s is not on the PATH: run \"make redis\" to install it, or install it yourself", program)
	}
	s.output.Reset()
	command := exec.Command(path, s.arguments...) //nolint:gosec,noctx // A test chose the arguments, and its end kills it.
	command.Stdout, command.Stderr = &s.output, &s.output
	if err := command.Start(); err != nil {
		s.t.Fatalf("starting %s: %v", program, err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = command.Wait()
	}()
	s.process, s.ended = command.Process, ended
	if !s.answers() {
		s.Kill()
		s.t.Fatalf("%s does not answer:\n%s", program, s.output.String())
	}
}

// Freeze makes the server hang (SIGSTOP): it takes connections and says nothing.
func (s *Server) Freeze() { s.signal(syscall.SIGSTOP) }

// Thaw ends what Freeze began.
func (s *Server) Thaw() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(signal syscall.Signal) {
	s.t.Helper()
	if s.process == nil {
		s.t.Fatalf("%s does not run", program)
	}
	if err := s.process.Signal(signal); err != nil {
		s.t.Fatal(err)
	}
}

// answers waits until the server has loaded its data and takes commands.
func (s *Server) answers() bool {
	deadline := time.After(patience)
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for !s.ping() {
		select {
		case <-ticker.C:
		case <-s.ended:
			return false
		case <-deadline:
			return false
		}
	}
	return true
}

func (s *Server) ping() bool {
	connection, err := net.DialTimeout("unix", s.socket(), time.Second) //nolint:noctx // It is bounded.
	if err != nil {
		return false
	}
	defer func() { _ = connection.Close() }()
	_ = connection.SetDeadline(time.Now().Add(time.Second))
	if _, err := connection.Write([]byte("PING\r\n")); err != nil {
		return false
	}
	answer, err := bufio.NewReader(connection).ReadString('\n')
	return err == nil && (strings.HasPrefix(answer, "+PONG") || strings.HasPrefix(answer, "-NOAUTH"))
}
