package localaws_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/litentry/wallet-federation/internal/localaws"
)

// post sends a form, signed for a service or, with "", not at all.
func (w *world) post(t *testing.T, service, form string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+"/", strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	if service != "" {
		signAsAdmin(t.Context(), t, request, service, form, w)
	}
	response, err := new(http.Client).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(answer)
}

func signAsAdmin(ctx context.Context, t *testing.T, request *http.Request, service, body string, w *world) {
	t.Helper()
	hash := sha256.Sum256([]byte(body))
	admin := aws.Credentials{AccessKeyID: "localaws", SecretAccessKey: "localaws"}
	if err := v4.NewSigner().SignHTTP(ctx, admin, request, hex.EncodeToString(hash[:]), service, "us-east-1", w.now); err != nil {
		t.Fatal(err)
	}
}

func TestQueryProtocol(t *testing.T) {
	t.Parallel()
	const iamVersion, stsVersion = "&Version=2010-05-08", "&Version=2011-06-15"
	tests := map[string]struct {
		service, form string
		status        int
		contains      string
	}{
		"a list that is empty is there":   {"iam", "Action=ListRoles" + iamVersion, 200, "<ListRolesResult><Roles></Roles><IsTruncated>false</IsTruncated></ListRolesResult>"},
		"answers are in IAM's namespace":  {"iam", "Action=ListRoles" + iamVersion, 200, `<ListRolesResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">`},
		"answers are in STS's namespace":  {"sts", "Action=GetCallerIdentity" + stsVersion, 200, `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">`},
		"errors name the sender":          {"iam", "Action=GetRole&RoleName=x" + iamVersion, 404, "<Error><Type>Sender</Type><Code>NoSuchEntity</Code>"},
		"unknown operation":               {"iam", "Action=CreateGroup" + iamVersion, 400, "<Code>InvalidAction</Code>"},
		"unknown version":                 {"iam", "Action=ListRoles&Version=2009-01-01", 400, "<Code>InvalidAction</Code>"},
		"operation of the other service":  {"sts", "Action=ListRoles" + stsVersion, 400, "<Code>InvalidAction</Code>"},
		"missing parameter":               {"iam", "Action=GetRole" + iamVersion, 400, "Value null at &#39;roleName&#39; failed to satisfy constraint: Member must not be null"},
		"parameter given twice":           {"iam", "Action=GetRole&RoleName=a&RoleName=b" + iamVersion, 400, "<Code>MalformedQueryString</Code>"},
		"malformed form":                  {"iam", "Action=%zz", 400, "<Code>MalformedQueryString</Code>"},
		"number that is none":             {"iam", "Action=ListRoles&MaxItems=many" + iamVersion, 400, "<Code>MalformedInput</Code>"},
		"unsigned":                        {"", "Action=GetCallerIdentity" + stsVersion, 403, "<Code>MissingAuthenticationToken</Code>"},
		"unsigned unknown operation":      {"", "Action=Nothing" + stsVersion, 403, "<Code>MissingAuthenticationToken</Code>"},
		"unsigned, with a token to trade": {"", "Action=AssumeRoleWithWebIdentity" + stsVersion, 400, "roleArn"},
		"larger than any call":            {"iam", "Action=" + strings.Repeat("a", 300<<10), 413, "RequestEntityTooLarge"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, body := newWorld(t).post(t, test.service, test.form)
			if status != test.status || !strings.Contains(body, test.contains) {
				t.Errorf("%d %s, want %d with %q", status, body, test.status, test.contains)
			}
		})
	}
}

func TestQueryInTheURL(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	target := w.url + "/?" + url.Values{"Action": {"GetCallerIdentity"}, "Version": {"2011-06-15"}}.Encode()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	signAsAdmin(t.Context(), t, request, "sts", "", w)
	response, err := new(http.Client).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("status %d, want 200", response.StatusCode)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		options localaws.Options
		valid   bool
	}{
		"none":                   {localaws.Options{}, true},
		"China":                  {localaws.Options{Partition: "aws-cn", Region: "cn-north-1"}, true},
		"account with a letter":  {localaws.Options{Account: "12345678901x"}, false},
		"account of 11 digits":   {localaws.Options{Account: "12345678901"}, false},
		"partition that is none": {localaws.Options{Partition: "aws-mars"}, false},
		"own credentials":        {localaws.Options{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "a/b+c"}, true},
		"access key with slash":  {localaws.Options{AccessKeyID: "a/b"}, false},
		"access key as a book":   {localaws.Options{AccessKeyID: strings.Repeat("a", 129)}, false},
		"region with a space":    {localaws.Options{Region: "us east"}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := localaws.New(test.options); (err == nil) != test.valid {
				t.Errorf("error %v, want valid: %v", err, test.valid)
			}
		})
	}
}

func TestPartition(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *localaws.Options) { o.Partition, o.Account = "aws-us-gov", "210987654321" })
	role := w.role(t, "wallets", trustOf("210987654321"))
	if want := "arn:aws-us-gov:iam::210987654321:role/wallets"; role != want {
		t.Errorf("role %s, want %s", role, want)
	}
	if got, want := w.trustPolicy(t, "wallets"), trustOf("arn:aws-us-gov:iam::210987654321:root"); got != want {
		t.Errorf("trust policy %s, want %s", got, want)
	}
	w.assume(t, role)
}
