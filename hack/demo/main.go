package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// deadline bounds the whole story; it takes about half a minute.
const deadline = 10 * time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Getenv("KEEP") != "")
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "\ndemo failed:", err)
		os.Exit(1)
	}
}

// run starts everything, tells the story and takes everything down again.
func run(ctx context.Context, keep bool) (err error) {
	told, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	s, err := start(told)
	if s != nil {
		defer func() { err = errors.Join(err, s.stop()) }()
	}
	if err != nil {
		return err
	}
	if err := tell(told, s); err != nil {
		return errors.Join(err, s.explain())
	}
	say("")
	heading("It works. How to poke at it")
	if !keep {
		say("Run it with KEEP=1 to have it stay up: make demo KEEP=1")
		s.printUsage()
		return nil
	}
	s.printUsage()
	say("")
	say("Everything stays up until you press Ctrl-C.")
	return s.keep(ctx)
}
