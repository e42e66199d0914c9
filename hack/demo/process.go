package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// stopTimeout is how long a process may take to end by itself.
const stopTimeout = 15 * time.Second

// process is a program of bin/ that writes its output to a log.
type process struct {
	name string
	log  string
	cmd  *exec.Cmd
	// ended is closed when the process has ended; result is what it ended with.
	ended  chan struct{}
	result error
}

// launch starts a program of bin/ with more environment variables than our own.
func launch(bin, logs, name string, environment []string, arguments ...string) (*process, error) {
	p := &process{name: name, log: filepath.Join(logs, name+".log"), ended: make(chan struct{})}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	p.cmd = exec.Command(filepath.Join(bin, name), arguments...) //nolint:gosec,noctx // Our own program; it is ended by stop.
	p.cmd.Env = append(os.Environ(), environment...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	// A Ctrl-C at the terminal is ours to handle: the order of stopping matters.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	go func() {
		p.result = p.cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// stop asks the process to end and waits until it has.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("%s had ended before it was asked to; see %s", p.name, p.log)
	}
	select {
	case <-p.ended:
		if p.result != nil {
			return fmt.Errorf("%s ended badly; see %s: %w", p.name, p.log, p.result)
		}
		return nil
	case <-time.After(stopTimeout):
		return errors.Join(fmt.Errorf("%s did not end; see %s", p.name, p.log), p.cmd.Process.Kill())
	}
}

// runUntil runs a program until ctx ends.
func runUntil(ctx context.Context, bin, logs, name string, arguments []string) error {
	p, err := launch(bin, logs, name, nil, arguments...)
	if err != nil {
		return err
	}
	select {
	case <-p.ended:
		return fmt.Errorf("%s ended by itself; see %s", name, p.log)
	case <-ctx.Done():
		return p.stop()
	}
}
