package policy

import "testing"

// sessionHolds evaluates a condition of a session policy whose one statement has
// the effect.
func sessionHolds(t *testing.T, effect Effect, condition string, values map[string]any) bool {
	t.Helper()
	p := parsed(t, Session, "session policy", statement(`{"Effect":"`+string(effect)+`","Action":"*","Resource":"*","Condition":{`+condition+`}}`))
	return p.Document.Statements[0].conditionsHold(contextOf(values))
}

// What STS takes in a session policy and IAM refuses to store, and what comes of
// it, was recorded of iam:TagUser by https://github.com/radkawar/stackd
// (docs/iam-evaluation.md, "Typed comparisons and policy validation").
func TestSessionPoliciesMayHoldValuesThatCompareWithNothing(t *testing.T) {
	t.Parallel()
	const role = "arn:aws:iam::123456789012:role/r"
	for name, c := range map[string]struct {
		condition, value string
		allow, deny      bool // whether it holds in an Allow, in a Deny
	}{
		"text for a number":                     {`"NumericEquals":{"t:k":"one"}`, "1", false, false},
		"text for a number, negated":            {`"NumericNotEquals":{"t:k":"one"}`, "1", true, true},
		"text beside a number":                  {`"NumericEquals":{"t:k":["one","1"]}`, "1", true, true},
		"text for a date":                       {`"DateLessThan":{"t:k":"noon"}`, "2026-01-01", false, false},
		"text for a date, negated":              {`"DateNotEquals":{"t:k":"noon"}`, "2026-01-01", true, true},
		"text for an address":                   {`"IpAddress":{"t:k":"host"}`, "192.0.2.1", false, false},
		"text for an address, negated":          {`"NotIpAddress":{"t:k":"host"}`, "192.0.2.1", true, true},
		"IPv6 with bits beyond its range":       {`"IpAddress":{"t:k":"2001:db8::5/64"}`, "2001:db8::5", false, false},
		"text for a boolean is false":           {`"Bool":{"t:k":"yes"}`, "false", true, true},
		"what is no ARN fulfils a Deny":         {`"ArnEquals":{"t:k":"role/r"}`, role, false, true},
		"even negated":                          {`"ArnNotEquals":{"t:k":"role/r"}`, role, false, true},
		"a match before it ends the comparison": {`"ArnEquals":{"t:k":["` + role + `","role/r"]}`, role, true, true},
		"a negated match before it, too":        {`"ArnNotEquals":{"t:k":["` + role + `","role/r"]}`, role, false, false},
		"a match after it comes too late":       {`"ArnEquals":{"t:k":["role/r","` + role + `"]}`, role, false, true},
		"a request's text that is no ARN":       {`"ArnNotEquals":{"t:k":"role/r"}`, "role/x", false, false},
		"no condition at all":                   {``, "", true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := sessionHolds(t, EffectAllow, c.condition, key(c.value)); got != c.allow {
				t.Errorf("in an Allow: %v", got)
			}
			if got := sessionHolds(t, EffectDeny, c.condition, key(c.value)); got != c.deny {
				t.Errorf("in a Deny: %v", got)
			}
		})
	}
}

// IAM's storage refuses empty lists; S3 was seen to take one (recording
// sourcevpc-empty-array), and STS does as well.
func TestAnEmptyListHoldsForNoValue(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		condition        string
		present, missing bool
	}{
		"equals":        {`"StringEquals":{"t:k":[]}`, false, false},
		"not equals":    {`"StringNotEquals":{"t:k":[]}`, false, false},
		"if exists":     {`"StringEqualsIfExists":{"t:k":[]}`, false, true},
		"all values":    {`"ForAllValues:StringEquals":{"t:k":[]}`, false, true},
		"any value":     {`"ForAnyValue:StringNotEqualsIfExists":{"t:k":[]}`, false, false},
		"null":          {`"Null":{"t:k":[]}`, false, false},
		"no ARN at all": {`"ArnNotLike":{"t:k":[]}`, false, false},
	} {
		if got := sessionHolds(t, EffectAllow, c.condition, key("a")); got != c.present {
			t.Errorf("%s, of a present key: %v", name, got)
		}
		if got := sessionHolds(t, EffectAllow, c.condition, nil); got != c.missing {
			t.Errorf("%s, of a missing key: %v", name, got)
		}
	}
	if _, err := Parse(Bucket, []byte(withBucket(`"Condition":{"StringEquals":{"aws:SourceVpc":[]}}`))); err != nil {
		t.Errorf("in a bucket policy: %v", err)
	}
}

func TestSessionPoliciesHaveTheGrammarOfIdentityPolicies(t *testing.T) {
	t.Parallel()
	for name, element := range map[string]string{
		"a principal":                    `"Principal":"*"`,
		"no resource":                    `"Resource":`,
		"a Sid with a space":             `"Sid":"a b"`,
		"an unknown operator":            `"Condition":{"StringIs":{"t:k":"a"}}`,
		"what is not base64":             `"Condition":{"BinaryEquals":{"t:k":"!"}}`,
		"half a variable":                `"Condition":{"StringEquals":{"t:k":"${t:v"}}`,
		"an operator without keys":       `"Condition":{"StringEquals":{}}`,
		"a resource that is not an ARN":  `"Resource":"b/*"`,
		"a value that is neither of all": `"Condition":{"StringEquals":{"t:k":null}}`,
	} {
		if _, err := Parse(Session, []byte(with(element))); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	session := parsed(t, Session, "misplaced", allowAll)
	d := (&Policies{Resource: &session}).Evaluate(&Request{Principal: testUser(home), Action: "s3:GetObject", Resource: objectARN})
	if d.Allowed() {
		t.Error("a session policy grants to everybody as a resource policy")
	}
}
