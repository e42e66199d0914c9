package broker_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/litentry/wallet-federation/broker"
	"github.com/litentry/wallet-federation/internal/brokerconfig"
	"github.com/litentry/wallet-federation/internal/signingkey"
)

const (
	discoveryPath = "/.well-known/openid-configuration"
	jwksPath      = "/.well-known/jwks.json"
)

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*broker.Options){
		"no configuration":         func(o *broker.Options) { o.Config = nil },
		"no keys":                  func(o *broker.Options) { o.Keys = nil },
		"no session keys":          func(o *broker.Options) { o.SessionKeys = nil },
		"an invalid configuration": func(o *broker.Options) { o.Config.Admission.Mode = "" },
		"an issuer with a slash":   func(o *broker.Options) { o.Config.Issuer += "/" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options := broker.Options{State: broker.State{Config: newConfig(), Keys: newKeys(t), SessionKeys: sessionKeys(t)}}
			spoil(&options)
			if _, err := broker.New(options); err == nil {
				t.Error("it was taken")
			} else if strings.Contains(err.Error(), sessionKey) {
				t.Errorf("the error shows the session key: %v", err)
			}
		})
	}
}

func TestDiscoveryDocument(t *testing.T) {
	t.Parallel()
	got := newFixture(t).send(t, http.MethodGet, discoveryPath, "").members(t)
	want := map[string]any{
		"issuer":                                issuer,
		"jwks_uri":                              issuer + jwksPath,
		"token_endpoint":                        issuer + "/oauth2/token",
		"token_endpoint_auth_methods_supported": []any{"none"},
		"grant_types_supported":                 []any{"urn:ietf:params:oauth:grant-type:token-exchange"},
		"response_types_supported":              []any{"id_token"},
		"subject_types_supported":               []any{"public"},
		"id_token_signing_alg_values_supported": []any{"ES256"},
		"scopes_supported":                      []any{"openid"},
		"claims_supported": []any{
			"iss", "sub", "aud", "iat", "nbf", "exp", "jti",
			"agentkeys_user_wallet", "https://aws.amazon.com/tags", "https://aws.amazon.com/roles",
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestServedKeysHaveExactlyThePublicMembers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var got struct{ Keys []map[string]any }
	if err := json.Unmarshal([]byte(f.send(t, http.MethodGet, jwksPath, "").body), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Keys) != 1 {
		t.Fatalf("got %d keys", len(got.Keys))
	}
	key := got.Keys[0]
	for name, value := range map[string]string{"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": f.keys.Active().ID} {
		if key[name] != value {
			t.Errorf("%s is %v, want %s", name, key[name], value)
		}
	}
	// With x and y these are all: STS rejects key_ops, and d would be the end.
	if len(key) != 7 || key["x"] == nil || key["y"] == nil {
		t.Errorf("got %v", key)
	}
}

func TestDocumentsCanBeCached(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, path := range []string{discoveryPath, jwksPath} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			full := f.send(t, http.MethodGet, path, "")
			etag := full.header.Get("ETag")
			if etag == "" || full.header.Get("Cache-Control") != "public, max-age=300" || full.header.Get("Content-Type") != "application/json" {
				t.Errorf("headers: %v", full.header)
			}
			head := f.send(t, http.MethodHead, path, "")
			if head.status != http.StatusOK || head.body != "" || head.header.Get("ETag") != etag || head.header.Get("Content-Length") != full.header.Get("Content-Length") {
				t.Errorf("HEAD: %d %v %q", head.status, head.header, head.body)
			}
			for condition, status := range map[string]int{etag: 304, "W/" + etag: 304, `"x", ` + etag: 304, "*": 304, `"x"`: 200} {
				got := f.send(t, http.MethodGet, path, "", "If-None-Match", condition)
				if got.status != status || (status == http.StatusNotModified) != (got.body == "") {
					t.Errorf("If-None-Match %s: %d %q", condition, got.status, got.body)
				}
			}
		})
	}
}

func TestDocumentsAreServedAsAWhole(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	whole := f.send(t, http.MethodGet, openAPIPath, "").body
	for name, ranges := range map[string]string{
		"one part":         "bytes=0-9",
		"a thousand parts": "bytes=0-1" + strings.Repeat(",3-4", 1000),
		"no part":          "bytes=99999999-",
	} {
		if got := f.send(t, http.MethodGet, openAPIPath, "", "Range", ranges); got.status != http.StatusOK || got.body != whole {
			t.Errorf("%s: got %d and %d bytes", name, got.status, len(got.body))
		}
	}
}

func TestNothingIsTakenFromTheHostHeader(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	key := newKey(t)
	headers := []string{"Host", "evil.example", "X-Forwarded-Host", "evil.example", "Forwarded", "host=evil.example"}
	for _, path := range []string{discoveryPath, jwksPath} {
		if got := f.send(t, http.MethodGet, "http://evil.example"+path, "", headers...); strings.Contains(got.body, "evil") {
			t.Errorf("%s: %s", path, got.body)
		}
	}
	body := `{"address":"` + string(key.Address()) + `","chain_id":1}`
	got := f.send(t, http.MethodPost, "http://evil.example"+startPath, body, append(headers, "Content-Type", "application/json")...)
	if got.status != http.StatusOK || strings.Contains(got.body, "evil") {
		t.Errorf("start: %d %s", got.status, got.body)
	}
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for request, want := range map[string]struct {
		status int
		code   string
		allow  string
	}{
		"GET /":                     {404, "not_found", ""},
		"GET /.well-known/":         {404, "not_found", ""},
		"GET /healthz/":             {404, "not_found", ""},
		"POST //v1/mint-oidc-jwt":   {404, "not_found", ""},
		"POST /V1/mint-oidc-jwt":    {404, "not_found", ""},
		"POST /v1%2fmint-oidc-jwt":  {404, "not_found", ""},
		"POST /v1/mint%2doidc-jwt":  {404, "not_found", ""},
		"GET /%68ealthz":            {404, "not_found", ""},
		"POST /v1/./mint-oidc-jwt":  {404, "not_found", ""},
		"POST /v1/mint-oidc-jwt/":   {404, "not_found", ""},
		"POST /v1/mint-oidc-jwt%00": {404, "not_found", ""},
		"GET " + startPath:          {405, "method_not_allowed", "POST"},
		"PUT " + verifyPath:         {405, "method_not_allowed", "POST"},
		"GET " + mintPath:           {405, "method_not_allowed", "POST"},
		"POST " + discoveryPath:     {405, "method_not_allowed", "GET, HEAD"},
		"DELETE " + jwksPath:        {405, "method_not_allowed", "GET, HEAD"},
		"POST /healthz":             {405, "method_not_allowed", "GET, HEAD"},
		"POST /v1/mint-aws-creds":   {410, "gone", ""},
		"GET /v1/mint-aws-creds":    {410, "gone", ""},
		"OPTIONS /v1/mint-oidc-jwt": {405, "method_not_allowed", "POST"},
	} {
		t.Run(request, func(t *testing.T) {
			t.Parallel()
			method, path, _ := strings.Cut(request, " ")
			got := f.send(t, method, "http://broker.example.org"+path, "")
			if got.status != want.status || got.code(t) != want.code || got.header.Get("Allow") != want.allow {
				t.Errorf("got %d %v %s", got.status, got.header, got.body)
			}
		})
	}
	t.Run("the old credentials path names the new one", func(t *testing.T) {
		t.Parallel()
		if got := f.post(t, "/v1/mint-aws-creds", "{}"); !strings.Contains(got.body, mintPath) {
			t.Errorf("got %s", got.body)
		}
	})
}

func TestHealth(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	if got := f.send(t, http.MethodGet, "/healthz", ""); got.status != http.StatusOK || got.body != `{"status":"ok"}` {
		t.Errorf("healthz: %d %s", got.status, got.body)
	}
	if got := f.send(t, http.MethodGet, "/readyz", ""); got.status != http.StatusOK || got.body != `{"status":"ok","checks":{"admission":"ok","configuration":"ok","nonce_store":"ok","serving":"ok","session_keys":"ok","signing":"ok"}}` {
		t.Errorf("readyz: %d %s", got.status, got.body)
	}
}

func TestAnIssuerWithAPathIsServedBelowIt(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *brokerconfig.Config) { c.Issuer = "https://example.org/issuers/a" })
	got := f.send(t, http.MethodGet, "/issuers/a"+discoveryPath, "").members(t)
	if got["issuer"] != "https://example.org/issuers/a" || got["jwks_uri"] != "https://example.org/issuers/a"+jwksPath {
		t.Errorf("got %v", got)
	}
	f.send(t, http.MethodGet, "/issuers/a"+jwksPath, "").members(t)
	f.send(t, http.MethodGet, "/healthz", "").members(t)
	key := newKey(t)
	message := f.post(t, "/issuers/a"+startPath, `{"address":"`+string(key.Address())+`","chain_id":1}`).text(t, "siwe_message")
	if !strings.HasPrefix(message, "example.org wants you") || !strings.Contains(message, "\nURI: https://example.org/issuers/a\n") {
		t.Errorf("got %s", message)
	}
	for _, path := range []string{discoveryPath, jwksPath, mintPath} {
		if outside := f.send(t, http.MethodGet, path, ""); outside.status != http.StatusNotFound {
			t.Errorf("%s outside the issuer's path: %d", path, outside.status)
		}
	}
}

func TestReloadChangesKeysAndConfigurationAtOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	key := newKey(t)
	bearer := f.signIn(t, key)
	before := f.send(t, http.MethodGet, jwksPath, "").header.Get("ETag")

	nextKeys, nextConfig := newKeys(t), newConfig()
	nextConfig.Token.LifetimeSeconds = 60
	nextConfig.Roles = []string{otherRole}
	if err := f.reload(t, nextConfig, nextKeys); err != nil {
		t.Fatal(err)
	}
	if after := f.send(t, http.MethodGet, jwksPath, "", "If-None-Match", before); after.status != http.StatusOK {
		t.Errorf("the old ETag still matches: %d", after.status)
	}
	// A session outlives the reload, and its next token is of the new world.
	minted := f.mint(t, bearer, "")
	if expiration := minted.members(t)["expiration"]; expiration != float64(epoch.Unix()+60) {
		t.Errorf("expiration is %v", expiration)
	}
	claims := f.verifiedClaims(t, minted.text(t, "jwt"))
	if diff := cmp.Diff([]any{otherRole}, claims["https://aws.amazon.com/roles"]); diff != "" {
		t.Errorf("roles (-want +got):\n%s", diff)
	}
}

func TestReloadRefusedChangesNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	bearer := f.signIn(t, newKey(t))
	before := f.send(t, http.MethodGet, jwksPath, "").body
	for name, spoil := range map[string]func(*brokerconfig.Config){
		"another issuer":           func(c *brokerconfig.Config) { c.Issuer = "https://other.example.org" },
		"an invalid configuration": func(c *brokerconfig.Config) { c.Token.LifetimeSeconds = 1 },
	} {
		config := newConfig()
		spoil(config)
		if err := f.reload(t, config, newKeys(t)); err == nil {
			t.Errorf("%s was taken", name)
		}
		if after := f.send(t, http.MethodGet, jwksPath, "").body; after != before {
			t.Errorf("%s changed the keys", name)
		}
		f.mint(t, bearer, "").members(t)
	}
}

func TestReloadUnderLoadFailsNoMint(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	bearer := f.signIn(t, newKey(t))
	sets := []*signingkey.Set{f.keys, newKeys(t)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 50 {
			if err := f.reload(t, f.config, sets[i%2]); err != nil {
				t.Error(err)
			}
		}
	}()
	kids := map[any]bool{sets[0].Active().ID: true, sets[1].Active().ID: true}
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		if kid := headerOf(t, f.mint(t, bearer, "").text(t, "jwt"))["kid"]; !kids[kid] {
			t.Errorf("kid %v is of neither set", kid)
		}
	}
}

func headerOf(t *testing.T, token string) map[string]any {
	t.Helper()
	header := map[string]any{}
	if err := json.Unmarshal(decodeSegment(t, token, 0), &header); err != nil {
		t.Fatal(err)
	}
	return header
}
