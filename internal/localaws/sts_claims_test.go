package localaws_test

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"
)

const (
	notValidated = "The web identity token provided could not be validated. See the AssumeRoleWithWebIdentity documentation for requirements."
	notAJWT      = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
	badTime      = "Invalid timestamp in token claims."
	badTags      = "principal_tags passed in claim is not in correct format."
)

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

func TestWebIdentityTokenRefusals(t *testing.T) {
	t.Parallel()
	f := newFederation(t)
	good := f.issuer.token(t, f.issuer.claimsAt(f.now))
	parts := strings.Split(good, ".")
	forged := f.issuer.token(t, with(f.issuer.claimsAt(f.now), map[string]any{"sub": "somebody else"}))
	tagClaim := func(value any) string {
		return f.issuer.token(t, with(f.issuer.claimsAt(f.now), map[string]any{"https://aws.amazon.com/tags": value}))
	}
	segment := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	header := func(alg string) string {
		payload := []byte(mustJSON(t, f.issuer.claimsAt(f.now)))
		return signToken(t, map[string]any{"alg": alg, "kid": "ES256"}, payload, "ES256")
	}
	tests := map[string]struct{ token, code, message string }{
		"payload of another token":   {parts[0] + "." + strings.Split(forged, ".")[1] + "." + parts[2], "InvalidIdentityToken", notValidated},
		"no signature":               {parts[0] + "." + parts[1] + ".", "InvalidIdentityToken", notValidated},
		"blank in the signature":     {good[:len(good)-4] + "\n" + good[len(good)-4:], "InvalidIdentityToken", notAJWT},
		"padding":                    {good + "=", "InvalidIdentityToken", notAJWT},
		"another base64":             {strings.NewReplacer("-", "+", "_", "/").Replace(good) + "+", "InvalidIdentityToken", notAJWT},
		"five parts":                 {good + ".e30.e30", "InvalidIdentityToken", notAJWT},
		"two parts":                  {parts[0] + "." + parts[1], "InvalidIdentityToken", notAJWT},
		"header that is a list":      {segment("[]") + "." + parts[1] + "." + parts[2], "InvalidIdentityToken", notAJWT},
		"payload that is text":       {parts[0] + "." + segment(`"text"`) + "." + parts[2], "InvalidIdentityToken", notAJWT},
		"payload that goes on":       {parts[0] + "." + segment("{}{}") + "." + parts[2], "InvalidIdentityToken", notAJWT},
		"payload that nests deeply":  {parts[0] + "." + segment(`{"a":`+strings.Repeat("[", 12_000)) + "." + parts[2], "InvalidIdentityToken", notAJWT},
		"payload that is no UTF-8":   {parts[0] + "." + segment("{\"sub\":\"\xff\"}") + "." + parts[2], "InvalidIdentityToken", notAJWT},
		"payload that is empty":      {parts[0] + "." + segment("{}") + "." + parts[2], "InvalidIdentityToken", "Missing a required claim: iss"},
		"no algorithm":               {signToken(t, map[string]any{"kid": "ES256"}, []byte(mustJSON(t, f.issuer.claimsAt(f.now))), "ES256"), "InvalidIdentityToken", notValidated},
		"key id that is a number":    {signToken(t, map[string]any{"alg": "ES256", "kid": 1}, []byte(mustJSON(t, f.issuer.claimsAt(f.now))), "ES256"), "InvalidIdentityToken", noKey},
		"key of another algorithm":   {signToken(t, map[string]any{"alg": "RS256", "kid": "ES256"}, []byte(mustJSON(t, f.issuer.claimsAt(f.now))), "RS256"), "InvalidIdentityToken", noKey},
		"not a token":                {"this is no token", "InvalidIdentityToken", "not a valid JWT"},
		"algorithm none":             {header("none"), "InvalidIdentityToken", notValidated},
		"symmetric algorithm":        {header("HS256"), "InvalidIdentityToken", notValidated},
		"PSS":                        {header("PS256"), "InvalidIdentityToken", notValidated},
		"EdDSA":                      {header("EdDSA"), "InvalidIdentityToken", notValidated},
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

func TestTokenTimes(t *testing.T) {
	t.Parallel()
	f := newFederation(t)
	now := f.now.Unix()
	at := func(offset int64) string { return strconv.FormatInt(now+offset, 10) }
	const expired, invalid = "ExpiredTokenException", "InvalidIdentityToken"
	tests := map[string]struct {
		claims        map[string]any
		code, message string
	}{
		"expired within the tolerance":  {map[string]any{"exp": now - 299}, "", ""},
		"expired beyond it":             {map[string]any{"exp": now - 300}, expired, "Token expired: current date/time " + at(-300) + " must be before the expiration date/time " + at(-300)},
		"expired, as digits":            {map[string]any{"exp": at(-301)}, expired, "must be before the expiration date/time " + at(-301)},
		"not yet valid, tolerated":      {map[string]any{"nbf": now + 300}, "", ""},
		"not yet valid":                 {map[string]any{"nbf": now + 301}, invalid, "Token not yet valid: current date/time " + at(300) + " must be after or equal to the not-before date/time " + at(301)},
		"issued in the future, so much": {map[string]any{"iat": now + 300}, "", ""},
		"issued in the future":          {map[string]any{"iat": now + 301}, invalid, "Token issued in the future: " + at(301)},
		"issued long ago":               {map[string]any{"iat": 0}, "", ""},
		"never expires":                 {map[string]any{"exp": json.Number("9223372036854775807")}, "", ""},
		"digits everywhere":             {map[string]any{"iat": at(-10), "nbf": at(-10), "exp": at(900)}, "", ""},
		"fractional expiry":             {map[string]any{"exp": float64(now) + 900.5}, invalid, badTime},
		"fraction that is none":         {map[string]any{"exp": json.Number(at(900) + ".0")}, invalid, badTime},
		"fractional start":              {map[string]any{"nbf": float64(now) + .5}, invalid, badTime},
		"exponent":                      {map[string]any{"exp": json.Number("9e9")}, invalid, badTime},
		"expiry beyond every number":    {map[string]any{"exp": json.Number("1e400")}, invalid, badTime},
		"expiry of twenty digits":       {map[string]any{"exp": json.Number("99999999999999999999")}, invalid, badTime},
		"expiry of twenty digits, text": {map[string]any{"exp": "99999999999999999999"}, invalid, badTime},
		"expiry of 10,000 digits":       {map[string]any{"exp": json.Number(strings.Repeat("9", 10_000))}, invalid, badTime},
		"expiry with a sign":            {map[string]any{"exp": "+" + at(900)}, invalid, badTime},
		"expiry after a blank":          {map[string]any{"exp": " " + at(900)}, invalid, badTime},
		"expiry that is empty":          {map[string]any{"exp": ""}, invalid, badTime},
		"expiry null":                   {map[string]any{"exp": nil}, invalid, badTime},
		"expiry before time began":      {map[string]any{"exp": -1}, expired, "expiration date/time -1"},
		"start null":                    {map[string]any{"nbf": nil}, invalid, badTime},
		"start that is a word":          {map[string]any{"nbf": "invalid"}, invalid, badTime},
		"issue that is a boolean":       {map[string]any{"iat": true}, invalid, badTime},
		"issue that is a list":          {map[string]any{"iat": []any{now}}, invalid, badTime},
		"expired and issued in future":  {map[string]any{"iat": now + 301, "exp": now - 301}, invalid, "Token issued in the future"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := f.buy(t, test.claims)
			wantRefusal(t, err, test.code, test.message)
		})
	}
}

// TestClaimsThatNobodyRecorded are refused: what AWS answers is not known.
func TestClaimsThatNobodyRecorded(t *testing.T) {
	t.Parallel()
	f := newFederation(t)
	const tags, flat, transitive = "https://aws.amazon.com/tags", "https://aws.amazon.com/tags/principal_tags/k", "https://aws.amazon.com/tags/transitive_tag_keys"
	tests := map[string]struct {
		claims        map[string]any
		code, message string
	}{
		"aud that is null":              {map[string]any{"aud": nil}, "InvalidIdentityToken", notValidated},
		"aud that is a number":          {map[string]any{"aud": 1}, "InvalidIdentityToken", notValidated},
		"aud with a number in it":       {map[string]any{"aud": []any{audience, 1}}, "InvalidIdentityToken", notValidated},
		"aud in another case":           {map[string]any{"aud": strings.ToUpper(audience)}, "InvalidIdentityToken", notValidated},
		"azp that is null":              {map[string]any{"azp": nil}, "InvalidIdentityToken", notValidated},
		"azp that is a list":            {map[string]any{"azp": []any{audience}}, "InvalidIdentityToken", notValidated},
		"two aud, unregistered azp":     {map[string]any{"aud": []any{audience, otherClient}, "azp": "other"}, "InvalidIdentityToken", notValidated},
		"sub that is a boolean":         {map[string]any{"sub": true}, "InternalFailure", "Unknown error validating third-party token"},
		"sub that is a list":            {map[string]any{"sub": []any{"a"}}, "InternalFailure", "Unknown error validating third-party token"},
		"iss that is a number":          {map[string]any{"iss": 1}, "InvalidIdentityToken", "No OpenIDConnect provider found"},
		"tags that are null":            {map[string]any{tags: nil}, "InvalidIdentityToken", badTags},
		"tags that are text":            {map[string]any{tags: "k"}, "InvalidIdentityToken", badTags},
		"principal tags that are null":  {map[string]any{tags: map[string]any{"principal_tags": nil}}, "InvalidIdentityToken", badTags},
		"tag that is a number":          {map[string]any{tags: map[string]any{"principal_tags": map[string]any{"k": []any{1}}}}, "InvalidIdentityToken", badTags},
		"flat tag in a list":            {map[string]any{flat: []string{"v"}}, "InvalidIdentityToken", badTags},
		"flat tag that is a number":     {map[string]any{flat: 1}, "InvalidIdentityToken", badTags},
		"flat tag without a key":        {map[string]any{strings.TrimSuffix(flat, "k"): "v"}, "ValidationError", "greater than or equal to 1"},
		"both forms of tags":            {with(tagged("k", "v"), map[string]any{flat: "v"}), "InvalidIdentityToken", badTags},
		"transitive keys that are text": {map[string]any{flat: "v", transitive: "k"}, "InvalidIdentityToken", badTags},
		"transitive key, a number":      {map[string]any{flat: "v", transitive: []any{1}}, "InvalidIdentityToken", badTags},
		"value that is reserved":        {tagged("k", "aws:v"), "InvalidParameterValue", "reserved"},
		"key that is too long":          {tagged(strings.Repeat("k", 129), "v"), "ValidationError", "less than or equal to 128"},
		"value that is too long":        {tagged("k", strings.Repeat("v", 257)), "ValidationError", "less than or equal to 256"},
		"51 tags":                       {manyTags(51), "ValidationError", "less than or equal to 50"},
		"tags that do not fit":          {manyTags(50), "PackedPolicyTooLarge", "Packed size of session tags consumes"},
		"source identity, a number":     {map[string]any{"https://aws.amazon.com/source_identity": 1}, "InvalidIdentityToken", notValidated},
		"source identity too short":     {map[string]any{"https://aws.amazon.com/source_identity": "a"}, "ValidationError", "greater than or equal to 2"},
		"source identity with a slash":  {map[string]any{"https://aws.amazon.com/source_identity": "a/b"}, "ValidationError", `pattern: [\w+=,.@-]*`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := f.buy(t, test.claims)
			wantRefusal(t, err, test.code, test.message)
		})
	}
}

// manyTags is a tags claim with many long tags.
func manyTags(count int) map[string]any {
	values := map[string]any{}
	for n := range count {
		values["key"+strconv.Itoa(n)] = []string{strings.Repeat("v", 100)}
	}
	return map[string]any{"https://aws.amazon.com/tags": map[string]any{"principal_tags": values}}
}

// TestWhatIsReturned are answers that depend on claims beyond the recorded ones.
func TestWhatIsReturned(t *testing.T) {
	t.Parallel()
	f := newFederation(t)
	tests := map[string]struct {
		claims                    map[string]any
		subject, audience, source string
	}{
		"as recorded":            {nil, subjectProbe, audience, ""},
		"azp is the audience":    {map[string]any{"aud": []any{"x", "y"}, "azp": otherClient}, subjectProbe, otherClient, ""},
		"number as a subject":    {map[string]any{"sub": 123}, "123", audience, ""},
		"subject of three bytes": {map[string]any{"sub": "\u20ac<&>"}, "\u20ac<&>", audience, ""},
		"source identity":        {map[string]any{"https://aws.amazon.com/source_identity": "alice@example.com"}, subjectProbe, audience, "alice@example.com"},
		"bare claim tags none":   {map[string]any{"wallet": wallet}, subjectProbe, audience, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := f.buy(t, test.claims)
			wantCode(t, err, "")
			want := []string{test.subject, test.audience, test.source, f.provider}
			got := []string{*out.SubjectFromWebIdentityToken, *out.Audience, aws.ToString(out.SourceIdentity), *out.Provider}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}
