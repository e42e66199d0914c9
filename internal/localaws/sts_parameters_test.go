package localaws_test

import (
	"html"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/google/go-cmp/cmp"
)

func TestWebIdentityParameters(t *testing.T) {
	t.Parallel()
	f := newFederation(t)
	token := f.issuer.token(t, f.issuer.claimsAt(f.now))
	tests := map[string]struct {
		change        func(*sts.AssumeRoleWithWebIdentityInput)
		code, message string
	}{
		"role does not exist":      {func(in *sts.AssumeRoleWithWebIdentityInput) { *in.RoleArn += "x" }, "AccessDenied", notAuthorized},
		"longer than the role's":   {func(in *sts.AssumeRoleWithWebIdentityInput) { in.DurationSeconds = aws.Int32(7201) }, "ValidationError", "MaxSessionDuration"},
		"malformed session policy": {func(in *sts.AssumeRoleWithWebIdentityInput) { in.Policy = aws.String(`{"Version":"2012-10-17"}`) }, "MalformedPolicyDocument", ""},
		"provider id of three":     {func(in *sts.AssumeRoleWithWebIdentityInput) { in.ProviderId = aws.String("abc") }, "ValidationError", "greater than or equal to 4"},
		"session policy unknown": {func(in *sts.AssumeRoleWithWebIdentityInput) {
			in.PolicyArns = []ststypes.PolicyDescriptorType{{Arn: aws.String("arn:aws:iam::aws:policy/None")}}
		}, "MalformedPolicyDocument", "does not exist"},
		"session policy does not fit": {func(in *sts.AssumeRoleWithWebIdentityInput) {
			in.Policy = aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::` + strings.Repeat("b", 1900) + `"}]}`)
			in.PolicyArns = slices.Repeat([]ststypes.PolicyDescriptorType{{Arn: aws.String("arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")}}, 10)
		}, "PackedPolicyTooLarge", "Packed policy consumes"},
		"facebook":               {func(in *sts.AssumeRoleWithWebIdentityInput) { in.ProviderId = aws.String("graph.facebook.com") }, "IDPRejectedClaim", "Bad signature"},
		"unknown OAuth provider": {func(in *sts.AssumeRoleWithWebIdentityInput) { in.ProviderId = aws.String("accounts.google.com") }, "AccessDenied", "Unrecognized OAuth provider"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := &sts.AssumeRoleWithWebIdentityInput{
				RoleArn: aws.String(f.role), RoleSessionName: aws.String("session"), WebIdentityToken: &token,
			}
			test.change(in)
			_, err := f.sts.AssumeRoleWithWebIdentity(t.Context(), in)
			wantRefusal(t, err, test.code, test.message)
		})
	}
}

// TestParametersOfAssumingARole has the constraints of both calls, in AWS's
// words. They are checked before anything else of the call.
func TestParametersOfAssumingARole(t *testing.T) {
	t.Parallel()
	const (
		role    = "arn:aws:iam::" + account + ":role/wallets"
		pattern = `Member must satisfy regular expression pattern: [\w+=,.@-]*`
	)
	broken := func(value, name, constraint string) string {
		return "1 validation error detected: Value " + value + " at '" + name + "' failed to satisfy constraint: " + constraint
	}
	tests := map[string]struct{ name, value, message string }{
		"no role":                    {"RoleArn", "-", broken("null", "roleArn", "Member must not be null")},
		"short role":                 {"RoleArn", "role", broken("'role'", "roleArn", "Member must have length greater than or equal to 20")},
		"role that is no ARN":        {"RoleArn", "nothing-valid-in-here", "nothing-valid-in-here is invalid"},
		"ARN without a partition":    {"RoleArn", "arn::b:::something/test-role", "arn::b:::something/test-role is invalid"},
		"ARN without a service":      {"RoleArn", "arn:a::::something/test-role", "arn:a::::something/test-role is invalid"},
		"ARN of four colons":         {"RoleArn", "arn:a:::something/test-role", "arn:a:::something/test-role is invalid"},
		"ARN without a resource":     {"RoleArn", "arn:a:a::aaaaaaaaaa:", "arn:a:a::aaaaaaaaaa: is invalid"},
		"ARN of a provider":          {"RoleArn", "arn:aws:iam::" + account + ":oidc-provider/example.com", "Request ARN is invalid"},
		"ARN of a session":           {"RoleArn", "arn:aws:sts::" + account + ":assumed-role/wallets/a", "Request ARN is invalid"},
		"ARN without an account":     {"RoleArn", "arn:aws:iam:::role/wallets", "Request ARN is invalid"},
		"ARN without a name":         {"RoleArn", "arn:aws:iam::" + account + ":role/", "Request ARN is invalid"},
		"no session name":            {"RoleSessionName", "-", broken("null", "roleSessionName", "Member must not be null")},
		"empty session name":         {"RoleSessionName", "", broken("''", "roleSessionName", "Member must have length greater than or equal to 2")},
		"session name of one":        {"RoleSessionName", "a", broken("'a'", "roleSessionName", "Member must have length greater than or equal to 2")},
		"session name of 65":         {"RoleSessionName", strings.Repeat("s", 65), broken("'"+strings.Repeat("s", 65)+"'", "roleSessionName", "Member must have length less than or equal to 64")},
		"session name with a colon":  {"RoleSessionName", "Session1:2", broken("'Session1:2'", "roleSessionName", pattern)},
		"session name with a slash":  {"RoleSessionName", "a/b", broken("'a/b'", "roleSessionName", pattern)},
		"session name of two lines":  {"RoleSessionName", "ab\n", broken("'ab\n'", "roleSessionName", pattern)},
		"shorter than 15 minutes":    {"DurationSeconds", "899", broken("'899'", "durationSeconds", "Member must have value greater than or equal to 900")},
		"longer than 12 hours":       {"DurationSeconds", "43201", broken("'43201'", "durationSeconds", "Member must have value less than or equal to 43200")},
		"eleventh session policy":    {"PolicyArns.member.11.arn", "arn:aws:iam::aws:policy/x", broken("'11'", "policyArns", "Member must have length less than or equal to 10")},
		"session policy, no ARN":     {"PolicyArns.member.1.arn", "x", broken("'x'", "policyArns.1.member.arn", "Member must have length greater than or equal to 20")},
		"session policy is empty":    {"Policy", "", broken("''", "policy", "Member must have length greater than or equal to 1")},
		"session policy of 2049":     {"Policy", strings.Repeat("a", 2049), "failed to satisfy constraint: Member must have length less than or equal to 2048"},
		"session policy that is bad": {"Policy", "{}", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.role(t, "wallets", trustOf(rootARN))
			for action, service := range map[string]string{"AssumeRole": "sts", "AssumeRoleWithWebIdentity": ""} {
				form := url.Values{"Version": {"2011-06-15"}, "Action": {action}, "RoleArn": {role}, "RoleSessionName": {"session"}, "WebIdentityToken": {"token"}}
				for n := range 10 {
					if test.name == "PolicyArns.member.11.arn" {
						form.Set("PolicyArns.member."+strconv.Itoa(n+1)+".arn", "arn:aws:iam::aws:policy/x")
					}
				}
				form.Set(test.name, test.value)
				if test.value == "-" {
					form.Del(test.name)
				}
				status, body := w.post(t, service, form.Encode())
				want := []string{"<Code>ValidationError</Code>", test.message}
				if test.message == "" {
					want[0] = "<Code>MalformedPolicyDocument</Code>"
				}
				if body = html.UnescapeString(body); status != http.StatusBadRequest || !strings.Contains(body, want[0]) || !strings.Contains(body, want[1]) {
					t.Errorf("%s: %d %s, want %q", action, status, body, want)
				}
			}
		})
	}
}

// TestTokensAreNotRepeated keeps the token out of the refusal of its length.
func TestTokensAreNotRepeated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tests := map[string]struct{ token, constraint string }{
		"too short": {"abc", "greater than or equal to 4"},
		"too long":  {strings.Repeat("abc", 7000), "less than or equal to 20000"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			role := "arn:aws:iam::" + account + ":role/wallets"
			_, err := w.exchange(t.Context(), role, test.token)
			want := "1 validation error detected: Value at 'webIdentityToken' failed to satisfy constraint: Member must have length " + test.constraint
			if diff := cmp.Diff(want, wantCode(t, err, "ValidationError")); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
		})
	}
}

// TestUnknownParametersAreIgnored sends what a newer client might.
func TestUnknownParametersAreIgnored(t *testing.T) {
	t.Parallel()
	f := newFederation(t)
	form := url.Values{
		"Version": {"2011-06-15"}, "Action": {"AssumeRoleWithWebIdentity"}, "RoleArn": {f.role}, "RoleSessionName": {"session"},
		"WebIdentityToken": {f.issuer.token(t, f.issuer.claimsAt(f.now))}, "Novelty": {"1"}, "ExternalId": {"x"}, "Tags.member.1.Key": {"k"},
	}
	if status, body := f.post(t, "", form.Encode()); status != http.StatusOK {
		t.Errorf("%d %s", status, body)
	}
}
