package policycase_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/litentry/wallet-federation/internal/policycase"
)

// minReplayed is how many recordings must be replayed: a change that makes rows
// unsupported in bulk has to lower it in plain sight.
const minReplayed = 134

// recording is a row of testdata/policy.json: what AWS answered once. Row is all
// of it, the rest is what the test looks at.
type recording struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Outcome  string `json:"outcome"`
	Code     string `json:"code"`
	IsPublic *bool  `json:"is_public"`
	Blocked  *struct {
		Code string `json:"code"`
	} `json:"with_block_public_policy"`
	Row map[string]json.RawMessage `json:"-"`
}

func recordings(tb testing.TB) []recording {
	tb.Helper()
	data, err := os.ReadFile("testdata/policy.json")
	if err != nil {
		tb.Fatal(err)
	}
	var rows []recording
	var whole []map[string]json.RawMessage
	if err := json.Unmarshal(data, &rows); err != nil {
		tb.Fatal(err)
	}
	if err := json.Unmarshal(data, &whole); err != nil {
		tb.Fatal(err)
	}
	for i := range rows {
		rows[i].Row = whole[i]
	}
	return rows
}

// line is the row as one line, changed by the members of change; those that are
// empty are left out.
func (r *recording) line(tb testing.TB, change map[string]string) []byte {
	tb.Helper()
	row := maps.Clone(r.Row)
	for name, value := range change {
		row[name] = json.RawMessage(value)
		if value == "" {
			delete(row, name)
		}
	}
	line, err := json.Marshal(row)
	if err != nil {
		tb.Fatal(err)
	}
	return line
}

func newEvaluator(tb testing.TB) *policycase.Evaluator {
	tb.Helper()
	e, err := policycase.New(policycase.DefaultAccount)
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

func TestRecordingsOfAWSAreReproduced(t *testing.T) {
	t.Parallel()
	e := newEvaluator(t)
	replayed, skipped := 0, map[string][]string{}
	rows := recordings(t)
	for _, r := range rows {
		got := e.Evaluate(r.line(t, nil))
		if got.Decision == policycase.Unsupported {
			skipped[got.Reason] = append(skipped[got.Reason], r.ID)
			continue
		}
		replayed++
		want := policycase.Decision{ID: r.ID, Decision: r.Outcome, Code: r.Code, Reason: got.Reason}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s %s (-AWS +evaluate):\n%s", r.ID, r.Name, diff)
		}
		if got.Reason == "" {
			t.Errorf("%s %s: no reason is given", r.ID, r.Name)
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(skipped)) {
		t.Logf("skipped %d (%s): %s", len(skipped[reason]), strings.Join(skipped[reason], " "), reason)
	}
	t.Logf("replayed %d of %d recordings", replayed, len(rows))
	if replayed < minReplayed {
		t.Errorf("only %d recordings were replayed, want at least %d", replayed, minReplayed)
	}
}

// The recordings of PutBucketPolicy also tell what GetBucketPolicyStatus says of
// the policy, and what becomes of it under BlockPublicPolicy.
func TestRecordedPoliciesArePublicOrNot(t *testing.T) {
	t.Parallel()
	e := newEvaluator(t)
	checked := 0
	for _, r := range recordings(t) {
		if r.Blocked == nil {
			continue
		}
		checked++
		status := e.Evaluate(r.line(t, map[string]string{
			"request": strings.Replace(string(r.Row["request"]), "PutBucketPolicy", "GetBucketPolicyStatus", 1),
		}))
		want := "the policy is not public"
		if *r.IsPublic {
			want = "the policy is public"
		}
		if !strings.HasSuffix(status.Reason, want) {
			t.Errorf("%s %s: %q, want %q", r.ID, r.Name, status.Reason, want)
		}
		blocked := e.Evaluate(r.line(t, map[string]string{
			"request": strings.Replace(string(r.Row["request"]), "{", `{"public_access_block":{"BlockPublicPolicy":true},`, 1),
		}))
		if blocked.Code != r.Blocked.Code {
			t.Errorf("%s %s: BlockPublicPolicy makes it %s (%s), AWS says %s", r.ID, r.Name, blocked.Code, blocked.Reason, r.Blocked.Code)
		}
	}
	if checked < 29 {
		t.Errorf("only %d policies were checked", checked)
	}
}

func TestTheRecordedOutcomeIsNotLookedAt(t *testing.T) {
	t.Parallel()
	e := newEvaluator(t)
	changes := map[string]map[string]string{
		"left out": {"outcome": "", "code": "", "is_public": "", "message": "", "http_status": "", "decision": "", "decision_inferred": "", "with_block_public_policy": "", "output": "", "output_policy": "", "note": "", "topics": "", "core": ""},
		"inverted": {"outcome": `"allow"`, "code": `"Success"`, "is_public": "true", "decision": `"allowed"`, "message": `""`, "http_status": "200"},
		"nonsense": {"outcome": "{}", "code": "[1]", "is_public": `"x"`, "decision": "7", "decision_inferred": "null", "message": "false"},
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, r := range recordings(t) {
				want, got := e.Evaluate(r.line(t, nil)), e.Evaluate(r.line(t, change))
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s %s: the answer changed (-before +after):\n%s", r.ID, r.Name, diff)
				}
			}
		})
	}
}

func TestRecordingsAsAStream(t *testing.T) {
	t.Parallel()
	e := newEvaluator(t)
	var in, out, want bytes.Buffer
	encoder := json.NewEncoder(&want)
	encoder.SetEscapeHTML(false)
	for _, r := range recordings(t) {
		line := r.line(t, nil)
		in.Write(append(line, '\n'))
		if err := encoder.Encode(e.Evaluate(line)); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Run(&in, &out); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.String(), out.String()); diff != "" {
		t.Errorf("(-line by line +stream):\n%s", diff)
	}
}

func BenchmarkEvaluate(b *testing.B) {
	e := newEvaluator(b)
	var lines [][]byte
	for _, r := range recordings(b) {
		lines = append(lines, r.line(b, nil))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		e.Evaluate(lines[i%len(lines)])
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}
