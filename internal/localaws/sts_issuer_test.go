package localaws_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/litentry/wallet-federation/internal/localaws"
)

// TestProviderIsFoundByItsExactURL has the forms of provider URLs that AWS
// takes. The host and port are those of the issuer on this machine.
func TestProviderIsFoundByItsExactURL(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]string{
		"host alone":             "",
		"slash at the end":       "/",
		"path":                   "/tenant",
		"path and slash":         "/tenant/",
		"upper case in the path": "/Tenant/V2.0",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := federate(t, newWorld(t), newIssuerAt(t, path))
			f.trust(t, federatedTrust(f.provider, `{"StringEquals":{"`+f.issuer.key()+`:aud":"client-a"}}`))
			out, err := f.buy(t, nil)
			wantCode(t, err, "")
			if got := aws.ToString(out.Provider); got != f.provider || !strings.HasSuffix(got, ":oidc-provider/"+f.issuer.key()) {
				t.Errorf("provider %s, want %s", got, f.provider)
			}
			for _, other := range []string{f.issuer.URL + "/", f.issuer.URL + "x", strings.ToUpper(f.issuer.URL), f.issuer.key()} {
				_, err := f.buy(t, map[string]any{"iss": other})
				wantRefusal(t, err, "InvalidIdentityToken", "No OpenIDConnect provider found in your account for "+other)
			}
			_, err = f.buy(t, map[string]any{"iss": strings.TrimSuffix(f.issuer.URL, "/") + "?a=b"})
			wantRefusal(t, err, "InvalidIdentityToken", "No OpenIDConnect provider found")
		})
	}
}

func TestKeysOnAnotherHost(t *testing.T) {
	t.Parallel()
	f, keys := newFederation(t), newIssuer(t)
	f.issuer.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": f.issuer.URL, "jwks_uri": keys.URL + "/keys"})
	})
	_, err := f.buy(t, nil)
	wantCode(t, err, "")
	if got := keys.fetches.Load(); got != 1 {
		t.Errorf("the other host was asked %d times, want once", got)
	}
}

const noKey = "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements"

func TestIssuerThatFails(t *testing.T) {
	t.Parallel()
	elsewhere := newIssuer(t)
	tests := map[string]struct {
		document func(http.ResponseWriter, *http.Request) // nil for the right one
		keys     string
		code     string
		timeout  time.Duration // 0 for the default
	}{
		"is down":                   {document: status(http.StatusBadGateway), code: "IDPCommunicationError"},
		"wants to be left alone":    {document: status(http.StatusTooManyRequests), code: "IDPCommunicationError"},
		"has no discovery document": {document: http.NotFound, code: "InvalidIdentityToken"},
		"keeps it to itself":        {document: status(http.StatusForbidden), code: "InvalidIdentityToken"},
		"never answers":             {document: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, code: "IDPCommunicationError", timeout: 100 * time.Millisecond},
		"stops in the middle": {document: func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte(`{"issuer":`))
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, code: "IDPCommunicationError", timeout: 100 * time.Millisecond},
		"says it is another": {document: func(w http.ResponseWriter, r *http.Request) {
			_ = json.NewEncoder(w).Encode(map[string]any{"issuer": "https://other.example.com", "jwks_uri": "http://" + r.Host + "/keys"})
		}, code: "InvalidIdentityToken"},
		"sends us elsewhere": {
			document: http.RedirectHandler(elsewhere.URL+"/.well-known/openid-configuration", http.StatusFound).ServeHTTP, code: "InvalidIdentityToken",
		},
		"has no keys":                      {keys: `{"keys":[]}`, code: "InvalidIdentityToken"},
		"has no list of keys":              {keys: `{"keys":null}`, code: "InvalidIdentityToken"},
		"has no key set":                   {keys: `{}`, code: "InvalidIdentityToken"},
		"has a list in place of a set":     {keys: `[]`, code: "InvalidIdentityToken"},
		"has keys that are none":           {keys: `{"keys":[1,null,"a",[],{"kid":7}]}`, code: "InvalidIdentityToken"},
		"writes keys in another case":      {keys: `{"KEYS":[]}`, code: "InvalidIdentityToken"},
		"has a key set that nests deeply":  {keys: `{"keys":` + strings.Repeat("[", 500_000), code: "InvalidIdentityToken"},
		"has a key that nests deeply":      {keys: `{"keys":[{"kty":` + strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000) + `}]}`, code: "InvalidIdentityToken"},
		"has a million keys":               {keys: `{"keys":[` + strings.Repeat("{},", 1_000_000) + `{}]}`, code: "InvalidIdentityToken"},
		"has as many keys as fit in a MiB": {keys: `{"keys":[` + strings.Repeat("{},", 300_000) + `{}]}`, code: "InvalidIdentityToken"},
		"has a number that is too large":   {keys: `{"keys":[{"kty":"EC","kid":"ES256","x":1e400}]}`, code: "InvalidIdentityToken"},
		"has a modulus of megabits": {
			keys: `{"keys":[{"kty":"RSA","kid":"RS256","e":"AQAB","n":"` + strings.Repeat("_", 1_000_000) + `"}]}`, code: "InvalidIdentityToken",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFederation(t, func(o *localaws.Options) {
				if test.timeout != 0 {
					o.HTTPClient = &http.Client{Timeout: test.timeout}
				}
			})
			mux := http.NewServeMux()
			mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(test.keys)) })
			if test.document == nil {
				test.document = func(w http.ResponseWriter, _ *http.Request) {
					_ = json.NewEncoder(w).Encode(map[string]any{"issuer": f.issuer.URL, "jwks_uri": f.issuer.URL + "/keys"})
				}
			}
			mux.HandleFunc("/.well-known/openid-configuration", test.document)
			f.issuer.Config.Handler = mux
			for _, alg := range []string{"RS256", "ES256"} {
				payload := mustJSON(t, f.issuer.claimsAt(f.now))
				token := signToken(t, map[string]any{"alg": alg, "kid": alg}, []byte(payload), alg)
				_, err := f.exchange(t.Context(), f.role, token)
				message := wantCode(t, err, test.code)
				if test.code == "InvalidIdentityToken" && message != noKey && message != notValidated {
					t.Errorf("message %q", message)
				}
			}
		})
	}
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// TestSlowIssuerBlocksNobody would hang if a lock were held during the fetch.
func TestSlowIssuerBlocksNobody(t *testing.T) {
	t.Parallel()
	f := newFederation(t)
	token := f.issuer.token(t, f.issuer.claimsAt(f.now))
	fetching, release := make(chan struct{}), make(chan struct{})
	f.issuer.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(fetching)
		<-release
		w.WriteHeader(http.StatusBadGateway)
	})
	done := make(chan error)
	go func() {
		_, err := f.exchange(t.Context(), f.role, token)
		done <- err
	}()
	<-fetching
	_, err := f.iam.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("wallets")})
	wantCode(t, err, "")
	close(release)
	wantCode(t, <-done, "IDPCommunicationError")
}

func TestIssuerOverTLS(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	secure := httptest.NewUnstartedServer(i.Config.Handler)
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	i.URL = secure.URL
	trusting := federate(t, newWorld(t, func(o *localaws.Options) { o.HTTPClient = secure.Client() }), i)
	_, err := trusting.buy(t, nil)
	wantCode(t, err, "")
	_, err = federate(t, newWorld(t), i).buy(t, nil)
	wantRefusal(t, err, "InvalidIdentityToken", "OpenIDConnect provider's HTTPS certificate doesn't match configured thumbprint")
}
