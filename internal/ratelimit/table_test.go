package ratelimit_test

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/litentry/wallet-federation/internal/ratelimit"
)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// key is as large as those of the broker.
type key [20]byte

func numbered(n int) key {
	return key{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)}
}

// taken returns how many of some requests at one moment are let through.
func taken(table *ratelimit.Table[key], k key, requests int, now time.Time) int {
	through := 0
	for range requests {
		if table.Take(k, now) == 0 {
			through++
		}
	}
	return through
}

func TestABucketLetsABurstThroughAndThenItsRate(t *testing.T) {
	t.Parallel()
	table := ratelimit.New[key](2, 5, 100)
	if got := taken(table, numbered(1), 9, epoch); got != 5 {
		t.Errorf("%d of a burst got through, want 5", got)
	}
	if got := taken(table, numbered(2), 9, epoch); got != 5 {
		t.Errorf("%d of another key's burst got through, want 5", got)
	}
	if wait := table.Take(numbered(1), epoch); wait != time.Second/2 {
		t.Errorf("told to wait %s, want 500ms", wait)
	}
	if got := taken(table, numbered(1), 9, epoch.Add(1500*time.Millisecond)); got != 3 {
		t.Errorf("%d got through after 1.5 seconds, want 3", got)
	}
	if got := taken(table, numbered(1), 9, epoch.Add(time.Hour)); got != 5 {
		t.Errorf("%d got through after an hour, want 5", got)
	}
}

func TestWhoAsksAfterTheWaitIsLetThrough(t *testing.T) {
	t.Parallel()
	for _, perSecond := range []float64{0.001, 0.3, 1, 7, 1000, 1e6} {
		table := ratelimit.New[key](perSecond, 3, 100)
		taken(table, numbered(1), 3, epoch)
		wait := table.Take(numbered(1), epoch)
		if wait <= 0 {
			t.Errorf("at %v a second: told to wait %s", perSecond, wait)
		}
		// A whole second at least is what the broker rounds up to; a microsecond
		// makes good for the rounding of the bucket.
		if again := table.Take(numbered(1), epoch.Add(wait+time.Microsecond)); again != 0 {
			t.Errorf("at %v a second: waited %s and was told to wait %s", perSecond, wait, again)
		}
	}
}

func TestWaitTellsWhatTakeWouldAndCountsNothing(t *testing.T) {
	t.Parallel()
	table := ratelimit.New[key](2, 3, 100)
	for left := 3; left >= 0; left-- {
		for range 5 {
			if wait := table.Wait(numbered(1), epoch); (wait == 0) != (left > 0) || wait > time.Second/2 {
				t.Errorf("with %d left, told to wait %s", left, wait)
			}
		}
		if got := table.Take(numbered(1), epoch); (got == 0) != (left > 0) {
			t.Errorf("with %d left, Take tells to wait %s", left, got)
		}
	}
	if wait := table.Wait(numbered(1), epoch.Add(time.Second/2)); wait != 0 {
		t.Errorf("after the wait, told to wait %s", wait)
	}
}

func TestWhatIsChargedBeyondTheBurstIsWaitedFor(t *testing.T) {
	t.Parallel()
	table := ratelimit.New[key](2, 3, 100)
	for range 7 {
		table.Charge(numbered(1), epoch)
	}
	if wait := table.Wait(numbered(1), epoch); wait != 2500*time.Millisecond {
		t.Errorf("told to wait %s, want 2.5s", wait)
	}
	if got := taken(table, numbered(1), 9, epoch.Add(4*time.Second)); got != 3 {
		t.Errorf("%d got through after four seconds, want 3", got)
	}
	if wait := table.Wait(numbered(2), epoch); wait != 0 {
		t.Errorf("another key is told to wait %s", wait)
	}
}

func TestTheWaitIsBounded(t *testing.T) {
	t.Parallel()
	table := ratelimit.New[key](1e-300, 1, 100)
	taken(table, numbered(1), 1, epoch)
	if wait := table.Take(numbered(1), epoch); wait != time.Hour {
		t.Errorf("told to wait %s, want an hour", wait)
	}
}

func TestANilTableLetsEverythingThrough(t *testing.T) {
	t.Parallel()
	var none *ratelimit.Table[key]
	if got := taken(none, numbered(1), 1000, epoch); got != 1000 {
		t.Errorf("%d of 1000 got through", got)
	}
	none.Charge(numbered(1), epoch)
	if wait := none.Wait(numbered(1), epoch); wait != 0 {
		t.Errorf("told to wait %s", wait)
	}
}

func TestAClockThatGoesBackGivesNothing(t *testing.T) {
	t.Parallel()
	table := ratelimit.New[key](1, 2, 100)
	taken(table, numbered(1), 2, epoch)
	if got := taken(table, numbered(1), 5, epoch.Add(-time.Hour)); got != 0 {
		t.Errorf("%d got through an hour before", got)
	}
}

// A flood has far more keys than the table, and each asks more than once.
func TestAFloodNeitherPushesOutNorStarvesTheKnown(t *testing.T) {
	t.Parallel()
	const keys, honest = 1024, 100
	table := ratelimit.New[key](1, 10, keys)
	for n := range honest {
		table.Take(numbered(n), epoch)
	}
	flood := 0
	const rounds, perRound = 8, 20_000
	for round := range rounds {
		now := epoch.Add(time.Duration(round) * time.Second)
		for n := range perRound {
			flood += taken(table, numbered(1_000_000+round*perRound+n), 2, now)
		}
		// One request a second is what the honest may do for ever, and their
		// buckets never get full.
		for n := range honest {
			if wait := table.Take(numbered(n), now); wait != 0 {
				t.Fatalf("round %d: known key %d is told to wait %s", round, n, wait)
			}
		}
	}
	// Each place was new once; after that it lets a key in at the rate at which
	// its bucket fills, as does the bucket that newcomers share.
	places := keys + 1
	if most := places*10 + places*rounds; flood > most {
		t.Errorf("%d of the flood got through, want at most %d", flood, most)
	}
}

func TestNewcomersOfAFullTableShareOneBucket(t *testing.T) {
	t.Parallel()
	table := ratelimit.New[key](1, 10, 64)
	for n := range 10_000 {
		taken(table, numbered(n), 10, epoch)
	}
	if got := taken(table, numbered(1_000_000), 10, epoch); got != 0 {
		t.Errorf("a newcomer got %d through, and all places are in use", got)
	}
	if got := taken(table, numbered(1_000_001), 10, epoch.Add(10*time.Second)); got != 10 {
		t.Errorf("a newcomer got %d through, and all buckets are full again", got)
	}
}

// Whatever the order of requests, keys and times, no key gets more than its
// burst and its rate, and one that asks within its rate is never refused while
// there are places.
func TestNoKeyGetsMoreThanItsShare(t *testing.T) {
	t.Parallel()
	const perSecond, burst, keys = 3, 7, 5
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 1))
		table := ratelimit.New[key](perSecond, burst, 4096)
		model := [keys]float64{burst, burst, burst, burst, burst}
		now := epoch
		for range 2000 {
			// Quarters of a token are exact in binary.
			step := random.IntN(4)
			now = now.Add(time.Duration(step) * time.Second / 12)
			for k := range model {
				model[k] = min(model[k]+float64(step)/4, burst)
			}
			k := random.IntN(keys)
			got := table.Take(numbered(k), now) == 0
			switch {
			case got && model[k] < 1-1e-6:
				t.Fatalf("seed %d: a request got through with %v tokens left", seed, model[k])
			case !got && model[k] >= 1+1e-6:
				t.Fatalf("seed %d: a request was refused with %v tokens left", seed, model[k])
			case got:
				model[k]--
			}
		}
	}
}

func TestManyAtOnceGetNoMoreThanABurstEach(t *testing.T) {
	t.Parallel()
	const burst, keys, callers = 50, 20, 8
	table := ratelimit.New[key](1, burst, 4096)
	var through [keys]atomic.Int64
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			for n := range keys * burst {
				if table.Take(numbered(n%keys), epoch) == 0 {
					through[n%keys].Add(1)
				}
			}
		})
	}
	group.Wait()
	for n := range through {
		if got := through[n].Load(); got != burst {
			t.Errorf("key %d got %d through, want %d", n, got, burst)
		}
	}
}

func TestAKnownKeyCostsNoMemory(t *testing.T) {
	table := ratelimit.New[key](1, 10, 4096)
	table.Take(numbered(1), epoch)
	if got := testing.AllocsPerRun(1000, func() { table.Take(numbered(1), epoch) }); got != 0 {
		t.Errorf("%v allocations for each request", got)
	}
}

func TestANewcomerThatTakesAPlaceCostsNoMemory(t *testing.T) {
	table := ratelimit.New[key](1, 10, 64)
	for n := range 10_000 {
		table.Take(numbered(n), epoch)
	}
	n, now := 10_000, epoch
	got := testing.AllocsPerRun(1000, func() {
		n, now = n+1, now.Add(time.Minute)
		table.Take(numbered(n), now)
	})
	if got != 0 {
		t.Errorf("%v allocations for each newcomer", got)
	}
}

func BenchmarkTakeKnown(b *testing.B) {
	table := ratelimit.New[key](1e6, 1e6, 1<<16)
	for n := range 1 << 14 {
		table.Take(numbered(n), epoch)
	}
	b.ReportAllocs()
	n, now := 0, epoch
	for b.Loop() {
		n, now = (n+1)&(1<<14-1), now.Add(time.Microsecond)
		table.Take(numbered(n), now)
	}
}

func BenchmarkTakeKnownByAllCores(b *testing.B) {
	table := ratelimit.New[key](1e6, 1e6, 1<<16)
	b.ReportAllocs()
	var callers atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		k := numbered(int(callers.Add(1)))
		for pb.Next() {
			table.Take(k, epoch)
		}
	})
}

func BenchmarkTakeRefused(b *testing.B) {
	table := ratelimit.New[key](1, 1, 1<<16)
	b.ReportAllocs()
	for b.Loop() {
		table.Take(numbered(1), epoch)
	}
}

func BenchmarkTakeNewcomerOfAFullTable(b *testing.B) {
	table := ratelimit.New[key](1, 1, 1<<12)
	for n := range 1 << 18 {
		table.Take(numbered(n), epoch)
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
		table.Take(numbered(n+1<<20), epoch)
	}
}
