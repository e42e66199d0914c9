package localaws_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/litentry/wallet-federation/internal/localaws"
)

func TestFaultRulesPickCalls(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		rule   localaws.FaultRule
		broken bool
	}{
		"all calls":                  {localaws.FaultRule{}, true},
		"the service":                {localaws.FaultRule{Service: "iam"}, true},
		"the operation":              {localaws.FaultRule{Service: "iam", Operation: "CreateRole"}, true},
		"operations of a kind":       {localaws.FaultRule{Operation: "Create*"}, true},
		"the principal":              {localaws.FaultRule{Principal: adminARN}, true},
		"principals of the account":  {localaws.FaultRule{Principal: "arn:aws:iam::" + account + ":*"}, true},
		"the role":                   {localaws.FaultRule{Resource: "wallets"}, true},
		"roles by a pattern":         {localaws.FaultRule{Resource: "wallet?"}, true},
		"everything at once":         {localaws.FaultRule{Service: "iam", Operation: "CreateRole", Principal: adminARN, Resource: "wallets"}, true},
		"another service":            {localaws.FaultRule{Service: "s3"}, false},
		"another operation":          {localaws.FaultRule{Operation: "DeleteRole"}, false},
		"another principal":          {localaws.FaultRule{Principal: "*assumed-role*"}, false},
		"another role":               {localaws.FaultRule{Resource: "wallet"}, false},
		"the operation, other roles": {localaws.FaultRule{Operation: "CreateRole", Resource: "x*"}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.addFault(t, test.rule)
			_, err := w.iam.CreateRole(t.Context(), walletRole())
			wantCode(t, err, map[bool]string{true: "ServiceFailure"}[test.broken])
		})
	}
}

// What a crash test needs: the k-th call fails and no other.
func TestFaultBreaksTheKthCall(t *testing.T) {
	t.Parallel()
	for k := range 4 {
		w := newWorld(t)
		w.addFault(t, localaws.FaultRule{Service: "sts", Skip: k, Times: 1})
		for n := range 4 {
			_, err := w.sts.GetCallerIdentity(t.Context(), nil)
			wantCode(t, err, map[bool]string{true: "InternalFailure"}[n == k])
		}
		status := w.server.Faults()[0]
		if status.Matched != k+1 || status.Broken != 1 {
			t.Errorf("matched %d, broken %d; want %d and 1", status.Matched, status.Broken, k+1)
		}
	}
}

func TestFaultRulesAreAskedInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, code := range []string{"First", "Second"} {
		w.addFault(t, localaws.FaultRule{Fault: localaws.Fault{Code: code, Status: 503}, Times: 1})
	}
	for _, want := range []string{"First", "Second", ""} {
		_, err := w.sts.GetCallerIdentity(t.Context(), nil)
		wantCode(t, err, want)
	}
}

func TestFaultsBreakAsManyAsTheySayAtOnce(t *testing.T) {
	t.Parallel()
	const callers, skip, times = 40, 10, 7
	w := newWorld(t)
	w.addFault(t, localaws.FaultRule{Skip: skip, Times: times})
	var broken atomic.Int32
	var calls sync.WaitGroup
	for range callers {
		calls.Go(func() {
			if _, err := w.sts.GetCallerIdentity(t.Context(), nil); err != nil {
				broken.Add(1)
			}
		})
	}
	calls.Wait()
	if broken.Load() != times {
		t.Errorf("%d calls failed, want %d", broken.Load(), times)
	}
}

func TestCallsThatFailEarlyAreNotBroken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addFault(t, localaws.FaultRule{Times: 1})
	_, err := iam.NewFromConfig(w.config("localaws", "wrong", "")).ListRoles(t.Context(), nil)
	wantCode(t, err, "SignatureDoesNotMatch")
	_, err = w.iam.ListRoles(t.Context(), nil)
	wantCode(t, err, "ServiceFailure")
}

func TestFaultRulesThatAreRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		rule localaws.FaultRule
		want string // the field, and more
	}{
		"a service that is none":        {localaws.FaultRule{Service: "ec2"}, "service: "},
		"an operation that is none":     {localaws.FaultRule{Operation: "CreateRol"}, "operation: "},
		"an operation of another":       {localaws.FaultRule{Service: "sts", Operation: "CreateRole"}, "operation: "},
		"an S3 operation that is none":  {localaws.FaultRule{Service: "s3", Operation: "PutBucketCors"}, "operation: "},
		"a kind that is none":           {localaws.FaultRule{Fault: localaws.Fault{Kind: "explode"}}, "kind: "},
		"a negative skip":               {localaws.FaultRule{Skip: -1}, "skip: "},
		"negative times":                {localaws.FaultRule{Times: -1}, "times: "},
		"a status of success":           {localaws.FaultRule{Fault: localaws.Fault{Status: 200}}, "status: "},
		"a code that is none":           {localaws.FaultRule{Fault: localaws.Fault{Code: "no such"}}, "code: "},
		"a code for a lost answer":      {localaws.FaultRule{Fault: localaws.Fault{Kind: localaws.FaultLose, Code: "Lost"}}, "code, message, status: "},
		"a status for throttling":       {localaws.FaultRule{Fault: localaws.Fault{Kind: localaws.FaultThrottle, Status: 429}}, "code, message, status: "},
		"throttling after the effect":   {localaws.FaultRule{Fault: localaws.Fault{Kind: localaws.FaultThrottle, AfterEffect: true}}, "afterEffect: "},
		"a time for an error":           {localaws.FaultRule{Fault: localaws.Fault{For: time.Second}}, "for: error"},
		"a delay of nothing":            {localaws.FaultRule{Fault: localaws.Fault{Kind: localaws.FaultDelay}}, "for: "},
		"a negative delay":              {localaws.FaultRule{Fault: localaws.Fault{Kind: localaws.FaultDelay, For: -1}}, "for: "},
		"a delay of a day":              {localaws.FaultRule{Fault: localaws.Fault{Kind: localaws.FaultDelay, For: 24 * time.Hour}}, "for: "},
		"a principal as long as a book": {localaws.FaultRule{Principal: strings.Repeat("a", 4096)}, "principal: "},
		"a message as long as a book":   {localaws.FaultRule{Fault: localaws.Fault{Message: strings.Repeat("a", 4096)}}, "message: "},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if err := w.server.AddFault(test.rule); err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("error %v, want it to begin with %q", err, test.want)
			}
			if faults := w.server.Faults(); len(faults) != 0 {
				t.Errorf("it was added: %+v", faults)
			}
		})
	}
}

func TestFaultRulesAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addFault(t, localaws.FaultRule{Service: "sts", Times: 1})
	for range 99 {
		w.addFault(t, localaws.FaultRule{Service: "s3"})
	}
	if err := w.server.AddFault(localaws.FaultRule{}); err == nil {
		t.Error("the 101st rule was taken")
	}
	_, err := w.sts.GetCallerIdentity(t.Context(), nil)
	wantCode(t, err, "InternalFailure")
	w.addFault(t, localaws.FaultRule{Service: "iam"}) // in the place of the one that is spent
	if got := len(w.server.Faults()); got != 100 {
		t.Errorf("there are %d rules, want 100", got)
	}
	w.server.ClearFaults()
	if got := len(w.server.Faults()); got != 0 {
		t.Errorf("there are %d rules after they were cleared", got)
	}
}
