package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/litentry/wallet-federation/broker"
)

// reloadInterval is how soon a changed file takes effect, after the kubelet's
// own delay of up to a minute. Reading two small files costs next to nothing.
const reloadInterval = 2 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "broker:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, arguments []string, stdout, stderr io.Writer) error {
	files, address, err := parseFlags(arguments, stderr)
	if err != nil {
		return err
	}
	logger := slog.New(slog.NewJSONHandler(stdout, nil))
	server, err := files.Open(logger)
	if err != nil {
		return err
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { files.Watch(ctx, server, reloadInterval) })
	logger.InfoContext(ctx, "listening", "address", listener.Addr().String())
	err = server.Serve(ctx, listener)
	cancel()
	watching.Wait()
	return err
}

func parseFlags(arguments []string, stderr io.Writer) (broker.Files, string, error) {
	var files broker.Files
	flags := flag.NewFlagSet("broker", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&files.Config, "config", "", "`file` with the configuration (config.json), reloaded when it changes")
	flags.StringVar(&files.Keys, "keys", "", "`file` with the signing keys (keys.json), reloaded when it changes")
	flags.StringVar(&files.SessionKey, "session-key", "", "`file` with the session key, 32 to 1024 random bytes")
	address := flags.String("listen", ":8080", "`address` to listen on, host:port")
	if err := flags.Parse(arguments); err != nil {
		return files, "", err
	}
	if flags.NArg() > 0 {
		return files, "", fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if files.Config == "" || files.Keys == "" || files.SessionKey == "" {
		return files, "", errors.New("--config, --keys and --session-key are required")
	}
	return files, *address, nil
}
