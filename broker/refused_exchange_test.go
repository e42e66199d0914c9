package broker_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/litentry/wallet-federation/internal/brokerconfig"
)

// refusedExchanges are requests of the token endpoint.
func refusedExchanges(t *testing.T) map[string]refused {
	t.Helper()
	o := newTrusted(t, func(c *brokerconfig.Config) {
		c.Revocations = []brokerconfig.Revocation{{Wallet: bob, Before: epoch.Add(time.Second)}}
	})
	session := o.signIn(t, newKey(t))
	minted := o.mint(t, session, "").text(t, "jwt")
	form := func(pairs ...string) string { return exchangeForm(session, pairs...).Encode() }
	subject := func(token string) string { return exchangeForm(token).Encode() }
	good := form()
	jwks := o.send(t, http.MethodGet, jwksPath, "").body
	claims := string(decodeSegment(t, o.token(t, nil), 1))
	cases := map[string]refused{}
	for name, c := range map[string]struct {
		body string
		want refusedWith
	}{
		"nothing":                               {"", oauthNoGrant},
		"no grant type":                         {form("grant_type", ""), oauthNoGrant},
		"client credentials":                    {form("grant_type", "client_credentials"), oauthBadGrant},
		"a JWT as the grant":                    {form("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), oauthBadGrant},
		"the grant type in another case":        {form("grant_type", strings.ToUpper(exchangeGrant)), oauthBadGrant},
		"the grant type twice":                  {good + "&grant_type=" + exchangeGrant, oauthBadForm},
		"the grant type twice, once empty":      {good + "&grant_type=", oauthBadForm},
		"a parameter nobody knows twice":        {good + "&x=1&x=2", oauthBadForm},
		"no subject token":                      {form("subject_token", ""), oauthNoSubject},
		"two subject tokens":                    {good + "&subject_token=x", oauthBadForm},
		"no type of the subject token":          {form("subject_token_type", ""), oauthNoSubject},
		"a SAML assertion":                      {form("subject_token_type", "urn:ietf:params:oauth:token-type:saml2"), oauthBadSubjectType},
		"a refresh token":                       {form("subject_token_type", "urn:ietf:params:oauth:token-type:refresh_token"), oauthBadSubjectType},
		"an actor":                              {form("actor_token", session, "actor_token_type", jwtType), oauthActor},
		"an actor's type alone":                 {form("actor_token_type", jwtType), oauthActor},
		"an access token is asked for":          {form("requested_token_type", accessType), oauthBadWish},
		"an ID token is asked for":              {form("requested_token_type", idType), oauthBadWish},
		"another audience":                      {form("audience", "wallets"), oauthBadAudience},
		"two audiences":                         {good + "&audience=sts.amazonaws.com&audience=sts.amazonaws.com", oauthManyTargets},
		"two resources":                         {good + "&resource=" + role + "&resource=" + otherRole, oauthManyTargets},
		"the same resource twice":               {good + "&resource=" + role + "&resource=" + role, oauthManyTargets},
		"a resource of somebody else":           {form("resource", "arn:aws:iam::999999999999:role/bots"), oauthBadRole},
		"a role of somebody else":               {form("role_arn", "arn:aws:iam::999999999999:role/bots"), oauthBadRole},
		"a resource and another role":           {form("resource", role, "role_arn", otherRole), oauthTwoRoles},
		"a scope":                               {form("scope", "s3:GetObject"), oauthBadScope},
		"a scope beside the known one":          {form("scope", "openid profile"), oauthBadScope},
		"a client secret":                       {form("client_id", "a", "client_secret", "b"), oauthBadClient},
		"a client assertion":                    {form("client_assertion", "x", "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"), oauthBadClient},
		"JSON":                                  {`{"grant_type":"` + exchangeGrant + `"}`, oauthNoGrant},
		"a semicolon between parameters":        {strings.ReplaceAll(good, "&", ";"), oauthBadForm},
		"a percent sign by itself":              {good + "&x=%zz", oauthBadForm},
		"a name in invalid UTF-8":               {good + "&%ff=x", oauthBadForm},
		"a value in invalid UTF-8":              {good + "&x=%ff", oauthBadForm},
		"more than 20 KiB":                      {good + "&x=" + strings.Repeat("a", 20<<10), oauthTooLarge},
		"the JWT that was minted":               {subject(minted), oauthBadSubject},
		"a token of an issuer nobody trusts":    {subject(newTrusted(t).token(t, nil)), oauthBadSubject},
		"a token for another audience":          {subject(o.token(t, map[string]any{"aud": "x"})), oauthBadSubject},
		"a token of a revoked wallet":           {subject(o.token(t, map[string]any{"wallet": bob})), oauthBadSubject},
		"a session with a space":                {subject(session + " "), oauthBadSubject},
		"a session with the scheme of a bearer": {subject("Bearer " + session), oauthBadSubject},
		"a session with a NUL":                  {subject(session + "\x00"), oauthBadSubject},
		"a session with a line end":             {subject(session + "\r\n"), oauthBadSubject},
		"a session of 19,000 characters":        {subject(session + strings.Repeat("A", 19_000)), oauthBadSubject},
		"a subject token twice, once escaped":   {good + "&subject%5ftoken=x", oauthBadForm},
		"a byte order mark":                     {"\ufeff" + good, oauthNoGrant},
		"alg none":                              {subject(segment(t, map[string]string{"alg": "none"}) + "." + strings.Split(o.token(t, nil), ".")[1] + "."), oauthBadSubject},
		"the JWKS as the HMAC key":              {subject(hs256(jwks, `{"alg":"HS256","kid":"`+o.signing.Active().ID+`"}`, claims)), oauthBadSubject},
		"a resource with a homoglyph":           {form("resource", strings.Replace(role, "bots", "b\u043ets", 1)), oauthBadRole},
		"a resource with a wildcard":            {form("resource", "arn:aws:iam::123456789012:role/*"), oauthBadRole},
		"a resource of 2,000 characters":        {form("resource", role+strings.Repeat("a", 2000)), oauthBadRole},
	} {
		cases[name] = refused{want: c.want, send: func(t *testing.T) answer {
			t.Helper()
			return o.send(t, http.MethodPost, tokenPath, c.body, "Content-Type", formType)
		}}
	}
	for _, contentType := range []string{
		"", "text/plain", "application/json", "application/octet-stream", "multipart/form-data; boundary=x", "x",
		formType + "; charset=ISO-8859-1", formType + "; charset=utf-8; x=y", formType + "; charset=utf-8; charset", formType + ", " + formType,
	} {
		cases["the Content-Type "+contentType] = refused{want: oauthBadMedia, send: func(t *testing.T) answer {
			t.Helper()
			return o.send(t, http.MethodPost, tokenPath, good, "Content-Type", contentType)
		}}
	}
	return cases
}
