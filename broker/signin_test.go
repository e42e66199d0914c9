package broker_test

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/litentry/wallet-federation/internal/brokerconfig"
	"github.com/litentry/wallet-federation/internal/wallet"
)

const alice = "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"

func TestStartAnswersWithTheWholeMessage(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	got := f.post(t, startPath, `{"address":"`+alice+`","chain_id":1}`)
	members := got.members(t)
	nonce, _ := members["nonce"].(string)
	want := `broker.example.org wants you to sign in with your Ethereum account:
0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed

Sign in to see your bots.

URI: https://broker.example.org
Version: 1
Chain ID: 1
Nonce: ` + nonce + `
Issued At: 2026-01-02T03:04:05Z
Expiration Time: 2026-01-02T03:09:05Z`
	if diff := cmp.Diff(want, members["siwe_message"]); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
	if members["expires_at"] != float64(epoch.Add(5*time.Minute).Unix()) {
		t.Errorf("expires_at is %v", members["expires_at"])
	}
	handle, _ := members["request_id"].(string)
	if len(handle) < 22 || len(nonce) < 22 || handle == nonce || len(members) != 4 {
		t.Errorf("got %v", members)
	}
	if got.header.Get("Cache-Control") != "no-store" || got.header.Get("Content-Type") != "application/json" {
		t.Errorf("headers: %v", got.header)
	}
	if again := f.start(t, alice); again.handle == handle || strings.Contains(again.message, nonce) {
		t.Error("the second challenge repeats the first")
	}
}

func TestStartTakesEveryHonestSpelling(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *brokerconfig.Config) { c.Login.ChainIDs = []uint64{1, 8453} })
	for name, c := range map[string]struct{ body, contentType string }{
		"lower case":                    {`{"address":"` + alice + `","chain_id":1}`, "application/json"},
		"EIP-55":                        {`{"address":"` + wallet.Address(alice).Checksum() + `","chain_id":1}`, "application/json"},
		"the other chain":               {`{"address":"` + alice + `","chain_id":8453}`, "application/json"},
		"white space":                   {" {\n\"chain_id\" : 1 , \"address\" : \"" + alice + "\" }\n", "application/json"},
		"charset given":                 {`{"address":"` + alice + `","chain_id":1}`, "application/json; charset=utf-8"},
		"media type in upper case":      {`{"address":"` + alice + `","chain_id":1}`, "Application/JSON;charset=UTF-8"},
		"an escape that means the same": {`{"address":"\u0030x` + alice[2:] + `","chain_id":1}`, "application/json"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f.send(t, http.MethodPost, startPath, c.body, "Content-Type", c.contentType).members(t)
		})
	}
}

func TestSignInYieldsASessionOfExactlyThatWallet(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	key := newKey(t)
	// The start names the wallet by its checksum, the session in lower case.
	s := f.start(t, key.Address().Checksum())
	got := f.verify(t, s.handle, key.SignPersonal(s.message))
	members := got.members(t)
	if members["wallet"] != string(key.Address()) || members["expires_at"] != float64(epoch.Add(time.Hour).Unix()) || len(members) != 3 {
		t.Errorf("got %v", members)
	}
	if got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("Cache-Control is %q", got.header.Get("Cache-Control"))
	}
}

func TestAChallengeIsGoodOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	key := newKey(t)
	s := f.start(t, string(key.Address()))
	signature := key.SignPersonal(s.message)
	f.verify(t, s.handle, signature).members(t)
	if got := f.verify(t, s.handle, signature); got.status != http.StatusUnauthorized || got.code(t) != "sign_in_failed" {
		t.Errorf("the replay got %d %s", got.status, got.body)
	}
}

func TestAChallengeIsGoodOnceForManyAtOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	key := newKey(t)
	s := f.start(t, string(key.Address()))
	signature := key.SignPersonal(s.message)
	var granted atomic.Int32
	var racing sync.WaitGroup
	for range 16 {
		racing.Go(func() {
			if f.verify(t, s.handle, signature).status == http.StatusOK {
				granted.Add(1)
			}
		})
	}
	racing.Wait()
	if granted.Load() != 1 {
		t.Errorf("%d sessions were granted", granted.Load())
	}
}

func TestAChallengeExpires(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	key := newKey(t)
	early, late := f.start(t, string(key.Address())), f.start(t, string(key.Address()))
	// Half a minute more, for replicas whose clocks differ.
	f.clock.advance(5*time.Minute + 29*time.Second)
	f.verify(t, early.handle, key.SignPersonal(early.message)).members(t)
	f.clock.advance(time.Second)
	if got := f.verify(t, late.handle, key.SignPersonal(late.message)); got.status != http.StatusUnauthorized {
		t.Errorf("the expired one got %d %s", got.status, got.body)
	}
}

func TestAChallengeOfAChainThatWasWithdrawnIsRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	key := newKey(t)
	s := f.start(t, string(key.Address()))
	next := newConfig()
	next.Login.ChainIDs = []uint64{10}
	if err := f.reload(t, next, f.keys); err != nil {
		t.Fatal(err)
	}
	if got := f.verify(t, s.handle, key.SignPersonal(s.message)); got.status != http.StatusUnauthorized {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

func TestAdmission(t *testing.T) {
	t.Parallel()
	listed, probe, stranger := newKey(t), newKey(t), newKey(t)
	f := newFixture(t, func(c *brokerconfig.Config) {
		c.Admission = brokerconfig.Admission{
			Mode:         brokerconfig.AllowList,
			Wallets:      []wallet.Address{listed.Address()},
			ProbeWallets: []wallet.Address{probe.Address()},
		}
	})
	f.mint(t, f.signIn(t, listed), "").members(t)
	f.mint(t, f.signIn(t, probe), "").members(t)

	// A stranger gets a challenge like anyone, so that asking tells nothing.
	s := f.start(t, string(stranger.Address()))
	if got := f.verify(t, s.handle, listed.SignPersonal(s.message)); got.status != http.StatusUnauthorized {
		t.Errorf("before the signature is right: %d %s, want 401", got.status, got.body)
	}
	got := f.verify(t, s.handle, stranger.SignPersonal(s.message))
	if got.status != http.StatusForbidden || got.code(t) != "not_admitted" {
		t.Errorf("after the signature is right: %d %s, want 403 not_admitted", got.status, got.body)
	}
	if again := f.verify(t, s.handle, stranger.SignPersonal(s.message)); again.status != http.StatusUnauthorized {
		t.Errorf("the challenge was not used up: %d %s", again.status, again.body)
	}
}

func TestAWalletTakenOffTheListMintsNoMore(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	bearer := f.signIn(t, newKey(t))
	f.mint(t, bearer, "").members(t)
	next := newConfig()
	next.Admission = brokerconfig.Admission{Mode: brokerconfig.AllowList}
	if err := f.reload(t, next, f.keys); err != nil {
		t.Fatal(err)
	}
	if got := f.mint(t, bearer, ""); got.status != http.StatusForbidden || got.code(t) != "not_admitted" {
		t.Errorf("got %d %s", got.status, got.body)
	}
}
