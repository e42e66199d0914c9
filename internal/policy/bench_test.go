package policy

import "testing"

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

func BenchmarkEvaluate(b *testing.B) {
	broad := parsed(b, Identity, "broad", statement(`{"Effect":"Allow","Action":"s3:*","Resource":"*"}`))
	policies := &Policies{Identity: []Policy{broad}, Resource: guardPolicy(b, "")}
	for name, r := range benchmarkRequests() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				policies.Evaluate(r)
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
	policies := &Policies{
		Identity: []Policy{parsed(t, Identity, "broad", statement(`{"Effect":"Allow","Action":"s3:*","Resource":"*"}`))},
		Resource: guardPolicy(t, ""),
	}
	for name, r := range benchmarkRequests() {
		if n := testing.AllocsPerRun(100, func() { policies.Evaluate(r) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
