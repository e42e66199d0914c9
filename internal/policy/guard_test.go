package policy

import (
	"maps"
	"strings"
	"testing"
)

// The documents that isolation rests on: the whole bucket policy and the whole
// trust policy of a federation.
const (
	walletA  = "0xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	walletB  = "0xbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	roleARN  = "arn:aws:iam::123456789012:role/agents/wallet-reader"
	provider = "arn:aws:iam::123456789012:oidc-provider/broker.litentry.org"
	bucket   = "arn:aws:s3:::wallet-data"
	wellTag  = "0x????????????????????????????????????????"
)

// guardStatements are the statements of the bucket policy, in order.
func guardStatements() []string {
	const (
		who      = `"Principal":{"AWS":"` + roleARN + `"}`
		everyone = `"Effect":"Deny","Principal":"*"`
		isRole   = `"ArnEquals":{"aws:PrincipalArn":"` + roleARN + `"}`
		own      = `bots/${aws:PrincipalTag/agentkeys_user_wallet}/*`
	)
	return []string{
		`{"Sid":"AllowList","Effect":"Allow",` + who + `,"Action":"s3:ListBucket","Resource":"` + bucket + `",
			"Condition":{"StringLike":{"s3:prefix":"` + own + `"}}}`,
		`{"Sid":"AllowObjects","Effect":"Allow",` + who + `,"Action":["s3:GetObject","s3:PutObject","s3:DeleteObject"],
			"Resource":"` + bucket + `/` + own + `"}`,
		`{"Sid":"DenyBadTag",` + everyone + `,"Action":"s3:*","Resource":["` + bucket + `","` + bucket + `/*"],
			"Condition":{` + isRole + `,"StringNotLike":{"aws:PrincipalTag/agentkeys_user_wallet":"` + wellTag + `"}}}`,
		`{"Sid":"DenyForeignObjects",` + everyone + `,"Action":"s3:*","NotResource":["` + bucket + `","` + bucket + `/` + own + `"],
			"Condition":{` + isRole + `}}`,
		`{"Sid":"DenyForeignLists",` + everyone + `,"Action":["s3:ListBucket","s3:ListBucketVersions"],"Resource":"` + bucket + `",
			"Condition":{` + isRole + `,"StringNotLike":{"s3:prefix":"` + own + `"}}}`,
		`{"Sid":"DenyBucketActions",` + everyone + `,"NotAction":["s3:ListBucket","s3:ListBucketVersions","s3:GetBucketLocation"],
			"Resource":"` + bucket + `","Condition":{` + isRole + `}}`,
		`{"Sid":"DenyACLs",` + everyone + `,"Action":["s3:PutObjectAcl","s3:PutObjectVersionAcl","s3:PutBucketAcl"],
			"Resource":["` + bucket + `","` + bucket + `/*"],"Condition":{` + isRole + `}}`,
		`{"Sid":"DenyAccessPoints",` + everyone + `,"Action":"s3:*","Resource":["` + bucket + `","` + bucket + `/*"],
			"Condition":{` + isRole + `,"Null":{"s3:DataAccessPointArn":"false"}}}`,
	}
}

func guardPolicy(tb testing.TB, without string) *Policy {
	tb.Helper()
	var kept []string
	for _, s := range guardStatements() {
		if without == "" || !strings.Contains(s, `"`+without+`"`) {
			kept = append(kept, s)
		}
	}
	p := parsed(tb, Bucket, "bucket policy", statement(strings.Join(kept, ",")))
	return &p
}

func session() *Principal {
	return &Principal{
		Type: AssumedRole, RoleARN: roleARN, UniqueID: "AROAEXAMPLEEXAMPLE", Account: "123456789012",
		ARN:         "arn:aws:sts::123456789012:assumed-role/wallet-reader/" + walletA,
		ProviderARN: provider, SessionName: walletA,
	}
}

// s3Case is a request of a session of the federated role.
type s3Case struct {
	tag     string // of the session; walletA if empty
	noTag   bool
	action  string // without s3:
	key     string // of the object; empty for the bucket itself
	context map[string]string
	allowed bool // to a role without grants of its own
	// withGrant is set where the broad grant s3:* on the role changes a denial
	// to an allowance, harmlessly: only the own prefix is reachable.
	withGrant bool
	// by is the Sid of the statement that decides where the role has no grants;
	// empty where none matches.
	by string
}

func (c *s3Case) request() *Request {
	p, ctx := session(), Context{}
	tags := map[string]string{"agentkeys_user_wallet": c.tag}
	switch {
	case c.noTag:
		tags = nil
	case c.tag == "":
		tags["agentkeys_user_wallet"] = walletA
	case c.tag == "empty":
		tags["agentkeys_user_wallet"] = ""
	}
	p.AddTo(ctx, tags)
	for key, value := range c.context {
		ctx.Set(key, value)
	}
	resource := bucket
	if c.key != "" {
		resource += "/" + c.key
	}
	return &Request{Principal: p, Action: "s3:" + c.action, Resource: resource, ResourceAccount: "123456789012", Context: ctx}
}

func prefix(p string) map[string]string { return map[string]string{"s3:prefix": p} }

func guardCases() map[string]s3Case {
	own, foreign := "bots/"+walletA+"/", "bots/"+walletB+"/"
	upper := "bots/0x" + strings.ToUpper(walletA[2:]) + "/"
	accessPoint := map[string]string{"s3:DataAccessPointArn": "arn:aws:s3:us-east-1:123456789012:accesspoint/x"}
	return map[string]s3Case{
		"reads an own object":                                  {action: "GetObject", key: own + "a", allowed: true, by: "AllowObjects"},
		"reads an own object in a folder":                      {action: "GetObject", key: own + "a/b/c", allowed: true, by: "AllowObjects"},
		"writes an own object":                                 {action: "PutObject", key: own + "a", allowed: true, by: "AllowObjects"},
		"deletes an own object":                                {action: "DeleteObject", key: own + "a", allowed: true, by: "AllowObjects"},
		"reads a foreign object":                               {action: "GetObject", key: foreign + "a", by: "DenyForeignObjects"},
		"writes a foreign object":                              {action: "PutObject", key: foreign + "a", by: "DenyForeignObjects"},
		"deletes a foreign object":                             {action: "DeleteObject", key: foreign + "a", by: "DenyForeignObjects"},
		"reads a foreign version":                              {action: "GetObjectVersion", key: foreign + "a", by: "DenyForeignObjects"},
		"reads a foreign object's tags":                        {action: "GetObjectTagging", key: foreign + "a", by: "DenyForeignObjects"},
		"lists the parts of a foreign upload":                  {action: "ListMultipartUploadParts", key: foreign + "a", by: "DenyForeignObjects"},
		"aborts a foreign upload":                              {action: "AbortMultipartUpload", key: foreign + "a", by: "DenyForeignObjects"},
		"reads an own version":                                 {action: "GetObjectVersion", key: own + "a", withGrant: true},
		"reads an own object's attributes":                     {action: "GetObjectAttributes", key: own + "a", withGrant: true},
		"reads beside the prefix":                              {action: "GetObject", key: walletA + "/a", by: "DenyForeignObjects"},
		"reads the root":                                       {action: "GetObject", key: "a", by: "DenyForeignObjects"},
		"reads the prefix without its slash":                   {action: "GetObject", key: "bots/" + walletA, by: "DenyForeignObjects"},
		"reads a sibling that begins alike":                    {action: "GetObject", key: "bots/" + walletA + "0/a", by: "DenyForeignObjects"},
		"reads the own prefix in upper case":                   {action: "GetObject", key: upper + "a", by: "DenyForeignObjects"},
		"reads the empty wallet":                               {action: "GetObject", key: "bots//a", by: "DenyForeignObjects"},
		"reads a key with dots":                                {action: "GetObject", key: "bots/../" + walletA + "/a", by: "DenyForeignObjects"},
		"lists the own prefix":                                 {action: "ListBucket", context: prefix(own), allowed: true, by: "AllowList"},
		"lists an own folder":                                  {action: "ListBucket", context: prefix(own + "a/"), allowed: true, by: "AllowList"},
		"lists a foreign prefix":                               {action: "ListBucket", context: prefix(foreign), by: "DenyForeignLists"},
		"lists a sibling that begins alike":                    {action: "ListBucket", context: prefix("bots/" + walletA + "0/"), by: "DenyForeignLists"},
		"lists the prefix without its slash":                   {action: "ListBucket", context: prefix("bots/" + walletA), by: "DenyForeignLists"},
		"lists all wallets":                                    {action: "ListBucket", context: prefix("bots/"), by: "DenyForeignLists"},
		"lists with an empty prefix":                           {action: "ListBucket", context: prefix(""), by: "DenyForeignLists"},
		"lists without a prefix":                               {action: "ListBucket", by: "DenyForeignLists"},
		"lists the own prefix in upper case":                   {action: "ListBucket", context: prefix(upper), by: "DenyForeignLists"},
		"lists own versions":                                   {action: "ListBucketVersions", context: prefix(own), withGrant: true},
		"lists foreign versions":                               {action: "ListBucketVersions", context: prefix(foreign), by: "DenyForeignLists"},
		"lists uploads, which shows foreign keys":              {action: "ListBucketMultipartUploads", by: "DenyBucketActions"},
		"lists uploads under the own prefix":                   {action: "ListBucketMultipartUploads", context: prefix(own), by: "DenyBucketActions"},
		"reads the bucket policy":                              {action: "GetBucketPolicy", by: "DenyBucketActions"},
		"writes the bucket policy":                             {action: "PutBucketPolicy", by: "DenyBucketActions"},
		"deletes the bucket policy":                            {action: "DeleteBucketPolicy", by: "DenyBucketActions"},
		"deletes the bucket":                                   {action: "DeleteBucket", by: "DenyBucketActions"},
		"learns the region":                                    {action: "GetBucketLocation", withGrant: true},
		"opens an own object by ACL":                           {action: "PutObjectAcl", key: own + "a", by: "DenyACLs"},
		"opens the bucket by ACL":                              {action: "PutBucketAcl", by: "DenyBucketActions"},
		"comes through an access point":                        {action: "GetObject", key: own + "a", context: accessPoint, by: "DenyAccessPoints"},
		"has no tag and reads":                                 {noTag: true, action: "GetObject", key: own + "a", by: "DenyBadTag"},
		"has no tag and reads the literal variable":            {noTag: true, action: "GetObject", key: "bots/${aws:PrincipalTag/agentkeys_user_wallet}/a", by: "DenyBadTag"},
		"has no tag and lists":                                 {noTag: true, action: "ListBucket", context: prefix("bots//"), by: "DenyBadTag"},
		"has no tag and learns the region":                     {noTag: true, action: "GetBucketLocation", by: "DenyBadTag"},
		"has an empty tag and reads the empty wallet":          {tag: "empty", action: "GetObject", key: "bots//a", by: "DenyBadTag"},
		"has an empty tag and lists the empty wallet":          {tag: "empty", action: "ListBucket", context: prefix("bots//"), by: "DenyBadTag"},
		"has a star for a tag and reads":                       {tag: "*", action: "GetObject", key: foreign + "a", by: "DenyBadTag"},
		"has a star for a tag and lists":                       {tag: "*", action: "ListBucket", context: prefix(foreign), by: "DenyBadTag"},
		"has question marks for a tag":                         {tag: wellTag, action: "GetObject", key: foreign + "a", by: "DenyForeignObjects"},
		"has question marks for a tag and lists":               {tag: wellTag, action: "ListBucket", context: prefix(foreign), by: "DenyForeignLists"},
		"has a tag with a slash":                               {tag: walletB + "/x", action: "GetObject", key: "bots/" + walletB + "/x/a", by: "DenyBadTag"},
		"has an upper-case tag and reads the lower-case space": {tag: "0x" + strings.ToUpper(walletA[2:]), action: "GetObject", key: own + "a", by: "DenyForeignObjects"},
	}
}

func TestGuardKeepsEverySessionInItsPrefix(t *testing.T) {
	t.Parallel()
	broad := parsed(t, Identity, `inline policy "broad"`, statement(`{"Sid":"AllS3","Effect":"Allow","Action":"s3:*","Resource":"*"}`))
	guard := guardPolicy(t, "")
	for name, c := range guardCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			narrow := Policies{Resource: guard}
			d := narrow.Evaluate(c.request())
			if d.Allowed() != c.allowed {
				t.Errorf("without grants on the role: allowed = %v: %s", d.Allowed(), d.Explain())
			}
			if d.Sid != c.by {
				t.Errorf("without grants on the role: decided by %q, want %q", d.Sid, c.by)
			}
			wide := Policies{Identity: []Policy{broad}, Resource: guard}
			d = wide.Evaluate(c.request())
			if want := c.allowed || c.withGrant; d.Allowed() != want {
				t.Errorf("with s3:* on the role: allowed = %v: %s", d.Allowed(), d.Explain())
			}
		})
	}
}

// Every Deny is there for a reason: with s3:* on the role, taking it away opens
// the case named.
func TestGuardLeaksWithoutAnyOneOfItsDenies(t *testing.T) {
	t.Parallel()
	broad := parsed(t, Identity, "broad", statement(`{"Effect":"Allow","Action":"s3:*","Resource":"*"}`))
	for sid, name := range map[string]string{
		"DenyBadTag":         "has an empty tag and reads the empty wallet",
		"DenyForeignObjects": "reads a foreign object",
		"DenyForeignLists":   "lists without a prefix",
		"DenyBucketActions":  "lists uploads, which shows foreign keys",
		"DenyACLs":           "opens an own object by ACL",
		"DenyAccessPoints":   "comes through an access point",
	} {
		t.Run(sid, func(t *testing.T) {
			t.Parallel()
			c, ok := guardCases()[name]
			if !ok {
				t.Fatalf("no case %q", name)
			}
			p := Policies{Identity: []Policy{broad}, Resource: guardPolicy(t, sid)}
			if d := p.Evaluate(c.request()); !d.Allowed() {
				t.Errorf("still denied: %s", d.Explain())
			}
			p.Resource = guardPolicy(t, "")
			if d := p.Evaluate(c.request()); d.Outcome != ExplicitDeny || d.Sid != c.by {
				t.Errorf("with the whole guard: %s, want a denial by %s", d.Explain(), c.by)
			}
		})
	}
}

func TestGuardLeavesOtherPrincipalsAlone(t *testing.T) {
	t.Parallel()
	admin := parsed(t, Identity, "admin", allowAll)
	p := Policies{Identity: []Policy{admin}, Resource: guardPolicy(t, "")}
	user := &Principal{Type: User, ARN: "arn:aws:iam::123456789012:user/admin", UniqueID: "AIDAEXAMPLEEXAMPLE", Account: "123456789012"}
	other := session()
	other.RoleARN = "arn:aws:iam::123456789012:role/agents/wallet-reader-2"
	for name, who := range map[string]*Principal{"a user": user, "a role that is named alike": other} {
		ctx := Context{}
		who.AddTo(ctx, nil)
		d := p.Evaluate(&Request{Principal: who, Action: "s3:DeleteBucketPolicy", Resource: bucket, Context: ctx})
		if !d.Allowed() {
			t.Errorf("%s: %s", name, d.Explain())
		}
	}
}

// trustPolicy is the trust policy of the federated role.
const trustPolicy = `{"Version":"2012-10-17","Statement":[
	{"Sid":"WebIdentity","Effect":"Allow","Principal":{"Federated":"` + provider + `"},"Action":"sts:AssumeRoleWithWebIdentity",
	 "Condition":{
		"StringEquals":{"broker.litentry.org:aud":"sts.amazonaws.com"},
		"StringLike":{"broker.litentry.org:sub":"agentkeys:agent:` + wellTag + `","aws:RequestTag/agentkeys_user_wallet":"` + wellTag + `"},
		"Null":{"aws:RequestTag/agentkeys_user_wallet":"false","aws:TagKeys":"false"},
		"ForAllValues:StringEquals":{"aws:TagKeys":["agentkeys_user_wallet"]},
		"Bool":{"sts:RoleAuthorizedByIdp":"true"}}},
	{"Sid":"TagSession","Effect":"Allow","Principal":{"Federated":"` + provider + `"},"Action":"sts:TagSession",
	 "Condition":{
		"StringLike":{"aws:RequestTag/agentkeys_user_wallet":"` + wellTag + `"},
		"Null":{"aws:RequestTag/agentkeys_user_wallet":"false","aws:TagKeys":"false"},
		"ForAllValues:StringEquals":{"aws:TagKeys":["agentkeys_user_wallet"]}}}]}`

// tokenCase is a token that somebody takes to STS.
type tokenCase struct {
	providerARN string // the right one if empty
	change      map[string]string
	remove      []string
	tags        map[string]string // walletA under the right key if nil
	allowed     bool
}

func (c *tokenCase) request(action string) *Request {
	p := &Principal{Type: WebIdentity, ProviderARN: provider, Account: "123456789012"}
	if c.providerARN != "" {
		p.ProviderARN = c.providerARN
	}
	ctx := Context{}
	p.AddTo(ctx, nil)
	ctx.Set("broker.litentry.org:aud", "sts.amazonaws.com")
	ctx.Set("broker.litentry.org:sub", "agentkeys:agent:"+walletA)
	ctx.Set("sts:RoleAuthorizedByIdp", "true")
	tags := c.tags
	if tags == nil {
		tags = map[string]string{"agentkeys_user_wallet": walletA}
	}
	for key, value := range tags {
		ctx.Set("aws:RequestTag/"+key, value)
	}
	var keys []string
	for key := range maps.Keys(tags) {
		keys = append(keys, key)
	}
	ctx.SetList("aws:TagKeys", keys...)
	for key, value := range c.change {
		ctx.Set(key, value)
	}
	for _, key := range c.remove {
		delete(ctx, strings.ToLower(key))
	}
	return &Request{Principal: p, Action: action, Resource: roleARN, ResourceAccount: "123456789012", Context: ctx}
}

func TestTrustPolicyLetsInOnlyTaggedTokensOfTheIssuer(t *testing.T) {
	t.Parallel()
	trust := parsed(t, Trust, "trust policy", trustPolicy)
	tag := func(value string) map[string]string { return map[string]string{"agentkeys_user_wallet": value} }
	for name, c := range map[string]tokenCase{
		"a token for a wallet":             {allowed: true},
		"a tag key in other case":          {tags: map[string]string{"AgentKeys_User_Wallet": walletA}},
		"a token of another provider":      {providerARN: "arn:aws:iam::123456789012:oidc-provider/evil.example"},
		"another audience":                 {change: map[string]string{"broker.litentry.org:aud": "other"}},
		"no audience":                      {remove: []string{"broker.litentry.org:aud"}},
		"another kind of subject":          {change: map[string]string{"broker.litentry.org:sub": "agentkeys:admin:" + walletA}},
		"a subject that is too long":       {change: map[string]string{"broker.litentry.org:sub": "agentkeys:agent:" + walletA + "0"}},
		"no tags at all":                   {tags: map[string]string{}},
		"an empty tag":                     {tags: tag("")},
		"a star for a tag":                 {tags: tag("*")},
		"a tag with a slash":               {tags: tag(walletA + "/x")},
		"a short tag":                      {tags: tag(walletA[:41])},
		"another tag beside":               {tags: map[string]string{"agentkeys_user_wallet": walletA, "team": "x"}},
		"another tag instead":              {tags: map[string]string{"team": walletA}},
		"a token pinned to no role":        {change: map[string]string{"sts:RoleAuthorizedByIdp": "false"}},
		"a store that knows no role pins":  {remove: []string{"sts:RoleAuthorizedByIdp"}},
		"tags that are not listed as keys": {remove: []string{"aws:TagKeys"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := Policies{Resource: &trust}
			assume := p.Evaluate(c.request("sts:AssumeRoleWithWebIdentity"))
			tagSession := p.Evaluate(c.request("sts:TagSession"))
			if allowed := assume.Allowed() && tagSession.Allowed(); allowed != c.allowed {
				t.Errorf("allowed = %v: %s; %s", allowed, assume.Explain(), tagSession.Explain())
			}
			if d := p.Evaluate(c.request("sts:AssumeRole")); d.Allowed() {
				t.Errorf("sts:AssumeRole: %s", d.Explain())
			}
		})
	}
}

// The mistake that the trust policy above avoids: a negated operator holds for a
// token without the tag.
func TestTrustPolicyThatOnlyRefusesAnEmptyTagLetsUntaggedTokensIn(t *testing.T) {
	t.Parallel()
	trust := parsed(t, Trust, "trust policy", statement(`{"Effect":"Allow","Principal":{"Federated":"`+provider+`"},
		"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringNotEquals":{"aws:RequestTag/agentkeys_user_wallet":""}}}`))
	p := Policies{Resource: &trust}
	c := tokenCase{tags: map[string]string{}}
	if d := p.Evaluate(c.request("sts:AssumeRoleWithWebIdentity")); !d.Allowed() {
		t.Error(d.Explain())
	}
}
