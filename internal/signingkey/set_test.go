package signingkey_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/lestrrat-go/jwx/v2/jwk"

	"github.com/litentry/wallet-federation/internal/signingkey"
)

// known is a document made of the key of RFC 7515, appendix A.3, whose
// thumbprint was computed apart from this code.
const (
	knownID = "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"
	knownD  = "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"
	known   = `{"keys":[{"state":"Active","createdAt":"2026-01-02T03:04:05Z","since":"2026-01-03T04:05:06Z","jwk":{` +
		`"kty":"EC","crv":"P-256",` +
		`"x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",` +
		`"y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",` +
		`"d":"` + knownD + `",` +
		`"use":"sig","alg":"ES256","kid":"` + knownID + `"}}]}`
)

var created = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func mustParse(t testing.TB, document string) *signingkey.Set {
	t.Helper()
	set, err := signingkey.Parse([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func mustNew(t testing.TB) *signingkey.Set {
	t.Helper()
	set, err := signingkey.New(created)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestParseReadsAKnownKey(t *testing.T) {
	t.Parallel()
	set := mustParse(t, known)
	key := set.Active()
	if key.ID != knownID || key.State != signingkey.Active || !key.CreatedAt.Equal(created) {
		t.Errorf("got %s, state %s, created %s", key.ID, key.State, key.CreatedAt)
	}
	if keys := set.Keys(); len(keys) != 1 || keys[0] != key {
		t.Errorf("Keys() = %v", keys)
	}
	written, err := set.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(known, string(written)); diff != "" {
		t.Errorf("Marshal does not give the document back (-want +got):\n%s", diff)
	}
}

func TestNewKeysDifferAndRoundTrip(t *testing.T) {
	t.Parallel()
	first, second := mustNew(t), mustNew(t)
	if first.Active().ID == second.Active().ID {
		t.Error("two new sets have one key")
	}
	written, err := first.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	again := mustParse(t, string(written))
	if again.Active().ID != first.Active().ID || !again.Active().CreatedAt.Equal(created) {
		t.Errorf("round trip: %v, want %v", again.Active(), first.Active())
	}
}

func TestJWKSHasExactlyThePublicMembers(t *testing.T) {
	t.Parallel()
	data, err := mustParse(t, known).JWKS()
	if err != nil {
		t.Fatal(err)
	}
	var got map[string][]map[string]string
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string][]map[string]string{"keys": {{
		"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": knownID,
		"x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
		"y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// One key in 128 has an x or y that begins with zeros, which must be kept (RFC
// 7518, section 6.2.1.2): without them neither the JWKS nor the kid is the key's.
func TestCoordinatesKeepTheirLeadingZeros(t *testing.T) {
	t.Parallel()
	missing := map[string]bool{"x": true, "y": true, "d": true}
	for range 20_000 {
		if len(missing) == 0 {
			return
		}
		set := mustNew(t)
		written, err := set.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		var stored struct {
			Keys []struct{ JWK map[string]string }
		}
		if err := json.Unmarshal(written, &stored); err != nil {
			t.Fatal(err)
		}
		key := stored.Keys[0].JWK
		for _, member := range []string{"x", "y", "d"} {
			raw, err := base64.RawURLEncoding.DecodeString(key[member])
			if err != nil || len(raw) != 32 {
				t.Fatalf("%s has %d bytes, %v", member, len(raw), err)
			}
			if raw[0] == 0 {
				delete(missing, member)
			}
		}
		digest := sha256.Sum256([]byte(`{"crv":"P-256","kty":"EC","x":"` + key["x"] + `","y":"` + key["y"] + `"}`))
		if want := base64.RawURLEncoding.EncodeToString(digest[:]); key["kid"] != want || mustParse(t, string(written)).Active().ID != want {
			t.Fatalf("the kid is %s, want %s", key["kid"], want)
		}
		published, err := set.JWKS()
		if err != nil {
			t.Fatal(err)
		}
		for _, member := range []string{"x", "y", "kid"} {
			if !bytes.Contains(published, []byte(`"`+member+`":"`+key[member]+`"`)) {
				t.Fatalf("%s is published in another spelling", member)
			}
		}
	}
	t.Errorf("no key was made whose %v begins with a zero", missing)
}

func TestSignaturesVerifyWithThePublishedKey(t *testing.T) {
	t.Parallel()
	set := mustNew(t)
	payload := []byte("header.payload")
	signature, err := set.Active().Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	if len(signature) != 64 {
		t.Fatalf("the signature has %d bytes, want 64", len(signature))
	}
	public := publishedKey(t, set)
	r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	digest := sha256.Sum256(payload)
	if !ecdsa.Verify(public, digest[:], r, s) {
		t.Error("the signature does not verify")
	}
	if other := sha256.Sum256([]byte("header.Payload")); ecdsa.Verify(public, other[:], r, s) {
		t.Error("the signature verifies for another payload")
	}
}

func publishedKey(t *testing.T, set *signingkey.Set) *ecdsa.PublicKey {
	t.Helper()
	data, err := set.JWKS()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := jwk.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	key, found := keys.LookupKeyID(set.Active().ID)
	if !found {
		t.Fatal("the active key is not published")
	}
	var public ecdsa.PublicKey
	if err := key.Raw(&public); err != nil {
		t.Fatal(err)
	}
	return &public
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	entry := strings.TrimSuffix(strings.TrimPrefix(known, `{"keys":[`), `]}`)
	for name, c := range map[string]struct{ document, reason string }{
		"nothing":                        {"", "JSON"},
		"null":                           {"null", "no key is Active"},
		"no keys":                        {`{"keys":[]}`, "no key is Active"},
		"a list":                         {"[]", "JSON"},
		"a member beside keys":           {strings.Replace(known, `{"keys"`, `{"version":1,"keys"`, 1), `unknown field "version"`},
		"keys twice":                     {strings.Replace(known, `{"keys"`, `{"keys":[],"keys"`, 1), `duplicate field "keys"`},
		"keys in another case":           {strings.Replace(known, `"keys"`, `"Keys"`, 1), `unknown field "Keys"`},
		"text after the document":        {known + "{}", "JSON"},
		"invalid UTF-8":                  {strings.Replace(known, "Active", "Act\xffive", 1), "UTF-8"},
		"a state that is not known":      {strings.Replace(known, "Active", "Expired", 1), "unknown key state"},
		"a state in another case":        {strings.Replace(known, "Active", "active", 1), "unknown key state"},
		"no state":                       {strings.Replace(known, `"state":"Active",`, "", 1), "unknown key state"},
		"no time of creation":            {strings.Replace(known, `"createdAt":"2026-01-02T03:04:05Z",`, "", 1), "createdAt is not"},
		"no time of its state":           {strings.Replace(known, `"since":"2026-01-03T04:05:06Z",`, "", 1), "since is not"},
		"a state's time in words":        {strings.Replace(known, "2026-01-03T04:05:06Z", "today", 1), "since is not"},
		"nothing but a Pending key":      {strings.Replace(known, "Active", "Pending", 1), "no key is Active"},
		"nothing but a Retiring key":     {strings.Replace(known, "Active", "Retiring", 1), "no key is Active"},
		"a time in words":                {strings.Replace(known, "2026-01-02T03:04:05Z", "yesterday", 1), "createdAt is not"},
		"a time with a fraction":         {strings.Replace(known, "03:04:05Z", "03:04:05.5Z", 1), "createdAt is not"},
		"a time with a comma":            {strings.Replace(known, "03:04:05Z", "03:04:05,0Z", 1), "createdAt is not"},
		"a time in another zone":         {strings.Replace(known, "03:04:05Z", "04:04:05+01:00", 1), "createdAt is not"},
		"a time that UTC cannot spell":   {strings.Replace(known, "2026-01-02T03:04:05Z", "9999-12-31T23:59:59-01:00", 1), "createdAt is not"},
		"the zero time":                  {strings.Replace(known, "2026-01-02T03:04:05Z", "0001-01-01T00:00:00Z", 1), "createdAt is not"},
		"a private part for the time":    {strings.Replace(known, "2026-01-02T03:04:05Z", knownD, 1), "createdAt is not"},
		"a private part for the state":   {strings.Replace(known, "Active", knownD, 1), "unknown key state"},
		"no JWK":                         {`{"keys":[{"state":"Active","createdAt":"2026-01-02T03:04:05Z","since":"2026-01-02T03:04:05Z"}]}`, "jwk: missing"},
		"a JWK that is null":             {`{"keys":[{"state":"Active","createdAt":"2026-01-02T03:04:05Z","since":"2026-01-03T04:05:06Z","jwk":null}]}`, "kty"},
		"two active keys":                {`{"keys":[` + entry + `,` + strings.Replace(newEntry(t), "Pending", "Active", 1) + `]}`, "more than one key is Active"},
		"the same key twice":             {`{"keys":[` + entry + `,` + entry + `]}`, "in the set twice"},
		"17 keys":                        {`{"keys":[` + strings.TrimSuffix(strings.Repeat(entry+",", 17), ",") + `]}`, "more than 16 keys"},
		"more than 64 KiB":               {known + strings.Repeat(" ", signingkey.MaxBytes), "more than 65536 bytes"},
		"key_ops, which STS rejects":     {strings.Replace(known, `"use"`, `"key_ops":["sign"],"use"`, 1), `unknown field "key_ops"`},
		"kid twice":                      {strings.Replace(known, `"use"`, `"kid":"x","use"`, 1), `duplicate field "kid"`},
		"a kid of one's own":             {strings.Replace(known, knownID, "my-key", 1), "thumbprint"},
		"no kid":                         {strings.Replace(known, `,"kid":"`+knownID+`"`, "", 1), "thumbprint"},
		"use for encryption":             {strings.Replace(known, `"sig"`, `"enc"`, 1), "use"},
		"another algorithm":              {strings.Replace(known, "ES256", "ES384", 1), "alg"},
		"a secp256k1 key":                {strings.Replace(known, "P-256", "secp256k1", 1), "crv"},
		"a symmetric key":                {strings.Replace(known, `"EC"`, `"oct"`, 1), "kty"},
		"no private part":                {strings.Replace(known, `"d":"`+knownD+`",`, "", 1), "d is not 32 bytes"},
		"a short private part":           {strings.Replace(known, knownD, knownD[:40], 1), "d is not 32 bytes"},
		"a padded private part":          {strings.Replace(known, knownD, knownD+"=", 1), "d is not 32 bytes"},
		"a private part with a line end": {strings.Replace(known, knownD, knownD[:20]+`\n`+knownD[20:], 1), "d is not 32 bytes"},
		"spare bits in the private part": {strings.Replace(known, knownD, knownD[:42]+"J", 1), "d is not 32 bytes"},
		"a private part of zero":         {strings.Replace(known, knownD, strings.Repeat("A", 43), 1), "not a P-256 private key"},
		"a private part beyond order":    {strings.Replace(known, knownD, strings.Repeat("_", 42)+"8", 1), "not a P-256 private key"},
		"another key's private part":     {strings.Replace(known, knownD, strings.Repeat("A", 42)+"E", 1), "not the public key of d"},
		"x and y exchanged":              {strings.NewReplacer(`"x":`, `"y":`, `"y":`, `"x":`).Replace(known), "not the public key of d"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := signingkey.Parse([]byte(c.document))
			if err == nil {
				t.Fatal("it was taken")
			}
			if !strings.Contains(err.Error(), c.reason) {
				t.Errorf("got %q, want it to say %q", err, c.reason)
			}
			if strings.Contains(err.Error(), knownD[:20]) {
				t.Error("the error holds the private key")
			}
		})
	}
}

// newEntry returns the stored form of a new key.
func newEntry(t *testing.T) string {
	t.Helper()
	written, err := mustNew(t).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(strings.TrimPrefix(string(written), `{"keys":[`), `]}`)
}

func TestParseState(t *testing.T) {
	t.Parallel()
	for _, want := range []signingkey.State{signingkey.Pending, signingkey.Active, signingkey.Retiring} {
		if state, err := signingkey.ParseState(string(want)); err != nil || state != want {
			t.Errorf("%s: %q, %v", want, state, err)
		}
	}
	for _, word := range []string{"", "ACTIVE", "Retired", "Active "} {
		if state, err := signingkey.ParseState(word); err == nil {
			t.Errorf("%q was taken for %q", word, state)
		}
	}
}

func TestKeysAreNeverPrinted(t *testing.T) {
	t.Parallel()
	set := mustParse(t, known)
	key := set.Active()
	holder := map[string]any{"set": set, "key": key, "copy": *key, "inside": struct{ Key *signingkey.Key }{key}}
	shown := map[string]string{}
	for _, value := range holder {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			shown[fmt.Sprintf("%s of %T", verb, value)] = fmt.Sprintf(verb, value)
		}
	}
	encoded, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	shown["JSON"] = string(encoded)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "set", set, "key", key, "holder", holder)
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "set", set, "key", key, "holder", holder)
	shown["slog"] = log.String()

	// d in base64url, in hexadecimal, in decimal, and as a list of bytes.
	spellings := []string{
		knownD, "8e9b109e719098bf",
		"64502400493437371358766275827725703314178640739253280897215993954599262549170",
		"142 155 16 158",
	}
	for _, name := range slices.Sorted(maps.Keys(shown)) {
		for _, spelling := range spellings {
			if strings.Contains(shown[name], spelling) {
				t.Errorf("%s shows the private key: %s", name, shown[name])
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(known))
	f.Add([]byte(`{"keys":[{"state":"Active","createdAt":"2026-01-02T03:04:05Z","since":"2026-01-03T04:05:06Z","jwk":{"kty":"EC"}}]}`))
	f.Add([]byte(`{"keys":[]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		set, err := signingkey.Parse(data)
		if err != nil {
			return
		}
		written, err := set.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		again := mustParse(t, string(written))
		if again.Active().ID != set.Active().ID {
			t.Error("the round trip gives another key")
		}
	})
}
