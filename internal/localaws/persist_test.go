package localaws_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/google/go-cmp/cmp"

	"github.com/litentry/wallet-federation/internal/localaws"
)

// newDirectory is a path where an account can be kept.
func newDirectory(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "account")
}

// keptWorld is a world whose account is kept in a directory.
func keptWorld(t *testing.T, directory string) *s3World {
	t.Helper()
	w := &s3World{world: newWorld(t, func(o *localaws.Options) { o.Directory = directory })}
	w.s3 = s3.NewFromConfig(w.config("localaws", "localaws", ""))
	t.Cleanup(func() {
		if err := w.server.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// restarted is the world after its server was closed and another took over.
func restarted(t *testing.T, w *s3World, directory string) *s3World {
	t.Helper()
	if err := w.server.Close(); err != nil {
		t.Fatal(err)
	}
	return keptWorld(t, directory)
}

// fill makes something of every kind.
func (w *s3World) fill(t *testing.T, i *issuer) {
	t.Helper()
	ctx := t.Context()
	w.provider(t, i)
	policy, err := w.iam.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("limits"), PolicyDocument: aws.String(allowAll)})
	if err != nil {
		t.Fatal(err)
	}
	role := w.role(t, "reader", trustOf(rootARN))
	w.allow(t, "reader", policyOf(grant("s3:*", "*")))
	_, err = w.iam.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: aws.String("reader"), PolicyArn: policy.Policy.Arn})
	wantCode(t, err, "")
	_, err = w.iam.PutRolePermissionsBoundary(ctx, &iam.PutRolePermissionsBoundaryInput{RoleName: aws.String("reader"), PermissionsBoundary: policy.Policy.Arn})
	wantCode(t, err, "")
	bucket := aws.String(shared)
	_, err = w.s3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket})
	wantCode(t, err, "")
	w.put(t, "before", "versioning")
	_, err = w.s3.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
		Bucket: bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	})
	wantCode(t, err, "")
	_, err = w.s3.PutObject(ctx, &s3.PutObjectInput{
		Bucket: bucket, Key: aws.String("näme"), Body: strings.NewReader("one"),
		Metadata: map[string]string{"who": "alice"}, Tagging: aws.String("team=red"),
	})
	wantCode(t, err, "")
	w.put(t, "näme", "two")
	w.put(t, "gone", "three")
	_, err = w.s3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: aws.String("gone")})
	wantCode(t, err, "")
	_, err = w.s3.PutObjectTagging(ctx, &s3.PutObjectTaggingInput{
		Bucket: bucket, Key: aws.String("before"), Tagging: &types.Tagging{TagSet: []types.Tag{{Key: aws.String("team"), Value: aws.String("blue")}}},
	})
	wantCode(t, err, "")
	w.setPolicy(t, `{"Effect":"Allow","Principal":{"AWS":"`+role+`"},"Action":"s3:GetObject","Resource":"`+bucketARN("/*")+`"}`)
}

// describe tells all that the administrator can find out.
func (w *s3World) describe(t *testing.T) map[string]any {
	t.Helper()
	ctx, bucket := t.Context(), aws.String(shared)
	told := map[string]any{}
	add := func(name string, out any, err error) {
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		told[name] = out
	}
	account, err := w.iam.GetAccountAuthorizationDetails(ctx, &iam.GetAccountAuthorizationDetailsInput{})
	add("account", account, err)
	providers, err := w.iam.ListOpenIDConnectProviders(ctx, &iam.ListOpenIDConnectProvidersInput{})
	add("providers", providers, err)
	provider, err := w.iam.GetOpenIDConnectProvider(ctx, &iam.GetOpenIDConnectProviderInput{
		OpenIDConnectProviderArn: providers.OpenIDConnectProviderList[0].Arn,
	})
	add("provider", provider, err)
	caller, err := w.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	add("caller", caller, err)
	buckets, err := w.s3.ListBuckets(ctx, &s3.ListBucketsInput{})
	add("buckets", buckets, err)
	versions, err := w.s3.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: bucket})
	add("versions", versions, err)
	policy, err := w.s3.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: bucket})
	add("policy", policy, err)
	block, err := w.s3.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: bucket})
	add("public access", block, err)
	for _, v := range versions.Versions {
		input := &s3.GetObjectInput{Bucket: bucket, Key: v.Key, VersionId: v.VersionId}
		add("body of "+*v.Key+" "+*v.VersionId, read(t, w.s3, input), nil)
		head, err := w.s3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: v.Key, VersionId: v.VersionId})
		add("head of "+*v.Key+" "+*v.VersionId, head, err)
		tags, err := w.s3.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: bucket, Key: v.Key, VersionId: v.VersionId})
		add("tags of "+*v.Key+" "+*v.VersionId, tags, err)
	}
	return told
}

// withoutMetadata leaves out what is about a call and not about what it asks.
func withoutMetadata() cmp.Option {
	return cmp.FilterPath(func(p cmp.Path) bool {
		return p.Last().String() == ".ResultMetadata" || p.Last().String() == ".noSmithyDocumentSerde"
	}, cmp.Ignore())
}

func TestRestartKeepsEverything(t *testing.T) {
	t.Parallel()
	directory, i := newDirectory(t), newIssuer(t)
	w := keptWorld(t, directory)
	w.fill(t, i)
	want := w.describe(t)
	for range 2 {
		w = restarted(t, w, directory)
		if diff := cmp.Diff(want, w.describe(t), withoutMetadata()); diff != "" {
			t.Fatalf("the account after a restart (-want +got):\n%s", diff)
		}
	}
	// What is deleted stays deleted.
	_, err := w.s3.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(shared), Key: aws.String("before"), VersionId: aws.String("null")})
	wantCode(t, err, "")
	_, err = w.iam.DeleteRolePolicy(t.Context(), &iam.DeleteRolePolicyInput{RoleName: aws.String("reader"), PolicyName: aws.String("permissions")})
	wantCode(t, err, "")
	w = restarted(t, w, directory)
	_, err = w.s3.GetObject(t.Context(), get("before"))
	wantCode(t, err, "NoSuchKey")
	_, err = w.iam.GetRolePolicy(t.Context(), &iam.GetRolePolicyInput{RoleName: aws.String("reader"), PolicyName: aws.String("permissions")})
	wantCode(t, err, "NoSuchEntity")
	if files, err := os.ReadDir(filepath.Join(directory, "objects")); err != nil || len(files) != 3 {
		t.Errorf("%d bodies are kept (error %v), want those of 3 versions", len(files), err)
	}
}

func TestSessionsGoOnAfterARestart(t *testing.T) {
	t.Parallel()
	ctx, directory, i := t.Context(), newDirectory(t), newIssuer(t)
	w := keptWorld(t, directory)
	w.now = w.now.Add(-10 * time.Minute) // the clients' clocks are ahead, but not too far
	w.fill(t, i)
	w.put(t, "alice/secret", "alice's")
	w.put(t, "bob/secret", "bob's")
	provider := aws.String("arn:aws:iam::" + account + ":oidc-provider/" + strings.TrimPrefix(i.URL, "http://"))
	role := w.role(t, "wallets", federatedTrust(*provider, "{}"))
	w.allow(t, "wallets", policyOf(grant("s3:GetObject", bucketARN("/${aws:PrincipalTag/wallet}/*"))))
	token := i.token(t, with(i.claimsAt(w.now), tagged("wallet", "alice")))
	bought, err := w.exchange(ctx, role, token)
	wantCode(t, err, "")
	limited, err := w.sts.AssumeRole(ctx, &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::" + account + ":role/reader"), RoleSessionName: aws.String("limited"),
		DurationSeconds: aws.Int32(900),
		Policy:          aws.String(policyOf(grant("s3:GetObject", bucketARN("/bob/*")))),
	})
	wantCode(t, err, "")

	w = restarted(t, w, directory)
	for name, session := range map[string]struct {
		credentials     *ststypes.Credentials
		reads, mustFail string
	}{
		"of a web identity, with a tag":       {bought.Credentials, "alice/secret", "bob/secret"},
		"of a role, with a policy of its own": {limited.Credentials, "bob/secret", "alice/secret"},
	} {
		client := s3.NewFromConfig(w.as(session.credentials))
		if got := read(t, client, get(session.reads)); got == "" {
			t.Errorf("session %s: read nothing", name)
		}
		_, err := client.GetObject(ctx, get(session.mustFail))
		wantCode(t, err, "AccessDenied")
	}
	w.elapsed.Store(int64(6 * time.Minute))
	_, err = s3.NewFromConfig(w.as(limited.Credentials)).GetObject(ctx, get("bob/secret"))
	wantCode(t, err, "ExpiredToken")
}

// The bucket policy is bound to the unique id of the role.
func TestRestartGrantsNothingToARoleMadeAgain(t *testing.T) {
	t.Parallel()
	ctx, directory := t.Context(), newDirectory(t)
	w := keptWorld(t, directory)
	_, err := w.s3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(shared)})
	wantCode(t, err, "")
	w.put(t, "secret", "of the first")
	role := w.role(t, "reader", trustOf(rootARN))
	w.setPolicy(t, `{"Effect":"Allow","Principal":{"AWS":"`+role+`"},"Action":"s3:GetObject","Resource":"`+bucketARN("/*")+`"}`)
	if got := read(t, s3.NewFromConfig(w.as(w.assume(t, role))), get("secret")); got != "of the first" {
		t.Fatalf("the role that is granted reads %q", got)
	}
	w = restarted(t, w, directory)
	_, err = w.iam.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: aws.String("reader")})
	wantCode(t, err, "")
	w.role(t, "reader", trustOf(rootARN))
	w = restarted(t, w, directory)
	_, err = s3.NewFromConfig(w.as(w.assume(t, role))).GetObject(ctx, get("secret"))
	wantCode(t, err, "AccessDenied")
}
