package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"
)

// options are the command line.
type options struct {
	users      int
	warmUp     time.Duration
	load       time.Duration
	outage     time.Duration
	recovery   time.Duration
	rotation   time.Duration
	restart    time.Duration
	rotations  int
	wallets    int
	reloads    int
	challenges int
	http2      bool
	out        io.Writer
}

func main() {
	o := options{out: os.Stdout}
	flag.IntVar(&o.users, "users", 96, "how many honest callers there are, each with a wallet and an address")
	flag.DurationVar(&o.warmUp, "warm-up", 3*time.Second, "how long honest callers come before anything is measured")
	flag.DurationVar(&o.load, "load", 10*time.Second, "how long attackers come too, before Redis is killed")
	flag.DurationVar(&o.outage, "outage", 6*time.Second, "how long Redis is away")
	flag.DurationVar(&o.recovery, "recovery", 3*time.Second, "how long the load goes on after Redis is back")
	flag.DurationVar(&o.rotation, "rotation", time.Second, "how long the load goes on after each step of a rotation")
	flag.DurationVar(&o.restart, "restart", 3*time.Second, "how long the load goes on after a replica was replaced")
	flag.IntVar(&o.rotations, "rotations", 1, "how often the keys are rotated")
	flag.IntVar(&o.wallets, "wallets", 100_000, "how many wallets the admission list has that is reloaded, at most 100000")
	flag.IntVar(&o.reloads, "reloads", 20, "how often it is reloaded")
	flag.IntVar(&o.challenges, "challenges", 100_000, "how many challenges are outstanding when memory is measured")
	flag.BoolVar(&o.http2, "http2", false, "let the proxy speak HTTP/2 to the replicas")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

// run does everything and prints the table, also of a run that ended early.
func run(ctx context.Context, o options) error {
	begun := time.Now()
	t, err := newTrial(ctx, o)
	if err != nil {
		return err
	}
	err = t.perform(ctx)
	rows := t.judge()
	err = errors.Join(err, printTable(o.out, rows), t.printFigures(o.out, time.Since(begun)))
	if failed := failures(rows); failed > 0 {
		err = errors.Join(err, fmt.Errorf("%d of %d checks do not hold", failed, len(rows)))
	}
	if err != nil {
		err = fmt.Errorf("%w\nthe logs are in %s", err, t.deployment.folder)
	}
	return errors.Join(err, t.deployment.close(err != nil))
}
