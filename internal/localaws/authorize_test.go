package localaws_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
)

// statement is a policy of one statement.
func statement(effect, action, resource, condition string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"` + effect + `","Action":"` + action +
		`","Resource":"` + resource + `","Condition":` + condition + `}]}`
}

func TestSessionsAreJudgedByTheirPolicies(t *testing.T) {
	t.Parallel()
	const readRoles = "arn:aws:iam::" + account + ":role/*"
	allowRead := statement("Allow", "iam:GetRole", readRoles, "{}")
	tests := map[string]struct {
		identity, boundary, session string
		code, message               string
	}{
		"nothing allows":                   {"", "", "", "AccessDenied", "because no identity-based policy allows the iam:GetRole action"},
		"identity allows":                  {allowRead, "", "", "", ""},
		"identity allows another resource": {statement("Allow", "iam:GetRole", readRoles+"x", "{}"), "", "", "AccessDenied", ""},
		"identity denies":                  {statement("Deny", "iam:*", "*", "{}"), "", "", "AccessDenied", "with an explicit deny in an identity-based policy"},
		"boundary does not allow":          {allowRead, statement("Allow", "s3:*", "*", "{}"), "", "AccessDenied", "because no permissions boundary allows"},
		"boundary allows alone":            {"", allowAll, "", "AccessDenied", ""},
		"session policy does not allow":    {allowRead, "", statement("Allow", "s3:*", "*", "{}"), "AccessDenied", "because no session policy allows"},
		"all allow":                        {allowRead, allowAll, allowRead, "", ""},
		"session tag is the principal's":   {statement("Allow", "iam:GetRole", readRoles, `{"StringEquals":{"aws:PrincipalTag/wallet":"0xaa"}}`), "", "", "", ""},
		"session tag overrides the role's": {statement("Allow", "iam:GetRole", readRoles, `{"StringEquals":{"aws:PrincipalTag/team":"role"}}`), "", "", "AccessDenied", ""},
		"role tag is inherited":            {statement("Allow", "iam:GetRole", readRoles, `{"StringEquals":{"aws:PrincipalTag/inherited":"role"}}`), "", "", "", ""},
		"tag of the resource":              {statement("Allow", "iam:GetRole", readRoles, `{"StringEquals":{"iam:ResourceTag/inherited":"role"}}`), "", "", "", ""},
		"principal ARN is the role's":      {statement("Allow", "iam:GetRole", readRoles, `{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::`+account+`:role/caller"}}`), "", "", "", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			role := w.role(t, "caller", trustOf(rootARN))
			_, err := w.iam.TagRole(t.Context(), &iam.TagRoleInput{
				RoleName: aws.String("caller"), Tags: []iamtypes.Tag{iamTag("team", "role"), iamTag("inherited", "role")},
			})
			wantCode(t, err, "")
			if test.identity != "" {
				w.allow(t, "caller", test.identity)
			}
			if test.boundary != "" {
				w.bound(t, "caller", test.boundary)
			}
			in := &sts.AssumeRoleInput{
				RoleArn: &role, RoleSessionName: aws.String("session"),
				Tags: []ststypes.Tag{stsTag("wallet", "0xaa"), stsTag("Team", "session")},
			}
			if test.session != "" {
				in.Policy = &test.session
			}
			out, err := w.sts.AssumeRole(t.Context(), in)
			wantCode(t, err, "")
			_, err = iam.NewFromConfig(w.as(out.Credentials)).GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("caller")})
			wantRefusal(t, err, test.code, test.message)
		})
	}
}

// bound gives a role a permissions boundary.
func (w *world) bound(t *testing.T, role, document string) {
	t.Helper()
	created, err := w.iam.CreatePolicy(t.Context(), &iam.CreatePolicyInput{PolicyName: aws.String("boundary"), PolicyDocument: &document})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.iam.PutRolePermissionsBoundary(t.Context(), &iam.PutRolePermissionsBoundaryInput{
		RoleName: &role, PermissionsBoundary: created.Policy.Arn,
	})
	wantCode(t, err, "")
}

// TestConditionsOnWrites holds the keys by which a careful administrator limits
// what an operator may do to roles.
func TestConditionsOnWrites(t *testing.T) {
	t.Parallel()
	managed := `{"StringEquals":{"aws:ResourceTag/managed":"yes"}}`
	tests := map[string]struct {
		policy string
		call   func(*testing.T, *iam.Client) error
		code   string
	}{
		"tagging needs the right tag": {
			statement("Allow", "iam:TagRole", "*", `{"StringEquals":{"aws:RequestTag/managed":"yes"},"ForAllValues:StringEquals":{"aws:TagKeys":["managed"]}}`),
			tagManaged(iamTag("managed", "yes")), "",
		},
		"tagging with another tag is refused": {
			statement("Allow", "iam:TagRole", "*", `{"StringEquals":{"aws:RequestTag/managed":"yes"},"ForAllValues:StringEquals":{"aws:TagKeys":["managed"]}}`),
			tagManaged(iamTag("managed", "yes"), iamTag("other", "")), "AccessDenied",
		},
		"attaching is limited to a policy": {
			statement("Allow", "iam:AttachRolePolicy", "*", `{"ArnEquals":{"iam:PolicyARN":"arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"}}`),
			func(t *testing.T, c *iam.Client) error {
				t.Helper()
				_, err := c.AttachRolePolicy(t.Context(), &iam.AttachRolePolicyInput{
					RoleName: aws.String("managed"), PolicyArn: aws.String("arn:aws:iam::aws:policy/AdministratorAccess"),
				})
				return err
			}, "AccessDenied",
		},
		"a role that is tagged as managed": {
			statement("Allow", "iam:UpdateRole", "*", managed),
			func(t *testing.T, c *iam.Client) error {
				t.Helper()
				_, err := c.UpdateRole(t.Context(), &iam.UpdateRoleInput{RoleName: aws.String("managed")})
				return err
			}, "",
		},
		"a role that is not": {
			statement("Allow", "iam:UpdateRole", "*", managed),
			func(t *testing.T, c *iam.Client) error {
				t.Helper()
				_, err := c.UpdateRole(t.Context(), &iam.UpdateRoleInput{RoleName: aws.String("caller")})
				return err
			}, "AccessDenied",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.role(t, "managed", trustOf(rootARN))
			wantCode(t, tagManaged(iamTag("managed", "yes"))(t, w.iam), "")
			role := w.role(t, "caller", trustOf(rootARN))
			w.allow(t, "caller", test.policy)
			wantCode(t, test.call(t, iam.NewFromConfig(w.as(w.assume(t, role)))), test.code)
		})
	}
}

func tagManaged(tags ...iamtypes.Tag) func(*testing.T, *iam.Client) error {
	return func(t *testing.T, c *iam.Client) error {
		t.Helper()
		_, err := c.TagRole(t.Context(), &iam.TagRoleInput{RoleName: aws.String("managed"), Tags: tags})
		return err
	}
}

// TestWebIdentitySessionCarriesItsTags is the chain that the project is about.
func TestWebIdentitySessionCarriesItsTags(t *testing.T) {
	t.Parallel()
	f := newFederation(t)
	f.allow(t, "wallets", statement("Allow", "iam:GetRole", "arn:aws:iam::"+account+":role/${aws:PrincipalTag/wallet}", "{}"))
	out, err := f.buy(t, tagged("wallet", wallet))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(*out.Credentials.AccessKeyId, "ASIA") || !strings.HasSuffix(*out.AssumedRoleUser.AssumedRoleId, ":oidc-probe") {
		t.Errorf("access key %s, id %s", *out.Credentials.AccessKeyId, *out.AssumedRoleUser.AssumedRoleId)
	}
	client := iam.NewFromConfig(f.as(out.Credentials))
	_, err = client.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String(wallet)})
	wantCode(t, err, "NoSuchEntity") // allowed, and there is none
	_, err = client.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("0x00000000000000000000000000000000000000bb")})
	wantCode(t, err, "AccessDenied")
}
