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

	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/litentry/wallet-federation/internal/discovery"
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
	bare := flag.String("serve-bare", "", "be the bare handler at this `address`: how this command runs itself")
	certFile, keyFile := flag.String("tls-cert", "", "`file` with the bare handler's certificate"), flag.String("tls-key", "", "`file` with its key")
	flag.Parse()
	log.SetLogger(log.Log.WithSink(log.NullLogSink{}))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	var err error
	if *bare != "" {
		err = serveBare(ctx, *bare, *certFile, *keyFile)
	} else {
		err = run(ctx, o)
	}
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
	if err := againstBare(ctx, o, broker); err != nil {
		return err
	}
	for _, with := range []struct {
		key  serviceAccountKey
		goal float64
	}{{rsaKey, 20}, {p256Key, 11}} {
		if err := againstAPI(ctx, o, broker, with.key, with.goal); err != nil {
			return err
		}
	}
	return alone(ctx, o, broker)
}

// againstBare shows what the broker's features cost.
func againstBare(ctx context.Context, o options, broker *brokerSide) (err error) {
	bare, err := startBare(ctx, broker)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bare.stop()) }()
	return compare(ctx, o, "minting, against a bare handler with the same cryptography", 0.85, broker.mint(), bare.target)
}

// againstAPI measures the broker and an API server.
func againstAPI(ctx context.Context, o options, broker *brokerSide, key serviceAccountKey, goal float64) (err error) {
	api, err := startAPI(ctx, key)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, api.stop()) }()
	return compare(ctx, o, "minting, against TokenRequest with "+key.name, goal, broker.mint(), api.tokenRequest())
}

// compare measures two in turns, and prints how many times as much the first
// does as the second.
func compare(ctx context.Context, o options, what string, goal float64, ours, theirs *target) error {
	rates := make(map[*target][]float64)
	for range o.turns {
		for _, t := range []*target{theirs, ours} {
			rate, err := measure(ctx, o, t)
			if err != nil {
				return err
			}
			rates[t] = append(rates[t], rate)
		}
	}
	first, second := median(rates[ours]), median(rates[theirs])
	fmt.Fprintf(o.out, "%s: %.2f times (goal: %g)   %.0f and %.0f a second\n", what, first/second, goal, first, second)
	return nil
}

// alone measures what is the broker's own.
func alone(ctx context.Context, o options, broker *brokerSide) error {
	mints, err := measure(ctx, o, broker.mint())
	if err != nil {
		return err
	}
	p99, err := latency(ctx, o, broker.mint(), mints/2)
	if err != nil {
		return err
	}
	fmt.Fprintf(o.out, "minting at half of that load: p99 is %s (goal: under 5ms)\n", p99.Round(10*time.Microsecond))
	for _, path := range []string{discovery.JWKSPath, discovery.ConfigurationPath} {
		rate, err := measure(ctx, o, broker.get(path))
		if err != nil {
			return err
		}
		fmt.Fprintf(o.out, "%s, against minting: %.1f times (goal: 2)   %.0f a second\n", path, rate/mints, rate)
	}
	return nil
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
