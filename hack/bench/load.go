package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// measure returns how many requests a second are answered when all clients ask
// as fast as they can, after a second of warming up.
func measure(ctx context.Context, o options, t *target) (rate float64, err error) {
	connections, err := dialAll(ctx, o.clients, t)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, closeAll(connections)) }()
	if _, err := count(connections, time.Second); err != nil {
		return 0, err
	}
	done, err := count(connections, o.turn)
	return float64(done) / o.turn.Seconds(), err
}

func count(connections []*connection, duration time.Duration) (int64, error) {
	var done atomic.Int64
	err := each(connections, func(c *connection) error {
		for end := time.Now().Add(duration); time.Now().Before(end); {
			if err := c.ask(); err != nil {
				return err
			}
			done.Add(1)
		}
		return nil
	})
	return done.Load(), err
}

// latency returns the 99th percentile of the time from when a request is due to
// its answer, when requests are due at a steady rate whatever became of the last
// ones.
func latency(ctx context.Context, o options, t *target, rate float64) (p99 time.Duration, err error) {
	connections, err := dialAll(ctx, o.clients, t)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, closeAll(connections)) }()
	var mu sync.Mutex
	var took []time.Duration
	var next atomic.Int64
	begin := time.Now()
	err = each(connections, func(c *connection) error {
		var own []time.Duration
		for {
			due := begin.Add(time.Duration(float64(next.Add(1)) / rate * float64(time.Second)))
			if due.Sub(begin) > o.turn {
				break
			}
			<-time.After(time.Until(due))
			if err := c.ask(); err != nil {
				return err
			}
			own = append(own, time.Since(due))
		}
		mu.Lock()
		defer mu.Unlock()
		took = append(took, own...)
		return nil
	})
	if err != nil || len(took) == 0 {
		return 0, errors.Join(err, errors.New("nothing was measured"))
	}
	slices.Sort(took)
	return took[len(took)*99/100], nil
}

func dialAll(ctx context.Context, clients int, t *target) ([]*connection, error) {
	connections := make([]*connection, 0, clients)
	for range clients {
		c, err := t.dial(ctx)
		if err != nil {
			return nil, errors.Join(err, closeAll(connections))
		}
		connections = append(connections, c)
	}
	return connections, nil
}

func closeAll(connections []*connection) error {
	errs := make([]error, len(connections))
	for i, c := range connections {
		errs[i] = c.Close()
	}
	return errors.Join(errs...)
}

// each runs do for each connection, all at once.
func each(connections []*connection, do func(*connection) error) error {
	errs := make([]error, len(connections))
	var running sync.WaitGroup
	for i, c := range connections {
		running.Go(func() { errs[i] = do(c) })
	}
	running.Wait()
	return errors.Join(errs...)
}
