package challenge_test

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/litentry/wallet-federation/internal/challenge"
)

const lifetime = 5*time.Minute + 30*time.Second

// clock is a clock that a test sets.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func epochOf(t testing.TB, store challenge.Store) challenge.Epoch {
	t.Helper()
	epoch, err := store.Epoch()
	if err != nil {
		t.Fatal(err)
	}
	return epoch
}

// wantUsed checks whether a nonce counts as used.
func wantUsed(t *testing.T, store challenge.Store, epoch challenge.Epoch, nonce challenge.Nonce, want bool) {
	t.Helper()
	used, err := store.Used(t.Context(), epoch, nonce)
	if err != nil {
		t.Fatal(err)
	}
	if used != want {
		t.Errorf("Used reports %v, want %v", used, want)
	}
}

// wantUse uses a nonce and checks whether that was the first time, and that the
// store says so before and after.
func wantUse(t *testing.T, store challenge.Store, epoch challenge.Epoch, nonce challenge.Nonce, until time.Time, want bool) {
	t.Helper()
	if want {
		wantUsed(t, store, epoch, nonce, false)
	}
	first, err := store.Use(t.Context(), epoch, nonce, until)
	if err != nil {
		t.Fatal(err)
	}
	if first != want {
		t.Errorf("Use reports %v, want %v", first, want)
	}
	if want {
		wantUsed(t, store, epoch, nonce, true)
	}
}

// countUses has many callers use one nonce at the same time in all of the
// stores, and returns for how many of them it was the first time.
func countUses(t *testing.T, epoch challenge.Epoch, nonce challenge.Nonce, until time.Time, callers int, stores ...challenge.Store) int64 {
	t.Helper()
	var firsts atomic.Int64
	var all sync.WaitGroup
	begin := make(chan struct{})
	for i := range callers {
		all.Go(func() {
			<-begin
			first, err := stores[i%len(stores)].Use(t.Context(), epoch, nonce, until)
			if err != nil {
				t.Error(err)
			}
			if first {
				firsts.Add(1)
			}
		})
	}
	close(begin)
	all.Wait()
	return firsts.Load()
}

func TestMemoryLetsOneOfManyCallersUseANonce(t *testing.T) {
	t.Parallel()
	clock := newClock()
	store := challenge.NewMemory(clock.Now, lifetime)
	for range 100 {
		firsts := countUses(t, epochOf(t, store), challenge.NewNonce(), clock.Now().Add(lifetime), 64, store)
		if firsts != 1 {
			t.Fatalf("it was the first time for %d callers", firsts)
		}
	}
}

func TestMemoryRefusesAnotherEpoch(t *testing.T) {
	t.Parallel()
	clock := newClock()
	store, before := challenge.NewMemory(clock.Now, lifetime), challenge.NewMemory(clock.Now, lifetime)
	nonce, until := challenge.NewNonce(), clock.Now().Add(lifetime)
	wantUse(t, store, epochOf(t, before), nonce, until, false)
	wantUsed(t, store, epochOf(t, before), nonce, true)
	wantUse(t, store, challenge.Epoch{}, nonce, until, false)
	wantUse(t, store, epochOf(t, store), nonce, until, true)
}

func TestMemoryRemembersForAsLongAsAChallengeLives(t *testing.T) {
	t.Parallel()
	// However long ago a generation began when the nonce is used.
	for before := time.Duration(0); before <= 3*lifetime; before += 13 * time.Second {
		clock := newClock()
		store := challenge.NewMemory(clock.Now, lifetime)
		epoch := epochOf(t, store)
		wantUse(t, store, epoch, challenge.NewNonce(), clock.Now().Add(lifetime), true)
		clock.Move(before)
		nonce, until := challenge.NewNonce(), clock.Now().Add(lifetime)
		wantUse(t, store, epoch, nonce, until, true)
		for clock.Now().Before(until) {
			wantUse(t, store, epoch, nonce, until, false)
			clock.Move(7 * time.Second)
		}
		wantUse(t, store, epoch, nonce, until, false) // its time is over
		if epochOf(t, store) != epoch {
			t.Error("an epoch began though the clock only went on")
		}
	}
}

func TestMemoryForgetsWhatIsOver(t *testing.T) {
	t.Parallel()
	clock := newClock()
	store := challenge.NewMemory(clock.Now, lifetime)
	store.Bound(10)
	epoch := epochOf(t, store)
	for range 20 { // many times the bound, in all
		for range 10 {
			wantUse(t, store, epoch, challenge.NewNonce(), clock.Now().Add(lifetime), true)
		}
		clock.Move(lifetime)
	}
}

func TestMemoryFailsClosedWhenItIsFull(t *testing.T) {
	t.Parallel()
	clock := newClock()
	store := challenge.NewMemory(clock.Now, lifetime)
	store.Bound(2)
	epoch, until := epochOf(t, store), clock.Now().Add(lifetime)
	used := challenge.NewNonce()
	wantUse(t, store, epoch, used, until, true)
	wantUse(t, store, epoch, challenge.NewNonce(), until, true)
	if first, err := store.Use(t.Context(), epoch, challenge.NewNonce(), until); first || !errors.Is(err, challenge.ErrUnavailable) {
		t.Errorf("one too many: %v, %v", first, err)
	}
	wantUse(t, store, epoch, used, until, false) // that much is known
	clock.Move(lifetime)
	wantUse(t, store, epoch, challenge.NewNonce(), clock.Now().Add(lifetime), true)
}

func TestMemoryBeginsAnEpochWhenTheClockGoesBackToWhatItForgot(t *testing.T) {
	t.Parallel()
	clock := newClock()
	store := challenge.NewMemory(clock.Now, lifetime)
	epoch := epochOf(t, store)
	nonce, until := challenge.NewNonce(), clock.Now().Add(lifetime)
	wantUse(t, store, epoch, nonce, until, true)
	clock.Move(time.Hour) // the nonce is over and forgotten
	wantUse(t, store, epoch, challenge.NewNonce(), clock.Now().Add(lifetime), true)
	clock.Move(-time.Hour) // and now it is not over
	wantUse(t, store, epoch, nonce, until, false)
	if epochOf(t, store) == epoch {
		t.Error("the epoch went on")
	}
	wantUse(t, store, epochOf(t, store), challenge.NewNonce(), until, true)
}

func TestMemoryWorksAfterTheClockWasFarAhead(t *testing.T) {
	t.Parallel()
	clock := newClock()
	store := challenge.NewMemory(clock.Now, lifetime)
	store.Bound(10)
	clock.Move(365 * 24 * time.Hour)
	wantUse(t, store, epochOf(t, store), challenge.NewNonce(), clock.Now().Add(lifetime), true)
	clock.Move(-365 * 24 * time.Hour)
	for range 5 {
		for range 5 {
			wantUse(t, store, epochOf(t, store), challenge.NewNonce(), clock.Now().Add(lifetime), true)
		}
		clock.Move(lifetime)
	}
}

// Whatever the clock does, no nonce is used twice in an epoch; while the clock
// only goes on, there is one epoch and every new nonce can be used.
func TestMemoryUsesNoNonceTwiceByAnyClock(t *testing.T) {
	t.Parallel()
	type used struct {
		epoch challenge.Epoch
		nonce challenge.Nonce
		until time.Time
	}
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		clock := newClock()
		store := challenge.NewMemory(clock.Now, lifetime)
		steady, first := seed%2 == 0, epochOf(t, store)
		var history []used
		for step := range 300 {
			forward := time.Duration(random.Int64N(int64(2 * time.Minute)))
			if random.IntN(20) == 0 {
				forward = time.Duration(random.Int64N(int64(4 * lifetime)))
			}
			if !steady && random.IntN(5) == 0 {
				forward = -2 * forward
			}
			clock.Move(forward)
			one := used{epochOf(t, store), challenge.NewNonce(), clock.Now().Add(lifetime)}
			wantUse(t, store, one.epoch, one.nonce, one.until, true)
			history = append(history, one)
			for range 20 {
				again := history[random.IntN(len(history))]
				wantUse(t, store, again.epoch, again.nonce, again.until, false)
			}
			if steady && one.epoch != first {
				t.Fatalf("seed %d, step %d: an epoch began", seed, step)
			}
			if t.Failed() {
				t.Fatalf("seed %d, step %d", seed, step)
			}
		}
	}
}

// Not parallel: it measures the heap.
func TestMemoryTakesFewBytesForANonce(t *testing.T) {
	const nonces, limit = 100_000, 8 << 20
	clock := newClock()
	before := heap()
	store := challenge.NewMemory(clock.Now, lifetime)
	epoch, until := epochOf(t, store), clock.Now().Add(lifetime)
	for i := range uint64(nonces) {
		var nonce challenge.Nonce
		binary.BigEndian.PutUint64(nonce[:], i)
		wantUse(t, store, epoch, nonce, until, true)
	}
	taken := heap() - before
	runtime.KeepAlive(store)
	t.Logf("%d nonces take %.1f MiB", nonces, float64(taken)/(1<<20))
	if taken > limit {
		t.Errorf("%d nonces take %d bytes, more than %d", nonces, taken, limit)
	}
}

// heap returns the bytes in use.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

func BenchmarkMemoryUse(b *testing.B) {
	store := challenge.NewMemory(time.Now, lifetime)
	epoch := epochOf(b, store)
	until := time.Now().Add(lifetime)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := store.Use(b.Context(), epoch, challenge.Nonce{}, until); err != nil {
			b.Fatal(err)
		}
	}
}
