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
// S3 refuses a policy that would lock the caller out.
func (a *Account) PutBucketPolicy(ctx context.Context, bucket, owner string, document []byte) error {
	_, err := a.s3.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{
		Bucket: &bucket, ExpectedBucketOwner: &owner, Policy: aws.String(string(document)),
		ConfirmRemoveSelfBucketAccess: aws.Bool(false),
	})
	return err
}

// DeleteBucketPolicy deletes the policy of a bucket that belongs to account owner.
func (a *Account) DeleteBucketPolicy(ctx context.Context, bucket, owner string) error {
	_, err := a.s3.DeleteBucketPolicy(ctx, &s3.DeleteBucketPolicyInput{Bucket: &bucket, ExpectedBucketOwner: &owner})
	return err
}
