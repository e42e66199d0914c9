package broker_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/litentry/wallet-federation/broker"
	"github.com/litentry/wallet-federation/internal/brokerconfig"
	"github.com/litentry/wallet-federation/internal/challenge"
)

func limitClient(perSecond float64, burst int) func(*brokerconfig.Config) {
	return func(c *brokerconfig.Config) {
		c.Limits.Client = brokerconfig.Rate{PerSecond: perSecond, Burst: burst}
	}
}

func limitWallet(perSecond float64, burst int) func(*brokerconfig.Config) {
	return func(c *brokerconfig.Config) {
		c.Limits.Wallet = brokerconfig.Rate{PerSecond: perSecond, Burst: burst}
	}
}

func trustProxies(networks ...string) func(*brokerconfig.Config) {
	return func(c *brokerconfig.Config) {
		for _, network := range networks {
			c.Limits.TrustedProxies = append(c.Limits.TrustedProxies, netip.MustParsePrefix(network))
		}
	}
}

// from posts an empty object over a connection from an address.
func (f *fixture) from(t testing.TB, address, path string, headers ...string) answer {
	t.Helper()
	request := httptest.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodPost, path, strings.NewReader("{}"))
	request.RemoteAddr = address
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		request.Header.Add(headers[i], headers[i+1])
	}
	recorder := httptest.NewRecorder()
	f.server.ServeHTTP(recorder, request)
	return answer{status: recorder.Code, header: recorder.Header(), body: recorder.Body.String()}
}

// limited checks that an answer tells to wait.
func (a answer) limited(t testing.TB, seconds int) {
	t.Helper()
	if a.status != http.StatusTooManyRequests || a.code(t) != "rate_limited" {
		t.Fatalf("got %d %s, want 429", a.status, a.body)
	}
	if got := a.header.Get("Retry-After"); got != strconv.Itoa(seconds) {
		t.Errorf("Retry-After is %q, want %d", got, seconds)
	}
	if got := a.header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control is %q", got)
	}
}

func TestAClientThatAsksTooOftenWaits(t *testing.T) {
	t.Parallel()
	for _, path := range []string{startPath, verifyPath, mintPath} {
		f := newFixture(t, limitClient(0.25, 2))
		const mine, other = "203.0.113.7:1", "203.0.113.8:1"
		for range 2 {
			if got := f.from(t, mine, path); got.status == http.StatusTooManyRequests {
				t.Fatalf("%s: refused within the burst", path)
			}
		}
		f.from(t, mine, path).limited(t, 4)
		f.from(t, "203.0.113.7:2", path).limited(t, 4)
		if got := f.from(t, other, path); got.status == http.StatusTooManyRequests {
			t.Errorf("%s: another address is refused", path)
		}
		f.clock.advance(3500 * time.Millisecond)
		f.from(t, mine, path).limited(t, 1)
		f.clock.advance(500 * time.Millisecond)
		if got := f.from(t, mine, path); got.status == http.StatusTooManyRequests {
			t.Errorf("%s: refused after the wait", path)
		}
	}
}

func TestAllPathsShareAClientsLimit(t *testing.T) {
	t.Parallel()
	f := newFixture(t, limitClient(1, 2))
	f.post(t, startPath, "{}")
	f.post(t, mintPath, "{}")
	f.post(t, verifyPath, "{}").limited(t, 1)
}

func TestWhatIsReadByMachinesIsNotLimited(t *testing.T) {
	t.Parallel()
	f := newFixture(t, limitClient(0.001, 1))
	f.post(t, startPath, "{}")
	f.post(t, startPath, "{}").limited(t, 1000)
	for _, path := range []string{discoveryPath, jwksPath, "/healthz", "/readyz"} {
		for range 10 {
			if got := f.send(t, http.MethodGet, path, ""); got.status != http.StatusOK {
				t.Errorf("%s answered %d", path, got.status)
			}
		}
	}
}

func TestARefusedMethodDoesNotCount(t *testing.T) {
	t.Parallel()
	f := newFixture(t, limitClient(1, 1))
	for range 5 {
		f.send(t, http.MethodGet, startPath, "")
	}
	f.start(t, alice)
}

func TestLiftedLimits(t *testing.T) {
	t.Parallel()
	f := newFixture(t, limitClient(0, 1), limitWallet(0, 1))
	bearer := f.signIn(t, newKey(t))
	for range 20 {
		f.mint(t, bearer, "").members(t)
	}
}

func TestClientsBehindATrustedProxyAreToldApart(t *testing.T) {
	t.Parallel()
	const proxy = "10.1.2.3:4711"
	f := newFixture(t, limitClient(1, 1), trustProxies("10.0.0.0/8"))
	f.from(t, proxy, startPath, "X-Forwarded-For", "203.0.113.7")
	f.from(t, proxy, startPath, "X-Forwarded-For", "192.0.2.99, 203.0.113.7").limited(t, 1)
	if got := f.from(t, proxy, startPath, "X-Forwarded-For", "203.0.113.8"); got.status == http.StatusTooManyRequests {
		t.Error("another client of the proxy is refused")
	}
}

func TestAClientCannotNameItself(t *testing.T) {
	t.Parallel()
	f := newFixture(t, limitClient(1, 1), trustProxies("10.0.0.0/8"))
	f.from(t, "203.0.113.7:1", startPath)
	for n := range 10 {
		f.from(t, "203.0.113.7:1", startPath, "X-Forwarded-For", fmt.Sprintf("192.0.2.%d", n)).limited(t, 1)
	}
}

func TestAnIPv6NetworkIsOneClient(t *testing.T) {
	t.Parallel()
	f := newFixture(t, limitClient(1, 1))
	f.from(t, "[2001:db8:0:1::1]:1", startPath)
	f.from(t, "[2001:db8:0:1:ffff::9]:1", startPath).limited(t, 1)
	if got := f.from(t, "[2001:db8:0:2::1]:1", startPath); got.status == http.StatusTooManyRequests {
		t.Error("another network is refused")
	}
}

func TestAWalletThatAsksTooOftenWaits(t *testing.T) {
	t.Parallel()
	f := newFixture(t, limitWallet(0.5, 3))
	key := newKey(t)
	bearer := f.signIn(t, key)
	f.mint(t, bearer, "").members(t)
	f.mint(t, bearer, "").members(t)
	record := lastRecord(t, f, func() { f.mint(t, bearer, "").limited(t, 2) })
	want := map[string]any{
		"event": "mint", "outcome": "refused", "reason": "rate_limited", "wallet": string(key.Address()),
		"client": "192.0.2.1", "via": "session", "session": idOf(t, bearer), "bearer_sha256": hashOf(bearer),
	}
	if diff := cmp.Diff(want, record, ignoreLogFields); diff != "" {
		t.Errorf("audit record (-want +got):\n%s", diff)
	}

	s := f.start(t, string(key.Address()))
	record = lastRecord(t, f, func() { f.verify(t, s.handle, key.SignPersonal(s.message)).limited(t, 2) })
	if record["reason"] != "rate_limited" || record["event"] != "sign_in" {
		t.Errorf("audit record %v", record)
	}
	f.mint(t, f.signIn(t, newKey(t)), "").members(t)
	f.clock.advance(2 * time.Second)
	f.mint(t, bearer, "").members(t)
}

// A person who is told to wait has signed already, and need not sign again.
func TestAWalletThatHasToWaitKeepsItsChallenge(t *testing.T) {
	t.Parallel()
	f := newFixture(t, limitWallet(0.5, 1))
	key := newKey(t)
	f.signIn(t, key)
	s := f.start(t, string(key.Address()))
	signature := key.SignPersonal(s.message)
	for range 3 {
		f.verify(t, s.handle, signature).limited(t, 2)
	}
	f.clock.advance(2 * time.Second)
	f.verify(t, s.handle, signature).members(t)
	if got := f.verify(t, s.handle, signature); got.status != http.StatusUnauthorized {
		t.Errorf("it was good twice: %d %s", got.status, got.body)
	}
}

// Who saw a sign-in pass by can repeat it without the key.
func TestARepeatedSignInNeitherUsesUpTheLimitNorShowsIt(t *testing.T) {
	t.Parallel()
	f := newFixture(t, limitWallet(0.5, 2))
	key := newKey(t)
	s := f.start(t, string(key.Address()))
	signature := key.SignPersonal(s.message)
	bearer := f.verify(t, s.handle, signature).text(t, "session_jwt")
	repeat := func(when string) {
		t.Helper()
		for range 10 {
			if got := f.verify(t, s.handle, signature); got.status != http.StatusUnauthorized || got.code(t) != "sign_in_failed" {
				t.Fatalf("%s: got %d %s", when, got.status, got.body)
			}
		}
	}
	repeat("before the limit")
	f.mint(t, bearer, "").members(t)
	repeat("at the limit")
	f.mint(t, bearer, "").limited(t, 2)
	repeat("beyond the limit")
	f.clock.advance(2 * time.Second)
	f.mint(t, bearer, "").members(t)
}

func TestSignInsAtTheSameTimeArePaidFor(t *testing.T) {
	t.Parallel()
	f := newFixture(t, limitWallet(1, 1))
	key := newKey(t)
	const racers = 8
	var granted, limited atomic.Int32
	var racing sync.WaitGroup
	for range racers {
		s := f.start(t, string(key.Address()))
		signature := key.SignPersonal(s.message)
		racing.Go(func() {
			switch f.verify(t, s.handle, signature).status {
			case http.StatusOK:
				granted.Add(1)
			case http.StatusTooManyRequests:
				limited.Add(1)
			}
		})
	}
	racing.Wait()
	if granted.Load() < 1 || granted.Load()+limited.Load() != racers {
		t.Errorf("%d were granted, %d limited", granted.Load(), limited.Load())
	}
	s := f.start(t, string(key.Address()))
	f.verify(t, s.handle, key.SignPersonal(s.message)).limited(t, int(granted.Load()))
}

func TestALimitedSignInNeedsTheStoreToo(t *testing.T) {
	t.Parallel()
	f := newFixture(t, limitWallet(0.5, 1))
	lost := f.replica(t, func(o *broker.Options) { o.Nonces = &losing{Store: challenge.NewMemory(f.clock.Now, time.Hour)} })
	key := newKey(t)
	lost.signIn(t, key)
	s := lost.start(t, string(key.Address()))
	got := lost.verify(t, s.handle, key.SignPersonal(s.message))
	if got.status != http.StatusServiceUnavailable || got.code(t) != "sign_in_unavailable" {
		t.Errorf("got %d %s", got.status, got.body)
	}
	if got := lost.value(t, "nonce_store_errors_total"); got != 1 {
		t.Errorf("%v errors were counted", got)
	}
}

// losing is a store that takes nonces and does not tell which it took.
type losing struct{ challenge.Store }

func (losing) Used(context.Context, challenge.Epoch, challenge.Nonce) (bool, error) {
	return false, challenge.ErrUnavailable
}

func TestAWalletIsNotLimitedByWhoIsNotItsOwner(t *testing.T) {
	t.Parallel()
	f := newFixture(t, limitWallet(0.001, 2))
	key := newKey(t)
	for range 5 {
		s := f.start(t, string(key.Address()))
		if got := f.verify(t, s.handle, newKey(t).SignPersonal(s.message)); got.status != http.StatusUnauthorized {
			t.Fatalf("got %d %s", got.status, got.body)
		}
	}
	bearer := f.signIn(t, key)
	if got := f.mint(t, bearer+"x", ""); got.status != http.StatusUnauthorized {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	f.mint(t, bearer, "").members(t)
}

func TestAReloadKeepsWhatWasCounted(t *testing.T) {
	t.Parallel()
	f := newFixture(t, limitClient(0.001, 1))
	f.post(t, startPath, "{}")
	next := *f.config
	next.Login.Statement = "Another statement."
	next.Limits.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	if err := f.reload(t, &next, newKeys(t)); err != nil {
		t.Fatal(err)
	}
	f.post(t, startPath, "{}").limited(t, 1000)
}

func TestAReloadTakesAnotherRate(t *testing.T) {
	t.Parallel()
	f := newFixture(t, limitClient(0.001, 1))
	f.post(t, startPath, "{}")
	next := *f.config
	limitClient(0.1, 2)(&next)
	if err := f.reload(t, &next, f.keys); err != nil {
		t.Fatal(err)
	}
	f.post(t, startPath, "{}")
	f.post(t, startPath, "{}")
	f.post(t, startPath, "{}").limited(t, 10)
}
