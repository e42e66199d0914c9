package redis

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	program = "redis-server"
	// patience is how long a server may take to answer, and pause how
	// long to wait between two looks.
	patience = 30 * time.Second
	pause    = 5 * time.Millisecond
)

// Process is a redis-server for a program that is no test. Its methods are for
// one goroutine at a time.
type Process struct {
	directory string
	arguments []string
	running   *os.Process   // nil while it does not run
	ended     chan struct{} // closed when the process has ended
	output    bytes.Buffer  // of the process, to be read when it has ended
}

// Launch runs a redis-server until [Process.Close] and returns when it answers.
// It keeps nothing on disk unless its arguments, those of redis-server's command
// line, say so: "--appendonly", "yes".
func Launch(arguments ...string) (*Process, error) {
	// The path of a socket has at most 107 bytes, and TMPDIR is rarely long.
	directory, err := os.MkdirTemp("", "redis-")
	if err != nil {
		return nil, err
	}
	p := &Process{directory: directory, arguments: slices.Concat([]string{
		"--port", "0", "--unixsocket", filepath.Join(directory, "socket"), "--unixsocketperm", "700",
		"--dir", directory, "--save", "", "--appendonly", "no", "--daemonize", "no",
	}, arguments)}
	if err := p.Restart(); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// Close kills the server and removes what it kept.
func (p *Process) Close() error {
	p.Kill()
	return os.RemoveAll(p.directory)
}

// URL is where the server listens, unix://PATH, also while it does not run.
func (p *Process) URL() string { return "unix://" + p.socket() }

func (p *Process) socket() string { return filepath.Join(p.directory, "socket") }

// Kill ends the server as a crash does (SIGKILL), and returns when it is gone.
func (p *Process) Kill() {
	if p.running == nil {
		return
	}
	_ = p.running.Kill()
	<-p.ended
	p.running = nil
}

// Restart runs the server again, killing it first if it runs, with what it kept
// on disk, and returns when it answers.
func (p *Process) Restart() error {
	p.Kill()
	path, err := exec.LookPath(program)
	if err != nil {
		return fmt.Errorf("%s is not on the PATH: run \"make redis\" to install it, or install it yourself", program)
	}
	p.output.Reset()
	command := exec.Command(path, p.arguments...) //nolint:gosec,noctx // Who launched it chose the arguments and closes it.
	command.Stdout, command.Stderr = &p.output, &p.output
	if err := command.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", program, err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = command.Wait()
	}()
	p.running, p.ended = command.Process, ended
	if !p.answers() {
		p.Kill()
		return fmt.Errorf("%s does not answer:\n%s", program, p.output.String())
	}
	return nil
}

// signal sends a signal to the server.
func (p *Process) signal(signal syscall.Signal) error {
	if p.running == nil {
		return fmt.Errorf("%s does not run", program)
	}
	return p.running.Signal(signal)
}

// answers waits until the server has loaded its data and takes commands.
func (p *Process) answers() bool {
	deadline := time.After(patience)
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for !p.ping() {
		select {
		case <-ticker.C:
		case <-p.ended:
			return false
		case <-deadline:
			return false
		}
	}
	return true
}

func (p *Process) ping() bool {
	connection, err := net.DialTimeout("unix", p.socket(), time.Second) //nolint:noctx // It is bounded.
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
