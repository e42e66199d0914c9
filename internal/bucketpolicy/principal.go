package bucketpolicy

import (
	"regexp"
	"strings"

	"github.com/litentry/wallet-federation/internal/policy"
)

var (
	accountPattern = regexp.MustCompile(`^\d{12}$`)
	// canonicalPattern is the form of canonical user ids, those of CloudFront's
	// origin access identities included.
	canonicalPattern = regexp.MustCompile(`^[0-9a-f]{64,128}$`)
)

// originAccess stands in place of the account in the ARN of a CloudFront origin
// access identity.
const originAccess = "cloudfront"

// checkPrincipals refuses principals that cannot exist: S3 resolves all of them
// when a policy is put.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/security_iam_service-with-iam.html
func (s *statement) checkPrincipals() *Refusal {
	for _, principals := range []*policy.Principals{s.Principal, s.NotPrincipal} {
		if principals == nil {
			continue
		}
		for _, name := range principals.AWS {
			if strings.HasPrefix(name, "arn:") && !isPrincipalARN(name, partitionOf(s.bucketARN)) {
				return s.refuse(invalidPrincipal, "%q is the ARN of no account, user, role or session", name)
			}
		}
		for _, id := range principals.CanonicalUser {
			if !canonicalPattern.MatchString(id) {
				return s.refuse(invalidPrincipal, "%q is no canonical user id", id)
			}
		}
	}
	return nil
}

func partitionOf(arn string) string {
	_, rest, _ := strings.Cut(arn, ":")
	partition, _, _ := strings.Cut(rest, ":")
	return partition
}

// isPrincipalARN tells whether an ARN of IAM or STS may name a principal of a
// bucket policy: groups, policies and providers may not.
func isPrincipalARN(arn, partition string) bool {
	parts := strings.SplitN(arn, ":", arnParts)
	if len(parts) != arnParts || parts[1] != partition {
		return false
	}
	service, account, name := parts[2], parts[4], parts[5]
	if account == originAccess {
		return service == "iam" && strings.HasPrefix(name, "user/")
	}
	if !accountPattern.MatchString(account) {
		return false
	}
	kind, rest, _ := strings.Cut(name, "/")
	switch service + ":" + kind {
	case "iam:root":
		return rest == ""
	case "iam:user", "iam:role", "sts:federated-user":
		return rest != "" && !strings.HasSuffix(rest, "/")
	case "sts:assumed-role":
		role, session, ok := strings.Cut(rest, "/")
		return ok && role != "" && session != "" && !strings.Contains(session, "/")
	default:
		return false
	}
}
