package probe

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/litentry/wallet-federation/internal/localaws"
	"github.com/litentry/wallet-federation/internal/signingkey"
	"github.com/litentry/wallet-federation/internal/token"
	"github.com/litentry/wallet-federation/internal/wallet"
)

// answering is a broker that refuses everything.
func answering(status int, body string) sabotage {
	return func(t *testing.T, w *world) {
		t.Helper()
		w.door.set(http.HandlerFunc(func(writer http.ResponseWriter, _ *http.Request) {
			writer.WriteHeader(status)
			_, _ = io.WriteString(writer, body)
		}))
	}
}

// failing breaks the calls of one operation.
func failing(operation, code string, status int) sabotage {
	return func(_ *testing.T, w *world) {
		w.breakCalls(func(call localaws.Call) *localaws.Fault {
			if call.Operation == operation {
				return &localaws.Fault{Code: code, Status: status, Message: "broken on purpose"}
			}
			return nil
		})
	}
}

// behindProxy puts a proxy before AWS that answers some requests itself.
func behindProxy(answers func(*http.Request) bool, answer http.HandlerFunc) sabotage {
	return func(t *testing.T, w *world) {
		t.Helper()
		proxy := httptest.NewServer(http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
			if answers(request) {
				answer(writer, request)
				return
			}
			w.aws.ServeHTTP(writer, request)
		}))
		t.Cleanup(proxy.Close)
		w.config.EndpointURL = proxy.URL
	}
}

func TestFailureToLookIsNoBreachAndNoPass(t *testing.T) {
	t.Parallel()

	const denial = `<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>by the proxy</Message></Error>`
	isForeign := func(r *http.Request) bool {
		return r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/"+seedObject) && r.URL.RawQuery == "tagging="
	}
	tests := map[string]struct {
		sabotage sabotage
		step     string
		reason   Reason
	}{
		"the broker is down":                                     {brokenConnection, "signing a probe wallet in", ReasonUnreachable},
		"the broker fails":                                       {answering(http.StatusBadGateway, "<html>"), "signing a probe wallet in", ReasonUnavailable},
		"the broker asks for patience":                           {answering(http.StatusTooManyRequests, `{"error":"rate_limited"}`), "signing a probe wallet in", ReasonThrottled},
		"the wallets are not admitted":                           {notAdmitted, "signing a probe wallet in", ReasonRefused},
		"the broker mints for no role":                           {noRoles, "minting a token", ReasonUnavailable},
		"the broker signs with a key that is not the active one": {otherKey, "checking the broker's token", ReasonUnexpectedToken},
		"the broker pins its tokens to no role":                  {unpinned, "checking the broker's token", ReasonUnexpectedToken},
		"the broker mints what is no token":                      {noToken, "checking the broker's token", ReasonUnexpectedToken},
		"the broker publishes another key than it signs with":    {otherJWKS, "token of the first wallet", ReasonUnexpectedAnswer},
		"STS fails":                                {failing("AssumeRoleWithWebIdentity", "InternalFailure", 500), "token of the first wallet", ReasonUnavailable},
		"STS throttles":                            {failing("AssumeRoleWithWebIdentity", "Throttling", 400), "token of the first wallet", ReasonThrottled},
		"STS is not enabled in the region":         {failing("AssumeRoleWithWebIdentity", "RegionDisabledException", 403), "token of the first wallet", ReasonUnexpectedAnswer},
		"the object cannot be put":                 {failing("PutObject", "InternalError", 500), bucketName + ": put own object", ReasonUnavailable},
		"S3 throttles":                             {failing("ListObjectVersions", "SlowDown", 503), bucketName + ": list versions", ReasonThrottled},
		"S3 says that the credentials are expired": {failing("GetObjectTagging", "ExpiredToken", 400), bucketName + ": get tags of foreign object", ReasonUnexpectedAnswer},
		"S3 says that the signature is wrong":      {failing("GetObjectTagging", "SignatureDoesNotMatch", 403), bucketName + ": get tags of foreign object", ReasonUnexpectedAnswer},
		"the bucket is gone":                       {failing("PutObject", "NoSuchBucket", 404), bucketName + ": put own object", ReasonUnexpectedAnswer},
		"a denial with a status that is not one's": {failing("GetObjectTagging", "AccessDenied", 400), bucketName + ": get tags of foreign object", ReasonUnexpectedAnswer},
		"a proxy denies in the name of S3": {behindProxy(isForeign, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, denial)
		}), bucketName + ": get tags of foreign object", ReasonUnexpectedAnswer},
		"a proxy redirects": {behindProxy(isForeign, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://login.example.com/", http.StatusFound)
		}), bucketName + ": get tags of foreign object", ReasonUnexpectedAnswer},
		"a proxy denies the presigned URL": {behindProxy(func(r *http.Request) bool { return r.URL.Query().Has("X-Amz-Signature") }, func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "blocked by policy", http.StatusForbidden)
		}), "by a presigned URL", ReasonUnexpectedAnswer},
		"the connection breaks at the presigned URL": {behindProxy(func(r *http.Request) bool { return r.URL.Query().Has("X-Amz-Signature") }, hangUp), "by a presigned URL", ReasonUnreachable},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			test.sabotage(t, w)
			report, err := Run(t.Context(), w.config)
			if report != nil {
				t.Errorf("there is a report: %+v", report)
			}
			failure, ok := errors.AsType[*LookError](err)
			if !ok {
				t.Fatalf("error = %v, want a LookError", err)
			}
			if !strings.Contains(failure.Step, test.step) || failure.Reason != test.reason {
				t.Errorf("error = %v, want the step %q and the reason %s", err, test.step, test.reason)
			}
			w.expectNoSecret(t, err.Error())
		})
	}
}

func brokenConnection(_ *testing.T, w *world) {
	w.door.set(http.HandlerFunc(hangUp))
}

// hangUp breaks the connection without an answer.
func hangUp(writer http.ResponseWriter, _ *http.Request) {
	connection, _, err := http.NewResponseController(writer).Hijack()
	if err == nil {
		_ = connection.Close()
	}
}

func notAdmitted(t *testing.T, w *world) {
	t.Helper()
	settings := *w.settings
	settings.Admission.ProbeWallets = nil
	if err := w.broker.Reload(w.state(&settings)); err != nil {
		t.Fatal(err)
	}
}

func noRoles(t *testing.T, w *world) {
	t.Helper()
	settings := *w.settings
	settings.Roles = []string{}
	if err := w.broker.Reload(w.state(&settings)); err != nil {
		t.Fatal(err)
	}
}

func otherKey(t *testing.T, w *world) {
	t.Helper()
	keys, err := signingkey.New(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	state := w.state(w.settings)
	state.Keys = keys
	if err := w.broker.Reload(state); err != nil {
		t.Fatal(err)
	}
}

func unpinned(t *testing.T, w *world) {
	t.Helper()
	w.remint(t, func(address wallet.Address, _ string) string {
		return w.signed(t, address, func(claims map[string]any) { delete(claims, token.RolesClaim) })
	})
}

func noToken(t *testing.T, w *world) {
	t.Helper()
	w.remint(t, func(wallet.Address, string) string { return "no token" })
}

// otherJWKS lets the broker publish a key of nobody's under the kid of its own.
func otherJWKS(t *testing.T, w *world) {
	t.Helper()
	strangers, err := signingkey.New(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	published, err := strangers.JWKS()
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(published), strangers.Active().ID, w.keys.Active().ID)
	w.door.set(http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		if strings.HasSuffix(request.URL.Path, "/jwks.json") {
			_, _ = io.WriteString(writer, text)
			return
		}
		w.broker.ServeHTTP(writer, request)
	}))
}

// expectNoSecret looks for JWTs, credentials, signatures and private keys.
func (w *world) expectNoSecret(t *testing.T, text string) {
	t.Helper()
	secrets := []string{
		base64.RawURLEncoding.EncodeToString([]byte(`{"alg"`))[:6], "X-Amz-Signature", "X-Amz-Security-Token",
		strings.TrimPrefix(w.config.Wallets[0].Hex(), "0x"), strings.TrimPrefix(w.config.Wallets[1].Hex(), "0x"),
	}
	for _, secret := range secrets {
		if strings.Contains(text, secret) {
			t.Errorf("%q is in %s", secret, text)
		}
	}
}

func TestReportHoldsNoSecret(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	report := mustRun(t, w)
	text, err := report.JSON()
	if err != nil {
		t.Fatal(err)
	}
	w.expectNoSecret(t, string(text))
	var document map[string]any
	if err := json.Unmarshal(text, &document); err != nil || document["keyID"] != w.keys.Active().ID || document["roleARN"] != roleARN {
		t.Errorf("the document does not tell of its key and role: %v\n%s", err, text)
	}
}
