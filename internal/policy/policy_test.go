package policy

import "testing"

// allowAll is what an administrator has.
const allowAll = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`

// parsed returns a policy, or ends the test if it is refused.
func parsed(tb testing.TB, kind Kind, name, document string) Policy {
	tb.Helper()
	d, err := Parse(kind, []byte(document))
	if err != nil {
		tb.Fatalf("parsing %s: %v\n%s", name, err, document)
	}
	return Policy{Name: name, Document: d}
}

// statement wraps one statement in a document of the current version.
func statement(s string) string {
	return `{"Version":"2012-10-17","Statement":[` + s + `]}`
}
