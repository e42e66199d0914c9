package broker_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/litentry/wallet-federation/broker"
	"github.com/litentry/wallet-federation/internal/admission"
	"github.com/litentry/wallet-federation/internal/brokerconfig"
	"github.com/litentry/wallet-federation/internal/signingkey"
	"github.com/litentry/wallet-federation/internal/token"
	"github.com/litentry/wallet-federation/internal/wallet"
)

const bob = "0xfb6916095ca1df60bb79ce92ce3ea74c37c5d359"

// trusted is another issuer, on this machine, and a broker that trusts it.
type trusted struct {
	*fixture
	url     string
	signing *signingkey.Set
	down    atomic.Bool
}

// newTrusted makes both; change is for the broker's configuration.
func newTrusted(t testing.TB, change ...func(*brokerconfig.Config)) *trusted {
	t.Helper()
	o := &trusted{signing: newKeys(t)}
	server := httptest.NewServer(o)
	t.Cleanup(server.Close)
	o.url = server.URL
	o.fixture = newFixture(t, append(change, func(c *brokerconfig.Config) {
		c.Login.TrustedIssuers = []brokerconfig.TrustedIssuer{{Issuer: o.url, Audiences: []string{"wallets"}, WalletClaim: "wallet"}}
	})...)
	return o
}

// ServeHTTP implements http.Handler.
func (o *trusted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case o.down.Load():
		w.WriteHeader(http.StatusBadGateway)
	case r.URL.Path == discoveryPath:
		_, _ = w.Write([]byte(`{"issuer":"` + o.url + `","jwks_uri":"` + o.url + `/keys"}`))
	default:
		data, _ := o.signing.JWKS()
		_, _ = w.Write(data)
	}
}

// token is one of the other issuer for alice; change may be nil.
func (o *trusted) token(t testing.TB, change map[string]any) string {
	t.Helper()
	claims := map[string]any{
		"iss": o.url, "sub": "user", "aud": "wallets", "wallet": alice, "jti": "the-token",
		"iat": epoch.Unix(), "exp": epoch.Unix() + 600,
	}
	maps.Copy(claims, change)
	maps.DeleteFunc(claims, func(_ string, value any) bool { return value == nil })
	signed, err := token.Sign(o.signing.Active(), claims)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func TestATokenOfATrustedIssuerMintsForItsWallet(t *testing.T) {
	t.Parallel()
	o := newTrusted(t)
	given := o.token(t, map[string]any{"wallet": wallet.Address(alice).Checksum()})
	var got answer
	record := lastRecord(t, o.fixture, func() { got = o.mint(t, given, `{"role_arn":"`+role+`"}`) })
	minted := got.text(t, "jwt")
	if members := got.members(t); members["wallet"] != alice || members["expiration"] != float64(epoch.Unix()+300) || len(members) != 3 {
		t.Errorf("got %v", members)
	}
	claims := o.verifiedClaims(t, minted)
	if claims["sub"] != "agentkeys:agent:"+alice || claims["agentkeys_user_wallet"] != alice || claims["iss"] != issuer {
		t.Errorf("got %v", claims)
	}
	want := map[string]any{
		"event": "mint", "outcome": "ok", "reason": "ok", "wallet": alice,
		"kid": o.keys.Active().ID, "jti": idOf(t, minted), "role": role,
		"client": "192.0.2.1", "via": o.url, "session": "the-token", "bearer_sha256": hashOf(given),
	}
	if diff := cmp.Diff(want, record, ignoreLogFields); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
	// Sessions are as good as before.
	o.mint(t, o.signIn(t, newKey(t)), "").members(t)
}

func TestTokensThatProveNothingAreRecordedWithTheReason(t *testing.T) {
	t.Parallel()
	o := newTrusted(t, revokeBob)
	for name, c := range o.worthless(t) {
		t.Run(name, func(t *testing.T) {
			record := lastRecord(t, o.fixture, func() { o.mint(t, c.bearer, "") })
			via, _ := record["via"].(string)
			if record["outcome"] != "refused" || via != c.via || record["reason"] != c.reason {
				t.Errorf("got %v, want %s, %q", record, c.reason, c.via)
			}
		})
	}
}

func TestRevocationsGoByTheTimeOfTheToken(t *testing.T) {
	t.Parallel()
	for name, revocation := range map[string]brokerconfig.Revocation{
		"of the wallet":  {Wallet: alice, Before: epoch.Add(10 * time.Second)},
		"of all wallets": {Before: epoch.Add(10 * time.Second)},
	} {
		o := newTrusted(t, func(c *brokerconfig.Config) { c.Revocations = []brokerconfig.Revocation{revocation} })
		if got := o.mint(t, o.token(t, map[string]any{"iat": epoch.Unix() + 9}), ""); got.status != http.StatusUnauthorized {
			t.Errorf("%s, before it: %d %s", name, got.status, got.body)
		}
		if got := o.mint(t, o.token(t, map[string]any{"iat": epoch.Unix() + 10}), ""); got.status != http.StatusOK {
			t.Errorf("%s, after it: %d %s", name, got.status, got.body)
		}
	}
}

func TestWalletsOfTrustedIssuersHaveToBeAdmitted(t *testing.T) {
	t.Parallel()
	o := newTrusted(t, func(c *brokerconfig.Config) {
		c.Admission = brokerconfig.Admission{Mode: brokerconfig.AllowList, Wallets: []wallet.Address{bob}}
	})
	o.mint(t, o.token(t, map[string]any{"wallet": bob}), "").members(t)
	record := lastRecord(t, o.fixture, func() {
		if got := o.mint(t, o.token(t, nil), ""); got.status != http.StatusForbidden || got.code(t) != "not_admitted" {
			t.Errorf("got %d %s", got.status, got.body)
		}
	})
	if record["reason"] != "not_admitted" || record["wallet"] != alice {
		t.Errorf("record: %v", record)
	}
	list, err := admission.NewList([]wallet.Address{alice})
	if err != nil {
		t.Fatal(err)
	}
	state := o.state(t)
	state.Admitted = list
	if err := o.server.Reload(state); err != nil {
		t.Fatal(err)
	}
	o.mint(t, o.token(t, nil), "").members(t)
}

func TestAnIssuerThatIsAwayKeepsNobodyElseOut(t *testing.T) {
	t.Parallel()
	o := newTrusted(t)
	o.down.Store(true)
	session := o.signIn(t, newKey(t))
	for range 3 {
		record := lastRecord(t, o.fixture, func() {
			got := o.mint(t, o.token(t, nil), "")
			if got.status != http.StatusServiceUnavailable || got.code(t) != "issuer_unavailable" || got.header.Get("Retry-After") != "10" {
				t.Errorf("got %d %v %s", got.status, got.header, got.body)
			}
		})
		if record["reason"] != "issuer_unavailable" || record["via"] != o.url || record["wallet"] != nil {
			t.Errorf("record: %v", record)
		}
		o.mint(t, session, "").members(t)
	}
	if told := strings.Count(o.log.String(), "the keys of a trusted issuer could not be read"); told != 1 {
		t.Errorf("the log says so %d times, want once", told)
	}
	o.down.Store(false)
	o.clock.advance(10 * time.Second)
	o.mint(t, o.token(t, nil), "").members(t)
}

func TestTrustedIssuersComeAndGoWithTheConfiguration(t *testing.T) {
	t.Parallel()
	o := newTrusted(t)
	given := o.token(t, nil)
	o.mint(t, given, "").members(t)
	// Keys that were read are kept.
	o.down.Store(true)
	if err := o.reload(t, o.config, o.keys); err != nil {
		t.Fatal(err)
	}
	o.mint(t, given, "").members(t)
	without := newConfig()
	if err := o.reload(t, without, o.keys); err != nil {
		t.Fatal(err)
	}
	record := lastRecord(t, o.fixture, func() {
		if got := o.mint(t, given, ""); got.status != http.StatusUnauthorized {
			t.Errorf("got %d %s", got.status, got.body)
		}
	})
	if record["reason"] != "bearer_malformed" {
		t.Errorf("record: %v", record)
	}
}

func TestTheIssuerCannotTrustItself(t *testing.T) {
	t.Parallel()
	config := newConfig()
	config.Login.TrustedIssuers = []brokerconfig.TrustedIssuer{{Issuer: issuer, Audiences: []string{"sts.amazonaws.com"}, WalletClaim: "agentkeys_user_wallet"}}
	_, err := broker.New(broker.Options{State: broker.State{Config: config, Keys: newKeys(t), SessionKeys: sessionKeys(t)}})
	if err == nil {
		t.Error("it was taken")
	}
}
