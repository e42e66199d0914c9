package document

import (
	"errors"
	"fmt"
)

// Limits that AWS sets, in bytes of the minified document.
const (
	// MaxTrustPolicy is the default quota of a role's trust policy
	// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html).
	MaxTrustPolicy = 2048
	// MaxBucketPolicy is the limit of a bucket policy
	// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html).
	MaxBucketPolicy = 20480
)

// ErrTooLarge says that a document would be larger than AWS takes. The error
// that wraps it has the figure.
var ErrTooLarge = errors.New("document too large")

// ErrSidTaken says that a statement of somebody else has a Sid of ours. It is
// wrapped by the [RefusedError] that says which one.
var ErrSidTaken = errors.New("the Sid is taken")

// RefusedError says that a document is not one that this package may rewrite:
// it cannot be read, or a change would lose or alter what others wrote.
type RefusedError struct {
	// Where is the place in the document, such as "Statement[2].Sid".
	Where string
	// Reason says what was found there, and what to do where that is known.
	Reason string

	cause error
}

// Error names the place and the reason.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("policy at %s: %s", e.Where, e.Reason)
}

// Unwrap returns the sentinel of the refusal, if it has one.
func (e *RefusedError) Unwrap() error { return e.cause }

func refuse(where, format string, arguments ...any) error {
	return &RefusedError{Where: where, Reason: fmt.Sprintf(format, arguments...)}
}

func checkSize(kind string, size, limit int) error {
	if size <= limit {
		return nil
	}
	return fmt.Errorf("%s of %d bytes is over AWS's limit of %d: %w", kind, size, limit, ErrTooLarge)
}
