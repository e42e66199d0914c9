package awsapi

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
)

// Class says what to do about an error.
type Class int

// The classes of errors.
const (
	// Transient errors pass by themselves: try again with backoff.
	Transient Class = iota
	// NotFound says that the thing asked for is not there.
	NotFound
	// Exists says that the thing to be made is there already.
	Exists
	// Refused says that the caller lacks a permission.
	Refused
	// BadCredentials says that AWS does not know or no longer accepts the caller.
	BadCredentials
	// Invalid says that AWS does not accept what was sent.
	Invalid
	// Elsewhere says that the bucket is in another region, or another account.
	Elsewhere
	// Malformed says that AWS does not accept a policy. Soon after a role was made
	// it may be that AWS does not know yet whom the policy names.
	Malformed
)

// Error is an answer of AWS that is not a success, or the lack of an answer.
// Its text names the operation, the code and the request id.
type Error struct {
	// Operation is the call, such as iam:GetRole.
	Operation string
	// Code is AWS's error code; empty if AWS did not answer.
	Code string
	// RequestID is AWS's request id; empty if AWS did not answer.
	RequestID string
	// Class says what to do about it.
	Class Class

	err error
}

// Error implements error.
func (e *Error) Error() string {
	if e.Code == "" {
		return fmt.Sprintf("calling %s: %v", e.Operation, e.err)
	}
	message := ""
	if api, ok := errors.AsType[smithy.APIError](e.err); ok {
		message = ": " + api.ErrorMessage()
	}
	return fmt.Sprintf("calling %s: %s%s (request id %s)", e.Operation, e.Code, message, e.RequestID)
}

// Unwrap returns the error of the SDK.
func (e *Error) Unwrap() error { return e.err }

// ClassOf returns the class of an error of this package. Any other error, a
// timeout for one, is transient.
func ClassOf(err error) Class {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Class
	}
	return Transient
}

// Is reports whether err is an error of this package of the given class.
func Is(err error, class Class) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Class == class
}

// wrap gives an SDK error its operation, code, request id and class.
func wrap(operation string, err error) error {
	e := &Error{Operation: operation, err: err}
	status := 0
	if response, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		e.RequestID, status = response.RequestID, response.HTTPStatusCode()
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		e.Code = api.ErrorCode()
		e.Class = classify(e.Code, status)
		return e
	}
	return e
}

// The codes by class, as the API references of IAM, STS and S3 list them.
// A code that is not here is transient if the HTTP status says that the fault is
// the server's.
var codes = map[Class][]string{
	NotFound:       {"NoSuchEntity", "NoSuchBucket", "NoSuchBucketPolicy", "NotFound", "NoSuchPublicAccessBlockConfiguration", "OwnershipControlsNotFoundError"},
	Exists:         {"EntityAlreadyExists"},
	Refused:        {"AccessDenied", "AccessDeniedException", "AllAccessDisabled", "UnmodifiableEntity"},
	BadCredentials: {"InvalidClientTokenId", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "ExpiredTokenException", "InvalidToken", "UnrecognizedClientException"},
	// GetBucketPolicy answers MethodNotAllowed for a bucket of another account
	// that lets us read its policy.
	Elsewhere: {"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "MethodNotAllowed"},
	Malformed: {"MalformedPolicy", "MalformedPolicyDocument"},
	Transient: {
		"Throttling", "ThrottlingException", "TooManyRequests", "RequestLimitExceeded", "SlowDown", "OperationAborted",
		"ConcurrentModification", "EntityTemporarilyUnmodifiable", "ServiceFailure", "InternalFailure", "InternalError",
		"ServiceUnavailable", "RequestTimeout", "RequestTimeTooSkewed", "OpenIdIdpCommunicationError",
		// A bucket that was just made, as long as names are not known everywhere.
		"TemporaryRedirect",
	},
}

func classify(code string, status int) Class {
	for class, list := range codes {
		if slices.Contains(list, code) {
			return class
		}
	}
	if status >= http.StatusInternalServerError {
		return Transient
	}
	return Invalid
}

// errorCode returns AWS's code, or a word for the lack of an answer.
func errorCode(err error) string {
	if e, ok := errors.AsType[*Error](err); ok && e.Code != "" {
		return e.Code
	}
	return "NoAnswer"
}
