package localaws_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/google/go-cmp/cmp"

	"github.com/litentry/wallet-federation/internal/localaws"
)

// adminRequest is a request to the admin endpoint with the administrator's secret.
func (w *world) adminRequest(t *testing.T, method, path, body string) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, w.url+"/_localaws/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer localaws")
	return request
}

func answerTo(t *testing.T, request *http.Request) (status int, body string) {
	t.Helper()
	response, err := new(http.Client).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(answer)
}

// ask is a request to the admin endpoint that must be answered with the status.
func (w *world) ask(t *testing.T, method, path, body string, status int) string {
	t.Helper()
	got, answer := answerTo(t, w.adminRequest(t, method, path, body))
	if got != status {
		t.Fatalf("%s %s: %d %s, want %d", method, path, got, answer, status)
	}
	return answer
}

func TestAdminKeepsStrangersOut(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*http.Request)
		status int
	}{
		"the administrator's secret":          {func(*http.Request) {}, 200},
		"the scheme in lower case":            {func(r *http.Request) { r.Header.Set("Authorization", "bearer localaws") }, 200},
		"access key and secret":               {func(r *http.Request) { r.SetBasicAuth("localaws", "localaws") }, 200},
		"a browser's address bar":             {func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "none") }, 200},
		"by the name localhost":               {func(r *http.Request) { r.Host = "localhost:4566" }, 200},
		"by a name of a local network":        {func(r *http.Request) { r.Host = "localaws:4566" }, 200},
		"by an IPv6 address":                  {func(r *http.Request) { r.Host = "[::1]:4566" }, 200},
		"no credentials":                      {func(r *http.Request) { r.Header.Del("Authorization") }, 401},
		"another secret":                      {func(r *http.Request) { r.Header.Set("Authorization", "Bearer localaws2") }, 401},
		"an empty secret":                     {func(r *http.Request) { r.Header.Set("Authorization", "Bearer ") }, 401},
		"another scheme":                      {func(r *http.Request) { r.Header.Set("Authorization", "Token localaws") }, 401},
		"another access key":                  {func(r *http.Request) { r.SetBasicAuth("root", "localaws") }, 401},
		"a request of a page":                 {func(r *http.Request) { r.Header.Set("Origin", "http://example.org") }, 403},
		"a request of a sandboxed page":       {func(r *http.Request) { r.Header.Set("Origin", "null") }, 403},
		"a link on a page":                    {func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, 403},
		"a page that is an object here":       {func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-origin") }, 403},
		"a page that has rebound its name":    {func(r *http.Request) { r.Host = "rebound.example.org:4566" }, 403},
		"a page that looks like an address":   {func(r *http.Request) { r.Host = "127.0.0.1.example.org:4566" }, 403},
		"a page that looks like a local name": {func(r *http.Request) { r.Host = "notlocalhost.org" }, 403},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			request := w.adminRequest(t, http.MethodGet, "info", "")
			test.change(request)
			if status, body := answerTo(t, request); status != test.status {
				t.Errorf("%d %s, want %d", status, body, test.status)
			}
		})
	}
}

func TestAdminTellsHealthToEverybodyNear(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *localaws.Options) { o.SecretAccessKey = "of one's own" })
	request := w.adminRequest(t, http.MethodGet, "health", "")
	request.Header.Del("Authorization")
	if status, body := answerTo(t, request); status != http.StatusOK || !strings.Contains(body, `"ok"`) {
		t.Errorf("%d %s, want 200 and ok", status, body)
	}
	request.Header.Set("Origin", "http://example.org")
	if status, body := answerTo(t, request); status != http.StatusForbidden {
		t.Errorf("a page is answered with %d %s, want 403", status, body)
	}
}

func TestAdminRefusals(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		method, path, body string
		status             int
		contains           string
	}{
		"a path that is none":          {"GET", "nothing", "", 404, "health, info, calls and faults"},
		"a path below one":             {"GET", "calls/1", "", 404, "health"},
		"a method that is none":        {"PUT", "faults", "{}", 405, "DELETE, GET, POST"},
		"health, deleted":              {"DELETE", "health", "", 405, "GET"},
		"a filter that is none":        {"GET", "calls?role=x", "", 400, `\"role\"`},
		"a filter given twice":         {"GET", "calls?code=x&code=y", "", 400, "code: given twice"},
		"deleting some calls":          {"DELETE", "calls?service=iam", "", 400, `\"service\"`},
		"a fault of nothing":           {"POST", "faults", "", 400, "JSON"},
		"a fault without a kind":       {"POST", "faults", "{}", 400, "kind: missing"},
		"a fault of an unknown kind":   {"POST", "faults", `{"kind":"explode"}`, 400, "kind: "},
		"a member that is none":        {"POST", "faults", `{"kind":"lose","time":1}`, 400, `\"time\"`},
		"a member in another case":     {"POST", "faults", `{"Kind":"lose"}`, 400, `\"Kind\"`},
		"a member given twice":         {"POST", "faults", `{"kind":"lose","kind":"hang"}`, 400, `\"kind\"`},
		"a duration without its unit":  {"POST", "faults", `{"kind":"hang","for":"5"}`, 400, "for: "},
		"a number of a wrong type":     {"POST", "faults", `{"kind":"lose","times":"1"}`, 400, "times"},
		"an operation that is none":    {"POST", "faults", `{"kind":"lose","operation":"CreateRol"}`, 400, "operation: "},
		"two rules":                    {"POST", "faults", `{"kind":"lose"}{"kind":"lose"}`, 400, "JSON"},
		"a body larger than any fault": {"POST", "faults", `{"message":"` + strings.Repeat("a", 70000) + `"}`, 413, "larger"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			answer := w.ask(t, test.method, test.path, test.body, test.status)
			if !strings.Contains(answer, test.contains) {
				t.Errorf("answer %s, want %q in it", answer, test.contains)
			}
			if faults := w.server.Faults(); len(faults) != 0 {
				t.Errorf("faults were added: %+v", faults)
			}
		})
	}
}

func TestAdminFaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ask(t, http.MethodPost, "faults", `{"service":"iam","operation":"GetRole","resource":"wallets","principal":"*localaws",
		"kind":"error","code":"ServiceFailure","message":"on purpose","status":503,"skip":1,"times":1}`, http.StatusOK)
	w.ask(t, http.MethodPost, "faults", `{"service":"s3","kind":"hang","for":"90s","afterEffect":true}`, http.StatusOK)
	w.role(t, "wallets", trustOf(account))
	for _, code := range []string{"", "ServiceFailure", ""} {
		_, err := w.iam.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("wallets")})
		wantCode(t, err, code)
	}
	want := []localaws.FaultStatus{
		{
			FaultRule: localaws.FaultRule{
				Service: "iam", Operation: "GetRole", Resource: "wallets", Principal: "*localaws",
				Fault: localaws.Fault{Kind: localaws.FaultError, Code: "ServiceFailure", Message: "on purpose", Status: 503},
				Skip:  1, Times: 1,
			},
			Matched: 2, Broken: 1,
		},
		{FaultRule: localaws.FaultRule{Service: "s3", Fault: localaws.Fault{Kind: localaws.FaultHang, For: 90e9, AfterEffect: true}}},
	}
	if diff := cmp.Diff(want, w.server.Faults()); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
	var listed map[string][]map[string]any
	decode(t, w.ask(t, http.MethodGet, "faults", "", http.StatusOK), &listed)
	wantListed := []map[string]any{
		{
			"service": "iam", "operation": "GetRole", "resource": "wallets", "principal": "*localaws",
			"kind": "error", "code": "ServiceFailure", "message": "on purpose", "status": 503.0,
			"skip": 1.0, "times": 1.0, "matched": 2.0, "broken": 1.0,
		},
		{"service": "s3", "kind": "hang", "for": "1m30s", "afterEffect": true, "matched": 0.0, "broken": 0.0},
	}
	if diff := cmp.Diff(wantListed, listed["faults"]); diff != "" {
		t.Errorf("listed (-want +got):\n%s", diff)
	}
	w.ask(t, http.MethodDelete, "faults", "", http.StatusNoContent)
	if got := w.ask(t, http.MethodGet, "faults", "", http.StatusOK); !strings.Contains(got, `"faults": []`) {
		t.Errorf("faults after they were cleared: %s", got)
	}
}

func decode(t *testing.T, body string, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), v); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
}

func TestAdminCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.role(t, "wallets", trustOf(account))
	for _, name := range []string{"wallets", "nobody", "nobody"} {
		_, _ = w.iam.GetRole(t.Context(), &iam.GetRoleInput{RoleName: &name})
	}
	_, _ = w.sts.GetCallerIdentity(t.Context(), nil)
	tests := map[string]struct {
		query string
		want  []string // operation and resource of the calls that are picked
	}{
		"all":                   {"", []string{"CreateRole wallets", "GetRole wallets", "GetRole nobody", "GetRole nobody", "GetCallerIdentity "}},
		"of a service":          {"?service=sts", []string{"GetCallerIdentity "}},
		"of an operation":       {"?operation=CreateRole", []string{"CreateRole wallets"}},
		"by a pattern":          {"?operation=Get*&service=iam", []string{"GetRole wallets", "GetRole nobody", "GetRole nobody"}},
		"of a code":             {"?code=NoSuchEntity", []string{"GetRole nobody", "GetRole nobody"}},
		"that succeeded":        {"?code=&service=iam", []string{"CreateRole wallets", "GetRole wallets"}},
		"that failed":           {"?code=?*", []string{"GetRole nobody", "GetRole nobody"}},
		"of a principal":        {"?service=sts&principal=" + adminARN, []string{"GetCallerIdentity "}},
		"of another principal":  {"?principal=*assumed-role*", []string{}},
		"that were broken":      {"?fault=?*", []string{}},
		"that were not broken":  {"?fault=&service=sts", []string{"GetCallerIdentity "}},
		"that nobody vouch for": {"?principal=", []string{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var answer map[string][]localaws.Call
			decode(t, w.ask(t, http.MethodGet, "calls"+test.query, "", http.StatusOK), &answer)
			got := []string{}
			for _, call := range answer["calls"] {
				got = append(got, call.Operation+" "+call.Resource)
				if !call.Time.Equal(w.now) {
					t.Errorf("the call was at %v, want %v", call.Time, w.now)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAdminCounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addFault(t, localaws.FaultRule{Operation: "GetCallerIdentity", Fault: localaws.Fault{Kind: localaws.FaultThrottle}, Times: 1})
	for range 3 {
		_, _ = w.sts.GetCallerIdentity(t.Context(), nil)
	}
	_, _ = w.iam.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("nobody")})
	type count struct {
		Service, Operation, Principal, Code, Fault string
		Write                                      bool
		Count                                      int
	}
	type counts struct {
		Total  int
		Counts []count
	}
	var got counts
	decode(t, w.ask(t, http.MethodGet, "calls?counts", "", http.StatusOK), &got)
	want := counts{4, []count{
		{"iam", "GetRole", adminARN, "NoSuchEntity", "", false, 1},
		{"sts", "GetCallerIdentity", adminARN, "", "", false, 2},
		{"sts", "GetCallerIdentity", adminARN, "Throttling", "throttle", false, 1},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	got = counts{}
	decode(t, w.ask(t, http.MethodGet, "calls?counts&service=sts&code=", "", http.StatusOK), &got)
	if diff := cmp.Diff(counts{2, want.Counts[1:2]}, got); diff != "" {
		t.Errorf("counts of successes of STS (-want +got):\n%s", diff)
	}
	w.ask(t, http.MethodDelete, "calls", "", http.StatusNoContent)
	got = counts{}
	decode(t, w.ask(t, http.MethodGet, "calls?counts", "", http.StatusOK), &got)
	if got.Total != 0 || got.Counts == nil {
		t.Errorf("counts after they were reset: %+v", got)
	}
}

func TestAdminInfo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *localaws.Options) {
		o.Partition, o.Region, o.Account = "aws-cn", "cn-north-1", "210987654321"
		o.SecretAccessKey = "of one's own"
	})
	request := w.adminRequest(t, http.MethodGet, "info", "")
	request.Header.Set("Authorization", "Bearer of one's own")
	_, body := answerTo(t, request)
	for _, want := range []string{`"210987654321"`, `"aws-cn"`, `"cn-north-1"`, `"arn:aws-cn:iam::210987654321:user/localaws"`, `"version"`, `"lag": "0s"`} {
		if !strings.Contains(body, want) {
			t.Errorf("%s is not in %s", want, body)
		}
	}
	if strings.Contains(body, "of one's own") {
		t.Errorf("the secret is in %s", body)
	}
}

// An object may have any key, in a virtual-host-style request also one that
// looks like the admin endpoint.
func TestAdminDoesNotHideAnObject(t *testing.T) {
	t.Parallel()
	w := newS3World(t)
	request := w.adminRequest(t, http.MethodGet, "health", "")
	request.Header.Del("Authorization")
	request.Host = shared + ".localhost"
	if status, body := answerTo(t, request); status != http.StatusForbidden || !strings.Contains(body, "<Code>AccessDenied</Code>") {
		t.Errorf("%d %s, want the refusal of S3", status, body)
	}
	want := localaws.Call{Time: w.now, Service: "s3", Operation: "GetObject", Resource: shared + "/_localaws/health", Code: "AccessDenied"}
	calls := w.server.Calls()
	if diff := cmp.Diff(want, calls[len(calls)-1]); diff != "" {
		t.Errorf("call (-want +got):\n%s", diff)
	}
}
