package broker_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jwt"

	"github.com/litentry/wallet-federation/internal/brokerconfig"
)

// verifiedClaims verifies a JWT with the JWKS as it is served, by a library
// that had no part in making it.
func (f *fixture) verifiedClaims(t *testing.T, minted string) map[string]any {
	t.Helper()
	keys, err := jwk.Parse([]byte(f.send(t, http.MethodGet, "/.well-known/jwks.json", "").body))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jwt.Parse([]byte(minted), jwt.WithKeySet(keys), jwt.WithValidate(true),
		jwt.WithClock(jwt.ClockFunc(f.clock.Now)), jwt.WithIssuer(issuer), jwt.WithAudience("sts.amazonaws.com"))
	if err != nil {
		t.Fatalf("the JWT does not verify: %v", err)
	}
	data, err := json.Marshal(parsed)
	if err != nil {
		t.Fatal(err)
	}
	claims := map[string]any{}
	if err := json.Unmarshal(data, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

func TestMintGivesATokenOfTheSessionsWallet(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	key := newKey(t)
	bearer := f.signIn(t, key)
	f.clock.advance(time.Minute)
	got := f.mint(t, bearer, "")
	members := got.members(t)
	now := epoch.Add(time.Minute).Unix()
	if members["wallet"] != string(key.Address()) || members["expiration"] != float64(now+300) || len(members) != 3 {
		t.Errorf("got %v", members)
	}
	if got.header.Get("Cache-Control") != "no-store" || got.header.Get("Content-Type") != "application/json" {
		t.Errorf("headers: %v", got.header)
	}
	minted := got.text(t, "jwt")
	header, err := base64.RawURLEncoding.DecodeString(strings.Split(minted, ".")[0])
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"alg":"ES256","kid":"` + f.keys.Active().ID + `","typ":"JWT"}`; string(header) != want {
		t.Errorf("header is %s, want %s", header, want)
	}
	claims := f.verifiedClaims(t, minted)
	if id, _ := claims["jti"].(string); len(id) < 22 {
		t.Errorf("jti is %v", claims["jti"])
	}
	delete(claims, "jti")
	want := map[string]any{
		"iss": issuer, "sub": "agentkeys:agent:" + string(key.Address()), "aud": []any{"sts.amazonaws.com"},
		"iat": float64(now), "nbf": float64(now), "exp": float64(now + 300),
		"agentkeys_user_wallet": string(key.Address()),
		"https://aws.amazon.com/tags": map[string]any{
			"principal_tags":      map[string]any{"agentkeys_user_wallet": []any{string(key.Address())}},
			"transitive_tag_keys": []any{"agentkeys_user_wallet"},
		},
		"https://aws.amazon.com/roles": []any{role, otherRole},
	}
	if diff := cmp.Diff(want, claims); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
}

func TestTwoMintsHaveTwoIDs(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	bearer := f.signIn(t, newKey(t))
	first := f.verifiedClaims(t, f.mint(t, bearer, "").text(t, "jwt"))
	second := f.verifiedClaims(t, f.mint(t, bearer, "").text(t, "jwt"))
	if first["jti"] == second["jti"] {
		t.Error("two tokens have one jti")
	}
}

// RFC 9110, section 11.1.
func TestTheSchemeOfABearerIsInAnyCase(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.send(t, http.MethodPost, mintPath, "", "Authorization", "bEARER "+f.signIn(t, newKey(t))).members(t)
}

func TestMintPinsToTheRoleAskedFor(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	bearer := f.signIn(t, newKey(t))
	for name, c := range map[string]struct {
		body string
		want []any
	}{
		"no body":            {"", []any{role, otherRole}},
		"an empty object":    {"{}", []any{role, otherRole}},
		"null for the role":  {`{"role_arn":null}`, []any{role, otherRole}},
		"the first role":     {`{"role_arn":"` + role + `"}`, []any{role}},
		"the second role":    {`{"role_arn":"` + otherRole + `"}`, []any{otherRole}},
		"with a white space": {" {\"role_arn\": \"" + role + "\"}\n", []any{role}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			claims := f.verifiedClaims(t, f.mint(t, bearer, c.body).text(t, "jwt"))
			if diff := cmp.Diff(c.want, claims["https://aws.amazon.com/roles"]); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A proxy that streams gives a body no length, also one that is empty.
func TestMintTakesABodyOfUnknownLength(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	bearer := f.signIn(t, newKey(t))
	for name, c := range map[string]struct {
		body, contentType string
		status            int
	}{
		"nothing":                    {"", "", 200},
		"nothing, said to be JSON":   {"", "application/json", 200},
		"a role":                     {`{"role_arn":"` + role + `"}`, "application/json", 200},
		"a role, not said to be one": {`{"role_arn":"` + role + `"}`, "", 415},
		"white space":                {" ", "application/json", 400},
		"more than 4 KiB":            {strings.Repeat(" ", 4097), "application/json", 413},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, mintPath, strings.NewReader(c.body))
			request.ContentLength = -1
			request.Header.Set("Authorization", "Bearer "+bearer)
			if c.contentType != "" {
				request.Header.Set("Content-Type", c.contentType)
			}
			recorder := httptest.NewRecorder()
			f.server.ServeHTTP(recorder, request)
			if recorder.Code != c.status {
				t.Errorf("got %d %s, want %d", recorder.Code, recorder.Body, c.status)
			}
		})
	}
}

func TestMintWithoutRolesFailsClosed(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *brokerconfig.Config) { c.Roles = nil })
	bearer := f.signIn(t, newKey(t))
	for _, body := range []string{"", "{}", `{"role_arn":"` + role + `"}`, `{"role_arn":""}`} {
		got := f.mint(t, bearer, body)
		if got.status != http.StatusServiceUnavailable || got.code(t) != "no_roles" || got.header.Get("Retry-After") == "" {
			t.Errorf("%s: got %d %v %s", body, got.status, got.header, got.body)
		}
	}
}

// segment encodes one part of a JWT.
func segment(t testing.TB, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

// hs256 signs header and payload texts with an HMAC key.
func hs256(key, header, payload string) string {
	signed := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// sessionHeader names the key by the beginning of a hash of it.
var sessionHeader = func() string {
	digest := sha256.Sum256([]byte("wallet-federation session key id:" + sessionKey))
	return `{"alg":"HS256","kid":"` + base64.RawURLEncoding.EncodeToString(digest[:8]) + `","typ":"wallet-session+jwt"}`
}()

func sessionPayload(t testing.TB, bearer string) string {
	t.Helper()
	data, err := base64.RawURLEncoding.DecodeString(strings.Split(bearer, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestTheSessionBearerIsAnHS256JWTOfItsOwnKind(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	key := newKey(t)
	bearer := f.signIn(t, key)
	claims := map[string]any{}
	if err := json.Unmarshal([]byte(sessionPayload(t, bearer)), &claims); err != nil {
		t.Fatal(err)
	}
	id := claims["jti"]
	want := map[string]any{
		"iss": issuer, "aud": "urn:wallet-federation:session", "sub": string(key.Address()),
		"iat": float64(epoch.Unix()), "nbf": float64(epoch.Unix()), "exp": float64(epoch.Add(time.Hour).Unix()), "jti": id,
	}
	if diff := cmp.Diff(want, claims); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if again := hs256(sessionKey, sessionHeader, sessionPayload(t, bearer)); again != bearer {
		t.Errorf("an independent HS256 gives\n%s, not\n%s", again, bearer)
	}
}

// respell changes only the bits of the last character that encode nothing.
func respell(bearer string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, bearer[len(bearer)-1])
	return bearer[:len(bearer)-1] + alphabet[last^1:][:1]
}

func padded(header, payload string) string {
	signed := header + "." + base64.URLEncoding.EncodeToString([]byte(payload+" "))
	mac := hmac.New(sha256.New, []byte(sessionKey))
	mac.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func TestASessionEndsOnTime(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *brokerconfig.Config) { c.Session.LifetimeSeconds = 120 })
	bearer := f.signIn(t, newKey(t))
	f.clock.advance(119 * time.Second)
	f.mint(t, bearer, "").members(t)
	f.clock.advance(time.Second)
	if got := f.mint(t, bearer, ""); got.status != http.StatusUnauthorized {
		t.Errorf("after its end: %d %s", got.status, got.body)
	}
}

func FuzzBearer(f *testing.F) {
	b := newFixture(f)
	good := b.signIn(f, newKey(f))
	f.Add("Bearer " + good)
	f.Add("bearer " + good)
	f.Add("Bearer " + hs256(sessionKey, `{"alg":"none"}`, "{}"))
	f.Add("Bearer ..")
	f.Add("")
	f.Fuzz(func(t *testing.T, header string) {
		got := b.send(t, http.MethodPost, mintPath, "", "Authorization", header)
		if got.status == http.StatusUnauthorized {
			return
		}
		// Nobody can guess the key: what is taken, a broker with it has signed.
		_, bearer, _ := strings.Cut(header, " ")
		if parts := strings.Split(bearer, "."); len(parts) != 3 || bearer != hs256(sessionKey, sessionHeader, sessionPayload(t, bearer)) {
			t.Errorf("%q got %d", header, got.status)
		}
	})
}
