package broker_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/litentry/wallet-federation/broker"
	"github.com/litentry/wallet-federation/internal/brokerconfig"
)

// BenchmarkMint is a whole request without sockets: routing, bearer, admission,
// limits, role, token, audit record as JSON, metrics, answer.
func BenchmarkMint(b *testing.B) {
	f := newFixture(b, func(c *brokerconfig.Config) {
		c.Limits.Client = brokerconfig.Rate{PerSecond: 1e6, Burst: 1e6}
		c.Limits.Wallet = c.Limits.Client
	})
	server, err := broker.New(broker.Options{
		State: f.state(b), Now: time.Now,
		Logger: slog.New(slog.NewJSONHandler(discard{}, nil)),
	})
	if err != nil {
		b.Fatal(err)
	}
	f.server = server
	bearer := f.signIn(b, newKey(b))
	request := httptest.NewRequestWithContext(b.Context(), http.MethodPost, mintPath, http.NoBody)
	request.Header.Set("Authorization", "Bearer "+bearer)
	b.ReportAllocs()
	for b.Loop() {
		w := &writer{header: http.Header{}}
		server.ServeHTTP(w, request)
		if w.status != http.StatusOK {
			b.Fatalf("answered %d", w.status)
		}
	}
}

// BenchmarkExchange is BenchmarkMint by the other door.
func BenchmarkExchange(b *testing.B) {
	f := newFixture(b)
	server, err := broker.New(broker.Options{State: f.state(b)})
	if err != nil {
		b.Fatal(err)
	}
	f.server = server
	body := exchangeForm(f.signIn(b, newKey(b))).Encode()
	b.ReportAllocs()
	for b.Loop() {
		request := httptest.NewRequestWithContext(b.Context(), http.MethodPost, tokenPath, strings.NewReader(body))
		request.Header.Set("Content-Type", formType)
		w := &writer{header: http.Header{}}
		server.ServeHTTP(w, request)
		if w.status != http.StatusOK {
			b.Fatalf("answered %d", w.status)
		}
	}
}

// BenchmarkMintCrypto is what no mint can do without: verifying one HMAC and
// making one ES256 signature. The goal is that BenchmarkMint takes at most 1.3
// times as long.
func BenchmarkMintCrypto(b *testing.B) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	bearer, claims := make([]byte, 400), make([]byte, 800)
	mac := hmacOf(bearer)
	b.ReportAllocs()
	for b.Loop() {
		if !hmac.Equal(mac, hmacOf(bearer)) {
			b.Fatal("the MAC is wrong")
		}
		digest := sha256.Sum256(claims)
		if _, err := private.Sign(nil, digest[:], crypto.SHA256); err != nil {
			b.Fatal(err)
		}
	}
}

func hmacOf(data []byte) []byte {
	h := hmac.New(sha256.New, []byte(sessionKey))
	h.Write(data)
	return h.Sum(nil)
}

// discard is a writer that, unlike io.Discard, the logger cannot recognise.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// writer is the least that an http.ResponseWriter can be.
type writer struct {
	header http.Header
	status int
}

func (w *writer) Header() http.Header         { return w.header }
func (w *writer) WriteHeader(status int)      { w.status = status }
func (w *writer) Write(p []byte) (int, error) { return len(p), nil }
