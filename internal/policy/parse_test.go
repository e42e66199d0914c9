package policy

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const canonicalUser = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"

func TestParseReadsEveryElement(t *testing.T) {
	t.Parallel()
	got, err := Parse(Bucket, []byte(`{
		"Version": "2012-10-17", "Id": "mine",
		"Statement": [
			{"Sid": "a b-1.", "Effect": "Allow", "Principal": {"AWS": ["123456789012", "arn:aws:iam::123456789012:role/r"],
				"Service": "x.amazonaws.com", "Federated": "accounts.google.com", "CanonicalUser": "`+canonicalUser+`"},
			 "Action": "s3:Get*", "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"],
			 "Condition": {"StringLike": {"s3:prefix": "x"}, "NumericLessThan": {"s3:max-keys": [10, "20"]}}},
			{"Effect": "Deny", "NotPrincipal": {"AWS": "AROAEXAMPLEEXAMPLE"}, "NotAction": ["s3:GetObject"], "NotResource": "arn:aws-cn:s3:::b"},
			{"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "arn:aws:s3:::b/*", "Condition": {}}
		]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := &Document{Version: "2012-10-17", ID: "mine", Statements: []Statement{
		{
			Sid: "a b-1.", Effect: EffectAllow,
			Principal: &Principals{
				AWS:     []string{"123456789012", "arn:aws:iam::123456789012:role/r"},
				Service: []string{"x.amazonaws.com"}, Federated: []string{"accounts.google.com"}, CanonicalUser: []string{canonicalUser},
			},
			Actions: []string{"s3:Get*"}, Resources: []string{"arn:aws:s3:::b", "arn:aws:s3:::b/*"},
			Conditions: []Condition{
				{Operator: "StringLike", Key: "s3:prefix", Values: []string{"x"}},
				{Operator: "NumericLessThan", Key: "s3:max-keys", Values: []string{"10", "20"}},
			},
		},
		{
			Effect: EffectDeny, NotPrincipal: &Principals{AWS: []string{"AROAEXAMPLEEXAMPLE"}},
			NotActions: []string{"s3:GetObject"}, NotResources: []string{"arn:aws-cn:s3:::b"},
		},
		{
			Effect: EffectDeny, Principal: &Principals{Any: true},
			Actions: []string{"*"}, Resources: []string{"arn:aws:s3:::b/*"},
		},
	}}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Document{}, Statement{}, Condition{}, Principals{})); diff != "" {
		t.Error(diff)
	}
	if got.Kind() != Bucket {
		t.Errorf("kind %v", got.Kind())
	}
}

func TestParseAcceptsWhatAWSAccepts(t *testing.T) {
	t.Parallel()
	const allow = `"Effect":"Allow","Action":"s3:GetObject","Resource":"*"`
	const principal = `"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*","Principal":`
	for name, c := range map[string]struct {
		kind     Kind
		document string
	}{
		"a single statement":        {Identity, `{"Statement":{` + allow + `}}`},
		"the old version":           {Identity, `{"Version":"2008-10-17","Statement":[{` + allow + `}]}`},
		"white space":               {Identity, " \n" + statement(`{`+allow+`}`) + "\n "},
		"all actions of everything": {Identity, statement(`{"Effect":"Allow","Action":"*:*","Resource":"*"}`)},
		"wildcards in an action":    {Identity, statement(`{"Effect":"Allow","Action":["s3:*Object?","S3:getobject"],"Resource":"*"}`)},
		"a star for ARN components": {Identity, statement(`{"Effect":"Allow","Action":"s3:*","Resource":["arn:aws:s3:*","arn:*:s3:::b*"]}`)},
		"no Sids twice":             {Identity, statement(`{"Sid":"",` + allow + `},{"Sid":"",` + allow + `}`)},
		"an origin access identity": {Bucket, statement(`{` + principal + `{"AWS":"arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1"}}`)},
		"a session":                 {Bucket, statement(`{` + principal + `{"AWS":"arn:aws:sts::123456789012:assumed-role/r/s"}}`)},
		"a deleted role":            {Bucket, statement(`{` + principal + `{"AWS":"AROAEXAMPLEEXAMPLE"}}`)},
		"a Sid with spaces":         {Bucket, statement(`{"Sid":"Allow it (please)",` + principal + `"*"}`)},
		"all actions on a bucket":   {Bucket, statement(`{"Effect":"Deny","Action":"*","Resource":"arn:aws:s3:::b","Principal":"*"}`)},
		"a trust of a user and a SAML": {Trust, statement(`{"Effect":"Allow","Action":["sts:AssumeRole","sts:AssumeRoleWithSAML"],
			"Principal":{"AWS":"arn:aws:iam::123456789012:user/u","Federated":"arn:aws:iam::123456789012:saml-provider/p"}}`)},
		"no conditions, as the console writes": {Trust, withTrust(`"Condition":{}`)},
		"every trusted action":                 {Trust, withTrust(`"Action":["sts:Assume*","sts:TagSession","sts:SetSourceIdentity","sts:SetContext"]`)},
		"a federated user":                     {Bucket, withBucket(`"Principal":{"AWS":"arn:aws:sts::123456789012:federated-user/u"}`)},
		"a domain of a provider":               {Trust, withTrust(`"Principal":{"Federated":"cognito-identity.amazonaws.com"}`)},
		"a wildcard for the partition":         {Identity, with(`"Resource":"arn:*:s3:::b"`)},
		"an issuer with a path": {Trust, statement(`{"Effect":"Allow","Action":"sts:*","Principal":{"Federated":"` + provider + `"},
			"Condition":{"StringEquals":{"oidc.eks.eu-west-1.amazonaws.com/id/AB:aud":"sts.amazonaws.com"}}}`)},
	} {
		if _, err := Parse(c.kind, []byte(c.document)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// with returns an identity statement with one element replaced or added.
func with(element string) string {
	elements := map[string]string{"Effect": `"Allow"`, "Action": `"s3:GetObject"`, "Resource": `"*"`}
	return compose(elements, element)
}

func withBucket(element string) string {
	elements := map[string]string{
		"Effect": `"Allow"`, "Action": `"s3:GetObject"`, "Resource": `"arn:aws:s3:::b/*"`, "Principal": `"*"`,
	}
	return compose(elements, element)
}

func withTrust(element string) string {
	elements := map[string]string{
		"Effect": `"Allow"`, "Action": `"sts:AssumeRole"`, "Principal": `{"AWS":"123456789012"}`,
	}
	return compose(elements, element)
}

// compose adds element, as in `"Action":"x"`, to elements; with an empty value
// it takes the element away.
func compose(elements map[string]string, element string) string {
	name, value, _ := strings.Cut(element, ":")
	name = strings.Trim(name, `"`)
	elements[name] = value
	var list []string
	for _, n := range []string{"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition", name} {
		if v := elements[n]; v != "" {
			list = append(list, `"`+n+`":`+v)
			delete(elements, n)
		}
	}
	return statement(`{` + strings.Join(list, ",") + `}`)
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	const grant = `"Effect":"Allow","Action":"s3:GetObject","Resource":"*"`
	const s0 = "Statement[0]"
	for name, c := range map[string]struct {
		kind     Kind
		document string
		path     string
		message  string // a part of it
	}{
		"nothing":                         {Identity, ``, "", "ends too early"},
		"half a document":                 {Identity, `{"Statement":[`, "Statement", "ends too early"},
		"what is no JSON":                 {Identity, `{"Statement"=1}`, "Statement", "not JSON"},
		"a second document":               {Identity, statement(`{`+grant+`}`) + `{}`, "", "goes on after its end"},
		"invalid UTF-8":                   {Identity, "{\"Id\":\"\xff\"}", "", "UTF-8"},
		"a trailing comma":                {Identity, `{"Id":"a",}`, "", "not JSON"},
		"a bracket for a brace":           {Identity, `{"Statement":[}`, "Statement", "not JSON"},
		"half a surrogate pair":           {Identity, `{"Id":"\ud801"}`, "Id", "Unicode"},
		"too many bytes":                  {Identity, strings.Repeat(" ", MaxDocumentSize) + `{}`, "", "bytes"},
		"too many levels":                 {Identity, `{"Id":` + strings.Repeat(`[`, 100) + strings.Repeat(`]`, 100) + `}`, "Id[0][0][0][0][0][0][0]", "deeper"},
		"a list":                          {Identity, `[]`, "", "must be an object"},
		"an element twice":                {Identity, statement(`{"Effect":"Deny",` + grant + `}`), s0 + ".Effect", "twice"},
		"an operator twice":               {Identity, with(`"Condition":{"Null":{"a:b":"true"},"Null":{"a:c":"true"}}`), s0 + ".Condition.Null", "twice"},
		"a key twice":                     {Identity, with(`"Condition":{"Null":{"a:b":"true","a:b":"true"}}`), s0 + ".Condition.Null.a:b", "twice"},
		"an unknown element":              {Identity, `{"Statements":[]}`, "Statements", "unknown element"},
		"an unknown statement element":    {Identity, with(`"Effekt":"Deny"`), s0 + ".Effekt", "unknown element"},
		"an element in lower case":        {Identity, with(`"action":"s3:*"`), s0 + ".action", "unknown element"},
		"no statement":                    {Identity, `{"Version":"2012-10-17"}`, "Statement", "missing"},
		"an empty list of statements":     {Identity, statement(``), "Statement", "empty"},
		"a statement that is text":        {Identity, `{"Statement":"x"}`, "Statement", "must be an object or a list"},
		"a listed statement of text":      {Identity, statement(`{` + grant + `},"x"`), "Statement[1]", "must be an object, not a string"},
		"a version of its own":            {Identity, `{"Version":"2024-01-01","Statement":[]}`, "Version", "2012-10-17"},
		"a version that is a number":      {Identity, `{"Version":2012,"Statement":[]}`, "Version", "must be a string, not a number"},
		"an Id that is null":              {Bucket, `{"Id":null,"Statement":[]}`, "Id", "must be a string, not null"},
		"an Id in an identity policy":     {Identity, `{"Id":"a","Statement":[]}`, "Id", "not allowed"},
		"an Id in a session policy":       {Session, `{"Id":"a","Statement":[]}`, "Id", "not allowed"},
		"no effect":                       {Identity, with(`"Effect":`), s0 + ".Effect", "missing"},
		"an effect in lower case":         {Identity, with(`"Effect":"allow"`), s0 + ".Effect", `"Allow"`},
		"an effect that is a list":        {Identity, with(`"Effect":["Allow"]`), s0 + ".Effect", "must be a string, not a list"},
		"a Sid with a space":              {Identity, with(`"Sid":"a b"`), s0 + ".Sid", "' '"},
		"a Sid with a hyphen":             {Trust, withTrust(`"Sid":"a-b"`), s0 + ".Sid", "'-'"},
		"a Sid with a letter beyond":      {Identity, with(`"Sid":"é"`), s0 + ".Sid", "'é'"},
		"a Sid with a line break":         {Bucket, withBucket(`"Sid":"a\nb"`), s0 + ".Sid", "not allowed"},
		"a Sid twice":                     {Identity, statement(`{"Sid":"a",` + grant + `},{"Sid":"a",` + grant + `}`), "Statement[1].Sid", "taken"},
		"no action":                       {Identity, with(`"Action":`), s0 + ".Action", "missing"},
		"Action and NotAction":            {Identity, with(`"NotAction":"s3:*"`), s0 + ".NotAction", "beside"},
		"an empty list of actions":        {Identity, with(`"Action":[]`), s0 + ".Action", "empty"},
		"an action that is a number":      {Identity, with(`"Action":["s3:*",1]`), s0 + ".Action[1]", "must be a string, not a number"},
		"an action without service":       {Identity, with(`"Action":"GetObject"`), s0 + ".Action[0]", "service"},
		"an action without name":          {Identity, with(`"Action":"s3:"`), s0 + ".Action[0]", "name"},
		"an action with a space":          {Identity, with(`"Action":"s3:Get Object"`), s0 + ".Action[0]", "name"},
		"an action with a variable":       {Identity, with(`"Action":"s3:${aws:username}"`), s0 + ".Action[0]", "name"},
		"an action with a wild service":   {Identity, with(`"Action":"s*:GetObject"`), s0 + ".Action[0]", "service"},
		"an action of another service":    {Bucket, withBucket(`"Action":"sts:AssumeRole"`), s0 + ".Action[0]", "S3"},
		"an action that trusts nobody":    {Trust, withTrust(`"Action":"sts:GetCallerIdentity"`), s0 + ".Action[0]", "STS"},
		"a pattern that trusts nobody":    {Trust, withTrust(`"Action":"sts:Get*"`), s0 + ".Action[0]", "STS"},
		"an action other than of STS":     {Trust, withTrust(`"Action":"s3:GetObject"`), s0 + ".Action[0]", "STS"},
		"every action in a trust":         {Trust, withTrust(`"Action":"*"`), s0 + ".Action[0]", "STS"},
		"no resource":                     {Identity, with(`"Resource":`), s0 + ".Resource", "missing"},
		"no resource in a bucket policy":  {Bucket, withBucket(`"Resource":`), s0 + ".Resource", "missing"},
		"Resource and NotResource":        {Identity, with(`"NotResource":"*"`), s0 + ".NotResource", "beside"},
		"a resource that is no ARN":       {Identity, with(`"Resource":"bucket/*"`), s0 + ".Resource[0]", "ARN"},
		"a resource that is cut off":      {Identity, with(`"Resource":"arn:aws"`), s0 + ".Resource[0]", "ARN"},
		"a resource of no partition":      {Identity, with(`"Resource":"arn::s3:::b"`), s0 + ".Resource[0]", "ARN"},
		"a resource of an odd partition":  {Identity, with(`"Resource":"arn:gcp:s3:::b"`), s0 + ".Resource[0]", "ARN"},
		"a resource of no service":        {Identity, with(`"Resource":"arn:aws::::b"`), s0 + ".Resource[0]", "ARN"},
		"a resource of any service":       {Identity, with(`"Resource":"arn:aws:*"`), s0 + ".Resource[0]", "service"},
		"a resource of a few services":    {Identity, with(`"Resource":"arn:aws:s?:::b"`), s0 + ".Resource[0]", "service"},
		"a variable in the old version":   {Identity, `{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"${t:arn}"}}`, s0 + ".Resource[0]", "ARN"},
		"a resource with half a variable": {Identity, with(`"Resource":"arn:aws:s3:::b/${aws:username"`), s0 + ".Resource[0]", "not closed"},
		"a resource in a trust policy":    {Trust, withTrust(`"Resource":"*"`), s0 + ".Resource", "not allowed"},
		"a NotResource in a trust":        {Trust, withTrust(`"NotResource":"arn:aws:s3:::b"`), s0 + ".Resource", "not allowed"},
		"every resource for a bucket":     {Bucket, withBucket(`"Resource":"*"`), s0 + ".Resource[0]", "bucket"},
		"another service for a bucket":    {Bucket, withBucket(`"Resource":"arn:aws:sqs:::b"`), s0 + ".Resource[0]", "bucket"},
		"a principal in an identity":      {Identity, with(`"Principal":"*"`), s0 + ".Principal", "not allowed"},
		"a NotPrincipal in an identity":   {Identity, with(`"NotPrincipal":"*"`), s0 + ".Principal", "not allowed"},
		"no principal for a bucket":       {Bucket, withBucket(`"Principal":`), s0 + ".Principal", "missing"},
		"no principal in a trust":         {Trust, withTrust(`"Principal":`), s0 + ".Principal", "missing"},
		"Principal and NotPrincipal":      {Bucket, withBucket(`"NotPrincipal":"*"`), s0 + ".NotPrincipal", "beside"},
		"Allow with NotPrincipal": {Bucket, statement(`{"Effect":"Allow","NotPrincipal":{"AWS":"123456789012"},
			"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}`), s0 + ".NotPrincipal", "everybody else"},
		"NotPrincipal in a trust": {Trust, statement(`{"Effect":"Deny","NotPrincipal":{"AWS":"123456789012"},
			"Action":"sts:AssumeRole"}`), s0 + ".NotPrincipal", "not allowed"},
		"a principal that is text":      {Bucket, withBucket(`"Principal":"123456789012"`), s0 + ".Principal", `"*"`},
		"a principal that is a list":    {Bucket, withBucket(`"Principal":["*"]`), s0 + ".Principal", "list"},
		"an empty principal":            {Bucket, withBucket(`"Principal":{}`), s0 + ".Principal", "empty"},
		"an empty list of principals":   {Bucket, withBucket(`"Principal":{"AWS":[]}`), s0 + ".Principal.AWS", "empty"},
		"an unknown kind of principal":  {Bucket, withBucket(`"Principal":{"Aws":"*"}`), s0 + ".Principal.Aws", "unknown kind"},
		"a principal with a wildcard":   {Bucket, withBucket(`"Principal":{"AWS":"arn:aws:iam::123456789012:user/*"}`), s0 + ".Principal.AWS[0]", "invalid principal"},
		"a group as a principal":        {Bucket, withBucket(`"Principal":{"AWS":"arn:aws:iam::123456789012:group/g"}`), s0 + ".Principal.AWS[0]", "invalid principal"},
		"a role without a name":         {Bucket, withBucket(`"Principal":{"AWS":"arn:aws:iam::123456789012:role/"}`), s0 + ".Principal.AWS[0]", "invalid principal"},
		"a role of no account":          {Bucket, withBucket(`"Principal":{"AWS":"arn:aws:iam::1234:role/r"}`), s0 + ".Principal.AWS[0]", "invalid principal"},
		"a session without a name":      {Bucket, withBucket(`"Principal":{"AWS":"arn:aws:sts::123456789012:assumed-role/r"}`), s0 + ".Principal.AWS[0]", "invalid principal"},
		"a variable as a principal":     {Bucket, withBucket(`"Principal":{"AWS":"arn:aws:iam::123456789012:user/${aws:username}"}`), s0 + ".Principal.AWS[0]", "invalid principal"},
		"an access identity in a trust": {Trust, withTrust(`"Principal":{"AWS":"arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1"}`), s0 + ".Principal.AWS[0]", "invalid principal"},
		"everybody in a trust":          {Trust, withTrust(`"Principal":"*"`), s0 + ".Principal", `"AWS"`},
		"a canonical user in a trust":   {Trust, withTrust(`"Principal":{"CanonicalUser":"` + canonicalUser + `"}`), s0 + ".Principal.CanonicalUser", "unknown kind"},
		"half a canonical user":         {Bucket, withBucket(`"Principal":{"CanonicalUser":"79a5"}`), s0 + ".Principal.CanonicalUser[0]", "invalid principal"},
		"a service without a dot":       {Bucket, withBucket(`"Principal":{"Service":"s3"}`), s0 + ".Principal.Service[0]", "invalid principal"},
		"a role as a provider":          {Trust, withTrust(`"Principal":{"Federated":"arn:aws:iam::123456789012:role/r"}`), s0 + ".Principal.Federated[0]", "invalid principal"},
		"a URL as a provider":           {Trust, withTrust(`"Principal":{"Federated":"https://broker.litentry.org"}`), s0 + ".Principal.Federated[0]", "invalid principal"},
		"a principal that is a bucket":  {Bucket, withBucket(`"Principal":{"AWS":["*","arn:aws:s3:::b"]}`), s0 + ".Principal.AWS[1]", "invalid principal"},
		"a principal with a region":     {Bucket, withBucket(`"Principal":{"AWS":"arn:aws:iam:eu-west-1:123456789012:user/u"}`), s0 + ".Principal.AWS[0]", "invalid principal"},
		"an account with a digit less":  {Bucket, withBucket(`"Principal":{"AWS":"12345678901"}`), s0 + ".Principal.AWS[0]", "invalid principal"},
		"a service with a wildcard":     {Bucket, withBucket(`"Principal":{"Service":"*.amazonaws.com"}`), s0 + ".Principal.Service[0]", "invalid principal"},
		"a provider with a wildcard":    {Trust, withTrust(`"Principal":{"Federated":"*"}`), s0 + ".Principal.Federated[0]", "invalid principal"},
		"a condition that is a list":    {Identity, with(`"Condition":[]`), s0 + ".Condition", "must be an object"},
		"an unknown operator":           {Identity, with(`"Condition":{"StringIs":{"a:b":"c"}}`), s0 + ".Condition.StringIs", "unknown condition operator"},
		"an operator without keys":      {Identity, with(`"Condition":{"StringLike":{}}`), s0 + ".Condition.StringLike", "empty"},
		"an operator with a list":       {Identity, with(`"Condition":{"StringLike":["a"]}`), s0 + ".Condition.StringLike", "must be an object"},
		"a key without prefix":          {Identity, with(`"Condition":{"StringLike":{"username":"a"}}`), s0 + ".Condition.StringLike.username", "prefix"},
		"a variable in a key":           {Identity, with(`"Condition":{"StringLike":{"aws:${t:v}":"a"}}`), s0 + ".Condition.StringLike.aws:${t:v}", "variable"},
		"an empty list of values":       {Trust, withTrust(`"Condition":{"StringLike":{"a:b":[]}}`), s0 + ".Condition.StringLike.a:b", "empty"},
		"a value that is an object":     {Identity, with(`"Condition":{"StringLike":{"a:b":{"c":"d"}}}`), s0 + ".Condition.StringLike.a:b", "not an object"},
		"a value that is null":          {Identity, with(`"Condition":{"StringLike":{"a:b":["c",null]}}`), s0 + ".Condition.StringLike.a:b", "not null"},
		"a value that does not fit":     {Identity, with(`"Condition":{"NumericEquals":{"a:b":[1,"c"]}}`), s0 + ".Condition.NumericEquals.a:b", `"c" is not a number`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			document, err := Parse(c.kind, []byte(c.document))
			var syntax *SyntaxError
			if !errors.As(err, &syntax) {
				t.Fatalf("got %v, %v; want a SyntaxError\n%s", document, err, c.document)
			}
			if syntax.Path != c.path || !strings.Contains(syntax.Message, c.message) {
				t.Errorf("got %q: %q, want %q: ...%s...", syntax.Path, syntax.Message, c.path, c.message)
			}
			if !strings.HasPrefix(err.Error(), c.path) || !strings.Contains(err.Error(), c.message) {
				t.Errorf("Error() = %q", err)
			}
		})
	}
}

func TestRefusalsStayShort(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 50_000)
	for name, document := range map[string]string{
		"a name":   `{"` + long + `":1}`,
		"names":    `{"Statement":{"Condition":{"` + long + `":{"` + long[1:] + `":1}}}}`,
		"a value":  with(`"Action":"` + long + `"`),
		"a Sid":    `{"Statement":[{"Sid":"` + long + `","Effect":"Allow","Action":"*","Resource":"*"},{"Sid":"` + long + `","Effect":"Allow","Action":"*","Resource":"*"}]}`,
		"a number": with(`"Condition":{"NumericEquals":{"a:b":"` + long + `"}}`),
	} {
		if _, err := Parse(Identity, []byte(document)); err == nil || len(err.Error()) > 1000 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A long name above many values must not be copied for each of them.
func TestParsingIsLinear(t *testing.T) {
	document := func(n int) []byte {
		return []byte(`{"Statement":{"` + strings.Repeat("x", 4*n) + `":[1` + strings.Repeat(",1", 2*n) + `]}}`)
	}
	const size, factor, bound = 1 << 10, 14, 56
	parse := func(n int) time.Duration {
		text := document(n)
		return leastOf(10, func() {
			if _, err := Parse(Identity, text); err == nil {
				t.Error("accepted")
			}
		})
	}
	if before, after := parse(size), parse(size*factor); after > bound*before {
		t.Errorf("%v becomes %v where the document grows %d times", before, after, factor)
	}
}
