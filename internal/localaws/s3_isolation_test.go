package localaws_test

import (
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// alice and mallory are wallets that share a bucket.
const (
	alice   = "0xa11ce00000000000000000000000000000000000"
	mallory = "0x0bad000000000000000000000000000000000000"
)

func TestSharedBucketIsolatesWallets(t *testing.T) {
	t.Parallel()
	w := newS3World(t)
	w.put(t, alice+"/secret", "alice's")
	w.put(t, mallory+"/own", "mallory's")
	role := w.role(t, "wallets", trustOf(rootARN))
	guard := func(effect, rest string) string {
		return `{"Effect":"` + effect + `",` + rest + `}`
	}
	const tag = "${aws:PrincipalTag/wallet}"
	w.setPolicy(t,
		guard("Allow", `"Principal":{"AWS":"`+role+`"},"Action":"s3:ListBucket","Resource":"`+bucketARN("")+`","Condition":{"StringLike":{"s3:prefix":"`+tag+`/*"}}`),
		guard("Allow", `"Principal":{"AWS":"`+role+`"},"Action":["s3:GetObject","s3:PutObject","s3:DeleteObject"],"Resource":"`+bucketARN("/"+tag+"/*")+`"`),
		guard("Deny", `"Principal":"*","Action":"s3:*","NotResource":["`+bucketARN("")+`","`+bucketARN("/"+tag+"/*")+`"],"Condition":{"ArnEquals":{"aws:PrincipalArn":"`+role+`"}}`),
		guard("Deny", `"Principal":"*","Action":["s3:ListBucket","s3:ListBucketVersions"],"Resource":"`+bucketARN("")+`","Condition":{"ArnEquals":{"aws:PrincipalArn":"`+role+`"},"StringNotLike":{"s3:prefix":"`+tag+`/*"}}`),
		guard("Deny", `"Principal":"*","NotAction":["s3:ListBucket","s3:ListBucketVersions","s3:GetBucketLocation"],"Resource":"`+bucketARN("")+`","Condition":{"ArnEquals":{"aws:PrincipalArn":"`+role+`"}}`),
	)
	w.allow(t, "wallets", policyOf(grant("s3:*", "*"))) // only the guard isolates
	client := s3.NewFromConfig(w.as(w.assume(t, role, stsTag("wallet", mallory))))
	bucket := aws.String(shared)
	for name, attempt := range isolationAttempts(t, client, bucket) {
		t.Run(name, func(t *testing.T) {
			err := attempt.try()
			if attempt.allowed {
				wantCode(t, err, "")
				return
			}
			wantStatus(t, err, http.StatusForbidden)
		})
	}
	if got := read(t, w.s3, get(alice+"/secret")); got != "alice's" {
		t.Errorf("alice's object is now %q", got)
	}
}

type isolationAttempt struct {
	allowed bool
	try     func() error
}

func isolationAttempts(t *testing.T, client *s3.Client, bucket *string) map[string]isolationAttempt {
	t.Helper()
	ctx := t.Context()
	own, foreign := aws.String(mallory+"/own"), aws.String(alice+"/secret")
	source := func(key *string) *string { return aws.String(shared + "/" + *key) }
	drop := func(_ any, err error) error { return err }
	return map[string]isolationAttempt{
		"reading the own object":   {true, func() error { return drop(client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: own})) }},
		"reading a foreign object": {false, func() error { return drop(client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: foreign})) }},
		"heading a foreign object": {false, func() error { return drop(client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: foreign})) }},
		"a foreign object's tags": {false, func() error {
			return drop(client.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: bucket, Key: foreign}))
		}},
		"a foreign object's ACL": {false, func() error {
			return drop(client.GetObjectAcl(ctx, &s3.GetObjectAclInput{Bucket: bucket, Key: foreign}))
		}},
		"a foreign object's version": {false, func() error {
			return drop(client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: foreign, VersionId: aws.String("null")}))
		}},
		"a foreign missing object": {false, func() error { return drop(client.GetObject(ctx, get(alice+"/nothing"))) }},
		"an own missing object":    {false, func() error { return drop(client.GetObject(ctx, get(mallory+"/nothing"))) }},
		"writing an own object": {true, func() error {
			return drop(client.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: aws.String(mallory + "/new")}))
		}},
		"writing a foreign object": {false, func() error { return drop(client.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: foreign})) }},
		"deleting a foreign object": {false, func() error {
			return drop(client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: foreign}))
		}},
		"copying within the own": {true, func() error {
			return drop(client.CopyObject(ctx, &s3.CopyObjectInput{Bucket: bucket, Key: aws.String(mallory + "/copy"), CopySource: source(own)}))
		}},
		"copying out of a foreign": {false, func() error {
			return drop(client.CopyObject(ctx, &s3.CopyObjectInput{Bucket: bucket, Key: aws.String(mallory + "/copy"), CopySource: source(foreign)}))
		}},
		"copying into a foreign": {false, func() error {
			return drop(client.CopyObject(ctx, &s3.CopyObjectInput{Bucket: bucket, Key: foreign, CopySource: source(own)}))
		}},
		"a foreign multipart upload": {false, func() error {
			return drop(client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: bucket, Key: foreign}))
		}},
		"listing the own prefix":   {true, func() error { return drop(client.ListObjectsV2(ctx, list(mallory+"/"))) }},
		"listing a foreign prefix": {false, func() error { return drop(client.ListObjectsV2(ctx, list(alice+"/"))) }},
		"listing the empty prefix": {false, func() error { return drop(client.ListObjectsV2(ctx, list(""))) }},
		"listing without a prefix": {false, func() error { return drop(client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: bucket})) }},
		"listing the old way":      {false, func() error { return drop(client.ListObjects(ctx, &s3.ListObjectsInput{Bucket: bucket})) }},
		"listing versions":         {false, func() error { return drop(client.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: bucket})) }},
		"listing uploads": {false, func() error {
			return drop(client.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: bucket}))
		}},
		"heading the bucket":  {false, func() error { return drop(client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: bucket})) }},
		"reading the policy":  {false, func() error { return drop(client.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: bucket})) }},
		"removing the policy": {false, func() error { return drop(client.DeleteBucketPolicy(ctx, &s3.DeleteBucketPolicyInput{Bucket: bucket})) }},
		"where the bucket is": {true, func() error { return drop(client.GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: bucket})) }},
		"switching versioning on": {false, func() error {
			return drop(client.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{Bucket: bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: "Enabled"}}))
		}},
		"deleting the bucket": {false, func() error { return drop(client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: bucket})) }},
	}
}
