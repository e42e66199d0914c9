package localaws

import (
	"net/http"
	"strings"

	"github.com/litentry/wallet-federation/internal/policy"
)

// checkLockout looks at whether a new bucket policy denies its own writer
// s3:PutBucketPolicy. AWS has a header to confirm that,
// x-amz-confirm-remove-self-bucket-access, but is known to take such a policy
// without it: people lock themselves out with clients that never send it. So it
// is taken here, too, and only said in the log.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html
func (s *Server) checkLockout(q *s3Request, document *policy.Document) *apiError {
	switch strings.ToLower(q.http.Header.Get("X-Amz-Confirm-Remove-Self-Bucket-Access")) {
	case "true":
		return nil
	case "", "false":
	default:
		return newError(http.StatusBadRequest, "InvalidArgument", "The value of x-amz-confirm-remove-self-bucket-access must be true or false.")
	}
	const action = "s3:PutBucketPolicy"
	decision := s.authorize(q.caller, action, s.s3ARN(q.bucket, ""), q.context, &policy.Policy{Name: "bucket policy", Document: document})
	if !decision.Allowed() && !q.caller.rescues(action) {
		s.options.Logger.Warn("the new bucket policy locks its writer out", "bucket", q.bucket, "principal", q.caller.arn(), "reason", decision.Explain())
	}
	return nil
}
