package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"time"
)

// options are the command line.
type options struct {
	turn    time.Duration
	turns   int
	clients int
	out     io.Writer
}

func main() {
	o := options{out: os.Stdout}
	flag.DurationVar(&o.turn, "turn", 5*time.Second, "how long one side is measured at a time")
	flag.IntVar(&o.turns, "turns", 3, "how often each side is measured; the median counts")
	flag.IntVar(&o.clients, "clients", 16, "how many connections ask at once")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) (err error) {
	broker, err := startBroker(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, broker.stop()) }()
	for _, key := range []struct {
		name  string
		p256  bool
		least float64
	}{{"its default RSA key", false, 20}, {"a P-256 key", true, 11}} {
		if err := compare(ctx, o, broker, key.name, key.p256, key.least); err != nil {
			return err
		}
	}
	return alone(ctx, o, broker)
}

// compare measures the broker and an API server in turns.
func compare(ctx context.Context, o options, broker *brokerSide, name string, p256 bool, least float64) (err error) {
	api, err := startAPI(ctx, p256)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, api.stop()) }()
	var mints, requests []float64
	for range o.turns {
		for _, side := range []struct {
			call  call
			rates *[]float64
		}{{api.tokenRequest, &requests}, {broker.mint, &mints}} {
			rate, err := measure(ctx, o, side.call)
			if err != nil {
				return err
			}
			*side.rates = append(*side.rates, rate)
		}
	}
	fmt.Fprintf(o.out, "minting, against TokenRequest with %s: %.1f times as many tokens a second (goal: %g)   %.0f and %.0f a second\n",
		name, median(mints)/median(requests), least, median(mints), median(requests))
	return nil
}

// alone measures what is the broker's own.
func alone(ctx context.Context, o options, broker *brokerSide) error {
	mints, err := measure(ctx, o, broker.mint)
	if err != nil {
		return err
	}
	p99, err := latency(ctx, o, broker.mint, mints/2)
	if err != nil {
		return err
	}
	fmt.Fprintf(o.out, "minting at half of that load: p99 is %s (goal: under 5ms)\n", p99.Round(10*time.Microsecond))
	for name, document := range map[string]call{"JWKS": broker.jwks, "discovery": broker.discovery} {
		rate, err := measure(ctx, o, document)
		if err != nil {
			return err
		}
		fmt.Fprintf(o.out, "%s, against minting: %.1f times (goal: 2)   %.0f a second\n", name, rate/mints, rate)
	}
	return nil
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
