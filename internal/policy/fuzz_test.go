package policy

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzParse(f *testing.F) {
	f.Add(0, []byte(allowAll))
	f.Add(1, []byte(trustPolicy))
	f.Add(2, []byte(statement(strings.Join(guardStatements(), ","))))
	f.Add(2, []byte(`{"Statement":{"Effect":"Deny","NotPrincipal":{"AWS":"*"},"NotAction":"*","NotResource":"arn:aws:s3:::${a:b, 'c'}"}}`))
	f.Add(0, []byte(`{"Statement":[{"Condition":{"ForAnyValue:DateLessThanIfExists":{"a:b":["2026",1e5]}}}]}`))
	f.Fuzz(func(t *testing.T, kind int, document []byte) {
		d, err := Parse(Kind(kind), document)
		if (d == nil) == (err == nil) {
			t.Fatalf("Parse = %v, %v", d, err)
		}
		if err != nil {
			return
		}
		again, err := Parse(Kind(kind), document)
		if err != nil || len(again.Statements) != len(d.Statements) {
			t.Fatalf("the second time: %v, %v", again, err)
		}
	})
}

func FuzzMatch(f *testing.F) {
	for _, c := range patternCases() {
		f.Add(c.pattern, c.s)
	}
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if len(pattern)*len(s) > 1<<20 || !utf8.ValidString(pattern) || !utf8.ValidString(s) {
			return
		}
		if got, want := Match(pattern, s), matchesUnits(pattern, s); got != want {
			t.Errorf("Match(%q, %q) = %v, want %v", pattern, s, got, want)
		}
	})
}

func FuzzEvaluate(f *testing.F) {
	guard := statement(strings.Join(guardStatements(), ","))
	f.Add([]byte(guard), "s3:GetObject", bucket+"/bots/"+walletA+"/k", walletA, "s3:prefix", "bots/")
	f.Add([]byte(guard), "s3:ListBucket", bucket, "", "s3:prefix", "bots/"+walletB+"/")
	f.Add([]byte(grantsTo(aws(roleARN))), "s3:getobject", objectARN, "*", "aws:SourceIp", "::1")
	f.Fuzz(func(t *testing.T, document []byte, action, resource, tag, key, value string) {
		d, err := Parse(Bucket, document)
		if err != nil {
			return
		}
		who, ctx := session(), Context{}
		who.AddTo(ctx, map[string]string{"agentkeys_user_wallet": tag})
		ctx.Set(key, value)
		policies := &Policies{Resource: &Policy{Name: "bucket policy", Document: d}}
		r := &Request{Principal: who, Action: action, Resource: resource, ResourceAccount: who.Account, Context: ctx}
		got := policies.Evaluate(r)
		if got.Explain() == "" {
			t.Error("no explanation")
		}
		// A request that the bucket policy denies stays denied whatever the
		// identity side says, and one it allows needs a statement.
		policies.Identity = []Policy{{Name: "admin", Document: mustParse(t, allowAll)}}
		if wide := policies.Evaluate(r); got.Outcome == ExplicitDeny && wide.Outcome != ExplicitDeny {
			t.Errorf("an identity policy overrules: %s", wide.Explain())
		}
		if got.Allowed() && got.Statement < 0 {
			t.Errorf("allowed by nothing: %s", got.Explain())
		}
	})
}

func mustParse(t *testing.T, document string) *Document {
	t.Helper()
	return parsed(t, Identity, "document", document).Document
}
