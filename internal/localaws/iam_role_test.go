package localaws_test

import (
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/google/go-cmp/cmp"
)

func TestRoleLifecycle(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, name := t.Context(), aws.String("wallets")
	created, err := w.iam.CreateRole(ctx, &iam.CreateRoleInput{
		RoleName: name, Path: aws.String("/apps/"), Description: aws.String("of wallets"),
		AssumeRolePolicyDocument: aws.String(trustOf(account)),
		Tags:                     []iamtypes.Tag{iamTag("team", "one")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := "arn:aws:iam::" + account + ":role/apps/wallets"; *created.Role.Arn != want {
		t.Errorf("ARN %s, want %s", *created.Role.Arn, want)
	}
	// AWS stores an account number as the account's root.
	if got := w.trustPolicy(t, "wallets"); got != trustOf(rootARN) {
		t.Errorf("trust policy %s, want %s", got, trustOf(rootARN))
	}
	_, err = w.iam.UpdateRole(ctx, &iam.UpdateRoleInput{RoleName: name, MaxSessionDuration: aws.Int32(43200)})
	wantCode(t, err, "")
	_, err = w.iam.TagRole(ctx, &iam.TagRoleInput{RoleName: name, Tags: []iamtypes.Tag{iamTag("Team", "two"), iamTag("env", "")}})
	wantCode(t, err, "")
	_, err = w.iam.UntagRole(ctx, &iam.UntagRoleInput{RoleName: name, TagKeys: []string{"ENV"}})
	wantCode(t, err, "")
	got, err := w.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: name})
	if err != nil {
		t.Fatal(err)
	}
	type role struct {
		ID, Description string
		Max             int32
		Tags            map[string]string
	}
	want := role{*created.Role.RoleId, "of wallets", 43200, map[string]string{"Team": "two"}}
	shown := role{*got.Role.RoleId, *got.Role.Description, *got.Role.MaxSessionDuration, tagMap(got.Role.Tags)}
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Errorf("role (-want +got):\n%s", diff)
	}
	_, err = w.iam.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: name})
	wantCode(t, err, "")
	_, err = w.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: name})
	wantRefusal(t, err, "NoSuchEntity", "The role with name wallets cannot be found.")
	w.role(t, "wallets", trustOf(account))
	again, err := w.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: name})
	if err != nil {
		t.Fatal(err)
	}
	if *again.Role.RoleId == *created.Role.RoleId {
		t.Error("the role created again has the old one's id")
	}
}

func tagMap(tags []iamtypes.Tag) map[string]string {
	m := map[string]string{}
	for _, x := range tags {
		m[*x.Key] = *x.Value
	}
	return m
}

func TestCreateRoleRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.role(t, "Existing", trustOf(account))
	many := make([]iamtypes.Tag, 51)
	for i := range many {
		many[i] = iamTag("k"+strconv.Itoa(i), "v")
	}
	tests := map[string]struct {
		change        func(*iam.CreateRoleInput)
		code, message string
	}{
		"exists":                   {func(in *iam.CreateRoleInput) { in.RoleName = aws.String("Existing") }, "EntityAlreadyExists", "Role with name Existing already exists."},
		"exists in another case":   {func(in *iam.CreateRoleInput) { in.RoleName = aws.String("existing") }, "EntityAlreadyExists", ""},
		"name with a slash":        {func(in *iam.CreateRoleInput) { in.RoleName = aws.String("a/b") }, "ValidationError", "The specified value for roleName is invalid"},
		"name of 65":               {func(in *iam.CreateRoleInput) { in.RoleName = aws.String(strings.Repeat("a", 65)) }, "ValidationError", "less than or equal to 64"},
		"path without slashes":     {func(in *iam.CreateRoleInput) { in.Path = aws.String("apps") }, "ValidationError", "The specified value for path is invalid"},
		"session of half an hour":  {func(in *iam.CreateRoleInput) { in.MaxSessionDuration = aws.Int32(1800) }, "ValidationError", "3600"},
		"session of a day":         {func(in *iam.CreateRoleInput) { in.MaxSessionDuration = aws.Int32(86400) }, "ValidationError", "43200"},
		"trust policy is no JSON":  {func(in *iam.CreateRoleInput) { in.AssumeRolePolicyDocument = aws.String("{") }, "MalformedPolicyDocument", ""},
		"trust policy is identity": {func(in *iam.CreateRoleInput) { in.AssumeRolePolicyDocument = aws.String(allowAll) }, "MalformedPolicyDocument", ""},
		"trusted role is missing": {func(in *iam.CreateRoleInput) {
			in.AssumeRolePolicyDocument = aws.String(trustOf("arn:aws:iam::" + account + ":role/nobody"))
		}, "MalformedPolicyDocument", `Invalid principal in policy: "AWS":"arn:aws:iam::` + account + `:role/nobody"`},
		"trusted id is unknown": {func(in *iam.CreateRoleInput) {
			in.AssumeRolePolicyDocument = aws.String(trustOf("AROAAAAAAAAAAAAAAAAAA"))
		}, "MalformedPolicyDocument", ""},
		"trust policy over 2048": {func(in *iam.CreateRoleInput) { in.AssumeRolePolicyDocument = aws.String(trustOfSize(2049)) }, "LimitExceeded", "ACLSizePerRole: 2048"},
		"51 tags":                {func(in *iam.CreateRoleInput) { in.Tags = many }, "ValidationError", "'tags'"},
		"the same tag twice":     {func(in *iam.CreateRoleInput) { in.Tags = []iamtypes.Tag{iamTag("a", ""), iamTag("A", "")} }, "InvalidInput", "Duplicate tag keys found"},
		"wildcard in a tag":      {func(in *iam.CreateRoleInput) { in.Tags = []iamtypes.Tag{iamTag("a", "a*b")} }, "ValidationError", "regular expression"},
		"reserved tag":           {func(in *iam.CreateRoleInput) { in.Tags = []iamtypes.Tag{iamTag("AWS:a", "")} }, "InvalidInput", "reserved"},
		"unknown boundary":       {func(in *iam.CreateRoleInput) { in.PermissionsBoundary = aws.String("arn:aws:iam::aws:policy/Nothing") }, "NoSuchEntity", "not attachable"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := &iam.CreateRoleInput{RoleName: aws.String("fresh"), AssumeRolePolicyDocument: aws.String(trustOf(account))}
			test.change(in)
			_, err := w.iam.CreateRole(t.Context(), in)
			wantRefusal(t, err, test.code, test.message)
		})
	}
}

// trustOfSize is a trust policy of so many characters, and much white space,
// which does not count.
func trustOfSize(size int) string {
	document := strings.Replace(trustOf(account), `"Effect"`, `"Sid":"",   "Effect"`, 1)
	compact := len(document) - 3
	return strings.Replace(document, `"Sid":""`, `"Sid":"`+strings.Repeat("a", size-compact)+`"`, 1)
}

func TestTrustPolicyOfTheLargestSize(t *testing.T) {
	t.Parallel()
	newWorld(t).role(t, "wallets", trustOfSize(2048))
}

func TestRolesArePaged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var want, got []string
	for i := range 7 {
		want = append(want, "role-"+strconv.Itoa(i))
		w.role(t, want[i], trustOf(account))
	}
	pages := iam.NewListRolesPaginator(w.iam, &iam.ListRolesInput{MaxItems: aws.Int32(3)})
	sizes := []int{}
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, len(page.Roles))
		for i := range page.Roles {
			got = append(got, *page.Roles[i].RoleName)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("roles (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int{3, 3, 1}, sizes); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	_, err := w.iam.ListRoles(t.Context(), &iam.ListRolesInput{MaxItems: aws.Int32(1001)})
	wantCode(t, err, "ValidationError")
}

func TestInlinePolicies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, role := t.Context(), aws.String("wallets")
	w.role(t, *role, trustOf(account))
	// Spaces, plus signs and percent signs survive the encoding in answers.
	document := `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::b/a+b %20/ü"}]}`
	put := func(name, document string) error {
		_, err := w.iam.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: role, PolicyName: &name, PolicyDocument: &document})
		return err
	}
	wantCode(t, put("one", document), "")
	got, err := w.iam.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: role, PolicyName: aws.String("one")})
	if err != nil {
		t.Fatal(err)
	}
	if decoded, err := url.PathUnescape(*got.PolicyDocument); err != nil || decoded != document {
		t.Errorf("document %q (%v), want %q", decoded, err, document)
	}
	large := func(size int) string {
		return strings.Replace(allowAll, `"Effect"`, `"Sid":"`+strings.Repeat("a", size-len(allowAll)-len(`"Sid":"",`))+`","Effect"`, 1)
	}
	rest := 10240 - len(strings.ReplaceAll(document, ": ", ":")) + strings.Count(document, ", ")
	wantRefusal(t, put("two", large(rest+10)), "LimitExceeded", "Maximum policy size of 10240 bytes exceeded for role wallets")
	wantCode(t, put("two", large(5000)), "")
	_, err = w.iam.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: role})
	wantRefusal(t, err, "DeleteConflict", "must delete policies first")
	list, err := w.iam.ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: role})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"one", "two"}, list.PolicyNames); diff != "" {
		t.Errorf("policies (-want +got):\n%s", diff)
	}
	for _, code := range []string{"", "NoSuchEntity"} {
		_, err = w.iam.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: role, PolicyName: aws.String("one")})
		wantCode(t, err, code)
	}
}

func TestManagedPolicies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, role := t.Context(), aws.String("wallets")
	w.role(t, *role, trustOf(account))
	created, err := w.iam.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("everything"), PolicyDocument: aws.String(allowAll)})
	if err != nil {
		t.Fatal(err)
	}
	ours, readOnly := created.Policy.Arn, aws.String("arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
	for _, arn := range []*string{ours, readOnly, readOnly} {
		_, err = w.iam.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: role, PolicyArn: arn})
		wantCode(t, err, "")
	}
	list, err := w.iam.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: role})
	if err != nil {
		t.Fatal(err)
	}
	if len(list.AttachedPolicies) != 2 {
		t.Errorf("%d policies are attached, want 2", len(list.AttachedPolicies))
	}
	version, err := w.iam.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: ours, VersionId: created.Policy.DefaultVersionId})
	if err != nil {
		t.Fatal(err)
	}
	if decoded, _ := url.PathUnescape(*version.PolicyVersion.Document); decoded != allowAll {
		t.Errorf("document %q, want %q", decoded, allowAll)
	}
	_, err = w.iam.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: ours})
	wantRefusal(t, err, "DeleteConflict", "Cannot delete a policy attached to entities.")
	_, err = w.iam.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: role})
	wantRefusal(t, err, "DeleteConflict", "must detach all policies first")
	for _, code := range []string{"", "NoSuchEntity"} {
		_, err = w.iam.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: role, PolicyArn: ours})
		wantCode(t, err, code)
	}
	_, err = w.iam.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: ours})
	wantCode(t, err, "")
	_, err = w.iam.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: role, PolicyArn: ours})
	wantRefusal(t, err, "NoSuchEntity", "does not exist or is not attachable")
}

func TestAccountAuthorizationDetails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.role(t, "wallets", trustOf(account))
	w.allow(t, "wallets", allowAll)
	arn := aws.String("arn:aws:iam::aws:policy/AmazonS3FullAccess")
	_, err := w.iam.AttachRolePolicy(t.Context(), &iam.AttachRolePolicyInput{RoleName: aws.String("wallets"), PolicyArn: arn})
	wantCode(t, err, "")
	_, err = w.iam.PutRolePermissionsBoundary(t.Context(), &iam.PutRolePermissionsBoundaryInput{RoleName: aws.String("wallets"), PermissionsBoundary: arn})
	wantCode(t, err, "")
	var roles []iamtypes.RoleDetail
	var users []iamtypes.UserDetail
	var policies []iamtypes.ManagedPolicyDetail
	pages := iam.NewGetAccountAuthorizationDetailsPaginator(w.iam, &iam.GetAccountAuthorizationDetailsInput{MaxItems: aws.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		users = append(users, page.UserDetailList...)
		roles, policies = append(roles, page.RoleDetailList...), append(policies, page.Policies...)
	}
	if len(roles) != 1 || len(policies) != 3 {
		t.Fatalf("%d roles and %d policies, want 1 and 3", len(roles), len(policies))
	}
	if len(users) != 1 || *users[0].Arn != adminARN || len(users[0].AttachedManagedPolicies) != 1 {
		t.Errorf("users %+v, want the administrator with a policy", users)
	}
	r := roles[0]
	if len(r.RolePolicyList) != 1 || len(r.AttachedManagedPolicies) != 1 || aws.ToString(r.PermissionsBoundary.PermissionsBoundaryArn) != *arn {
		t.Errorf("the role lacks an inline policy, an attached policy or its boundary: %+v", r)
	}
	if len(policies[0].PolicyVersionList) != 1 {
		t.Error("the policy has no document")
	}
}
