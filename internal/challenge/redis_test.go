package challenge_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/litentry/wallet-federation/internal/challenge"
	"github.com/litentry/wallet-federation/test/redis"
)

const issuer = "https://broker.example.org"

// newRedis returns a store in the Redis of a URL, which looks at it until the
// test ends.
func newRedis(t testing.TB, url string, now func() time.Time) *challenge.Redis {
	t.Helper()
	store := connected(t, url, now)
	run(t, store)
	return store
}

// connected returns a store in the Redis of a URL, which does not look at it yet.
func connected(t testing.TB, url string, now func() time.Time) *challenge.Redis {
	t.Helper()
	store := challenge.NewRedis(issuer, now)
	if err := store.Connect(url); err != nil {
		t.Fatal(err)
	}
	return store
}

// run runs the store until the test ends, or the function that it returns is called.
func run(t testing.TB, store *challenge.Redis) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { store.Run(ctx) })
	stop = func() {
		cancel()
		running.Wait()
	}
	t.Cleanup(stop)
	return stop
}

// eventually waits until something holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for !holds() {
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("it never came to be that %s", what)
		}
	}
}

// available waits until the store has an epoch other than one, and returns it.
func available(t testing.TB, store *challenge.Redis, not challenge.Epoch) challenge.Epoch {
	t.Helper()
	var epoch challenge.Epoch
	eventually(t, "the store has a new epoch", func() bool {
		var err error
		epoch, err = store.Epoch()
		return err == nil && epoch != not
	})
	return epoch
}

// away waits until the store knows that Redis cannot be used, and returns the error.
func away(t testing.TB, store *challenge.Redis) error {
	t.Helper()
	var err error
	eventually(t, "the store looked at Redis and cannot use it", func() bool {
		_, err = store.Epoch()
		return err != nil && challenge.ReasonOf(err) != challenge.Unchecked
	})
	if !errors.Is(err, challenge.ErrUnavailable) {
		t.Errorf("the error is another: %v", err)
	}
	return err
}

// direct returns a client that looks behind the store's back.
func direct(t testing.TB, server *redis.Server) *goredis.Client {
	t.Helper()
	options, err := goredis.ParseURL(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	client := goredis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestReplicasUseANonceOnceBetweenThem(t *testing.T) {
	t.Parallel()
	server, clock := redis.Start(t), newClock()
	one, other := newRedis(t, server.URL(), clock.Now), newRedis(t, server.URL(), clock.Now)
	epoch := available(t, one, challenge.Epoch{})
	if available(t, other, challenge.Epoch{}) != epoch {
		t.Fatal("the replicas disagree on the epoch")
	}
	for range 20 {
		if firsts := countUses(t, epoch, challenge.NewNonce(), clock.Now().Add(lifetime), 32, one, other); firsts != 1 {
			t.Fatalf("it was the first time for %d callers", firsts)
		}
	}
}

func TestIssuersInOneRedisAreApart(t *testing.T) {
	t.Parallel()
	server, clock := redis.Start(t), newClock()
	store := newRedis(t, server.URL(), clock.Now)
	other := challenge.NewRedis("https://other.example.org", clock.Now)
	if err := other.Connect(server.URL()); err != nil {
		t.Fatal(err)
	}
	run(t, other)
	nonce, until := challenge.NewNonce(), clock.Now().Add(lifetime)
	wantUse(t, store, available(t, store, challenge.Epoch{}), nonce, until, true)
	wantUse(t, other, available(t, other, challenge.Epoch{}), nonce, until, true)
	wantUse(t, other, available(t, store, challenge.Epoch{}), challenge.NewNonce(), until, false)
}

// A replica whose clock is ahead must not let Redis forget what one whose clock
// is behind still accepts.
func TestRedisRemembersForAsLongAsAChallengeLivesByAnyReplicasClock(t *testing.T) {
	t.Parallel()
	server := redis.Start(t)
	client := direct(t, server)
	for name, ahead := range map[string]time.Duration{
		"by the right clock": 0, "by a clock that is ahead": 30 * time.Second, "by a clock that is behind": -30 * time.Second,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := newClock()
			until := clock.Now().Add(lifetime)
			clock.Move(ahead)
			store := newRedis(t, server.URL(), clock.Now)
			nonce := challenge.NewNonce()
			wantUse(t, store, available(t, store, challenge.Epoch{}), nonce, until, true)
			key := "{wallet-federation:" + issuer + "}:used:" + nonce.String()
			left, err := client.PTTL(t.Context(), key).Result()
			if err != nil {
				t.Fatal(err)
			}
			// The other's clock may be 30 s behind the right one. Some time has
			// passed since Redis was told, though not 5 s.
			if needed := lifetime + 30*time.Second; left < needed-5*time.Second {
				t.Errorf("Redis forgets after %s, needed for %s", left, needed)
			}
			if most := lifetime + 2*time.Minute; left > most {
				t.Errorf("Redis forgets only after %s, %s is enough", left, most)
			}
		})
	}
}

func TestRedisRefusesWhatIsOver(t *testing.T) {
	t.Parallel()
	server, clock := redis.Start(t), newClock()
	store := newRedis(t, server.URL(), clock.Now)
	wantUse(t, store, available(t, store, challenge.Epoch{}), challenge.NewNonce(), clock.Now(), false)
}

// afresh runs a story that Redis may have forgotten something in: whatever was
// begun before counts as used, and what begins after works.
func afresh(t *testing.T, server *redis.Server, lose func(t *testing.T)) {
	t.Helper()
	clock := newClock()
	one, other := newRedis(t, server.URL(), clock.Now), newRedis(t, server.URL(), clock.Now)
	epoch := available(t, one, challenge.Epoch{})
	used, unused, until := challenge.NewNonce(), challenge.NewNonce(), clock.Now().Add(lifetime)
	wantUse(t, one, epoch, used, until, true)

	lose(t)
	// At once, before anybody has looked: an error is as good as a no.
	for _, store := range []challenge.Store{one, other} {
		for _, nonce := range []challenge.Nonce{used, unused} {
			if first, _ := store.Use(t.Context(), epoch, nonce, until); first {
				t.Error("a nonce of before was used after")
			}
		}
	}
	next := available(t, one, epoch)
	if available(t, other, epoch) != next {
		t.Error("the replicas disagree on the epoch")
	}
	wantUse(t, other, epoch, used, until, false)
	wantUse(t, other, epoch, unused, until, false)
	wantUse(t, one, next, challenge.NewNonce(), until, true)
}

func TestEpochEndsWhenRedisWasEmptied(t *testing.T) {
	t.Parallel()
	server := redis.Start(t)
	afresh(t, server, func(t *testing.T) {
		t.Helper()
		if err := direct(t, server).FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestEpochEndsWhenRedisLostItsData(t *testing.T) {
	t.Parallel()
	server := redis.Start(t)
	afresh(t, server, func(t *testing.T) {
		t.Helper()
		server.Kill()
		server.Restart()
	})
}

func TestEpochEndsWhenRedisKeptItsData(t *testing.T) {
	t.Parallel()
	server := redis.Start(t, "--appendonly", "yes")
	afresh(t, server, func(t *testing.T) {
		t.Helper()
		server.Kill()
		server.Restart()
	})
}

// A snapshot keeps the epoch and lacks the nonces that were used since.
func TestEpochEndsWhenRedisIsBackWithASnapshot(t *testing.T) {
	t.Parallel()
	server, clock := redis.Start(t), newClock()
	store := newRedis(t, server.URL(), clock.Now)
	epoch := available(t, store, challenge.Epoch{})
	if err := direct(t, server).Save(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	nonce, until := challenge.NewNonce(), clock.Now().Add(lifetime)
	wantUse(t, store, epoch, nonce, until, true)
	server.Kill()
	server.Restart()
	if found, err := direct(t, server).Exists(t.Context(), "{wallet-federation:"+issuer+"}:epoch").Result(); err != nil || found != 1 {
		t.Fatalf("the snapshot does not hold the epoch: %d, %v", found, err)
	}
	if first, _ := store.Use(t.Context(), epoch, nonce, until); first {
		t.Error("a nonce was used twice")
	}
	available(t, store, epoch)
	wantUse(t, store, epoch, nonce, until, false)
}

func TestRedisAwayFailsClosedAndSoon(t *testing.T) {
	t.Parallel()
	server, clock := redis.Start(t), newClock()
	store := newRedis(t, server.URL(), clock.Now)
	epoch, until := available(t, store, challenge.Epoch{}), clock.Now().Add(lifetime)
	server.Kill()
	begin := time.Now()
	if first, err := store.Use(t.Context(), epoch, challenge.NewNonce(), until); first || !errors.Is(err, challenge.ErrUnavailable) {
		t.Errorf("%v, %v", first, err)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
	if err := away(t, store); strings.Contains(err.Error(), strings.TrimPrefix(server.URL(), "unix://")) {
		t.Errorf("the error holds the address: %v", err)
	}
}

func TestRedisThatHangsFailsClosedAndSoon(t *testing.T) {
	t.Parallel()
	server, clock := redis.Start(t), newClock()
	store := newRedis(t, server.URL(), clock.Now)
	epoch, until := available(t, store, challenge.Epoch{}), clock.Now().Add(lifetime)
	server.Freeze()
	var all sync.WaitGroup
	for range 200 { // many more than there are connections
		all.Go(func() {
			begin := time.Now()
			if first, err := store.Use(t.Context(), epoch, challenge.NewNonce(), until); first || !errors.Is(err, challenge.ErrUnavailable) {
				t.Errorf("%v, %v", first, err)
			}
			if took := time.Since(begin); took > 5*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
	all.Wait()
	// Once that is known, nobody waits any more.
	if err := away(t, store); !strings.Contains(err.Error(), "did not answer in 500ms") {
		t.Errorf("the error does not say so: %v", err)
	}
	begin := time.Now()
	for range 100 {
		if _, err := store.Use(t.Context(), epoch, challenge.NewNonce(), until); !errors.Is(err, challenge.ErrUnavailable) {
			t.Error(err)
		}
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("100 sign-ins waited for %s", took)
	}
	server.Thaw()
	if available(t, store, challenge.Epoch{}) != epoch {
		t.Error("an epoch began though nothing was forgotten")
	}
	wantUse(t, store, epoch, challenge.NewNonce(), until, true)
}

func TestCallerWhoGoesAwayDoesNotPassForRedisBeingAway(t *testing.T) {
	t.Parallel()
	server, clock := redis.Start(t), newClock()
	store := newRedis(t, server.URL(), clock.Now)
	epoch, until := available(t, store, challenge.Epoch{}), clock.Now().Add(lifetime)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	nonce := challenge.NewNonce()
	if first, err := store.Use(gone, epoch, nonce, until); err != nil || !first {
		t.Errorf("%v, %v", first, err)
	}
	if again, err := store.Epoch(); err != nil || again != epoch {
		t.Errorf("the store changed its mind: %v", err)
	}
	wantUse(t, store, epoch, nonce, until, false)
}

func TestRedisIsUnavailableBeforeItIsLookedAt(t *testing.T) {
	t.Parallel()
	store := connected(t, redis.Start(t).URL(), time.Now)
	if _, err := store.Epoch(); !errors.Is(err, challenge.ErrUnavailable) {
		t.Error(err)
	}
	if _, err := store.Use(t.Context(), challenge.Epoch{}, challenge.NewNonce(), time.Now().Add(lifetime)); !errors.Is(err, challenge.ErrUnavailable) {
		t.Error(err)
	}
	if _, err := store.Used(t.Context(), challenge.Epoch{}, challenge.NewNonce()); !errors.Is(err, challenge.ErrUnavailable) {
		t.Error(err)
	}
}

// Not parallel: it counts goroutines.
func TestRunEndsAndLeavesNothingBehind(t *testing.T) {
	server := redis.Start(t)
	for name, story := range map[string]func(store *challenge.Redis){
		"with Redis there":     func(store *challenge.Redis) { available(t, store, challenge.Epoch{}) },
		"with Redis that hung": func(store *challenge.Redis) { server.Freeze(); _ = away(t, store) },
		"with Redis away":      func(store *challenge.Redis) { server.Kill(); _ = away(t, store) },
	} {
		server.Restart()
		before := runtime.NumGoroutine()
		store := connected(t, server.URL(), time.Now)
		stop := run(t, store)
		epoch := available(t, store, challenge.Epoch{})
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() { _, _ = store.Use(t.Context(), epoch, challenge.NewNonce(), time.Now().Add(lifetime)) })
		}
		all.Wait()
		story(store)
		stop()
		if _, err := store.Use(t.Context(), epoch, challenge.NewNonce(), time.Now().Add(lifetime)); !errors.Is(err, challenge.ErrUnavailable) {
			t.Errorf("%s: it goes on after its end: %v", name, err)
		}
		eventually(t, name+", all goroutines end", func() bool { return runtime.NumGoroutine() <= before })
	}
}

func BenchmarkRedisUse(b *testing.B) {
	store := newRedis(b, redis.Start(b).URL(), time.Now)
	epoch := available(b, store, challenge.Epoch{})
	until := time.Now().Add(lifetime)
	b.ReportAllocs()
	for b.Loop() {
		if first, err := store.Use(b.Context(), epoch, challenge.NewNonce(), until); err != nil || !first {
			b.Fatal(first, err)
		}
	}
}
