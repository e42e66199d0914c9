package localaws_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/litentry/wallet-federation/internal/localaws"
)

func TestCallsAreLogged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.role(t, "wallets", trustOf(account))
	w.server.ResetCalls()
	for _, name := range []string{"wallets", "nobody", "wallets"} {
		_, _ = w.iam.GetRole(t.Context(), &iam.GetRoleInput{RoleName: &name})
	}
	_, err := w.iam.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: aws.String("wallets")})
	wantCode(t, err, "")
	get := localaws.Call{Time: w.now, Service: "iam", Operation: "GetRole", Principal: adminARN, Resource: "wallets"}
	missed, deleted := get, get
	missed.Code, missed.Resource = "NoSuchEntity", "nobody"
	deleted.Operation, deleted.Write = "DeleteRole", true
	if diff := cmp.Diff([]localaws.Call{get, missed, get, deleted}, w.server.Calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	for _, call := range []*localaws.Call{&get, &missed, &deleted} {
		call.Time, call.Resource = time.Time{}, ""
	}
	if diff := cmp.Diff(map[localaws.Call]int{get: 2, missed: 1, deleted: 1}, w.server.CallCounts()); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if got := deleted.Action(); got != "iam:DeleteRole" {
		t.Errorf("action %q", got)
	}
}

func TestCallsThatFailEarlyAreLogged(t *testing.T) {
	t.Parallel()
	const iamVersion = "&Version=2010-05-08"
	tests := map[string]struct {
		call func(*testing.T, *world)
		want localaws.Call
	}{
		"IAM, wrong secret": {
			func(t *testing.T, w *world) {
				t.Helper()
				_, err := iam.NewFromConfig(w.config("localaws", "wrong", "")).DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: aws.String("wallets")})
				wantCode(t, err, "SignatureDoesNotMatch")
			},
			localaws.Call{Service: "iam", Operation: "DeleteRole", Resource: "wallets", Code: "SignatureDoesNotMatch", Write: true},
		},
		"IAM, unknown operation": {
			func(t *testing.T, w *world) { t.Helper(); w.post(t, "iam", "Action=CreateCompany"+iamVersion) },
			localaws.Call{Service: "iam", Operation: "Unrecognized", Principal: adminARN, Code: "InvalidAction"},
		},
		"IAM, other version": {
			func(t *testing.T, w *world) { t.Helper(); w.post(t, "iam", "Action=ListRoles&Version=2009-01-01") },
			localaws.Call{Service: "iam", Operation: "ListRoles", Principal: adminARN, Code: "InvalidAction"},
		},
		"IAM, malformed form": {
			func(t *testing.T, w *world) { t.Helper(); w.post(t, "iam", "Action=%zz") },
			localaws.Call{Service: "iam", Operation: "Unrecognized", Code: "MalformedQueryString"},
		},
		"IAM, larger than any call": {
			func(t *testing.T, w *world) { t.Helper(); w.post(t, "iam", "Action="+strings.Repeat("a", 300<<10)) },
			localaws.Call{Service: "iam", Operation: "Unrecognized", Code: "RequestEntityTooLarge"},
		},
		"STS, unsigned": {
			func(t *testing.T, w *world) {
				t.Helper()
				w.post(t, "", "Action=GetCallerIdentity&Version=2011-06-15")
			},
			localaws.Call{Service: "sts", Operation: "GetCallerIdentity", Code: "MissingAuthenticationToken"},
		},
		"S3, unknown key": {
			func(t *testing.T, w *world) {
				t.Helper()
				_, err := s3.NewFromConfig(w.config("nobody", "wrong", "")).GetObject(t.Context(), get("a/b"))
				wantCode(t, err, "InvalidAccessKeyId")
			},
			localaws.Call{Service: "s3", Operation: "GetObject", Resource: shared + "/a/b", Code: "InvalidAccessKeyId"},
		},
		"S3, an operation that is not served": {
			func(t *testing.T, w *world) {
				t.Helper()
				_, err := s3.NewFromConfig(w.config("localaws", "localaws", "")).GetBucketAnalyticsConfiguration(t.Context(), &s3.GetBucketAnalyticsConfigurationInput{Bucket: aws.String(shared), Id: aws.String("a")})
				wantCode(t, err, "NotImplemented")
			},
			localaws.Call{Service: "s3", Operation: "Unrecognized", Principal: adminARN, Resource: shared, Code: "NotImplemented"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			test.call(t, w)
			test.want.Time = w.now
			if diff := cmp.Diff([]localaws.Call{test.want}, w.server.Calls()); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// A name may be as long as the body that carries it; the log is not.
func TestLoggedResourceIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.post(t, "iam", "Action=GetRole&Version=2010-05-08&RoleName="+strings.Repeat("%C3%A9", 2000))
	calls := w.server.Calls()
	if len(calls) != 1 || calls[0].Resource != strings.Repeat("\u00e9", 1024) {
		t.Errorf("calls are %+v, want one with a resource of 2048 bytes", calls)
	}
}

// Whoever has an answer finds the call in the log.
func TestCallsAreLoggedBeforeTheyAreAnswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for n := 1; n <= 100; n++ {
		if _, err := w.sts.GetCallerIdentity(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if got := len(w.server.Calls()); got != n {
			t.Fatalf("%d calls are logged after %d answers", got, n)
		}
	}
}
