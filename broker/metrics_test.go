package broker_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/litentry/wallet-federation/broker"
	"github.com/litentry/wallet-federation/internal/challenge"
)

const prefix = "wallet_federation_broker_"

// allowedLabels are the values that each label of the broker's own metrics may
// have, but kid: that is the one of the key that signs.
func allowedLabels(server *broker.Server) map[string][]string {
	routes := append(server.Paths(), "other", startPath, verifyPath, mintPath, "/v1/mint-aws-creds",
		discoveryPath, jwksPath, openAPIPath, "/oauth2/token", "/.well-known/oauth-authorization-server")
	statuses := []string{"other"}
	for _, status := range []int{200, 304, 400, 401, 403, 404, 405, 410, 412, 413, 415, 429, 500, 503} {
		statuses = append(statuses, strconv.Itoa(status))
	}
	return map[string][]string{
		"route":   routes,
		"status":  statuses,
		"event":   {"sign_in", "mint", "token_exchange"},
		"outcome": {"ok", "refused"},
		"reason": {
			"ok", "unknown_request", "configuration_changed", "message_refused", "signature_malformed", "signature_of_another",
			"replayed", "nonce_store_unavailable", "not_admitted", "admission_unavailable", "revoked", "bearer_missing", "bearer_malformed", "bearer_forged",
			"bearer_foreign", "bearer_expired", "unsupported_media_type", "request_too_large", "invalid_request", "invalid_role",
			"no_roles", "internal", "rate_limited", "overloaded", "issuer_unavailable", "token_malformed", "token_issuer_unknown",
			"token_algorithm", "token_type", "token_audience", "token_times", "token_expired", "token_not_yet_valid", "token_wallet",
			"token_key_unknown", "token_forged", "invalid_client", "unsupported_grant_type", "invalid_scope", "invalid_target",
		},
		"part":   broker.Parts(),
		"source": {"configuration", "lists"},
	}
}

// checkLabels fails the test if any of the broker's metrics has a label with a
// value that is not from its set, or if a record gave a reason that has no word
// in it. It runs at the end of every test that has a fixture.
func checkLabels(t testing.TB, server *broker.Server) {
	t.Helper()
	families, err := server.Gather()
	if err != nil {
		t.Fatal(err)
	}
	allowed, kids := allowedLabels(server), 0
	for _, family := range families {
		if !strings.HasPrefix(family.GetName(), prefix) {
			continue
		}
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				if label.GetName() == "kid" {
					kids++
				} else if !slices.Contains(allowed[label.GetName()], label.GetValue()) {
					t.Errorf("%s has %s=%q", family.GetName(), label.GetName(), label.GetValue())
				}
			}
		}
	}
	if kids != 1 {
		t.Errorf("%d metrics have a kid, want that of the active key alone", kids)
	}
}

// value returns the value of one metric, whose labels are given as name=value.
func (f *fixture) value(t testing.TB, name string, labels ...string) float64 {
	t.Helper()
	families, err := f.server.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != prefix+name {
			continue
		}
		for _, metric := range family.GetMetric() {
			if slices.Equal(labelsOf(metric), labels) {
				return metric.GetCounter().GetValue() + metric.GetGauge().GetValue() + float64(metric.GetHistogram().GetSampleCount())
			}
		}
	}
	t.Fatalf("there is no %s %v", name, labels)
	return 0
}

func labelsOf(metric *dto.Metric) []string {
	var labels []string
	for _, label := range metric.GetLabel() {
		labels = append(labels, label.GetName()+"="+label.GetValue())
	}
	return labels
}

func TestRequestsAndExchangesAreCounted(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	bearer := f.signIn(t, newKey(t))
	for range 3 {
		f.mint(t, bearer, "")
	}
	f.mint(t, bearer+"x", "")
	f.mint(t, "", "")
	f.send(t, http.MethodGet, "/nowhere", "")
	for _, c := range []struct {
		name   string
		labels []string
		want   float64
	}{
		{"requests_total", []string{"route=" + mintPath, "status=200"}, 3},
		{"requests_total", []string{"route=" + mintPath, "status=401"}, 2},
		{"requests_total", []string{"route=" + startPath, "status=200"}, 1},
		{"requests_total", []string{"route=other", "status=404"}, 1},
		{"request_duration_seconds", []string{"route=" + mintPath}, 5},
		{"requests_in_flight", nil, 0},
		{"exchanges_total", []string{"event=sign_in", "outcome=ok", "reason=ok"}, 1},
		{"exchanges_total", []string{"event=mint", "outcome=ok", "reason=ok"}, 3},
		{"exchanges_total", []string{"event=mint", "outcome=refused", "reason=bearer_forged"}, 1},
		{"nonce_store_up", nil, 1},
		{"nonce_store_errors_total", nil, 0},
		{"last_reload_success_timestamp_seconds", nil, float64(epoch.Unix())},
	} {
		if got := f.value(t, c.name, c.labels...); got != c.want {
			t.Errorf("%s %v is %v, want %v", c.name, c.labels, got, c.want)
		}
	}
}

func TestTheAgeOfKeysIsMeasured(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.clock.advance(90 * time.Second)
	if got := f.value(t, "signing_key_age_seconds"); got != 90 {
		t.Errorf("the signing key is %v s old", got)
	}
	if got := f.value(t, "session_key_age_seconds"); got != 90 {
		t.Errorf("the session key is %v s old", got)
	}
	f.value(t, "signing_key_info", "kid="+f.keys.Active().ID)
	next := newKeys(t)
	if err := f.reload(t, f.config, next); err != nil {
		t.Fatal(err)
	}
	f.value(t, "signing_key_info", "kid="+next.Active().ID)
	if got := f.value(t, "last_reload_success_timestamp_seconds"); got != float64(epoch.Add(90*time.Second).Unix()) {
		t.Errorf("the last reload was at %v", got)
	}
}

func TestAStoreThatIsAwayIsCounted(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	key := newKey(t)
	lost := f.replica(t, func(o *broker.Options) { o.Nonces = away{epoch: true} })
	s := lost.start(t, string(key.Address()))
	lost.verify(t, s.handle, key.SignPersonal(s.message))
	if got := lost.value(t, "nonce_store_errors_total"); got != 1 {
		t.Errorf("%v errors were counted", got)
	}
	down := f.replica(t, func(o *broker.Options) { o.Nonces = away{} })
	if got := down.value(t, "nonce_store_up"); got != 0 {
		t.Errorf("nonce_store_up is %v", got)
	}
	down.post(t, startPath, `{"address":"`+alice+`","chain_id":1}`)
	if got := down.value(t, "nonce_store_errors_total"); got != 1 {
		t.Errorf("%v errors were counted at the start of a sign-in", got)
	}
}

// A storm of odd requests, each of which carries a marker wherever a caller can
// write something.
func TestNothingThatACallerSaysBecomesALabel(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	key := newKey(t)
	bearer := f.signIn(t, key)
	const marker = "mark3r"
	paths := append(f.server.Paths(), "/"+marker, mintPath+"/"+marker, mintPath+"?"+marker, "//"+marker, "/%6d"+marker, "/metrics")
	contentTypes := []string{"", "application/json", marker + "/" + marker, "application/x-www-form-urlencoded"}
	bodies := []string{
		"", marker, `{"` + marker + `":1}`, `{"role_arn":"` + marker + `"}`, `{"address":"` + marker + `","chain_id":1}`,
		`{"request_id":"` + marker + `","signature":"` + marker + `"}`, strings.Repeat(marker, 1000),
		`{"address":"` + string(key.Address()) + `","chain_id":1}`, "grant_type=" + marker + "&subject_token=" + marker,
	}
	authorizations := []string{"", marker, "Bearer " + marker, "Bearer " + bearer, "Basic " + marker, "Bearer a.b." + marker}
	i := 0
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodDelete, http.MethodOptions, "MARK3R"} {
		for _, path := range paths {
			for _, body := range bodies {
				i++
				request := httptest.NewRequestWithContext(t.Context(), method, "http://"+marker+".example"+path, strings.NewReader(body))
				request.Header.Set("Content-Type", contentTypes[i%len(contentTypes)])
				request.Header.Set("Authorization", authorizations[i%len(authorizations)])
				request.Header.Set("X-Forwarded-For", marker)
				request.Header.Set("Traceparent", marker)
				request.Header.Set("User-Agent", marker)
				request.Header.Set("Range", "bytes=0-"+strconv.Itoa(i))
				f.server.ServeHTTP(httptest.NewRecorder(), request)
			}
		}
	}
	for _, part := range broker.Parts() {
		f.server.NoteReload(part, errors.New(marker))
	}
	families, err := f.server.Gather()
	if err != nil {
		t.Fatal(err)
	}
	checkLabels(t, f.server)
	var text strings.Builder
	_, _ = fmt.Fprint(&text, families)
	for _, secret := range []string{marker, "MARK3R", string(key.Address()), string(key.Address())[2:], bearer} {
		if strings.Contains(text.String(), secret) {
			t.Errorf("the metrics show %q", secret)
		}
	}
	series := 0
	for _, family := range families {
		series += len(family.GetMetric())
	}
	if series > 500 {
		t.Errorf("%d series", series)
	}
}

func TestAPanicIsCountedAsAnInternalError(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, verifyPath, panicking{})
	request.Header.Set("Content-Type", "application/json")
	func() {
		defer func() { _ = recover() }()
		f.server.ServeHTTP(httptest.NewRecorder(), request)
	}()
	if got := f.value(t, "requests_total", "route="+verifyPath, "status=500"); got != 1 {
		t.Errorf("%v internal errors were counted", got)
	}
	if got := f.value(t, "requests_in_flight"); got != 0 {
		t.Errorf("%v requests are in flight", got)
	}
}

// monitored runs the port for those who run the broker.
func monitored(t *testing.T, f *fixture) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- f.server.ServeMonitor(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
	return "http://" + listener.Addr().String()
}

func TestMetricsAreServedOnAPortOfTheirOwn(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.signIn(t, newKey(t))
	base := monitored(t, f)
	client := http.Client{Timeout: 10 * time.Second}
	for path, want := range map[string]string{
		"/metrics": prefix + `exchanges_total{event="sign_in",outcome="ok",reason="ok"} 1`,
		"/healthz": `{"status":"ok"}`,
		"/readyz":  `"signing":"ok"`,
		startPath:  "404",
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err := errors.Join(err, response.Body.Close()); err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(body, []byte(want)) {
			t.Errorf("%s: %s %s", path, response.Status, body)
		}
		if path != "/metrics" {
			continue
		}
		for _, name := range []string{"go_goroutines", "go_build_info", "process_"} {
			if !bytes.Contains(body, []byte("\n"+name)) {
				t.Errorf("there is no %s", name)
			}
		}
	}
	if got := f.send(t, http.MethodGet, "/metrics", ""); got.status != http.StatusNotFound {
		t.Errorf("callers can read the metrics: %d", got.status)
	}
}

func TestReadinessNamesEachCheck(t *testing.T) {
	t.Parallel()
	bad := errors.New("bad")
	for name, c := range map[string]struct {
		nonces  challenge.Store
		reloads map[string][]error
		status  string
		not     map[string]string
	}{
		"all is well":           {status: "ok"},
		"nobody can sign in":    {nonces: away{}, status: "degraded", not: map[string]string{"nonce_store": "unavailable"}},
		"a bad file was mended": {reloads: map[string][]error{"signing keys": {bad, nil}}, status: "ok"},
		"a file is bad": {
			reloads: map[string][]error{"signing keys": {nil, bad}, "session keys": {nil}},
			status:  "degraded", not: map[string]string{"configuration": "stale"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t).replica(t, func(o *broker.Options) { o.Nonces = c.nonces })
			for part, outcomes := range c.reloads {
				for _, err := range outcomes {
					f.server.NoteReload(part, err)
				}
			}
			got := f.send(t, http.MethodGet, "/readyz", "").members(t)
			checks := got["checks"].(map[string]any)
			if got["status"] != c.status || len(checks) < 4 {
				t.Errorf("got %v", got)
			}
			for check, status := range checks {
				if want := cmp.Or(c.not[check], "ok"); status != want {
					t.Errorf("%s is %v, want %s", check, status, want)
				}
			}
		})
	}
}
