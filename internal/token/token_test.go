package token_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"

	"github.com/litentry/wallet-federation/internal/signingkey"
	"github.com/litentry/wallet-federation/internal/token"
	"github.com/litentry/wallet-federation/internal/wallet"
)

const (
	alice = wallet.Address("0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed")
	role  = "arn:aws:iam::123456789012:role/bots"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 987_654_321, time.FixedZone("", 3600))

func profile() token.Profile {
	return token.Profile{
		Issuer:        "https://broker.example.org",
		Audience:      token.DefaultAudience,
		SubjectPrefix: token.DefaultSubjectPrefix,
		WalletTagKey:  token.DefaultWalletTagKey,
		Lifetime:      token.DefaultLifetime,
	}
}

func newSet(t testing.TB) *signingkey.Set {
	t.Helper()
	set, err := signingkey.New(now)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// verified returns the header and the claims of a token that verifies with the
// published keys.
func verified(t *testing.T, set *signingkey.Set, jwt string) (header, claims map[string]any) {
	t.Helper()
	data, err := set.JWKS()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := jwk.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := jws.Verify([]byte(jwt), jws.WithKeySet(keys, jws.WithRequireKid(true)))
	if err != nil {
		t.Fatalf("the token does not verify: %v", err)
	}
	return decode(t, strings.Split(jwt, ".")[0]), decodeJSON(t, payload)
}

func decode(t *testing.T, segment string) map[string]any {
	t.Helper()
	data, err := base64.RawURLEncoding.Strict().DecodeString(segment)
	if err != nil {
		t.Fatal(err)
	}
	return decodeJSON(t, data)
}

func decodeJSON(t *testing.T, data []byte) map[string]any {
	t.Helper()
	var decoded map[string]any
	if err := json.Unmarshal(data, &decoded); err != nil {
		t.Fatal(err)
	}
	return decoded
}

func TestTokenHasExactlyTheClaimsThatTheContractNames(t *testing.T) {
	t.Parallel()
	set := newSet(t)
	jwt, err := token.Sign(set.Active(), profile().Claims(alice, []string{role}, now, "jti-1"))
	if err != nil {
		t.Fatal(err)
	}
	header, claims := verified(t, set, jwt)
	wantHeader := map[string]any{"alg": "ES256", "kid": set.Active().ID, "typ": "JWT"}
	if diff := cmp.Diff(wantHeader, header); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
	want := map[string]any{
		"iss":                   "https://broker.example.org",
		"sub":                   "agentkeys:agent:" + string(alice),
		"aud":                   "sts.amazonaws.com",
		"iat":                   float64(1767319445),
		"nbf":                   float64(1767319445),
		"exp":                   float64(1767319745),
		"jti":                   "jti-1",
		"agentkeys_user_wallet": string(alice),
		"https://aws.amazon.com/tags": map[string]any{
			"principal_tags":      map[string]any{"agentkeys_user_wallet": []any{string(alice)}},
			"transitive_tag_keys": []any{"agentkeys_user_wallet"},
		},
		"https://aws.amazon.com/roles": []any{role},
	}
	if diff := cmp.Diff(want, claims); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
}

func TestTimesAreWrittenAsIntegers(t *testing.T) {
	t.Parallel()
	set := newSet(t)
	jwt, err := token.Sign(set.Active(), profile().Claims(alice, nil, now, "jti-1"))
	if err != nil {
		t.Fatal(err)
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(jwt, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	// STS refuses a fraction, and an exponent is no better.
	if want := `"iat":1767319445,`; !strings.Contains(string(payload), want) {
		t.Errorf("the claims do not have %s: %s", want, payload)
	}
}

func TestClaimsWithoutRolesHaveNoRolesClaim(t *testing.T) {
	t.Parallel()
	for name, roles := range map[string][]string{"nil": nil, "empty": {}} {
		if _, found := profile().Claims(alice, roles, now, "j")[token.RolesClaim]; found {
			t.Errorf("%s roles: the claim is there", name)
		}
	}
}

func TestMinterMintsTheClaimsOfTheProfile(t *testing.T) {
	t.Parallel()
	odd := token.Profile{
		Issuer:        `https://a.example/"quoted"<&>\path`,
		Audience:      "a\u2028b",
		SubjectPrefix: `x"y\`,
		WalletTagKey:  `k"e:y`,
		Lifetime:      token.MaxLifetime,
	}
	for name, c := range map[string]struct {
		profile token.Profile
		roles   []string
	}{
		"defaults, one role":             {profile(), []string{role}},
		"defaults, two roles":            {profile(), []string{role, role + "-2"}},
		"defaults, no roles":             {profile(), nil},
		"strings that JSON has to quote": {odd, []string{`arn:"odd"\`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set := newSet(t)
			minter, err := token.NewMinter(c.profile, set.Active(), c.roles)
			if err != nil {
				t.Fatal(err)
			}
			jwt, expires, err := minter.Mint(alice, now, "JTI1")
			if err != nil {
				t.Fatal(err)
			}
			reference, err := token.Sign(set.Active(), c.profile.Claims(alice, c.roles, now, "JTI1"))
			if err != nil {
				t.Fatal(err)
			}
			gotHeader, got := verified(t, set, string(jwt))
			wantHeader, want := verified(t, set, reference)
			if diff := cmp.Diff(wantHeader, gotHeader); diff != "" {
				t.Errorf("header (-reference +minted):\n%s", diff)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("claims (-reference +minted):\n%s", diff)
			}
			if got["exp"] != float64(expires.Unix()) {
				t.Errorf("expiry is said to be %v, but exp is %v", expires, got["exp"])
			}
			if minter.KeyID() != gotHeader["kid"] {
				t.Errorf("KeyID() = %q, but kid is %v", minter.KeyID(), gotHeader["kid"])
			}
		})
	}
}

func TestTokenDoesNotVerifyWithAnotherIssuersKeyOrAsHS256(t *testing.T) {
	t.Parallel()
	set, other := newSet(t), newSet(t)
	jwt, err := token.Sign(set.Active(), profile().Claims(alice, nil, now, "j"))
	if err != nil {
		t.Fatal(err)
	}
	data, err := other.JWKS()
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := jwk.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := jws.Verify([]byte(jwt), jws.WithKeySet(foreign, jws.WithRequireKid(false))); err == nil {
		t.Error("it verifies with another issuer's keys")
	}
	if _, err := jws.Verify([]byte(jwt), jws.WithKey(jwa.HS256, data)); err == nil {
		t.Error("it verifies with the JWKS for an HMAC key")
	}
}

func TestSignRefusesWhatJSONCannotSay(t *testing.T) {
	t.Parallel()
	if jwt, err := token.Sign(newSet(t).Active(), map[string]any{"f": func() {}}); err == nil {
		t.Errorf("got %q", jwt)
	}
}

func TestReservedClaim(t *testing.T) {
	t.Parallel()
	for name := range profile().Claims(alice, []string{role}, now, "j") {
		if want := name != token.DefaultWalletTagKey; token.ReservedClaim(name) != want {
			t.Errorf("ReservedClaim(%q) = %v", name, !want)
		}
	}
}
