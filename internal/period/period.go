// Package period spreads periodic work over time, so that a thousand objects that
// were made together are not looked at together.
package period

import (
	"math/rand/v2"
	"time"
)

// Jitter returns d, shortened by up to a tenth.
func Jitter(d time.Duration) time.Duration {
	//nolint:gosec // Spreading load needs no secure randomness.
	return d - time.Duration(rand.Int64N(int64(d)/10+1))
}
