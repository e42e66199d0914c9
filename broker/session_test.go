package broker_test

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/litentry/wallet-federation/broker"
	"github.com/litentry/wallet-federation/internal/admission"
	"github.com/litentry/wallet-federation/internal/brokerconfig"
	"github.com/litentry/wallet-federation/internal/challenge"
	"github.com/litentry/wallet-federation/internal/session"
)

// replica is another broker of the fixture's issuer, with the same files and
// clock, and what else change makes of it.
func (f *fixture) replica(t *testing.T, change func(*broker.Options)) *fixture {
	t.Helper()
	options := broker.Options{State: f.state(t), Now: f.clock.Now}
	change(&options)
	server, err := broker.New(options)
	if err != nil {
		t.Fatal(err)
	}
	twin := *f
	twin.server = server
	return &twin
}

func (f *fixture) revoke(t *testing.T, revocations ...brokerconfig.Revocation) {
	t.Helper()
	next := *f.config
	next.Revocations = revocations
	if err := f.reload(t, &next, f.keys); err != nil {
		t.Fatal(err)
	}
}

func TestARevokedSessionMintsNoMoreAndAnotherDoes(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	mallory, bob := newKey(t), newKey(t)
	stolen, honest := f.signIn(t, mallory), f.signIn(t, bob)
	want := f.mint(t, "no bearer", "")

	f.clock.advance(time.Minute)
	f.revoke(t, brokerconfig.Revocation{Wallet: mallory.Address(), Before: f.clock.Now()})
	if got := f.mint(t, stolen, ""); got.status != want.status || got.body != want.body {
		t.Errorf("the revoked one got %d %s, want what any bad bearer gets", got.status, got.body)
	}
	f.mint(t, honest, "").members(t)
	f.mint(t, f.signIn(t, mallory), "").members(t)

	f.clock.advance(time.Second)
	f.revoke(t, brokerconfig.Revocation{Before: f.clock.Now()})
	if got := f.mint(t, honest, ""); got.status != http.StatusUnauthorized {
		t.Errorf("after everybody's was revoked: %d %s", got.status, got.body)
	}
}

func TestARevocationToComeKeepsTheWalletOut(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	key := newKey(t)
	f.revoke(t, brokerconfig.Revocation{Wallet: key.Address(), Before: epoch.Add(time.Hour)})
	s := f.start(t, string(key.Address()))
	if got := f.verify(t, s.handle, key.SignPersonal(s.message)); got.status != http.StatusForbidden || got.code(t) != "not_admitted" {
		t.Errorf("got %d %s", got.status, got.body)
	}
	f.clock.advance(time.Hour)
	f.mint(t, f.signIn(t, key), "").members(t)
}

func TestWalletsOfAnAdmissionFileAreAdmitted(t *testing.T) {
	t.Parallel()
	listed, stranger := newKey(t), newKey(t)
	list, err := admission.Parse(strings.NewReader("# bots\n" + listed.Address().Checksum() + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture(t, func(c *brokerconfig.Config) { c.Admission.Mode = brokerconfig.AllowList })
	f = f.replica(t, func(o *broker.Options) { o.Admitted = list })
	f.mint(t, f.signIn(t, listed), "").members(t)
	s := f.start(t, string(stranger.Address()))
	if got := f.verify(t, s.handle, stranger.SignPersonal(s.message)); got.status != http.StatusForbidden {
		t.Errorf("a stranger got %d %s", got.status, got.body)
	}
}

// Replicas read a changed Secret at different moments: the one has the next step
// of a rotation, the other not yet.
func TestSessionsSurviveTheRotationOfTheirKeyOnReplicasThatLag(t *testing.T) {
	t.Parallel()
	schedule := session.Schedule{Interval: 24 * time.Hour, PublishAhead: time.Minute, RetireAfter: 2 * time.Hour}
	f := newFixture(t)
	ahead := session.NewKeySet(epoch)
	key := newKey(t)
	bearers := map[string]time.Time{}
	steps := 0
	for range 3 * 24 * 60 {
		behind := ahead
		if ahead, _ = ahead.Rotate(schedule, f.clock.Now()); ahead != behind {
			steps++
			newer := f.replica(t, func(o *broker.Options) { o.SessionKeys = ahead })
			older := f.replica(t, func(o *broker.Options) { o.SessionKeys = behind })
			for bearer, expires := range bearers {
				if !f.clock.Now().Before(expires) {
					delete(bearers, bearer)
					continue
				}
				newer.mint(t, bearer, "").members(t)
				older.mint(t, bearer, "").members(t)
			}
			older.mint(t, newer.signIn(t, key), "").members(t)
			bearer := older.signIn(t, key)
			newer.mint(t, bearer, "").members(t)
			bearers[bearer] = f.clock.Now().Add(time.Hour)
		}
		f.clock.advance(time.Minute)
	}
	if steps < 6 {
		t.Errorf("the keys went through %d steps in three days", steps)
	}
}

func TestAChallengeOfOneReplicaIsGoodAtAnotherAndStillOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	shared := challenge.NewMemory(f.clock.Now, time.Hour)
	one := f.replica(t, func(o *broker.Options) { o.Nonces = shared })
	other := f.replica(t, func(o *broker.Options) { o.Nonces = shared })
	key := newKey(t)
	s := one.start(t, string(key.Address()))
	signature := key.SignPersonal(s.message)
	one.mint(t, other.verify(t, s.handle, signature).text(t, "session_jwt"), "").members(t)
	for name, replica := range map[string]*fixture{"the one that started": one, "the one that verified": other} {
		if got := replica.verify(t, s.handle, signature); got.status != http.StatusUnauthorized {
			t.Errorf("%s took it again: %d %s", name, got.status, got.body)
		}
	}
}

// A broker that has forgotten which nonces were used must not believe any that
// it gave out before.
func TestChallengesAreVoidAfterARestart(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	key := newKey(t)
	s := f.start(t, string(key.Address()))
	restarted := f.replica(t, func(*broker.Options) {})
	if got := restarted.verify(t, s.handle, key.SignPersonal(s.message)); got.status != http.StatusUnauthorized {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

// away is a store that cannot be reached, or not any more.
type away struct {
	challenge.Store
	epoch bool
	err   error // default challenge.ErrUnavailable
}

func (a away) Epoch() (challenge.Epoch, error) {
	if a.epoch {
		return challenge.Epoch{}, nil
	}
	return challenge.Epoch{}, cmp.Or(a.err, challenge.ErrUnavailable)
}

func (away) Use(context.Context, challenge.Epoch, challenge.Nonce, time.Time) (bool, error) {
	return false, challenge.ErrUnavailable
}

func (away) Used(context.Context, challenge.Epoch, challenge.Nonce) (bool, error) {
	return false, challenge.ErrUnavailable
}

func TestSignInFailsClosedWithoutItsStoreAndTheRestGoesOn(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	key := newKey(t)
	bearer := f.signIn(t, key)
	down := f.replica(t, func(o *broker.Options) { o.Nonces = away{} })
	lost := f.replica(t, func(o *broker.Options) { o.Nonces = away{epoch: true} })
	s := lost.start(t, string(key.Address()))
	for name, got := range map[string]answer{
		"start":  down.post(t, startPath, `{"address":"`+alice+`","chain_id":1}`),
		"verify": lost.verify(t, s.handle, key.SignPersonal(s.message)),
	} {
		if got.status != http.StatusServiceUnavailable || got.code(t) != "sign_in_unavailable" || got.header.Get("Retry-After") == "" {
			t.Errorf("%s: got %d %v %s", name, got.status, got.header, got.body)
		}
	}
	// A bad signature is refused as ever: nobody learns from it how the store is.
	if got := lost.verify(t, s.handle, newKey(t).SignPersonal(s.message)); got.status != http.StatusUnauthorized {
		t.Errorf("a bad signature got %d %s", got.status, got.body)
	}
	down.mint(t, bearer, "").members(t)
	for _, path := range []string{discoveryPath, jwksPath, "/healthz", "/readyz"} {
		if got := down.send(t, http.MethodGet, path, ""); got.status != http.StatusOK {
			t.Errorf("%s answered %d %s", path, got.status, got.body)
		}
	}
}

func TestAFloodOfStartsDisplacesNobody(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *brokerconfig.Config) { c.Limits.Client.PerSecond = 0 })
	key := newKey(t)
	s := f.start(t, string(key.Address()))
	for range 5_000 {
		f.start(t, alice)
	}
	f.verify(t, s.handle, key.SignPersonal(s.message)).members(t)
}
