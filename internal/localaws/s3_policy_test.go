package localaws

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestBucketPoliciesAreCheckedBeforeTheyAreAccepted(t *testing.T) {
	t.Parallel()
	const (
		bucket = `"arn:aws:s3:::shared-bucket"`
		all    = `"arn:aws:s3:::shared-bucket/*"`
	)
	statement := func(effect, principal, action, rest string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"` + effect + `",` + principal + `,"Action":` + action + `,` + rest + `}]}`
	}
	const root = `"Principal":{"AWS":"123456789012"}`
	condition := func(operator, key, value string) string {
		return `,"Condition":{"` + operator + `":{"` + key + `":"` + value + `"}}`
	}
	tests := map[string]struct{ document, refusal string }{ // no refusal for accepted
		"a grant to an account":                 {statement("Allow", root, `"s3:GetObject"`, `"Resource":`+all), ""},
		"a grant to another account's role":     {statement("Allow", `"Principal":{"AWS":"arn:aws:iam::111122223333:role/other"}`, `"s3:GetObject"`, `"Resource":`+all), ""},
		"a grant to a role that does not exist": {statement("Allow", `"Principal":{"AWS":"arn:aws:iam::123456789012:role/nobody"}`, `"s3:GetObject"`, `"Resource":`+all), "Invalid principal in policy"},
		"a grant to an id that does not exist":  {statement("Allow", `"Principal":{"AWS":"AROAAAAAAAAAAAAAAAAAA"}`, `"s3:GetObject"`, `"Resource":`+all), "Invalid principal in policy"},
		"a grant to all users":                  {statement("Allow", `"Principal":{"AWS":"arn:aws:iam::123456789012:user/*"}`, `"s3:GetObject"`, `"Resource":`+all), "principal"},
		"a grant to all but one":                {statement("Allow", `"NotPrincipal":{"AWS":"123456789012"}`, `"s3:GetObject"`, `"Resource":`+all), "NotPrincipal"},
		"a denial to all but one":               {statement("Deny", `"NotPrincipal":{"AWS":"123456789012"}`, `"s3:GetObject"`, `"Resource":`+all), ""},
		"a grant to any service":                {statement("Allow", `"Principal":{"Service":"*.amazonaws.com"}`, `"s3:GetObject"`, `"Resource":`+all), "principal"},
		"everything":                            {statement("Allow", root, `"s3:GetObject"`, `"Resource":"*"`), "not the ARN of a bucket"},
		"another bucket":                        {statement("Allow", root, `"s3:GetObject"`, `"Resource":"arn:aws:s3:::shared-bucket-2/*"`), "Policy has invalid resource"},
		"all buckets of a prefix":               {statement("Allow", root, `"s3:GetObject"`, `"Resource":"arn:aws:s3:::shared-bucket*"`), "Policy has invalid resource"},
		"all but another bucket":                {statement("Deny", root, `"s3:GetObject"`, `"NotResource":"arn:aws:s3:::other/*"`), "Policy has invalid resource"},
		"all but a prefix":                      {statement("Deny", root, `"s3:*"`, `"NotResource":[`+bucket+`,`+all+`]`), ""},
		"an action that does not exist":         {statement("Allow", root, `"s3:GetObjects"`, `"Resource":`+all), "Policy has invalid action"},
		"an action of another service":          {statement("Allow", root, `"ec2:RunInstances"`, `"Resource":`+all), "no action of S3"},
		"an action in another case":             {statement("Allow", root, `"S3:getobject"`, `"Resource":`+all), ""},
		"a list of an object":                   {statement("Allow", root, `"s3:ListBucket"`, `"Resource":`+all), "Action does not apply to any resource(s) in statement"},
		"reading a bucket":                      {statement("Allow", root, `"s3:GetObject"`, `"Resource":`+bucket), "Action does not apply to any resource(s) in statement"},
		"a list of uploads in objects":          {statement("Allow", root, `"s3:ListBucketMultipartUploads"`, `"Resource":`+all), "Action does not apply to any resource(s) in statement"},
		"both, each on its own":                 {statement("Allow", root, `["s3:ListBucket","s3:GetObject"]`, `"Resource":[`+bucket+`,`+all+`]`), ""},
		"a list of a prefix":                    {statement("Allow", root, `"s3:ListBucket"`, `"Resource":`+bucket+condition("StringLike", "s3:prefix", "a/*")), ""},
		"reading under a list's prefix":         {statement("Allow", root, `"s3:GetObject"`, `"Resource":`+all+condition("StringLike", "s3:prefix", "a/*")), "Conditions do not apply to combination of actions and resources in statement"},
		"a prefix for a list and for reading": {statement("Allow", root, `["s3:ListBucket","s3:GetObject"]`, `"Resource":[`+bucket+`,`+all+`]`+condition("StringLike", "s3:prefix", "a/*")),
			"Conditions do not apply to combination of actions and resources in statement"},
		"a prefix for a list of uploads": {statement("Allow", root, `["s3:ListBucket","s3:ListBucketMultipartUploads"]`, `"Resource":`+bucket+condition("StringLike", "s3:prefix", "a/*")),
			"Conditions do not apply to combination of actions and resources in statement"},
		"a prefix for all actions":       {statement("Deny", root, `"s3:*"`, `"Resource":`+bucket+condition("StringLike", "s3:prefix", "a/*")), ""},
		"an access point for reading":    {statement("Deny", root, `"s3:GetObject"`, `"Resource":`+all+condition("ArnLike", "s3:DataAccessPointArn", "arn:aws:s3:us-east-1:123456789012:accesspoint/a")), ""},
		"a tag of the object":            {statement("Deny", root, `"s3:GetObject"`, `"Resource":`+all+condition("StringEquals", "s3:ExistingObjectTag/a", "b")), ""},
		"a key of S3's that is none":     {statement("Deny", root, `"s3:GetObject"`, `"Resource":`+all+condition("StringEquals", "s3:color", "b")), "Policy has an invalid condition key"},
		"a global key":                   {statement("Deny", root, `"s3:GetObject"`, `"Resource":`+all+condition("Bool", "aws:SecureTransport", "false")), ""},
		"a document that is too long":    {statement("Deny", root, `"s3:GetObject"`, `"Resource":`+all) + strings.Repeat(" ", maxBucketPolicy), "20480"},
		"a document of the largest size": {padded(statement("Deny", root, `"s3:GetObject"`, `"Resource":`+all)), ""},
		"no document":                    {`hello`, "MalformedPolicy"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newBucketServer(t, shared)
			w := httptest.NewRecorder()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/"+shared+"?policy", strings.NewReader(test.document))
			s.serveS3(w, r, s.administrator())
			answer := w.Body.String()
			switch {
			case test.refusal == "" && w.Code != http.StatusNoContent:
				t.Errorf("refused: %s", answer)
			case test.refusal != "" && (!strings.Contains(answer, "<Code>MalformedPolicy</Code>") || !strings.Contains(answer, test.refusal)):
				t.Errorf("answered %d %s, want MalformedPolicy and %q", w.Code, answer, test.refusal)
			}
			if stored := s.storage.bucket(shared).policy != nil; stored != (test.refusal == "") {
				t.Errorf("stored: %t", stored)
			}
		})
	}
}

// padded fills a document with white space to the largest size.
func padded(document string) string {
	return document + strings.Repeat(" ", maxBucketPolicy-len(document))
}
