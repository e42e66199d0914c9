package challenge_test

import (
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/litentry/wallet-federation/internal/challenge"
	"github.com/litentry/wallet-federation/test/redis"
)

// move connects to a Redis that can be used.
func move(t *testing.T, store *challenge.Redis, url string) {
	t.Helper()
	eventually(t, "the store moves", func() bool {
		err := store.Connect(url)
		if err != nil && challenge.ReasonOf(err) != challenge.Timeout {
			t.Fatal(err)
		}
		return err == nil
	})
}

func TestConnectGoesOnInAnotherRedis(t *testing.T) {
	t.Parallel()
	first, second, clock := redis.Start(t), redis.Start(t), newClock()
	store := newRedis(t, first.URL(), clock.Now)
	epoch := available(t, store, challenge.Epoch{})
	nonce, until := challenge.NewNonce(), clock.Now().Add(lifetime)
	wantUse(t, store, epoch, nonce, until, true)
	move(t, store, second.URL())
	next := epochOf(t, store)
	if next == epoch {
		t.Fatal("it still has the epoch of the Redis that it left")
	}
	// The other has not seen the nonce that was used.
	wantUse(t, store, epoch, nonce, until, false)
	wantUsed(t, store, epoch, challenge.NewNonce(), true)
	first.Kill()
	wantUse(t, store, next, challenge.NewNonce(), until, true)
}

func TestConnectWithAnotherPasswordVoidsNothing(t *testing.T) {
	t.Parallel()
	server, clock := redis.Start(t, "--requirepass", password), newClock()
	store := newRedis(t, withPassword(server, "", password), clock.Now)
	epoch := available(t, store, challenge.Epoch{})
	nonce, until := challenge.NewNonce(), clock.Now().Add(lifetime)
	wantUse(t, store, epoch, nonce, until, true)
	const next = "tr0ub4dor"
	behind := connected(t, withPassword(server, "", password), clock.Now)
	if err := store.Connect(withPassword(server, "", next)); !errors.Is(err, challenge.ErrUnavailable) || strings.Contains(err.Error(), next) {
		t.Errorf("before Redis takes it: %v", err)
	}
	wantUse(t, store, epoch, challenge.NewNonce(), until, true)
	behind.Command(t, "CONFIG", "SET", "requirepass", next)
	move(t, store, withPassword(server, "", next))
	wantUse(t, store, epoch, nonce, until, false)
	wantUse(t, store, epoch, challenge.NewNonce(), until, true)
}

func TestConnectStaysWhereItIsUnlessTheOtherCanBeUsed(t *testing.T) {
	t.Parallel()
	server, replica, clock := redis.Start(t), redis.Start(t, "--replicaof", "127.0.0.1 1"), newClock()
	frozen := redis.Start(t)
	frozen.Freeze()
	store := newRedis(t, server.URL(), clock.Now)
	epoch := available(t, store, challenge.Epoch{})
	for name, c := range map[string]struct {
		url, reason string
		again       bool
	}{
		"no URL":           {"redis//:" + password, "not of the form", false},
		"nobody there":     {"redis://:" + password + "@127.0.0.1:1", "cannot be reached", true},
		"one that hangs":   {frozen.URL(), "did not answer", true},
		"a replica":        {replica.URL(), "READONLY", true},
		"a wrong password": {withPassword(server, "nobody", password), "WRONGPASS", true},
	} {
		err := store.Connect(c.url)
		if err == nil || !strings.Contains(err.Error(), c.reason) || errors.Is(err, challenge.ErrUnavailable) != c.again {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), password) {
			t.Errorf("%s: the error shows the URL: %v", name, err)
		}
		if epochOf(t, store) != epoch {
			t.Errorf("%s: another epoch began", name)
		}
		wantUse(t, store, epoch, challenge.NewNonce(), clock.Now().Add(lifetime), true)
	}
}

func TestTheFirstRedisNeedNotAnswer(t *testing.T) {
	t.Parallel()
	server := redis.Start(t)
	server.Kill()
	store := newRedis(t, server.URL(), time.Now)
	_ = away(t, store)
	server.Restart()
	available(t, store, challenge.Epoch{})
}

func TestConnectAfterTheEndLeavesNothingOpen(t *testing.T) {
	t.Parallel()
	server := redis.Start(t)
	store := connected(t, server.URL(), time.Now)
	run(t, store)()
	if err := store.Connect(redis.Start(t).URL()); !errors.Is(err, challenge.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

// Calls under way finish in the Redis they began in, whose connections are closed
// after them: none fails, though the store moves all the time.
func TestConnectFailsNoCallUnderWay(t *testing.T) {
	t.Parallel()
	server, clock := redis.Start(t), newClock()
	var open atomic.Int64
	// Two ways to one Redis, the second of which counts its connections.
	counted := serve(t, func(connection net.Conn) {
		open.Add(1)
		defer open.Add(-1)
		forward(t, connection, server)
	})
	urls := []string{server.URL(), "redis://" + counted.Addr().String()}
	store := newRedis(t, urls[0], clock.Now)
	epoch, until := available(t, store, challenge.Epoch{}), clock.Now().Add(lifetime)
	stop := make(chan struct{})
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				// A machine that is busy may be slow.
				first, err := store.Use(t.Context(), epoch, challenge.NewNonce(), until)
				if !first && (err == nil || challenge.ReasonOf(err) != challenge.Timeout) {
					t.Errorf("a call failed: %v, %v", first, err)
					return
				}
			}
		})
	}
	for n := range 40 {
		move(t, store, urls[(n+1)%2])
	}
	close(stop)
	callers.Wait()
	eventually(t, "the connections that were left are closed", func() bool { return open.Load() == 0 })
}
