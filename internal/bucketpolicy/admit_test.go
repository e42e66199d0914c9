package bucketpolicy_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/litentry/wallet-federation/internal/bucketpolicy"
)

const bucketARN = "arn:aws:s3:::shared-bucket"

// Parts of statements.
const (
	bucket = `"Resource":"` + bucketARN + `"`
	all    = `"Resource":"` + bucketARN + `/*"`
	both   = `"Resource":["` + bucketARN + `","` + bucketARN + `/*"]`
	root   = `"Principal":{"AWS":"123456789012"}`
)

func statement(parts ...string) string {
	return `{"Version":"2012-10-17","Statement":[{` + strings.Join(parts, ",") + `}]}`
}

func allow(action string, parts ...string) string {
	return statement(append([]string{`"Effect":"Allow"`, `"Action":` + action, root}, parts...)...)
}

func deny(action string, parts ...string) string {
	return statement(append([]string{`"Effect":"Deny"`, `"Action":` + action, root}, parts...)...)
}

func condition(operator, key, value string) string {
	return `"Condition":{"` + operator + `":{"` + key + `":"` + value + `"}}`
}

func to(principal string) string {
	return statement(`"Effect":"Allow"`, `"Action":"s3:GetObject"`, `"Principal":`+principal, all)
}

func TestAdmission(t *testing.T) {
	t.Parallel()
	const (
		action     = "Policy has invalid action"
		resource   = "Policy has invalid resource"
		principal  = "Invalid principal in policy"
		unrelated  = "Action does not apply to any resource(s) in statement"
		key        = "Conditions do not apply to combination of actions and resources in statement"
		unknownKey = "Policy has an invalid condition key"
		size       = "Normalized policy document exceeds the maximum allowed size of 20480 bytes"
		syntax     = "Invalid policy syntax."
	)
	prefix := condition("StringLike", "s3:prefix", "a/*")
	tests := map[string]struct{ document, refusal string }{ // no refusal for accepted
		"a grant to an account":             {allow(`"s3:GetObject"`, all), ""},
		"a grant to everybody":              {to(`"*"`), ""},
		"a grant to another account's role": {to(`{"AWS":"arn:aws:iam::111122223333:role/path/other"}`), ""},
		"a grant to a session":              {to(`{"AWS":"arn:aws:sts::111122223333:assumed-role/other/session"}`), ""},
		"a grant to an access identity":     {to(`{"AWS":"arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1"}`), ""},
		"a grant to a service":              {to(`{"Service":"cloudtrail.amazonaws.com"}`), ""},
		"a grant to a canonical user":       {to(`{"CanonicalUser":"` + strings.Repeat("0a", 32) + `"}`), ""},
		"a grant to half a canonical user":  {to(`{"CanonicalUser":"0a0a"}`), principal},
		"a grant to all users":              {to(`{"AWS":"arn:aws:iam::123456789012:user/*"}`), principal},
		"a grant to a group":                {to(`{"AWS":"arn:aws:iam::123456789012:group/all"}`), principal},
		"a grant to a policy":               {to(`{"AWS":"arn:aws:iam::123456789012:policy/all"}`), principal},
		"a grant to half an account":        {to(`{"AWS":"arn:aws:iam::123456:root"}`), principal},
		"a grant into another partition":    {to(`{"AWS":"arn:aws-cn:iam::123456789012:root"}`), principal},
		"a grant to a role of no name":      {to(`{"AWS":"arn:aws:iam::123456789012:role/"}`), principal},
		"a grant to half a session":         {to(`{"AWS":"arn:aws:sts::123456789012:assumed-role/other"}`), principal},
		"a grant to any service":            {to(`{"Service":"*.amazonaws.com"}`), principal},
		"a grant to nobody":                 {statement(`"Effect":"Allow"`, `"Action":"s3:GetObject"`, all), "Missing required field Principal"},
		"a grant to all but one":            {statement(`"Effect":"Allow"`, `"Action":"s3:GetObject"`, `"NotPrincipal":{"AWS":"123456789012"}`, all), principal},
		"a denial to all but one":           {statement(`"Effect":"Deny"`, `"Action":"s3:GetObject"`, `"NotPrincipal":{"AWS":"123456789012"}`, all), ""},

		"everything":             {allow(`"s3:GetObject"`, `"Resource":"*"`), resource},
		"another bucket":         {allow(`"s3:GetObject"`, `"Resource":"arn:aws:s3:::shared-bucket-2/*"`), resource},
		"all buckets of a name":  {allow(`"s3:GetObject"`, `"Resource":"arn:aws:s3:::shared-bucket*"`), resource},
		"the same, elsewhere":    {allow(`"s3:GetObject"`, `"Resource":"arn:aws-cn:s3:::shared-bucket/*"`), resource},
		"no resource":            {allow(`"s3:GetObject"`), "Missing required field Resource"},
		"all but another bucket": {deny(`"s3:GetObject"`, `"NotResource":"arn:aws:s3:::other/*"`), resource},
		"all but what is own":    {deny(`"s3:*"`, `"NotResource":["`+bucketARN+`","`+bucketARN+`/own/*"]`), ""},
		"allowed all but some":   {allow(`"s3:GetObject"`, `"NotResource":"`+bucketARN+`/own/*"`), ""},

		"an action that does not exist":     {allow(`"s3:GetObjects"`, all), action},
		"a pattern of no action":            {allow(`"s3:Fetch*"`, all), action},
		"all but what does not exist":       {statement(`"Effect":"Deny"`, root, `"NotAction":"s3:GetObjects"`, both), action},
		"an action of another service":      {allow(`"ec2:RunInstances"`, all), action},
		"an action in another case":         {allow(`"S3:getobject"`, all), ""},
		"a pattern in the middle":           {allow(`"s3:Get*Tagging"`, all), ""},
		"every action":                      {deny(`"*"`, both), ""},
		"no action":                         {statement(`"Effect":"Deny"`, root, all), "Missing required field Action"},
		"a list of an object":               {allow(`"s3:ListBucket"`, all), unrelated},
		"reading a bucket":                  {allow(`"s3:GetObject"`, bucket), unrelated},
		"a list of uploads in objects":      {allow(`"s3:ListBucketMultipartUploads"`, all), unrelated},
		"a list of parts in a bucket":       {allow(`"s3:ListMultipartUploadParts"`, bucket), unrelated},
		"a list of all buckets":             {allow(`"s3:ListAllMyBuckets"`, bucket), unrelated},
		"both, each on its own":             {allow(`["s3:ListBucket","s3:GetObject"]`, both), ""},
		"all but lists, of objects only":    {statement(`"Effect":"Deny"`, root, `"NotAction":"s3:ListBucket"`, all), ""},
		"a list of a prefix":                {allow(`"s3:ListBucket"`, bucket, prefix), ""},
		"a list of versions of a prefix":    {allow(`"s3:ListBucketVersions"`, bucket, prefix), ""},
		"reading under a list's prefix":     {allow(`"s3:GetObject"`, all, prefix), key},
		"a prefix for list and read":        {allow(`["s3:ListBucket","s3:GetObject"]`, both, prefix), key},
		"a prefix for a list of uploads":    {allow(`["s3:ListBucket","s3:ListBucketMultipartUploads"]`, bucket, prefix), key},
		"a prefix for all actions":          {deny(`"s3:*"`, bucket, prefix), ""},
		"a prefix for all object actions":   {deny(`"s3:*"`, all, prefix), key},
		"a version for a current read":      {deny(`"s3:GetObject"`, all, condition("StringEquals", "s3:VersionId", "1")), key},
		"a version for a version":           {deny(`["s3:GetObjectVersion","s3:DeleteObjectVersion"]`, all, condition("StringEquals", "s3:VersionId", "1")), ""},
		"an ACL for an upload":              {deny(`["s3:PutObject","s3:PutObjectAcl"]`, all, condition("StringEquals", "s3:x-amz-acl", "public-read")), ""},
		"an ACL for a deletion":             {deny(`"s3:DeleteObject"`, all, condition("StringEquals", "s3:x-amz-acl", "public-read")), key},
		"an access point for reading":       {deny(`"s3:GetObject"`, all, condition("ArnLike", "s3:DataAccessPointArn", "arn:aws:s3:us-east-1:123456789012:accesspoint/a")), ""},
		"a tag of the object":               {deny(`"s3:GetObject"`, all, condition("StringEquals", "s3:ExistingObjectTag/a", "b")), ""},
		"a tag of the bucket":               {deny(`"s3:GetObject"`, all, condition("StringEquals", "s3:BucketTag/a", "b")), ""},
		"a tag of the object for an upload": {deny(`"s3:PutObject"`, all, condition("StringEquals", "s3:ExistingObjectTag/a", "b")), key},
		"a key of S3 that is none":          {deny(`"s3:GetObject"`, all, condition("StringEquals", "s3:color", "b")), unknownKey},
		"a global key":                      {deny(`"s3:GetObject"`, all, condition("Bool", "aws:SecureTransport", "false")), ""},
		"an ARN operator on no ARN":         {deny(`"s3:GetObject"`, all, condition("ArnEquals", "aws:PrincipalArn", "wallets")), syntax},
		"an operator that does not exist":   {deny(`"s3:GetObject"`, all, condition("StringSame", "aws:PrincipalArn", "wallets")), syntax},
		"an effect that does not exist":     {statement(`"Effect":"allow"`, `"Action":"s3:GetObject"`, root, all), syntax},
		"an element that does not exist":    {allow(`"s3:GetObject"`, all, `"Color":"red"`), "Unknown field Color"},

		"a document of the largest size": {deny(`"s3:GetObject"`, `"Resource":["`+longest(0)+`"]`), ""},
		"a document that is too long":    {deny(`"s3:GetObject"`, `"Resource":["`+longest(1)+`"]`), size},
		"a document of much white space": {strings.Repeat(" ", bucketpolicy.MaxSize) + allow(`"s3:GetObject"`, all), ""},
		"no document":                    {`hello`, "Policies must be valid JSON and the first byte must be '{'"},
		"half a document":                {`{"Version":`, "This policy contains invalid Json"},
		"a list":                         {`[]`, syntax},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			document, err := bucketpolicy.Admit(bucketARN, []byte(test.document))
			if test.refusal == "" {
				if err != nil || document == nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			refusal := (*bucketpolicy.Refusal)(nil)
			if !errors.As(err, &refusal) {
				t.Fatalf("answered %v, want a refusal", err)
			}
			if refusal.Message != test.refusal {
				t.Errorf("refused with %q, want %q", refusal, test.refusal)
			}
			if refusal.Detail == "" {
				t.Errorf("it is not said what %q is about", refusal)
			}
		})
	}
}

// longest is a resource that makes a denial of reading the largest that S3 takes,
// and as much longer.
func longest(more int) string {
	rest := len(deny(`"s3:GetObject"`, `"Resource":["`+bucketARN+`/`+`"]`))
	return bucketARN + "/" + strings.Repeat("a", bucketpolicy.MaxSize-rest+more)
}

func TestActionsAreKnownByName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"s3:GetObject": true, "S3:GETOBJECT": true, "s3:ListAllMyBuckets": true,
		"GetObject": false, "s3:GetObjects": false, "s3:*": false, "": false,
	} {
		if got := bucketpolicy.KnowsAction(name); got != want {
			t.Errorf("%q: %t, want %t", name, got, want)
		}
	}
}

func FuzzAdmit(f *testing.F) {
	f.Add([]byte(allow(`"s3:GetObject"`, all)))
	f.Add([]byte(deny(`["s3:Get*","s3:*Tag?ing"]`, both, condition("StringLike", "s3:prefix", "a/*"))))
	f.Add([]byte(to(`{"AWS":"arn:aws:sts::111122223333:assumed-role/other/session"}`)))
	f.Add([]byte(`{"Statement":[{"Principal":""}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		document, err := bucketpolicy.Admit(bucketARN, text)
		if err == nil {
			bucketpolicy.IsPublic(document)
			return
		}
		if refusal := (*bucketpolicy.Refusal)(nil); !errors.As(err, &refusal) || refusal.Message == "" {
			t.Errorf("refused with %#v", err)
		}
	})
}
