package awsapi

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// answer is an account whose every call is answered with one IAM error.
func answer(t *testing.T, status int, code string) (*Account, *prometheus.Registry) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(response http.ResponseWriter, _ *http.Request) {
		response.Header().Set("X-Amzn-Requestid", "request-1")
		response.WriteHeader(status)
		_, _ = fmt.Fprintf(response, `<ErrorResponse><Error><Code>%s</Code><Message>told so</Message></Error><RequestId>request-1</RequestId></ErrorResponse>`, code)
	}))
	t.Cleanup(server.Close)
	registry := prometheus.NewRegistry()
	accounts, err := NewAccounts(registry)
	if err != nil {
		t.Fatal(err)
	}
	account, err := accounts.Open(t.Context(), Config{
		Region: "us-east-1", EndpointURL: server.URL,
		Credentials: Credentials{AccessKeyID: "id", SecretAccessKey: "top-secret"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return account, registry
}

func TestAnErrorIsClassifiedByItsCodeAndThenByItsStatus(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status int
		code   string
		want   Class
	}{
		"an absent role":                     {404, "NoSuchEntity", NotFound},
		"a provider that is there":           {409, "EntityAlreadyExists", Exists},
		"a missing permission":               {403, "AccessDenied", Refused},
		"credentials that nobody knows":      {403, "InvalidClientTokenId", BadCredentials},
		"a wrong secret":                     {403, "SignatureDoesNotMatch", BadCredentials},
		"an expired session":                 {403, "ExpiredToken", BadCredentials},
		"a document that is refused":         {400, "MalformedPolicyDocument", Malformed},
		"a bucket of another region":         {301, "PermanentRedirect", Elsewhere},
		"the same, by its signature":         {400, "AuthorizationHeaderMalformed", Elsewhere},
		"a bucket of another account":        {405, "MethodNotAllowed", Elsewhere},
		"a bucket that was just made":        {307, "TemporaryRedirect", Transient},
		"a code that we have not heard of":   {400, "SomethingNew", Invalid},
		"the same, by fault of the server":   {503, "SomethingNew", Transient},
		"a failure of the service":           {500, "ServiceFailure", Transient},
		"too many calls, with a client code": {400, "Throttling", Transient},
		"somebody else's change":             {409, "ConcurrentModification", Transient},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			account, _ := answer(t, test.status, test.code)
			_, err := account.Role(t.Context(), "role")
			if got := ClassOf(err); got != test.want {
				t.Errorf("class is %d, want %d: %v", got, test.want, err)
			}
			if !Is(err, test.want) {
				t.Errorf("Is does not agree: %v", err)
			}
			for _, part := range []string{"iam:GetRole", test.code, "request-1"} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error does not name %q: %v", part, err)
				}
			}
		})
	}
}

func TestAnErrorThatIsNotOfAWSMayPass(t *testing.T) {
	t.Parallel()
	if ClassOf(errors.New("connection reset")) != Transient {
		t.Error("an error of unknown origin must be tried again")
	}
}

func TestEveryCallIsCounted(t *testing.T) {
	t.Parallel()
	account, registry := answer(t, 404, "NoSuchEntity")
	_, err := account.Role(t.Context(), "role")
	if err == nil {
		t.Fatal("the call must fail")
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var counted *dto.Metric
	for _, family := range families {
		if family.GetName() == "wallet_federation_aws_calls_total" {
			counted = family.GetMetric()[0]
		}
	}
	if counted == nil || counted.GetCounter().GetValue() != 1 {
		t.Fatalf("the call is not counted: %v", families)
	}
	labels := map[string]string{}
	for _, label := range counted.GetLabel() {
		labels[label.GetName()] = label.GetValue()
	}
	if labels["service"] != "iam" || labels["operation"] != "GetRole" || labels["code"] != "NoSuchEntity" {
		t.Errorf("the call is counted as %v", labels)
	}
}

func TestCredentialsAreNeverPrinted(t *testing.T) {
	t.Parallel()
	cfg := Config{Credentials: Credentials{AccessKeyID: "id", SecretAccessKey: "top-secret", SessionToken: "top-token"}}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if printed := fmt.Sprintf(format, cfg); strings.Contains(printed, "top-") {
			t.Errorf("%s prints %s", format, printed)
		}
	}
}

func TestAProviderARNHasNoScheme(t *testing.T) {
	t.Parallel()
	identity := Identity{Partition: "aws-us-gov", AccountID: "123456789012"}
	want := "arn:aws-us-gov:iam::123456789012:oidc-provider/broker.example.org/tenant"
	if got := identity.ProviderARN("https://broker.example.org/tenant"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
