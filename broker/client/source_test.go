package client_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/litentry/wallet-federation/broker"
	"github.com/litentry/wallet-federation/broker/client"
	"github.com/litentry/wallet-federation/internal/brokerconfig"
	"github.com/litentry/wallet-federation/internal/session"
	"github.com/litentry/wallet-federation/internal/signingkey"
)

const issuer = "https://broker.example.org"

// fake is a real broker that is called without sockets, so that time can be the
// test's own, and that fails as the test says.
type fake struct {
	server *broker.Server
	state  broker.State
	client *client.Client
	signer client.Signer

	mu    sync.Mutex
	calls []string
	// fail answers instead of the broker if it returns true.
	fail func(path string, w http.ResponseWriter) bool
}

// RoundTrip implements [http.RoundTripper].
func (f *fake) RoundTrip(r *http.Request) (*http.Response, error) {
	f.mu.Lock()
	path := strings.TrimPrefix(r.URL.Path, "/v1/")
	f.calls = append(f.calls, path)
	fail := f.fail
	f.mu.Unlock()
	recorder := httptest.NewRecorder()
	if fail == nil || !fail(path, recorder) {
		inner := httptest.NewRequestWithContext(r.Context(), r.Method, r.URL.String(), r.Body)
		inner.Header = r.Header
		f.server.ServeHTTP(recorder, inner)
	}
	if recorder.Code == http.StatusTeapot {
		return nil, errors.New("the network is down")
	}
	return recorder.Result(), nil
}

// taken returns the calls so far and forgets them.
func (f *fake) taken() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	calls := f.calls
	f.calls = nil
	return calls
}

func (f *fake) failing(fail func(path string, w http.ResponseWriter) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = fail
}

// newFake has to be called where the test's time is.
func newFake(t *testing.T) *fake {
	t.Helper()
	config := brokerconfig.Default()
	config.Issuer, config.Admission.Mode, config.Roles = issuer, brokerconfig.Open, []string{role, role + "-2"}
	keys, err := signingkey.New(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{state: broker.State{Config: config, Keys: keys, SessionKeys: session.NewKeySet(time.Now())}}
	if f.server, err = broker.New(broker.Options{State: f.state}); err != nil {
		t.Fatal(err)
	}
	if f.client, err = client.New(issuer, &http.Client{Transport: f}); err != nil {
		t.Fatal(err)
	}
	if f.signer, err = client.ParseKey(newKey(t).Hex()); err != nil {
		t.Fatal(err)
	}
	return f
}

// pass lets the test's time pass, at once.
func pass(d time.Duration) { <-time.After(d) }

func token(t *testing.T, s *client.Source) client.Token {
	t.Helper()
	got, err := s.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if left := time.Until(got.Expiration); left <= 0 {
		t.Fatalf("the token expired %v ago", -left)
	}
	return got
}

func wantCalls(t *testing.T, f *fake, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, f.taken()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

const (
	callStart  = "auth/wallet/start"
	callVerify = "auth/wallet/verify"
	callMint   = "mint-oidc-jwt"
)

func TestATokenIsKeptUntilItsMarginAndASessionUntilItsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		s := client.NewSource(f.client, f.signer, client.SourceOptions{RoleARN: role, Margin: 2 * time.Minute})
		first := token(t, s)
		wantCalls(t, f, callStart, callVerify, callMint)
		if diff := cmp.Diff([]string{role}, rolesOf(t, first.JWT)); diff != "" {
			t.Errorf("roles (-want +got):\n%s", diff)
		}
		pass(3*time.Minute - time.Second)
		if again := token(t, s); again.JWT != first.JWT {
			t.Error("a token with its margin left was replaced")
		}
		wantCalls(t, f)
		pass(time.Second)
		if next := token(t, s); next.JWT == first.JWT || time.Until(next.Expiration) != 5*time.Minute {
			t.Error("a token without its margin was not replaced")
		}
		wantCalls(t, f, callMint)
		pass(time.Hour)
		token(t, s)
		wantCalls(t, f, callStart, callVerify, callMint)
	})
}

func TestAShortTokenIsKeptForHalfItsLife(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		config := *f.state.Config
		config.Token.LifetimeSeconds = 60
		if err := f.server.Reload(broker.State{Config: &config, Keys: f.state.Keys, SessionKeys: f.state.SessionKeys}); err != nil {
			t.Fatal(err)
		}
		s := client.NewSource(f.client, f.signer, client.SourceOptions{})
		first := token(t, s)
		pass(29 * time.Second)
		if token(t, s).JWT != first.JWT {
			t.Error("it was replaced before")
		}
		pass(2 * time.Second)
		if token(t, s).JWT == first.JWT {
			t.Error("it was not replaced after")
		}
	})
}

func TestManyCallersCauseOneSignInAndOneMint(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		f.failing(func(string, http.ResponseWriter) bool { pass(time.Second); return false })
		s := client.NewSource(f.client, f.signer, client.SourceOptions{})
		var callers sync.WaitGroup
		tokens := make([]client.Token, 100)
		for i := range tokens {
			callers.Go(func() { tokens[i] = token(t, s) })
		}
		callers.Wait()
		wantCalls(t, f, callStart, callVerify, callMint)
		if len(slices.Compact(tokens)) != 1 {
			t.Error("they have different tokens")
		}
	})
}

func TestACallerThatGivesUpDoesNotSpoilItForOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		f.failing(func(string, http.ResponseWriter) bool { pass(time.Second); return false })
		s := client.NewSource(f.client, f.signer, client.SourceOptions{})
		hasty, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := s.Token(hasty); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		token(t, s)
		wantCalls(t, f, callStart, callVerify, callMint)
	})
}

func TestASessionThatIsNotBelievedAnyMoreIsReplaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		s := client.NewSource(f.client, f.signer, client.SourceOptions{})
		token(t, s)
		f.taken()
		err := f.server.Reload(broker.State{Config: f.state.Config, Keys: f.state.Keys, SessionKeys: session.NewKeySet(time.Now())})
		if err != nil {
			t.Fatal(err)
		}
		pass(5 * time.Minute)
		token(t, s)
		wantCalls(t, f, callMint, callStart, callVerify, callMint)
	})
}

// refusing answers at every path of the prefix.
func refusing(status int, retryAfter string, prefix ...string) func(string, http.ResponseWriter) bool {
	return func(path string, w http.ResponseWriter) bool {
		if len(prefix) > 0 && !strings.HasPrefix(path, prefix[0]) {
			return false
		}
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		w.WriteHeader(status)
		return true
	}
}

func TestTheBrokerIsTriedAgainAsItAsks(t *testing.T) {
	t.Parallel()
	const networkDown = http.StatusTeapot
	for name, c := range map[string]struct {
		status     int
		retryAfter string
		calls      int
		// least and most are how long all tries take.
		least, most time.Duration
	}{
		"too many requests":           {http.StatusTooManyRequests, "3", 4, 9 * time.Second, 14 * time.Second},
		"sign-in is unavailable":      {http.StatusServiceUnavailable, "5", 4, 15 * time.Second, 23 * time.Second},
		"a proxy without a broker":    {http.StatusBadGateway, "", 4, 3500 * time.Millisecond, 5250 * time.Millisecond},
		"no network":                  {networkDown, "", 4, 3500 * time.Millisecond, 5250 * time.Millisecond},
		"not before long":             {http.StatusServiceUnavailable, "30", 1, 0, 0},
		"not before the end of times": {http.StatusTooManyRequests, "65535", 1, 0, 0},
		"never":                       {http.StatusForbidden, "", 1, 0, 0},
		"not with this message":       {http.StatusUnauthorized, "", 1, 0, 0},
		"an internal error":           {http.StatusInternalServerError, "", 1, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFake(t)
				f.failing(refusing(c.status, c.retryAfter))
				begun := time.Now()
				_, err := client.NewSource(f.client, f.signer, client.SourceOptions{}).Token(t.Context())
				took := time.Since(begun)
				if err == nil || len(f.taken()) != c.calls || took < c.least || took > c.most {
					t.Errorf("after %v: %v", took, err)
				}
				refusal, typed := errors.AsType[*client.Error](err)
				if typed != (c.status != networkDown) || typed && refusal.Status != c.status {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}

func TestAFailureIsRememberedForAsLongAsTheBrokerAsks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		f.failing(refusing(http.StatusServiceUnavailable, "30"))
		s := client.NewSource(f.client, f.signer, client.SourceOptions{})
		for range 29 {
			if _, err := s.Token(t.Context()); err == nil {
				t.Fatal("a token came from nowhere")
			}
			pass(time.Second)
		}
		wantCalls(t, f, callStart)
		f.failing(nil)
		pass(17 * time.Second) // with the jitter of half as much
		token(t, s)
	})
}

func TestATokenThatCannotBeReplacedIsUsedWhileItLasts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		s := client.NewSource(f.client, f.signer, client.SourceOptions{})
		first := token(t, s)
		f.taken()
		f.failing(refusing(http.StatusServiceUnavailable, "5"))
		pass(4*time.Minute + time.Second)
		begun := time.Now()
		if again := token(t, s); again.JWT != first.JWT || time.Since(begun) != 0 {
			t.Errorf("got another token after %v", time.Since(begun))
		}
		wantCalls(t, f, callMint)
		pass(50 * time.Second)
		if _, err := s.Token(t.Context()); err == nil {
			t.Error("a token was handed out that is about to expire")
		}
	})
}

func TestAWalletThatIsPutOutGetsNoMoreTokens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		s := client.NewSource(f.client, f.signer, client.SourceOptions{})
		token(t, s)
		f.failing(refusing(http.StatusForbidden, "", callMint))
		pass(4*time.Minute + time.Second)
		if _, err := s.Token(t.Context()); err == nil {
			t.Error("the old token was handed out")
		}
	})
}

func TestASourceIsWhatTheAWSSDKAsksFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		var retriever interface{ GetIdentityToken() ([]byte, error) } = client.NewSource(f.client, f.signer, client.SourceOptions{})
		jwt, err := retriever.GetIdentityToken()
		if err != nil || strings.Count(string(jwt), ".") != 2 {
			t.Errorf("got %q, %v", jwt, err)
		}
		f.failing(refusing(http.StatusForbidden, ""))
		pass(time.Hour)
		if jwt, err := retriever.GetIdentityToken(); err == nil || len(jwt) > 0 {
			t.Errorf("got %q, %v", jwt, err)
		}
	})
}

func TestParseKeyTellsNothingOfAKey(t *testing.T) {
	t.Parallel()
	if _, err := client.ParseKey("5ec237"); err == nil || strings.Contains(err.Error(), "5ec237") {
		t.Errorf("got %v", err)
	}
}
