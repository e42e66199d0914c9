package policycase_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/litentry/wallet-federation/internal/policycase"
)

// Cases in short: each builds a case of the parts that differ.
type parts struct {
	policies, principal, request, more string
}

func (p parts) line() []byte {
	if p.policies == "" {
		p.policies = "{}"
	}
	if p.principal == "" {
		p.principal = `{"type":"bucket owner"}`
	}
	return []byte(`{"id":"x","policies":` + p.policies + `,"principal":` + p.principal + `,"request":` + p.request + p.more + `}`)
}

func identity(statements string) string { return `{"identity":[` + document(statements) + `]}` }

func resource(statements string) string { return `{"resource":` + document(statements) + `}` }

func document(statements string) string {
	return `{"Version":"2012-10-17","Statement":[` + statements + `]}`
}

const (
	allowAll    = `{"Effect":"Allow","Action":"*","Resource":"*"}`
	readByAll   = `{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}`
	readByOther = `{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}`
	user        = `{"type":"user"}`
	anyone      = `{"type":"anonymous"}`
	foreigner   = `{"type":"user in another account"}`
	getObject   = `{"operation":"GetObject","params":{"Bucket":"b","Key":"k"}}`
)

// s3 is a call of S3 on b/k with more parameters.
func s3(operation string, params ...string) string {
	return `{"operation":"` + operation + `","params":{` + strings.Join(append([]string{`"Bucket":"b"`, `"Key":"k"`}, params...), ",") + `}}`
}

// but allows everything but an action.
func but(action string) string {
	return identity(allowAll + `,{"Effect":"Deny","Action":"` + action + `","Resource":"*"}`)
}

// only allows an action under a condition.
func only(action, condition string) string {
	return identity(`{"Effect":"Allow","Action":"` + action + `","Resource":"*","Condition":{` + condition + `}}`)
}

func TestCases(t *testing.T) {
	t.Parallel()
	const (
		allow, deny = "allow Success", "deny AccessDenied"
		unsupported = "unsupported "
		block       = `,"public_access_block":{"RestrictPublicBuckets":true}}`
	)
	restricted := strings.TrimSuffix(getObject, "}") + block
	tagUser := func(tags string) string {
		return `{"operation":"iam:TagUser","params":{"UserName":"u","Tags":[` + tags + `]}}`
	}
	tests := map[string]struct {
		parts
		want string // decision and code
	}{
		"an administrator reads":                    {parts{request: getObject}, allow},
		"an administrator in other words":           {parts{principal: `{"type":"bucket-owner administrator"}`, request: getObject}, allow},
		"a user without policies":                   {parts{principal: user, request: getObject}, deny},
		"policies that are null":                    {parts{policies: "null", principal: user, request: getObject}, deny},
		"policies told in words":                    {parts{policies: `"several"`, principal: user, request: getObject}, unsupported},
		"an identity told in words":                 {parts{policies: `{"identity":"what the team has"}`, principal: user, request: getObject}, unsupported},
		"one policy that is no list":                {parts{policies: `{"identity":` + document(allowAll) + `}`, principal: user, request: getObject}, allow},
		"an identity policy that is none":           {parts{policies: `{"identity":[{"Statement":[]}]}`, principal: user, request: getObject}, "error MalformedPolicyDocument"},
		"the same in the simulator":                 {parts{policies: `{"identity":[{"Statement":[]}]}`, principal: `{"type":"none"}`, request: `{"action":"s3:GetObject","resource":"*"}`}, "error InvalidInput"},
		"a denial in the simulator":                 {parts{principal: `{"type":"none"}`, request: `{"action":"s3:GetObject","resource":"*"}`}, "deny Success"},
		"a denial of a HEAD":                        {parts{principal: user, request: s3("HeadObject")}, "deny 403"},
		"a version without the permission":          {parts{policies: but("s3:GetObjectVersion"), principal: user, request: s3("GetObject", `"VersionId":"1"`)}, deny},
		"a version without the other permission":    {parts{policies: but("s3:GetObject"), principal: user, request: s3("GetObject", `"VersionId":"1"`)}, allow},
		"a version by its key":                      {parts{policies: only("s3:GetObjectVersion", `"StringEquals":{"s3:versionid":"1"}`), principal: user, request: s3("GetObject", `"VersionId":"1"`)}, allow},
		"a version of what has none":                {parts{request: s3("UploadPart", `"VersionId":"1"`)}, "error InvalidCase"},
		"a list of a prefix":                        {parts{policies: only("s3:ListBucket", `"StringLike":{"s3:prefix":"a/*"},"NumericLessThan":{"s3:max-keys":"11"}`), principal: user, request: s3("ListObjectsV2", `"Prefix":"a/b"`, `"MaxKeys":10`)}, allow},
		"a list of all":                             {parts{policies: only("s3:ListBucket", `"StringLike":{"s3:prefix":"a/*"}`), principal: user, request: s3("ListObjectsV2")}, deny},
		"a list without a prefix has the empty one": {parts{policies: only("s3:ListBucket", `"StringEquals":{"s3:prefix":"","s3:delimiter":""},"NumericEquals":{"s3:max-keys":1000}`), principal: user, request: s3("ListObjects")}, allow},
		"a bucket is looked at without a prefix":    {parts{policies: only("s3:ListBucket", `"Null":{"s3:prefix":"true"}`), principal: user, request: s3("HeadBucket")}, allow},
		"uploads are listed on the bucket":          {parts{policies: identity(`{"Effect":"Allow","Action":"s3:ListBucketMultipartUploads","Resource":"arn:aws:s3:::b"}`), principal: user, request: s3("ListMultipartUploads")}, allow},
		"all buckets are listed on no bucket":       {parts{policies: identity(`{"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*"}`), principal: user, request: `{"operation":"ListBuckets"}`}, allow},
		"an upload with tags":                       {parts{policies: but("s3:PutObjectTagging"), principal: user, request: s3("PutObject", `"Tagging":"a=b"`)}, deny},
		"an upload without tags":                    {parts{policies: but("s3:PutObjectTagging"), principal: user, request: s3("PutObject")}, allow},
		"an upload with tags by their keys":         {parts{policies: only("s3:*", `"StringEquals":{"s3:RequestObjectTag/a":"b"},"ForAllValues:StringEquals":{"s3:RequestObjectTagKeys":"a"}`), principal: user, request: s3("PutObject", `"Tagging":"a=b"`)}, allow},
		"a part of an upload with tags":             {parts{policies: but("s3:PutObjectTagging"), principal: user, request: s3("UploadPart")}, allow},
		"an upload with an ACL":                     {parts{policies: but("s3:PutObjectAcl"), principal: user, request: s3("PutObject", `"ACL":"private"`)}, deny},
		"an ACL by its key":                         {parts{policies: only("s3:*", `"StringEquals":{"s3:x-amz-acl":"private"}`), principal: user, request: s3("PutObject", `"ACL":"private"`)}, allow},
		"an upload with a lock":                     {parts{policies: but("s3:PutObjectLegalHold"), principal: user, request: s3("PutObject", `"ObjectLockLegalHoldStatus":"ON"`)}, deny},
		"attributes need the object, too":           {parts{policies: but("s3:GetObject"), principal: user, request: s3("GetObjectAttributes")}, deny},
		"attributes of a version":                   {parts{policies: but("s3:GetObjectVersion"), principal: user, request: s3("GetObjectAttributes", `"VersionId":"1"`)}, deny},
		"a public ACL that is blocked":              {parts{request: strings.TrimSuffix(s3("PutObject", `"ACL":"public-read"`), "}") + `,"public_access_block":{"BlockPublicAcls":true}}`}, deny},
		"an ACL where there are none":               {parts{request: s3("PutObject", `"ACL":"public-read"`), more: `,"acl":{"object_ownership":"BucketOwnerEnforced"}`}, "error AccessControlListNotSupported"},
		"a precondition that is allowed":            {parts{request: s3("PutObject", `"IfNoneMatch":"*"`)}, unsupported},
		"a precondition that is not reached":        {parts{principal: user, request: s3("PutObject", `"IfNoneMatch":"*"`)}, deny},

		"a copy without reading":                 {parts{policies: but("s3:GetObject"), principal: user, request: s3("CopyObject", `"CopySource":"b/s"`)}, deny},
		"a copy without writing":                 {parts{policies: but("s3:PutObject"), principal: user, request: s3("CopyObject", `"CopySource":"b/s"`)}, deny},
		"a copy with all permissions":            {parts{request: s3("CopyObject", `"CopySource":"/b/a%20b"`)}, allow},
		"a copy of tags, if there are any":       {parts{policies: but("s3:GetObjectTagging"), principal: user, request: s3("CopyObject", `"CopySource":"b/s"`)}, unsupported},
		"a copy without the tags":                {parts{policies: but("s3:GetObjectTagging"), principal: user, request: s3("CopyObject", `"CopySource":"b/s"`, `"TaggingDirective":"REPLACE"`)}, allow},
		"a copy of a version":                    {parts{policies: but("s3:GetObjectVersion"), principal: user, request: s3("UploadPartCopy", `"CopySource":"b/s?versionId=1"`)}, deny},
		"a copy of a version by its key":         {parts{policies: identity(allowAll + `,{"Effect":"Deny","Action":"s3:GetObjectVersion","Resource":"*","Condition":{"StringEquals":{"s3:VersionId":"1"}}}`), principal: user, request: s3("UploadPartCopy", `"CopySource":{"Bucket":"b","Key":"s","VersionId":"1"}`)}, deny},
		"a copy from a bucket of unknown policy": {parts{policies: resource(readByAll), request: s3("UploadPartCopy", `"CopySource":"other/s"`)}, unsupported},
		"a copy of nothing":                      {parts{request: s3("UploadPartCopy", `"CopySource":"s"`)}, "error InvalidCase"},
		"a source that may match":                {parts{request: s3("UploadPartCopy", `"CopySource":"b/s"`, `"CopySourceIfMatch":"\"d41d8cd98f00b204e9800998ecf8427e-2\""`)}, unsupported},
		"a source that cannot match":             {parts{policies: but("s3:PutObject"), principal: user, request: s3("UploadPartCopy", `"CopySource":"b/s"`, `"CopySourceIfMatch":"\"bad\""`)}, "error PreconditionFailed"},
		"a source that cannot but differ":        {parts{policies: but("s3:PutObject"), principal: user, request: s3("UploadPartCopy", `"CopySource":"b/s"`, `"CopySourceIfNoneMatch":"bad"`)}, deny},
		"an object that cannot match":            {parts{request: s3("GetObject", `"IfMatch":"bad"`)}, "error PreconditionFailed"},
		"a HEAD of an object that cannot match":  {parts{request: s3("HeadObject", `"IfMatch":"bad"`)}, "error 412"},
		"an upload with a key":                   {parts{policies: but("kms:GenerateDataKey"), principal: user, request: s3("PutObject", `"ServerSideEncryption":"aws:kms"`, `"SSEKMSKeyId":"${kmsArn}"`)}, deny},
		"an upload with a key of unknown policy": {parts{request: s3("PutObject", `"ServerSideEncryption":"aws:kms"`, `"SSEKMSKeyId":"${kmsArn}"`)}, unsupported},
		"an upload with a key that is not told":  {parts{request: s3("CreateMultipartUpload", `"ServerSideEncryption":"aws:kms:dsse"`)}, unsupported},
		"an upload with a key of S3":             {parts{request: s3("PutObject", `"ServerSideEncryption":"AES256"`)}, allow},

		"another owner than is expected":           {parts{request: s3("GetObject", `"ExpectedBucketOwner":"111122223333"`)}, deny},
		"the owner that is expected":               {parts{request: s3("GetObject", `"ExpectedBucketOwner":"123456789012"`)}, allow},
		"an operation that is none":                {parts{request: s3("FetchObject")}, unsupported},
		"an operation on many keys":                {parts{request: s3("DeleteObjects")}, unsupported},
		"a member that is not understood":          {parts{request: `{"operation":"GetObject","headers":{},"params":{"Bucket":"b","Key":"k"}}`}, unsupported},
		"a resource policy of a queue":             {parts{policies: resource(readByAll), request: `{"action":"sqs:SendMessage","resource":"arn:aws:sqs:us-east-1:123456789012:q"}`}, unsupported},
		"a bucket policy that S3 would not take":   {parts{policies: resource(strings.ReplaceAll(readByAll, ":::b/", ":::c/")), request: getObject}, "error MalformedPolicy"},
		"a bucket policy for everybody":            {parts{policies: resource(readByAll), principal: anyone, request: getObject}, allow},
		"the same, restricted":                     {parts{policies: resource(readByAll), principal: anyone, request: restricted}, deny},
		"the same, restricted, in the account":     {parts{policies: resource(readByAll), principal: user, request: restricted}, allow},
		"a grant across accounts":                  {parts{policies: `{"identity":[` + document(allowAll) + `],"resource":` + document(readByOther) + `}`, principal: foreigner, request: getObject}, allow},
		"the same from one side":                   {parts{policies: resource(readByOther), principal: foreigner, request: getObject}, deny},
		"a restricted policy that is not public":   {parts{policies: `{"identity":[` + document(allowAll) + `],"resource":` + document(readByOther) + `}`, principal: foreigner, request: restricted}, allow},
		"the same beside a public grant":           {parts{policies: `{"identity":[` + document(allowAll) + `],"resource":` + document(readByOther+","+readByAll) + `}`, principal: foreigner, request: restricted}, deny},
		"an account by the ARN":                    {parts{policies: identity(allowAll), principal: `{"type":"user","arn":"arn:aws:iam::111122223333:user/u"}`, request: getObject}, deny},
		"an account by its number":                 {parts{policies: identity(allowAll), principal: `{"type":"user","account":"111122223333"}`, request: getObject}, deny},
		"an owner of another account":              {parts{policies: `{"identity":"bucket owner administrator"}`, principal: `{"type":"user","arn":"arn:aws:iam::111122223333:user/u"}`, request: getObject}, allow},
		"a role by its name":                       {parts{policies: resource(strings.Replace(readByAll, `"*"`, `{"AWS":"arn:aws:iam::123456789012:role/r"}`, 1)), principal: `{"type":"assumed-role","role":"r"}`, request: getObject}, allow},
		"a session by its ARN":                     {parts{policies: resource(strings.Replace(readByAll, `"*"`, `{"AWS":"arn:aws:sts::123456789012:assumed-role/r/s"}`, 1)), principal: `{"type":"assumed-role","arn":"arn:aws:sts::123456789012:assumed-role/r/s"}`, request: getObject}, allow},
		"a tag of the principal":                   {parts{policies: only("s3:GetObject", `"StringEquals":{"aws:PrincipalTag/team":"one"}`), principal: `{"type":"assumed-role","tags":{"team":"one"}}`, request: getObject}, allow},
		"a user id that is not told":               {parts{policies: only("s3:GetObject", `"Null":{"aws:userid":"true"}`), principal: user, request: getObject}, allow},
		"a user id that is told":                   {parts{policies: only("s3:GetObject", `"StringEquals":{"aws:userid":"AROAEXAMPLE:s"}`), principal: `{"type":"assumed-role","unique_id":"AROAEXAMPLE","session_name":"s"}`, request: getObject}, allow},
		"a key that the case tells":                {parts{policies: only("s3:GetObject", `"Bool":{"aws:SecureTransport":"true"}`), principal: user, request: `{"action":"s3:GetObject","resource":"arn:aws:s3:::b/k","context":{"aws:SecureTransport":true}}`}, allow},
		"a key that is multivalued by definition":  {parts{policies: only("s3:GetObject", `"StringEquals":{"aws:CalledVia":"a"}`), principal: user, request: `{"action":"s3:GetObject","resource":"arn:aws:s3:::b/k","context":{"aws:CalledVia":["a"]}}`}, deny},
		"a key of a list type":                     {parts{policies: only("s3:GetObject", `"StringEquals":{"a:b":"c"}`), principal: user, request: `{"action":"s3:GetObject","resource":"arn:aws:s3:::b/k","context":{"a:b":"c"},"context_types":{"a:b":"stringList"}}`}, deny},
		"types that are a list":                    {parts{request: `{"action":"s3:GetObject","resource":"*","context":{"a:b":"c"},"context_types":["string"]}`}, "error InvalidCase"},
		"a web identity and its trust policy":      {parts{policies: resource(`{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::123456789012:oidc-provider/issuer.example.com"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"issuer.example.com:aud":"wallets"}}}`), principal: `{"type":"web-identity","provider_arn":"arn:aws:iam::123456789012:oidc-provider/issuer.example.com"}`, request: `{"action":"sts:AssumeRoleWithWebIdentity","resource":"arn:aws:iam::123456789012:role/r","context":{"issuer.example.com:aud":"wallets"}}`}, allow},
		"a trust policy that is none":              {parts{policies: resource(readByAll), principal: user, request: `{"action":"sts:AssumeRole","resource":"arn:aws:iam::123456789012:role/r"}`}, "error MalformedPolicyDocument"},
		"a public ACL":                             {parts{principal: anyone, request: getObject, more: `,"acl":{"object_acl":"public-read"}`}, allow},
		"a public ACL for an upload":               {parts{principal: anyone, request: s3("PutObject"), more: `,"acl":{"object_acl":"public-read-write"}`}, deny},
		"a public ACL that is ignored":             {parts{principal: anyone, request: getObject, more: `,"acl":{"object_acl":"public-read","ignore_public_acls":true}`}, deny},
		"a public ACL that the bucket ignores":     {parts{principal: anyone, request: strings.TrimSuffix(getObject, "}") + `,"public_access_block":{"IgnorePublicAcls":true}}`, more: `,"acl":{"object_acl":"public-read"}`}, deny},
		"a public ACL where there are none":        {parts{principal: anyone, request: getObject, more: `,"acl":{"object_acl":"public-read","object_ownership":"BucketOwnerEnforced"}`}, deny},
		"a public ACL and an explicit denial":      {parts{policies: but("s3:GetObject"), principal: user, request: getObject, more: `,"acl":{"object_acl":"public-read"}`}, deny},
		"a public ACL across accounts":             {parts{principal: foreigner, request: getObject, more: `,"acl":{"object_acl":"public-read"}`}, deny},
		"an ACL for who signs, and nobody does":    {parts{principal: anyone, request: getObject, more: `,"acl":{"object_acl":"authenticated-read"}`}, deny},
		"an ACL for who signs":                     {parts{principal: user, request: getObject, more: `,"acl":{"object_acl":"authenticated-read"}`}, allow},
		"an ACL for the owner":                     {parts{principal: user, request: getObject, more: `,"acl":{"object_acl":"READ to owner canonical id"}`}, deny},
		"an ACL in other words":                    {parts{principal: user, request: getObject, more: `,"acl":{"object_acl":"some may read"}`}, unsupported},
		"an ownership that is none":                {parts{request: getObject, more: `,"acl":{"object_ownership":"Mine"}`}, "error InvalidCase"},
		"a current delete marker":                  {parts{policies: but("s3:GetObject"), principal: user, request: strings.TrimSuffix(getObject, "}") + `,"delete_marker":true}`}, "error NoSuchKey"},
		"a current delete marker, without listing": {parts{policies: but("s3:ListBucket"), principal: user, request: strings.TrimSuffix(getObject, "}") + `,"delete_marker":true}`}, deny},
		"a delete marker by its version":           {parts{principal: user, request: strings.TrimSuffix(s3("HeadObject", `"VersionId":"1"`), "}") + `,"delete_marker":true}`}, "error 405"},
		"a delete marker that is deleted":          {parts{principal: user, request: strings.TrimSuffix(s3("DeleteObject", `"VersionId":"1"`), "}") + `,"delete_marker":true}`}, deny},
		"a delete marker that is copied":           {parts{request: strings.TrimSuffix(s3("CopyObject", `"CopySource":"b/s"`), "}") + `,"delete_marker":true}`}, unsupported},
		"the name of a case is only a name":        {parts{request: getObject, more: `,"name":"a/current-marker (wrong ExpectedBucketOwner)"`}, allow},
		"the name of a row tells a marker":         {parts{request: getObject, more: `,"source_file":"f","name":"marker-policy/denied-current-marker"`}, "error NoSuchKey"},
		"the name of a group tells nothing":        {parts{request: getObject, more: `,"source_file":"f","name":"marker-policy/denied-normal"`}, allow},

		"a policy that is not there":                 {parts{request: s3("GetBucketPolicyStatus")}, "error NoSuchBucketPolicy"},
		"a policy that is there":                     {parts{policies: resource(readByAll), request: s3("GetBucketPolicy")}, allow},
		"a policy that is to be put and is not told": {parts{request: s3("PutBucketPolicy")}, unsupported},
		"a policy that is put by who may not":        {parts{policies: resource(readByAll), principal: user, request: s3("PutBucketPolicy")}, deny},
		"a policy that would deny its own put":       {parts{policies: resource(`{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b"}`), request: s3("PutBucketPolicy")}, allow},
		"a block that is not told":                   {parts{request: s3("GetPublicAccessBlock")}, unsupported},
		"a block that is to be put and is not told":  {parts{request: s3("PutPublicAccessBlock")}, unsupported},
		"a block that is put":                        {parts{request: s3("PutPublicAccessBlock", `"PublicAccessBlockConfiguration":{"BlockPublicAcls":true}`)}, allow},
		"a block that is put and says nothing":       {parts{request: s3("PutPublicAccessBlock", `"PublicAccessBlockConfiguration":{}`)}, "error InvalidRequest"},
		"a block that is deleted by who may not":     {parts{policies: but("s3:PutBucketPublicAccessBlock"), principal: user, request: s3("DeletePublicAccessBlock")}, deny},
		"a setting that is none":                     {parts{request: `{"operation":"GetPublicAccessBlock","params":{"Bucket":"b"},"public_access_block":{"Block":true}}`}, "error InvalidCase"},

		"tags that a user may set":                {parts{policies: identity(`{"Effect":"Allow","Action":"iam:TagUser","Resource":"arn:aws:iam::123456789012:user/u","Condition":{"StringEquals":{"aws:RequestTag/team":"one"},"ForAllValues:StringEquals":{"aws:TagKeys":["team"]}}}`), principal: user, request: tagUser(`{"Key":"team","Value":"one"}`)}, allow},
		"tags that a user may not set":            {parts{policies: but("iam:TagUser"), principal: user, request: tagUser(`{"Key":"team","Value":"one"}`)}, deny},
		"a value that IAM does not take":          {parts{principal: user, request: tagUser(`{"Key":"team","Value":"a*b"}`)}, "error ValidationError"},
		"a key that IAM does not take":            {parts{principal: user, request: tagUser(`{"Key":"a*b","Value":""}`)}, "error ValidationError"},
		"a key that is empty":                     {parts{principal: user, request: tagUser(`{"Key":"","Value":""}`)}, "error ValidationError"},
		"a key that is too long":                  {parts{request: tagUser(`{"Key":"` + strings.Repeat("k", 129) + `","Value":""}`)}, "error ValidationError"},
		"a value of the largest size":             {parts{request: tagUser(`{"Key":"team","Value":"` + strings.Repeat("é", 256) + `"}`)}, allow},
		"a value that is too long":                {parts{request: tagUser(`{"Key":"team","Value":"` + strings.Repeat("é", 257) + `"}`)}, "error ValidationError"},
		"more tags than a call may set":           {parts{request: tagUser(strings.TrimSuffix(strings.Repeat(`{"Key":"k","Value":""},`, 51), ","))}, "error ValidationError"},
		"a key twice, in two cases":               {parts{request: tagUser(`{"Key":"team","Value":""},{"Key":"Team","Value":""}`)}, "error InvalidInput"},
		"a key twice, by who may not":             {parts{principal: user, request: tagUser(`{"Key":"team","Value":""},{"Key":"Team","Value":""}`)}, deny},
		"a key of AWS":                            {parts{request: tagUser(`{"Key":"AWS:team","Value":""}`)}, "error InvalidInput"},
		"a tag without a value":                   {parts{request: tagUser(`{"Key":"team"}`)}, "error InvalidCase"},
		"tags that are not told":                  {parts{request: `{"operation":"iam:TagRole"}`}, unsupported},
		"a call of IAM on a resource of no name":  {parts{request: `{"operation":"iam:GetRole"}`}, unsupported},
		"a call of IAM on a role":                 {parts{request: `{"operation":"iam:GetRole","params":{"RoleName":"r"}}`}, allow},
		"a role of another account":               {parts{policies: identity(allowAll), principal: user, request: `{"action":"iam:GetRole","resource":"arn:aws:iam::111122223333:role/r"}`}, deny},
		"the simulator takes an account for all":  {parts{policies: resource(strings.ReplaceAll(readByOther, "111122223333", "123456789012")), principal: user, request: `{"action":"s3:GetObject","resource":"arn:aws:s3:::b/k"}`, more: `,"evidence":"simulator (x)"`}, allow},
		"and AWS does not":                        {parts{policies: resource(strings.ReplaceAll(readByOther, "111122223333", "123456789012")), principal: user, request: `{"action":"s3:GetObject","resource":"arn:aws:s3:::b/k"}`, more: `,"evidence":"live S3"`}, deny},
		"another account is another in either":    {parts{policies: resource(readByOther), principal: user, request: `{"action":"s3:GetObject","resource":"arn:aws:s3:::b/k"}`, more: `,"evidence":"simulator (x)"`}, "deny Success"},
		"the placeholders stand for two accounts": {parts{policies: `{"identity":[` + document(allowAll) + `],"resource":` + document(strings.ReplaceAll(readByOther, "111122223333", "${otherAccount}")) + `}`, principal: foreigner, request: getObject}, allow},
	}
	e := newEvaluator(t)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			line := test.line()
			got := e.Evaluate(line)
			if answer := got.Decision + " " + got.Code; answer != test.want {
				t.Errorf("%s (%s), want %s\n%s", answer, got.Reason, test.want, line)
			}
			if got.ID != "x" || got.Reason == "" {
				t.Errorf("answered %+v", got)
			}
		})
	}
}

func TestLinesThatAreNoCase(t *testing.T) {
	t.Parallel()
	e := newEvaluator(t)
	request := `"request":` + getObject
	tests := map[string]struct{ line, reason string }{
		"nothing but a word":        {`case`, "not one JSON value"},
		"two values":                {`{} {}`, "not one JSON value"},
		"a list":                    {`[]`, "must be an object"},
		"invalid UTF-8":             {"{\"id\":\"\xff\"}", "UTF-8"},
		"a member twice":            {`{"id":"1","id":"2"}`, "id: stands twice"},
		"a member twice, escaped":   {`{"id":"1","\u0069d":"2"}`, "id: stands twice"},
		"too many members":          {`{"id":"1"` + manyMembers(256) + `}`, "more than 256 members"},
		"an id that is a list":      {`{"id":[]}`, "id: must be a string"},
		"no policies":               {`{"principal":{},` + request + `}`, "policies: missing"},
		"policies in another case":  {`{"Policies":{},"principal":{"type":"user"},` + request + `}`, "policies: missing"},
		"no principal":              {`{"policies":{},` + request + `}`, "principal: missing"},
		"no request":                {`{"policies":{},"principal":{"type":"user"}}`, "request: missing"},
		"a principal of no type":    {`{"policies":{},"principal":{},` + request + `}`, "principal.type: missing"},
		"a principal that is text":  {`{"policies":{},"principal":"user",` + request + `}`, "principal: must be an object"},
		"an ARN that is none":       {`{"policies":{},"principal":{"type":"user","arn":"u"},` + request + `}`, "principal:"},
		"tags that are numbers":     {`{"policies":{},"principal":{"type":"user","tags":{"a":1}},` + request + `}`, "principal.tags"},
		"a web identity of nobody":  {`{"policies":{},"principal":{"type":"web-identity"},` + request + `}`, "principal.provider_arn"},
		"a request for nothing":     {`{"policies":{},"principal":{"type":"user"},"request":{}}`, "request: has neither"},
		"an action on nothing":      {`{"policies":{},"principal":{"type":"user"},"request":{"action":"s3:GetObject"}}`, "request.resource: missing"},
		"an action of no service":   {`{"policies":{},"principal":{"type":"user"},"request":{"action":"GetObject","resource":"*"}}`, "request.action:"},
		"an object without a key":   {`{"policies":{},"principal":{"type":"user"},"request":{"operation":"GetObject","params":{"Bucket":"b"}}}`, "request.params.Key: missing"},
		"a bucket that is a number": {`{"policies":{},"principal":{"type":"user"},"request":{"operation":"GetObject","params":{"Bucket":1,"Key":"k"}}}`, "request.params.Bucket: must be a string"},
		"a context that is deep":    {`{"policies":{},"principal":{"type":"user"},"request":{"action":"a:b","resource":"*","context":{"a:b":[["c"]]}}}`, "request.context.a:b:"},
		"two boundaries":            {`{"policies":{"boundary":[{},{}]},"principal":{"type":"user"},` + request + `}`, "policies.boundary:"},
		"a session that is text":    {`{"policies":{"session":"all"},"principal":{"type":"user"},` + request + `}`, "policies.session:"},
		"a flag that is text":       {`{"policies":{},"principal":{"type":"user"},` + request + `,"acl":{"ignore_public_acls":"yes"}}`, "acl.ignore_public_acls:"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := e.Evaluate([]byte(test.line))
			if got.Decision != policycase.Error || got.Code != "InvalidCase" || !strings.Contains(got.Reason, test.reason) {
				t.Errorf("answered %+v, want InvalidCase and %q", got, test.reason)
			}
		})
	}
}

// manyMembers are members with the names 0, 1 and so on, after a comma.
func manyMembers(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, `,"%d":0`, i)
	}
	return text.String()
}

func TestLinesAreBounded(t *testing.T) {
	t.Parallel()
	whole := string(parts{request: getObject}.line())
	fill := strings.Repeat(" ", policycase.MaxLine-len(whole))
	tests := map[string]struct {
		in   string
		want []string
	}{
		"the longest line":           {whole + fill + "\n" + whole, []string{"allow", "allow"}},
		"a line that is too long":    {whole + fill + " \n" + whole, []string{"error", "allow"}},
		"the last, and too long":     {whole + "\n" + whole + strings.Repeat(fill, 3), []string{"allow", "error"}},
		"lines of another system":    {whole + "\r\n" + whole + "\r\n", []string{"allow", "allow"}},
		"blank lines":                {"\n \n" + whole + "\n\n", []string{"allow"}},
		"nothing":                    {"", nil},
		"a line that is larger than": {whole + strings.Repeat(" ", 100_000) + "\n" + whole, []string{"allow", "allow"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			if err := newEvaluator(t).Run(iotest.HalfReader(strings.NewReader(test.in)), &out); err != nil {
				t.Fatal(err)
			}
			var got []string
			for line := range strings.Lines(out.String()) {
				var d policycase.Decision
				if err := json.Unmarshal([]byte(line), &d); err != nil {
					t.Fatal(err)
				}
				got = append(got, d.Decision)
			}
			if strings.Join(got, " ") != strings.Join(test.want, " ") {
				t.Errorf("answered %q, want %q", got, test.want)
			}
		})
	}
}

func TestAnAccountHasTwelveDigits(t *testing.T) {
	t.Parallel()
	for _, account := range []string{"", "12345678901", "1234567890123", "12345678901a"} {
		if _, err := policycase.New(account); err == nil {
			t.Errorf("%q was taken", account)
		}
	}
}

func FuzzEvaluate(f *testing.F) {
	for _, r := range recordings(f) {
		f.Add(r.line(f, nil))
	}
	f.Add(parts{request: s3("UploadPartCopy", `"CopySource":{"Bucket":"b","Key":"s","VersionId":"1"}`)}.line())
	f.Add([]byte(` { "id" : -1 , "policies" : [ ] , "principal" : { } , "request" : { } } `))
	e := newEvaluator(f)
	f.Fuzz(func(t *testing.T, line []byte) {
		if len(line) > policycase.MaxLine {
			return
		}
		first, second := e.Evaluate(line), e.Evaluate(line)
		if first != second {
			t.Errorf("answered %+v and then %+v", first, second)
		}
		switch first.Decision {
		case policycase.Allow, policycase.Deny, policycase.Error:
			if first.Code == "" {
				t.Errorf("no code in %+v", first)
			}
		case policycase.Unsupported:
		default:
			t.Errorf("answered %+v", first)
		}
		if first.Reason == "" {
			t.Errorf("no reason in %+v", first)
		}
	})
}
