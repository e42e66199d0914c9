package localaws

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/lestrrat-go/jwx/v2/jwa"
)

// FuzzTokenClaims reads any payload as STS does. What is accepted must be of the
// shape that the rest relies on.
func FuzzTokenClaims(f *testing.F) {
	now := time.Unix(1_800_000_000, 0)
	for _, payload := range []string{
		`{"iss":"https://a","aud":"client","sub":"s","iat":1800000000,"exp":1800000900}`,
		`{"iss":"https://a","aud":["client"],"sub":1,"iat":"1800000000","exp":"1800000900","nbf":1e400}`,
		`{"iss":"https://a","aud":["x","y"],"azp":"client","sub":"","iat":1,"exp":99999999999999999999}`,
		`{"https://aws.amazon.com/tags":{"principal_tags":{"k":["v"]},"transitive_tag_keys":["k"]}}`,
		`{"https://aws.amazon.com/tags/principal_tags/k":"v","https://aws.amazon.com/tags/transitive_tag_keys":["k"]}`,
		`{"https://aws.amazon.com/roles":"a; arn:aws:iam::123456789012:role/r","https://aws.amazon.com/source_identity":"alice"}`,
		`{"aud":[],"sub":null,"iat":null,"https://aws.amazon.com/roles":[1,null,[]]}`,
		`{"a":[[[[[[[[]]]]]]]],"\ud800":"\udfff"}`,
	} {
		f.Add(payload)
	}
	const role = "arn:aws:iam::123456789012:role/r"
	p := &provider{audiences: []string{"client"}}
	f.Fuzz(func(t *testing.T, payload string) {
		header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"ES256","kid":"k"}`))
		token, failure := parseToken(header + "." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".AA")
		if failure != nil {
			return
		}
		c := token.claims
		if failure := c.required(); failure == nil && (c["sub"] == nil && c["exp"] == nil) {
			checkNullClaims(t, c, now)
		}
		if audience, failure := c.audience(p); failure == nil && audience != "client" {
			t.Errorf("audience %q", audience)
		}
		if failure := c.checkTimes(now); failure == nil {
			if expires, ok := c.seconds("exp"); !ok || expires <= now.Add(-clockTolerance).Unix() {
				t.Errorf("a token that expired at %d", expires)
			}
		}
		checkFuzzedTags(t, c)
		if pinned, failure := c.authorizesRole(role); pinned && failure != nil {
			t.Error("pinned, and refused")
		}
	})
}

// checkNullClaims holds that a claim which is there, but null, is not good.
func checkNullClaims(t *testing.T, c claims, now time.Time) {
	t.Helper()
	if _, failure := c.subject(); failure == nil {
		t.Error("a subject that is null")
	}
	if c.checkTimes(now) == nil {
		t.Error("an expiry that is null")
	}
}

func checkFuzzedTags(t *testing.T, c claims) {
	t.Helper()
	a := &assumption{}
	var failure *apiError
	if a.tags, a.transitive, failure = c.sessionTags(); failure != nil || a.checkTags() != nil {
		return
	}
	if len(a.tags) > maxTags || a.tags.duplicateKey(strings.EqualFold) {
		t.Errorf("tags %v", a.tags)
	}
	for _, x := range a.tags {
		if !tagKeyPattern.MatchString(x.Key) || !tagValuePattern.MatchString(x.Value) || utf8.RuneCountInString(x.Value) > maxTagValueLen {
			t.Errorf("tag %q", x)
		}
	}
}

// FuzzKeySet reads any key set and looks for a key in it.
func FuzzKeySet(f *testing.F) {
	for _, set := range []string{
		`{"keys":[{"kty":"EC","kid":"k","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}`,
		`{"keys":[{"kty":"RSA","kid":"k","n":"AQAB","e":"AQAB","x5c":["AAAA"]}]}`,
		`{"keys":[{"kty":"EC","kid":7},null,[],"a"],"keys":[]}`,
		`{"keys":{}}`, `{"KEYS":[]}`, `[]`, `{"keys":[{"kty":"EC","kid":"k","x":1e400}]}`,
	} {
		f.Add([]byte(set))
	}
	token := &webToken{signed: []byte("signed"), signature: make([]byte, 64), alg: "ES256", kid: "k"}
	f.Fuzz(func(t *testing.T, data []byte) {
		keys, err := parseKeySet(data)
		if err != nil {
			return
		}
		if len(keys) > maxKeys {
			t.Errorf("%d keys", len(keys))
		}
		for _, kind := range []jwa.KeyType{jwa.RSA, jwa.EC} {
			if published, key := keys.find("k", kind); key != nil && (key.KeyType() != kind || published.text("kty") != kind.String()) {
				t.Errorf("a key of type %s in place of %s", key.KeyType(), kind)
			}
		}
		if token.verify(keys) == nil {
			t.Error("a signature of zeros is good")
		}
	})
}
