package awsapi

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// PublicAccessBlock is S3 Block Public Access of one bucket. What the account
// blocks as a whole is not in it.
type PublicAccessBlock struct {
	BlockPublicACLs, IgnorePublicACLs, BlockPublicPolicy, RestrictPublicBuckets bool
}

// Hardening is what a bucket does against the public and against ACLs.
type Hardening struct {
	Block PublicAccessBlock
	// OwnerEnforced says that ACLs are off: the object ownership is BucketOwnerEnforced.
	OwnerEnforced bool
}

// Hardening reads the hardening of a bucket that belongs to account owner, in
// two calls. A bucket without a setting has it off.
func (a *Account) Hardening(ctx context.Context, bucket, owner string) (Hardening, error) {
	var h Hardening
	block, err := a.s3.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: &bucket, ExpectedBucketOwner: &owner})
	switch e, ok := errors.AsType[*Error](err); {
	case ok && e.Code == "NoSuchPublicAccessBlockConfiguration":
	case err != nil:
		return Hardening{}, err
	default:
		b := block.PublicAccessBlockConfiguration
		h.Block = PublicAccessBlock{
			BlockPublicACLs: aws.ToBool(b.BlockPublicAcls), IgnorePublicACLs: aws.ToBool(b.IgnorePublicAcls),
			BlockPublicPolicy: aws.ToBool(b.BlockPublicPolicy), RestrictPublicBuckets: aws.ToBool(b.RestrictPublicBuckets),
		}
	}
	controls, err := a.s3.GetBucketOwnershipControls(ctx, &s3.GetBucketOwnershipControlsInput{Bucket: &bucket, ExpectedBucketOwner: &owner})
	switch e, ok := errors.AsType[*Error](err); {
	case ok && e.Code == "OwnershipControlsNotFoundError":
	case err != nil:
		return Hardening{}, err
	default:
		for _, rule := range controls.OwnershipControls.Rules {
			h.OwnerEnforced = rule.ObjectOwnership == types.ObjectOwnershipBucketOwnerEnforced
		}
	}
	return h, nil
}

// PutPublicAccessBlock replaces Block Public Access of a bucket that belongs to
// account owner.
func (a *Account) PutPublicAccessBlock(ctx context.Context, bucket, owner string, block PublicAccessBlock) error {
	_, err := a.s3.PutPublicAccessBlock(ctx, &s3.PutPublicAccessBlockInput{
		Bucket: &bucket, ExpectedBucketOwner: &owner,
		PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{
			BlockPublicAcls: &block.BlockPublicACLs, IgnorePublicAcls: &block.IgnorePublicACLs,
			BlockPublicPolicy: &block.BlockPublicPolicy, RestrictPublicBuckets: &block.RestrictPublicBuckets,
		},
	})
	return err
}

// EnforceOwner turns ACLs off in a bucket that belongs to account owner. S3
// refuses where the bucket's own ACL gives others something.
func (a *Account) EnforceOwner(ctx context.Context, bucket, owner string) error {
	_, err := a.s3.PutBucketOwnershipControls(ctx, &s3.PutBucketOwnershipControlsInput{
		Bucket: &bucket, ExpectedBucketOwner: &owner,
		OwnershipControls: &types.OwnershipControls{Rules: []types.OwnershipControlsRule{{ObjectOwnership: types.ObjectOwnershipBucketOwnerEnforced}}},
	})
	return err
}
