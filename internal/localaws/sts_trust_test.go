package localaws_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// TestRolePinIsNotInTheContextOfTagging holds trust policies to what AWS lists:
// the key belongs to sts:AssumeRoleWithWebIdentity alone.
func TestRolePinIsNotInTheContextOfTagging(t *testing.T) {
	t.Parallel()
	f := newFederation(t)
	const pinned = `{"Bool":{"sts:RoleAuthorizedByIdp":"true"}}`
	claims := with(tagged("wallet", wallet), map[string]any{"https://aws.amazon.com/roles": f.role})
	f.trust(t, federatedTrust(f.provider, pinned))
	_, err := f.buy(t, claims)
	wantRefusal(t, err, "AccessDenied", "Not authorized to perform sts:TagSession")

	tagging := strings.Replace(federatedTrust(f.provider, "{}"), `"sts:AssumeRoleWithWebIdentity",`, "", 1)
	statement := strings.TrimSuffix(strings.TrimPrefix(tagging, `{"Version":"2012-10-17","Statement":[`), `]}`)
	f.trust(t, strings.Replace(federatedTrust(f.provider, pinned), `"Statement":[`, `"Statement":[`+statement+",", 1))
	_, err = f.buy(t, claims)
	wantCode(t, err, "")
}

func TestRoleAuthorizedByIdP(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		condition string
		pinned    string // the role that the token is pinned to
		code      string
	}{
		"required and absent":             {"true", "", "AccessDenied"},
		"required and pinned":             {"true", "wallets", ""},
		"required and pinned to another":  {"true", "another-role", "InvalidIdentityToken"},
		"forbidden and absent":            {"false", "", ""},
		"forbidden and pinned":            {"false", "wallets", "AccessDenied"},
		"forbidden and pinned to another": {"false", "another-role", "InvalidIdentityToken"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFederation(t)
			f.trust(t, federatedTrust(f.provider, `{"Bool":{"sts:RoleAuthorizedByIdp":"`+test.condition+`"}}`))
			changes := map[string]any{}
			if test.pinned != "" {
				changes["https://aws.amazon.com/roles"] = []string{"arn:aws:iam::" + account + ":role/" + test.pinned}
			}
			_, err := f.buy(t, changes)
			wantCode(t, err, test.code)
		})
	}
}

// control is a session name that controlledTrust admits.
const control = "propagation-control"

// controlledTrust trusts a provider under a condition and, as a control of
// everything else, whoever names the session so.
func controlledTrust(providerARN, condition string) string {
	both := federatedTrust(providerARN, condition)
	statement := strings.TrimSuffix(strings.TrimPrefix(both, `{"Version":"2012-10-17","Statement":[`), `]}`)
	gated := strings.Replace(statement, `"Condition":`+condition, `"Condition":{"StringEquals":{"sts:RoleSessionName":"`+control+`"}}`, 1)
	return strings.Replace(both, statement, gated+","+statement, 1)
}

func TestTrustPolicyContext(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		condition string // ISSUER and PROVIDER are replaced
		claims    map[string]any
		allowed   bool
	}{
		"audience":                   {`{"StringEquals":{"ISSUER:aud":"client-a"}}`, nil, true},
		"audience of another":        {`{"StringEquals":{"ISSUER:aud":"client-b"}}`, nil, false},
		"authorized party is aud":    {`{"StringEquals":{"ISSUER:aud":"client-b","ISSUER:azp":"client-b","ISSUER:oaud":"other"}}`, map[string]any{"aud": "other", "azp": "client-b"}, true},
		"authorized party is absent": {`{"Null":{"ISSUER:azp":"true"}}`, nil, true},
		"subject":                    {`{"StringLike":{"ISSUER:sub":"subject-*"}}`, nil, true},
		"subject of another":         {`{"StringLike":{"ISSUER:sub":"wallet-*"}}`, nil, false},
		"session name":               {`{"StringEquals":{"sts:RoleSessionName":"oidc-probe"}}`, nil, true},
		"another session name":       {`{"StringEquals":{"sts:RoleSessionName":"propagation-control"}}`, nil, false},
		"principal account":          {`{"StringEquals":{"aws:PrincipalAccount":"` + account + `"}}`, nil, true},
		"anonymous account":          {`{"StringEquals":{"aws:PrincipalAccount":"anonymous"}}`, nil, false},
		"principal type":             {`{"StringEquals":{"aws:PrincipalType":"User"}}`, nil, true},
		"principal type federated":   {`{"StringEquals":{"aws:PrincipalType":"FederatedUser"}}`, nil, false},
		"user id":                    {`{"StringEquals":{"aws:userid":"PROVIDER"}}`, nil, true},
		"user id of the subject":     {`{"StringEquals":{"aws:userid":"subject-probe"}}`, nil, false},
		"principal type of a role":   {`{"StringEquals":{"aws:PrincipalType":"AssumedRole"}}`, nil, false},
		"principal ARN":              {`{"StringEquals":{"aws:PrincipalArn":"PROVIDER"}}`, nil, false},
		"user id with subject":       {`{"StringEquals":{"aws:userid":"PROVIDER:subject-probe"}}`, nil, false},
		"no principal ARN":           {`{"Null":{"aws:PrincipalArn":"true"}}`, nil, true},
		"federated provider":         {`{"StringEquals":{"aws:FederatedProvider":"PROVIDER"}}`, nil, true},
		"tag requested":              {`{"StringLike":{"aws:RequestTag/wallet":"0x*"}}`, tagged("wallet", wallet), true},
		"tag required and absent":    {`{"StringLike":{"aws:RequestTag/wallet":"0x*"}}`, nil, false},
		"no tag but this one":        {`{"ForAllValues:StringEquals":{"aws:TagKeys":["wallet"]},"Null":{"aws:TagKeys":"false"}}`, tagged("wallet", wallet), true},
		"another tag":                {`{"ForAllValues:StringEquals":{"aws:TagKeys":["wallet"]},"Null":{"aws:TagKeys":"false"}}`, tagged("team", "x"), false},
		"transitive tag":             {`{"ForAnyValue:StringEquals":{"sts:TransitiveTagKeys":["wallet"]}}`, tagged("wallet", wallet), true},
		"source identity":            {`{"StringEquals":{"sts:SourceIdentity":"alice"}}`, map[string]any{"https://aws.amazon.com/source_identity": "alice"}, true},
		"source identity absent":     {`{"StringEquals":{"sts:SourceIdentity":"alice"}}`, nil, false},
		"authentication methods":     {`{"ForAnyValue:StringEquals":{"ISSUER:amr":"mfa"}}`, map[string]any{"amr": []string{"pwd", "mfa"}}, true},
		"one aud as a list":          {`{"StringEquals":{"ISSUER:aud":"client-a"}}`, map[string]any{"aud": []string{"client-a"}}, true},
		"original audience absent":   {`{"Null":{"ISSUER:oaud":"true"}}`, nil, true},
		"issuer in another case":     {`{"StringEquals":{"ISSUER:AUD":"client-a"}}`, nil, true},
		"another issuer":             {`{"StringEquals":{"other.example.com:aud":"client-a"}}`, nil, false},
		"tag of the role":            {`{"StringEquals":{"aws:ResourceTag/team":"storage","iam:ResourceTag/team":"storage"}}`, nil, true},
		"tags are not the caller's":  {`{"Null":{"aws:PrincipalTag/wallet":"true"}}`, tagged("wallet", wallet), true},
		"no transitive tag":          {`{"Null":{"sts:TransitiveTagKeys":"true","aws:TagKeys":"true"}}`, nil, true},
		"from here":                  {`{"IpAddress":{"aws:SourceIp":"127.0.0.0/8"}}`, nil, true},
		"from elsewhere":             {`{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}`, nil, false},
		"no external id":             {`{"Null":{"sts:ExternalId":"true"}}`, nil, true},
		"plain http":                 {`{"Bool":{"aws:SecureTransport":"true"}}`, nil, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFederation(t)
			f.tag(t, iamTag("team", "storage"))
			replace := strings.NewReplacer("ISSUER", f.issuer.key(), "PROVIDER", f.provider)
			f.trust(t, controlledTrust(f.provider, replace.Replace(test.condition)))
			token := f.issuer.token(t, with(f.issuer.claimsAt(f.now), test.claims))
			in := &sts.AssumeRoleWithWebIdentityInput{RoleArn: &f.role, RoleSessionName: aws.String(control), WebIdentityToken: &token}
			_, err := f.sts.AssumeRoleWithWebIdentity(t.Context(), in)
			wantCode(t, err, "")
			_, err = f.exchange(t.Context(), f.role, token)
			if test.allowed {
				wantCode(t, err, "")
				return
			}
			wantRefusal(t, err, "AccessDenied", notAuthorized)
		})
	}
}

func TestTrustPolicyRefusals(t *testing.T) {
	t.Parallel()
	assumeOnly := func(f *federation) string {
		return strings.Replace(federatedTrust(f.provider, "{}"), `,"sts:TagSession","sts:SetSourceIdentity"`, "", 1)
	}
	tests := map[string]struct {
		trust   func(*federation) string
		claims  map[string]any
		message string
	}{
		"everybody does not mean a web identity": {
			func(*federation) string {
				return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:*"}]}`
			}, nil, notAuthorized,
		},
		"tags need their own permission": {assumeOnly, tagged("wallet", wallet), "Not authorized to perform sts:TagSession"},
		"a source identity needs its own permission": {
			assumeOnly, map[string]any{"https://aws.amazon.com/source_identity": "alice"},
			"Not authorized to perform sts:SetSourceIdentity",
		},
		"another provider": {
			func(*federation) string {
				return federatedTrust("arn:aws:iam::"+account+":oidc-provider/other.example.com", "{}")
			}, nil, notAuthorized,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFederation(t)
			f.trust(t, test.trust(f))
			_, err := f.buy(t, test.claims)
			wantRefusal(t, err, "AccessDenied", test.message)
		})
	}
}
