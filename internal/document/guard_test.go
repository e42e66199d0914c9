package document

import (
	"strings"
	"testing"

	"github.com/litentry/wallet-federation/internal/policy"
)

const (
	ownWallet     = "0x1111111111111111111111111111111111111111"
	foreignWallet = "0x2222222222222222222222222222222222222222"
	vaultARN      = "arn:aws:s3:::agentkeys-vault"
)

// access is a request by a session of the role.
type access struct {
	action, resource string
	tag              *string
	context          map[string]string
}

func prefix(value string) map[string]string { return map[string]string{"s3:prefix": value} }

// decide judges a request by a bucket policy, for a role that is allowed
// everything or nothing by its own policies.
func (a access) decide(t *testing.T, bucketPolicy []byte, broad bool) bool {
	t.Helper()
	bucket, err := policy.Parse(policy.Bucket, bucketPolicy)
	if err != nil {
		t.Fatal(err)
	}
	policies := policy.Policies{Resource: &policy.Policy{Document: bucket}}
	if broad {
		all, err := policy.Parse(policy.Identity, []byte(`{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`))
		if err != nil {
			t.Fatal(err)
		}
		policies.Identity = []policy.Policy{{Document: all}}
	}
	session := &policy.Principal{
		Type: policy.AssumedRole, Account: "123456789012", RoleARN: testFederation().RoleARN,
		ARN:      "arn:aws:sts::123456789012:assumed-role/agentkeys-user-bots/s",
		UniqueID: "AROAEXAMPLEEXAMPLE123", SessionName: "s",
	}
	context := policy.Context{}
	tags := map[string]string{}
	if a.tag != nil {
		tags[testFederation().WalletTagKey] = *a.tag
	}
	session.AddTo(context, tags)
	for key, value := range a.context {
		context.Set(key, value)
	}
	return policies.Evaluate(&policy.Request{
		Principal: session, Action: a.action, Resource: a.resource, ResourceAccount: "123456789012", Context: context,
	}).Allowed()
}

func TestWalletsReachTheirOwnPrefixAndNothingElse(t *testing.T) {
	t.Parallel()

	own := new(ownWallet)
	ownObject := vaultARN + "/bots/" + ownWallet + "/x"
	full := []byte(ours(t, "", ""))
	tests := map[string]struct {
		access access
		want   bool
		// guard is the one statement that denies it to a role with s3:*.
		guard string
	}{
		"get own object":                 {access: access{action: "s3:GetObject", resource: ownObject, tag: own}, want: true},
		"put own object":                 {access: access{action: "s3:PutObject", resource: ownObject, tag: own}, want: true},
		"delete own object":              {access: access{action: "s3:DeleteObject", resource: ownObject, tag: own}, want: true},
		"list own prefix":                {access: access{action: "s3:ListBucket", resource: vaultARN, tag: own, context: prefix("bots/" + ownWallet + "/")}, want: true},
		"get foreign object":             {access: access{action: "s3:GetObject", resource: vaultARN + "/bots/" + foreignWallet + "/x", tag: own}, guard: "DenyForeignObjects"},
		"get foreign version":            {access: access{action: "s3:GetObjectVersion", resource: vaultARN + "/bots/" + foreignWallet + "/x", tag: own}, guard: "DenyForeignObjects"},
		"put sibling object":             {access: access{action: "s3:PutObject", resource: vaultARN + "/bots/" + ownWallet + "1/x", tag: own}, guard: "DenyForeignObjects"},
		"put object above the prefix":    {access: access{action: "s3:PutObject", resource: vaultARN + "/bots/x", tag: own}, guard: "DenyForeignObjects"},
		"list foreign prefix":            {access: access{action: "s3:ListBucket", resource: vaultARN, tag: own, context: prefix("bots/" + foreignWallet + "/")}, guard: "DenyForeignLists"},
		"list own prefix without slash":  {access: access{action: "s3:ListBucket", resource: vaultARN, tag: own, context: prefix("bots/" + ownWallet)}, guard: "DenyForeignLists"},
		"list with an empty prefix":      {access: access{action: "s3:ListBucket", resource: vaultARN, tag: own, context: prefix("")}, guard: "DenyForeignLists"},
		"list without a prefix":          {access: access{action: "s3:ListBucket", resource: vaultARN, tag: own}, guard: "DenyForeignLists"},
		"list versions without a prefix": {access: access{action: "s3:ListBucketVersions", resource: vaultARN, tag: own}, guard: "DenyForeignLists"},
		"list multipart uploads":         {access: access{action: "s3:ListBucketMultipartUploads", resource: vaultARN, tag: own}, guard: "DenyBucketActions"},
		"put bucket policy":              {access: access{action: "s3:PutBucketPolicy", resource: vaultARN, tag: own}, guard: "DenyBucketActions"},
		"delete bucket":                  {access: access{action: "s3:DeleteBucket", resource: vaultARN, tag: own}, guard: "DenyBucketActions"},
		"put ACL of own object":          {access: access{action: "s3:PutObjectAcl", resource: ownObject, tag: own}, guard: "DenyACLWrites"},
		"get own object through an access point": {
			access: access{action: "s3:GetObject", resource: ownObject, tag: own, context: map[string]string{"s3:DataAccessPointArn": "arn:aws:s3:us-east-1:123456789012:accesspoint/ap"}},
			guard:  "DenyAccessPoints",
		},
		"get object of a tag that is no wallet":       {access: access{action: "s3:GetObject", resource: vaultARN + "/bots/admin/x", tag: new("admin")}, guard: "DenyBadTag"},
		"get object of a tag that is empty":           {access: access{action: "s3:GetObject", resource: vaultARN + "/bots//x", tag: new("")}, guard: "DenyBadTag"},
		"list with a tag that is longer than wallets": {access: access{action: "s3:ListBucket", resource: vaultARN, tag: new(ownWallet + "/a"), context: prefix("bots/" + ownWallet + "/a/")}, guard: "DenyBadTag"},
		"get bucket location without a tag":           {access: access{action: "s3:GetBucketLocation", resource: vaultARN}, guard: "DenyBadTag"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := test.access.decide(t, full, true); got != test.want {
				t.Errorf("a role with s3:* is allowed: %v, want %v", got, test.want)
			}
			if test.guard == "" {
				if !test.access.decide(t, full, false) {
					t.Error("a role without policies of its own is not allowed what belongs to the wallet")
				}
				return
			}
			unguarded, removed, err := RemoveStatements(full, func(_ int, sid string) bool { return strings.HasSuffix(sid, test.guard) })
			if err != nil || removed != 1 {
				t.Fatalf("removed %d statements %s, %v", removed, test.guard, err)
			}
			if !test.access.decide(t, unguarded, true) {
				t.Errorf("it is denied without %s too: another statement does its work", test.guard)
			}
		})
	}
}
