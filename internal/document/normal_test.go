package document

import (
	"strings"
	"testing"

	awspolicy "github.com/hashicorp/awspolicyequivalence"
)

// statementPolicy is a policy of one statement with the given elements.
func statementPolicy(elements string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` + elements + `}]}`
}

func TestEquivalent(t *testing.T) {
	t.Parallel()

	const action = `"Action":"s3:GetObject"`
	tests := map[string]struct {
		a, b string
		want bool
		// unknownElsewhere marks what Terraform's comparison does not know to be
		// the same; everything else must be judged alike.
		unknownElsewhere bool
	}{
		"the same":                           {a: statementPolicy(action), b: statementPolicy(action), want: true},
		"one element in a list":              {a: statementPolicy(action), b: statementPolicy(`"Action":["s3:GetObject"]`), want: true},
		"the order of actions":               {a: statementPolicy(`"Action":["a:A","b:B"]`), b: statementPolicy(`"Action":["b:B","a:A"]`), want: true},
		"the case of actions":                {a: statementPolicy(action), b: statementPolicy(`"Action":"S3:getobject"`), want: true, unknownElsewhere: true},
		"the case of resources":              {a: statementPolicy(`"Resource":"arn:aws:s3:::b/A"`), b: statementPolicy(`"Resource":"arn:aws:s3:::b/a"`)},
		"one resource more":                  {a: statementPolicy(`"Resource":["a"]`), b: statementPolicy(`"Resource":["a","b"]`)},
		"Action against NotAction":           {a: statementPolicy(action), b: statementPolicy(`"NotAction":"s3:GetObject"`)},
		"an account and its root":            {a: statementPolicy(`"Principal":{"AWS":"123456789012"}`), b: statementPolicy(`"Principal":{"AWS":"arn:aws-cn:iam::123456789012:root"}`), want: true},
		"two accounts":                       {a: statementPolicy(`"Principal":{"AWS":"123456789012"}`), b: statementPolicy(`"Principal":{"AWS":"arn:aws:iam::123456789013:root"}`)},
		"everyone, spelled twice":            {a: statementPolicy(`"Principal":"*"`), b: statementPolicy(`"Principal":{"AWS":["*"]}`), want: true, unknownElsewhere: true},
		"a role and its unique id":           {a: statementPolicy(`"Principal":{"AWS":"arn:aws:iam::123456789012:role/r"}`), b: statementPolicy(`"Principal":{"AWS":"AROAEXAMPLEEXAMPLE123"}`)},
		"AWS and Federated":                  {a: statementPolicy(`"Principal":{"AWS":"x"}`), b: statementPolicy(`"Principal":{"Federated":"x"}`)},
		"a true that is a string":            {a: statementPolicy(`"Condition":{"Bool":{"aws:SecureTransport":true}}`), b: statementPolicy(`"Condition":{"Bool":{"aws:SecureTransport":["true"]}}`), want: true},
		"a number that is a string":          {a: statementPolicy(`"Condition":{"NumericLessThan":{"s3:max-keys":10}}`), b: statementPolicy(`"Condition":{"NumericLessThan":{"s3:max-keys":"10"}}`), want: true},
		"the case of a condition key":        {a: statementPolicy(`"Condition":{"StringLike":{"s3:prefix":"a"}}`), b: statementPolicy(`"Condition":{"StringLike":{"S3:Prefix":"a"}}`), want: true, unknownElsewhere: true},
		"another operator":                   {a: statementPolicy(`"Condition":{"StringLike":{"s3:prefix":"a"}}`), b: statementPolicy(`"Condition":{"StringLikeIfExists":{"s3:prefix":"a"}}`)},
		"one condition more":                 {a: statementPolicy(`"Condition":{"StringLike":{"s3:prefix":"a"}}`), b: statementPolicy(`"Condition":{"StringLike":{"s3:prefix":"a","x":"y"}}`)},
		"no condition and an empty one":      {a: statementPolicy(action), b: statementPolicy(action + `,"Condition":{}`), want: true, unknownElsewhere: true},
		"a condition without values":         {a: statementPolicy(action), b: statementPolicy(action + `,"Condition":{"StringEquals":{"x":[]}}`)},
		"the order of statements":            {a: `{"Statement":[{"Sid":"A"},{"Sid":"B"}]}`, b: `{"Statement":[{"Sid":"B"},{"Sid":"A"}]}`, want: true},
		"a statement more than once":         {a: `{"Statement":[{"Sid":"A"},{"Sid":"A"},{"Sid":"B"}]}`, b: `{"Statement":[{"Sid":"A"},{"Sid":"B"},{"Sid":"B"}]}`, unknownElsewhere: true},
		"a single statement without a list":  {a: `{"Statement":{"Sid":"A"}}`, b: `{"Statement":[{"Sid":"A"}]}`, want: true},
		"another version":                    {a: `{"Version":"2012-10-17","Statement":[]}`, b: `{"Version":"2008-10-17","Statement":[]}`},
		"the default version, spelled":       {a: `{"Statement":[]}`, b: `{"Version":"2008-10-17","Statement":[]}`, want: true, unknownElsewhere: true},
		"another Id":                         {a: `{"Id":"a","Statement":[]}`, b: `{"Id":"b","Statement":[]}`},
		"an escaped character":               {a: statementPolicy(`"Resource":"\u0061"`), b: statementPolicy(`"Resource":"a"`), want: true},
		"a text that imitates a list":        {a: statementPolicy(`"Resource":"a\" \"b"`), b: statementPolicy(`"Resource":["a","b"]`)},
		"a key that imitates two conditions": {a: statementPolicy(`"Condition":{"Bool":{"a\":[\"x\"],\"b":"x"}}`), b: statementPolicy(`"Condition":{"Bool":{"a":"x","b":"x"}}`)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, pair := range [][2]string{{test.a, test.b}, {test.b, test.a}} {
				got, err := Equivalent([]byte(pair[0]), []byte(pair[1]))
				if err != nil || got != test.want {
					t.Errorf("Equivalent = %v, %v, want %v", got, err, test.want)
				}
			}
			theirs, err := awspolicy.PoliciesAreEquivalent(test.a, test.b)
			if err != nil {
				t.Fatal(err)
			}
			if agree := theirs == test.want; agree == test.unknownElsewhere {
				t.Errorf("Terraform's comparison says %v, and that it is known to differ is %v", theirs, test.unknownElsewhere)
			}
		})
	}
}

func TestEquivalentOfEmptyDocuments(t *testing.T) {
	t.Parallel()

	if same, err := Equivalent(nil, []byte(" \n")); err != nil || !same {
		t.Errorf("two empty documents: %v, %v", same, err)
	}
	if same, err := Equivalent(nil, []byte(`{"Statement":[]}`)); err != nil || same {
		t.Errorf("an empty document and one without statements: %v, %v", same, err)
	}
}

func TestEquivalentRefusesWhatItCannotRead(t *testing.T) {
	t.Parallel()

	for name, bad := range map[string]string{
		"no JSON":                 `{`,
		"an action of an object":  statementPolicy(`"Action":{"a":"b"}`),
		"an action of null":       statementPolicy(`"Action":null`),
		"a principal by itself":   statementPolicy(`"Principal":"123456789012"`),
		"a condition of a list":   statementPolicy(`"Condition":[]`),
		"a condition key twice":   statementPolicy(`"Condition":{"Bool":{"a":"true","a":"false"}}`),
		"an operator of a string": statementPolicy(`"Condition":{"Bool":"true"}`),
		"an effect of a number":   `{"Statement":[{"Effect":1}]}`,
	} {
		if _, err := Equivalent([]byte(`{"Statement":[]}`), []byte(bad)); err == nil || !strings.Contains(err.Error(), "second policy") {
			t.Errorf("%s: error = %v, want one that says which policy", name, err)
		}
	}
}
