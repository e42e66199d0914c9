package localaws_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// TestRootUndoesALockout is the way out for who has locked everybody out.
func TestRootUndoesALockout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	makeBucket(t, w)
	bucket := aws.String("vault")
	_, err := w.buckets().PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: bucket, ConfirmRemoveSelfBucketAccess: aws.Bool(true), Policy: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::vault","arn:aws:s3:::vault/*"]}]}`,
	)})
	wantCode(t, err, "")
	_, err = w.buckets().DeleteBucketPolicy(t.Context(), &s3.DeleteBucketPolicyInput{Bucket: bucket})
	wantCode(t, err, "AccessDenied")
	rootConfig := w.config("localaws-root", "localaws-root", "")
	root := s3.NewFromConfig(rootConfig, func(o *s3.Options) { o.UsePathStyle = true })
	_, err = root.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: bucket})
	wantCode(t, err, "AccessDenied") // the exemption is for the policy alone
	_, err = root.GetBucketPolicy(t.Context(), &s3.GetBucketPolicyInput{Bucket: bucket})
	wantCode(t, err, "")
	_, err = root.DeleteBucketPolicy(t.Context(), &s3.DeleteBucketPolicyInput{Bucket: bucket})
	wantCode(t, err, "")
	_, err = w.buckets().ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: bucket})
	wantCode(t, err, "")
}

func TestRoot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	createWallets(t, w)
	root := w.config("localaws-root", "localaws-root", "")
	who, err := sts.NewFromConfig(root).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	wantCode(t, err, "")
	if *who.Arn != rootARN || *who.UserId != account {
		t.Errorf("root is %s with the id %s", *who.Arn, *who.UserId)
	}
	_, err = sts.NewFromConfig(root).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String(walletsARN), RoleSessionName: aws.String("session")})
	wantRefusal(t, err, "AccessDenied", "Roles may not be assumed by root accounts.")
	user, err := iam.NewFromConfig(root).GetUser(t.Context(), &iam.GetUserInput{})
	wantCode(t, err, "")
	if *user.User.Arn != rootARN {
		t.Errorf("root's user is %s", *user.User.Arn)
	}
}
