package localaws_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// TestManagedPolicyDocuments holds what IAM says about documents that it refuses
// to recordings of real IAM that the public project LocalStack made in February
// 2026 (Apache-2.0); the documents here are others.
func TestManagedPolicyDocuments(t *testing.T) {
	t.Parallel()
	const (
		syntax = "Syntax errors in policy."
		legacy = "The policy failed legacy parsing"
	)
	of := func(statement string) string { return `{"Version":"2012-10-17","Statement":` + statement + `}` }
	resource := func(arn string) string {
		return of(`{"Effect":"Allow","Action":"s3:GetObject","Resource":"` + arn + `"}`)
	}
	action := func(action string) string { return of(`{"Effect":"Allow","Action":"` + action + `","Resource":"*"}`) }
	tests := map[string]struct{ document, message string }{
		"no JSON":                        {`{`, syntax},
		"no version":                     {`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`, "Policy document must be version 2012-10-17 or greater."},
		"the old version":                {`{"Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`, "Policy document must be version 2012-10-17 or greater."},
		"no statement":                   {`{"Version":"2012-10-17"}`, syntax},
		"a statement that is a text":     {of(`["Allow"]`), syntax},
		"an unknown element":             {of(`{"Effect":"Allow","Action":"*","Resource":"*","Effects":""}`), syntax},
		"an unknown effect":              {of(`{"Effect":"Permit","Action":"*","Resource":"*"}`), syntax},
		"an effect in small letters":     {of(`{"Effect":"allow","Action":"*","Resource":"*"}`), legacy},
		"a principal":                    {of(`{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}`), "Policy document should not specify a principal."},
		"no action":                      {of(`{"Effect":"Allow","Resource":"*"}`), "Policy statement must contain actions."},
		"an empty list of actions":       {of(`{"Effect":"Allow","Action":[],"Resource":"*"}`), "Policy statement must contain actions."},
		"actions of two kinds":           {of(`{"Effect":"Allow","Action":"*","NotAction":[],"Resource":"*"}`), syntax},
		"an action that is an object":    {of(`{"Effect":"Allow","Action":{},"Resource":"*"}`), syntax},
		"an action without a service":    {action("GetObject"), "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."},
		"an action of three parts":       {action("s3:Get:Object"), "Actions/Condition can contain only one colon."},
		"an action of a strange service": {action("s 3:GetObject"), "Vendor s 3 is not valid"},
		"no resource":                    {of(`{"Effect":"Allow","Action":"*"}`), "Policy statement must contain resources."},
		"a resource that is no ARN":      {resource("bucket"), `Resource bucket must be in ARN format or "*".`},
		"a resource among objects":       {of(`{"Effect":"Allow","Action":"*","Resource":["bucket",{}]}`), syntax},
		"an ARN that lacks a part":       {resource("arn:aws:s3::bucket"), legacy},
		"an ARN without a service":       {resource("arn:aws::::bucket"), legacy},
		"an ARN of two parts":            {resource("arn:aws"), "Resource vendor must be fully qualified and cannot contain regexes."},
		"an ARN of no partition":         {resource("arn:s3:::bucket"), `Partition "s3" is not valid for resource "arn:s3:::bucket:*".`},
		"a bucket in a region":           {resource("arn:aws:s3:us-east-1::bucket"), "Resource arn:aws:s3:us-east-1::bucket can not contain region information."},
		"IAM in a region":                {resource("arn:aws:iam:us-east-1::role/a"), "IAM resource arn:aws:iam:us-east-1::role/a cannot contain region information."},
		"an IAM resource of no kind":     {resource("arn:aws:iam::123456789012:bucket"), `IAM resource path must either be "*", root, or start with user/,`},
		"an IAM resource by a pattern":   {resource("arn:aws:iam::*:ro*"), ""},
		"an IAM resource by a variable":  {resource("arn:aws:iam::123456789012:user/${aws:username}"), ""},
		"a Sid twice": {
			of(`[{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"},{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"}]`),
			"Statement IDs (SID) in a single policy must be unique.",
		},
		"a Sid with a blank":      {of(`{"Sid":"a b","Effect":"Allow","Action":"*","Resource":"*"}`), "Statement IDs (SID) must be alpha-numeric."},
		"a Sid that is a list":    {of(`{"Sid":[],"Effect":"Allow","Action":"*","Resource":"*"}`), syntax},
		"a date that is none":     {of(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:CurrentTime":"soon"}}}`), legacy},
		"a condition of no kind":  {of(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringIs":{"aws:username":"a"}}}`), syntax},
		"a condition that is one": {of(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":"a"}`), syntax},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newWorld(t).iam.CreatePolicy(t.Context(), &iam.CreatePolicyInput{PolicyName: aws.String("permissions"), PolicyDocument: &test.document})
			if test.message == "" {
				wantCode(t, err, "")
				return
			}
			wantRefusal(t, err, "MalformedPolicyDocument", test.message)
		})
	}
}

func TestTrustPolicyDocuments(t *testing.T) {
	t.Parallel()
	of := func(elements string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` + elements + `}]}`
	}
	tests := map[string]struct{ document, message string }{
		"no JSON":                 {`{`, "This policy contains invalid Json"},
		"an action of S3":         {of(`"Principal":{"AWS":"*"},"Action":"s3:GetObject"`), "AssumeRole policy may only specify STS AssumeRole actions."},
		"every action":            {of(`"Principal":{"AWS":"*"},"Action":"*"`), "AssumeRole policy may only specify STS AssumeRole actions."},
		"a resource":              {of(`"Principal":{"AWS":"*"},"Action":"sts:AssumeRole","Resource":"*"`), "Has prohibited field Resource"},
		"no principal":            {of(`"Action":"sts:AssumeRole"`), "Missing required field Principal"},
		"a role that is not":      {trustOf("arn:aws:iam::" + account + ":role/none"), `Invalid principal in policy: "AWS":"arn:aws:iam::` + account + `:role/none"`},
		"a user that is not":      {trustOf("arn:aws:iam::" + account + ":user/none"), `Invalid principal in policy: "AWS":"arn:aws:iam::` + account + `:user/none"`},
		"the old version is fine": {`{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`, ""},
		"the administrator":       {trustOf(adminARN), ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.role(t, "wallets", trustOf(account))
			_, err := w.iam.UpdateAssumeRolePolicy(t.Context(), &iam.UpdateAssumeRolePolicyInput{RoleName: aws.String("wallets"), PolicyDocument: &test.document})
			if test.message == "" {
				wantCode(t, err, "")
				return
			}
			wantRefusal(t, err, "MalformedPolicyDocument", test.message)
		})
	}
}
