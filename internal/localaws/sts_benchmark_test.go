package localaws_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/litentry/wallet-federation/internal/localaws"
)

// BenchmarkAssumeRoleWithWebIdentity exchanges tokens in the process: HTTP is
// spoken with nobody, and the issuer answers from memory.
func BenchmarkAssumeRoleWithWebIdentity(b *testing.B) {
	for name, lifetime := range map[string]time.Duration{"fetching": 0, "cached": time.Hour} {
		b.Run(name, func(b *testing.B) {
			x := newExchange(b, lifetime)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					x.serve(b)
				}
			})
		})
	}
}

// memoryIssuer is an issuer that answers without a network.
type memoryIssuer map[string]string

func (m memoryIssuer) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := &http.Response{StatusCode: http.StatusNotFound, Request: r, Header: http.Header{}}
	if body, ok := m[r.URL.String()]; ok {
		answer.StatusCode = http.StatusOK
		answer.Body = io.NopCloser(strings.NewReader(body))
	}
	return answer, nil
}

const benchmarkIssuer = "https://issuer.example.com"

// exchange is a request for a session, and the server that grants it.
type exchange struct {
	server *localaws.Server
	form   string
}

func (x *exchange) serve(tb testing.TB) {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), http.MethodPost, "/", strings.NewReader(x.form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer := httptest.NewRecorder()
	x.server.ServeHTTP(answer, r)
	if answer.Code != http.StatusOK {
		tb.Errorf("%d %s", answer.Code, answer.Body)
	}
}

func newExchange(tb testing.TB, lifetime time.Duration) *exchange {
	tb.Helper()
	// Sessions are kept until they have expired. The clock runs fast, so that
	// there is room for all of a benchmark's.
	start, ticks := time.Now(), atomic.Int64{}
	server, err := localaws.New(localaws.Options{
		HTTPClient: &http.Client{Transport: memoryIssuer{
			benchmarkIssuer + "/.well-known/openid-configuration": `{"issuer":"` + benchmarkIssuer + `","jwks_uri":"` + benchmarkIssuer + `/keys"}`,
			benchmarkIssuer + "/keys":                             encode(tb, map[string]any{"keys": []any{publicJWK(tb, "ES256")}}),
		}},
		JWKSCache: lifetime,
		Now:       func() time.Time { return start.Add(time.Duration(ticks.Add(1)) * time.Second) },
	})
	if err != nil {
		tb.Fatal(err)
	}
	token := encode(tb, with(map[string]any{
		"iss": benchmarkIssuer, "aud": audience, "sub": subjectProbe, "iat": start.Unix(), "exp": start.AddDate(10, 0, 0).Unix(),
	}, tagged("wallet", wallet)))
	form := url.Values{
		"Action": {"AssumeRoleWithWebIdentity"}, "Version": {"2011-06-15"}, "RoleSessionName": {"benchmark"},
		"RoleArn":          {trustingRole(tb, server)},
		"WebIdentityToken": {signToken(tb, map[string]any{"alg": "ES256", "kid": "ES256"}, []byte(token), "ES256")},
	}
	return &exchange{server, form.Encode()}
}

// trustingRole makes a role that trusts the issuer, and returns its ARN.
func trustingRole(tb testing.TB, server http.Handler) string {
	tb.Helper()
	listener := httptest.NewServer(server)
	defer listener.Close()
	client := iam.NewFromConfig(aws.Config{
		Region:       "us-east-1",
		BaseEndpoint: &listener.URL,
		Credentials:  credentials.NewStaticCredentialsProvider("localaws", "localaws", ""),
	})
	provider, err := client.CreateOpenIDConnectProvider(tb.Context(), &iam.CreateOpenIDConnectProviderInput{
		Url: aws.String(benchmarkIssuer), ClientIDList: []string{audience},
	})
	if err != nil {
		tb.Fatal(err)
	}
	role, err := client.CreateRole(tb.Context(), &iam.CreateRoleInput{
		RoleName: aws.String("wallets"), AssumeRolePolicyDocument: aws.String(federatedTrust(*provider.OpenIDConnectProviderArn, "{}")),
	})
	if err != nil {
		tb.Fatal(err)
	}
	return *role.Role.Arn
}

func encode(tb testing.TB, value any) string {
	tb.Helper()
	encoded, err := json.Marshal(value)
	if err != nil {
		tb.Fatal(err)
	}
	return string(encoded)
}
