package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

const (
	// maxAttempts bounds how often one call of the source is tried.
	maxAttempts = 4
	// firstDelay is before the second attempt; each one after waits twice as long.
	firstDelay = 500 * time.Millisecond
	// maxDelay is the longest wait between two attempts. A broker that asks for
	// more is not waited for.
	maxDelay = 10 * time.Second
)

// backoff returns how long to wait after an attempt that failed, the first being
// 1: what the broker asks for, or longer with each attempt. Up to half as long
// again is added at random, so that clients that failed together do not come back
// together; less than asked for it never is.
func backoff(err error, attempt int) time.Duration {
	delay := firstDelay << (attempt - 1)
	if refusal, ok := errors.AsType[*Error](err); ok {
		delay = max(delay, refusal.RetryAfter)
	}
	return delay + rand.N(delay/2+1) //nolint:gosec // Nothing secret depends on it.
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
