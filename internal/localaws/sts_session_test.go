package localaws_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
)

// allowIf allows every call of IAM under a condition.
func allowIf(condition string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:*","Resource":"*","Condition":` + condition + `}]}`
}

// mayListRoles tells whether a session's policies let it list roles.
func (w *world) mayListRoles(t *testing.T, session *ststypes.Credentials) bool {
	t.Helper()
	_, err := iam.NewFromConfig(w.as(session)).ListRoles(t.Context(), &iam.ListRolesInput{})
	if err == nil {
		return true
	}
	wantCode(t, err, "AccessDenied")
	return false
}

func TestContextOfAWebIdentitySession(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		condition string // PROVIDER and ROLEID are replaced
		allowed   bool
	}{
		"tag of the token":            {`{"StringEquals":{"aws:PrincipalTag/wallet":"` + wallet + `"}}`, true},
		"tag in another case":         {`{"StringEquals":{"aws:PrincipalTag/WALLET":"` + wallet + `"}}`, true},
		"value in another case":       {`{"StringEquals":{"aws:PrincipalTag/wallet":"` + strings.ToUpper(wallet) + `"}}`, false},
		"tag of the role":             {`{"StringEquals":{"aws:PrincipalTag/team":"storage"}}`, true},
		"tag of the role, overridden": {`{"StringEquals":{"aws:PrincipalTag/Wallet":"of the role"}}`, false},
		"source identity":             {`{"StringEquals":{"aws:SourceIdentity":"alice"}}`, true},
		"provider":                    {`{"StringEquals":{"aws:FederatedProvider":"PROVIDER"}}`, true},
		"user id":                     {`{"StringEquals":{"aws:userid":"ROLEID:oidc-probe"}}`, true},
		"no user name":                {`{"Null":{"aws:username":"true"}}`, true},
		"principal ARN is the role's": {`{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::` + account + `:role/wallets"}}`, true},
		"principal type":              {`{"StringEquals":{"aws:PrincipalType":"AssumedRole"}}`, true},
		"issued after":                {`{"DateGreaterThan":{"aws:TokenIssueTime":"BEFORE"}}`, true},
		"issued before":               {`{"DateLessThan":{"aws:TokenIssueTime":"BEFORE"}}`, false},
		"the token's subject is gone": {`{"StringLike":{"ISSUER:sub":"*"}}`, false},
		"the pin is gone":             {`{"Null":{"sts:RoleAuthorizedByIdp":"true"}}`, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFederation(t)
			f.tag(t, iamTag("team", "storage"), iamTag("Wallet", "of the role"))
			claims := with(tagged("wallet", wallet), map[string]any{"https://aws.amazon.com/source_identity": "alice"})
			out, err := f.buy(t, claims)
			wantCode(t, err, "")
			roleID, _, _ := strings.Cut(*out.AssumedRoleUser.AssumedRoleId, ":")
			f.allow(t, "wallets", allowIf(strings.NewReplacer("PROVIDER", f.provider, "ROLEID", roleID, "ISSUER", f.issuer.key(),
				"BEFORE", f.now.Add(-time.Minute).UTC().Format(time.RFC3339)).Replace(test.condition)))
			if got := f.mayListRoles(t, out.Credentials); got != test.allowed {
				t.Errorf("allowed: %v, want %v", got, test.allowed)
			}
		})
	}
}

// TestRevokingSessions denies what was issued before a time, as the console's
// "revoke active sessions" does, for one wallet.
func TestRevokingSessions(t *testing.T) {
	t.Parallel()
	f := newFederation(t)
	old, err := f.buy(t, tagged("wallet", wallet))
	wantCode(t, err, "")
	other, err := f.buy(t, tagged("wallet", "0xother"))
	wantCode(t, err, "")
	f.elapsed.Store(int64(time.Minute))
	later, err := f.buy(t, tagged("wallet", wallet))
	wantCode(t, err, "")
	f.allow(t, "wallets", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"*","Resource":"*",`+
		`"Condition":{"DateLessThan":{"aws:TokenIssueTime":"`+f.now.Add(30*time.Second).UTC().Format(time.RFC3339)+`"},"StringEquals":{"aws:PrincipalTag/wallet":"`+wallet+`"}}}]}`)
	for name, session := range map[string]*ststypes.Credentials{"issued before": old.Credentials, "of another wallet": other.Credentials, "issued later": later.Credentials} {
		if got, want := f.mayListRoles(t, session), name != "issued before"; got != want {
			t.Errorf("session %s is allowed: %v, want %v", name, got, want)
		}
	}
}

func TestSessionPolicies(t *testing.T) {
	t.Parallel()
	const readOnly = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
	tests := map[string]struct {
		inline  string
		managed []string
		allowed bool
	}{
		"none":                       {"", nil, true},
		"inline that allows":         {allowIf("{}"), nil, true},
		"inline that allows another": {strings.Replace(allowIf("{}"), "iam:*", "s3:*", 1), nil, false},
		"managed that allows no IAM": {"", []string{readOnly}, false},
		"either of both may allow":   {allowIf("{}"), []string{readOnly}, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFederation(t)
			f.allow(t, "wallets", allowAll)
			token := f.issuer.token(t, f.issuer.claimsAt(f.now))
			in := &sts.AssumeRoleWithWebIdentityInput{RoleArn: &f.role, RoleSessionName: aws.String("session"), WebIdentityToken: &token}
			if test.inline != "" {
				in.Policy = &test.inline
			}
			for _, arn := range test.managed {
				in.PolicyArns = append(in.PolicyArns, ststypes.PolicyDescriptorType{Arn: &arn})
			}
			out, err := f.sts.AssumeRoleWithWebIdentity(t.Context(), in)
			wantCode(t, err, "")
			if got := f.mayListRoles(t, out.Credentials); got != test.allowed {
				t.Errorf("allowed: %v, want %v", got, test.allowed)
			}
		})
	}
}

// TestTrustOfASession has the keys by which a trust policy may ask about a
// session that assumes another role.
func TestTrustOfASession(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		condition string
		allowed   bool
	}{
		"external id":                 {`{"StringEquals":{"sts:ExternalId":"secret"}}`, true},
		"session name":                {`{"StringLike":{"sts:RoleSessionName":"chain*"}}`, true},
		"source identity":             {`{"StringEquals":{"sts:SourceIdentity":"alice","aws:SourceIdentity":"alice"}}`, true},
		"source identity of another":  {`{"StringEquals":{"sts:SourceIdentity":"bob"}}`, false},
		"tag of the caller":           {`{"StringEquals":{"aws:PrincipalTag/wallet":"` + wallet + `"}}`, true},
		"tag that is requested":       {`{"StringEquals":{"aws:RequestTag/step":"2"}}`, true},
		"inherited tag is not asked":  {`{"Null":{"aws:RequestTag/wallet":"true"}}`, true},
		"keys that are asked for":     {`{"ForAllValues:StringEquals":{"aws:TagKeys":["step"]},"Null":{"aws:TagKeys":"false"}}`, true},
		"keys that are handed down":   {`{"ForAnyValue:StringEquals":{"sts:TransitiveTagKeys":"wallet"}}`, true},
		"key that is not":             {`{"ForAnyValue:StringEquals":{"sts:TransitiveTagKeys":"step"}}`, false},
		"provider of the caller":      {`{"StringEquals":{"aws:FederatedProvider":"PROVIDER"}}`, true},
		"tag of the role":             {`{"StringEquals":{"aws:ResourceTag/team":"storage"}}`, true},
		"a role pin is for the token": {`{"Null":{"sts:RoleAuthorizedByIdp":"true"}}`, true},
		"address":                     {`{"IpAddress":{"aws:SourceIp":"127.0.0.1/32"}}`, true},
		"another address":             {`{"NotIpAddress":{"aws:SourceIp":"127.0.0.1/32"}}`, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFederation(t)
			f.allow(t, "wallets", allowAll)
			session, err := f.buy(t, with(tagged("wallet", wallet), map[string]any{"https://aws.amazon.com/source_identity": "alice"}))
			wantCode(t, err, "")
			condition := `"Condition":` + strings.ReplaceAll(test.condition, "PROVIDER", f.provider) + `,"Effect"`
			next := f.world.role(t, "next", strings.Replace(trustOf(rootARN), `"Effect"`, condition, 1))
			_, err = f.iam.TagRole(t.Context(), &iam.TagRoleInput{RoleName: aws.String("next"), Tags: []iamtypes.Tag{iamTag("team", "storage")}})
			wantCode(t, err, "")
			_, err = sts.NewFromConfig(f.as(session.Credentials)).AssumeRole(t.Context(), &sts.AssumeRoleInput{
				RoleArn: &next, RoleSessionName: aws.String("chained"), ExternalId: aws.String("secret"), Tags: []ststypes.Tag{stsTag("step", "2")},
			})
			code := "AccessDenied"
			if test.allowed {
				code = ""
			}
			wantCode(t, err, code)
		})
	}
}
