package localaws

import (
	"encoding/json"
	"testing"

	"github.com/litentry/wallet-federation/internal/policycase"
)

// TestTablesAgree holds the table of what is served to the one by which localaws
// evaluate answers: who is denied the one action that the one says, and nothing
// else, is denied the operation by the other.
func TestTablesAgree(t *testing.T) {
	t.Parallel()
	evaluator, err := policycase.New(policycase.DefaultAccount)
	if err != nil {
		t.Fatal(err)
	}
	decide := func(t *testing.T, op *s3Operation, version, effect, action string) string {
		t.Helper()
		type object = map[string]any
		params := object{}
		if op.level != onAccount {
			params["Bucket"] = shared
		}
		if op.level == onObject {
			params["Key"] = "key"
		}
		if op.copies {
			params["CopySource"] = shared + "/source"
		}
		if version != "" {
			params["VersionId"] = version
		}
		allow := object{"Effect": "Allow", "Action": "*", "Resource": "*"}
		statement := object{"Effect": effect, "Action": action, "Resource": "*"}
		statements := []any{statement}
		if effect == "Deny" {
			statements = append(statements, allow)
		}
		line, err := json.Marshal(object{
			"policies":  object{"identity": []any{object{"Version": "2012-10-17", "Statement": statements}}},
			"principal": object{"type": "user"},
			"request":   object{"operation": op.name, "params": params},
		})
		if err != nil {
			t.Fatal(err)
		}
		return evaluator.Evaluate(line).Decision
	}
	for _, op := range s3Operations() {
		for version, action := range map[string]string{"": op.action, "v1": op.versionAction} {
			if action == "" {
				continue
			}
			if decide(t, &op, version, "Deny", action) != policycase.Deny {
				t.Errorf("%s with version %q: evaluate does not ask for %s", op.name, version, action)
			}
			if op.also == nil && decide(t, &op, version, "Allow", action) == policycase.Deny {
				t.Errorf("%s with version %q: evaluate asks for more than %s", op.name, version, action)
			}
		}
	}
}
