package localaws

import (
	"context"
	"net/http"
	"time"
)

// FaultKind is a way to break a call.
type FaultKind string

const (
	// FaultError answers with an error.
	FaultError FaultKind = "error"
	// FaultThrottle answers that there are too many calls, in the words of the
	// service: Throttling (400) of IAM and STS, SlowDown (503) of S3.
	FaultThrottle FaultKind = "throttle"
	// FaultHang holds the call until the client goes or Fault.For has passed, and
	// then answers with an error.
	FaultHang FaultKind = "hang"
	// FaultLose lets the call take its effect and closes the connection without
	// an answer, as a broken network does: the handler ends with
	// http.ErrAbortHandler.
	FaultLose FaultKind = "lose"
	// FaultDelay waits for Fault.For and then serves the call, even if the client
	// has gone meanwhile: AWS does not take back what it has received.
	FaultDelay FaultKind = "delay"
)

// Fault tells how a call is to be broken.
type Fault struct {
	// Kind is how; FaultError if empty.
	Kind FaultKind
	// Code and Message are the error that FaultError and FaultHang answer, with
	// the HTTP status Status. What is left empty is that of an internal error of
	// the service: ServiceFailure of IAM, InternalFailure of STS, InternalError
	// of S3, each with 500.
	Code    string
	Message string
	Status  int
	// AfterEffect lets the call take its effect before FaultError or FaultHang.
	AfterEffect bool
	// For is how long FaultHang and FaultDelay last. A call that hangs for 0 does
	// so until the client goes or ClearFaults is called.
	For time.Duration
}

// kind is the kind with its default.
func (f *Fault) kind() FaultKind {
	if f.Kind == "" {
		return FaultError
	}
	return f.Kind
}

// apiError is what FaultError and FaultHang answer.
func (f *Fault) apiError(service string) *apiError {
	answer := brokenService(service)
	if f.Status >= 400 && f.Status <= 599 {
		answer.status = f.Status
	}
	if f.Code != "" {
		answer.code, answer.message = f.Code, ""
	}
	if f.Message != "" {
		answer.message = f.Message
	}
	return answer
}

// brokenService is the error of a service that has failed.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html#API_CreateRole_Errors
// https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
func brokenService(service string) *apiError {
	const status = http.StatusInternalServerError
	switch service {
	case "iam":
		return newError(status, "ServiceFailure", "The request processing has failed because of an unknown error, exception or failure.")
	case "sts":
		return newError(status, "InternalFailure", "The request processing has failed because of an unknown error, exception or failure.")
	default:
		return newError(status, "InternalError", "We encountered an internal error. Please try again.")
	}
}

// throttled is the error of a service that is called too often.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
func throttled(service string) *apiError {
	if service == "s3" {
		return newError(http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate.")
	}
	return newError(http.StatusBadRequest, "Throttling", "Rate exceeded")
}

// perform runs one operation and keeps what it changed: it lets a fault break
// it, and logs it with its outcome. A fault after the effect runs op and throws
// its answer away, so op must not have written to the client.
func (s *Server) perform(ctx context.Context, call Call, op func() *apiError) *apiError {
	kept := func() *apiError { return s.keep(call, op()) }
	fault, cleared := s.fault(call)
	if fault == nil {
		failure := kept()
		s.record(call, failure)
		return failure
	}
	call.Fault = fault.kind()
	failure := fault.apply(ctx, call.Service, cleared, kept)
	s.record(call, failure)
	if call.Fault == FaultLose {
		panic(http.ErrAbortHandler) //nolint:forbidigo // This is how net/http is told to close the connection without an answer.
	}
	return failure
}

// fault asks the hook, and then the rules, about a call. What the fault waits
// for ends when cleared is closed.
func (s *Server) fault(call Call) (fault *Fault, cleared <-chan struct{}) {
	if s.options.Fault != nil {
		cleared = s.faults.watch() // before the hook decides: no clearing is missed
		if fault = s.options.Fault(call); fault != nil {
			return fault, cleared
		}
	}
	return s.faults.due(call)
}

// apply runs op as the fault lets it, and answers its outcome.
func (f *Fault) apply(ctx context.Context, service string, cleared <-chan struct{}, op func() *apiError) *apiError {
	switch f.Kind {
	case FaultLose:
		return op()
	case FaultDelay:
		hold(nil, cleared, f.For)
		return op()
	case FaultThrottle:
		return throttled(service)
	case FaultHang:
		f.takeEffect(op)
		hold(ctx.Done(), cleared, f.For)
	default:
		f.takeEffect(op)
	}
	return f.apiError(service)
}

func (f *Fault) takeEffect(op func() *apiError) {
	if f.AfterEffect {
		op()
	}
}

// hold waits until the client has gone, the faults are cleared or the time is
// over; 0 is no limit.
func hold(gone, cleared <-chan struct{}, limit time.Duration) {
	var over <-chan time.Time
	if limit > 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-gone:
	case <-cleared:
	case <-over:
	}
}
