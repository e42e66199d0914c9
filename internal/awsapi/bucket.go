package awsapi

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// BucketPolicy reads the policy of a bucket that belongs to account owner; nil
// if it has none. An absent bucket is an error of class NotFound.
func (a *Account) BucketPolicy(ctx context.Context, bucket, owner string) ([]byte, error) {
	out, err := a.s3.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: &bucket, ExpectedBucketOwner: &owner})
	if e, ok := errors.AsType[*Error](err); ok && e.Code == "NoSuchBucketPolicy" {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return []byte(aws.ToString(out.Policy)), nil
}

// PutBucketPolicy replaces the policy of a bucket that belongs to account owner.
// S3 refuses a policy that would lock the caller out, and one that names a
// principal that it does not know, with an error of class Malformed.
//
// It is tried once: what was merged with the policy in force must not be sent
// again after a while, in which somebody may have written another one.
func (a *Account) PutBucketPolicy(ctx context.Context, bucket, owner string, document []byte) error {
	_, err := a.s3.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{
		Bucket: &bucket, ExpectedBucketOwner: &owner, Policy: aws.String(string(document)),
		ConfirmRemoveSelfBucketAccess: aws.Bool(false),
	}, once)
	return err
}

// DeleteBucketPolicy deletes the policy of a bucket that belongs to account
// owner. It is tried once, as PutBucketPolicy is.
func (a *Account) DeleteBucketPolicy(ctx context.Context, bucket, owner string) error {
	_, err := a.s3.DeleteBucketPolicy(ctx, &s3.DeleteBucketPolicyInput{Bucket: &bucket, ExpectedBucketOwner: &owner}, once)
	return err
}

func once(options *s3.Options) { options.Retryer = aws.NopRetryer{} }

// HasBucket reports whether a bucket belongs to the account, wherever its
// region. S3 answers a call for a bucket of another account as it answers one
// that is not permitted; this tells the two apart.
func (a *Account) HasBucket(ctx context.Context, bucket string) (bool, error) {
	out, err := a.s3.ListBuckets(ctx, &s3.ListBucketsInput{Prefix: &bucket})
	if err != nil {
		return false, err
	}
	// Those whose names begin alike are listed too, after it.
	return len(out.Buckets) > 0 && aws.ToString(out.Buckets[0].Name) == bucket, nil
}
