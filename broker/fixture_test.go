package broker_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/litentry/wallet-federation/broker"
	"github.com/litentry/wallet-federation/internal/brokerconfig"
	"github.com/litentry/wallet-federation/internal/session"
	"github.com/litentry/wallet-federation/internal/signingkey"
	"github.com/litentry/wallet-federation/internal/wallet"
)

const (
	issuer     = "https://broker.example.org"
	role       = "arn:aws:iam::123456789012:role/bots"
	otherRole  = "arn:aws:iam::123456789012:role/others"
	sessionKey = "0123456789abcdef0123456789abcdef"

	startPath  = "/v1/auth/wallet/start"
	verifyPath = "/v1/auth/wallet/verify"
	mintPath   = "/v1/mint-oidc-jwt"
)

// epoch is when every test begins.
var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// fixture is a broker with a clock and a log that the test holds.
type fixture struct {
	server *broker.Server
	config *brokerconfig.Config
	keys   *signingkey.Set
	clock  *clock
	log    *buffer
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

type buffer struct {
	mu   sync.Mutex
	data bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.data.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.data.String()
}

// records returns the audit records so far.
func (b *buffer) records(t *testing.T) []map[string]any {
	t.Helper()
	var records []map[string]any
	for line := range strings.Lines(b.String()) {
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatalf("log line %q: %v", line, err)
		}
		if record["msg"] == "audit" {
			records = append(records, record)
		}
	}
	return records
}

func newConfig() *brokerconfig.Config {
	config := brokerconfig.Default()
	config.Issuer = issuer
	config.Admission.Mode = brokerconfig.Open
	config.Login.Statement = "Sign in to see your bots."
	config.Roles = []string{role, otherRole}
	return config
}

func newKeys(t testing.TB) *signingkey.Set {
	t.Helper()
	keys, err := signingkey.New(epoch)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func newKey(t testing.TB) *wallet.Key {
	t.Helper()
	key, err := wallet.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// sessionKeys are of one key, which the tests know.
func sessionKeys(t testing.TB) *session.KeySet {
	t.Helper()
	document := `{"keys":[{"state":"Active","since":"2026-01-02T03:04:05Z","key":"` + base64.RawURLEncoding.EncodeToString([]byte(sessionKey)) + `"}]}`
	keys, err := session.ParseKeySet([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// state is what the fixture's broker answers from.
func (f *fixture) state(t testing.TB) broker.State {
	t.Helper()
	return broker.State{Config: f.config, Keys: f.keys, SessionKeys: sessionKeys(t)}
}

// reload gives the broker another configuration and other signing keys.
func (f *fixture) reload(t testing.TB, config *brokerconfig.Config, keys *signingkey.Set) error {
	t.Helper()
	return f.server.Reload(broker.State{Config: config, Keys: keys, SessionKeys: sessionKeys(t)})
}

// newFixture makes a broker whose configuration the test has changed.
func newFixture(t testing.TB, change ...func(*brokerconfig.Config)) *fixture {
	t.Helper()
	f := &fixture{config: newConfig(), keys: newKeys(t), clock: &clock{now: epoch}, log: &buffer{}}
	for _, apply := range change {
		apply(f.config)
	}
	server, err := broker.New(broker.Options{
		State: f.state(t),
		Now:   f.clock.Now, Logger: slog.New(slog.NewJSONHandler(f.log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	f.server = server
	return f
}

// answer is what a request got.
type answer struct {
	status int
	header http.Header
	body   string
}

// code returns the error code of a refusal, and checks that it has nothing but
// a code and a message.
func (a answer) code(t testing.TB) string {
	t.Helper()
	members := map[string]string{}
	if err := json.Unmarshal([]byte(a.body), &members); err != nil || members["message"] == "" || len(members) != 2 {
		t.Fatalf("not an error answer: %d %q", a.status, a.body)
	}
	return members["error"]
}

// members returns the members of a JSON answer with status 200.
func (a answer) members(t testing.TB) map[string]any {
	t.Helper()
	if a.status != http.StatusOK {
		t.Fatalf("got %d %s, want 200", a.status, a.body)
	}
	members := map[string]any{}
	if err := json.Unmarshal([]byte(a.body), &members); err != nil {
		t.Fatalf("not a JSON object: %q", a.body)
	}
	return members
}

// text returns one member of a JSON answer with status 200.
func (a answer) text(t testing.TB, member string) string {
	t.Helper()
	value, ok := a.members(t)[member].(string)
	if !ok {
		t.Fatalf("the answer has no text %s: %s", member, a.body)
	}
	return value
}

// send makes a request; headers are given as pairs of name and value.
func (f *fixture) send(t testing.TB, method, path, body string, headers ...string) answer {
	t.Helper()
	request := httptest.NewRequestWithContext(context.WithoutCancel(t.Context()), method, path, strings.NewReader(body))
	for pair := range slices.Chunk(headers, 2) {
		request.Header.Add(pair[0], pair[1])
	}
	recorder := httptest.NewRecorder()
	f.server.ServeHTTP(recorder, request)
	response := recorder.Result()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return answer{status: response.StatusCode, header: response.Header, body: string(data)}
}

// post sends JSON.
func (f *fixture) post(t testing.TB, path, body string) answer {
	t.Helper()
	return f.send(t, http.MethodPost, path, body, "Content-Type", "application/json")
}

// started is an open challenge.
type started struct{ handle, message string }

func (f *fixture) start(t testing.TB, address string) started {
	t.Helper()
	got := f.post(t, startPath, `{"address":"`+address+`","chain_id":1}`)
	return started{handle: got.text(t, "request_id"), message: got.text(t, "siwe_message")}
}

func (f *fixture) verify(t testing.TB, handle, signature string) answer {
	t.Helper()
	return f.post(t, verifyPath, `{"request_id":"`+handle+`","signature":"`+signature+`"}`)
}

// signIn returns a session bearer for the key's wallet.
func (f *fixture) signIn(t testing.TB, key *wallet.Key) string {
	t.Helper()
	s := f.start(t, string(key.Address()))
	return f.verify(t, s.handle, key.SignPersonal(s.message)).text(t, "session_jwt")
}

// mint mints with a bearer and a body, which may be empty.
func (f *fixture) mint(t testing.TB, bearer, body string) answer {
	t.Helper()
	headers := []string{"Authorization", "Bearer " + bearer}
	if body != "" {
		headers = append(headers, "Content-Type", "application/json")
	}
	return f.send(t, http.MethodPost, mintPath, body, headers...)
}
