package broker_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/litentry/wallet-federation/broker"
	"github.com/litentry/wallet-federation/internal/brokerconfig"
)

func decodeSegment(t *testing.T, token string, n int) []byte {
	t.Helper()
	data, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[n])
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func idOf(t *testing.T, token string) string {
	t.Helper()
	var claims struct {
		ID string `json:"jti"`
	}
	if err := json.Unmarshal(decodeSegment(t, token, 1), &claims); err != nil {
		t.Fatal(err)
	}
	return claims.ID
}

func hashOf(s string) string {
	digest := sha256.Sum256([]byte(s))
	return hex.EncodeToString(digest[:])
}

// lastRecord returns the newest audit record without what every log line has,
// and fails if the action made more than one.
func lastRecord(t *testing.T, f *fixture, action func()) map[string]any {
	t.Helper()
	before := len(f.log.records(t))
	action()
	records := f.log.records(t)
	if len(records) != before+1 {
		t.Fatalf("%d records were written, want 1", len(records)-before)
	}
	return records[before]
}

var ignoreLogFields = cmpopts.IgnoreMapEntries(func(name string, _ any) bool {
	return name == "time" || name == "level" || name == "msg"
})

func TestEachSignInAndMintLeavesOneRecord(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	key := newKey(t)
	w := string(key.Address())
	s := f.start(t, w)

	refused := lastRecord(t, f, func() { f.verify(t, s.handle, newKey(t).SignPersonal(s.message)) })
	want := map[string]any{"event": "sign_in", "outcome": "refused", "reason": "signature_of_another", "wallet": w}
	if diff := cmp.Diff(want, refused, ignoreLogFields); diff != "" {
		t.Errorf("refused sign-in (-want +got):\n%s", diff)
	}

	var bearer string
	granted := lastRecord(t, f, func() {
		bearer = f.verify(t, s.handle, key.SignPersonal(s.message)).text(t, "session_jwt")
	})
	want = map[string]any{
		"event": "sign_in", "outcome": "ok", "reason": "ok", "wallet": w,
		"session": idOf(t, bearer), "bearer_sha256": hashOf(bearer),
	}
	if diff := cmp.Diff(want, granted, ignoreLogFields); diff != "" {
		t.Errorf("sign-in (-want +got):\n%s", diff)
	}

	var minted string
	record := lastRecord(t, f, func() { minted = f.mint(t, bearer, `{"role_arn":"`+role+`"}`).text(t, "jwt") })
	want = map[string]any{
		"event": "mint", "outcome": "ok", "reason": "ok", "wallet": w,
		"kid": f.keys.Active().ID, "jti": idOf(t, minted), "role": role,
		"session": idOf(t, bearer), "bearer_sha256": hashOf(bearer),
	}
	if diff := cmp.Diff(want, record, ignoreLogFields); diff != "" {
		t.Errorf("mint (-want +got):\n%s", diff)
	}
	if record["time"] != "2026-01-02T03:04:05Z" || record["level"] != "INFO" {
		t.Errorf("got time %v, level %v", record["time"], record["level"])
	}
	if all := lastRecord(t, f, func() { f.mint(t, bearer, "") }); all["role"] != "all" {
		t.Errorf("the role of an unpinned request is %v", all["role"])
	}
}

func TestRecordsTellReasonsThatCallersAreNotTold(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *brokerconfig.Config) { c.Admission = brokerconfig.Admission{Mode: brokerconfig.AllowList} })
	key := newKey(t)
	s := f.start(t, string(key.Address()))
	good := key.SignPersonal(s.message)
	for _, c := range []struct {
		reason string
		action func()
	}{
		{"unknown_request", func() { f.verify(t, "nobody", good) }},
		{"signature_malformed", func() { f.verify(t, s.handle, "0x") }},
		{"invalid_request", func() { f.post(t, verifyPath, "{") }},
		{"not_admitted", func() { f.verify(t, s.handle, good) }},
		{"replayed", func() { f.verify(t, s.handle, good) }},
		{"bearer_missing", func() { f.send(t, http.MethodPost, mintPath, "") }},
		{"bearer_malformed", func() { f.mint(t, "x", "") }},
		{"bearer_forged", func() { f.mint(t, hs256("another", sessionHeader, "{}"), "") }},
		{"bearer_foreign", func() { f.mint(t, hs256(sessionKey, sessionHeader, "{}"), "") }},
	} {
		if record := lastRecord(t, f, c.action); record["reason"] != c.reason || record["outcome"] != "refused" {
			t.Errorf("want %s, got %v", c.reason, record)
		}
	}
}

func TestTheSessionKeyIsNeverPrinted(t *testing.T) {
	t.Parallel()
	options := broker.Options{State: broker.State{Config: newConfig(), Keys: newKeys(t), SessionKeys: sessionKeys(t)}}
	server, err := broker.New(options)
	if err != nil {
		t.Fatal(err)
	}
	var shown strings.Builder
	for _, value := range []any{options, &options, server, options.SessionKeys, options.SessionKeys.Active()} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			_, _ = fmt.Fprintf(&shown, verb, value)
		}
		for _, handler := range []slog.Handler{slog.NewJSONHandler(&shown, nil), slog.NewTextHandler(&shown, nil)} {
			slog.New(handler).Info("m", "value", value)
		}
	}
	encoded, err := json.Marshal(map[string]any{"keys": options.SessionKeys, "key": options.SessionKeys.Active()})
	if err != nil {
		t.Fatal(err)
	}
	shown.Write(encoded)
	for _, spelling := range []string{
		sessionKey, hex.EncodeToString([]byte(sessionKey)), base64.StdEncoding.EncodeToString([]byte(sessionKey)),
		"48 49 50 51", "0x30, 0x31, 0x32",
	} {
		if strings.Contains(shown.String(), spelling) {
			t.Errorf("the session key is shown as %s", spelling)
		}
	}
}

// panicking is a body whose reading fails as nothing should.
type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic("boom") } //nolint:forbidigo // The test is of a panic.

func TestAPanicIsNotRecordedAsASuccess(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	bearer := f.signIn(t, newKey(t))
	for _, path := range []string{verifyPath, mintPath} {
		record := lastRecord(t, f, func() {
			request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, panicking{})
			request.Header.Set("Content-Type", "application/json")
			request.Header.Set("Authorization", "Bearer "+bearer)
			defer func() {
				if recover() == nil {
					t.Error("nothing panicked")
				}
			}()
			f.server.ServeHTTP(httptest.NewRecorder(), request)
		})
		if record["outcome"] != "refused" || record["reason"] != "internal" {
			t.Errorf("%s: got %v", path, record)
		}
	}
}

func TestNoSecretReachesTheLog(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	key := newKey(t)
	s := f.start(t, string(key.Address()))
	nonce := s.message[strings.Index(s.message, "Nonce: ")+len("Nonce: "):][:26]
	signature := key.SignPersonal(s.message)
	f.verify(t, s.handle, newKey(t).SignPersonal(s.message))
	bearer := f.verify(t, s.handle, signature).text(t, "session_jwt")
	minted := f.mint(t, bearer, "").text(t, "jwt")
	f.mint(t, minted, "")
	f.mint(t, bearer+"x", "")
	f.mint(t, bearer, `{"role_arn":"`+"marker-of-the-caller"+`"}`)
	f.verify(t, s.handle, signature)

	log := f.log.String()
	for name, secret := range map[string]string{
		"the wallet's key": key.Hex()[2:], "the signature": signature[2:40], "the nonce": nonce, "the handle": s.handle,
		"the bearer": bearer, "the bearer's MAC": strings.Split(bearer, ".")[2], "the bearer's payload": strings.Split(bearer, ".")[1],
		"the JWT": minted, "the JWT's signature": strings.Split(minted, ".")[2], "the session key": sessionKey,
		"what a caller wrote": "marker-of-the-caller",
	} {
		if strings.Contains(log, secret) {
			t.Errorf("the log shows %s", name)
		}
	}
	if len(f.log.records(t)) != 7 {
		t.Errorf("got %d records, want 7", len(f.log.records(t)))
	}
}
