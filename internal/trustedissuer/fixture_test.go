package trustedissuer_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"

	"github.com/litentry/wallet-federation/internal/brokerconfig"
	"github.com/litentry/wallet-federation/internal/discovery"
	"github.com/litentry/wallet-federation/internal/trustedissuer"
)

const (
	alice    = "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"
	audience = "wallets"
	claim    = "https://example.com/wallet"
)

// epoch is when every test begins.
var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// provider is an issuer whose answers the test holds.
type provider struct {
	*httptest.Server
	mu        sync.Mutex
	answers   map[string]http.HandlerFunc // by path
	documents int                         // how often discovery was asked for
	keys      int                         // how often the keys were
}

// newProvider serves a discovery document and these keys over TLS.
func newProvider(t testing.TB, keys ...jwk.Key) *provider {
	t.Helper()
	p := &provider{answers: map[string]http.HandlerFunc{}}
	p.Server = httptest.NewUnstartedServer(p)
	p.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	p.StartTLS()
	t.Cleanup(p.Close)
	p.answer(discovery.ConfigurationPath, marshal(t, map[string]any{"issuer": p.URL, "jwks_uri": p.URL + discovery.JWKSPath}))
	p.publish(t, keys...)
	return p
}

// ServeHTTP implements http.Handler.
func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	answer, found := p.answers[r.URL.Path]
	switch r.URL.Path {
	case discovery.ConfigurationPath:
		p.documents++
	case discovery.JWKSPath:
		p.keys++
	default:
	}
	p.mu.Unlock()
	if !found {
		http.NotFound(w, r)
		return
	}
	answer(w, r)
}

func (p *provider) handle(path string, answer http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers[path] = answer
}

func (p *provider) answer(path, body string) {
	p.handle(path, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })
}

func (p *provider) fail(path string, status int) {
	p.handle(path, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
}

func (p *provider) publish(t testing.TB, keys ...jwk.Key) {
	t.Helper()
	if keys == nil {
		keys = []jwk.Key{}
	}
	p.answer(discovery.JWKSPath, marshal(t, map[string]any{"keys": keys}))
}

// reads returns how often the discovery document and the keys were read.
func (p *provider) reads() [2]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return [2]int{p.documents, p.keys}
}

// trusted is how the provider is configured.
func (p *provider) trusted() brokerconfig.TrustedIssuer {
	return brokerconfig.TrustedIssuer{Issuer: p.URL, Audiences: []string{audience, "agents"}, WalletClaim: claim}
}

// options are those of a verifier that reaches the provider.
func (p *provider) options(c *clock) trustedissuer.Options {
	pool := x509.NewCertPool()
	pool.AddCert(p.Certificate())
	return trustedissuer.Options{Now: c.Now, RootCAs: pool}
}

func (p *provider) verifier(c *clock) *trustedissuer.Verifier {
	return trustedissuer.New(p.options(c)).With([]brokerconfig.TrustedIssuer{p.trusted()})
}

// claims are those of a good token; change may be nil.
func (p *provider) claims(change map[string]any) map[string]any {
	claims := map[string]any{
		"iss": p.URL, "sub": "user", "aud": audience, "iat": epoch.Unix(), "exp": epoch.Unix() + 3600,
		"jti": "a-token", claim: alice, "nested": map[string]any{"iss": "x", "a": []int{1}},
	}
	maps.Copy(claims, change)
	maps.DeleteFunc(claims, func(_ string, value any) bool { return value == absent{} })
	return claims
}

// absent takes the place of a claim that is left out.
type absent struct{}

// token is a good one, signed by a key.
func (p *provider) token(t testing.TB, by *signer) string {
	t.Helper()
	return by.sign(t, by.header(nil), p.claims(nil))
}

// signer signs tokens.
type signer struct {
	id        string
	algorithm jwa.SignatureAlgorithm
	private   any
	public    jwk.Key
}

func newSigner(t testing.TB, id string, algorithm jwa.SignatureAlgorithm, private any) *signer {
	t.Helper()
	key, err := jwk.FromRaw(private)
	if err != nil {
		t.Fatal(err)
	}
	public, err := key.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	if err := public.Set(jwk.KeyIDKey, id); err != nil {
		t.Fatal(err)
	}
	return &signer{id: id, algorithm: algorithm, private: private, public: public}
}

func newEC(t testing.TB, id string, algorithm jwa.SignatureAlgorithm, curve elliptic.Curve) *signer {
	t.Helper()
	private, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return newSigner(t, id, algorithm, private)
}

func newES256(t testing.TB, id string) *signer {
	t.Helper()
	return newEC(t, id, jwa.ES256, elliptic.P256())
}

func newRSA(t testing.TB, id string, bits int) *signer {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return newSigner(t, id, jwa.RS256, private)
}

func newEdDSA(t testing.TB, id string) *signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return newSigner(t, id, jwa.EdDSA, private)
}

// with returns the public key with another member.
func (s *signer) with(t testing.TB, member string, value any) jwk.Key {
	t.Helper()
	key, err := s.public.Clone()
	if err != nil {
		t.Fatal(err)
	}
	if err := key.Set(member, value); err != nil {
		t.Fatal(err)
	}
	return key
}

// header is that of a good token; change may be nil.
func (s *signer) header(change map[string]any) map[string]any {
	header := map[string]any{"alg": s.algorithm.String(), "kid": s.id, "typ": "JWT"}
	maps.Copy(header, change)
	maps.DeleteFunc(header, func(_ string, value any) bool { return value == absent{} })
	return header
}

func (s *signer) sign(t testing.TB, header, claims any) string {
	t.Helper()
	return s.signText(t, marshal(t, header), marshal(t, claims))
}

// signText signs a header and a payload that need not be JSON.
func (s *signer) signText(t testing.TB, header, payload string) string {
	t.Helper()
	return s.signSegments(t, encode(header), encode(payload))
}

func (s *signer) signSegments(t testing.TB, header, payload string) string {
	t.Helper()
	by, err := jws.NewSigner(s.algorithm)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := by.Sign([]byte(header+"."+payload), s.private)
	if err != nil {
		t.Fatal(err)
	}
	return header + "." + payload + "." + encode(string(signature))
}

func encode(data string) string { return base64.RawURLEncoding.EncodeToString([]byte(data)) }

func marshal(t testing.TB, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
