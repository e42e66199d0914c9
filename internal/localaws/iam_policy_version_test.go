package localaws_test

import (
	"net/url"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/google/go-cmp/cmp"
)

// version adds a version to a policy.
func (w *world) version(t *testing.T, arn *string, document string, inForce bool) error {
	t.Helper()
	_, err := w.iam.CreatePolicyVersion(t.Context(), &iam.CreatePolicyVersionInput{PolicyArn: arn, PolicyDocument: &document, SetAsDefault: inForce})
	return err
}

// versions lists a policy's versions, the one in force with a star.
func (w *world) versions(t *testing.T, arn *string) []string {
	t.Helper()
	out, err := w.iam.ListPolicyVersions(t.Context(), &iam.ListPolicyVersionsInput{PolicyArn: arn})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, v := range out.Versions {
		id := *v.VersionId
		if v.IsDefaultVersion {
			id += "*"
		}
		ids = append(ids, id)
	}
	return ids
}

func TestPolicyVersions(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	arn := w.policy(t, "permissions", allowAll)
	deny := statement("Deny", "*", "*", "{}")
	for _, inForce := range []bool{false, true, false, false} {
		wantCode(t, w.version(t, arn, deny, inForce), "")
	}
	wantRefusal(t, w.version(t, arn, deny, false), "LimitExceeded", "A managed policy can have up to 5 versions.")
	if diff := cmp.Diff([]string{"v5", "v4", "v3*", "v2", "v1"}, w.versions(t, arn)); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
	drop := func(id string) error {
		_, err := w.iam.DeletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{PolicyArn: arn, VersionId: &id})
		return err
	}
	set := func(id string) error {
		_, err := w.iam.SetDefaultPolicyVersion(ctx, &iam.SetDefaultPolicyVersionInput{PolicyArn: arn, VersionId: &id})
		return err
	}
	wantRefusal(t, drop("v3"), "DeleteConflict", "Cannot delete the default version of a policy.")
	wantCode(t, drop("v5"), "")
	wantRefusal(t, drop("v5"), "NoSuchEntity", "version v5 does not exist or is not attachable.")
	wantCode(t, w.version(t, arn, deny, false), "") // v6: a number is not given twice
	wantCode(t, set("v1"), "")
	wantRefusal(t, set("v9"), "NoSuchEntity", "version v9 does not exist or is not attachable.")
	wantRefusal(t, set("1"), "ValidationError", "Value at 'versionId' failed to satisfy constraint: Member must satisfy regular expression pattern: v[1-9]")
	if diff := cmp.Diff([]string{"v6", "v4", "v3", "v2", "v1*"}, w.versions(t, arn)); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
	got, err := w.iam.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: arn, VersionId: aws.String("v3")})
	wantCode(t, err, "")
	if document, _ := url.PathUnescape(*got.PolicyVersion.Document); document != deny {
		t.Errorf("version v3 is %s", document)
	}
	_, err = w.iam.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: arn})
	wantRefusal(t, err, "DeleteConflict", "This policy has more than one version.")
}

// TestTheVersionInForceDecides holds that a session is judged by the version that
// is in force at the time.
func TestTheVersionInForceDecides(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	role := w.role(t, "wallets", trustOf(rootARN))
	arn := w.policy(t, "permissions", statement("Allow", "s3:*", "*", "{}"))
	_, err := w.iam.AttachRolePolicy(t.Context(), &iam.AttachRolePolicyInput{RoleName: aws.String("wallets"), PolicyArn: arn})
	wantCode(t, err, "")
	session := iam.NewFromConfig(w.as(w.assume(t, role)))
	list := func() error {
		_, err := session.ListRoles(t.Context(), &iam.ListRolesInput{})
		return err
	}
	wantCode(t, w.version(t, arn, allowAll, false), "")
	wantCode(t, list(), "AccessDenied")
	_, err = w.iam.SetDefaultPolicyVersion(t.Context(), &iam.SetDefaultPolicyVersionInput{PolicyArn: arn, VersionId: aws.String("v2")})
	wantCode(t, err, "")
	wantCode(t, list(), "")
}

func TestPoliciesOfAWSAreClosed(t *testing.T) {
	t.Parallel()
	w, ctx, arn := newWorld(t), t.Context(), aws.String("arn:aws:iam::aws:policy/AmazonS3FullAccess")
	_, err := w.iam.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: arn})
	wantRefusal(t, err, "AccessDenied", "Cannot delete policies outside your own account.")
	_, err = w.iam.DeletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{PolicyArn: arn, VersionId: aws.String("v1")})
	wantRefusal(t, err, "AccessDenied", "Cannot delete policy versions for policies outside your own account.")
	_, err = w.iam.SetDefaultPolicyVersion(ctx, &iam.SetDefaultPolicyVersionInput{PolicyArn: arn, VersionId: aws.String("v1")})
	wantRefusal(t, err, "AccessDenied", "Cannot update policies outside your own account.")
	wantCode(t, w.version(t, arn, allowAll, true), "AccessDenied")
	_, err = w.iam.TagPolicy(ctx, &iam.TagPolicyInput{PolicyArn: arn, Tags: []iamtypes.Tag{iamTag("a", "b")}})
	wantCode(t, err, "AccessDenied")
}

func TestEntitiesOfAPolicy(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	w.role(t, "reader", trustOf(account))
	newAlice(t, w)
	arn := w.policy(t, "permissions", allowAll)
	_, err := w.iam.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: aws.String("reader"), PolicyArn: arn})
	wantCode(t, err, "")
	_, err = w.iam.PutUserPermissionsBoundary(ctx, &iam.PutUserPermissionsBoundaryInput{UserName: aws.String("alice"), PermissionsBoundary: arn})
	wantCode(t, err, "")
	tests := map[string]struct {
		in   iam.ListEntitiesForPolicyInput
		want []string
	}{
		"all":             {iam.ListEntitiesForPolicyInput{}, []string{"reader", "alice"}},
		"roles":           {iam.ListEntitiesForPolicyInput{EntityFilter: iamtypes.EntityTypeRole}, []string{"reader"}},
		"users":           {iam.ListEntitiesForPolicyInput{EntityFilter: iamtypes.EntityTypeUser}, []string{"alice"}},
		"groups":          {iam.ListEntitiesForPolicyInput{EntityFilter: iamtypes.EntityTypeGroup}, nil},
		"as a permission": {iam.ListEntitiesForPolicyInput{PolicyUsageFilter: iamtypes.PolicyUsageTypePermissionsPolicy}, []string{"reader"}},
		"as a boundary":   {iam.ListEntitiesForPolicyInput{PolicyUsageFilter: iamtypes.PolicyUsageTypePermissionsBoundary}, []string{"alice"}},
		"below a path":    {iam.ListEntitiesForPolicyInput{PathPrefix: aws.String("/staff/")}, []string{"alice"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.in.PolicyArn = arn
			out, err := w.iam.ListEntitiesForPolicy(t.Context(), &test.in)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range out.PolicyRoles {
				got = append(got, *r.RoleName)
			}
			for _, u := range out.PolicyUsers {
				got = append(got, *u.UserName)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("entities (-want +got):\n%s", diff)
			}
		})
	}
	_, err = w.iam.ListEntitiesForPolicy(ctx, &iam.ListEntitiesForPolicyInput{PolicyArn: aws.String("arn:aws:iam::" + account + ":policy/none")})
	wantRefusal(t, err, "NoSuchEntity", "policy/none does not exist or is not attachable.")
}
