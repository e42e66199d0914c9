package localaws_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/litentry/wallet-federation/internal/localaws"
)

const samplePath = "../../config/localaws/seed.yaml"

// sampleSeed is the seed that users start from, for another issuer.
func sampleSeed(t *testing.T, i *issuer) string {
	t.Helper()
	content, err := os.ReadFile(samplePath)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(content), "127.0.0.1:8787", strings.TrimPrefix(i.URL, "http://"))
}

func (w *world) seed(t *testing.T, content string) {
	t.Helper()
	if err := w.server.Seed(t.Context(), strings.NewReader(content)); err != nil {
		t.Fatal(err)
	}
}

func TestSampleSeedIsAWalletFederation(t *testing.T) {
	t.Parallel()
	const (
		bucket  = "agent-memory"
		other   = "0x00000000000000000000000000000000000000bb"
		roleARN = "arn:aws:iam::" + account + ":role/agent-memory"
	)
	ctx, i := t.Context(), newIssuer(t)
	w := newWorld(t)
	w.seed(t, sampleSeed(t, i))
	claims := func(wallet, role string) map[string]any {
		identity := map[string]any{
			"aud": "sts.amazonaws.com", "sub": "agentkeys:agent:" + wallet, "https://aws.amazon.com/roles": []string{role},
		}
		return with(with(i.claimsAt(w.now), identity), tagged("agentkeys_user_wallet", wallet))
	}
	_, err := w.exchange(ctx, roleARN, i.token(t, with(claims(wallet, roleARN), map[string]any{"https://aws.amazon.com/roles": removed})))
	wantCode(t, err, "AccessDenied")
	session, err := w.exchange(ctx, roleARN, i.token(t, claims(wallet, roleARN)))
	wantCode(t, err, "")

	client := s3.NewFromConfig(w.as(session.Credentials))
	own, foreign := aws.String("bots/"+wallet+"/hello.txt"), aws.String("bots/"+other+"/hello.txt")
	if got := read(t, client, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: own}); !strings.Contains(got, wallet) {
		t.Errorf("the own object is %q", got)
	}
	_, err = client.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(bucket), Key: own, Body: strings.NewReader("mine")})
	wantCode(t, err, "")
	_, err = client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String(bucket), Prefix: aws.String("bots/" + wallet + "/")})
	wantCode(t, err, "")
	_, err = client.GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: aws.String(bucket)})
	wantCode(t, err, "")
	_, err = client.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: foreign})
	wantCode(t, err, "AccessDenied")
	_, err = client.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(bucket), Key: foreign, Body: strings.NewReader("mine")})
	wantCode(t, err, "AccessDenied")
	_, err = client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String(bucket), Prefix: aws.String("bots/")})
	wantCode(t, err, "AccessDenied")
	if got := len(w.server.Calls()); got == 0 || w.server.Calls()[0].Service != "sts" {
		t.Error("the calls of seeding are in the call log")
	}
}

func TestSeedIsForAFirstStart(t *testing.T) {
	t.Parallel()
	ctx, directory, i := t.Context(), newDirectory(t), newIssuer(t)
	w := keptWorld(t, directory)
	content := sampleSeed(t, i)
	w.seed(t, content)
	_, err := w.iam.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: aws.String("agent-memory"), PolicyName: aws.String("whereami")})
	wantCode(t, err, "")
	_, err = w.s3.DeleteBucketPolicy(ctx, &s3.DeleteBucketPolicyInput{Bucket: aws.String("agent-memory")})
	wantCode(t, err, "")
	before, err := w.iam.GetAccountAuthorizationDetails(ctx, &iam.GetAccountAuthorizationDetailsInput{})
	wantCode(t, err, "")

	w = restarted(t, w, directory)
	w.seed(t, content)
	after, err := w.iam.GetAccountAuthorizationDetails(ctx, &iam.GetAccountAuthorizationDetailsInput{})
	wantCode(t, err, "")
	if diff := cmp.Diff(before, after, withoutMetadata()); diff != "" {
		t.Errorf("the second seed changed the account (-before +after):\n%s", diff)
	}
	_, err = w.s3.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: aws.String("agent-memory")})
	wantCode(t, err, "NoSuchBucketPolicy")

	// What is missing is made, and kept.
	_, err = w.iam.DeleteOpenIDConnectProvider(ctx, &iam.DeleteOpenIDConnectProviderInput{
		OpenIDConnectProviderArn: aws.String("arn:aws:iam::" + account + ":oidc-provider/" + strings.TrimPrefix(i.URL, "http://")),
	})
	wantCode(t, err, "")
	w.seed(t, content)
	w = restarted(t, w, directory)
	providers, err := w.iam.ListOpenIDConnectProviders(ctx, &iam.ListOpenIDConnectProvidersInput{})
	wantCode(t, err, "")
	if len(providers.OpenIDConnectProviderList) != 1 {
		t.Error("the provider was not made again, or not kept")
	}
}

// Roles may trust each other and themselves, in any order.
func TestSeedOrderDoesNotMatter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	arn := func(name string) string { return "arn:aws:iam::" + account + ":role/" + name }
	w.seed(t, "managedPolicies:\n- name: unquoted\n  document:\n    Version: 2012-10-17\n    Statement: {Effect: Deny, Action: '*', Resource: '*'}\n")
	w.seed(t, `{"roles":[
		{"name":"first","trustPolicy":`+trustOf(arn("second"))+`},
		{"name":"second","trustPolicy":`+trustOf(arn("first"))+`},
		{"name":"third","trustPolicy":`+trustOf(arn("third"))+`,"permissionsBoundary":"arn:aws:iam::`+account+`:policy/late"}],
		"managedPolicies":[{"name":"late","document":`+allowAll+`}],
		"buckets":[{"name":"open","ownership":"ObjectWriter","publicAccessBlock":{"blockPublicPolicy":false},"objects":[{"key":"a?b %41","content":"ü"}],
			"policy":{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::open/*"}]}}]}`)
	for name, trusted := range map[string]string{"first": "second", "second": "first", "third": "third"} {
		if trust := w.trustPolicy(t, name); !strings.Contains(trust, arn(trusted)) {
			t.Errorf("role %s trusts %s, want %s in it", name, trust, trusted)
		}
	}
	client := s3.NewFromConfig(w.config("localaws", "localaws", ""))
	objects, err := client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("open")})
	wantCode(t, err, "")
	if len(objects.Contents) != 1 || *objects.Contents[0].Key != "a?b %41" {
		t.Errorf("objects %v", objects.Contents)
	}
	block, err := client.GetPublicAccessBlock(t.Context(), &s3.GetPublicAccessBlockInput{Bucket: aws.String("open")})
	wantCode(t, err, "")
	if *block.PublicAccessBlockConfiguration.RestrictPublicBuckets {
		t.Error("what the seed leaves out of publicAccessBlock is on")
	}
}

func TestSeedRefusals(t *testing.T) {
	t.Parallel()
	trust := trustOf(rootARN)
	const goodRole = `{"name":"good","trustPolicy":{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"sts:*"}}}`
	tests := map[string]struct{ seed, want string }{
		"no YAML":           {"roles: [", "reading seed"},
		"an unknown list":   {"users: []", `unknown field "users"`},
		"an unknown field":  {"roles:\n- name: a\n- name: b\n  trust: {}", `roles[1]: decoding JSON: unknown field "trust"`},
		"a field twice":     {"roles:\n- name: a\n  name: b", `"name" already set`},
		"the wrong type":    {`{"roles":[{"name":7}]}`, "roles[0]"},
		"the wrong case":    {`{"Roles":[]}`, `unknown field "Roles"`},
		"two documents":     {"roles: []\n---\nroles: []", "more than one document"},
		"too large":         {"# " + strings.Repeat("x", 1<<20), "larger than 1048576 bytes"},
		"a role twice":      {`{"roles":[{"name":"a"},{"name":"A"}]}`, `roles[1]: "a" is described by roles[0] already`},
		"an object twice":   {`{"buckets":[{"name":"aaa","objects":[{"key":"k"},{"key":"k"}]}]}`, `buckets[0].objects[1]: "k" is described`},
		"a nameless bucket": {`{"buckets":[{}]}`, "buckets[0]: it has no name"},

		"a provider that AWS refuses":  {`{"providers":[{"url":"http://example.com"}]}`, "providers[0]: ValidationError"},
		"a thumbprint":                 {`{"providers":[{"url":"https://example.com","thumbprints":["00"]}]}`, "providers[0]: ValidationError"},
		"a managed policy":             {`{"managedPolicies":[{"name":"p","document":{}}]}`, "managedPolicies[0]: MalformedPolicyDocument"},
		"a managed policy without any": {`{"managedPolicies":[{"name":"p"}]}`, "managedPolicies[0]: ValidationError"},
		"a role name":                  {`{"roles":[` + goodRole + `,{"name":"a b","trustPolicy":` + trust + `}]}`, "roles[1]: ValidationError"},
		"a role without trust":         {`{"roles":[{"name":"a"}]}`, "roles[0].trustPolicy: ValidationError"},
		"a principal of nowhere": {
			`{"roles":[` + goodRole + `,{"name":"a","trustPolicy":` + trustOf(adminARN+"x") + `}]}`, "roles[1].trustPolicy: MalformedPolicyDocument",
		},
		"a session too long": {`{"roles":[{"name":"a","trustPolicy":` + trust + `,"maxSessionSeconds":60}]}`, "roles[0]: ValidationError"},
		"an inline policy": {
			`{"roles":[{"name":"a","trustPolicy":` + trust + `,"inlinePolicies":{"bad":{"Statement":1}}}]}`, "roles[0].inlinePolicies.bad: MalformedPolicyDocument",
		},
		"an attached policy": {
			`{"roles":[{"name":"a","trustPolicy":` + trust + `,"attachedPolicies":["arn:aws:iam::aws:policy/None"]}]}`, "roles[0].attachedPolicies[0]: NoSuchEntity",
		},
		"a boundary": {
			`{"roles":[{"name":"a","trustPolicy":` + trust + `,"permissionsBoundary":"arn:aws:iam::aws:policy/None"}]}`, "roles[0].permissionsBoundary: NoSuchEntity",
		},
		"a reserved tag":      {`{"roles":[{"name":"a","trustPolicy":` + trust + `,"tags":{"aws:x":"y"}}]}`, "roles[0]: InvalidInput"},
		"a bucket name":       {`{"buckets":[{"name":"A_B"}]}`, "buckets[0]: InvalidBucketName"},
		"a bucket and a key":  {`{"buckets":[{"name":"bucket/key"}]}`, "buckets[0]: InvalidURI"},
		"an ownership":        {`{"buckets":[{"name":"aaa","ownership":"Mine"}]}`, "buckets[0]: InvalidArgument"},
		"a region":            {`{"buckets":[{"name":"aaa","region":"Mars"}]}`, "buckets[0]: InvalidLocationConstraint"},
		"a versioning status": {`{"buckets":[{"name":"aaa","versioning":"On"}]}`, "buckets[0].versioning: "},
		"a bucket policy": {
			`{"buckets":[{"name":"aaa","policy":` + policyOf(`{"Effect":"Allow","Principal":"*","Action":"s3:Fly","Resource":"arn:aws:s3:::aaa"}`) + `}]}`,
			"buckets[0].policy: MalformedPolicy",
		},
		"a bucket after all that is good": {
			`{"providers":[{"url":"https://example.com"}],"managedPolicies":[{"name":"p","path":"/x/","document":` + allowAll + `}],` +
				`"roles":[{"name":"a","trustPolicy":` + trust + `,"attachedPolicies":["arn:aws:iam::` + account + `:policy/x/p"]}],` +
				`"buckets":[{"name":"aaa","objects":[{"key":"k","content":"c"}]},{"name":"aab","policy":{}}]}`, "buckets[1].policy: MalformedPolicy",
		},
		"a public policy that is blocked": {
			`{"buckets":[{"name":"aaa","objects":[{"key":"k","content":"c"}],"policy":` +
				policyOf(`{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::aaa/*"}`) + `}]}`,
			"buckets[0].policy: AccessDenied",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			directory := newDirectory(t)
			w := keptWorld(t, directory)
			untouched := contents(t, directory)
			err := w.server.Seed(t.Context(), strings.NewReader(test.seed))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q in it", err, test.want)
			}
			if diff := cmp.Diff(untouched, contents(t, directory)); diff != "" {
				t.Errorf("a seed that is refused is kept in part (-before +after):\n%s", diff)
			}
		})
	}
}

func TestSeedStopsWithItsContext(t *testing.T) {
	t.Parallel()
	s, err := localaws.New(localaws.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err = s.Seed(ctx, strings.NewReader(`{"managedPolicies":[{"name":"p","document":`+allowAll+`}]}`))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that it was canceled", err)
	}
}
