// Package administrator is the administrator of the account that localaws stands
// in for, through the SDK of AWS: it prepares what federations adopt, and changes
// things behind the operator's back.
package administrator

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/litentry/wallet-federation/internal/document"
)

// What roles and buckets have before a federation adopts them.
const (
	OriginalTrust = `{"Version":"2012-10-17","Statement":[{"Sid":"Operations","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"sts:AssumeRole"}]}`
	ForeignSid    = "SomebodyElsesStatement"
)

// Administrator is the account's administrator: it prepares what federations adopt, and
// changes things behind the operator's back.
type Administrator struct {
	IAM *iam.Client
	S3  *s3.Client
	STS *sts.Client
	// ARN is the administrator's, and that of the operator, which uses the same credentials.
	ARN string
}

// New returns the administrator of the account at a localaws endpoint.
func New(ctx context.Context, endpoint string) (*Administrator, error) {
	loaded, err := config.LoadDefaultConfig(ctx,
		config.WithRegion("us-east-1"), config.WithBaseEndpoint(endpoint),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("localaws", "localaws", "")))
	if err != nil {
		return nil, fmt.Errorf("configuring the AWS SDK: %w", err)
	}
	a := &Administrator{
		IAM: iam.NewFromConfig(loaded),
		STS: sts.NewFromConfig(loaded),
		S3:  s3.NewFromConfig(loaded, func(o *s3.Options) { o.UsePathStyle = true }),
	}
	identity, err := a.STS.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return nil, err
	}
	a.ARN = aws.ToString(identity.Arn)
	return a, nil
}

// CreateRole makes a role that trusts nobody of ours.
func (a *Administrator) CreateRole(ctx context.Context, name string) error {
	_, err := a.IAM.CreateRole(ctx, &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: aws.String(OriginalTrust)})
	return err
}

// CreateBucket makes a bucket whose policy has one statement of somebody else's.
func (a *Administrator) CreateBucket(ctx context.Context, name string) error {
	if _, err := a.S3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &name}); err != nil {
		return err
	}
	return a.PutBucketPolicy(ctx, name, ForeignPolicy(name))
}

// ForeignPolicy is the policy that a bucket has before a federation adopts it.
func ForeignPolicy(bucket string) string {
	return `{"Version":"2012-10-17","Statement":[{"Sid":"` + ForeignSid + `","Effect":"Deny","Principal":"*","Action":"s3:DeleteBucket","Resource":"arn:aws:s3:::` + bucket + `"}]}`
}

// PutBucketPolicy replaces a bucket's policy.
func (a *Administrator) PutBucketPolicy(ctx context.Context, bucket, policy string) error {
	_, err := a.S3.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &bucket, Policy: &policy})
	return err
}

// BucketPolicy reads a bucket's policy.
func (a *Administrator) BucketPolicy(ctx context.Context, bucket string) (string, error) {
	out, err := a.S3.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: &bucket})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.Policy), nil
}

// TrustPolicy reads a role's trust policy.
func (a *Administrator) TrustPolicy(ctx context.Context, role string) (string, error) {
	out, err := a.IAM.GetRole(ctx, &iam.GetRoleInput{RoleName: &role})
	if err != nil {
		return "", err
	}
	return url.PathUnescape(aws.ToString(out.Role.AssumeRolePolicyDocument))
}

// PutInlinePolicy writes an inline policy of a role.
func (a *Administrator) PutInlinePolicy(ctx context.Context, role, name, policy string) error {
	_, err := a.IAM.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: &role, PolicyName: &name, PolicyDocument: &policy})
	return err
}

// StripGuard takes every Deny of ours out of a bucket's policy, and leaves what
// others wrote.
func (a *Administrator) StripGuard(ctx context.Context, bucket string) error {
	policy, err := a.BucketPolicy(ctx, bucket)
	if err != nil {
		return err
	}
	rest, removed, err := document.RemoveStatements([]byte(policy), func(_ int, sid string) bool {
		return strings.HasPrefix(sid, "WalletFederation") && strings.Contains(sid, "Deny")
	})
	if err != nil {
		return err
	}
	if removed == 0 {
		return errors.New("there is no guard to strip")
	}
	return a.PutBucketPolicy(ctx, bucket, string(rest))
}

// InlinePolicies are the names of a role's inline policies.
func (a *Administrator) InlinePolicies(ctx context.Context, role string) ([]string, error) {
	out, err := a.IAM.ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: &role})
	if err != nil {
		return nil, err
	}
	return out.PolicyNames, nil
}
