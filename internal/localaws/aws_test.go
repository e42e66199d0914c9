package localaws_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"

	"github.com/litentry/wallet-federation/internal/localaws"
)

const account = "123456789012"

// world is a server with clients of its administrator. Its clock stands still
// at now, but for what elapsed says.
type world struct {
	server  *localaws.Server
	url     string
	now     time.Time
	elapsed atomic.Int64 // nanoseconds
	iam     *iam.Client
	sts     *sts.Client
}

func newWorld(t *testing.T, configure ...func(*localaws.Options)) *world {
	t.Helper()
	w := &world{now: time.Now()}
	options := localaws.Options{Now: func() time.Time { return w.now.Add(time.Duration(w.elapsed.Load())) }}
	for _, c := range configure {
		c(&options)
	}
	server, err := localaws.New(options)
	if err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(server)
	t.Cleanup(listener.Close)
	w.server, w.url = server, listener.URL
	admin := w.config("localaws", "localaws", "")
	w.iam, w.sts = iam.NewFromConfig(admin), sts.NewFromConfig(admin)
	return w
}

func (w *world) config(id, secret, token string) aws.Config {
	return aws.Config{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(w.url),
		Credentials:  credentials.NewStaticCredentialsProvider(id, secret, token),
		Retryer:      func() aws.Retryer { return aws.NopRetryer{} },
	}
}

// as is the configuration of temporary credentials.
func (w *world) as(c *ststypes.Credentials) aws.Config {
	return w.config(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken)
}

// role creates a role with a trust policy.
func (w *world) role(t *testing.T, name, trust string) string {
	t.Helper()
	out, err := w.iam.CreateRole(t.Context(), &iam.CreateRoleInput{
		RoleName: &name, AssumeRolePolicyDocument: &trust, MaxSessionDuration: aws.Int32(7200),
	})
	if err != nil {
		t.Fatal(err)
	}
	return *out.Role.Arn
}

// provider registers an issuer and returns the provider's ARN.
func (w *world) provider(t *testing.T, i *issuer) string {
	t.Helper()
	out, err := w.iam.CreateOpenIDConnectProvider(t.Context(), &iam.CreateOpenIDConnectProviderInput{
		Url: &i.URL, ClientIDList: []string{audience, otherClient},
	})
	if err != nil {
		t.Fatal(err)
	}
	return *out.OpenIDConnectProviderArn
}

// allow gives a role an inline policy.
func (w *world) allow(t *testing.T, role, document string) {
	t.Helper()
	_, err := w.iam.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{
		RoleName: &role, PolicyName: aws.String("permissions"), PolicyDocument: &document,
	})
	if err != nil {
		t.Fatal(err)
	}
}

// assume assumes a role that trusts the administrator.
func (w *world) assume(t *testing.T, roleARN string, tags ...ststypes.Tag) *ststypes.Credentials {
	t.Helper()
	out, err := w.sts.AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: &roleARN, RoleSessionName: aws.String("session"), Tags: tags,
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Credentials
}

// exchange buys a session with a token.
func (w *world) exchange(ctx context.Context, roleARN, token string) (*sts.AssumeRoleWithWebIdentityOutput, error) {
	return w.sts.AssumeRoleWithWebIdentity(ctx, &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: &roleARN, RoleSessionName: aws.String("oidc-probe"), WebIdentityToken: &token,
	})
}

// federatedTrust trusts a provider with everything, under a condition ("{}" for none).
func federatedTrust(providerARN, condition string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"` + providerARN + `"},` +
		`"Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession","sts:SetSourceIdentity"],"Condition":` + condition + `}]}`
}

// trustOf trusts an AWS principal to assume the role and to tag the session.
func trustOf(principal string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + principal + `"},` +
		`"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]}]}`
}

const (
	rootARN  = "arn:aws:iam::" + account + ":root"
	adminARN = "arn:aws:iam::" + account + ":user/localaws"
	allowAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
)

func iamTag(key, value string) iamtypes.Tag {
	return iamtypes.Tag{Key: &key, Value: &value}
}

func stsTag(key, value string) ststypes.Tag {
	return ststypes.Tag{Key: &key, Value: &value}
}

// wantCode fails unless err is the AWS error with the code; "" wants success.
// It returns the message.
func wantCode(t *testing.T, err error, code string) string {
	t.Helper()
	var got smithy.APIError
	switch {
	case err == nil && code == "":
		return ""
	case err == nil:
		t.Fatalf("succeeded, want %s", code)
	case !errors.As(err, &got):
		t.Fatalf("not an AWS error: %v", err)
	case got.ErrorCode() != code:
		t.Fatalf("code %q (%s), want %q", got.ErrorCode(), got.ErrorMessage(), code)
	}
	return got.ErrorMessage()
}

// wantRefusal fails unless err is the AWS error with code and message.
func wantRefusal(t *testing.T, err error, code, message string) {
	t.Helper()
	if got := wantCode(t, err, code); code != "" && !strings.Contains(got, message) {
		t.Fatalf("message %q, want %q in it", got, message)
	}
}

func mustJSON(t *testing.T, value any) string {
	t.Helper()
	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}

// trustPolicy is a role's trust policy as IAM shows it.
func (w *world) trustPolicy(t *testing.T, role string) string {
	t.Helper()
	out, err := w.iam.GetRole(t.Context(), &iam.GetRoleInput{RoleName: &role})
	if err != nil {
		t.Fatal(err)
	}
	document, err := url.PathUnescape(*out.Role.AssumeRolePolicyDocument)
	if err != nil {
		t.Fatal(err)
	}
	return document
}

// clockSigner signs at a time that is not now.
type clockSigner struct {
	*v4.Signer
	at time.Time
}

func signerAt(at time.Time) clockSigner {
	return clockSigner{v4.NewSigner(), at}
}

func (s clockSigner) SignHTTP(ctx context.Context, c aws.Credentials, r *http.Request, hash, service, region string, _ time.Time, o ...func(*v4.SignerOptions)) error {
	return s.Signer.SignHTTP(ctx, c, r, hash, service, region, s.at, o...)
}
