package probe

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
)

// answer is what a service said.
type answer struct {
	requestID string
	// code and status are of a refusal by the service; code is empty for success.
	code   string
	status int
	// err is the refusal, or why there is no answer at all.
	err error
}

// answerOf reads the outcome of a call with the SDK.
func answerOf(metadata middleware.Metadata, err error) answer {
	if err == nil {
		id, _ := awsmiddleware.GetRequestIDMetadata(metadata)
		return answer{requestID: id, status: http.StatusOK}
	}
	a := answer{err: err}
	if failure, ok := errors.AsType[smithy.APIError](err); ok {
		a.code = failure.ErrorCode()
	}
	if response, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		a.status, a.requestID = response.HTTPStatusCode(), response.ServiceRequestID()
	}
	return a
}

// expectation is how a service answers a case, whichever way.
type expectation struct {
	// denials are the codes with which the service denies, and status the HTTP
	// status that comes with them; zero for any.
	denials []string
	status  int
	// permitted are the codes of errors that come after the permission was given.
	permitted []string
}

var (
	// s3Answers: a missing key is told only to those who may read it, and an
	// ownership that forbids ACLs is found after the permission.
	s3Answers = expectation{
		denials:   []string{"AccessDenied"},
		status:    http.StatusForbidden,
		permitted: []string{"NoSuchKey", "AccessControlListNotSupported"},
	}
	// headAnswers: an answer to HEAD has no body, and so no code; the SDK makes
	// one of the status.
	headAnswers = expectation{
		denials:   []string{"AccessDenied", "Forbidden"},
		status:    http.StatusForbidden,
		permitted: []string{"NotFound", "NoSuchKey"},
	}
)

// judge turns an answer into a verdict, or says that it is none. A denial
// without the service's request id may be anybody's, a proxy's for one.
func (e *expectation) judge(a answer) (Verdict, error) {
	switch {
	case a.err == nil:
		return Allowed, nil
	case a.requestID == "" || a.code == "":
		return "", a.err
	case slices.Contains(e.permitted, a.code):
		return Allowed, nil
	case slices.Contains(e.denials, a.code):
		if e.status != 0 && a.status != e.status {
			return "", fmt.Errorf("%s came with the status %d, and not %d: %w", a.code, a.status, e.status, a.err)
		}
		return Denied, nil
	}
	return "", a.err
}
