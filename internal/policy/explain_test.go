package policy

import (
	"strings"
	"testing"
	"unicode/utf8"
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
		"a statement for other resources": {
			policies: Policies{Identity: []Policy{
				named("writer", "Put", `"Effect":"Allow","Action":"s3:PutObject","Resource":"*"`),
				named("reader", "Own", `"Effect":"Allow","Action":"s3:Get*","Resource":["arn:aws:s3:::c/*","arn:aws:s3:::d/*"]`),
			}},
			want: `denied: no statement allows s3:GetObject on arn:aws:s3:::b/k; reader statement "Own" allows the action, ` +
				`but only on ["arn:aws:s3:::c/*", "arn:aws:s3:::d/*"]`,
		},
		"a statement for the resource of a missing tag": {
			policies: Policies{Identity: []Policy{named("reader", "Own", `"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:PrincipalTag/wallet}/*"`)}},
			want: `denied: no statement allows s3:GetObject on arn:aws:s3:::b/k; reader statement "Own" allows the action, ` +
				`but only on "arn:aws:s3:::b/${aws:PrincipalTag/wallet}/*", and the request has no single value for ${aws:PrincipalTag/wallet}`,
		},
		"a statement for all but the resource": {
			policies: Policies{Identity: []Policy{named("reader", "Others", `"Effect":"Allow","Action":"s3:*","NotResource":"arn:aws:s3:::b/*"`)}},
			want: `denied: no statement allows s3:GetObject on arn:aws:s3:::b/k; reader statement "Others" allows the action, ` +
				`but not on "arn:aws:s3:::b/*"`,
		},
		"a condition with a variable of a missing tag": {
			policies: Policies{Identity: []Policy{named("reader", "Own", all+`,"Condition":{"StringLike":{"s3:prefix":"${aws:PrincipalTag/wallet}/*"}}`)}},
			context:  map[string]any{"s3:prefix": "c/"},
			want: `denied: no statement allows s3:GetObject on arn:aws:s3:::b/k; reader statement "Own" would, ` +
				`but its condition StringLike s3:prefix "${aws:PrincipalTag/wallet}/*" fails: the request has "c/", ` +
				`and no single value for ${aws:PrincipalTag/wallet}`,
		},
		"the statement that lacks the fewest conditions": {
			policies: Policies{Identity: []Policy{
				named("far", "Elsewhere", `"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::c/*"`),
				named("further", "Two", all+`,"Condition":{"StringEquals":{"t:a":"1"},"Bool":{"t:b":"true"}}`),
				named("near", "One", all+`,"Condition":{"StringEquals":{"t:a":"1"}}`),
			}},
			want: `denied: no statement allows s3:GetObject on arn:aws:s3:::b/k; near statement "One" would, ` +
				`but its condition StringEquals t:a "1" fails: the request has no such key`,
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

// maxExplanation is what Explain promises.
const maxExplanation = 8 << 10

func TestExplainStaysShort(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("\u0001", 500)
	quoted := `"` + strings.Repeat(`\u0001`, 500) + `"`
	values := strings.Repeat(quoted+",", 3) + quoted + "," + quoted
	p := parsed(t, Identity, long, statement(`{"Sid":"`+strings.Repeat("x", 500)+`","Effect":"Allow","Action":"*","Resource":"*","Condition":{
		"ForAnyValue:StringEquals":{"t:`+strings.Repeat("k", 500)+`":["${t:`+strings.Repeat("v", 500)+`}",`+values+`]}}}`))
	ctx := contextOf(map[string]any{"t:" + strings.Repeat("k", 500): listOf{long + "1", long + "2", long + "3", long + "4", long + "5"}})
	d := (&Policies{Identity: []Policy{p}}).Evaluate(&Request{
		Principal: testSession(home), Action: strings.Repeat("s3:Get", 500), Resource: strings.Repeat("é", 500), Context: ctx,
	})
	if got := d.Explain(); len(got) > maxExplanation || !strings.Contains(got, "and 2 more") || !utf8.ValidString(got) {
		t.Errorf("%d bytes: %s", len(got), got)
	}
}
