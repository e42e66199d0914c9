package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/litentry/wallet-federation/test/standalone"
)

const (
	// patience is how long anything that has to happen may take.
	patience = 60 * time.Second
	// pause is between two looks.
	pause = 50 * time.Millisecond
	// shutdownDelay is how long a replica that is told to stop goes on. The proxy
	// takes it out within some of its looks.
	shutdownDelay = 2 * time.Second
)

// Names of the mounted files.
const (
	urlName  = "url"
	listName = "wallets"
)

// mounts are the volumes of a Pod.
type mounts struct {
	config, secret, tls, redis *volume // redis is nil without Redis
}

// replica is a broker process.
type replica struct {
	name    string
	binary  string
	mounts  mounts
	roots   *x509.CertPool
	journal *journal
	// at is where it serves now: elsewhere each time it is started, as a Pod.
	at      atomic.Pointer[endpoints]
	process *exec.Cmd
	ended   chan error
}

// endpoints are how a process is reached without the proxy.
type endpoints struct {
	address         string // host:port
	direct, monitor *caller
}

// start runs the process and returns when it listens.
func (r *replica) start(ctx context.Context) error {
	flags := append(standalone.Flags(r.mounts.config.dir, r.mounts.secret.dir, r.mounts.tls.dir),
		"--listen=127.0.0.1:0", "--metrics-listen=127.0.0.1:0", "--shutdown-delay="+shutdownDelay.String())
	if r.mounts.redis != nil {
		flags = append(flags, "--redis-url-file="+r.mounts.redis.path(urlName))
	}
	listening := r.journal.begin()
	// It ends when it is told to, and by stop at the latest.
	r.process = exec.CommandContext(context.WithoutCancel(ctx), r.binary, flags...) //nolint:gosec // We have just built it.
	r.process.Stdout, r.process.Stderr = r.journal, r.journal
	if err := r.process.Start(); err != nil {
		return err
	}
	r.ended = make(chan error, 1)
	go func() { r.ended <- r.process.Wait() }()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case at := <-listening:
		source := netip.MustParseAddr("127.0.0.1")
		r.at.Store(&endpoints{at.api, newCaller("https://"+at.api, r.roots, source), newCaller("http://"+at.metrics, nil, source)})
		return nil
	case err := <-r.ended:
		r.ended <- err
		return fmt.Errorf("%s ended, see %s: %w", r.name, r.journal.path, err)
	case <-ctx.Done():
		return fmt.Errorf("%s does not listen, see %s: %w", r.name, r.journal.path, ctx.Err())
	}
}

// terminate tells the process to stop, as a Pod is told.
func (r *replica) terminate() error { return r.process.Process.Signal(syscall.SIGTERM) }

// wait waits until the process has ended and returns how.
func (r *replica) wait() error {
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	select {
	case err := <-r.ended:
		r.process = nil
		if at := r.at.Load(); at != nil {
			at.direct.close()
			at.monitor.close()
		}
		return err
	case <-deadline.C:
		return fmt.Errorf("%s does not end", r.name)
	}
}

// stop ends the process however it can. Twice is at once.
func (r *replica) stop() error {
	if r.process == nil || r.process.Process == nil {
		return nil
	}
	err := errors.Join(r.terminate(), r.terminate(), r.wait())
	if _, told := errors.AsType[*exec.ExitError](err); told || errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// ready is what /readyz says.
type ready struct {
	code   int
	Status string            `json:"status"`
	Checks map[string]string `json:"checks"`
}

func (r *replica) ready(ctx context.Context) (ready, error) {
	var said ready
	got, err := r.at.Load().direct.get(ctx, "/readyz")
	if err != nil {
		return said, err
	}
	said.code = got.status
	return said, got.decode(&said)
}

func (r *replica) isReady(ctx context.Context) bool {
	said, err := r.ready(ctx)
	return err == nil && said.code == http.StatusOK
}

// scrape returns what the replica exposes.
func (r *replica) scrape(ctx context.Context) (readings, error) {
	got, err := r.at.Load().monitor.get(ctx, "/metrics")
	if err != nil {
		return nil, err
	}
	if got.status != http.StatusOK {
		return nil, fmt.Errorf("the metrics of %s: status %d", r.name, got.status)
	}
	return parseReadings(got.body)
}

// eventually waits until something holds.
func eventually(ctx context.Context, what string, holds func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for !holds() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("it never came to be that %s: %w", what, ctx.Err())
		}
	}
	return nil
}
