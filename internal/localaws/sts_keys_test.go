package localaws_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/litentry/wallet-federation/internal/localaws"
)

func cachedFor(lifetime time.Duration) func(*localaws.Options) {
	return func(o *localaws.Options) { o.JWKSCache = lifetime }
}

func TestKeysAreFetchedLive(t *testing.T) {
	t.Parallel()
	f := newFederation(t)
	_, err := f.buy(t, nil)
	wantCode(t, err, "")
	f.issuer.jwks.Store([]map[string]any{publicJWK(t, "RS256")})
	_, err = f.buy(t, nil)
	wantRefusal(t, err, "InvalidIdentityToken", noKey)
	if got := f.issuer.fetches.Load(); got != 2 {
		t.Errorf("the key set was fetched %d times, want 2", got)
	}
}

// TestRotationUnderACache has what makes a rotation hard: a key that is new is
// unknown, and a key that is gone is still good, until the cache expires.
func TestRotationUnderACache(t *testing.T) {
	t.Parallel()
	const lifetime = 10 * time.Minute
	f := newFederation(t, cachedFor(lifetime))
	buy := func(alg string, after time.Duration) error {
		f.elapsed.Store(int64(after))
		payload := mustJSON(t, f.issuer.claimsAt(f.now.Add(after)))
		_, err := f.exchange(t.Context(), f.role, signToken(t, map[string]any{"alg": alg, "kid": alg}, []byte(payload), alg))
		return err
	}
	f.issuer.jwks.Store([]map[string]any{publicJWK(t, "RS256")})
	wantCode(t, buy("RS256", 0), "")
	f.issuer.jwks.Store([]map[string]any{publicJWK(t, "ES256")})
	for name, step := range map[string]time.Duration{"at once": 0, "at the last moment": lifetime - 1} {
		if err := buy("ES256", step); err == nil {
			t.Errorf("%s, the new key is known", name)
		}
		wantCode(t, buy("RS256", step), "")
	}
	if got := f.issuer.fetches.Load(); got != 1 {
		t.Errorf("the key set was fetched %d times, want once", got)
	}
	wantCode(t, buy("ES256", lifetime), "")
	wantRefusal(t, buy("RS256", lifetime), "InvalidIdentityToken", noKey)
	if got := f.issuer.fetches.Load(); got != 2 {
		t.Errorf("the key set was fetched %d times, want twice", got)
	}
}

func TestFailuresAreNotCached(t *testing.T) {
	t.Parallel()
	f := newFederation(t, cachedFor(time.Hour))
	good := f.issuer.Config.Handler
	f.issuer.Config.Handler = http.NotFoundHandler()
	_, err := f.buy(t, nil)
	wantRefusal(t, err, "InvalidIdentityToken", noKey)
	f.issuer.Config.Handler = good
	_, err = f.buy(t, nil)
	wantCode(t, err, "")
}

// TestExchangesShareAFetch lets many come while the first waits for the issuer.
// Who comes later finds the keys in the cache.
func TestExchangesShareAFetch(t *testing.T) {
	t.Parallel()
	f := newFederation(t, cachedFor(time.Hour))
	token := f.issuer.token(t, f.issuer.claimsAt(f.now))
	errs := make([]error, 16)
	var wait sync.WaitGroup
	for n := range errs {
		wait.Go(func() { _, errs[n] = f.exchange(t.Context(), f.role, token) })
	}
	wait.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(int32(1), f.issuer.fetches.Load()); diff != "" {
		t.Errorf("fetches of the key set (-want +got):\n%s", diff)
	}
}

// TestFetchOutlivesItsCaller gives up a call while the issuer is asked: those who
// wait for the same keys must not be given up with it.
func TestFetchOutlivesItsCaller(t *testing.T) {
	t.Parallel()
	f := newFederation(t, cachedFor(time.Hour))
	token := f.issuer.token(t, f.issuer.claimsAt(f.now))
	good, asked, release := f.issuer.Config.Handler, make(chan struct{}, 2), make(chan struct{})
	f.issuer.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-release
		good.ServeHTTP(w, r)
	})
	ctx, giveUp := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() {
		_, err := f.exchange(ctx, f.role, token)
		gone <- err
	}()
	<-asked
	giveUp()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Fatalf("the first call ended with %v", err)
	}
	close(release)
	_, err := f.exchange(t.Context(), f.role, token)
	wantCode(t, err, "")
	if got := f.issuer.fetches.Load(); got != 1 {
		t.Errorf("the key set was fetched %d times, want once", got)
	}
}

func TestNegativeCacheIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := localaws.New(localaws.Options{JWKSCache: -time.Second}); err == nil {
		t.Error("a negative lifetime is taken")
	}
}

// TestKeySetsThatNobodyRecorded holds the choice of a key to the rules that the
// recordings establish.
func TestKeySetsThatNobodyRecorded(t *testing.T) {
	t.Parallel()
	rsa := func(changes map[string]any) map[string]any { return with(publicJWK(t, "RS256"), changes) }
	many := func(count int, changes map[string]any) []map[string]any {
		keys := []map[string]any{rsa(nil)}
		for n := range count {
			keys = append(keys, with(rsa(map[string]any{"kid": strconv.Itoa(n)}), changes))
		}
		return keys
	}
	tests := map[string]struct {
		keys    []map[string]any
		header  map[string]any // added to the token's
		message string
	}{
		"100 keys of a type":                  {many(99, nil), nil, ""},
		"101 keys of a type":                  {many(100, nil), nil, noKey},
		"101 keys of a type, most of no use":  {many(100, map[string]any{"n": removed}), nil, noKey},
		"1,000 keys of types unheard of":      {many(999, map[string]any{"kty": "new"}), nil, ""},
		"1,001 keys":                          {many(1000, map[string]any{"kty": "new"}), nil, noKey},
		"the id of a key of another type":     {[]map[string]any{rsa(nil), with(publicJWK(t, "ES256"), map[string]any{"kid": "RS256"})}, nil, ""},
		"no key id, two keys":                 {many(1, nil), map[string]any{"kid": removed}, noKey},
		"no key id, one key of another type":  {[]map[string]any{publicJWK(t, "ES256")}, map[string]any{"kid": removed}, noKey},
		"no use, but operations":              {[]map[string]any{rsa(map[string]any{"use": removed, "key_ops": []string{"verify"}})}, nil, notValidated},
		"no operations":                       {[]map[string]any{rsa(map[string]any{"key_ops": []string{}})}, nil, notValidated},
		"no use":                              {[]map[string]any{rsa(map[string]any{"use": removed})}, nil, ""},
		"a use that is null":                  {[]map[string]any{rsa(map[string]any{"use": nil})}, nil, noKey},
		"a key id in another case":            {[]map[string]any{rsa(map[string]any{"kid": "rs256"})}, nil, noKey},
		"a second key of that id, of no use":  {[]map[string]any{rsa(nil), rsa(map[string]any{"n": removed})}, nil, ""},
		"a second key of that id, to encrypt": {[]map[string]any{rsa(nil), rsa(map[string]any{"use": "enc"})}, nil, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFederation(t)
			f.issuer.jwks.Store(test.keys)
			header := with(map[string]any{"alg": "RS256", "kid": "RS256"}, test.header)
			token := signToken(t, header, []byte(mustJSON(t, f.issuer.claimsAt(f.now))), "RS256")
			_, err := f.exchange(t.Context(), f.role, token)
			if test.message == "" {
				wantCode(t, err, "")
				return
			}
			wantRefusal(t, err, "InvalidIdentityToken", test.message)
		})
	}
}
