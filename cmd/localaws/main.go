package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/litentry/wallet-federation/internal/localaws"
)

const (
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	// shutdownTimeout is how long calls under way may take when asked to stop.
	shutdownTimeout = 5 * time.Second
)

func main() {
	var err error
	if args := os.Args[1:]; len(args) > 0 && args[0] == "evaluate" {
		err = evaluate(args[1:], os.Stdin, os.Stdout, os.Stderr) // a signal ends it at once
	} else {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		context.AfterFunc(ctx, stop) // a second signal ends the process at once
		err = run(ctx, args, os.Getenv, os.Stdout, os.Stderr)
		stop()
	}
	switch {
	case errors.Is(err, errUsage):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "localaws:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends. It says on stdout when it is ready, and how to
// connect.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) (err error) {
	f, err := parseFlags(args, getenv, stderr)
	switch {
	case err != nil:
		return err
	case f.help:
		_, err = io.WriteString(stdout, usage)
		return err
	case f.version:
		_, err = fmt.Fprintln(stdout, "localaws", localaws.Version())
		return err
	}
	server, err := localaws.New(f.options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	if err := f.plant(ctx, server); err != nil {
		return err
	}
	listener, err := listen(ctx, f.listen, f.allowRemote)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }() // of no account once it was served
	identity, err := f.identity(listener.Addr())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, identity.remove()) }()
	ready := announcement{flags: f, endpoint: endpoint(listener.Addr(), identity.config != nil), bundle: identity.bundle}
	if _, err := io.WriteString(stdout, ready.String()); err != nil {
		return fmt.Errorf("writing that localaws is ready: %w", err)
	}
	return serve(ctx, identity.wrap(listener), server, f.options.Logger)
}

// plant fills the account from the seed file, if there is one.
func (f *flags) plant(ctx context.Context, server *localaws.Server) (err error) {
	if f.seed == "" {
		return nil
	}
	file, err := os.Open(f.seed)
	if err != nil {
		return fmt.Errorf("opening --seed: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := server.Seed(ctx, file); err != nil {
		return fmt.Errorf("using --seed %s: %w", f.seed, err)
	}
	return nil
}
