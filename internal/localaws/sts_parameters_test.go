package localaws_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func TestWebIdentityParameters(t *testing.T) {
	t.Parallel()
	f := newFederation(t)
	token := f.issuer.token(t, f.issuer.claimsAt(f.now))
	tests := map[string]struct {
		change        func(*sts.AssumeRoleWithWebIdentityInput)
		code, message string
	}{
		"role does not exist":       {func(in *sts.AssumeRoleWithWebIdentityInput) { *in.RoleArn += "x" }, "AccessDenied", notAuthorized},
		"shorter than 15 minutes":   {func(in *sts.AssumeRoleWithWebIdentityInput) { in.DurationSeconds = aws.Int32(899) }, "ValidationError", "greater than or equal to 900"},
		"longer than the role's":    {func(in *sts.AssumeRoleWithWebIdentityInput) { in.DurationSeconds = aws.Int32(7201) }, "ValidationError", "MaxSessionDuration"},
		"session name with a slash": {func(in *sts.AssumeRoleWithWebIdentityInput) { in.RoleSessionName = aws.String("a/b") }, "ValidationError", "roleSessionName"},
		"session name of one":       {func(in *sts.AssumeRoleWithWebIdentityInput) { in.RoleSessionName = aws.String("a") }, "ValidationError", "roleSessionName"},
		"malformed session policy":  {func(in *sts.AssumeRoleWithWebIdentityInput) { in.Policy = aws.String(`{"Version":"2012-10-17"}`) }, "MalformedPolicyDocument", ""},
		"large session policy":      {func(in *sts.AssumeRoleWithWebIdentityInput) { in.Policy = aws.String(strings.Repeat(" ", 2049)) }, "ValidationError", "2048"},
		"facebook":                  {func(in *sts.AssumeRoleWithWebIdentityInput) { in.ProviderId = aws.String("graph.facebook.com") }, "IDPRejectedClaim", "Bad signature"},
		"unknown OAuth provider":    {func(in *sts.AssumeRoleWithWebIdentityInput) { in.ProviderId = aws.String("accounts.google.com") }, "AccessDenied", "Unrecognized OAuth provider"},
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
