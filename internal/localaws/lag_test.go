package localaws_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/litentry/wallet-federation/internal/localaws"
)

const lag = 10 * time.Second

func newLaggingWorld(t *testing.T) *world {
	t.Helper()
	return newWorld(t, func(o *localaws.Options) { o.Lag = lag })
}

func (w *world) pass(d time.Duration) { w.elapsed.Add(int64(d)) }

func TestReadsLagBehind(t *testing.T) {
	t.Parallel()
	name := aws.String("wallets")
	tests := map[string]struct {
		before func(*testing.T, *world) // long before
		change func(*testing.T, *world)
		look   func(*testing.T, *world) error
		soon   string // the code of look right after the change
		later  string // and when the lag is over
	}{
		"a role that was created is read":                     {nil, createWallets, getWallets, "NoSuchEntity", ""},
		"a role that was created is assumed":                  {nil, createWallets, assumeWallets, "AccessDenied", ""},
		"a role that was created is named by a bucket policy": {makeBucket, createWallets, putPolicyForWallets, "MalformedPolicy", ""},
		"a role that was created is named by a trust policy": {nil, createWallets, func(t *testing.T, w *world) error {
			t.Helper()
			_, err := w.iam.CreateRole(t.Context(), &iam.CreateRoleInput{
				RoleName: aws.String("other"), AssumeRolePolicyDocument: aws.String(trustOf(walletsARN)),
			})
			return err
		}, "MalformedPolicyDocument", ""},
		"a role that was created cannot be created again": {nil, createWallets, recreateWallets, "EntityAlreadyExists", "EntityAlreadyExists"},
		"a role that was created can be changed":          {nil, createWallets, describeWallets, "", ""},
		"a role that was deleted is read":                 {createWallets, deleteWallets, getWallets, "", "NoSuchEntity"},
		"a role that was deleted is assumed":              {createWallets, deleteWallets, assumeWallets, "", "AccessDenied"},
		"a role that was deleted cannot be changed":       {createWallets, deleteWallets, describeWallets, "NoSuchEntity", "NoSuchEntity"},
		"a role that was deleted is named by a bucket policy": {func(t *testing.T, w *world) {
			t.Helper()
			makeBucket(t, w)
			createWallets(t, w)
		}, deleteWallets, putPolicyForWallets, "", "MalformedPolicy"},
		"a trust policy that shuts the door": {createWallets, func(t *testing.T, w *world) {
			t.Helper()
			_, err := w.iam.UpdateAssumeRolePolicy(t.Context(), &iam.UpdateAssumeRolePolicyInput{
				RoleName: name, PolicyDocument: aws.String(trustOf("210987654321")),
			})
			wantCode(t, err, "")
		}, assumeWallets, "", "AccessDenied"},
		"an inline policy that allows": {createWallets, func(t *testing.T, w *world) {
			t.Helper()
			w.allow(t, *name, allowAll)
		}, listAsWallets, "AccessDenied", ""},
	}
	for title, test := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			w := newLaggingWorld(t)
			if test.before != nil {
				test.before(t, w)
				w.pass(lag)
			}
			test.change(t, w)
			w.pass(lag - time.Nanosecond)
			wantCode(t, test.look(t, w), test.soon)
			w.pass(time.Nanosecond)
			wantCode(t, test.look(t, w), test.later)
		})
	}
}

const walletsARN = "arn:aws:iam::" + account + ":role/wallets"

func createWallets(t *testing.T, w *world) {
	t.Helper()
	w.role(t, "wallets", trustOf(rootARN))
}

func recreateWallets(t *testing.T, w *world) error {
	t.Helper()
	_, err := w.iam.CreateRole(t.Context(), &iam.CreateRoleInput{
		RoleName: aws.String("Wallets"), AssumeRolePolicyDocument: aws.String(trustOf(rootARN)),
	})
	return err
}

func deleteWallets(t *testing.T, w *world) {
	t.Helper()
	_, err := w.iam.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: aws.String("wallets")})
	wantCode(t, err, "")
}

func getWallets(t *testing.T, w *world) error {
	t.Helper()
	_, err := w.iam.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("wallets")})
	return err
}

func describeWallets(t *testing.T, w *world) error {
	t.Helper()
	_, err := w.iam.UpdateRole(t.Context(), &iam.UpdateRoleInput{RoleName: aws.String("wallets"), Description: aws.String("of wallets")})
	return err
}

func assumeWallets(t *testing.T, w *world) error {
	t.Helper()
	_, err := w.sts.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String(walletsARN), RoleSessionName: aws.String("session")})
	return err
}

// listAsWallets lists roles with a session of the role.
func listAsWallets(t *testing.T, w *world) error {
	t.Helper()
	_, err := iam.NewFromConfig(w.as(w.assume(t, walletsARN))).ListRoles(t.Context(), &iam.ListRolesInput{})
	return err
}

func makeBucket(t *testing.T, w *world) {
	t.Helper()
	_, err := w.buckets().CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("vault")})
	wantCode(t, err, "")
}

func putPolicyForWallets(t *testing.T, w *world) error {
	t.Helper()
	_, err := w.buckets().PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: aws.String("vault"), Policy: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + walletsARN + `"},"Action":"s3:ListBucket","Resource":"arn:aws:s3:::vault"}]}`,
	)})
	return err
}

// buckets is a client of the administrator.
func (w *world) buckets() *s3.Client {
	return s3.NewFromConfig(w.config("localaws", "localaws", ""), func(o *s3.Options) { o.UsePathStyle = true })
}

func TestAccessKeysDoNotLag(t *testing.T) {
	t.Parallel()
	w := newLaggingWorld(t)
	_, err := w.iam.CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String("alice")})
	wantCode(t, err, "")
	alice := w.alice(t)
	_, err = sts.NewFromConfig(alice).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	wantCode(t, err, "")
	_, err = w.iam.DeleteAccessKey(t.Context(), &iam.DeleteAccessKeyInput{UserName: aws.String("alice"), AccessKeyId: accessKeyOf(t, alice)})
	wantCode(t, err, "")
	_, err = sts.NewFromConfig(alice).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	wantCode(t, err, "InvalidClientTokenId")
}
