package localaws

import (
	"fmt"
	"testing"

	"github.com/litentry/wallet-federation/internal/policycase"
)

// Two tables say which action an operation needs: that of the server, which
// recognizes requests, and that of package policycase, which reads the names of
// operations. They must not differ.
func TestCasesNeedTheActionsThatTheServerChecks(t *testing.T) {
	t.Parallel()
	e, err := policycase.New(policycase.DefaultAccount)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(op s3Operation, policies, version string) string {
		return e.Evaluate(fmt.Appendf(nil, `{"policies":{%s},"principal":{"type":"user"},"request":{"operation":%q,"public_access_block":{"BlockPublicAcls":true},`+
			`"params":{"Bucket":"bucket","Key":"key","CopySource":"bucket/source","TaggingDirective":"REPLACE"%s}}}`, policies, op.name, version)).Decision
	}
	for _, op := range s3Operations() {
		for version, action := range map[string]string{"": op.action, `,"VersionId":"1"`: op.versionAction} {
			if action == "" || op.name == "PutBucketPolicy" || op.name == "GetBucketPolicy" || op.name == "GetBucketPolicyStatus" {
				continue // no action of its own, or the answer needs a policy
			}
			everything := `{"Effect":"Allow","Action":"s3:*","Resource":"*"}`
			but := fmt.Sprintf(`{"Effect":"Deny","Action":%q,"Resource":"*"}`, action)
			if got := ask(op, `"identity":[{"Version":"2012-10-17","Statement":[`+everything+`]}]`, version); got != policycase.Allow {
				t.Errorf("%s, with everything allowed: %s", op.name, got)
			}
			if got := ask(op, `"identity":[{"Version":"2012-10-17","Statement":[`+everything+`,`+but+`]}]`, version); got != policycase.Deny {
				t.Errorf("%s, with all but %s allowed: %s", op.name, action, got)
			}
		}
	}
}
