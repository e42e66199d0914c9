package broker_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
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

func TestMintRefusesBodies(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	bearer := f.signIn(t, newKey(t))
	for name, c := range map[string]struct {
		body, contentType string
		status            int
		code              string
	}{
		"a role of somebody else": {`{"role_arn":"arn:aws:iam::999999999999:role/bots"}`, "application/json", 400, "invalid_role"},
		"a role in another case":  {`{"role_arn":"` + strings.ToUpper(role) + `"}`, "application/json", 400, "invalid_role"},
		"an empty role":           {`{"role_arn":""}`, "application/json", 400, "invalid_role"},
		"a role list":             {`{"role_arn":["` + role + `"]}`, "application/json", 400, "invalid_request"},
		"a wallet of one's own":   {`{"wallet":"` + alice + `"}`, "application/json", 400, "invalid_request"},
		"two roles":               {`{"role_arn":"` + role + `","role_arn":"` + otherRole + `"}`, "application/json", 400, "invalid_request"},
		"trailing data":           {`{}{}`, "application/json", 400, "invalid_request"},
		"null":                    {`null`, "application/json", 400, "invalid_request"},
		"a form":                  {"role_arn=" + role, "application/x-www-form-urlencoded", 415, "unsupported_media_type"},
		"more than 4 KiB":         {`{"role_arn":"` + strings.Repeat("a", 4096) + `"}`, "application/json", 413, "request_too_large"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := f.send(t, http.MethodPost, mintPath, c.body, "Authorization", "Bearer "+bearer, "Content-Type", c.contentType)
			if got.status != c.status || got.code(t) != c.code {
				t.Errorf("got %d %s, want %d %s", got.status, got.body, c.status, c.code)
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

func TestMintRefusesEveryBearerButAValidOneInTheSameWords(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	key := newKey(t)
	bearer := f.signIn(t, key)
	minted := f.mint(t, bearer, "").text(t, "jwt")
	payload := sessionPayload(t, bearer)
	parts := strings.Split(bearer, ".")
	edit := func(old, replacement string) string {
		if !strings.Contains(payload, old) {
			t.Fatalf("the payload has no %q: %s", old, payload)
		}
		return "Bearer " + hs256(sessionKey, sessionHeader, strings.Replace(payload, old, replacement, 1))
	}
	asHeader := func(header string) string { return "Bearer " + hs256(sessionKey, header, payload) }
	foreign := newFixture(t, func(c *brokerconfig.Config) { c.Issuer = "https://other.example.org" })
	jwks := f.send(t, http.MethodGet, "/.well-known/jwks.json", "").body

	refused := map[string][]string{
		"nothing":                               {},
		"an empty header":                       {""},
		"no bearer":                             {"Bearer"},
		"an empty bearer":                       {"Bearer "},
		"Basic":                                 {"Basic " + bearer},
		"another scheme":                        {"DPoP " + bearer},
		"no scheme":                             {bearer},
		"two spaces":                            {"Bearer  " + bearer},
		"a space after":                         {"Bearer " + bearer + " "},
		"two headers":                           {"Bearer " + bearer, "Bearer " + bearer},
		"two bearers":                           {"Bearer " + bearer + ", Bearer " + bearer},
		"three dots":                            {"Bearer ..."},
		"two parts":                             {"Bearer " + parts[0] + "." + parts[1]},
		"four parts":                            {"Bearer " + bearer + "." + parts[2]},
		"no MAC":                                {"Bearer " + parts[0] + "." + parts[1] + "."},
		"a MAC cut short":                       {"Bearer " + bearer[:len(bearer)-1]},
		"a MAC with padding":                    {"Bearer " + bearer + "="},
		"a MAC in other spare bits":             {"Bearer " + respell(bearer)},
		"bytes after the MAC":                   {"Bearer " + bearer + "AA"},
		"alg none, no MAC":                      {"Bearer " + segment(t, map[string]string{"alg": "none", "typ": "wallet-session+jwt"}) + "." + parts[1] + "."},
		"alg none, MAC kept":                    {"Bearer " + segment(t, map[string]string{"alg": "none"}) + "." + parts[1] + "." + parts[2]},
		"alg NoNe with a good MAC":              {asHeader(`{"alg":"NoNe","typ":"wallet-session+jwt"}`)},
		"alg HS512 with a good MAC":             {asHeader(`{"alg":"HS512","typ":"wallet-session+jwt"}`)},
		"alg ES256 with a good MAC":             {asHeader(`{"alg":"ES256","typ":"wallet-session+jwt"}`)},
		"no kid":                                {asHeader(`{"alg":"HS256","typ":"wallet-session+jwt"}`)},
		"no typ":                                {asHeader(`{"alg":"HS256"}`)},
		"typ JWT":                               {asHeader(`{"alg":"HS256","typ":"JWT"}`)},
		"another kid":                           {asHeader(`{"alg":"HS256","kid":"../../dev/null","typ":"wallet-session+jwt"}`)},
		"a jwk in the header":                   {asHeader(`{"alg":"HS256","jwk":{"kty":"oct","k":"AA"},"typ":"wallet-session+jwt"}`)},
		"a jku in the header":                   {asHeader(`{"alg":"HS256","jku":"https://evil.example","typ":"wallet-session+jwt"}`)},
		"a crit in the header":                  {asHeader(`{"alg":"HS256","crit":["b64"],"b64":false,"typ":"wallet-session+jwt"}`)},
		"alg twice":                             {asHeader(`{"alg":"none","alg":"HS256","typ":"wallet-session+jwt"}`)},
		"a header in another order":             {asHeader(`{"typ":"wallet-session+jwt","alg":"HS256"}`)},
		"the minted JWT":                        {"Bearer " + minted},
		"the minted JWT's parts, session MAC":   {"Bearer " + hs256(sessionKey, `{"alg":"HS256","typ":"JWT"}`, sessionPayload(t, minted))},
		"the minted JWT's claims as a session":  {"Bearer " + hs256(sessionKey, sessionHeader, sessionPayload(t, minted))},
		"signed with the JWKS as the HMAC key":  {"Bearer " + hs256(jwks, sessionHeader, payload)},
		"signed with the empty key":             {"Bearer " + hs256("", sessionHeader, payload)},
		"signed with another key":               {"Bearer " + hs256(strings.Repeat("x", 32), sessionHeader, payload)},
		"another issuer's, same key":            {"Bearer " + foreign.signIn(t, key)},
		"another issuer's by a longer name":     {edit(`"iss":"https://broker.example.org"`, `"iss":"https://broker.example.org.evil.example"`)},
		"another audience":                      {edit(`"urn:wallet-federation:session"`, `"sts.amazonaws.com"`)},
		"an audience list":                      {edit(`"urn:wallet-federation:session"`, `["urn:wallet-federation:session"]`)},
		"a wallet in mixed case":                {edit(string(key.Address()), key.Address().Checksum())},
		"no wallet":                             {edit(string(key.Address()), "")},
		"a wallet that is a path":               {edit(string(key.Address()), string(key.Address())+"/../")},
		"a second sub":                          {edit(`"sub":`, `"sub":"`+alice+`","sub":`)},
		"a second sub after the first":          {edit(`,"iat":`, `,"sub":"`+alice+`","iat":`)},
		"a claim nobody knows":                  {edit(`,"iat":`, `,"admin":true,"iat":`)},
		"expired":                               {edit(`"exp":1767326645`, `"exp":1767323045`)},
		"not good yet":                          {edit(`"nbf":1767323045`, `"nbf":1767326645`)},
		"issued in the future":                  {edit(`"iat":1767323045`, `"iat":1767326645`)},
		"no expiry":                             {edit(`,"exp":1767326645`, ``)},
		"an expiry in quotes":                   {edit(`"exp":1767326645`, `"exp":"1767326645"`)},
		"an expiry with a fraction":             {edit(`"exp":1767326645`, `"exp":1767326645.5`)},
		"an expiry with an exponent":            {edit(`"exp":1767326645`, `"exp":1e12`)},
		"an expiry with a leading zero":         {edit(`"exp":1767326645`, `"exp":01767326645`)},
		"an expiry beyond 64 bits":              {edit(`"exp":1767326645`, `"exp":99999999999999999999`)},
		"a space in the payload":                {edit(`"exp":`, `"exp": `)},
		"text after the payload":                {"Bearer " + hs256(sessionKey, sessionHeader, payload+"{}")},
		"an empty payload":                      {"Bearer " + hs256(sessionKey, sessionHeader, "")},
		"a payload in padded base64":            {"Bearer " + padded(parts[0], payload)},
		"a bearer of 3,000 characters":          {edit(`"jti":"`, `"jti":"`+strings.Repeat("A", 2000))},
		"a payload with another wallet, MAC ok": {"Bearer " + parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(payload, string(key.Address()), alice, 1))) + "." + parts[2]},
	}
	want := f.send(t, http.MethodPost, mintPath, "")
	if want.status != http.StatusUnauthorized || want.code(t) != "unauthorized" || want.header.Get("WWW-Authenticate") != "Bearer" {
		t.Fatalf("without a bearer: %d %v %s", want.status, want.header, want.body)
	}
	for name, headers := range refused {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var pairs []string
			for _, header := range headers {
				pairs = append(pairs, "Authorization", header)
			}
			got := f.send(t, http.MethodPost, mintPath, "", pairs...)
			if got.status != want.status || got.body != want.body || !maps.EqualFunc(got.header, want.header, equalValues) {
				t.Errorf("got %d %v %s, want it like all others", got.status, got.header, got.body)
			}
		})
	}
	// What all of these were made from is good.
	f.mint(t, bearer, "").members(t)
	f.send(t, http.MethodPost, mintPath, "", "Authorization", "bEARER "+bearer).members(t)
}

func equalValues(a, b []string) bool { return cmp.Equal(a, b) }

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
