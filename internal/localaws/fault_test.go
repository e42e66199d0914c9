package localaws_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/litentry/wallet-federation/internal/localaws"
)

// patience bounds what a test waits for.
const patience = 10 * time.Second

func (w *world) addFault(t *testing.T, rule localaws.FaultRule) {
	t.Helper()
	if err := w.server.AddFault(rule); err != nil {
		t.Fatal(err)
	}
}

// until polls a condition.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// outcomes are the operations, faults and codes of the log.
func (w *world) outcomes() []string {
	var outcomes []string
	for _, call := range w.server.Calls() {
		outcomes = append(outcomes, strings.Join(strings.Fields(call.Action()+" "+string(call.Fault)+" "+call.Code), " "))
	}
	return outcomes
}

// retrying is a configuration with the SDK's own retries, without their pauses.
func (w *world) retrying(attempts int) aws.Config {
	config := w.config("localaws", "localaws", "")
	config.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts, o.MaxBackoff = attempts, time.Millisecond
		})
	}
	return config
}

func walletRole() *iam.CreateRoleInput {
	return &iam.CreateRoleInput{RoleName: aws.String("wallets"), AssumeRolePolicyDocument: aws.String(trustOf(account))}
}

func TestFaultHook(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		afterEffect bool
		then        string // what a second attempt is answered
	}{
		"before the effect":             {false, ""},
		"after the effect, answer lost": {true, "EntityAlreadyExists"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var faults atomic.Int32
			w := newWorld(t, func(o *localaws.Options) {
				o.Fault = func(c localaws.Call) *localaws.Fault {
					if c.Action() != "iam:CreateRole" || c.Resource != "wallets" || faults.Add(1) > 1 {
						return nil
					}
					return &localaws.Fault{Code: "ServiceFailure", Message: "try again", AfterEffect: test.afterEffect}
				}
			})
			_, err := w.iam.CreateRole(t.Context(), walletRole())
			wantRefusal(t, err, "ServiceFailure", "try again")
			_, err = w.iam.CreateRole(t.Context(), walletRole())
			wantCode(t, err, test.then)
		})
	}
}

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

func TestLostAnswerIsABrokenConnection(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addFault(t, localaws.FaultRule{Operation: "CreateRole", Fault: localaws.Fault{Kind: localaws.FaultLose}, Times: 1})
	_, err := w.iam.CreateRole(t.Context(), walletRole())
	if api := smithy.APIError(nil); errors.As(err, &api) || !errors.Is(err, io.EOF) {
		t.Fatalf("error %v, want a connection that ended without an answer", err)
	}
	_, err = w.iam.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("wallets")})
	wantCode(t, err, "")
	if diff := cmp.Diff([]string{"iam:CreateRole lose", "iam:GetRole"}, w.outcomes()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// The SDK cannot know that its call has taken effect, and tries again.
func TestLostAnswerIsRetriedBySDK(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addFault(t, localaws.FaultRule{Operation: "CreateRole", Fault: localaws.Fault{Kind: localaws.FaultLose}, Times: 1})
	_, err := iam.NewFromConfig(w.retrying(3)).CreateRole(t.Context(), walletRole())
	wantCode(t, err, "EntityAlreadyExists")
	if diff := cmp.Diff([]string{"iam:CreateRole lose", "iam:CreateRole EntityAlreadyExists"}, w.outcomes()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestThrottlingIsRetriedBySDK(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addFault(t, localaws.FaultRule{Fault: localaws.Fault{Kind: localaws.FaultThrottle}, Times: 2})
	_, err := iam.NewFromConfig(w.retrying(3)).CreateRole(t.Context(), walletRole())
	wantCode(t, err, "")
	w.addFault(t, localaws.FaultRule{Fault: localaws.Fault{Kind: localaws.FaultThrottle}, Times: 1})
	_, err = pathStyle(w.retrying(2)).ListBuckets(t.Context(), nil)
	wantCode(t, err, "")
	want := []string{
		"iam:CreateRole throttle Throttling", "iam:CreateRole throttle Throttling", "iam:CreateRole",
		"s3:ListBuckets throttle SlowDown", "s3:ListBuckets",
	}
	if diff := cmp.Diff(want, w.outcomes()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestHangEndsWhenTheClientGoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addFault(t, localaws.FaultRule{Operation: "CreateRole", Fault: localaws.Fault{Kind: localaws.FaultHang}, Times: 1})
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	done := make(chan error, 1)
	go func() {
		_, err := w.iam.CreateRole(ctx, walletRole())
		done <- err
	}()
	until(t, "the call hangs", func() bool { return w.server.Faults()[0].Broken == 1 })
	if calls := w.server.Calls(); len(calls) != 0 {
		t.Errorf("a call that has not ended is logged: %+v", calls)
	}
	leave()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that the client has left", err)
	}
	until(t, "the call is let go", func() bool { return len(w.server.Calls()) == 1 })
	_, err := w.iam.CreateRole(t.Context(), walletRole())
	wantCode(t, err, "") // what hung took no effect
}

func TestHangEndsInAnError(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault localaws.Fault
		code  string
		then  string // what a second attempt is answered
	}{
		"after a time":                        {localaws.Fault{For: time.Millisecond}, "ServiceFailure", ""},
		"after a time, in words of one's own": {localaws.Fault{For: time.Millisecond, Code: "RequestExpired", Status: 400}, "RequestExpired", ""},
		"after a time and the effect":         {localaws.Fault{For: time.Millisecond, AfterEffect: true}, "ServiceFailure", "EntityAlreadyExists"},
		"when faults are cleared":             {localaws.Fault{}, "ServiceFailure", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			test.fault.Kind = localaws.FaultHang
			w.addFault(t, localaws.FaultRule{Operation: "CreateRole", Fault: test.fault, Times: 1})
			done := make(chan error, 1)
			go func() {
				_, err := w.iam.CreateRole(t.Context(), walletRole())
				done <- err
			}()
			if test.fault.For == 0 {
				until(t, "the call hangs", func() bool { return w.server.Faults()[0].Broken == 1 })
				w.server.ClearFaults()
			}
			wantCode(t, <-done, test.code)
			_, err := w.iam.CreateRole(t.Context(), walletRole())
			wantCode(t, err, test.then)
		})
	}
}

func TestHookCanHang(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 1)
	w := newWorld(t, func(o *localaws.Options) {
		o.Fault = func(localaws.Call) *localaws.Fault {
			asked <- struct{}{}
			return &localaws.Fault{Kind: localaws.FaultHang}
		}
	})
	done := make(chan error, 1)
	go func() {
		_, err := w.sts.GetCallerIdentity(t.Context(), nil)
		done <- err
	}()
	<-asked
	w.server.ClearFaults()
	wantCode(t, <-done, "InternalFailure")
}

func TestDelay(t *testing.T) {
	t.Parallel()
	const delay = 20 * time.Millisecond
	w := newWorld(t)
	w.addFault(t, localaws.FaultRule{Fault: localaws.Fault{Kind: localaws.FaultDelay, For: delay}})
	start := time.Now()
	_, err := w.sts.GetCallerIdentity(t.Context(), nil)
	wantCode(t, err, "")
	if took := time.Since(start); took < delay {
		t.Errorf("answered after %v, want at least %v", took, delay)
	}
}

// A client that gave up may find that its call took effect afterwards.
func TestDelayedCallTakesEffectWithoutItsClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addFault(t, localaws.FaultRule{Operation: "CreateRole", Fault: localaws.Fault{Kind: localaws.FaultDelay, For: time.Minute}})
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	done := make(chan error, 1)
	go func() {
		_, err := w.iam.CreateRole(ctx, walletRole())
		done <- err
	}()
	until(t, "the call is held", func() bool { return w.server.Faults()[0].Broken == 1 })
	leave()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that the client has left", err)
	}
	_, err := w.iam.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("wallets")})
	wantCode(t, err, "NoSuchEntity")
	w.server.ClearFaults()
	until(t, "the call takes effect", func() bool { return len(w.server.Calls()) == 2 })
	_, err = w.iam.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("wallets")})
	wantCode(t, err, "")
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
		"a service that is none":        {localaws.FaultRule{Service: "ec2"}, "operation: "},
		"an operation that is none":     {localaws.FaultRule{Operation: "CreateRol"}, "operation: "},
		"an operation of another":       {localaws.FaultRule{Service: "sts", Operation: "CreateRole"}, "operation: "},
		"an S3 operation that is none":  {localaws.FaultRule{Service: "s3", Operation: "GetBucketCors"}, "operation: "},
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
