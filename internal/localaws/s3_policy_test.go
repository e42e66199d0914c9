package localaws

import (
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/litentry/wallet-federation/internal/bucketpolicy"
)

// What makes a policy inadmissible is tested with package bucketpolicy.
func TestBucketPoliciesAreCheckedBeforeTheyAreAccepted(t *testing.T) {
	t.Parallel()
	document := func(principal, resource string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + principal + `"},` +
			`"Action":"s3:GetObject","Resource":"` + resource + `"}]}`
	}
	const all = "arn:aws:s3:::shared-bucket/*"
	malformed := func(message string) string { return "MalformedPolicy: " + message }
	tests := map[string]struct {
		document string
		refusal  string // code and message; empty for accepted
	}{
		"a grant to an account":                 {document("123456789012", all), ""},
		"a grant to another account's role":     {document("arn:aws:iam::111122223333:role/other", all), ""},
		"a grant to a role that does not exist": {document("arn:aws:iam::123456789012:role/nobody", all), malformed("Invalid principal in policy")},
		"a grant to an id that does not exist":  {document("AROAAAAAAAAAAAAAAAAAA", all), malformed("Invalid principal in policy")},
		"a grant in another bucket":             {document("123456789012", "arn:aws:s3:::other/*"), malformed("Policy has invalid resource")},
		"a document that is too long": {document("123456789012", all+strings.Repeat("a", bucketpolicy.MaxSize)),
			malformed("Normalized policy document exceeds the maximum allowed size of 20480 bytes")},
		"a document of much white space": {document("123456789012", all) + strings.Repeat(" ", bucketpolicy.MaxSize), ""},
		"no document":                    {`hello`, malformed("Policies must be valid JSON and the first byte must be '{'")},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newBucketServer(t, shared)
			w := httptest.NewRecorder()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/"+shared+"?policy", strings.NewReader(test.document))
			s.serveS3(w, r, s.administrator())
			refusal := ""
			accepted := w.Code == http.StatusNoContent
			if !accepted {
				var answer s3Error
				if err := xml.Unmarshal(w.Body.Bytes(), &answer); err != nil {
					t.Fatal(err)
				}
				if answer.Detail == "" {
					t.Errorf("%s does not say what it is about", w.Body)
				}
				refusal = answer.Code + ": " + answer.Message
			}
			if refusal != test.refusal {
				t.Errorf("refused with %q, want %q", refusal, test.refusal)
			}
			if stored := s.storage.bucket(shared).policy != nil; stored != accepted {
				t.Errorf("stored: %t, answered %d", stored, w.Code)
			}
		})
	}
}
