package broker_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/litentry/wallet-federation/internal/brokerconfig"
	"github.com/litentry/wallet-federation/internal/token"
)

// refusedBearers are made from one that is good.
func refusedBearers(t *testing.T) map[string]refused {
	t.Helper()
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

	var claims map[string]any
	if err := json.Unmarshal([]byte(payload), &claims); err != nil {
		t.Fatal(err)
	}
	jti, _ := claims["jti"].(string)
	signedByIssuer, err := token.Sign(f.keys.Active(), claims)
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]refused{}
	for name, headers := range map[string][]string{
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
		"a tab after the scheme":                {"Bearer\t" + bearer},
		"in quotes":                             {`Bearer "` + bearer + `"`},
		"in JSON":                               {`Bearer {"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`},
		"five parts":                            {"Bearer " + parts[0] + "..." + parts[1] + "." + parts[2]},
		"a NUL after":                           {"Bearer " + bearer + "\x00"},
		"invalid UTF-8 after":                   {"Bearer " + bearer + "\xff"},
		"an empty kid":                          {asHeader(`{"alg":"HS256","kid":"","typ":"wallet-session+jwt"}`)},
		"a kid that is null":                    {asHeader(`{"alg":"HS256","kid":null,"typ":"wallet-session+jwt"}`)},
		"a kid that is a list":                  {asHeader(strings.NewReplacer(`"kid":"`, `"kid":["`, `","typ"`, `"],"typ"`).Replace(sessionHeader))},
		"a kid that is SQL":                     {asHeader(`{"alg":"HS256","kid":"' OR 1=1 --","typ":"wallet-session+jwt"}`)},
		"a kid with a NUL after":                {asHeader(strings.Replace(sessionHeader, `","typ"`, `\u0000","typ"`, 1))},
		"a kid of 1,000 letters":                {asHeader(`{"alg":"HS256","kid":"` + strings.Repeat("A", 1000) + `","typ":"wallet-session+jwt"}`)},
		"the kid of the JWKS":                   {asHeader(`{"alg":"HS256","kid":"` + f.keys.Active().ID + `","typ":"wallet-session+jwt"}`)},
		"the kid twice":                         {asHeader(strings.Replace(sessionHeader, `"kid":`, `"kid":"x","kid":`, 1))},
		"alg none and the kid":                  {asHeader(strings.Replace(sessionHeader, "HS256", "none", 1))},
		"alg hs256":                             {asHeader(strings.Replace(sessionHeader, "HS256", "hs256", 1))},
		"alg RS256 with a good MAC":             {asHeader(strings.Replace(sessionHeader, "HS256", "RS256", 1))},
		"no alg":                                {asHeader(strings.Replace(sessionHeader, `"alg":"HS256",`, "", 1))},
		"an x5u in the header":                  {asHeader(strings.Replace(sessionHeader, `,"typ"`, `,"x5u":"https://evil.example","typ"`, 1))},
		"a zip in the header":                   {asHeader(strings.Replace(sessionHeader, `,"typ"`, `,"zip":"DEF","typ"`, 1))},
		"a typ of a JWT and the kid":            {asHeader(strings.Replace(sessionHeader, "wallet-session+jwt", "JWT", 1))},
		"signed by the key of the JWKS":         {"Bearer " + signedByIssuer},
		"that signature under our header":       {"Bearer " + parts[0] + "." + parts[1] + "." + strings.Split(signedByIssuer, ".")[2]},
		"a second iss":                          {edit(`"iss":`, `"iss":"https://evil.example","iss":`)},
		"a second aud":                          {edit(`"aud":`, `"aud":"sts.amazonaws.com","aud":`)},
		"a second exp":                          {edit(`"exp":`, `"exp":1,"exp":`)},
		"a second exp after the first":          {edit(`,"jti":`, `,"exp":9999999999,"jti":`)},
		"a sub with a homoglyph":                {edit(string(key.Address()), "0\u0445"+string(key.Address())[2:])},
		"a sub in invalid UTF-8":                {edit(string(key.Address()), string(key.Address())[:41]+"\xff")},
		"a sub of 1,000 digits":                 {edit(string(key.Address()), "0x"+strings.Repeat("a", 1000))},
		"a sub that is a list":                  {edit(`"`+string(key.Address())+`"`, `["`+string(key.Address())+`"]`)},
		"a jti with a NUL":                      {edit(`"jti":"`, `"jti":"\u0000`)},
		"a jti of 100 letters":                  {edit(`"jti":"`, `"jti":"`+strings.Repeat("A", 100))},
		"no jti":                                {edit(`,"jti":"`+jti+`"`, "")},
		"issued before the beginning":           {edit(`"iat":1767323045`, `"iat":-1`)},
		"a bearer of 10,000 characters":         {"Bearer " + bearer + strings.Repeat("A", 10_000)},
		"a payload with another wallet, MAC ok": {"Bearer " + parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(payload, string(key.Address()), alice, 1))) + "." + parts[2]},
	} {
		var pairs []string
		for _, header := range headers {
			pairs = append(pairs, "Authorization", header)
		}
		cases[name] = refused{
			want: badBearer,
			send: func(t *testing.T) answer { t.Helper(); return f.send(t, http.MethodPost, mintPath, "", pairs...) },
			then: func(t *testing.T) { t.Helper(); f.mint(t, bearer, "").members(t) },
		}
	}
	return cases
}

// refusedMints have a good bearer and a body that is not.
func refusedMints(t *testing.T) map[string]refused {
	t.Helper()
	f := newFixture(t)
	bearer := f.signIn(t, newKey(t))
	cases := map[string]refused{}
	for name, c := range map[string]struct {
		body, contentType string
		want              refusedWith
	}{
		"a role of somebody else": {`{"role_arn":"arn:aws:iam::999999999999:role/bots"}`, "application/json", badRole},
		"a role in another case":  {`{"role_arn":"` + strings.ToUpper(role) + `"}`, "application/json", badRole},
		"an empty role":           {`{"role_arn":""}`, "application/json", badRole},
		"a role list":             {`{"role_arn":["` + role + `"]}`, "application/json", badRequest},
		"a wallet of one's own":   {`{"wallet":"` + alice + `"}`, "application/json", badRequest},
		"two roles":               {`{"role_arn":"` + role + `","role_arn":"` + otherRole + `"}`, "application/json", badRequest},
		"trailing data":           {`{}{}`, "application/json", badRequest},
		"null":                    {`null`, "application/json", badRequest},
		"a form":                  {"role_arn=" + role, "application/x-www-form-urlencoded", badMedia},
		"a role with a homoglyph": {`{"role_arn":"` + strings.Replace(role, "bots", "b\u043ets", 1) + `"}`, "application/json", badRole},
		"a role with a line feed": {`{"role_arn":"` + role + `\n"}`, "application/json", badRole},
		"a role with a NUL":       {`{"role_arn":"` + role + `\u0000"}`, "application/json", badRole},
		"a wildcard":              {`{"role_arn":"*"}`, "application/json", badRole},
		"a role of 4,000 letters": {`{"role_arn":"` + strings.Repeat("a", 4000) + `"}`, "application/json", badRole},
		"two roles, one escaped":  {`{"role_arn":"` + role + `","role\u005farn":"` + otherRole + `"}`, "application/json", badRequest},
		"another case":            {`{"Role_ARN":"` + role + `"}`, "application/json", badRequest},
		"invalid UTF-8":           {"{\"role_arn\":\"\xff\"}", "application/json", badRequest},
		"half a surrogate":        {`{"role_arn":"\ud800"}`, "application/json", badRole},
		"a byte order mark":       {"\ufeff{}", "application/json", badRequest},
		"nested 2,000 deep":       {strings.Repeat("[", 2000), "application/json", badRequest},
		"white space":             {" ", "application/json", badRequest},
		"no Content-Type":         {"{}", "", badMedia},
		"bytes":                   {"{}", "application/octet-stream", badMedia},
		"another charset":         {"{}", "application/json; charset=utf-7", badMedia},
		"more than 4 KiB":         {`{"role_arn":"` + strings.Repeat("a", 4096) + `"}`, "application/json", tooLarge},
	} {
		cases[name] = refused{want: c.want, send: func(t *testing.T) answer {
			t.Helper()
			return f.send(t, http.MethodPost, mintPath, c.body, "Authorization", "Bearer "+bearer, "Content-Type", c.contentType)
		}}
	}
	return cases
}

// worthless is a token of a trusted issuer, or nearly, that proves nothing, and what
// the audit record says of it.
type worthless struct{ bearer, reason, via string }

// refusedTokens are those at the door for JSON.
func refusedTokens(t *testing.T) map[string]refused {
	t.Helper()
	o := newTrusted(t, revokeBob)
	cases := map[string]refused{}
	for name, c := range o.worthless(t) {
		cases[name] = refused{want: badBearer, send: func(t *testing.T) answer { t.Helper(); return o.mint(t, c.bearer, "") }}
	}
	return cases
}

// revokeBob revokes all that is issued to bob when the tests begin.
func revokeBob(c *brokerconfig.Config) {
	c.Revocations = []brokerconfig.Revocation{{Wallet: bob, Before: epoch.Add(time.Second)}}
}

func (o *trusted) worthless(t *testing.T) map[string]worthless {
	t.Helper()
	stranger := newTrusted(t)
	forged, err := token.Sign(stranger.signing.Active(), map[string]any{"iss": o.url})
	if err != nil {
		t.Fatal(err)
	}
	good := o.token(t, nil)
	minted := o.mint(t, good, "").text(t, "jwt")
	claims := strings.Split(good, ".")[1]
	with := func(claim string, value any) string { return o.token(t, map[string]any{claim: value}) }
	under := func(header string) string {
		return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + claims + "." + strings.Split(good, ".")[2]
	}
	jwks, err := o.signing.JWKS()
	if err != nil {
		t.Fatal(err)
	}
	kid := o.signing.Active().ID
	return map[string]worthless{
		"expired":                          {o.token(t, map[string]any{"iat": epoch.Unix() - 600, "exp": epoch.Unix()}), "token_expired", o.url},
		"without an iat":                   {o.token(t, map[string]any{"iat": nil}), "token_times", o.url},
		"without an exp":                   {o.token(t, map[string]any{"exp": nil}), "token_times", o.url},
		"for another audience":             {o.token(t, map[string]any{"aud": "sts.amazonaws.com"}), "token_audience", o.url},
		"without a wallet":                 {o.token(t, map[string]any{"wallet": nil}), "token_wallet", o.url},
		"of an issuer nobody trusts":       {stranger.token(t, nil), "token_issuer_unknown", ""},
		"claiming another issuer":          {stranger.token(t, map[string]any{"iss": o.url}), "token_key_unknown", o.url},
		"with nothing but an issuer":       {forged, "token_audience", o.url},
		"changed":                          {good[:len(good)-6] + "AAAAAA", "token_forged", o.url},
		"without a signature":              {good[:strings.LastIndexByte(good, '.')+1], "token_malformed", ""},
		"alg none":                         {segment(t, map[string]string{"alg": "none"}) + "." + claims + ".AAAA", "token_algorithm", o.url},
		"signed as a session":              {hs256(sessionKey, sessionHeader, `{"iss":"`+o.url+`"}`), "bearer_foreign", "session"},
		"signed by the session key":        {hs256(sessionKey, `{"alg":"HS256"}`, `{"iss":"`+o.url+`"}`), "token_algorithm", o.url},
		"the JWT that was minted":          {minted, "token_issuer_unknown", ""},
		"revoked":                          {o.token(t, map[string]any{"wallet": bob}), "revoked", o.url},
		"no token at all":                  {"x", "token_malformed", ""},
		"a good one and a space":           {good + " ", "token_malformed", ""},
		"a session with other spare bits":  {respell(o.signIn(t, newKey(t))), "bearer_forged", "session"},
		"of more than the 16 KiB there is": {o.token(t, map[string]any{"x": strings.Repeat("a", 16<<10)}), "token_malformed", ""},
		"the JWKS as the HMAC key":         {hs256(string(jwks), `{"alg":"HS256","kid":"`+kid+`"}`, string(decodeSegment(t, good, 1))), "token_algorithm", o.url},
		"alg None":                         {under(`{"alg":"None","kid":"` + kid + `"}`), "token_algorithm", o.url},
		"alg RS256":                        {under(`{"alg":"RS256","kid":"` + kid + `"}`), "token_key_unknown", o.url},
		"no alg":                           {under(`{"kid":"` + kid + `"}`), "token_malformed", ""},
		"alg twice":                        {under(`{"alg":"none","alg":"ES256","kid":"` + kid + `"}`), "token_malformed", ""},
		"a kid that is a path":             {under(`{"alg":"ES256","kid":"../../keys"}`), "token_key_unknown", o.url},
		"a kid of somebody else":           {under(`{"alg":"ES256","kid":"` + o.keys.Active().ID + `"}`), "token_key_unknown", o.url},
		"a kid that is a number":           {under(`{"alg":"ES256","kid":1}`), "token_malformed", ""},
		"a jwk of its own":                 {under(`{"alg":"ES256","kid":"` + kid + `","jwk":{}}`), "token_forged", o.url},
		"a crit header":                    {under(`{"alg":"ES256","kid":"` + kid + `","crit":["b64"],"b64":false}`), "token_type", o.url},
		"a slash after the issuer":         {with("iss", o.url+"/"), "token_issuer_unknown", ""},
		"a list of issuers":                {with("iss", []string{o.url}), "token_malformed", ""},
		"a list of other audiences":        {with("aud", []string{"a", "b"}), "token_audience", o.url},
		"an audience in another case":      {with("aud", "Wallets"), "token_audience", o.url},
		"no audience":                      {with("aud", nil), "token_audience", o.url},
		"not good yet":                     {with("nbf", epoch.Unix()+3600), "token_not_yet_valid", o.url},
		"issued in the future":             {with("iat", epoch.Unix()+3600), "token_times", o.url},
		"good for years":                   {with("exp", epoch.Unix()+1e9), "token_times", o.url},
		"an expiry in quotes":              {with("exp", "9999999999"), "token_malformed", o.url},
		"a wallet that is a number":        {with("wallet", 1), "token_wallet", o.url},
		"a wallet that is a list":          {with("wallet", []string{alice}), "token_wallet", o.url},
		"a wallet with a wrong checksum":   {with("wallet", strings.ToUpper(alice[2:])), "token_wallet", o.url},
		"a wallet with a homoglyph":        {with("wallet", "0\u0445"+alice[2:]), "token_wallet", o.url},
		"a wallet with a line feed":        {with("wallet", alice+"\n"), "token_wallet", o.url},
		"a wallet of 4,000 digits":         {with("wallet", "0x"+strings.Repeat("a", 4000)), "token_wallet", o.url},
	}
}
