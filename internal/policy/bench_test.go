package policy

import (
	"fmt"
	"testing"
)

// benchmarkRequests are the requests that a running system decides most: own and
// foreign reads and lists, against the guard and a broad role.
func benchmarkRequests() map[string]*Request {
	cases := guardCases()
	requests := make(map[string]*Request)
	for _, name := range []string{
		"reads an own object", "reads a foreign object", "lists the own prefix", "lists without a prefix", "has no tag and reads",
	} {
		c := cases[name]
		requests[name] = c.request()
	}
	return requests
}

func benchmarkPolicies(tb testing.TB) *Policies {
	tb.Helper()
	broad := parsed(tb, Identity, "broad", statement(`{"Effect":"Allow","Action":"s3:*","Resource":"*"}`))
	return &Policies{Identity: []Policy{broad}, Resource: guardPolicy(tb, "")}
}

func BenchmarkEvaluate(b *testing.B) {
	policies := benchmarkPolicies(b)
	for name, r := range benchmarkRequests() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				policies.Evaluate(r)
			}
		})
	}
}

// BenchmarkWholeDecision makes the request context anew each time, with the keys
// that a server puts into it.
func BenchmarkWholeDecision(b *testing.B) {
	policies := benchmarkPolicies(b)
	tags := map[string]string{"agentkeys_user_wallet": walletA}
	who := session()
	b.ReportAllocs()
	for b.Loop() {
		ctx := make(Context, 24)
		ctx.Set("aws:CurrentTime", "2026-03-01T12:00:00Z")
		ctx.Set("aws:EpochTime", "1772366400")
		ctx.Set("aws:RequestedRegion", "eu-west-1")
		ctx.Set("aws:SecureTransport", "true")
		ctx.Set("aws:ViaAWSService", "false")
		ctx.Set("aws:SourceIp", "203.0.113.7")
		ctx.Set("aws:UserAgent", "aws-cli/2")
		ctx.Set("aws:TokenIssueTime", "2026-03-01T11:00:00Z")
		ctx.Set("s3:prefix", "bots/"+walletA+"/")
		ctx.Set("s3:delimiter", "/")
		who.AddTo(ctx, tags)
		r := Request{Principal: who, Action: "s3:ListBucket", Resource: bucket, ResourceAccount: home, Context: ctx}
		if !policies.Evaluate(&r).Allowed() {
			b.Fatal("denied")
		}
	}
}

// BenchmarkManyStatements decides by a bucket policy that names many others first.
func BenchmarkManyStatements(b *testing.B) {
	for _, n := range []int{10, 100, 300} {
		text := ""
		for i := range n {
			text += fmt.Sprintf(`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/other-%d"},"Action":["s3:GetObject","s3:PutObject"],
				"Resource":"%s/team-%d/${aws:PrincipalTag/agentkeys_user_wallet}/*","Condition":{"Bool":{"aws:SecureTransport":"true"}}},`, i, bucket, i)
		}
		resource := parsed(b, Bucket, "bucket policy", statement(text+guardStatements()[1]))
		policies := &Policies{Resource: &resource}
		r := benchmarkRequests()["reads an own object"]
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !policies.Evaluate(r).Allowed() {
					b.Fatal("denied")
				}
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	document := []byte(trustPolicy)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(Trust, document); err != nil {
			b.Fatal(err)
		}
	}
}

// It does not run in parallel, which AllocsPerRun refuses.
func TestEvaluateAllocatesNothing(t *testing.T) {
	policies := benchmarkPolicies(t)
	for name, r := range benchmarkRequests() {
		if n := testing.AllocsPerRun(100, func() { policies.Evaluate(r) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// Nor do the conditions of other families, where values are as AWS writes them.
func TestConditionsAllocateNothing(t *testing.T) {
	for _, c := range []struct{ condition, value string }{
		{`"NumericLessThanEquals":{"t:k":"1000.5"}`, "0010.25"},
		{`"DateLessThan":{"t:k":"2026-03-01T12:00:00Z"}`, "2026-03-01T11:00:00Z"},
		{`"DateLessThan":{"t:k":"1772366400"}`, "1772366399"},
		{`"IpAddress":{"t:k":["10.0.0.0/8","2001:db8::/32"]}`, "2001:db8::1"},
		{`"ArnLike":{"t:k":"arn:aws:iam::*:role/${t:k, 'x'}*"}`, "arn:aws:iam::123456789012:role/arn"},
		{`"StringEqualsIgnoreCase":{"t:k":"Mixed"}`, "mixed"},
		{`"ForAllValues:StringLike":{"t:k":["a*","b?"]}`, "bc"},
		{`"Bool":{"t:k":"true"},"Null":{"t:k":"false"}`, "TRUE"},
	} {
		p := parsed(t, Identity, "policy", with(`"Condition":{`+c.condition+`}`))
		r := &Request{Principal: session(), Action: "s3:GetObject", Resource: objectARN, Context: contextOf(key(c.value))}
		policies := &Policies{Identity: []Policy{p}}
		if n := testing.AllocsPerRun(100, func() { policies.Evaluate(r) }); n != 0 {
			t.Errorf("%s: %v allocations", c.condition, n)
		}
	}
}
