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
	for _, c := range arnPatternCases() {
		f.Add(c.pattern, c.s)
	}
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if len(pattern)*len(s) > 1<<20 || !utf8.ValidString(pattern) || !utf8.ValidString(s) {
			return
		}
		if got, want := Match(pattern, s), matchesPlainly(pattern, s, false); got != want {
			t.Errorf("Match(%q, %q) = %v, want %v", pattern, s, got, want)
		}
		if got, want := matchesARN(t, pattern, s), matchesPlainly(pattern, s, true); got != want {
			t.Errorf("as ARNs, %q against %q: %v, want %v", pattern, s, got, want)
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
		r := fuzzRequest(action, resource, tag, key, value)
		policies := &Policies{Resource: &Policy{Name: "bucket policy", Document: d}}
		got := policies.Evaluate(r)
		checkExplanation(t, got)
		// A request that the bucket policy denies stays denied whatever the
		// identity side says, and one it allows needs a statement.
		policies.Identity = []Policy{parsed(t, Identity, "admin", allowAll)}
		if wide := policies.Evaluate(r); got.Outcome == ExplicitDeny && wide.Outcome != ExplicitDeny {
			t.Errorf("an identity policy overrules: %s", wide.Explain())
		}
		if got.Allowed() && got.Statement < 0 {
			t.Errorf("allowed by nothing: %s", got.Explain())
		}
	})
}

// FuzzLimits holds boundaries and session policies to what they are for: they
// only take away.
func FuzzLimits(f *testing.F) {
	f.Add([]byte(allowAll), "s3:GetObject", objectARN, walletA, "s3:prefix", "a")
	f.Add([]byte(statement(`{"Effect":"Deny","NotAction":"s3:Get*","NotResource":"arn:aws:s3:::b/${aws:PrincipalTag/agentkeys_user_wallet, 'x'}*"}`)),
		"s3:GetObject", objectARN, "k", "t:k", "1")
	f.Add([]byte(statement(`{"Effect":"Allow","Action":"*","Resource":"arn:aws:s*:::b","Condition":{"ForAnyValue:ArnNotLikeIfExists":{"t:k":"${t:k}"},
		"NumericLessThan":{"t:k":1e5},"DateEquals":{"t:k":"2026"},"NotIpAddress":{"t:k":"::/0"},"StringEqualsIgnoreCase":{"t:k":"Σ"}}}`)),
		"s3:GetObject", objectARN, "", "t:k", "arn:aws:iam::1:x")
	f.Fuzz(func(t *testing.T, document []byte, action, resource, tag, key, value string) {
		d, err := Parse(Session, document)
		if err != nil {
			return
		}
		r := fuzzRequest(action, resource, tag, key, value)
		given := Policy{Name: "given", Document: d}
		admin := parsed(t, Identity, "admin", allowAll)
		alone := (&Policies{Identity: []Policy{given}}).Evaluate(r)
		checkExplanation(t, alone)
		for name, p := range map[string]Policies{
			"a boundary":       {Identity: []Policy{admin}, Boundary: &given},
			"a session policy": {Identity: []Policy{admin}, Session: []Policy{given}},
		} {
			limited := p.Evaluate(r)
			checkExplanation(t, limited)
			if limited.Allowed() != alone.Allowed() {
				t.Errorf("as %s beside an administrator's: %s; alone: %s", name, limited.Explain(), alone.Explain())
			}
		}
	})
}

func fuzzRequest(action, resource, tag, key, value string) *Request {
	who, ctx := session(), Context{}
	who.AddTo(ctx, map[string]string{"agentkeys_user_wallet": tag})
	ctx.Set(key, value)
	return &Request{Principal: who, Action: action, Resource: resource, ResourceAccount: who.Account, Context: ctx}
}

func checkExplanation(t *testing.T, d Decision) {
	t.Helper()
	if text := d.Explain(); text == "" || len(text) > maxExplanation {
		t.Errorf("an explanation of %d bytes: %s", len(text), text)
	}
}
