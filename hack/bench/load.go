package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// call makes a request and returns an error unless it was answered well.
type call func(context.Context) error

// measure returns how many calls a second are answered when all clients ask as
// fast as they can, after a second of warming up.
func measure(ctx context.Context, o options, do call) (float64, error) {
	if _, err := count(ctx, o.clients, time.Second, do); err != nil {
		return 0, err
	}
	done, err := count(ctx, o.clients, o.turn, do)
	return float64(done) / o.turn.Seconds(), err
}

func count(ctx context.Context, clients int, duration time.Duration, do call) (int64, error) {
	var done atomic.Int64
	err := each(clients, func() error {
		for end := time.Now().Add(duration); time.Now().Before(end); {
			if err := do(ctx); err != nil {
				return err
			}
			done.Add(1)
		}
		return nil
	})
	return done.Load(), err
}

// latency returns the 99th percentile of the time from when a call is due to its
// answer, when calls are due at a steady rate whatever became of the last ones.
func latency(ctx context.Context, o options, do call, rate float64) (time.Duration, error) {
	var mu sync.Mutex
	var took []time.Duration
	begin := time.Now()
	var next atomic.Int64
	err := each(o.clients, func() error {
		var own []time.Duration
		for {
			due := begin.Add(time.Duration(float64(next.Add(1)) / rate * float64(time.Second)))
			if due.Sub(begin) > o.turn {
				break
			}
			<-time.After(time.Until(due))
			if err := do(ctx); err != nil {
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

// each runs do once for each client, all at once.
func each(clients int, do func() error) error {
	errs := make([]error, clients)
	var running sync.WaitGroup
	for i := range clients {
		running.Go(func() { errs[i] = do() })
	}
	running.Wait()
	return errors.Join(errs...)
}

// answered makes one request, reads its answer to the end, so that the
// connection is used again, and wants the status.
func answered(client *http.Client, request *http.Request, want int) error {
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != want {
		return fmt.Errorf("%s answered %s: %.200s", request.URL, response.Status, body)
	}
	return nil
}
