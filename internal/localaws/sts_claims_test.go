package localaws_test

import (
	"strings"
	"testing"
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
	header := func(alg string) string {
		payload := []byte(mustJSON(t, f.issuer.claimsAt(f.now)))
		return signToken(t, map[string]any{"alg": alg, "kid": "ES256"}, payload, "ES256")
	}
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
