package localaws

import (
	"fmt"
	"net/http"
)

// apiError is a refusal as AWS words it: the HTTP status, AWS's error code and
// a message for people. It is not a Go error: it is the answer, rendered by the
// protocol of the service that was called.
type apiError struct {
	status  int
	code    string
	message string
	detail  string // which part of the request is meant; S3 only
}

func newError(status int, code, format string, args ...any) *apiError {
	return &apiError{status: status, code: code, message: fmt.Sprintf(format, args...)}
}

func accessDenied(format string, args ...any) *apiError {
	return newError(http.StatusForbidden, "AccessDenied", format, args...)
}

func noSuchEntity(format string, args ...any) *apiError {
	return newError(http.StatusNotFound, "NoSuchEntity", format, args...)
}

func alreadyExists(format string, args ...any) *apiError {
	return newError(http.StatusConflict, "EntityAlreadyExists", format, args...)
}

func deleteConflict(format string, args ...any) *apiError {
	return newError(http.StatusConflict, "DeleteConflict", format, args...)
}

func limitExceeded(format string, args ...any) *apiError {
	return newError(http.StatusConflict, "LimitExceeded", format, args...)
}

func invalidInput(format string, args ...any) *apiError {
	return newError(http.StatusBadRequest, "InvalidInput", format, args...)
}

func validationError(format string, args ...any) *apiError {
	return newError(http.StatusBadRequest, "ValidationError", format, args...)
}

func malformedPolicy(format string, args ...any) *apiError {
	return newError(http.StatusBadRequest, "MalformedPolicyDocument", format, args...)
}

func invalidIdentityToken(format string, args ...any) *apiError {
	return newError(http.StatusBadRequest, "InvalidIdentityToken", format, args...)
}

func internalFailure(message string) *apiError {
	return newError(http.StatusInternalServerError, "InternalFailure", "%s", message)
}
