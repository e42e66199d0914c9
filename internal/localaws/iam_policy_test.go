package localaws_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/google/go-cmp/cmp"
)

func TestCreatePolicyRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.iam.CreatePolicy(t.Context(), &iam.CreatePolicyInput{PolicyName: aws.String("Existing"), PolicyDocument: aws.String(allowAll)})
	wantCode(t, err, "")
	tests := map[string]struct {
		name, document, code, message string
	}{
		"exists in another case": {"existing", allowAll, "EntityAlreadyExists", "Duplicate names are not allowed"},
		"has a principal":        {"fresh", trustOf(account), "MalformedPolicyDocument", ""},
		"over 6144 characters":   {"fresh", statement("Allow", "s3:"+strings.Repeat("a", 6144), "*", "{}"), "LimitExceeded", "PolicySize: 6144"},
		"name with a blank":      {"a b", allowAll, "ValidationError", "The specified value for policyName is invalid"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := w.iam.CreatePolicy(t.Context(), &iam.CreatePolicyInput{PolicyName: &test.name, PolicyDocument: &test.document})
			wantRefusal(t, err, test.code, test.message)
		})
	}
	_, err = w.iam.DeletePolicy(t.Context(), &iam.DeletePolicyInput{PolicyArn: aws.String("arn:aws:iam::aws:policy/AdministratorAccess")})
	wantCode(t, err, "AccessDenied")
}

func TestPoliciesByScope(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := &iam.CreatePolicyInput{
		PolicyName: aws.String("ours"), Path: aws.String("/apps/"), Description: aws.String("of ours"), PolicyDocument: aws.String(allowAll),
		Tags: []iamtypes.Tag{iamTag("team", "one")},
	}
	created, err := w.iam.CreatePolicy(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	got, err := w.iam.GetPolicy(t.Context(), &iam.GetPolicyInput{PolicyArn: created.Policy.Arn})
	if err != nil {
		t.Fatal(err)
	}
	if *got.Policy.Description != "of ours" || tagMap(got.Policy.Tags)["team"] != "one" {
		t.Errorf("policy lacks its description or tags: %+v", got.Policy)
	}
	all := []string{"AdministratorAccess", "AmazonS3FullAccess", "AmazonS3ReadOnlyAccess", "ours"}
	tests := map[string]struct {
		in   *iam.ListPoliciesInput
		want []string
	}{
		"all":           {&iam.ListPoliciesInput{}, nil},
		"the account's": {&iam.ListPoliciesInput{Scope: iamtypes.PolicyScopeTypeLocal}, all[3:]},
		"AWS's":         {&iam.ListPoliciesInput{Scope: iamtypes.PolicyScopeTypeAws}, all[:3]},
		"below a path":  {&iam.ListPoliciesInput{PathPrefix: aws.String("/apps/")}, all[3:]},
		"attached":      {&iam.ListPoliciesInput{OnlyAttached: true}, all[:1]},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := w.iam.ListPolicies(t.Context(), test.in)
			if err != nil {
				t.Fatal(err)
			}
			names := []string{}
			for i := range out.Policies {
				names = append(names, *out.Policies[i].PolicyName)
			}
			if test.want == nil {
				// The account's number sorts before "aws".
				test.want = append(append([]string{}, all[3]), all[:3]...)
			}
			if diff := cmp.Diff(test.want, names); diff != "" {
				t.Errorf("policies (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTagsAreListed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, tags := t.Context(), []iamtypes.Tag{iamTag("b", "2"), iamTag("a", "1"), iamTag("c", "")}
	w.role(t, "wallets", trustOf(account))
	_, err := w.iam.TagRole(ctx, &iam.TagRoleInput{RoleName: aws.String("wallets"), Tags: tags})
	wantCode(t, err, "")
	created, err := w.iam.CreateOpenIDConnectProvider(ctx, &iam.CreateOpenIDConnectProviderInput{Url: aws.String("https://broker.example.com"), Tags: tags})
	if err != nil {
		t.Fatal(err)
	}
	var ofRole, ofProvider []iamtypes.Tag
	rolePages := iam.NewListRoleTagsPaginator(w.iam, &iam.ListRoleTagsInput{RoleName: aws.String("wallets"), MaxItems: aws.Int32(2)})
	for rolePages.HasMorePages() {
		page, err := rolePages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		ofRole = append(ofRole, page.Tags...)
	}
	out, err := w.iam.ListOpenIDConnectProviderTags(ctx, &iam.ListOpenIDConnectProviderTagsInput{OpenIDConnectProviderArn: created.OpenIDConnectProviderArn})
	if err != nil {
		t.Fatal(err)
	}
	ofProvider = out.Tags
	want := map[string]string{"a": "1", "b": "2", "c": ""}
	if diff := cmp.Diff([]map[string]string{want, want}, []map[string]string{tagMap(ofRole), tagMap(ofProvider)}); diff != "" {
		t.Errorf("tags of the role and the provider (-want +got):\n%s", diff)
	}
}

func TestBoundaryIsRemoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.role(t, "wallets", trustOf(account))
	w.bound(t, "wallets", allowAll)
	_, err := w.iam.DeletePolicy(t.Context(), &iam.DeletePolicyInput{PolicyArn: aws.String("arn:aws:iam::" + account + ":policy/boundary")})
	wantCode(t, err, "DeleteConflict")
	for _, code := range []string{"", "NoSuchEntity"} {
		_, err := w.iam.DeleteRolePermissionsBoundary(t.Context(), &iam.DeleteRolePermissionsBoundaryInput{RoleName: aws.String("wallets")})
		wantCode(t, err, code)
	}
}

func TestSessionPolicyParameters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	role := w.role(t, "wallets", trustOf(rootARN))
	w.allow(t, "wallets", allowAll)
	large := make([]ststypes.Tag, 0, 20)
	for _, letter := range "abcdefghijklmnopqrst" {
		large = append(large, stsTag(string(letter), strings.Repeat("v", 256)))
	}
	tests := map[string]struct {
		arns []string
		tags []ststypes.Tag
		code string // of assuming the role
		list string // of listing roles with the session
	}{
		"managed policy that allows":     {[]string{"arn:aws:iam::aws:policy/AdministratorAccess"}, nil, "", ""},
		"managed policy that does not":   {[]string{"arn:aws:iam::aws:policy/AmazonS3FullAccess"}, nil, "", "AccessDenied"},
		"managed policy that is missing": {[]string{"arn:aws:iam::aws:policy/NothingAtAll"}, nil, "MalformedPolicyDocument", ""},
		"more tags than a session holds": {nil, large, "PackedPolicyTooLarge", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("session"), Tags: test.tags}
			for _, arn := range test.arns {
				in.PolicyArns = append(in.PolicyArns, ststypes.PolicyDescriptorType{Arn: &arn})
			}
			out, err := w.sts.AssumeRole(t.Context(), in)
			wantCode(t, err, test.code)
			if err != nil {
				return
			}
			_, err = iam.NewFromConfig(w.as(out.Credentials)).ListRoles(t.Context(), &iam.ListRolesInput{})
			wantCode(t, err, test.list)
		})
	}
}
