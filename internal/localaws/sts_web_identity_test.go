package localaws_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/litentry/wallet-federation/internal/localaws"
)

// federation is a world with an issuer, its provider and a role that trusts it.
type federation struct {
	*world
	issuer   *issuer
	provider string
	role     string
}

func newFederation(t *testing.T) *federation {
	t.Helper()
	f := &federation{world: newWorld(t), issuer: newIssuer(t)}
	f.provider = f.world.provider(t, f.issuer)
	f.role = f.world.role(t, "wallets", federatedTrust(f.provider, "{}"))
	return f
}

// trust replaces the role's trust policy.
func (f *federation) trust(t *testing.T, document string) {
	t.Helper()
	_, err := f.iam.UpdateAssumeRolePolicy(t.Context(), &iam.UpdateAssumeRolePolicyInput{
		RoleName: aws.String("wallets"), PolicyDocument: &document,
	})
	if err != nil {
		t.Fatal(err)
	}
}

// buy exchanges a token whose claims are changed.
func (f *federation) buy(t *testing.T, changes map[string]any) (*sts.AssumeRoleWithWebIdentityOutput, error) {
	t.Helper()
	return f.exchange(t.Context(), f.role, f.issuer.token(t, with(f.issuer.claimsAt(f.now), changes)))
}

const (
	notAuthorized = "Not authorized to perform sts:AssumeRoleWithWebIdentity"
	wallet        = "0x00000000000000000000000000000000000000aa"
)

// tagged is a token's tags claim in the nested form.
func tagged(key, value string) map[string]any {
	return map[string]any{"https://aws.amazon.com/tags": map[string]any{
		"principal_tags":      map[string]any{key: []string{value}},
		"transitive_tag_keys": []string{key},
	}}
}

func TestRolesClaim(t *testing.T) {
	t.Parallel()
	const (
		absent    = "The target role ARN is not present in the roles claim of the identity token"
		noneValid = "The roles claim contains no valid role ARNs"
		malformed = "The roles claim is not in a supported format"
		other     = "arn:aws:iam::" + account + ":role/another-role"
	)
	f := newFederation(t)
	target := f.role
	tests := map[string]struct {
		claim   any
		message string
	}{
		"target in an array":               {[]any{target}, ""},
		"target as text":                   {target, ""},
		"target after another":             {[]any{other, target}, ""},
		"target after another as text":     {other + ";" + target, ""},
		"target after a blank":             {other + "; " + target, ""},
		"target between blanks":            {" " + target + " ", ""},
		"target before a semicolon":        {target + ";", ""},
		"target after a semicolon":         {";" + target, ""},
		"target twice":                     {[]any{target, target}, ""},
		"target after a number":            {[]any{123, target}, ""},
		"target after null":                {[]any{nil, target}, ""},
		"target after text that is no ARN": {[]any{"not-an-arn", target}, ""},
		"null is as absent":                {nil, ""},
		"another role only":                {[]any{other}, absent},
		"empty array":                      {[]any{}, noneValid},
		"empty text":                       {"", noneValid},
		"array in an array":                {[]any{[]any{target}}, noneValid},
		"wildcard":                         {"arn:aws:iam::" + account + ":role/*", noneValid},
		"upper-case ARN":                   {strings.ToUpper(target), noneValid},
		"separated by a comma":             {other + "," + target, noneValid},
		"number":                           {123, malformed},
		"boolean":                          {true, malformed},
		"object":                           {map[string]any{"role": target}, malformed},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := f.buy(t, map[string]any{"https://aws.amazon.com/roles": test.claim})
			if test.message == "" {
				wantCode(t, err, "")
				return
			}
			wantRefusal(t, err, "InvalidIdentityToken", test.message)
		})
	}
}

func TestRoleAuthorizedByIdP(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		condition string
		pinned    string // the role that the token is pinned to
		code      string
	}{
		"required and absent":             {"true", "", "AccessDenied"},
		"required and pinned":             {"true", "wallets", ""},
		"required and pinned to another":  {"true", "another-role", "InvalidIdentityToken"},
		"forbidden and absent":            {"false", "", ""},
		"forbidden and pinned":            {"false", "wallets", "AccessDenied"},
		"forbidden and pinned to another": {"false", "another-role", "InvalidIdentityToken"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFederation(t)
			f.trust(t, federatedTrust(f.provider, `{"Bool":{"sts:RoleAuthorizedByIdp":"`+test.condition+`"}}`))
			changes := map[string]any{}
			if test.pinned != "" {
				changes["https://aws.amazon.com/roles"] = []string{"arn:aws:iam::" + account + ":role/" + test.pinned}
			}
			_, err := f.buy(t, changes)
			wantCode(t, err, test.code)
		})
	}
}

func TestTrustPolicyContext(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		condition string // ISSUER and PROVIDER are replaced
		claims    map[string]any
		allowed   bool
	}{
		"audience":                   {`{"StringEquals":{"ISSUER:aud":"client-a"}}`, nil, true},
		"audience of another":        {`{"StringEquals":{"ISSUER:aud":"client-b"}}`, nil, false},
		"authorized party is aud":    {`{"StringEquals":{"ISSUER:aud":"client-b","ISSUER:azp":"client-b","ISSUER:oaud":"other"}}`, map[string]any{"aud": "other", "azp": "client-b"}, true},
		"authorized party is absent": {`{"Null":{"ISSUER:azp":"true"}}`, nil, true},
		"subject":                    {`{"StringLike":{"ISSUER:sub":"subject-*"}}`, nil, true},
		"subject of another":         {`{"StringLike":{"ISSUER:sub":"wallet-*"}}`, nil, false},
		"session name":               {`{"StringEquals":{"sts:RoleSessionName":"oidc-probe"}}`, nil, true},
		"another session name":       {`{"StringEquals":{"sts:RoleSessionName":"propagation-control"}}`, nil, false},
		"principal account":          {`{"StringEquals":{"aws:PrincipalAccount":"` + account + `"}}`, nil, true},
		"anonymous account":          {`{"StringEquals":{"aws:PrincipalAccount":"anonymous"}}`, nil, false},
		"principal type":             {`{"StringEquals":{"aws:PrincipalType":"User"}}`, nil, true},
		"principal type federated":   {`{"StringEquals":{"aws:PrincipalType":"FederatedUser"}}`, nil, false},
		"user id":                    {`{"StringEquals":{"aws:userid":"PROVIDER"}}`, nil, true},
		"user id with subject":       {`{"StringEquals":{"aws:userid":"PROVIDER:subject-probe"}}`, nil, false},
		"no principal ARN":           {`{"Null":{"aws:PrincipalArn":"true"}}`, nil, true},
		"federated provider":         {`{"StringEquals":{"aws:FederatedProvider":"PROVIDER"}}`, nil, true},
		"tag requested":              {`{"StringLike":{"aws:RequestTag/wallet":"0x*"}}`, tagged("wallet", wallet), true},
		"tag required and absent":    {`{"StringLike":{"aws:RequestTag/wallet":"0x*"}}`, nil, false},
		"no tag but this one":        {`{"ForAllValues:StringEquals":{"aws:TagKeys":["wallet"]},"Null":{"aws:TagKeys":"false"}}`, tagged("wallet", wallet), true},
		"another tag":                {`{"ForAllValues:StringEquals":{"aws:TagKeys":["wallet"]},"Null":{"aws:TagKeys":"false"}}`, tagged("team", "x"), false},
		"transitive tag":             {`{"ForAnyValue:StringEquals":{"sts:TransitiveTagKeys":["wallet"]}}`, tagged("wallet", wallet), true},
		"source identity":            {`{"StringEquals":{"sts:SourceIdentity":"alice"}}`, map[string]any{"https://aws.amazon.com/source_identity": "alice"}, true},
		"source identity absent":     {`{"StringEquals":{"sts:SourceIdentity":"alice"}}`, nil, false},
		"authentication methods":     {`{"ForAnyValue:StringEquals":{"ISSUER:amr":"mfa"}}`, map[string]any{"amr": []string{"pwd", "mfa"}}, true},
		"plain http":                 {`{"Bool":{"aws:SecureTransport":"true"}}`, nil, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFederation(t)
			replace := strings.NewReplacer("ISSUER", strings.TrimPrefix(f.issuer.URL, "http://"), "PROVIDER", f.provider)
			f.trust(t, federatedTrust(f.provider, replace.Replace(test.condition)))
			_, err := f.buy(t, test.claims)
			if test.allowed {
				wantCode(t, err, "")
				return
			}
			wantRefusal(t, err, "AccessDenied", notAuthorized)
		})
	}
}

func TestTrustPolicyRefusals(t *testing.T) {
	t.Parallel()
	assumeOnly := func(f *federation) string {
		return strings.Replace(federatedTrust(f.provider, "{}"), `,"sts:TagSession","sts:SetSourceIdentity"`, "", 1)
	}
	tests := map[string]struct {
		trust   func(*federation) string
		claims  map[string]any
		message string
	}{
		"everybody does not mean a web identity": {
			func(*federation) string {
				return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:*"}]}`
			}, nil, notAuthorized,
		},
		"tags need their own permission": {assumeOnly, tagged("wallet", wallet), "Not authorized to perform sts:TagSession"},
		"a source identity needs its own permission": {
			assumeOnly, map[string]any{"https://aws.amazon.com/source_identity": "alice"},
			"Not authorized to perform sts:SetSourceIdentity",
		},
		"another provider": {
			func(*federation) string {
				return federatedTrust("arn:aws:iam::"+account+":oidc-provider/other.example.com", "{}")
			}, nil, notAuthorized,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFederation(t)
			f.trust(t, test.trust(f))
			_, err := f.buy(t, test.claims)
			wantRefusal(t, err, "AccessDenied", test.message)
		})
	}
}

func TestWebIdentityTokenRefusals(t *testing.T) {
	t.Parallel()
	f := newFederation(t)
	good := f.issuer.token(t, f.issuer.claimsAt(f.now))
	parts := strings.Split(good, ".")
	forged := f.issuer.token(t, with(f.issuer.claimsAt(f.now), map[string]any{"sub": "somebody else"}))
	tagClaim := func(value any) string {
		return f.issuer.token(t, with(f.issuer.claimsAt(f.now), map[string]any{"https://aws.amazon.com/tags": value}))
	}
	header := func(alg string) string {
		payload := []byte(mustJSON(t, f.issuer.claimsAt(f.now)))
		return signToken(t, map[string]any{"alg": alg, "kid": "ES256"}, payload, "ES256")
	}
	const (
		notValidated = "could not be validated"
		badTags      = "principal_tags passed in claim is not in correct format."
	)
	tests := map[string]struct{ token, code, message string }{
		"payload of another token":   {parts[0] + "." + strings.Split(forged, ".")[1] + "." + parts[2], "InvalidIdentityToken", notValidated},
		"no signature":               {parts[0] + "." + parts[1] + ".", "InvalidIdentityToken", notValidated},
		"not a token":                {"this is no token", "InvalidIdentityToken", "not a valid JWT"},
		"algorithm none":             {header("none"), "InvalidIdentityToken", notValidated},
		"symmetric algorithm":        {header("HS256"), "InvalidIdentityToken", notValidated},
		"PSS":                        {header("PS256"), "InvalidIdentityToken", notValidated},
		"curve of another algorithm": {header("ES384"), "InvalidIdentityToken", notValidated},
		"too short":                  {"abc", "ValidationError", "greater than or equal to 4"},
		"too long":                   {strings.Repeat("a", 20001), "ValidationError", "less than or equal to 20000"},
		"unknown issuer": {
			f.issuer.token(t, with(f.issuer.claimsAt(f.now), map[string]any{"iss": "https://unknown.example.com"})),
			"InvalidIdentityToken", "No OpenIDConnect provider found in your account for https://unknown.example.com",
		},
		"issuer with another scheme": {
			f.issuer.token(t, with(f.issuer.claimsAt(f.now), map[string]any{"iss": strings.Replace(f.issuer.URL, "http:", "https:", 1)})),
			"InvalidIdentityToken", "No OpenIDConnect provider found",
		},
		"tag with two values":      {tagClaim(map[string]any{"principal_tags": map[string]any{"k": []string{"a", "b"}}}), "InvalidIdentityToken", badTags},
		"tag without a value":      {tagClaim(map[string]any{"principal_tags": map[string]any{"k": []string{}}}), "InvalidIdentityToken", badTags},
		"tags as a list":           {tagClaim([]string{"k"}), "InvalidIdentityToken", badTags},
		"wildcard in a tag":        {tagClaim(map[string]any{"principal_tags": map[string]any{"k": []string{"0x*"}}}), "ValidationError", "regular expression"},
		"reserved tag key":         {tagClaim(map[string]any{"principal_tags": map[string]any{"aws:k": []string{"v"}}}), "InvalidParameterValue", "reserved"},
		"keys that differ by case": {tagClaim(map[string]any{"principal_tags": map[string]any{"k": []string{"a"}, "K": []string{"b"}}}), "InvalidParameterValue", "case insensitive"},
		"transitive key untagged":  {tagClaim(map[string]any{"principal_tags": map[string]any{"k": []string{"a"}}, "transitive_tag_keys": []string{"j"}}), "InvalidParameterValue", "must be included"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := f.exchange(t.Context(), f.role, test.token)
			wantRefusal(t, err, test.code, test.message)
		})
	}
}

func TestWebIdentityParameters(t *testing.T) {
	t.Parallel()
	f := newFederation(t)
	token := f.issuer.token(t, f.issuer.claimsAt(f.now))
	tests := map[string]struct {
		change        func(*sts.AssumeRoleWithWebIdentityInput)
		code, message string
	}{
		"role does not exist":       {func(in *sts.AssumeRoleWithWebIdentityInput) { *in.RoleArn += "x" }, "AccessDenied", notAuthorized},
		"shorter than 15 minutes":   {func(in *sts.AssumeRoleWithWebIdentityInput) { in.DurationSeconds = aws.Int32(899) }, "ValidationError", "greater than or equal to 900"},
		"longer than the role's":    {func(in *sts.AssumeRoleWithWebIdentityInput) { in.DurationSeconds = aws.Int32(7201) }, "ValidationError", "MaxSessionDuration"},
		"session name with a slash": {func(in *sts.AssumeRoleWithWebIdentityInput) { in.RoleSessionName = aws.String("a/b") }, "ValidationError", "roleSessionName"},
		"session name of one":       {func(in *sts.AssumeRoleWithWebIdentityInput) { in.RoleSessionName = aws.String("a") }, "ValidationError", "roleSessionName"},
		"malformed session policy":  {func(in *sts.AssumeRoleWithWebIdentityInput) { in.Policy = aws.String(`{"Version":"2012-10-17"}`) }, "MalformedPolicyDocument", ""},
		"large session policy":      {func(in *sts.AssumeRoleWithWebIdentityInput) { in.Policy = aws.String(strings.Repeat(" ", 2049)) }, "ValidationError", "2048"},
		"facebook":                  {func(in *sts.AssumeRoleWithWebIdentityInput) { in.ProviderId = aws.String("graph.facebook.com") }, "IDPRejectedClaim", "Bad signature"},
		"unknown OAuth provider":    {func(in *sts.AssumeRoleWithWebIdentityInput) { in.ProviderId = aws.String("accounts.google.com") }, "AccessDenied", "Unrecognized OAuth provider"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := &sts.AssumeRoleWithWebIdentityInput{
				RoleArn: aws.String(f.role), RoleSessionName: aws.String("session"), WebIdentityToken: &token,
			}
			test.change(in)
			_, err := f.sts.AssumeRoleWithWebIdentity(t.Context(), in)
			wantRefusal(t, err, test.code, test.message)
		})
	}
}

func TestIssuerThatFails(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		answer http.HandlerFunc
		code   string
	}{
		"is down": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, "IDPCommunicationError"},
		"has no discovery document": {
			func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }, "InvalidIdentityToken",
		},
		"says it is another": {
			func(w http.ResponseWriter, r *http.Request) {
				_ = json.NewEncoder(w).Encode(map[string]any{"issuer": "https://other.example.com", "jwks_uri": "http://" + r.Host + "/keys"})
			}, "InvalidIdentityToken",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFederation(t)
			token := f.issuer.token(t, f.issuer.claimsAt(f.now))
			f.issuer.Config.Handler = test.answer
			_, err := f.exchange(t.Context(), f.role, token)
			wantCode(t, err, test.code)
		})
	}
}

func TestKeysAreFetchedLive(t *testing.T) {
	t.Parallel()
	f := newFederation(t)
	_, err := f.buy(t, nil)
	wantCode(t, err, "")
	f.issuer.jwks.Store([]map[string]any{publicJWK(t, "RS256")})
	_, err = f.buy(t, nil)
	wantRefusal(t, err, "InvalidIdentityToken", "Couldn't retrieve verification key")
	if got := f.issuer.fetches.Load(); got != 2 {
		t.Errorf("the key set was fetched %d times, want 2", got)
	}
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
	secure.StartTLS()
	t.Cleanup(secure.Close)
	i.URL = secure.URL
	w := newWorld(t, func(o *localaws.Options) { o.HTTPClient = secure.Client() })
	role := w.role(t, "wallets", federatedTrust(w.provider(t, i), "{}"))
	_, err := w.exchange(t.Context(), role, i.token(t, i.claimsAt(w.now)))
	wantCode(t, err, "")
}
