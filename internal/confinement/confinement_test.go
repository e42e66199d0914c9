package confinement

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/litentry/wallet-federation/internal/document"
)

const (
	roleARN = "arn:aws:iam::123456789012:role/wallets/agentkeys-user-bots"
	tagKey  = "agentkeys_user_wallet"
	vault   = "arn:aws:s3:::agentkeys-vault"
	own     = "bots/${aws:PrincipalTag/agentkeys_user_wallet}/"
)

var managed = []document.Bucket{{
	Name: "agentkeys-vault", Prefix: "bots/",
	Access: []document.Access{document.AccessList, document.AccessRead},
}}

// allow is a statement of a policy; more are further elements of it.
func allow(actions, resources string, more ...string) string {
	return statement("Allow", `"Action":`+actions+`,"Resource":`+resources, more...)
}

func statement(effect, elements string, more ...string) string {
	return `{"Effect":"` + effect + `",` + strings.Join(append([]string{elements}, more...), ",") + `}`
}

func policyOf(statements ...string) []byte {
	return []byte(`{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`)
}

func when(operator, key, value string) string {
	return fmt.Sprintf(`"Condition":{%q:{%q:%q}}`, operator, key, value)
}

func TestBroadGrantsAreFound(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		document         []byte
		action, resource string
	}{
		"everything in S3":                             {policyOf(allow(`"s3:*"`, `"*"`)), "s3:GetObject", vault + "/bots/" + foreignWallet + "/object"},
		"everything there is":                          {policyOf(allow(`"*"`, `"*"`)), "s3:GetObject", vault + "/bots/" + foreignWallet + "/object"},
		"everything, as a single statement and old":    {[]byte(`{"Statement":` + allow(`"*"`, `"*"`) + `}`), "s3:GetObject", vault + "/bots/" + foreignWallet + "/object"},
		"AmazonS3FullAccess":                           {policyOf(allow(`["s3:*","s3-object-lambda:*"]`, `"*"`)), "s3:GetObject", vault + "/bots/" + foreignWallet + "/object"},
		"AmazonS3ReadOnlyAccess":                       {policyOf(allow(`["s3:Get*","s3:List*","s3:Describe*"]`, `"*"`)), "s3:GetObject", vault + "/bots/" + foreignWallet + "/object"},
		"everything but IAM":                           {policyOf(statement("Allow", `"NotAction":"iam:*","Resource":"*"`)), "s3:GetObject", vault + "/bots/" + foreignWallet + "/object"},
		"everywhere but in one bucket":                 {policyOf(statement("Allow", `"Action":"s3:GetObject","NotResource":"arn:aws:s3:::agentkeys-vault/*"`)), "s3:GetObject", "arn:aws:s3:::" + otherBucket + "/object"},
		"the whole managed bucket":                     {policyOf(allow(`"s3:GetObject"`, `"`+vault+`/*"`)), "s3:GetObject", vault + "/bots/" + foreignWallet + "/object"},
		"a prefix without its slash":                   {policyOf(allow(`"s3:GetObject"`, `"`+vault+`/bots/${aws:PrincipalTag/agentkeys_user_wallet}*"`)), "s3:GetObject", vault + "/bots/" + ownWallet + "0/object"},
		"the right tag below the wrong prefix":         {policyOf(allow(`"s3:GetObject"`, `"`+vault+`/${aws:PrincipalTag/agentkeys_user_wallet}/*"`)), "s3:GetObject", vault + "/" + ownWallet + "/z"},
		"a wildcard before the tag":                    {policyOf(allow(`"s3:GetObject"`, `"`+vault+`/*/${aws:PrincipalTag/agentkeys_user_wallet}/*"`)), "s3:GetObject", vault + "/z/" + ownWallet + "/z"},
		"a wildcard in the bucket's name":              {policyOf(allow(`"s3:GetObject"`, `"arn:aws:s3:::agentkeys-*/`+own+`*"`)), "s3:GetObject", "arn:aws:s3:::agentkeys-z/bots/" + ownWallet + "/z"},
		"a wildcard in the partition":                  {policyOf(allow(`"s3:GetObject"`, `"arn:*:s3:::reports/*"`)), "s3:GetObject", "arn:aws:s3:::reports/z"},
		"a question mark in the prefix":                {policyOf(allow(`"s3:GetObject"`, `"`+vault+`/b?ts/${aws:PrincipalTag/agentkeys_user_wallet}/*"`)), "s3:GetObject", vault + "/bzts/" + ownWallet + "/z"},
		"the prefix of a wallet by name":               {policyOf(allow(`"s3:PutObject"`, `"`+vault+`/bots/0x0123456789abcdef0123456789abcdef01234567/*"`)), "s3:PutObject", vault + "/bots/0x0123456789abcdef0123456789abcdef01234567/z"},
		"another bucket alone":                         {policyOf(allow(`"s3:PutObject"`, `"arn:aws:s3:::reports/incoming/*"`)), "s3:PutObject", "arn:aws:s3:::reports/incoming/z"},
		"a prefix that another tag chooses":            {policyOf(allow(`"s3:GetObject"`, `"`+vault+`/bots/${aws:PrincipalTag/team}/*"`)), "s3:GetObject", vault + "/bots/" + foreignWallet + "/object"},
		"a prefix that the session's name chooses":     {policyOf(allow(`"s3:GetObject"`, `"`+vault+`/bots/${aws:userid}/*"`)), "s3:GetObject", vault + "/bots/" + foreignWallet + "/object"},
		"an action that is rarely heard of":            {policyOf(allow(`"s3:GetObjectTorrent"`, `"`+vault+`/*"`)), "s3:GetObjectTorrent", vault + "/bots/" + foreignWallet + "/object"},
		"a list without a condition":                   {policyOf(allow(`"s3:ListBucket"`, `"`+vault+`"`)), "s3:ListBucket", vault},
		"a list of any prefix that begins with ours":   {policyOf(allow(`"s3:ListBucket"`, `"`+vault+`"`, when("StringLike", "s3:prefix", "bots/*"))), "s3:ListBucket", vault},
		"a list of a prefix without its slash":         {policyOf(allow(`"s3:ListBucket"`, `"`+vault+`"`, when("StringLike", "s3:prefix", "bots/${aws:PrincipalTag/agentkeys_user_wallet}*"))), "s3:ListBucket", vault},
		"a list of somebody else's prefix":             {policyOf(allow(`"s3:ListBucket"`, `"`+vault+`"`, when("StringEquals", "s3:prefix", "private/"))), "s3:ListBucket", vault},
		"a list where the prefix may be missing":       {policyOf(allow(`"s3:ListBucket"`, `"`+vault+`"`, when("StringLikeIfExists", "s3:prefix", own+"*"))), "s3:ListBucket", vault},
		"a list of uploads":                            {policyOf(allow(`"s3:ListBucketMultipartUploads"`, `"`+vault+`"`)), "s3:ListBucketMultipartUploads", vault},
		"the bucket's policy":                          {policyOf(allow(`"s3:PutBucketPolicy"`, `"`+vault+`"`)), "s3:PutBucketPolicy", vault},
		"the names of all buckets":                     {policyOf(allow(`"s3:ListAllMyBuckets"`, `"*"`)), "s3:ListAllMyBuckets", "*"},
		"an access point":                              {policyOf(allow(`"s3:GetObject"`, `"arn:aws:s3:us-east-1:123456789012:accesspoint/ap/object/*"`)), "s3:GetObject", "arn:aws:s3:us-east-1:123456789012:accesspoint/ap/object/z"},
		"everything from some address":                 {policyOf(allow(`"s3:*"`, `"*"`, when("IpAddress", "aws:SourceIp", "198.51.100.0/24"))), "s3:GetObject", vault + "/bots/" + foreignWallet + "/object"},
		"everything for one wallet":                    {policyOf(allow(`"s3:*"`, `"*"`, when("StringEquals", "aws:PrincipalTag/agentkeys_user_wallet", "0x0123456789abcdef0123456789abcdef01234567"))), "s3:GetObject", vault + "/bots/" + foreignWallet + "/object"},
		"everything, but denied for some address":      {policyOf(allow(`"s3:*"`, `"*"`), statement("Deny", `"Action":"*","Resource":"*"`, when("IpAddress", "aws:SourceIp", "198.51.100.0/24"))), "s3:GetObject", vault + "/bots/" + foreignWallet + "/object"},
		"everything, but denied outside of one bucket": {policyOf(allow(`"s3:*"`, `"*"`), statement("Deny", `"Action":"s3:*","NotResource":["`+vault+`","`+vault+`/*"]`)), "s3:GetObject", vault + "/bots/" + foreignWallet + "/object"},
		"a hole in a Deny":                             {policyOf(allow(`"s3:*"`, `"*"`), statement("Deny", `"Action":"s3:*","NotResource":["`+vault+`/`+own+`*","arn:aws:s3:::reports/*"]`)), "s3:GetObject", "arn:aws:s3:::reports/z"},
		"an action that a Deny forgot":                 {policyOf(allow(`"s3:*"`, `"*"`), statement("Deny", `"NotAction":"s3:GetObjectTorrent","Resource":"*"`)), "s3:GetObjectTorrent", vault + "/bots/" + foreignWallet + "/object"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			role := Role{ARN: roleARN, Inline: []Policy{{Name: "reader", Document: test.document}}}
			got, err := BroadGrants(role, managed, tagKey)
			if err != nil {
				t.Fatal(err)
			}
			want := []Grant{{
				Policy: `inline policy "reader"`, Kind: Inline, PolicyName: "reader",
				Action: test.action, Resource: test.resource,
			}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("broad grants (-want +got):\n%s", diff)
			}
		})
	}
}

func TestGrantsWithinTheWalletsPrefixAreFine(t *testing.T) {
	t.Parallel()

	tests := map[string][]byte{
		"objects below the wallet's prefix":           policyOf(allow(`"s3:*"`, `"`+vault+`/`+own+`*"`)),
		"the same in any partition":                   policyOf(allow(`"s3:GetObject"`, `"arn:*:s3:::agentkeys-vault/`+own+`*"`)),
		"a folder below the wallet's prefix":          policyOf(allow(`"s3:GetObject"`, `"`+vault+`/`+own+`reports/*.pdf"`)),
		"a tag key in another case":                   policyOf(allow(`"s3:GetObject"`, `"`+vault+`/bots/${aws:principaltag/AgentKeys_User_Wallet}/*"`)),
		"a list of the wallet's prefix":               policyOf(allow(`["s3:ListBucket","s3:ListBucketVersions"]`, `"`+vault+`"`, when("StringLike", "s3:prefix", own+"*"))),
		"objects, with the bucket in the same list":   policyOf(allow(`["s3:GetObject","s3:*Object","s3:GetObjectT*"]`, `["`+vault+`","`+vault+`/`+own+`*"]`)),
		"the location of the bucket":                  policyOf(allow(`"s3:GetBucketLocation"`, `"`+vault+`"`)),
		"denials alone":                               policyOf(statement("Deny", `"Action":"s3:*","Resource":"*"`)),
		"other services":                              policyOf(allow(`["logs:*","kms:Decrypt","sts:AssumeRole"]`, `"*"`)),
		"everything, in a table":                      policyOf(allow(`"*"`, `"arn:aws:dynamodb:*:123456789012:table/wallets"`)),
		"everything but S3":                           policyOf(statement("Allow", `"NotAction":"s3:*","Resource":"*"`)),
		"S3, with all else denied":                    policyOf(allow(`"s3:*"`, `"*"`), statement("Deny", `"Action":"s3:*","NotResource":"`+vault+`/`+own+`*"`)),
		"S3, for another role":                        policyOf(allow(`"s3:*"`, `"*"`, when("ArnEquals", "aws:PrincipalArn", "arn:aws:iam::123456789012:role/another"))),
		"a variable in a language that has none":      []byte(`{"Statement":` + allow(`"s3:GetObject"`, `"`+vault+`/`+own+`*"`) + `}`),
		"an access to a bucket of another partition":  policyOf(allow(`"s3:GetObject"`, `"arn:aws-cn:s3:::reports/*"`)),
		"two wildcards in the wallet's prefix itself": policyOf(allow(`"s3:GetObject"`, `["`+vault+`/`+own+`*/?","`+vault+`/`+own+`?"]`)),
	}
	for name, document := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			role := Role{ARN: roleARN, Attached: []Policy{{Name: "scoped", Document: document}}}
			got, err := BroadGrants(role, managed, tagKey)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) > 0 {
				t.Errorf("broad grants = %v, want none", got)
			}
		})
	}
}

func TestEveryBroadStatementIsNamedWithItsPlace(t *testing.T) {
	t.Parallel()

	role := Role{
		ARN: roleARN,
		Inline: []Policy{{Name: "mixed", Document: policyOf(
			allow(`"s3:GetObject"`, `"`+vault+`/`+own+`*"`),
			allow(`"s3:PutObject"`, `"arn:aws:s3:::reports/*"`, `"Sid":"Reports"`),
		)}},
		Attached: []Policy{
			{Name: "logs", Document: policyOf(allow(`"logs:*"`, `"*"`))},
			{Name: "AmazonS3FullAccess", Document: policyOf(allow(`"s3:*"`, `"*"`))},
		},
	}
	grants, err := BroadGrants(role, managed, tagKey)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, grant := range grants {
		got = append(got, grant.String())
	}
	want := []string{
		`inline policy "mixed", statement "Reports", allows s3:PutObject on arn:aws:s3:::reports/z`,
		`attached policy "AmazonS3FullAccess", statement 0, allows s3:GetObject on ` + vault + "/bots/" + foreignWallet + "/object",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("broad grants (-want +got):\n%s", diff)
	}
	if grants[0].Statement != 1 {
		t.Errorf("statement = %d, want 1, the place to remove it from", grants[0].Statement)
	}
}

func TestBoundaryHoldsGrantsBack(t *testing.T) {
	t.Parallel()

	everything := []Policy{{Name: "all", Document: policyOf(allow(`"*"`, `"*"`))}}
	tests := map[string]struct {
		boundary []byte
		broad    bool
	}{
		"it allows the wallet's prefix alone": {policyOf(allow(`"s3:*"`, `"`+vault+`/`+own+`*"`)), false},
		"it allows no S3":                     {policyOf(allow(`"logs:*"`, `"*"`)), false},
		"it allows nothing at all":            {policyOf(statement("Deny", `"Action":"s3:*","Resource":"*"`, when("Bool", "aws:SecureTransport", "false"))), false},
		"it allows everything":                {policyOf(allow(`"*"`, `"*"`)), true},
		"it allows everything from somewhere": {policyOf(allow(`"*"`, `"*"`, when("IpAddress", "aws:SourceIp", "198.51.100.0/24"))), true},
		"it allows one more bucket":           {policyOf(allow(`"s3:*"`, `["`+vault+`/`+own+`*","arn:aws:s3:::reports/*"]`)), true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			role := Role{ARN: roleARN, Inline: everything, Boundary: &Policy{Name: "limit", Document: test.boundary}}
			got, err := BroadGrants(role, managed, tagKey)
			if err != nil {
				t.Fatal(err)
			}
			if broad := len(got) > 0; broad != test.broad {
				t.Errorf("broad grants = %v, want some: %v", got, test.broad)
			}
		})
	}
}

func TestPolicyThatCannotBeReadIsNamed(t *testing.T) {
	t.Parallel()

	broken := Policy{Name: "broken", Document: []byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Maybe"}]}`)}
	for want, role := range map[string]Role{
		`inline policy "broken"`:   {ARN: roleARN, Inline: []Policy{broken}},
		`attached policy "broken"`: {ARN: roleARN, Attached: []Policy{broken}},
		`boundary policy "broken"`: {ARN: roleARN, Boundary: &broken},
		`"nonsense"`:               {ARN: "nonsense"},
	} {
		if _, err := BroadGrants(role, managed, tagKey); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v, want one that names %s", err, want)
		}
	}
}

func TestRoleWithoutPoliciesIsConfined(t *testing.T) {
	t.Parallel()

	got, err := BroadGrants(Role{ARN: roleARN}, managed, tagKey)
	if err != nil || len(got) > 0 {
		t.Errorf("broad grants = %v, %v, want none", got, err)
	}
}

func TestCarriesTagIgnoresCase(t *testing.T) {
	t.Parallel()

	for key, want := range map[string]bool{
		"agentkeys_user_wallet":  true,
		"AgentKeys_User_Wallet":  true,
		"agentkeys_user_wallet2": false,
		"team":                   false,
	} {
		if got := CarriesTag(Role{Tags: map[string]string{key: "x"}}, tagKey); got != want {
			t.Errorf("role with the tag %q carries the wallet tag: %v, want %v", key, got, want)
		}
	}
}
