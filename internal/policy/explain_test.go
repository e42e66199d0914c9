package policy

import (
	"strings"
	"testing"
)

func TestExplain(t *testing.T) {
	t.Parallel()
	session := testSession(home)
	named := func(name, sid, rest string) Policy {
		return parsed(t, Identity, name, statement(`{"Sid":"`+sid+`",`+rest+`}`))
	}
	bucketPolicy := func(document string) *Policy {
		p := parsed(t, Bucket, "bucket policy", document)
		return &p
	}
	const all = `"Effect":"Allow","Action":"s3:*","Resource":"*"`
	silent := parsed(t, Identity, "x", identityDocuments["silent"])
	for name, c := range map[string]struct {
		policies Policies
		who      *Principal
		account  string
		context  map[string]any
		want     string
	}{
		"allowed by a statement": {
			policies: Policies{Identity: []Policy{named(`inline policy "broad"`, "AllS3", all)}},
			want:     `allowed by inline policy "broad" statement "AllS3"`,
		},
		"allowed by a statement without Sid": {
			policies: Policies{Identity: []Policy{named(`inline policy "broad"`, "", all)}},
			want:     `allowed by inline policy "broad" Statement[0]`,
		},
		"allowed by an unnamed policy": {
			policies: Policies{Identity: []Policy{named("", "AllS3", all)}},
			want:     `allowed by unnamed policy statement "AllS3"`,
		},
		"allowed to the root": {
			who:  testRoot(home),
			want: "allowed: the root user may do everything in its own account",
		},
		"explicitly denied": {
			policies: Policies{
				Identity: []Policy{named("broad", "AllS3", all)},
				Resource: bucketPolicy(statement(`{"Sid":"X","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b/*"}`)),
			},
			want: `explicitly denied by bucket policy statement "X"`,
		},
		"nothing allows": {
			want: "denied: no statement allows s3:GetObject on arn:aws:s3:::b/k",
		},
		"a condition with another value": {
			policies: Policies{Identity: []Policy{named("reader", "Own", all+`,"Condition":{"Null":{"t:x":"true"},"StringLike":{"s3:prefix":["a/*","b/*"]}}`)}},
			context:  map[string]any{"s3:prefix": "c/"},
			want: `denied: no statement allows s3:GetObject on arn:aws:s3:::b/k; reader statement "Own" would, ` +
				`but its condition StringLike s3:prefix ["a/*", "b/*"] fails: the request has "c/"`,
		},
		"a condition on a missing key": {
			policies: Policies{Identity: []Policy{named("reader", "Own", all+`,"Condition":{"StringLike":{"s3:prefix":"a/*"}}`)}},
			want: `denied: no statement allows s3:GetObject on arn:aws:s3:::b/k; reader statement "Own" would, ` +
				`but its condition StringLike s3:prefix "a/*" fails: the request has no such key`,
		},
		"a condition on a multivalued key": {
			policies: Policies{Identity: []Policy{named("reader", "Own", all+`,"Condition":{"StringLike":{"aws:TagKeys":"a"}}`)}},
			context:  map[string]any{"aws:TagKeys": listOf{"a"}},
			want: `denied: no statement allows s3:GetObject on arn:aws:s3:::b/k; reader statement "Own" would, ` +
				`but its condition StringLike aws:TagKeys "a" fails: the key is multivalued, which only ForAllValues and ForAnyValue can match`,
		},
		"a condition of the bucket policy": {
			policies: Policies{Resource: bucketPolicy(statement(`{"Sid":"Own","Effect":"Allow","Principal":` + aws(session.RoleARN) +
				`,"Action":"s3:*","Resource":"arn:aws:s3:::b/*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}`))},
			context: map[string]any{"aws:SecureTransport": "false"},
			want: `denied: no statement allows s3:GetObject on arn:aws:s3:::b/k; bucket policy statement "Own" would, ` +
				`but its condition Bool aws:SecureTransport "true" fails: the request has "false"`,
		},
		"a statement for somebody else is not near": {
			policies: Policies{Resource: bucketPolicy(statement(`{"Effect":"Allow","Principal":` + aws(abroad) +
				`,"Action":"s3:*","Resource":"arn:aws:s3:::b/*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}`))},
			want: "denied: no statement allows s3:GetObject on arn:aws:s3:::b/k",
		},
		"a grant to the account": {
			policies: Policies{Resource: bucketPolicy(grantsTo(aws(home)))},
			want: `denied: no statement allows s3:GetObject on arn:aws:s3:::b/k; bucket policy Statement[0] ` +
				`names only the account, so that the caller's own policies must allow it too`,
		},
		"a boundary": {
			policies: Policies{Identity: []Policy{named("broad", "", all)}, Boundary: &silent},
			want:     "denied: no statement of the permissions boundary allows s3:GetObject on arn:aws:s3:::b/k",
		},
		"a condition of a boundary": {
			policies: Policies{Identity: []Policy{named("broad", "", all)}, Boundary: func() *Policy {
				p := named("boundary", "B", all+`,"Condition":{"Null":{"t:x":"false"}}`)
				return &p
			}()},
			want: `denied: no statement of the permissions boundary allows s3:GetObject on arn:aws:s3:::b/k; boundary statement "B" would, ` +
				`but its condition Null t:x "false" fails: the request has no such key`,
		},
		"a session policy": {
			policies: Policies{Identity: []Policy{named("broad", "", all)}, Session: []Policy{silent}},
			want:     "denied: no statement of a session policy allows s3:GetObject on arn:aws:s3:::b/k",
		},
		"another account": {
			policies: Policies{Identity: []Policy{named("broad", "", all)}},
			account:  abroad,
			want:     "denied: no statement of the resource's policy allows s3:GetObject on arn:aws:s3:::b/k",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			who := c.who
			if who == nil {
				who = session
			}
			d := c.policies.Evaluate(&Request{
				Principal: who, Action: "s3:GetObject", Resource: objectARN, ResourceAccount: c.account, Context: contextOf(c.context),
			})
			if got := d.Explain(); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestExplainStaysShort(t *testing.T) {
	t.Parallel()
	long := `"` + strings.Repeat("é", 5000) + `"`
	values := strings.Repeat(long+",", 10) + long
	p := parsed(t, Identity, "p", statement(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"t:k":[`+values+`]}}}`))
	d := (&Policies{Identity: []Policy{p}}).Evaluate(&Request{
		Principal: testSession(home), Action: "s3:GetObject", Resource: objectARN, Context: contextOf(key(strings.Repeat("x", 5000))),
	})
	if got := d.Explain(); len(got) > 2000 || !strings.Contains(got, "and 7 more") {
		t.Errorf("%d bytes: %s", len(got), got)
	}
}
