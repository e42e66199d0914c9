package localaws_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"
)

const aliceARN = "arn:aws:iam::" + account + ":user/staff/alice"

// newAlice creates a user with a tag.
func newAlice(t *testing.T, w *world) {
	t.Helper()
	_, err := w.iam.CreateUser(t.Context(), &iam.CreateUserInput{
		UserName: aws.String("alice"), Path: aws.String("/staff/"), Tags: []iamtypes.Tag{iamTag("team", "one")},
	})
	wantCode(t, err, "")
}

// alice is the configuration of a new access key of hers.
func (w *world) alice(t *testing.T) aws.Config {
	t.Helper()
	out, err := w.iam.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: aws.String("alice")})
	if err != nil {
		t.Fatal(err)
	}
	return w.config(*out.AccessKey.AccessKeyId, *out.AccessKey.SecretAccessKey, "")
}

func accessKeyOf(t *testing.T, c aws.Config) *string {
	t.Helper()
	key, err := c.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return &key.AccessKeyID
}

func TestUsersAreJudgedByTheirPolicies(t *testing.T) {
	t.Parallel()
	read := func(condition string) string { return statement("Allow", "iam:GetUser", aliceARN, condition) }
	tests := map[string]struct {
		inline, attached, boundary string
		code, message              string
	}{
		"nothing allows":          {"", "", "", "AccessDenied", "User: " + aliceARN + " is not authorized to perform: iam:GetUser"},
		"inline policy allows":    {read("{}"), "", "", "", ""},
		"attached policy allows":  {"", read("{}"), "", "", ""},
		"inline policy denies":    {statement("Deny", "iam:*", "*", "{}"), allowAll, "", "AccessDenied", "with an explicit deny in an identity-based policy"},
		"boundary does not allow": {allowAll, "", statement("Allow", "s3:*", "*", "{}"), "AccessDenied", "because no permissions boundary allows"},
		"boundary allows too":     {allowAll, "", allowAll, "", ""},
		"aws:username":            {read(`{"StringEquals":{"aws:username":"alice"}}`), "", "", "", ""},
		"aws:PrincipalTag":        {read(`{"StringEquals":{"aws:PrincipalTag/team":"one"}}`), "", "", "", ""},
		"iam:ResourceTag":         {read(`{"StringEquals":{"iam:ResourceTag/team":"one"}}`), "", "", "", ""},
		"another's tag":           {read(`{"StringEquals":{"aws:PrincipalTag/team":"two"}}`), "", "", "AccessDenied", ""},
		"aws:PrincipalArn":        {read(`{"ArnEquals":{"aws:PrincipalArn":"` + aliceARN + `"}}`), "", "", "", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, ctx, alice := newWorld(t), t.Context(), aws.String("alice")
			newAlice(t, w)
			if test.inline != "" {
				_, err := w.iam.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: alice, PolicyName: aws.String("permissions"), PolicyDocument: &test.inline})
				wantCode(t, err, "")
			}
			if test.attached != "" {
				_, err := w.iam.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: alice, PolicyArn: w.policy(t, "attached", test.attached)})
				wantCode(t, err, "")
			}
			if test.boundary != "" {
				_, err := w.iam.PutUserPermissionsBoundary(ctx, &iam.PutUserPermissionsBoundaryInput{
					UserName: alice, PermissionsBoundary: w.policy(t, "boundary", test.boundary),
				})
				wantCode(t, err, "")
			}
			_, err := iam.NewFromConfig(w.alice(t)).GetUser(ctx, &iam.GetUserInput{})
			wantRefusal(t, err, test.code, test.message)
		})
	}
}

// policy creates a managed policy and returns its ARN.
func (w *world) policy(t *testing.T, name, document string) *string {
	t.Helper()
	out, err := w.iam.CreatePolicy(t.Context(), &iam.CreatePolicyInput{PolicyName: &name, PolicyDocument: &document})
	if err != nil {
		t.Fatal(err)
	}
	return out.Policy.Arn
}

// TestUsersAreBoundByTheirIDs holds that a grant to a user is not one to the next
// user of that name.
func TestUsersAreBoundByTheirIDs(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	makeBucket(t, w)
	newAlice(t, w)
	grant := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + aliceARN + `"},"Action":"s3:ListBucket","Resource":"arn:aws:s3:::vault"}]}`
	_, err := w.buckets().PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: aws.String("vault"), Policy: &grant})
	wantCode(t, err, "")
	list := func() error {
		_, err := s3.NewFromConfig(w.alice(t)).ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("vault")})
		return err
	}
	wantCode(t, list(), "")
	keys, err := w.iam.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: aws.String("alice")})
	wantCode(t, err, "")
	for _, key := range keys.AccessKeyMetadata {
		_, err = w.iam.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: aws.String("alice"), AccessKeyId: key.AccessKeyId})
		wantCode(t, err, "")
	}
	_, err = w.iam.DeleteUser(ctx, &iam.DeleteUserInput{UserName: aws.String("alice")})
	wantCode(t, err, "")
	newAlice(t, w)
	wantCode(t, list(), "AccessDenied")
	shown, err := w.buckets().GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: aws.String("vault")})
	wantCode(t, err, "")
	if !strings.Contains(*shown.Policy, `"AWS":"AIDA`) {
		t.Errorf("the policy shows %s, want the id of the user who is gone", *shown.Policy)
	}
}

func TestUserLifecycle(t *testing.T) {
	t.Parallel()
	w, ctx, alice := newWorld(t), t.Context(), aws.String("alice")
	newAlice(t, w)
	_, err := w.iam.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("Alice")})
	wantRefusal(t, err, "EntityAlreadyExists", "User with name Alice already exists.")
	_, err = w.iam.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("localaws")})
	wantCode(t, err, "EntityAlreadyExists")
	_, err = w.iam.TagUser(ctx, &iam.TagUserInput{UserName: alice, Tags: []iamtypes.Tag{iamTag("Team", "two"), iamTag("env", "test")}})
	wantCode(t, err, "")
	_, err = w.iam.UntagUser(ctx, &iam.UntagUserInput{UserName: alice, TagKeys: []string{"ENV"}})
	wantCode(t, err, "")
	tags, err := w.iam.ListUserTags(ctx, &iam.ListUserTagsInput{UserName: alice})
	wantCode(t, err, "")
	if diff := cmp.Diff(map[string]string{"Team": "two"}, tagMap(tags.Tags)); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	list, err := w.iam.ListUsers(ctx, &iam.ListUsersInput{PathPrefix: aws.String("/staff")})
	wantCode(t, err, "")
	if len(list.Users) != 1 || *list.Users[0].Arn != aliceARN || !strings.HasPrefix(*list.Users[0].UserId, "AIDA") {
		t.Errorf("users below /staff: %+v", list.Users)
	}
	_, err = w.iam.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: alice, PolicyName: aws.String("one"), PolicyDocument: aws.String(allowAll)})
	wantCode(t, err, "")
	w.alice(t)
	second := w.alice(t)
	_, err = w.iam.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: alice})
	wantRefusal(t, err, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2")
	_, err = w.iam.DeleteUser(ctx, &iam.DeleteUserInput{UserName: alice})
	wantRefusal(t, err, "DeleteConflict", "must delete access keys first")
	keys, err := iam.NewFromConfig(second).ListAccessKeys(ctx, &iam.ListAccessKeysInput{})
	wantCode(t, err, "")
	for _, key := range keys.AccessKeyMetadata {
		_, err = w.iam.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: alice, AccessKeyId: key.AccessKeyId})
		wantCode(t, err, "")
	}
	_, err = w.iam.DeleteUser(ctx, &iam.DeleteUserInput{UserName: alice})
	wantRefusal(t, err, "DeleteConflict", "must delete policies first")
	for _, code := range []string{"", "NoSuchEntity"} {
		_, err = w.iam.DeleteUserPolicy(ctx, &iam.DeleteUserPolicyInput{UserName: alice, PolicyName: aws.String("one")})
		wantCode(t, err, code)
	}
	for _, code := range []string{"", "NoSuchEntity"} {
		_, err = w.iam.DeleteUser(ctx, &iam.DeleteUserInput{UserName: alice})
		wantCode(t, err, code)
	}
}

func TestAccessKeys(t *testing.T) {
	t.Parallel()
	w, ctx, alice := newWorld(t), t.Context(), aws.String("alice")
	newAlice(t, w)
	config := w.alice(t)
	who := func() error {
		out, err := sts.NewFromConfig(config).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		if err == nil && *out.Arn != aliceARN {
			t.Errorf("the key's user is %s", *out.Arn)
		}
		return err
	}
	key := accessKeyOf(t, config)
	set := func(status iamtypes.StatusType) error {
		_, err := w.iam.UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{UserName: alice, AccessKeyId: key, Status: status})
		return err
	}
	wantCode(t, who(), "")
	wantCode(t, set(iamtypes.StatusTypeInactive), "")
	wantCode(t, who(), "InvalidClientTokenId")
	wantCode(t, set(iamtypes.StatusTypeActive), "")
	wantCode(t, who(), "")
	wantRefusal(t, set("Idle"), "ValidationError", "'status'")
	_, err := w.iam.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{AccessKeyId: key}) // the administrator's own
	wantRefusal(t, err, "NoSuchEntity", "The Access Key with id "+*key+" cannot be found.")
	role := w.role(t, "wallets", trustOf(rootARN))
	w.allow(t, "wallets", allowAll)
	_, err = iam.NewFromConfig(w.as(w.assume(t, role))).DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{AccessKeyId: key})
	wantRefusal(t, err, "ValidationError", "Must specify userName when calling with non-User credentials")
}
