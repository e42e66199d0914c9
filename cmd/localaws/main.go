package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
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

// errUsage is a command line that the flag package has complained about already.
var errUsage = errors.New("usage")

func main() {
	var err error
	if args := os.Args[1:]; len(args) > 0 && args[0] == "evaluate" {
		err = evaluate(args[1:], os.Stdin, os.Stdout, os.Stderr) // a signal ends it at once
	} else {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		err = run(ctx, args, os.Stdout, os.Stderr)
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

// flags are the command line.
type flags struct {
	listen      string
	allowRemote bool
	debug       bool
	options     localaws.Options
}

func parseFlags(args []string, stderr io.Writer) (*flags, error) {
	f := &flags{}
	set := flag.NewFlagSet("localaws", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.StringVar(&f.listen, "listen", "127.0.0.1:4566", "`address` to serve on; port 0 picks a free one")
	set.BoolVar(&f.allowRemote, "allow-remote", false, "allow an address that other machines can reach; they can then do everything")
	set.BoolVar(&f.debug, "debug", false, "log every call to standard error")
	set.StringVar(&f.options.Account, "account", "123456789012", "12-digit account `id`")
	set.StringVar(&f.options.Partition, "partition", "aws", "`partition`: aws, aws-us-gov or aws-cn")
	set.StringVar(&f.options.Region, "region", "us-east-1", "`region`")
	if err := set.Parse(args); err != nil {
		return nil, errUsage
	}
	if set.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", set.Arg(0))
	}
	if f.debug {
		f.options.Logger = slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	return f, nil
}

// run serves until ctx ends. It prints one line when it is ready.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	f, err := parseFlags(args, stderr)
	if err != nil {
		return err
	}
	server, err := localaws.New(f.options)
	if err != nil {
		return err
	}
	listener, err := listen(ctx, f.listen, f.allowRemote)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "localaws is ready: AWS_ENDPOINT_URL=http://%s AWS_ACCESS_KEY_ID=localaws AWS_SECRET_ACCESS_KEY=localaws AWS_REGION=%s\n",
		listener.Addr(), f.options.Region)
	return serve(ctx, listener, server)
}

// listen opens the address, which must be a loopback address unless others are
// allowed to reach it.
func listen(ctx context.Context, address string, allowRemote bool) (net.Listener, error) {
	resolved, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("resolving --listen: %w", err)
	}
	if !allowRemote && !resolved.IP.IsLoopback() {
		return nil, fmt.Errorf("--listen %s can be reached from other machines, and the administrator's credentials are known to everybody: use a loopback address, or --allow-remote if that is what you want", address)
	}
	return (&net.ListenConfig{}).Listen(ctx, "tcp", resolved.String())
}

// serve answers requests until ctx ends, and then lets those under way finish.
func serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: readHeaderTimeout, IdleTimeout: idleTimeout}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		stopped <- server.Shutdown(grace)
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}
