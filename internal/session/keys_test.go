package session_test

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/litentry/wallet-federation/internal/session"
)

// secret returns the stored form of a key that is made of one byte.
func secret(b byte) string {
	return base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte{b}, 32))
}

// stored returns the stored form of one key of the set.
func stored(state, since, key string) string {
	return fmt.Sprintf(`{"state":%q,"since":%q,"key":%q}`, state, since, key)
}

func storedSet(keys ...string) string { return `{"keys":[` + strings.Join(keys, ",") + `]}` }

const since = "2026-01-02T03:04:05Z"

func parse(t testing.TB, document string) *session.KeySet {
	t.Helper()
	keys, err := session.ParseKeySet([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestKeySetIsReadAndWritten(t *testing.T) {
	t.Parallel()
	document := storedSet(stored("Retiring", since, secret(1)), stored("Active", since, secret(2)), stored("Pending", since, secret(3)))
	keys := parse(t, document)
	written, err := keys.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(document, string(written)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var states []session.State
	for _, key := range keys.Keys() {
		states = append(states, key.State)
	}
	if diff := cmp.Diff([]session.State{session.Active, session.Retiring, session.Pending}, states); diff != "" {
		t.Errorf("the Active key is not the first (-want +got):\n%s", diff)
	}
}

func TestNewKeySetIsReadBack(t *testing.T) {
	t.Parallel()
	keys := session.NewKeySet(noon())
	written, err := keys.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if got := parse(t, string(written)).String(); got != keys.String() {
		t.Errorf("%s was read back as %s", keys, got)
	}
	if other := session.NewKeySet(noon()); other.Active().ID == keys.Active().ID {
		t.Error("two new keys are the same")
	}
}

func TestParseKeySetRefuses(t *testing.T) {
	t.Parallel()
	active := stored("Active", since, secret(2))
	many := []string{active}
	for i := range byte(session.MaxKeys) {
		many = append(many, stored("Retiring", since, secret(100+i)))
	}
	for name, document := range map[string]string{
		"nothing":                         "",
		"null":                            "null",
		"no keys":                         `{}`,
		"an empty list":                   `{"keys":[]}`,
		"a list alone":                    `[` + active + `]`,
		"two documents":                   storedSet(active) + storedSet(active),
		"an unknown member":               `{"keys":[` + active + `],"version":1}`,
		"keys twice":                      `{"keys":[` + active + `],"keys":[` + active + `]}`,
		"a member in another case":        strings.Replace(storedSet(active), "state", "State", 1),
		"an unknown member of a key":      storedSet(strings.Replace(active, "{", `{"kid":"1",`, 1)),
		"no Active key":                   storedSet(stored("Pending", since, secret(1))),
		"two Active keys":                 storedSet(active, stored("Active", since, secret(1))),
		"two Pending keys":                storedSet(active, stored("Pending", since, secret(1)), stored("Pending", since, secret(3))),
		"a key twice":                     storedSet(active, active),
		"a key twice, in two states":      storedSet(active, stored("Retiring", since, secret(2))),
		"too many keys":                   storedSet(many...),
		"an unknown state":                storedSet(active, stored("Revoked", since, secret(1))),
		"no state":                        storedSet(active, stored("", since, secret(1))),
		"a state in lower case":           storedSet(stored("active", since, secret(1))),
		"no time":                         storedSet(stored("Active", "", secret(2))),
		"the zero time":                   storedSet(stored("Active", "0001-01-01T00:00:00Z", secret(2))),
		"a time with a fraction":          storedSet(stored("Active", "2026-01-02T03:04:05.5Z", secret(2))),
		"a time of another zone":          storedSet(stored("Active", "2026-01-02T03:04:05+00:00", secret(2))),
		"a date":                          storedSet(stored("Active", "2026-01-02", secret(2))),
		"a number for the time":           storedSet(strings.Replace(active, `"`+since+`"`, "1767323045", 1)),
		"no key":                          storedSet(stored("Active", since, "")),
		"a key of 31 bytes":               storedSet(stored("Active", since, base64.RawURLEncoding.EncodeToString(make([]byte, 31)))),
		"a key of 33 bytes":               storedSet(stored("Active", since, base64.RawURLEncoding.EncodeToString(make([]byte, 33)))),
		"a key with padding":              storedSet(stored("Active", since, secret(2)+"=")),
		"a key in the standard alphabet":  storedSet(stored("Active", since, base64.RawStdEncoding.EncodeToString(bytes.Repeat([]byte{0xff}, 32)))),
		"a key with a line break":         storedSet(stored("Active", since, secret(2)[:20]+"\n"+secret(2)[20:])),
		"a key with bits behind its last": storedSet(stored("Active", since, secret(2)[:42]+"J")),
		"a key in hexadecimal":            storedSet(stored("Active", since, hex.EncodeToString(make([]byte, 32)))),
		"invalid UTF-8":                   storedSet(stored("Active", since, secret(2))) + "\xff",
		"more bytes than a set has":       storedSet(active) + strings.Repeat(" ", session.MaxBytes),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keys, err := session.ParseKeySet([]byte(document))
			if err == nil {
				t.Fatalf("it was taken: %s", keys)
			}
			for _, b := range []byte{1, 2, 3, 100} {
				if strings.Contains(err.Error(), secret(b)[:20]) {
					t.Errorf("the error holds a key: %v", err)
				}
			}
		})
	}
}

// The zero bits behind the last of 256 are what makes the sample above another
// spelling of the same key.
func TestTheOtherSpellingOfAKeyDecodesToTheSame(t *testing.T) {
	t.Parallel()
	one, err := base64.RawURLEncoding.DecodeString(secret(2))
	if err != nil {
		t.Fatal(err)
	}
	other, err := base64.RawURLEncoding.DecodeString(secret(2)[:42] + "J")
	if err != nil || !bytes.Equal(one, other) || secret(2)[42:] == "J" {
		t.Errorf("%x, %v, and it ends in %s", other, err, secret(2)[42:])
	}
}

func TestSetOfMostKeysIsTaken(t *testing.T) {
	t.Parallel()
	keys := []string{stored("Active", since, secret(2))}
	for i := range byte(session.MaxKeys - 1) {
		keys = append(keys, stored("Retiring", since, secret(100+i)))
	}
	if got := len(parse(t, storedSet(keys...)).Keys()); got != session.MaxKeys {
		t.Errorf("%d keys were read", got)
	}
}

func TestKeysAreNotPrinted(t *testing.T) {
	t.Parallel()
	keys := parse(t, storedSet(stored("Active", since, secret(0x5a)), stored("Retiring", since, secret(0x5b))))
	codec := newCodec(t, keys, issuer)
	key := keys.Active()
	derived, err := key.Derive("test")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%b", "%c", "%U", "%t", "%p", "%T", "% x", "%#x"} {
		for _, value := range []any{key, *key, keys, *keys, keys.Keys(), codec, *codec, []any{key, keys}, map[string]any{"a": *key}, struct{ K session.Key }{*key}, struct{ k session.Key }{*key}, struct{ k *session.Key }{key}, struct{ k session.KeySet }{*keys}} {
			fmt.Fprintf(&out, verb+"\n", value)
		}
	}
	for _, value := range []any{key, *key, keys, *keys, codec, map[string]any{"a": key}} {
		encoded, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(encoded)
		_ = gob.NewEncoder(&out).Encode(value) // some values cannot be encoded at all
		for _, handler := range []slog.Handler{slog.NewJSONHandler(&out, nil), slog.NewTextHandler(&out, nil)} {
			slog.New(handler).InfoContext(t.Context(), "printed", "value", value, slog.Group("group", "value", value)) //nolint:sloglint // It is printed.
		}
	}
	text := out.String()
	for _, secretBytes := range [][]byte{bytes.Repeat([]byte{0x5a}, 8), bytes.Repeat([]byte{0x5b}, 8), derived[:8]} {
		for what, spelling := range map[string]string{
			"as it is":      string(secretBytes),
			"hexadecimal":   hex.EncodeToString(secretBytes),
			"upper case":    strings.ToUpper(hex.EncodeToString(secretBytes)),
			"spaced":        fmt.Sprintf("% x", secretBytes),
			"decimal":       strings.Trim(fmt.Sprintf("%d", secretBytes), "[]"),
			"Go syntax":     strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", secretBytes), "[]byte{"), "}"),
			"base64":        base64.StdEncoding.EncodeToString(secretBytes)[:10],
			"octal, spaced": strings.Trim(fmt.Sprintf("%o", secretBytes), "[]"),
		} {
			if strings.Contains(text, spelling) {
				at := strings.Index(text, spelling)
				t.Errorf("a key is printed, %s: %q", what, text[max(0, at-200):at+60])
			}
		}
	}
	if !strings.Contains(text, key.ID) {
		t.Error("the id is not printed")
	}
}

func TestDerivedKeysDifferByKeyAndPurpose(t *testing.T) {
	t.Parallel()
	keys := parse(t, storedSet(stored("Active", since, secret(1)), stored("Pending", since, secret(2))))
	seen := map[string]bool{}
	for _, key := range keys.Keys() {
		for _, purpose := range []string{"one", "other", ""} {
			derived, err := key.Derive(purpose)
			if err != nil || len(derived) != 32 {
				t.Fatalf("%d bytes, %v", len(derived), err)
			}
			again, err := key.Derive(purpose)
			if err != nil || !bytes.Equal(derived, again) {
				t.Error("it is another each time")
			}
			seen[string(derived)] = true
		}
	}
	seen[string(bytes.Repeat([]byte{1}, 32))] = true // the key itself
	if len(seen) != 7 {
		t.Errorf("%d of 7 differ", len(seen))
	}
}

func TestKeyIDsAreOfTheSecretAlone(t *testing.T) {
	t.Parallel()
	one := parse(t, storedSet(stored("Active", since, secret(1))))
	other := parse(t, storedSet(stored("Active", "2026-05-05T05:05:05Z", secret(1))))
	if one.Active().ID != other.Active().ID {
		t.Error("a key's id changes")
	}
	if got, want := one.Active().Since, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC); !got.Equal(want) {
		t.Errorf("since %s, want %s", got, want)
	}
}
