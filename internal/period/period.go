// Package period says when to look again: it spreads periodic work over time, so
// that a thousand objects that were made together are not looked at together, and
// paces work that fails.
package period

import (
	"math/rand/v2"
	"time"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// Jitter returns d, shortened by up to a tenth.
func Jitter(d time.Duration) time.Duration {
	//nolint:gosec // Spreading load needs no secure randomness.
	return d - time.Duration(rand.Int64N(int64(d)/10+1))
}

// RateLimiter paces objects whose reconcile fails: again after a second, then
// after twice as long each time, up to five minutes. The default begins at five
// milliseconds, and every try costs calls of an account's budget.
func RateLimiter() workqueue.TypedRateLimiter[reconcile.Request] {
	return workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](time.Second, 5*time.Minute)
}
