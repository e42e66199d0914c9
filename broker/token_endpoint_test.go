package broker_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/litentry/wallet-federation/internal/brokerconfig"
	"github.com/litentry/wallet-federation/internal/wallet"
)

const (
	tokenPath    = "/oauth2/token"
	metadataPath = "/.well-known/oauth-authorization-server"
	formType     = "application/x-www-form-urlencoded"

	exchangeGrant = "urn:ietf:params:oauth:grant-type:token-exchange"
	jwtType       = "urn:ietf:params:oauth:token-type:jwt"
	accessType    = "urn:ietf:params:oauth:token-type:access_token"
	idType        = "urn:ietf:params:oauth:token-type:id_token"
)

// exchangeForm is a good request but for its subject token; pairs of name and
// value are set, or removed by an empty value.
func exchangeForm(subject string, pairs ...string) url.Values {
	form := url.Values{"grant_type": {exchangeGrant}, "subject_token": {subject}, "subject_token_type": {jwtType}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
		if pairs[i+1] == "" {
			form.Del(pairs[i])
		}
	}
	return form
}

// exchange sends a form.
func (f *fixture) exchange(t testing.TB, form url.Values) answer {
	t.Helper()
	return f.send(t, http.MethodPost, tokenPath, form.Encode(), "Content-Type", formType)
}

// oauthCode returns the error code of a refusal of the token endpoint, and checks
// its form (RFC 6749, section 5.2).
func (a answer) oauthCode(t testing.TB) string {
	t.Helper()
	members := map[string]string{}
	if err := json.Unmarshal([]byte(a.body), &members); err != nil || len(members) != 2 {
		t.Fatalf("not an OAuth error: %d %q", a.status, a.body)
	}
	description := members["error_description"]
	unquotable := func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }
	if description == "" || strings.ContainsFunc(description, unquotable) {
		t.Errorf("error_description is %q", description)
	}
	a.checkUncached(t)
	return members["error"]
}

func (a answer) checkUncached(t testing.TB) {
	t.Helper()
	for name, want := range map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store", "Pragma": "no-cache"} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestExchangeGivesTheTokenThatMintGives(t *testing.T) {
	t.Parallel()
	o := newTrusted(t)
	key := newKey(t)
	session, foreign := o.signIn(t, key), o.token(t, nil)
	all := []any{role, otherRole}
	for name, c := range map[string]struct {
		form  url.Values
		owner string
		roles []any
	}{
		"a session":                      {exchangeForm(session), string(key.Address()), all},
		"a session as an access token":   {exchangeForm(session, "subject_token_type", accessType), string(key.Address()), all},
		"another issuer's JWT":           {exchangeForm(foreign), alice, all},
		"another issuer's ID token":      {exchangeForm(foreign, "subject_token_type", idType), alice, all},
		"another issuer's access token":  {exchangeForm(foreign, "subject_token_type", accessType), alice, all},
		"a JWT is asked for":             {exchangeForm(session, "requested_token_type", jwtType), string(key.Address()), all},
		"a resource":                     {exchangeForm(session, "resource", otherRole), string(key.Address()), []any{otherRole}},
		"a role":                         {exchangeForm(foreign, "role_arn", role), alice, []any{role}},
		"a resource and the same role":   {exchangeForm(session, "resource", role, "role_arn", role), string(key.Address()), []any{role}},
		"the audience":                   {exchangeForm(session, "audience", "sts.amazonaws.com"), string(key.Address()), all},
		"the scope of the metadata":      {exchangeForm(session, "scope", "openid"), string(key.Address()), all},
		"a client that says who it is":   {exchangeForm(session, "client_id", "cli"), string(key.Address()), all},
		"a parameter that nobody knows":  {exchangeForm(session, "x", "y", "ä", "ö"), string(key.Address()), all},
		"parameters without a value":     {url.Values{"grant_type": {exchangeGrant}, "subject_token": {session}, "subject_token_type": {jwtType}, "resource": {""}, "role_arn": {""}, "actor_token": {""}, "scope": {""}, "client_secret": {""}}, string(key.Address()), all},
		"no value for one of two roles":  {url.Values{"grant_type": {exchangeGrant}, "subject_token": {session}, "subject_token_type": {jwtType}, "resource": {""}, "role_arn": {role}}, string(key.Address()), []any{role}},
		"something in the query as well": {exchangeForm(session), string(key.Address()), all},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := o.send(t, http.MethodPost, tokenPath+"?resource=x&grant_type=y", c.form.Encode(), "Content-Type", formType)
			members := got.members(t)
			got.checkUncached(t)
			minted := got.text(t, "access_token")
			want := map[string]any{"access_token": minted, "issued_token_type": jwtType, "token_type": "N_A", "expires_in": 300.0}
			if diff := cmp.Diff(want, members); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			claims := o.verifiedClaims(t, minted)
			if claims["agentkeys_user_wallet"] != c.owner {
				t.Errorf("it is for %v", claims["agentkeys_user_wallet"])
			}
			if diff := cmp.Diff(c.roles, claims["https://aws.amazon.com/roles"]); diff != "" {
				t.Errorf("roles (-want +got):\n%s", diff)
			}
		})
	}
}

func TestExchangeTakesEverySpellingOfItsMediaType(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	body := exchangeForm(f.signIn(t, newKey(t))).Encode()
	for contentType, status := range map[string]int{
		formType:                              200,
		formType + "; charset=UTF-8":          200,
		formType + ";charset=\"utf-8\"":       200,
		"Application/X-WWW-Form-URLencoded":   200,
		formType + "; charset=ISO-8859-1":     415,
		formType + "; charset=utf-8; x=y":     415,
		formType + "; charset=utf-8; charset": 415,
		"":                                    415,
		"text/plain":                          415,
		"application/json":                    415,
		"multipart/form-data; boundary=x":     415,
	} {
		got := f.send(t, http.MethodPost, tokenPath, body, "Content-Type", contentType)
		if got.status != status {
			t.Errorf("%q: got %d %s", contentType, got.status, got.body)
		}
		if status != http.StatusOK && got.oauthCode(t) != "invalid_request" {
			t.Errorf("%q: got %s", contentType, got.body)
		}
	}
	for _, headers := range [][]string{
		{"Content-Type", formType, "Content-Type", formType},
		{"Content-Type", formType, "Content-Encoding", "gzip"},
	} {
		if got := f.send(t, http.MethodPost, tokenPath, body, headers...); got.status != http.StatusUnsupportedMediaType {
			t.Errorf("%v: got %d %s", headers, got.status, got.body)
		}
	}
}

// What is wrong with a subject token is not told.
func TestExchangeRefusesSubjectTokensInTheSameWords(t *testing.T) {
	t.Parallel()
	o := newTrusted(t, func(c *brokerconfig.Config) {
		c.Revocations = []brokerconfig.Revocation{{Wallet: bob, Before: epoch.Add(time.Second)}}
	})
	session := o.signIn(t, newKey(t))
	want := o.exchange(t, exchangeForm("x"))
	for _, token := range []string{
		respell(session), hs256(sessionKey, sessionHeader, "{}"), o.token(t, map[string]any{"exp": epoch.Unix() - 1}),
		o.token(t, map[string]any{"wallet": bob}), o.token(t, map[string]any{"wallet": "x"}), o.token(t, nil) + "A",
	} {
		if diff := cmp.Diff(want, o.exchange(t, exchangeForm(token)), cmp.AllowUnexported(answer{})); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestExchangeAuthenticatesNoClients(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	session := f.signIn(t, newKey(t))
	for authorization, challenge := range map[string]string{
		"Basic Y2xpOg==":    `Basic realm="token endpoint"`,
		"basic nonsense":    `Basic realm="token endpoint"`,
		"Bearer " + session: "Bearer",
		"":                  "Bearer",
	} {
		got := f.send(t, http.MethodPost, tokenPath, exchangeForm(session).Encode(), "Content-Type", formType, "Authorization", authorization)
		if got.status != http.StatusUnauthorized || got.oauthCode(t) != "invalid_client" || got.header.Get("WWW-Authenticate") != challenge {
			t.Errorf("%q: got %d %v %s", authorization, got.status, got.header, got.body)
		}
	}
	secret := f.exchange(t, exchangeForm(session, "client_secret", "x"))
	if secret.status != http.StatusUnauthorized || secret.header.Get("WWW-Authenticate") != "Bearer" {
		t.Errorf("got %d %v", secret.status, secret.header)
	}
}

func TestExchangeTakesNothingButPOST(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodOptions} {
		got := f.send(t, method, tokenPath+"?"+exchangeForm(f.signIn(t, newKey(t))).Encode(), "")
		if got.status != http.StatusMethodNotAllowed || got.oauthCode(t) != "invalid_request" || got.header.Get("Allow") != "POST" {
			t.Errorf("%s: got %d %v %s", method, got.status, got.header, got.body)
		}
	}
}

func TestExchangeSaysWhenToComeBack(t *testing.T) {
	t.Parallel()
	o := newTrusted(t)
	o.down.Store(true)
	away := o.exchange(t, exchangeForm(o.token(t, nil)))
	if away.status != http.StatusServiceUnavailable || away.oauthCode(t) != "temporarily_unavailable" || away.header.Get("Retry-After") != "10" {
		t.Errorf("the issuer is away: %d %v %s", away.status, away.header, away.body)
	}
	f := newFixture(t, func(c *brokerconfig.Config) { c.Roles = nil })
	none := f.exchange(t, exchangeForm(f.signIn(t, newKey(t))))
	if none.status != http.StatusServiceUnavailable || none.oauthCode(t) != "temporarily_unavailable" || none.header.Get("Retry-After") != "30" {
		t.Errorf("no roles: %d %v %s", none.status, none.header, none.body)
	}
}

func TestExchangeSaysWhoIsNotAdmitted(t *testing.T) {
	t.Parallel()
	o := newTrusted(t, func(c *brokerconfig.Config) {
		c.Admission = brokerconfig.Admission{Mode: brokerconfig.AllowList, Wallets: []wallet.Address{bob}}
	})
	got := o.exchange(t, exchangeForm(o.token(t, nil)))
	if got.status != http.StatusBadRequest || got.oauthCode(t) != "invalid_request" || !strings.Contains(got.body, "admit") {
		t.Errorf("got %d %s", got.status, got.body)
	}
	o.exchange(t, exchangeForm(o.token(t, map[string]any{"wallet": bob}))).members(t)
}

func TestEachExchangeLeavesOneRecord(t *testing.T) {
	t.Parallel()
	o := newTrusted(t)
	given := o.token(t, nil)
	var minted string
	record := lastRecord(t, o.fixture, func() {
		minted = o.exchange(t, exchangeForm(given, "resource", role)).text(t, "access_token")
	})
	want := map[string]any{
		"event": "token_exchange", "outcome": "ok", "reason": "ok", "wallet": alice,
		"kid": o.keys.Active().ID, "jti": idOf(t, minted), "role": role,
		"client": "192.0.2.1", "via": o.url, "session": "the-token", "bearer_sha256": hashOf(given),
	}
	if diff := cmp.Diff(want, record, ignoreLogFields); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for reason, form := range map[string]url.Values{
		"unsupported_grant_type": exchangeForm(given, "grant_type", "x"),
		"invalid_client":         exchangeForm(given, "client_secret", "marker-of-the-caller"),
		"invalid_role":           exchangeForm(given, "role_arn", "marker-of-the-caller"),
		"token_malformed":        exchangeForm("marker-of-the-caller"),
		"token_expired":          exchangeForm(o.token(t, map[string]any{"iat": 1, "exp": 2})),
	} {
		if record := lastRecord(t, o.fixture, func() { o.exchange(t, form) }); record["reason"] != reason || record["outcome"] != "refused" {
			t.Errorf("want %s, got %v", reason, record)
		}
	}
	for _, secret := range []string{given, strings.Split(given, ".")[1], minted, strings.Split(minted, ".")[2], "marker-of-the-caller"} {
		if strings.Contains(o.log.String(), secret) {
			t.Errorf("the log shows %s", secret)
		}
	}
}

func TestMetadataIsWhereClientsLook(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	want := f.send(t, http.MethodGet, discoveryPath, "")
	members := want.members(t)
	if members["token_endpoint"] != issuer+tokenPath {
		t.Errorf("got %v", members)
	}
	if got := f.send(t, http.MethodGet, metadataPath, ""); got.body != want.body || got.header.Get("ETag") != want.header.Get("ETag") {
		t.Errorf("got %d %s", got.status, got.body)
	}

	below := newFixture(t, func(c *brokerconfig.Config) { c.Issuer = "https://example.org/issuers/a" })
	for path, status := range map[string]int{
		metadataPath + "/issuers/a": 200,
		"/issuers/a" + metadataPath: 200,
		metadataPath:                404,
		metadataPath + "/":          404,
	} {
		got := below.send(t, http.MethodGet, path, "")
		if got.status != status {
			t.Errorf("%s: %d", path, got.status)
		}
		if status == http.StatusOK && got.members(t)["token_endpoint"] != "https://example.org/issuers/a/oauth2/token" {
			t.Errorf("%s: %s", path, got.body)
		}
	}
	form := exchangeForm("x").Encode()
	if got := below.send(t, http.MethodPost, "/issuers/a"+tokenPath, form, "Content-Type", formType); got.oauthCode(t) != "invalid_request" {
		t.Errorf("got %d %s", got.status, got.body)
	}
	if got := below.send(t, http.MethodPost, tokenPath, form, "Content-Type", formType); got.status != http.StatusNotFound {
		t.Errorf("outside the issuer's path: %d %s", got.status, got.body)
	}
}

func FuzzExchange(f *testing.F) {
	o := newTrusted(f)
	session, foreign := o.signIn(f, newKey(f)), o.token(f, nil)
	for _, seed := range []string{
		"", "&&==", exchangeForm(session).Encode(), exchangeForm(foreign, "resource", role, "scope", "openid").Encode(),
		exchangeForm(session, "role_arn", "x", "audience", "y", "actor_token", "z").Encode(), "grant_type=%ff;a=b",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		got := o.send(t, http.MethodPost, tokenPath, body, "Content-Type", formType)
		if got.status != http.StatusOK {
			got.oauthCode(t)
			return
		}
		// Nobody can guess the keys: what is taken, one of the issuers has signed.
		// Seeds come from another process, which has the session key in common.
		values, err := url.ParseQuery(body)
		subject := values.Get("subject_token")
		if err != nil || subject != foreign && subject != hs256(sessionKey, sessionHeader, sessionPayload(t, subject)) {
			t.Errorf("%q got %d", body, got.status)
		}
	})
}
