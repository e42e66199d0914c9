package localaws_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
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
	w := newS3World(t)
	w.server.ResetCalls()
	for _, operation := range []string{"CreateRole", "PutObject"} {
		w.addFault(t, localaws.FaultRule{Operation: operation, Fault: localaws.Fault{Kind: localaws.FaultLose}, Times: 1})
	}
	_, err := iam.NewFromConfig(w.retrying(3)).CreateRole(t.Context(), walletRole())
	wantCode(t, err, "EntityAlreadyExists")
	_, err = s3.NewFromConfig(w.retrying(3)).PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(shared), Key: aws.String("key"), Body: strings.NewReader("x"),
	})
	wantCode(t, err, "")
	want := []string{
		"iam:CreateRole lose", "iam:CreateRole EntityAlreadyExists",
		"s3:PutObject lose", "s3:PutObject",
	}
	if diff := cmp.Diff(want, w.outcomes()); diff != "" {
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
	_, err = s3.NewFromConfig(w.retrying(2)).ListBuckets(t.Context(), nil)
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
