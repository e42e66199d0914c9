package bucketpolicy_test

import (
	"strings"
	"testing"

	"github.com/litentry/wallet-federation/internal/bucketpolicy"
)

// statements makes a document of statements on all objects of the bucket; one
// that names no action or resource reads.
func statements(list ...string) string {
	for i, s := range list {
		if !strings.Contains(s, "Action") {
			s += `,"Action":"s3:GetObject"`
		}
		if !strings.Contains(s, "Resource") {
			s += "," + all
		}
		list[i] = "{" + s + "}"
	}
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(list, ",") + `]}`
}

func TestWhatIsPublic(t *testing.T) {
	t.Parallel()
	const (
		allowAll = `"Effect":"Allow","Principal":"*"`
		denyAll  = `"Effect":"Deny","Principal":"*"`
		account  = `"aws:SourceAccount":"123456789012"`
	)
	when := func(operator, keyAndValues string) string {
		return allowAll + `,"Condition":{"` + operator + `":{` + keyAndValues + `}}`
	}
	unless := func(conditions string) []string {
		return []string{allowAll, denyAll + `,"Condition":{` + conditions + `}`}
	}
	tests := map[string]struct {
		statements []string
		public     bool
	}{
		"everybody":                     {[]string{allowAll}, true},
		"everybody of AWS":              {[]string{`"Effect":"Allow","Principal":{"AWS":"*"}`}, true},
		"everybody, among others":       {[]string{`"Effect":"Allow","Principal":{"AWS":["123456789012","*"]}`}, true},
		"everybody, but for some":       {[]string{allowAll + `,"NotResource":"` + bucketARN + `/own/*"`}, true},
		"an account":                    {[]string{`"Effect":"Allow",` + root}, false},
		"a service":                     {[]string{`"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"}`}, false},
		"nobody":                        {[]string{denyAll}, false},
		"an account and everybody":      {[]string{`"Effect":"Allow",` + root, allowAll}, true},
		"a fixed account":               {[]string{when("StringEquals", account)}, false},
		"any of two accounts":           {[]string{when("StringLike", `"aws:PrincipalAccount":["123456789012","111122223333"]`)}, false},
		"one of two is a pattern":       {[]string{when("StringLike", `"aws:PrincipalAccount":["123456789012","1111*"]`)}, true},
		"an account, if there is one":   {[]string{when("StringEqualsIfExists", account)}, true},
		"all of no values":              {[]string{when("ForAllValues:StringEquals", account)}, true},
		"all of some values":            {[]string{allowAll + `,"Condition":{"ForAllValues:StringEquals":{` + account + `},"Null":{"aws:sourceaccount":"false"}}`}, false},
		"none of a list":                {[]string{when("StringEquals", `"aws:SourceVpc":[]`)}, false},
		"other accounts":                {[]string{when("StringNotEquals", account)}, true},
		"an organization":               {[]string{when("StringEquals", `"aws:PrincipalOrgID":"o-1"`)}, false},
		"a source owner":                {[]string{when("StringEquals", `"aws:SourceOwner":"123456789012"`)}, true},
		"a referer":                     {[]string{when("StringEquals", `"aws:Referer":"https://example.com"`)}, true},
		"a variable":                    {[]string{when("StringEquals", `"aws:SourceVpc":"${aws:SourceVpc}"`)}, true},
		"a star that is a star":         {[]string{when("StringEquals", `"aws:SourceVpc":"vpc-*"`)}, false},
		"a star that is a wildcard":     {[]string{when("StringLike", `"aws:SourceVpc":"vpc-*"`)}, true},
		"roles of an account":           {[]string{when("ArnLike", `"aws:PrincipalArn":"arn:aws:iam::123456789012:role/*"`)}, false},
		"a role of any account":         {[]string{when("ArnLike", `"aws:PrincipalArn":"arn:aws:iam::*:role/fixed"`)}, true},
		"one bucket as the source":      {[]string{when("ArnEquals", `"aws:SourceArn":"arn:aws:s3:::source"`)}, false},
		"buckets as the source":         {[]string{when("ArnLike", `"aws:SourceArn":"arn:aws:s3:::source*"`)}, true},
		"access points of an account":   {[]string{when("StringEquals", `"s3:DataAccessPointAccount":"123456789012"`)}, false},
		"sessions of a role":            {[]string{when("StringLike", `"aws:userid":"AROAEXAMPLEUNIQUEID:*"`)}, false},
		"any session":                   {[]string{when("StringLike", `"aws:userid":"*:*"`)}, true},
		"a narrow network":              {[]string{when("IpAddress", `"aws:SourceIp":"11.0.0.0/8"`)}, false},
		"a wide network":                {[]string{when("IpAddress", `"aws:SourceIp":"10.0.0.0/7"`)}, true},
		"an address":                    {[]string{when("IpAddress", `"aws:SourceIp":"192.0.2.1"`)}, false},
		"a narrow network of six":       {[]string{when("IpAddress", `"aws:SourceIp":"2001:db8::/32"`)}, false},
		"a wide network of six":         {[]string{when("IpAddress", `"aws:SourceIp":"2001::/31"`)}, true},
		"a narrow and a wide network":   {[]string{when("IpAddress", `"aws:SourceIp":["11.0.0.0/8","0.0.0.0/0"]`)}, true},
		"outside a network":             {[]string{when("NotIpAddress", `"aws:SourceIp":"11.0.0.0/8"`)}, true},
		"taken back":                    {[]string{allowAll, denyAll}, false},
		"taken back with more":          {[]string{allowAll, denyAll + `,"Action":"s3:*",` + both}, false},
		"taken back for another action": {[]string{allowAll, denyAll + `,"Action":"s3:PutObject"`}, true},
		"taken back in part":            {[]string{allowAll, denyAll + `,"Resource":"` + bucketARN + `/a*"`}, true},
		"taken back in one character":   {[]string{allowAll, denyAll + `,"Resource":"` + bucketARN + `/?"`}, true},
		"taken back from one":           {[]string{allowAll, `"Effect":"Deny",` + root}, true},
		"taken back from all but one":   {[]string{allowAll, `"Effect":"Deny","NotPrincipal":{"AWS":"123456789012"}`}, true},
		"taken back but for an account": {unless(`"StringNotEquals":{` + account + `}`), false},
		"taken back but for two things": {unless(`"StringNotEquals":{` + account + `},"NotIpAddress":{"aws:SourceIp":"192.0.2.0/24"}`), false},
		"taken back where it is plain":  {unless(`"Bool":{"aws:SecureTransport":"false"}`), true},
		"taken back from an account":    {unless(`"StringEquals":{` + account + `}`), true},
		"taken back but for a referer":  {unless(`"StringNotEquals":{"aws:Referer":"https://example.com"}`), true},
		"taken back but for nothing":    {unless(`"StringNotEquals":{"aws:SourceAccount":[]}`), true},
		"taken back if there is any":    {unless(`"ForAnyValue:StringNotEquals":{` + account + `}`), true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := statements(test.statements...)
			document, err := bucketpolicy.Admit(bucketARN, []byte(text))
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			if got := bucketpolicy.IsPublic(document); got != test.public {
				t.Errorf("public: %t, want %t\n%s", got, test.public, text)
			}
		})
	}
}
