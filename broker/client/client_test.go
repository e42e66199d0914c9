package client_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/litentry/wallet-federation/broker"
	"github.com/litentry/wallet-federation/broker/client"
	"github.com/litentry/wallet-federation/internal/brokerconfig"
	"github.com/litentry/wallet-federation/internal/session"
	"github.com/litentry/wallet-federation/internal/signingkey"
	"github.com/litentry/wallet-federation/internal/wallet"
)

const (
	role  = "arn:aws:iam::123456789012:role/bots"
	mint  = "/v1/mint-oidc-jwt"
	start = "/v1/auth/wallet/start"
	check = "/v1/auth/wallet/verify"
)

// newBroker serves a real broker whose issuer is the test server's own URL, and
// lets around change what passes in and out.
func newBroker(t *testing.T, change func(*brokerconfig.Config), around func(http.Handler) http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	config := brokerconfig.Default()
	config.Issuer = "http://" + server.Listener.Addr().String()
	config.Admission.Mode = brokerconfig.Open
	config.Roles = []string{role, role + "-2"}
	if change != nil {
		change(config)
	}
	keys, err := signingkey.New(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	service, err := broker.New(broker.Options{State: broker.State{Config: config, Keys: keys, SessionKeys: session.NewKeySet(time.Now())}})
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = service
	if around != nil {
		server.Config.Handler = around(service)
	}
	server.Start()
	t.Cleanup(server.Close)
	return server
}

func newClient(t *testing.T, server *httptest.Server) *client.Client {
	t.Helper()
	c, err := client.New(server.URL, server.Client())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newKey(t *testing.T) *wallet.Key {
	t.Helper()
	key, err := wallet.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestSignInAndMint(t *testing.T) {
	t.Parallel()
	c, key := newClient(t, newBroker(t, nil, nil)), newKey(t)
	session, err := c.SignIn(t.Context(), client.KeySigner(key))
	if err != nil {
		t.Fatal(err)
	}
	if session.Wallet != string(key.Address()) || session.Bearer == "" || time.Until(session.ExpiresAt) > time.Hour {
		t.Errorf("got %v", session)
	}
	for roleARN, want := range map[string][]string{"": {role, role + "-2"}, role: {role}} {
		token, err := c.Mint(t.Context(), session, roleARN)
		if err != nil {
			t.Fatal(err)
		}
		if token.Wallet != string(key.Address()) || time.Until(token.Expiration) > 5*time.Minute {
			t.Errorf("got %v", token)
		}
		if diff := cmp.Diff(want, rolesOf(t, token.JWT)); diff != "" {
			t.Errorf("roles (-want +got):\n%s", diff)
		}
	}
}

func rolesOf(t *testing.T, jwt string) []string {
	t.Helper()
	var claims struct {
		Roles []string `json:"https://aws.amazon.com/roles"`
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(jwt, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	return claims.Roles
}

func TestRefusalsAreTyped(t *testing.T) {
	t.Parallel()
	t.Run("a wallet that is not admitted", func(t *testing.T) {
		t.Parallel()
		c := newClient(t, newBroker(t, func(config *brokerconfig.Config) { config.Admission.Mode = brokerconfig.AllowList }, nil))
		_, err := c.SignIn(t.Context(), client.KeySigner(newKey(t)))
		wantError(t, err, client.Error{Status: 403, Code: "not_admitted"})
	})
	t.Run("no roles yet", func(t *testing.T) {
		t.Parallel()
		c := newClient(t, newBroker(t, func(config *brokerconfig.Config) { config.Roles = nil }, nil))
		session, err := c.SignIn(t.Context(), client.KeySigner(newKey(t)))
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Mint(t.Context(), session, "")
		wantError(t, err, client.Error{Status: 503, Code: "no_roles", RetryAfter: 30 * time.Second})
	})
	t.Run("a role that is not declared", func(t *testing.T) {
		t.Parallel()
		c := newClient(t, newBroker(t, nil, nil))
		session, err := c.SignIn(t.Context(), client.KeySigner(newKey(t)))
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Mint(t.Context(), session, "arn:aws:iam::999999999999:role/other")
		wantError(t, err, client.Error{Status: 400, Code: "invalid_role"})
	})
	t.Run("a session that is none", func(t *testing.T) {
		t.Parallel()
		_, err := newClient(t, newBroker(t, nil, nil)).Mint(t.Context(), client.Session{Bearer: "x"}, "")
		wantError(t, err, client.Error{Status: 401, Code: "unauthorized"})
	})
	t.Run("a proxy's error page", func(t *testing.T) {
		t.Parallel()
		c := newClient(t, newBroker(t, nil, func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusBadGateway) })
		}))
		_, err := c.SignIn(t.Context(), client.KeySigner(newKey(t)))
		wantError(t, err, client.Error{Status: 502})
	})
}

func wantError(t *testing.T, err error, want client.Error) {
	t.Helper()
	got, ok := errors.AsType[*client.Error](err)
	if !ok {
		t.Fatalf("got %v, want a *client.Error", err)
	}
	if got.Status != want.Status || got.Code != want.Code || got.RetryAfter != want.RetryAfter {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// answering replaces the broker's answers at one path.
func answering(path string, answer func(w http.ResponseWriter, r *http.Request)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == path {
				answer(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// signer counts what a wallet was asked to sign.
type signer struct {
	client.Signer
	asked int
}

func (s *signer) SignPersonal(ctx context.Context, message string) (string, error) {
	s.asked++
	return s.Signer.SignPersonal(ctx, message)
}

func TestSignInNeverHandsTheWalletAnythingButASignInHere(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC().Truncate(time.Second)
	for name, edit := range map[string]*strings.Replacer{
		"no message at all":          nil,
		"another domain":             strings.NewReplacer("HOST wants", "bank.example wants"),
		"another scheme":             strings.NewReplacer("HOST wants", "https://HOST wants"),
		"another URI":                strings.NewReplacer("URI: http://HOST", "URI: https://bank.example"),
		"another wallet":             strings.NewReplacer("ADDRESS", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"),
		"another chain":              strings.NewReplacer("Chain ID: 1", "Chain ID: 5"),
		"an expired message":         strings.NewReplacer("EXPIRES", now.Add(-10*time.Minute).Format(time.RFC3339)),
		"a message good for a month": strings.NewReplacer("EXPIRES", now.AddDate(0, 1, 0).Format(time.RFC3339)),
		"a message good for ever":    strings.NewReplacer("\nExpiration Time: EXPIRES", ""),
		"a message from the future":  strings.NewReplacer("ISSUED", now.Add(10*time.Minute).Format(time.RFC3339)),
		"a delegation in resources":  strings.NewReplacer("EXPIRES", "EXPIRES\nResources:\n- urn:recap:e30"),
		"a transaction to sign":      strings.NewReplacer("HOST wants you to sign in", "HOST wants you to sign"),
		"a line too many":            strings.NewReplacer("EXPIRES", "EXPIRES\n"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key := newKey(t)
			wallet := &signer{Signer: client.KeySigner(key)}
			server := newBroker(t, nil, answering(start, func(w http.ResponseWriter, r *http.Request) {
				message := "HOST wants you to sign in with your Ethereum account:\nADDRESS\n\n\nURI: http://HOST\nVersion: 1\nChain ID: 1\nNonce: 12345678\nIssued At: ISSUED\nExpiration Time: EXPIRES"
				if edit == nil {
					message = ""
				} else {
					message = edit.Replace(message)
				}
				message = strings.NewReplacer("HOST", r.Host, "ADDRESS", key.Address().Checksum(),
					"ISSUED", now.Format(time.RFC3339), "EXPIRES", now.Add(time.Minute).Format(time.RFC3339)).Replace(message)
				writeJSON(t, w, map[string]any{"request_id": "r", "siwe_message": message})
			}))
			_, err := newClient(t, server).SignIn(t.Context(), wallet)
			if err == nil || !strings.Contains(err.Error(), "refusing to sign") || wallet.asked != 0 {
				t.Errorf("the wallet was asked %d times, and the error is %v", wallet.asked, err)
			}
		})
	}
}

func writeJSON(t *testing.T, w http.ResponseWriter, v any) {
	t.Helper()
	if err := json.NewEncoder(w).Encode(v); err != nil {
		t.Error(err)
	}
}

func TestAnswersAreNotTrusted(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a redirect was followed with Authorization %q", r.Header.Get("Authorization"))
	}))
	t.Cleanup(elsewhere.Close)
	for name, c := range map[string]struct {
		path   string
		answer func(w http.ResponseWriter, r *http.Request)
		reason string
	}{
		"a session of another wallet": {check, func(w http.ResponseWriter, _ *http.Request) {
			writeJSON(t, w, map[string]any{"session_jwt": "x", "wallet": "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"})
		}, "not a session of the wallet"},
		"a token of another wallet": {mint, func(w http.ResponseWriter, _ *http.Request) {
			writeJSON(t, w, map[string]any{"jwt": "x", "wallet": "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"})
		}, "not a token of the wallet"},
		"an answer that is no JSON": {mint, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) }, "not the JSON"},
		"an answer without end": {mint, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(bytes.Repeat([]byte(" "), 65<<10))
		}, "larger than 65536 bytes"},
		"a redirect to another host": {mint, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+mint, http.StatusTemporaryRedirect)
		}, "307"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newClient(t, newBroker(t, nil, answering(c.path, c.answer)))
			session, err := b.SignIn(t.Context(), client.KeySigner(newKey(t)))
			if err == nil {
				_, err = b.Mint(t.Context(), session, "")
			}
			if err == nil || !strings.Contains(err.Error(), c.reason) {
				t.Errorf("got %v, want it to say %q", err, c.reason)
			}
		})
	}
}

func TestNewRefusesWhatIsNoIssuer(t *testing.T) {
	t.Parallel()
	for _, issuer := range []string{"", "broker.example.org", "https://broker.example.org/", "https://a@b"} {
		if _, err := client.New(issuer, nil); err == nil {
			t.Errorf("%q was taken", issuer)
		}
	}
}

func TestSessionsAndTokensAreNeverPrinted(t *testing.T) {
	t.Parallel()
	session := client.Session{Bearer: "the-secret", Wallet: "0xw"}
	token := client.Token{JWT: "the-secret", Wallet: "0xw"}
	var shown strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		_, _ = fmt.Fprintf(&shown, verb+verb+verb+verb, session, &session, token, &token)
	}
	holder := map[string]any{"session": session, "token": &token}
	encoded, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	shown.Write(encoded)
	slog.New(slog.NewJSONHandler(&shown, nil)).Info("m", "session", session, "token", token, "holder", holder)
	for _, secret := range []string{"the-secret", fmt.Sprintf("%x", "the-secret")} {
		if strings.Contains(shown.String(), secret) {
			t.Errorf("the secret is shown: %s", shown.String())
		}
	}
}

func TestAServersWordsAreMadePrintable(t *testing.T) {
	t.Parallel()
	c := newClient(t, newBroker(t, nil, answering(mint, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		writeJSON(t, w, map[string]string{"error": "a\nb", "message": "\x1b[31m" + strings.Repeat("m", 1000)})
	})))
	_, err := c.Mint(t.Context(), client.Session{}, "")
	if err == nil || strings.ContainsAny(err.Error(), "\n\x1b") || len(err.Error()) > 700 {
		t.Errorf("got %q", err)
	}
}
