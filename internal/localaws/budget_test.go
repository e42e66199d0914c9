package localaws_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/litentry/wallet-federation/internal/localaws"
)

func TestCallsBeyondTheBudgetAreThrottled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *localaws.Options) { o.IAMRate, o.STSRate = 2.5, 1 })
	other := iam.NewFromConfig(w.config("localaws-root", "localaws-root", ""))
	list := func(c *iam.Client) error {
		_, err := c.ListRoles(t.Context(), &iam.ListRolesInput{})
		return err
	}
	// The burst is 3, and every caller draws on it.
	for _, code := range []string{"", "", "", "Throttling"} {
		wantCode(t, list(w.iam), code)
	}
	wantRefusal(t, list(other), "Throttling", "Rate exceeded")
	w.pass(400 * time.Millisecond)
	for _, code := range []string{"", "Throttling"} {
		wantCode(t, list(other), code)
	}
	for _, code := range []string{"", "Throttling"} { // STS has a budget of its own
		_, err := w.sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
		wantCode(t, err, code)
	}
	throttled := localaws.Call{Service: "iam", Operation: "ListRoles", Principal: adminARN, Code: "Throttling"}
	if got := w.server.CallCounts()[throttled]; got != 1 {
		t.Errorf("%d throttled calls of the administrator are logged, want 1", got)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		options localaws.Options
		message string
	}{
		"negative lag":       {localaws.Options{Lag: -1}, "lag"},
		"lag of a day":       {localaws.Options{Lag: 24 * time.Hour}, "lag"},
		"negative rate":      {localaws.Options{IAMRate: -1}, "IAM rate"},
		"rate of all others": {localaws.Options{STSRate: 1e9}, "STS rate"},
		"one key for two":    {localaws.Options{AccessKeyID: "localaws-root"}, "the same access key id"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := localaws.New(test.options)
			if err == nil || !strings.Contains(err.Error(), test.message) {
				t.Errorf("error %v, want %q in it", err, test.message)
			}
		})
	}
}
