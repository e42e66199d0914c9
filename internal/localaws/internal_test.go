package localaws

import (
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRewritePrincipals(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ document, want string }{
		"one": {`{"Statement":{"Principal":{"AWS":"a"}}}`, `{"Statement":{"Principal":{"AWS":"[a]"}}}`},
		"a list, with white space": {
			`{"Statement": [ {"Principal": {"AWS": [ "a" , "b" ]} } ] }`,
			`{"Statement": [ {"Principal": {"AWS": [ "[a]" , "[b]" ]} } ] }`,
		},
		"not principals": {`{"Statement":[{"NotPrincipal":{"AWS":"a"}}]}`, `{"Statement":[{"NotPrincipal":{"AWS":"[a]"}}]}`},
		"other kinds stay": {
			`{"Statement":[{"Principal":{"Federated":"a","AWS":"b","Service":["c"]}}]}`,
			`{"Statement":[{"Principal":{"Federated":"a","AWS":"[b]","Service":["c"]}}]}`,
		},
		"everybody stays":        {`{"Statement":[{"Principal":"*"}]}`, `{"Statement":[{"Principal":"*"}]}`},
		"the same name deeper":   {`{"Statement":[{"Condition":{"Principal":{"AWS":"a"}}}]}`, `{"Statement":[{"Condition":{"Principal":{"AWS":"a"}}}]}`},
		"values before it":       {`{"Statement":[{"Sid":"AWS","x":1,"y":null,"Principal":{"AWS":"a"}}]}`, `{"Statement":[{"Sid":"AWS","x":1,"y":null,"Principal":{"AWS":"[a]"}}]}`},
		"escapes are understood": {`{"Statement":[{"Principal":{"AWS":"\u0061\"\\"}}]}`, `{"Statement":[{"Principal":{"AWS":"[a\"\\]"}}]}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := rewritePrincipals([]byte(test.document), func(p string) string { return "[" + p + "]" })
			if diff := cmp.Diff(test.want, string(got)); diff != "" {
				t.Errorf("document (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCallLogKeepsTheLatest(t *testing.T) {
	t.Parallel()
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	const more = 5
	for i := range maxLoggedCalls + more {
		s.record(Call{Service: "iam", Operation: "GetRole", Principal: strconv.Itoa(i)}, nil)
	}
	calls := s.Calls()
	if first, last := calls[0].Principal, calls[len(calls)-1].Principal; len(calls) != maxLoggedCalls ||
		first != strconv.Itoa(more) || last != strconv.Itoa(maxLoggedCalls+more-1) {
		t.Errorf("%d calls from %s to %s", len(calls), first, last)
	}
	counts := s.CallCounts()
	if got := counts[Call{Service: "iam", Operation: "GetRole"}]; got != more || len(counts) != maxCountedCalls+1 {
		t.Errorf("%d calls are counted without their principal in %d counts, want %d", got, len(counts), more)
	}
}

func TestExpiredSessionsAreForgotten(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s, err := New(Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	for i := range maxSessions {
		s.state.sessions[strconv.Itoa(i)] = &session{expires: now}
	}
	r := &role{entity: entity{name: "wallets"}}
	if _, failure := s.issue(r, &assumption{}); failure == nil || failure.code != "ServiceUnavailable" {
		t.Errorf("a session more than there is room for: %v", failure)
	}
	now = now.Add(expiredKept + time.Second)
	if _, failure := s.issue(r, &assumption{}); failure != nil {
		t.Errorf("no room after sessions have expired: %v", failure)
	}
	if got := len(s.state.sessions); got != 1 {
		t.Errorf("%d sessions are kept, want the new one", got)
	}
}

func TestPendingChangesAreBounded(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s, err := New(Options{Lag: time.Minute, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range maxPendingChanges + 1 {
		s.change(func(d *directory) { d.roles[strconv.Itoa(i)] = &role{} })
	}
	if got := len(s.state.lag.pending); got != maxPendingChanges {
		t.Errorf("%d changes are pending, want %d", got, maxPendingChanges)
	}
	if seen := s.seen().roles; len(seen) != 1 || seen["0"] == nil {
		t.Errorf("%d roles are seen before their time, want the oldest alone", len(seen))
	}
	now = now.Add(time.Minute)
	if got := len(s.seen().roles); got != len(s.state.roles) {
		t.Errorf("%d roles are seen in the end, want %d", got, len(s.state.roles))
	}
}
