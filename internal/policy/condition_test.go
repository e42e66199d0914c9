package policy

import (
	"encoding/json"
	"testing"
)

// listOf marks a value of a test's context as multivalued.
type listOf []string

func contextOf(values map[string]any) Context {
	c := Context{}
	for key, value := range values {
		switch v := value.(type) {
		case listOf:
			c.SetList(key, v...)
		case string:
			c.Set(key, v)
		}
	}
	return c
}

// holds parses a condition and evaluates it.
func holds(t *testing.T, version, condition string, values map[string]any) bool {
	t.Helper()
	p := parsed(t, Identity, "policy", `{"Version":"`+version+`","Statement":{
		"Effect":"Allow","Action":"*","Resource":"*","Condition":{`+condition+`}}}`)
	return p.Document.Statements[0].conditionsHold(contextOf(values))
}

type conditionCase struct {
	condition string
	context   map[string]any
	want      bool
}

func runConditions(t *testing.T, cases map[string]conditionCase) {
	t.Helper()
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := holds(t, currentVersion, c.condition, c.context); got != c.want {
				t.Errorf("{%s} with %v: %v", c.condition, c.context, got)
			}
		})
	}
}

func key(value string) map[string]any { return map[string]any{"t:k": value} }

func TestStringOperators(t *testing.T) {
	t.Parallel()
	runConditions(t, map[string]conditionCase{
		"equals":                              {`"StringEquals":{"t:k":"a"}`, key("a"), true},
		"equals is case-sensitive":            {`"StringEquals":{"t:k":"a"}`, key("A"), false},
		"equals knows no wildcard":            {`"StringEquals":{"t:k":"a*"}`, key("ab"), false},
		"equals matches a star":               {`"StringEquals":{"t:k":"a*"}`, key("a*"), true},
		"equals one of several":               {`"StringEquals":{"t:k":["a","b"]}`, key("b"), true},
		"key in other case":                   {`"StringEquals":{"T:K":"a"}`, key("a"), true},
		"not equals":                          {`"StringNotEquals":{"t:k":"a"}`, key("b"), true},
		"not equals none of several":          {`"StringNotEquals":{"t:k":["a","b"]}`, key("b"), false},
		"ignore case":                         {`"StringEqualsIgnoreCase":{"t:k":"aB"}`, key("Ab"), true},
		"ignore case of Greek at a word end":  {`"StringEqualsIgnoreCase":{"t:k":"ΟΣ"}`, key("ος"), true},
		"ignore case folds no sharp s":        {`"StringEqualsIgnoreCase":{"t:k":"ß"}`, key("SS"), false},
		"ignore case beyond the basic plane":  {`"StringEqualsIgnoreCase":{"t:k":"𐐀x"}`, key("𐐨X"), false},
		"ignore case keeps that plane's text": {`"StringEqualsIgnoreCase":{"t:k":"É𐐀x"}`, key("é𐐀X"), true},
		"ignore case with a missing variable": {`"StringEqualsIgnoreCase":{"t:k":"${t:v}"}`, key(""), false},
		"not equals ignore case":              {`"StringNotEqualsIgnoreCase":{"t:k":"a"}`, key("A"), false},
		"like":                                {`"StringLike":{"t:k":"a*c?"}`, key("abbcd"), true},
		"not like":                            {`"StringNotLike":{"t:k":"a*"}`, key("b"), true},
		"operators are anded":                 {`"StringLike":{"t:k":"a*"},"StringNotEquals":{"t:k":"ab"}`, key("ab"), false},
		"keys are anded":                      {`"StringEquals":{"t:k":"a","t:l":"a"}`, key("a"), false},
		"a number is its text":                {`"StringEquals":{"t:k":10}`, key("10"), true},
		"a boolean is its text":               {`"StringEquals":{"t:k":true}`, key("true"), true},
	})
}

func TestMissingKeys(t *testing.T) {
	t.Parallel()
	runConditions(t, map[string]conditionCase{
		"positive":                     {`"StringLike":{"t:k":"*"}`, nil, false},
		"negated":                      {`"StringNotLike":{"t:k":"*"}`, nil, true},
		"negated ARN":                  {`"ArnNotEquals":{"t:k":"arn:aws:iam::1:role/x"}`, nil, true},
		"not IP address":               {`"NotIpAddress":{"t:k":"10.0.0.0/8"}`, nil, true},
		"numeric not equals":           {`"NumericNotEquals":{"t:k":1}`, nil, true},
		"bool":                         {`"Bool":{"t:k":"false"}`, nil, false},
		"if exists":                    {`"StringEqualsIfExists":{"t:k":"a"}`, nil, true},
		"negated if exists":            {`"StringNotEqualsIfExists":{"t:k":"a"}`, nil, true},
		"for all values":               {`"ForAllValues:StringEquals":{"t:k":"a"}`, nil, true},
		"for all values negated":       {`"ForAllValues:StringNotEquals":{"t:k":"a"}`, nil, true},
		"for any value":                {`"ForAnyValue:StringEquals":{"t:k":"a"}`, nil, false},
		"for any value negated":        {`"ForAnyValue:StringNotEquals":{"t:k":"a"}`, nil, false},
		"for any value if exists":      {`"ForAnyValue:StringEqualsIfExists":{"t:k":"a"}`, nil, false},
		"for any value negated, both":  {`"ForAnyValue:StringNotEqualsIfExists":{"t:k":"a"}`, nil, false},
		"for all values if exists":     {`"ForAllValues:StringEqualsIfExists":{"t:k":"a"}`, nil, true},
		"bool if exists":               {`"BoolIfExists":{"t:k":"true"}`, nil, true},
		"date":                         {`"DateNotEquals":{"t:k":"2026"}`, nil, true},
		"null true":                    {`"Null":{"t:k":"true"}`, nil, true},
		"null false":                   {`"Null":{"t:k":false}`, nil, false},
		"null true of a present key":   {`"Null":{"t:k":"true"}`, key("a"), false},
		"null false of a present key":  {`"Null":{"t:k":"false"}`, key("a"), true},
		"null false of an empty value": {`"Null":{"t:k":"false"}`, key(""), true},
		"null either way":              {`"Null":{"t:k":["true","false"]}`, key("a"), true},
		"equals of an empty value":     {`"StringEquals":{"t:k":""}`, key(""), true},
		"a list without values":        {`"Null":{"t:k":"true"}`, map[string]any{"t:k": listOf{}}, true},
		"if exists of a present key":   {`"StringEqualsIfExists":{"t:k":"a"}`, key("b"), false},
	})
}

func TestSetsOfValues(t *testing.T) {
	t.Parallel()
	list := func(values ...string) map[string]any { return map[string]any{"t:k": listOf(values)} }
	runConditions(t, map[string]conditionCase{
		"all within":                        {`"ForAllValues:StringEquals":{"t:k":["a","b"]}`, list("a", "b"), true},
		"one outside":                       {`"ForAllValues:StringEquals":{"t:k":["a","b"]}`, list("a", "c"), false},
		"any within":                        {`"ForAnyValue:StringEquals":{"t:k":["a"]}`, list("c", "a"), true},
		"none within":                       {`"ForAnyValue:StringEquals":{"t:k":["a"]}`, list("c", "d"), false},
		"any differs":                       {`"ForAnyValue:StringNotEquals":{"t:k":"a"}`, list("a", "b"), true},
		"none differs":                      {`"ForAnyValue:StringNotEquals":{"t:k":["a","b"]}`, list("a", "b"), false},
		"all differ":                        {`"ForAllValues:StringNotEquals":{"t:k":"a"}`, list("b", "c"), true},
		"not all differ":                    {`"ForAllValues:StringNotEquals":{"t:k":"a"}`, list("a", "b"), false},
		"a set operator on a scalar key":    {`"ForAnyValue:StringLike":{"t:k":"a*"}`, key("ab"), true},
		"a scalar operator on a list":       {`"StringEquals":{"t:k":"a"}`, list("a"), false},
		"a negated one":                     {`"StringNotEquals":{"t:k":"b"}`, list("a"), false},
		"with if exists":                    {`"StringEqualsIfExists":{"t:k":"a"}`, list("a"), false},
		"negated with if exists":            {`"StringNotEqualsIfExists":{"t:k":"b"}`, list("a"), false},
		"null sees a list":                  {`"Null":{"t:k":"false"}`, list("a"), true},
		"a list in a variable":              {`"StringEquals":{"t:s":"${t:k}"}`, map[string]any{"t:s": "a", "t:k": listOf{"a"}}, false},
		"a list in a negated variable":      {`"StringNotEquals":{"t:s":"${t:k}"}`, map[string]any{"t:s": "a", "t:k": listOf{"a"}}, true},
		"a list in a variable with default": {`"StringEquals":{"t:s":"${t:k, 'a'}"}`, map[string]any{"t:s": "a", "t:k": listOf{"a"}}, false},
		"if exists within a set":            {`"ForAnyValue:StringEqualsIfExists":{"t:k":"a"}`, list("b"), false},
	})
}

func TestVariablesInConditions(t *testing.T) {
	t.Parallel()
	both := map[string]any{"t:k": "a", "t:v": "a"}
	runConditions(t, map[string]conditionCase{
		"equal":                             {`"StringEquals":{"t:k":"${t:v}"}`, both, true},
		"missing in a positive condition":   {`"StringEquals":{"t:k":"${t:none}"}`, both, false},
		"missing in like":                   {`"StringLike":{"t:k":"*${t:none}"}`, both, false},
		"missing in a negated condition":    {`"StringNotEquals":{"t:k":"${t:none}"}`, both, true},
		"missing in not like":               {`"StringNotLike":{"t:k":"${t:none}*"}`, both, true},
		"missing beside a value that is it": {`"StringEquals":{"t:k":["${t:none}","a"]}`, both, true},
		"missing beside a negated value":    {`"StringNotEquals":{"t:k":["${t:none}","a"]}`, both, false},
		"in an ARN":                         {`"ArnLike":{"t:arn":"arn:aws:iam::1:role/${t:v}"}`, map[string]any{"t:v": "a", "t:arn": "arn:aws:iam::1:role/a"}, true},
		"missing in an ARN":                 {`"ArnLike":{"t:arn":"arn:aws:iam::1:role/${t:none}"}`, map[string]any{"t:arn": "arn:aws:iam::1:role/"}, false},
		"with a default in an ARN":          {`"ArnLike":{"t:arn":"arn:aws:iam::1:role/${t:none, 'x:y'}"}`, map[string]any{"t:arn": "arn:aws:iam::1:role/x:y"}, true},
		"escaped in equals":                 {`"StringEquals":{"t:k":"${*}"}`, key("*"), true},
	})
}

func TestVariablesNeedTheCurrentVersion(t *testing.T) {
	t.Parallel()
	values := map[string]any{"t:k": "${t:v}", "t:v": "a"}
	if !holds(t, oldVersion, `"StringEquals":{"t:k":"${t:v}"}`, values) {
		t.Error("the old version does not take a variable for text")
	}
	if holds(t, currentVersion, `"StringEquals":{"t:k":"${t:v}"}`, values) {
		t.Error("the current version takes a variable for text")
	}
	if !holds(t, oldVersion, `"StringLike":{"t:k":"${*"}`, key("${abc")) {
		t.Error("the old version does not take what looks like a variable for text and a wildcard")
	}
	p := parsed(t, Identity, "policy", `{"Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/${t:v}"}}`)
	r := &Request{Resource: "arn:aws:s3:::b/a", Action: "s3:GetObject", Context: contextOf(values)}
	if p.Document.Statements[0].appliesTo(r) {
		t.Error("a document without version expands variables")
	}
}

func TestARNOperators(t *testing.T) {
	t.Parallel()
	const role = "arn:aws:iam::123456789012:role/a/b"
	runConditions(t, map[string]conditionCase{
		"equals":                              {`"ArnEquals":{"t:k":"` + role + `"}`, key(role), true},
		"equals takes wildcards":              {`"ArnEquals":{"t:k":"arn:aws:iam::123456789012:role/*"}`, key(role), true},
		"like":                                {`"ArnLike":{"t:k":"arn:*:iam::*:role/a/?"}`, key(role), true},
		"a star stays in its component":       {`"ArnLike":{"t:k":"arn:aws:s*:::x"}`, key("arn:aws:sns:eu-west-1:1:::x"), false},
		"a star crosses colons at the end":    {`"ArnLike":{"t:k":"arn:aws:sns:*:1:*"}`, key("arn:aws:sns:eu-west-1:1:a:b"), true},
		"an account pattern":                  {`"ArnLike":{"t:k":"arn:aws:iam::12345*:role/a/b"}`, key(role), true},
		"not equals":                          {`"ArnNotEquals":{"t:k":"` + role + `"}`, key(role), false},
		"not like":                            {`"ArnNotLike":{"t:k":"arn:aws:iam::*:user/*"}`, key(role), true},
		"what is no ARN is not like":          {`"ArnNotLike":{"t:k":"arn:aws:iam::*:user/*"}`, key("role/a"), false},
		"what is no ARN is not unlike either": {`"ArnLike":{"t:k":"arn:*:*:*:*:*"}`, key("arn:aws:iam"), false},
		"case matters":                        {`"ArnEquals":{"t:k":"` + role + `"}`, key("arn:aws:iam::123456789012:role/A/b"), false},
		"an ARN without service":              {`"ArnNotLike":{"t:k":"arn:aws:iam::1:x"}`, key("arn:aws:::1:x"), false},
		"an ARN without resource":             {`"ArnNotLike":{"t:k":"arn:aws:iam::1:x"}`, key("arn:aws:iam::1:"), false},
		"if exists of what is no ARN":         {`"ArnLikeIfExists":{"t:k":"arn:*:*:*:*:*"}`, key("x"), false},
	})
}

func TestNumericOperators(t *testing.T) {
	t.Parallel()
	runConditions(t, map[string]conditionCase{
		"leading zero":              {`"NumericEquals":{"t:k":"1"}`, key("01"), true},
		"fraction":                  {`"NumericEquals":{"t:k":1.0}`, key("1"), true},
		"exponent":                  {`"NumericEquals":{"t:k":"1000"}`, key("1e3"), true},
		"negative":                  {`"NumericLessThan":{"t:k":"0"}`, key("-0.5"), true},
		"large integers are exact":  {`"NumericEquals":{"t:k":"9007199254740993"}`, key("9007199254740992"), false},
		"not equals":                {`"NumericNotEquals":{"t:k":"1"}`, key("1.00"), false},
		"text is unequal":           {`"NumericNotEquals":{"t:k":"1"}`, key("one"), true},
		"text is not equal":         {`"NumericEquals":{"t:k":"1"}`, key("one"), false},
		"text is not less":          {`"NumericLessThan":{"t:k":"1"}`, key(""), false},
		"infinity is text":          {`"NumericGreaterThan":{"t:k":"1"}`, key("Inf"), false},
		"less or equal":             {`"NumericLessThanEquals":{"t:k":"10"}`, key("10"), true},
		"less":                      {`"NumericLessThan":{"t:k":"10"}`, key("10"), false},
		"less is not by text":       {`"NumericLessThan":{"t:k":"10"}`, key("9"), true},
		"greater":                   {`"NumericGreaterThan":{"t:k":"10"}`, key("10.1"), true},
		"greater or equal":          {`"NumericGreaterThanEquals":{"t:k":"10"}`, key("9.9"), false},
		"greater than any of a few": {`"NumericGreaterThan":{"t:k":["10","5"]}`, key("7"), true},
	})
}

func TestDateOperators(t *testing.T) {
	t.Parallel()
	const noon = "2026-03-01T12:00:00Z"
	runConditions(t, map[string]conditionCase{
		"equal in another zone":     {`"DateEquals":{"t:k":"2026-03-01T13:00:00+01:00"}`, key(noon), true},
		"equal as seconds":          {`"DateEquals":{"t:k":"1772366400"}`, key(noon), true},
		"request as seconds":        {`"DateEquals":{"t:k":"` + noon + `"}`, key("1772366400"), true},
		"not equal":                 {`"DateNotEquals":{"t:k":"` + noon + `"}`, key(noon), false},
		"text is unequal":           {`"DateNotEquals":{"t:k":"` + noon + `"}`, key("noon"), true},
		"token issued before":       {`"DateLessThan":{"t:k":"` + noon + `"}`, key("2026-03-01T11:59:59Z"), true},
		"token issued at":           {`"DateLessThan":{"t:k":"` + noon + `"}`, key(noon), false},
		"at or before":              {`"DateLessThanEquals":{"t:k":"` + noon + `"}`, key(noon), true},
		"after a day":               {`"DateGreaterThan":{"t:k":"2026-03-01"}`, key(noon), true},
		"after a month":             {`"DateGreaterThan":{"t:k":"2026-04"}`, key(noon), false},
		"from a year on":            {`"DateGreaterThanEquals":{"t:k":"2026"}`, key("2026-01-01T00:00:00Z"), true},
		"fractions of seconds":      {`"DateGreaterThan":{"t:k":"` + noon + `"}`, key("2026-03-01T12:00:00.001Z"), true},
		"without seconds":           {`"DateEquals":{"t:k":"2026-03-01T12:00Z"}`, key(noon), true},
		"text is neither before":    {`"DateLessThan":{"t:k":"` + noon + `"}`, key(""), false},
		"nor after":                 {`"DateGreaterThan":{"t:k":"` + noon + `"}`, key("x"), false},
		"missing is not yet issued": {`"DateLessThan":{"t:k":"` + noon + `"}`, nil, false},
	})
}

func TestOtherOperators(t *testing.T) {
	t.Parallel()
	runConditions(t, map[string]conditionCase{
		"bool":                          {`"Bool":{"t:k":"true"}`, key("true"), true},
		"bool in any case":              {`"Bool":{"t:k":"True"}`, key("TRUE"), true},
		"bool from JSON":                {`"Bool":{"t:k":false}`, key("false"), true},
		"any other text is false":       {`"Bool":{"t:k":"false"}`, key("yes"), true},
		"any other text is not true":    {`"Bool":{"t:k":"true"}`, key("1"), false},
		"binary":                        {`"BinaryEquals":{"t:k":"QmluYXJ5"}`, key("QmluYXJ5"), true},
		"binary differs":                {`"BinaryEquals":{"t:k":"QmluYXJ5"}`, key("QmluYXJ6"), false},
		"binary that is not base64":     {`"BinaryEquals":{"t:k":"QmluYXJ5"}`, key("Binary"), false},
		"address in a range":            {`"IpAddress":{"t:k":"203.0.113.0/24"}`, key("203.0.113.7"), true},
		"address beside a range":        {`"IpAddress":{"t:k":"203.0.113.0/24"}`, key("203.0.114.7"), false},
		"a range with host bits":        {`"IpAddress":{"t:k":"203.0.113.9/24"}`, key("203.0.113.7"), true},
		"a single address":              {`"IpAddress":{"t:k":"203.0.113.7"}`, key("203.0.113.7"), true},
		"version 6":                     {`"IpAddress":{"t:k":"2001:db8::/32"}`, key("2001:DB8:0::1"), true},
		"version 4 in version 6 form":   {`"IpAddress":{"t:k":"203.0.113.0/24"}`, key("::ffff:203.0.113.7"), true},
		"version 4 is not in version 6": {`"IpAddress":{"t:k":"::/0"}`, key("203.0.113.7"), false},
		"one of several ranges":         {`"IpAddress":{"t:k":["10.0.0.0/8","203.0.113.0/24"]}`, key("203.0.113.7"), true},
		"not in any range":              {`"NotIpAddress":{"t:k":["10.0.0.0/8","203.0.113.0/24"]}`, key("203.0.113.7"), false},
		"outside of the range":          {`"NotIpAddress":{"t:k":"10.0.0.0/8"}`, key("203.0.113.7"), true},
		"what is no address":            {`"IpAddress":{"t:k":"0.0.0.0/0"}`, key("host"), false},
		"nor is it outside":             {`"NotIpAddress":{"t:k":"10.0.0.0/8"}`, key("host"), false},
	})
}

func TestValuesThatNoOperatorCanUseAreRefused(t *testing.T) {
	t.Parallel()
	for name, condition := range map[string]string{
		"text for a number":         `"NumericEquals":{"t:k":"one"}`,
		"a number in hexadecimal":   `"NumericEquals":{"t:k":"0x10"}`,
		"an exponent out of bounds": `"NumericEquals":{"t:k":"1e9999999999"}`,
		"a number with two points":  `"NumericEquals":{"t:k":"1.2.3"}`,
		"only a point for a number": `"NumericEquals":{"t:k":"."}`,
		"only a sign for a number":  `"NumericEquals":{"t:k":"-"}`,
		"a variable for a number":   `"NumericEquals":{"t:k":"${t:v}"}`,
		"text for a date":           `"DateLessThan":{"t:k":"noon"}`,
		"a day that is not":         `"DateLessThan":{"t:k":"2026-02-30"}`,
		"text for a boolean":        `"Bool":{"t:k":"yes"}`,
		"text for Null":             `"Null":{"t:k":"maybe"}`,
		"text for base64":           `"BinaryEquals":{"t:k":"!"}`,
		"text for a range":          `"IpAddress":{"t:k":"10.0.0.0/33"}`,
		"a zone in an address":      `"IpAddress":{"t:k":"fe80::1%eth0"}`,
		"two stars for an ARN":      `"ArnLike":{"t:k":"**"}`,
		"a pattern for arn":         `"ArnLike":{"t:k":"a*:aws:iam::1:role/x"}`,
		"five parts of an ARN":      `"ArnEquals":{"t:k":"arn:aws:iam::123456789012"}`,
		"a variable for a boolean":  `"Bool":{"t:k":"${t:v}"}`,
		"IPv6 with bits beyond":     `"IpAddress":{"t:k":"2001:db8::5/64"}`,
		"IPv6 with dots":            `"IpAddress":{"t:k":"::ffff:192.0.2.1"}`,
		"half an address":           `"IpAddress":{"t:k":"10.0/8"}`,
		"no values":                 `"StringEquals":{"t:k":[]}`,
		"an unclosed variable":      `"StringEquals":{"t:k":"${t:v"}`,
		"an unclosed one in an ARN": `"ArnEquals":{"t:k":"arn:aws:iam::1:role/${t:v"}`,
	} {
		document := statement(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{` + condition + `}}`)
		if _, err := Parse(Identity, []byte(document)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestUnknownOperatorsAreRefused(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"", "stringEquals", "StringequalsIgnoreCase", "forAnyValue:StringEquals", "Stringlike", "NULL", "StringEqualsIfexists", "String", "StringIs", "StringEqualsLike", "StringNotNotEquals", "ArnNotNotLike", "NumericLike",
		"BoolIfExist", "NullIfExists", "ForAllValues:Null", "ForSomeValues:StringEquals",
		"ForAnyValue:ForAllValues:StringEquals", "StringEqualsIfExistsIfExists", "IpAddressNot", "Date", "IfExists",
	} {
		quoted, err := json.Marshal(name)
		if err != nil {
			t.Fatal(err)
		}
		document := statement(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{` + string(quoted) + `:{"t:k":"true"}}}`)
		if _, err := Parse(Identity, []byte(document)); err == nil {
			t.Errorf("%q: accepted", name)
		}
	}
}
