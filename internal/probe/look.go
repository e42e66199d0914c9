package probe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/litentry/wallet-federation/broker/client"
)

// Reason is why the probe could not look.
type Reason string

// Why the probe could not look.
const (
	// ReasonInterrupted says that the time for a run was over, or that its caller
	// gave up.
	ReasonInterrupted Reason = "Interrupted"
	// ReasonUnreachable says that a service did not answer.
	ReasonUnreachable Reason = "Unreachable"
	// ReasonThrottled says that a service asked for fewer calls.
	ReasonThrottled Reason = "Throttled"
	// ReasonUnavailable says that a service answered with an error of its own.
	ReasonUnavailable Reason = "Unavailable"
	// ReasonRefused says that the broker does not let the probe wallets in.
	ReasonRefused Reason = "Refused"
	// ReasonUnexpectedToken says that the broker's JWT is not one of the issuer's
	// current key and of this role.
	ReasonUnexpectedToken Reason = "UnexpectedToken"
	// ReasonUnexpectedAnswer says that an answer was neither what success looks
	// like nor the service's own denial.
	ReasonUnexpectedAnswer Reason = "UnexpectedAnswer"
)

// LookError says that the probe could not look. It is never a breach.
type LookError struct {
	// Step is what was tried.
	Step string
	// Reason is the kind of failure.
	Reason Reason
	// Err is the failure. It holds no key, bearer or token.
	Err error
}

// Error says what was tried and why there is no answer.
func (e *LookError) Error() string { return fmt.Sprintf("%s: %s: %v", e.Step, e.Reason, e.Err) }

// Unwrap returns the failure.
func (e *LookError) Unwrap() error { return e.Err }

// lookError classifies a failure. Errors of HTTP name the URL, and that of a
// presigned request is as good as a credential: only what it wraps is kept.
func lookError(step string, err error) *LookError {
	reason := reasonOf(err)
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err
	}
	return &LookError{Step: step, Reason: reason, Err: err}
}

func reasonOf(err error) Reason {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return ReasonInterrupted
	}
	if refusal, ok := errors.AsType[*client.Error](err); ok {
		return reasonOfStatus(refusal.Status, ReasonRefused)
	}
	if failure, ok := errors.AsType[smithy.APIError](err); ok && isThrottle(failure.ErrorCode()) {
		return ReasonThrottled
	}
	if response, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		return reasonOfStatus(response.HTTPStatusCode(), ReasonUnexpectedAnswer)
	}
	if response, ok := errors.AsType[*statusError](err); ok {
		return reasonOfStatus(response.status, ReasonUnexpectedAnswer)
	}
	if _, ok := errors.AsType[*url.Error](err); ok {
		return ReasonUnreachable
	}
	return ReasonUnexpectedAnswer
}

func reasonOfStatus(status int, otherwise Reason) Reason {
	switch {
	case status == http.StatusTooManyRequests:
		return ReasonThrottled
	case status >= http.StatusInternalServerError:
		return ReasonUnavailable
	default:
		return otherwise
	}
}

func isThrottle(code string) bool {
	switch code {
	case "Throttling", "ThrottlingException", "ThrottledException", "RequestLimitExceeded",
		"TooManyRequestsException", "SlowDown", "RequestThrottled", "RequestThrottledException":
		return true
	}
	return false
}
