package trustedissuer_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/litentry/wallet-federation/internal/brokerconfig"
	"github.com/litentry/wallet-federation/internal/discovery"
	"github.com/litentry/wallet-federation/internal/trustedissuer"
)

// expect verifies a token and checks the error and how often discovery and keys
// were read so far; want is nil, a Refusal or ErrUnavailable.
func (p *provider) expect(t *testing.T, v *trustedissuer.Verifier, token string, want error, reads int) {
	t.Helper()
	if _, err := v.Verify(t.Context(), token); !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
	if diff := cmp.Diff([2]int{reads, reads}, p.reads()); diff != "" {
		t.Errorf("reads (-want +got):\n%s", diff)
	}
}

func TestKeysAreReadOnceInFiveMinutes(t *testing.T) {
	t.Parallel()
	key, c := newES256(t, "k"), &clock{now: epoch}
	p := newProvider(t, key.public)
	v := p.verifier(c)
	p.expect(t, v, p.token(t, key), nil, 1)
	c.advance(5*time.Minute - 1)
	p.expect(t, v, p.token(t, key), nil, 1)
	c.advance(1)
	p.expect(t, v, p.token(t, key), nil, 2)
	p.expect(t, v, p.token(t, key), nil, 2)
}

func TestANewKeyIsTakenAndAWithdrawnOneIsNot(t *testing.T) {
	t.Parallel()
	before, after, c := newES256(t, "before"), newES256(t, "after"), &clock{now: epoch}
	p := newProvider(t, before.public)
	v := p.verifier(c)
	p.expect(t, v, p.token(t, before), nil, 1)
	p.publish(t, after.public)
	c.advance(time.Minute)
	p.expect(t, v, p.token(t, before), nil, 1)
	p.expect(t, v, p.token(t, after), nil, 2)
	p.expect(t, v, p.token(t, before), trustedissuer.UnknownKey, 2)
}

func TestMadeUpKeysDoNotMakeTheIssuerBusy(t *testing.T) {
	t.Parallel()
	key, c := newES256(t, "k"), &clock{now: epoch}
	p := newProvider(t, key.public)
	v := p.verifier(c)
	for i := range 20 {
		stranger := newES256(t, strings.Repeat("x", i+1))
		p.expect(t, v, p.token(t, stranger), trustedissuer.UnknownKey, 1)
	}
	c.advance(30 * time.Second)
	p.expect(t, v, p.token(t, newES256(t, "x")), trustedissuer.UnknownKey, 2)
	p.expect(t, v, p.token(t, newES256(t, "y")), trustedissuer.UnknownKey, 2)
	p.expect(t, v, p.token(t, key), nil, 2)
}

func TestTokensThatCannotBeGoodReadNoKeys(t *testing.T) {
	t.Parallel()
	key := newES256(t, "k")
	p := newProvider(t, key.public)
	v := p.verifier(&clock{now: epoch})
	for _, change := range []map[string]any{{"exp": 1}, {"aud": "x"}, {claim: "x"}, {"iss": "x"}, {"iat": absent{}}} {
		if _, err := v.Verify(t.Context(), key.sign(t, key.header(nil), p.claims(change))); err == nil {
			t.Errorf("%v was taken", change)
		}
	}
	if p.reads() != [2]int{} {
		t.Errorf("%v reads", p.reads())
	}
}

func TestAnOutageIsBridgedWithOldKeysForAnHour(t *testing.T) {
	t.Parallel()
	key, c := newES256(t, "k"), &clock{now: epoch}
	p := newProvider(t, key.public)
	v := p.verifier(c)
	longLived := key.sign(t, key.header(nil), p.claims(map[string]any{"exp": epoch.Unix() + 86400}))
	p.expect(t, v, longLived, nil, 1)
	p.fail(discovery.ConfigurationPath, http.StatusBadGateway)

	c.advance(5 * time.Minute)
	if _, err := v.Verify(t.Context(), longLived); err != nil {
		t.Errorf("the first after the keys are old: %v", err)
	}
	// Whether a key that is not known is one cannot be told now.
	if _, err := v.Verify(t.Context(), p.token(t, newES256(t, "new"))); !errors.Is(err, trustedissuer.ErrUnavailable) {
		t.Errorf("a new key: %v", err)
	}
	if got := p.reads()[0]; got != 2 {
		t.Errorf("%d attempts, want one in 10 s", got-1)
	}
	c.advance(55*time.Minute - 1)
	if _, err := v.Verify(t.Context(), longLived); err != nil {
		t.Errorf("shortly before an hour: %v", err)
	}
	c.advance(1)
	if _, err := v.Verify(t.Context(), longLived); !errors.Is(err, trustedissuer.ErrUnavailable) {
		t.Errorf("after an hour: %v", err)
	}
	p.answer(discovery.ConfigurationPath, marshal(t, map[string]any{"issuer": p.URL, "jwks_uri": p.URL + discovery.JWKSPath}))
	c.advance(trustedissuer.RetryAfter)
	if _, err := v.Verify(t.Context(), longLived); err != nil {
		t.Errorf("after the outage: %v", err)
	}
}

func TestAnIssuerThatFailsIsLeftAloneForAWhile(t *testing.T) {
	t.Parallel()
	key := newES256(t, "k")
	for name, spoil := range map[string]func(*provider){
		"no discovery document":      func(p *provider) { p.fail(discovery.ConfigurationPath, http.StatusNotFound) },
		"an error":                   func(p *provider) { p.fail(discovery.ConfigurationPath, http.StatusInternalServerError) },
		"another issuer's document":  func(p *provider) { p.document(`{"issuer":"https://evil.example","jwks_uri":"URL/keys"}`) },
		"a document with a slash":    func(p *provider) { p.document(`{"issuer":"URL/","jwks_uri":"URL/.well-known/jwks.json"}`) },
		"keys over http":             func(p *provider) { p.document(`{"issuer":"URL","jwks_uri":"http://127.0.0.1/keys"}`) },
		"no keys":                    func(p *provider) { p.fail(discovery.JWKSPath, http.StatusNotFound) },
		"keys that are HTML":         func(p *provider) { p.answer(discovery.JWKSPath, "<html>") },
		"keys that are a list":       func(p *provider) { p.answer(discovery.JWKSPath, "[]") },
		"keys without keys":          func(p *provider) { p.answer(discovery.JWKSPath, "{}") },
		"keys in another case":       func(p *provider) { p.answer(discovery.JWKSPath, `{"Keys":[]}`) },
		"257 keys":                   func(p *provider) { p.answer(discovery.JWKSPath, `{"keys":[{}`+strings.Repeat(",{}", 256)+`]}`) },
		"a huge document":            func(p *provider) { p.document(`{"issuer":"URL","x":"` + strings.Repeat("a", 64<<10) + `"}`) },
		"huge keys":                  func(p *provider) { p.answer(discovery.JWKSPath, `{"keys":[]}`+strings.Repeat(" ", 1<<20)) },
		"a redirect to another host": func(p *provider) { p.redirect("https://example.com" + discovery.JWKSPath) },
		"a redirect to http":         func(p *provider) { p.redirect(strings.Replace(p.URL, "https", "http", 1) + "/keys") },
		"redirects without an end":   func(p *provider) { p.redirect(p.URL + discovery.JWKSPath) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, c := newProvider(t, key.public), &clock{now: epoch}
			options, failures := p.options(c), &atomic.Int32{}
			options.Report = func(issuer string, err error) {
				failures.Add(1)
				if issuer != p.URL || err == nil {
					t.Errorf("reported %q, %v", issuer, err)
				}
			}
			v := trustedissuer.New(options).With([]brokerconfig.TrustedIssuer{p.trusted()})
			spoil(p)
			for range 3 {
				if _, err := v.Verify(t.Context(), p.token(t, key)); !errors.Is(err, trustedissuer.ErrUnavailable) {
					t.Errorf("got %v", err)
				}
			}
			if p.reads()[0] != 1 || failures.Load() != 1 {
				t.Errorf("%d attempts, %d reports, want one", p.reads()[0], failures.Load())
			}
			c.advance(trustedissuer.RetryAfter)
			if _, err := v.Verify(t.Context(), p.token(t, key)); err == nil || p.reads()[0] != 2 {
				t.Errorf("got %v after %d attempts", err, p.reads()[0])
			}
		})
	}
}

// document serves a discovery document; URL in it stands for the provider's.
func (p *provider) document(body string) {
	p.answer(discovery.ConfigurationPath, strings.ReplaceAll(body, "URL", p.URL))
}

// redirect answers for the keys that they are elsewhere.
func (p *provider) redirect(target string) {
	p.handle(discovery.JWKSPath, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, target, http.StatusFound) })
}

func TestARedirectOnTheSameHostIsFollowed(t *testing.T) {
	t.Parallel()
	key := newES256(t, "k")
	p := newProvider(t)
	p.answer("/keys", marshal(t, map[string]any{"keys": []any{key.public}}))
	p.redirect("/keys")
	if _, err := p.verifier(&clock{now: epoch}).Verify(t.Context(), p.token(t, key)); err != nil {
		t.Error(err)
	}
}

func TestAnIssuerThatDoesNotAnswerIsGivenUp(t *testing.T) {
	t.Parallel()
	key := newES256(t, "k")
	p := newProvider(t, key.public)
	over := make(chan struct{})
	defer close(over)
	p.handle(discovery.JWKSPath, func(http.ResponseWriter, *http.Request) { <-over })

	options := p.options(&clock{now: epoch})
	options.Timeout = 50 * time.Millisecond
	v := trustedissuer.New(options).With([]brokerconfig.TrustedIssuer{p.trusted()})
	if _, err := v.Verify(t.Context(), p.token(t, key)); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, trustedissuer.ErrUnavailable) {
		t.Errorf("got %v", err)
	}

	// A caller who is gone is not waited for either.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.verifier(&clock{now: epoch}).Verify(ctx, p.token(t, key)); !errors.Is(err, context.Canceled) || !errors.Is(err, trustedissuer.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

func TestOneReadServesAllWhoWait(t *testing.T) {
	t.Parallel()
	const callers = 100
	key := newES256(t, "k")
	p := newProvider(t, key.public)
	v := p.verifier(&clock{now: epoch})
	begun, keys := sync.WaitGroup{}, p.answers[discovery.JWKSPath]
	begun.Add(callers)
	p.handle(discovery.JWKSPath, func(w http.ResponseWriter, r *http.Request) {
		begun.Wait()
		keys(w, r)
	})
	token := p.token(t, key)
	var done sync.WaitGroup
	for range callers {
		done.Go(func() {
			begun.Done()
			if _, err := v.Verify(t.Context(), token); err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	if p.reads() != [2]int{1, 1} {
		t.Errorf("%v reads, want one", p.reads())
	}
}

// The first caller may go away: the others wait for what it began.
func TestAReadOutlivesWhoBeganIt(t *testing.T) {
	t.Parallel()
	key := newES256(t, "k")
	p := newProvider(t, key.public)
	v := p.verifier(&clock{now: epoch})
	asked, answer, keys := make(chan struct{}), make(chan struct{}), p.answers[discovery.JWKSPath]
	p.handle(discovery.JWKSPath, func(w http.ResponseWriter, r *http.Request) {
		close(asked)
		<-answer
		keys(w, r)
	})
	first, leave := context.WithCancel(t.Context())
	token := p.token(t, key)
	var done sync.WaitGroup
	done.Go(func() {
		if _, err := v.Verify(first, token); !errors.Is(err, context.Canceled) {
			t.Errorf("the first: %v", err)
		}
	})
	<-asked
	leave()
	done.Wait()
	done.Go(func() {
		if _, err := v.Verify(t.Context(), token); err != nil {
			t.Errorf("the second: %v", err)
		}
	})
	close(answer)
	done.Wait()
	if p.reads() != [2]int{1, 1} {
		t.Errorf("%v reads, want one", p.reads())
	}
}

func TestAnotherListKeepsTheKeysOfThoseThatStay(t *testing.T) {
	t.Parallel()
	key, c := newES256(t, "k"), &clock{now: epoch}
	p := newProvider(t, key.public)
	v := p.verifier(c)
	p.expect(t, v, p.token(t, key), nil, 1)
	changed := p.trusted()
	changed.Audiences = []string{"others"}
	v = v.With([]brokerconfig.TrustedIssuer{{Issuer: "https://another.example"}, changed})
	p.expect(t, v, p.token(t, key), trustedissuer.WrongAudience, 1)
	p.expect(t, v, key.sign(t, key.header(nil), p.claims(map[string]any{"aud": "others"})), nil, 1)
}

func TestACertificateThatIsNotTrustedIsNot(t *testing.T) {
	t.Parallel()
	key := newES256(t, "k")
	p := newProvider(t, key.public)
	options := p.options(&clock{now: epoch})
	options.RootCAs = nil
	v := trustedissuer.New(options).With([]brokerconfig.TrustedIssuer{p.trusted()})
	if _, err := v.Verify(t.Context(), p.token(t, key)); !errors.Is(err, trustedissuer.ErrUnavailable) || p.reads() != [2]int{} {
		t.Errorf("got %v after %v reads", err, p.reads())
	}
}
