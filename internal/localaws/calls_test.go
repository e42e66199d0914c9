package localaws_test

import (
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
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
	get := localaws.Call{Service: "iam", Operation: "GetRole", Principal: adminARN}
	missed, deleted := get, get
	missed.Code = "NoSuchEntity"
	deleted.Operation, deleted.Write = "DeleteRole", true
	if diff := cmp.Diff([]localaws.Call{get, missed, get, deleted}, w.server.Calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[localaws.Call]int{get: 2, missed: 1, deleted: 1}, w.server.CallCounts()); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if got := deleted.Action(); got != "iam:DeleteRole" {
		t.Errorf("action %q", got)
	}
}

func TestFaults(t *testing.T) {
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
					if c.Action() != "iam:CreateRole" || faults.Add(1) > 1 {
						return nil
					}
					return &localaws.Fault{Code: "ServiceFailure", Message: "try again", AfterEffect: test.afterEffect}
				}
			})
			in := &iam.CreateRoleInput{RoleName: aws.String("wallets"), AssumeRolePolicyDocument: aws.String(trustOf(account))}
			_, err := w.iam.CreateRole(t.Context(), in)
			wantRefusal(t, err, "ServiceFailure", "try again")
			_, err = w.iam.CreateRole(t.Context(), in)
			wantCode(t, err, test.then)
		})
	}
}
