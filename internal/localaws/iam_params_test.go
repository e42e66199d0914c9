package localaws_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/google/go-cmp/cmp"
)

// TestTagsAreCheckedBeforeTheCaller holds what was recorded: IAM refuses a tag's
// shape whoever asks, and its meaning only to those who may tag.
func TestTagsAreCheckedBeforeTheCaller(t *testing.T) {
	t.Parallel()
	many := make([]iamtypes.Tag, 51)
	for i := range many {
		many[i] = iamTag(fmt.Sprint("key-", i), "")
	}
	const nobody, somebody = "", allowAll
	tests := map[string]struct {
		policy        string
		tags          []iamtypes.Tag
		code, message string
	}{
		"a wildcard, by nobody":          {nobody, []iamtypes.Tag{iamTag("value", "a*b")}, "ValidationError", "Value at 'tags.1.member.value' failed"},
		"a line break, by nobody":        {nobody, []iamtypes.Tag{iamTag("value", "a\nb")}, "ValidationError", ""},
		"a combining mark, by nobody":    {nobody, []iamtypes.Tag{iamTag("value", "e\u0301")}, "ValidationError", ""},
		"51 tags, by nobody":             {nobody, many, "ValidationError", "Value at 'tags' failed to satisfy constraint: Member must have length less than or equal to 50"},
		"two keys of one, by nobody":     {nobody, []iamtypes.Tag{iamTag("a", ""), iamTag("A", "")}, "AccessDenied", ""},
		"two keys of one":                {somebody, []iamtypes.Tag{iamTag("a", ""), iamTag("A", "")}, "InvalidInput", "Tag keys are case insensitive."},
		"a reserved key":                 {somebody, []iamtypes.Tag{iamTag("Aws:a", "")}, "InvalidInput", "reserved"},
		"a key of 129":                   {somebody, []iamtypes.Tag{iamTag(strings.Repeat("k", 129), "")}, "ValidationError", "Value at 'tags.1.member.key' failed"},
		"a value of 256, a slash, empty": {somebody, []iamtypes.Tag{iamTag("a", strings.Repeat("v", 256)), iamTag("b", "c/d:e"), iamTag("f", "")}, "", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			role := w.role(t, "wallets", trustOf(rootARN))
			if test.policy != "" {
				w.allow(t, "wallets", test.policy)
			}
			newAlice(t, w)
			_, err := iam.NewFromConfig(w.as(w.assume(t, role))).TagUser(t.Context(), &iam.TagUserInput{UserName: aws.String("alice"), Tags: test.tags})
			wantRefusal(t, err, test.code, test.message)
		})
	}
}

// TestTagsOfPoliciesKnowCase holds that only the keys of roles and users are the
// same in any case.
func TestTagsOfPoliciesKnowCase(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	arn := w.policy(t, "permissions", allowAll)
	_, err := w.iam.TagPolicy(ctx, &iam.TagPolicyInput{PolicyArn: arn, Tags: []iamtypes.Tag{iamTag("a", "small"), iamTag("A", "large")}})
	wantCode(t, err, "")
	_, err = w.iam.TagPolicy(ctx, &iam.TagPolicyInput{PolicyArn: arn, Tags: []iamtypes.Tag{iamTag("b", ""), iamTag("b", "")}})
	wantRefusal(t, err, "InvalidInput", "Duplicate tag keys found.")
	_, err = w.iam.UntagPolicy(ctx, &iam.UntagPolicyInput{PolicyArn: arn, TagKeys: []string{"a"}})
	wantCode(t, err, "")
	out, err := w.iam.ListPolicyTags(ctx, &iam.ListPolicyTagsInput{PolicyArn: arn})
	wantCode(t, err, "")
	if diff := cmp.Diff(map[string]string{"A": "large"}, tagMap(out.Tags)); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	_, err = w.iam.UntagPolicy(ctx, &iam.UntagPolicyInput{PolicyArn: arn, TagKeys: []string{"a*"}})
	wantRefusal(t, err, "ValidationError", "Value at 'tagKeys' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 128,")
}

func TestTheTagsOfAResourceAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.role(t, "wallets", trustOf(account))
	tag := func(from, to int) error {
		var tags []iamtypes.Tag
		for i := from; i < to; i++ {
			tags = append(tags, iamTag(fmt.Sprint("key-", i), ""))
		}
		_, err := w.iam.TagRole(t.Context(), &iam.TagRoleInput{RoleName: aws.String("wallets"), Tags: tags})
		return err
	}
	wantCode(t, tag(0, 50), "")
	wantCode(t, tag(10, 20), "")
	wantRefusal(t, tag(50, 51), "LimitExceeded", "The number of tags has reached the maximum limit.")
}

func TestMarkers(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	for _, name := range []string{"a", "b", "c", "d"} {
		w.role(t, name, trustOf(account))
	}
	list := func(marker *string) (names []string, next *string, err error) {
		out, err := w.iam.ListRoles(ctx, &iam.ListRolesInput{MaxItems: aws.Int32(2), Marker: marker})
		if err != nil {
			return nil, nil, err
		}
		for i := range out.Roles {
			names = append(names, *out.Roles[i].RoleName)
		}
		return names, out.Marker, nil
	}
	_, marker, err := list(nil)
	wantCode(t, err, "")
	_, err = w.iam.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: aws.String("b")})
	wantCode(t, err, "")
	names, _, err := list(marker)
	wantCode(t, err, "")
	if diff := cmp.Diff([]string{"c", "d"}, names); diff != "" {
		t.Errorf("roles after one that is gone (-want +got):\n%s", diff)
	}
	for _, bad := range []string{"b", "no marker", strings.Repeat("a", 2000)} {
		_, _, err = list(&bad)
		wantCode(t, err, "ValidationError")
	}
}

// TestARNs holds which ARN is refused with which code; the words were recorded.
func TestARNs(t *testing.T) {
	t.Parallel()
	const none = "arn:aws:iam::" + account + ":policy/none"
	const notPolicy = "arn:aws:iam::" + account + ":not_a_policy/invalid"
	w := newWorld(t)
	w.role(t, "wallets", trustOf(account))
	role := aws.String("wallets")
	attach := func(arn string) error {
		_, err := w.iam.AttachRolePolicy(t.Context(), &iam.AttachRolePolicyInput{RoleName: role, PolicyArn: &arn})
		return err
	}
	bound := func(arn string) error {
		_, err := w.iam.PutRolePermissionsBoundary(t.Context(), &iam.PutRolePermissionsBoundaryInput{RoleName: role, PermissionsBoundary: &arn})
		return err
	}
	wantRefusal(t, attach("longpolicynamebutnoarn"), "ValidationError", "ARN longpolicynamebutnoarn is not valid.")
	wantRefusal(t, attach("short"), "ValidationError", "Value at 'policyArn' failed to satisfy constraint: Member must have length greater than or equal to 20")
	wantRefusal(t, attach(none), "NoSuchEntity", "Policy "+none+" does not exist or is not attachable.")
	wantRefusal(t, bound(notPolicy), "InvalidInput", "ARN "+notPolicy+" is not valid.")
	wantRefusal(t, bound(none), "NoSuchEntity", "Scope ARN: "+none+" does not exist or is not attachable.")
}

// TestWhatARoleShows holds which members of a role each call shows.
func TestWhatARoleShows(t *testing.T) {
	t.Parallel()
	w, ctx, name := newWorld(t), t.Context(), aws.String("wallets")
	created, err := w.iam.CreateRole(ctx, &iam.CreateRoleInput{
		RoleName: name, AssumeRolePolicyDocument: aws.String(trustOf(account)), Description: aws.String("of wallets"),
		PermissionsBoundary: w.policy(t, "boundary", allowAll), Tags: []iamtypes.Tag{iamTag("team", "one")},
	})
	if err != nil {
		t.Fatal(err)
	}
	described, err := w.iam.UpdateRoleDescription(ctx, &iam.UpdateRoleDescriptionInput{RoleName: name, Description: aws.String("of all wallets")})
	if err != nil {
		t.Fatal(err)
	}
	got, err := w.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: name})
	if err != nil {
		t.Fatal(err)
	}
	listed, err := w.iam.ListRoles(ctx, &iam.ListRolesInput{})
	if err != nil || len(listed.Roles) != 1 {
		t.Fatalf("%v: %+v", err, listed)
	}
	profiles, err := w.iam.ListInstanceProfilesForRole(ctx, &iam.ListInstanceProfilesForRoleInput{RoleName: name})
	if err != nil || len(profiles.InstanceProfiles) != 0 {
		t.Errorf("%v: %+v", err, profiles)
	}
	type members struct{ Description, Duration, Boundary, Tags, LastUsed bool }
	show := func(r *iamtypes.Role) members {
		return members{r.Description != nil, r.MaxSessionDuration != nil, r.PermissionsBoundary != nil, len(r.Tags) > 0, r.RoleLastUsed != nil}
	}
	want := []members{
		{Boundary: true, Tags: true},
		{Description: true},
		{Description: true, Duration: true, Boundary: true, Tags: true, LastUsed: true},
		{Description: true, Duration: true},
	}
	if diff := cmp.Diff(want, []members{show(created.Role), show(described.Role), show(got.Role), show(&listed.Roles[0])}); diff != "" {
		t.Errorf("what creating, describing, getting and listing show (-want +got):\n%s", diff)
	}
	if *got.Role.Description != "of all wallets" || got.Role.PermissionsBoundary.PermissionsBoundaryType != "Policy" {
		t.Errorf("role %+v", got.Role)
	}
}

func TestAccountSummary(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.role(t, "wallets", trustOf(account))
	wantCode(t, w.version(t, w.policy(t, "permissions", allowAll), allowAll, false), "")
	out, err := w.iam.GetAccountSummary(t.Context(), &iam.GetAccountSummaryInput{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int32{"Roles": 1, "Users": 1, "Policies": 1, "PolicyVersionsInUse": 2, "Providers": 0, "RolesQuota": 1000, "UserPolicySizeQuota": 2048}
	got := map[string]int32{}
	for name := range want {
		got[name] = out.SummaryMap[name]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
}
