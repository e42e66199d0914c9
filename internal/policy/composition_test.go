package policy

import "testing"

const (
	objectARN = "arn:aws:s3:::b/k"
	home      = "123456789012"
	abroad    = "111122223333"
)

func testUser(account string) *Principal {
	return &Principal{Type: User, ARN: "arn:aws:iam::" + account + ":user/team/u", UniqueID: "AIDAEXAMPLEEXAMPLE", Account: account}
}

func testSession(account string) *Principal {
	return &Principal{
		Type: AssumedRole, ARN: "arn:aws:sts::" + account + ":assumed-role/r/s", RoleARN: "arn:aws:iam::" + account + ":role/team/r",
		UniqueID: "AROAEXAMPLEEXAMPLE", Account: account, SessionName: "s",
	}
}

func testRoot(account string) *Principal {
	return &Principal{Type: Root, ARN: "arn:aws:iam::" + account + ":root", Account: account}
}

// Short names for statements about s3:GetObject on everything.
var identityDocuments = map[string]string{
	"allow":  statement(`{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`),
	"deny":   statement(`{"Effect":"Deny","Action":"s3:GetObject","Resource":"*"}`),
	"silent": statement(`{"Effect":"Allow","Action":"s3:PutObject","Resource":"*"}`),
}

// grantsTo and deniesTo are the statements of a bucket policy for a principal.
func grantsTo(principal string) string {
	return statement(`{"Effect":"Allow","Principal":` + principal + `,"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}`)
}

func deniesTo(principal string) string {
	return statement(`{"Effect":"Deny","Principal":` + principal + `,"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}`)
}

func aws(principal string) string { return `{"AWS":"` + principal + `"}` }

type compositionCase struct {
	who                         *Principal
	identity, boundary, session string // "", allow, deny or silent
	resource                    string // a bucket policy
	want                        Outcome
	layer                       Layer
}

func (c *compositionCase) policies(t *testing.T) *Policies {
	t.Helper()
	p := &Policies{}
	if c.identity != "" {
		p.Identity = []Policy{parsed(t, Identity, "identity", identityDocuments[c.identity])}
	}
	if c.boundary != "" {
		boundary := parsed(t, Identity, "boundary", identityDocuments[c.boundary])
		p.Boundary = &boundary
	}
	if c.session != "" {
		p.Session = []Policy{parsed(t, Identity, "session", identityDocuments[c.session])}
	}
	if c.resource != "" {
		resource := parsed(t, Bucket, "bucket", c.resource)
		p.Resource = &resource
	}
	return p
}

func TestPoliciesCompose(t *testing.T) {
	t.Parallel()
	user, session, root := testUser(home), testSession(home), testRoot(home)
	userAbroad, sessionAbroad, rootAbroad := testUser(abroad), testSession(abroad), testRoot(abroad)
	anonymous := &Principal{Type: Anonymous}
	everybody := grantsTo(`"*"`)
	for name, c := range map[string]compositionCase{
		"nothing allows":                              {who: user, want: ImplicitDeny, layer: IdentityLayer},
		"the identity allows":                         {who: user, identity: "allow", want: Allow, layer: IdentityLayer},
		"the identity allows something else":          {who: user, identity: "silent", want: ImplicitDeny, layer: IdentityLayer},
		"a boundary alone allows nothing":             {who: user, boundary: "allow", want: ImplicitDeny, layer: IdentityLayer},
		"a boundary agrees":                           {who: user, identity: "allow", boundary: "allow", want: Allow, layer: IdentityLayer},
		"a boundary is silent":                        {who: user, identity: "allow", boundary: "silent", want: ImplicitDeny, layer: BoundaryLayer},
		"a boundary denies":                           {who: user, identity: "allow", boundary: "deny", want: ExplicitDeny, layer: BoundaryLayer},
		"a session policy agrees":                     {who: session, identity: "allow", session: "allow", want: Allow, layer: IdentityLayer},
		"a session policy is silent":                  {who: session, identity: "allow", session: "silent", want: ImplicitDeny, layer: SessionLayer},
		"a session policy denies":                     {who: session, identity: "allow", session: "deny", want: ExplicitDeny, layer: SessionLayer},
		"a session policy alone allows nothing":       {who: session, session: "allow", want: ImplicitDeny, layer: IdentityLayer},
		"a bucket policy denies":                      {who: user, identity: "allow", resource: deniesTo(`"*"`), want: ExplicitDeny, layer: ResourceLayer},
		"a bucket policy denies the root":             {who: root, resource: deniesTo(`"*"`), want: ExplicitDeny, layer: ResourceLayer},
		"the root needs no policy":                    {who: root, want: Allow},
		"the first deny is the one named":             {who: user, boundary: "deny", resource: deniesTo(`"*"`), want: ExplicitDeny, layer: BoundaryLayer},
		"a grant to everybody is enough":              {who: user, resource: everybody, want: Allow, layer: ResourceLayer},
		"in the other form, too":                      {who: session, resource: grantsTo(aws("*")), want: Allow, layer: ResourceLayer},
		"it reaches over a silent boundary":           {who: user, boundary: "silent", resource: everybody, want: Allow, layer: ResourceLayer},
		"it reaches over a silent session policy":     {who: session, session: "silent", resource: everybody, want: Allow, layer: ResourceLayer},
		"it does not reach over a boundary's deny":    {who: user, boundary: "deny", resource: everybody, want: ExplicitDeny, layer: BoundaryLayer},
		"it does not reach over a session's deny":     {who: session, session: "deny", resource: everybody, want: ExplicitDeny, layer: SessionLayer},
		"it does not reach over an identity's deny":   {who: user, identity: "deny", resource: everybody, want: ExplicitDeny, layer: IdentityLayer},
		"a grant to the user is enough":               {who: user, resource: grantsTo(aws(user.ARN)), want: Allow, layer: ResourceLayer},
		"over a silent boundary":                      {who: user, boundary: "silent", resource: grantsTo(aws(user.ARN)), want: Allow, layer: ResourceLayer},
		"a grant to the user's id":                    {who: user, resource: grantsTo(aws(user.UniqueID)), want: Allow, layer: ResourceLayer},
		"a grant to another user":                     {who: user, resource: grantsTo(aws(user.ARN + "2")), want: ImplicitDeny, layer: IdentityLayer},
		"a grant to the session":                      {who: session, boundary: "silent", session: "silent", resource: grantsTo(aws(session.ARN)), want: Allow, layer: ResourceLayer},
		"a grant to another session":                  {who: session, resource: grantsTo(aws(session.ARN + "2")), want: ImplicitDeny, layer: IdentityLayer},
		"a grant to the role is enough":               {who: session, resource: grantsTo(aws(session.RoleARN)), want: Allow, layer: ResourceLayer},
		"a grant to the role's id":                    {who: session, resource: grantsTo(aws(session.UniqueID)), want: Allow, layer: ResourceLayer},
		"the role's id before it was recreated":       {who: session, resource: grantsTo(aws("AROAOLDOLDOLDOLD")), want: ImplicitDeny, layer: IdentityLayer},
		"a grant to the role within the boundary":     {who: session, boundary: "allow", session: "allow", resource: grantsTo(aws(session.RoleARN)), want: Allow, layer: ResourceLayer},
		"a grant to the role beyond the boundary":     {who: session, boundary: "silent", resource: grantsTo(aws(session.RoleARN)), want: ImplicitDeny, layer: BoundaryLayer},
		"a grant to the role beyond a session policy": {who: session, session: "silent", resource: grantsTo(aws(session.RoleARN)), want: ImplicitDeny, layer: SessionLayer},
		"beyond a session policy for the id":          {who: session, session: "silent", resource: grantsTo(aws(session.UniqueID)), want: ImplicitDeny, layer: SessionLayer},
		"a grant to the account is handed on":         {who: user, identity: "allow", resource: grantsTo(aws(home)), want: Allow, layer: IdentityLayer},
		"a grant to the account is not for its users": {who: user, resource: grantsTo(aws(home)), want: ImplicitDeny, layer: IdentityLayer},
		"nor is a grant to the account's root":        {who: session, resource: grantsTo(aws("arn:aws:iam::" + home + ":root")), want: ImplicitDeny, layer: IdentityLayer},
		"a grant to the account is for its root":      {who: root, resource: grantsTo(aws(home)), want: Allow, layer: ResourceLayer},
		"a deny to the account is for its users":      {who: user, identity: "allow", resource: deniesTo(aws(home)), want: ExplicitDeny, layer: ResourceLayer},
		"a deny to the role is for its sessions":      {who: session, identity: "allow", resource: deniesTo(aws(session.RoleARN)), want: ExplicitDeny, layer: ResourceLayer},
		"a grant to a service is for no caller":       {who: user, resource: grantsTo(`{"Service":"x.amazonaws.com"}`), want: ImplicitDeny, layer: IdentityLayer},
		"a grant to a provider is for no session":     {who: session, resource: grantsTo(`{"Federated":"` + provider + `"}`), want: ImplicitDeny, layer: IdentityLayer},
		"abroad, nothing but the identity":            {who: userAbroad, identity: "allow", want: ImplicitDeny, layer: ResourceLayer},
		"abroad, nothing but the bucket":              {who: userAbroad, resource: everybody, want: ImplicitDeny, layer: IdentityLayer},
		"abroad, not even for the user":               {who: userAbroad, resource: grantsTo(aws(userAbroad.ARN)), want: ImplicitDeny, layer: IdentityLayer},
		"abroad, both sides":                          {who: userAbroad, identity: "allow", resource: everybody, want: Allow, layer: IdentityLayer},
		"abroad, the account is enough of a grant":    {who: userAbroad, identity: "allow", resource: grantsTo(aws(abroad)), want: Allow, layer: IdentityLayer},
		"abroad, another account is not":              {who: userAbroad, identity: "allow", resource: grantsTo(aws(home)), want: ImplicitDeny, layer: ResourceLayer},
		"abroad, a silent boundary":                   {who: userAbroad, identity: "allow", boundary: "silent", resource: everybody, want: ImplicitDeny, layer: BoundaryLayer},
		"abroad, a silent session policy":             {who: sessionAbroad, identity: "allow", session: "silent", resource: everybody, want: ImplicitDeny, layer: SessionLayer},
		"abroad, a silent policy, and the session":    {who: sessionAbroad, identity: "allow", session: "silent", resource: grantsTo(aws(sessionAbroad.ARN)), want: ImplicitDeny, layer: SessionLayer},
		"abroad, a deny":                              {who: sessionAbroad, identity: "allow", session: "deny", resource: everybody, want: ExplicitDeny, layer: SessionLayer},
		"abroad, the root needs the bucket":           {who: rootAbroad, want: ImplicitDeny, layer: ResourceLayer},
		"abroad, the root needs nothing else":         {who: rootAbroad, resource: grantsTo(aws(abroad)), want: Allow},
		"anonymous, nothing":                          {who: anonymous, want: ImplicitDeny, layer: ResourceLayer},
		"anonymous, everybody":                        {who: anonymous, resource: everybody, want: Allow, layer: ResourceLayer},
		"anonymous, every AWS principal":              {who: anonymous, resource: grantsTo(aws("*")), want: Allow, layer: ResourceLayer},
		"anonymous, an account":                       {who: anonymous, resource: grantsTo(aws(home)), want: ImplicitDeny, layer: ResourceLayer},
		"anonymous, but with an account by mistake":   {who: &Principal{Account: home}, resource: grantsTo(aws(home)), want: ImplicitDeny, layer: ResourceLayer},
		"anonymous, an identity policy by mistake":    {who: anonymous, identity: "allow", want: ImplicitDeny, layer: ResourceLayer},
		"anonymous, a deny":                           {who: anonymous, resource: deniesTo(`"*"`), want: ExplicitDeny, layer: ResourceLayer},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := Context{}
			c.who.AddTo(ctx, nil)
			d := c.policies(t).Evaluate(&Request{Principal: c.who, Action: "s3:GetObject", Resource: objectARN, ResourceAccount: home, Context: ctx})
			if d.Outcome != c.want || d.Layer != c.layer || d.Allowed() != (c.want == Allow) {
				t.Errorf("outcome %v in layer %v, want %v in %v: %s", d.Outcome, d.Layer, c.want, c.layer, d.Explain())
			}
		})
	}
}

func TestSeveralPoliciesOfALayerAreAUnion(t *testing.T) {
	t.Parallel()
	silent := parsed(t, Identity, "silent", identityDocuments["silent"])
	allow := parsed(t, Identity, "allow", identityDocuments["allow"])
	deny := parsed(t, Identity, "deny", identityDocuments["deny"])
	r := &Request{Principal: testSession(home), Action: "s3:GetObject", Resource: objectARN}
	p := Policies{Identity: []Policy{silent, allow}, Session: []Policy{silent, allow}}
	if d := p.Evaluate(r); !d.Allowed() || d.Policy != "allow" || d.Statement != 0 {
		t.Errorf("%+v: %s", d, d.Explain())
	}
	p.Session = append(p.Session, deny)
	if d := p.Evaluate(r); d.Outcome != ExplicitDeny || d.Policy != "deny" {
		t.Errorf("%+v: %s", d, d.Explain())
	}
}

func TestTheMostDirectGrantCounts(t *testing.T) {
	t.Parallel()
	session := testSession(home)
	silent := parsed(t, Identity, "session", identityDocuments["silent"])
	grant := func(principal string) string {
		return `{"Effect":"Allow","Principal":` + aws(principal) + `,"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}`
	}
	for name, document := range map[string]string{
		"in one statement": grantsTo(`{"AWS":["` + home + `","` + session.ARN + `","` + session.RoleARN + `"]}`),
		"directly last":    statement(grant(home) + "," + grant(session.RoleARN) + "," + grant(session.ARN)),
		"directly first":   statement(grant(session.ARN) + "," + grant(session.RoleARN) + "," + grant(home)),
	} {
		resource := parsed(t, Bucket, "bucket", document)
		p := Policies{Session: []Policy{silent}, Resource: &resource}
		d := p.Evaluate(&Request{Principal: session, Action: "s3:GetObject", Resource: objectARN, ResourceAccount: home})
		if !d.Allowed() {
			t.Errorf("%s: %s", name, d.Explain())
		}
	}
}

func TestNotPrincipal(t *testing.T) {
	t.Parallel()
	session := testSession(home)
	for name, c := range map[string]struct {
		listed string
		denied bool
	}{
		"the session":       {session.ARN, false},
		"its role":          {session.RoleARN, false},
		"its role's id":     {session.UniqueID, false},
		"its account":       {home, false},
		"another account":   {abroad, true},
		"another role":      {session.RoleARN + "2", true},
		"everybody, oddly":  {"*", false},
		"a service, it not": {"", true},
	} {
		principals := aws(c.listed)
		if c.listed == "" {
			principals = `{"Service":"x.amazonaws.com"}`
		}
		resource := parsed(t, Bucket, "bucket", statement(`{"Effect":"Deny","NotPrincipal":`+principals+`,"Action":"*","Resource":"arn:aws:s3:::b/*"}`))
		p := Policies{Identity: []Policy{parsed(t, Identity, "identity", allowAll)}, Resource: &resource}
		d := p.Evaluate(&Request{Principal: session, Action: "s3:GetObject", Resource: objectARN})
		if denied := d.Outcome == ExplicitDeny; denied != c.denied {
			t.Errorf("exempting %s: %s", name, d.Explain())
		}
	}
}

// IAM User Guide, "NotPrincipal": with Deny it always denies principals that have a
// permissions boundary, whatever it lists.
func TestNotPrincipalExemptsNobodyWithABoundary(t *testing.T) {
	t.Parallel()
	who := testSession(home)
	admin := parsed(t, Identity, "admin", allowAll)
	for element, want := range map[string]Outcome{"NotPrincipal": ExplicitDeny, "Principal": Allow} {
		listed := map[string]string{"NotPrincipal": who.ARN, "Principal": who.ARN + "2"}[element]
		bucket := parsed(t, Bucket, "bucket", statement(`{"Effect":"Deny","`+element+`":`+aws(listed)+`,"Action":"s3:*","Resource":"arn:aws:s3:::b/*"}`))
		p := Policies{Identity: []Policy{admin}, Resource: &bucket}
		r := &Request{Principal: who, Action: "s3:GetObject", Resource: objectARN}
		if d := p.Evaluate(r); !d.Allowed() {
			t.Errorf("%s, without a boundary: %s", element, d.Explain())
		}
		p.Boundary = &admin
		if d := p.Evaluate(r); d.Outcome != want {
			t.Errorf("%s, with a boundary: %s", element, d.Explain())
		}
	}
}

func TestNotActionAndNotResource(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		element, action, resource string
		tag                       string
		applies                   bool
	}{
		"an action listed":                    {`"NotAction":"s3:Get*","Resource":"*"`, "s3:GetObject", objectARN, "", false},
		"listed in other case":                {`"NotAction":"S3:get*","Resource":"*"`, "s3:GetObject", objectARN, "", false},
		"an action not listed":                {`"NotAction":"s3:Get*","Resource":"*"`, "s3:PutObject", objectARN, "", true},
		"another service's action":            {`"NotAction":"s3:*","Resource":"*"`, "iam:ListRoles", "*", "", true},
		"a resource listed":                   {`"Action":"s3:*","NotResource":["arn:aws:s3:::b","arn:aws:s3:::b/*"]`, "s3:GetObject", objectARN, "", false},
		"a resource in other case":            {`"Action":"s3:*","NotResource":"arn:aws:s3:::B/*"`, "s3:GetObject", objectARN, "", true},
		"a resource by variable":              {`"Action":"s3:*","NotResource":"arn:aws:s3:::b/${aws:PrincipalTag/t}"`, "s3:GetObject", objectARN, "k", false},
		"a variable that stands for nothing":  {`"Action":"s3:*","NotResource":"arn:aws:s3:::b/${aws:PrincipalTag/t}"`, "s3:GetObject", objectARN, "", true},
		"beside it, another resource exempts": {`"Action":"s3:*","NotResource":["arn:aws:s3:::b/${aws:PrincipalTag/t}","` + objectARN + `"]`, "s3:GetObject", objectARN, "", false},
		"the action is matched as a whole":    {`"Action":"s3:Get","Resource":"*"`, "s3:GetObject", objectARN, "", false},
		"a question mark in an action":        {`"Action":"s3:?etObject","Resource":"*"`, "s3:GetObject", objectARN, "", true},
		"a star within an action":             {`"Action":"S3:*object","Resource":"*"`, "s3:GetObject", objectARN, "", true},
		"every action":                        {`"Action":"*","Resource":"*"`, "sts:TagSession", "*", "", true},
		"a resource is case-sensitive":        {`"Action":"s3:*","Resource":"arn:aws:s3:::b/K"`, "s3:GetObject", objectARN, "", false},
		"a bucket is not its objects":         {`"Action":"s3:*","Resource":"arn:aws:s3:::b"`, "s3:GetObject", objectARN, "", false},
		"objects are not their bucket":        {`"Action":"s3:*","Resource":"arn:aws:s3:::b/*"`, "s3:ListBucket", "arn:aws:s3:::b", "", false},
	} {
		p := parsed(t, Identity, name, statement(`{"Effect":"Deny",`+c.element+`}`))
		who, ctx := testSession(home), Context{}
		tags := map[string]string{}
		if c.tag != "" {
			tags["t"] = c.tag
		}
		who.AddTo(ctx, tags)
		d := (&Policies{Identity: []Policy{p}}).Evaluate(&Request{Principal: who, Action: c.action, Resource: c.resource, Context: ctx})
		if applies := d.Outcome == ExplicitDeny; applies != c.applies {
			t.Errorf("%s: applies = %v", name, applies)
		}
	}
}

func TestTrustPoliciesMustAllow(t *testing.T) {
	t.Parallel()
	user, role := testUser(home), "arn:aws:iam::"+home+":role/r"
	admin := parsed(t, Identity, "admin", allowAll)
	web := &Principal{Type: WebIdentity, ProviderARN: provider, Account: home}
	for name, c := range map[string]struct {
		who       *Principal
		identity  []Policy
		principal string
		action    string
		want      bool
	}{
		"an administrator who is not trusted":  {user, []Policy{admin}, aws(abroad), "sts:AssumeRole", false},
		"a trusted user without policies":      {user, nil, aws(user.ARN), "sts:AssumeRole", true},
		"a trusted account's user":             {user, nil, aws(home), "sts:AssumeRole", false},
		"a trusted account's administrator":    {user, []Policy{admin}, aws(home), "sts:AssumeRole", true},
		"the root of an untrusting account":    {testRoot(home), nil, aws(abroad), "sts:AssumeRole", false},
		"a foreigner, trusted and allowed":     {testUser(abroad), []Policy{admin}, aws(abroad), "sts:AssumeRole", true},
		"a foreigner, trusted only":            {testUser(abroad), nil, aws(testUser(abroad).ARN), "sts:AssumeRole", false},
		"a web identity":                       {web, nil, `{"Federated":"` + provider + `"}`, "sts:AssumeRoleWithWebIdentity", true},
		"for an action not listed":             {web, nil, `{"Federated":"` + provider + `"}`, "sts:TagSession", false},
		"of another provider":                  {web, nil, `{"Federated":"` + provider + `2"}`, "sts:AssumeRoleWithWebIdentity", false},
		"of a provider in other case":          {web, nil, `{"Federated":"arn:aws:iam::123456789012:oidc-provider/Broker.litentry.org"}`, "sts:AssumeRoleWithWebIdentity", false},
		"is no AWS principal":                  {web, nil, aws("*"), "sts:AssumeRoleWithWebIdentity", false},
		"is not its account":                   {web, nil, aws(home), "sts:AssumeRoleWithWebIdentity", false},
		"an identity policy is not asked":      {web, []Policy{admin}, aws(home), "sts:AssumeRoleWithWebIdentity", false},
		"an AWS user is no web identity":       {user, []Policy{admin}, `{"Federated":"` + provider + `"}`, "sts:AssumeRoleWithWebIdentity", false},
		"a provider beside an account is fine": {web, nil, `{"AWS":"` + home + `","Federated":"` + provider + `"}`, "sts:AssumeRoleWithWebIdentity", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			trust := parsed(t, Trust, "trust policy", statement(`{"Effect":"Allow","Principal":`+c.principal+`,
				"Action":["sts:AssumeRole","sts:AssumeRoleWithWebIdentity"]}`))
			p := Policies{Identity: c.identity, Resource: &trust}
			d := p.Evaluate(&Request{Principal: c.who, Action: c.action, Resource: role, ResourceAccount: home})
			if d.Allowed() != c.want {
				t.Error(d.Explain())
			}
		})
	}
}

func TestWhatWasNotParsedDecidesNothing(t *testing.T) {
	t.Parallel()
	handmade := Policy{Name: "handmade", Document: &Document{Statements: []Statement{{
		Effect: EffectAllow, Actions: []string{"*"}, Resources: []string{"*"},
	}}}}
	r := &Request{Principal: testUser(home), Action: "s3:GetObject", Resource: objectARN}
	for name, p := range map[string]Policies{
		"a document made by hand":        {Identity: []Policy{handmade}},
		"no document":                    {Identity: []Policy{{Name: "empty"}}},
		"a boundary without document":    {Identity: []Policy{parsed(t, Identity, "admin", allowAll)}, Boundary: &Policy{}},
		"an identity policy as resource": {Resource: &Policy{Name: "misplaced", Document: parsed(t, Identity, "admin", allowAll).Document}},
		"a resource without document":    {Resource: &Policy{}},
	} {
		if d := p.Evaluate(r); d.Allowed() {
			t.Errorf("%s: %s", name, d.Explain())
		}
	}
	var zero Decision
	if zero.Allowed() || zero.Explain() != "denied" {
		t.Errorf("the zero decision: %s", zero.Explain())
	}
}
