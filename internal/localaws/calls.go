package localaws

import (
	"maps"
	"sync"
)

const (
	// maxLoggedCalls bounds the call log; the oldest calls leave first.
	maxLoggedCalls = 10_000
	// maxCountedCalls bounds how many different calls are counted one by one.
	// Session names are part of the principal, so their number has no bound of
	// its own; beyond this one, calls are counted without their principal.
	maxCountedCalls = 10_000
)

// Call is one call as the call log keeps it and the fault hook sees it.
type Call struct {
	// Service is iam, sts or s3.
	Service string
	// Operation is the API operation, such as UpdateAssumeRolePolicy.
	Operation string
	// Principal is the caller's ARN; empty for an unsigned call.
	Principal string
	// Code is the error code answered; empty for success. The fault hook
	// always sees it empty.
	Code string
	// Write tells that the operation changes something.
	Write bool
}

// Action names the operation with its service: "iam:UpdateAssumeRolePolicy".
func (c Call) Action() string {
	return c.Service + ":" + c.Operation
}

// Fault tells how a call is to fail.
type Fault struct {
	// Code and Message are answered, with the HTTP status Status (500 if 0).
	Code    string
	Message string
	Status  int
	// AfterEffect lets the call take its effect and loses only its answer, as
	// a broken connection would.
	AfterEffect bool
}

func (f *Fault) apiError() *apiError {
	status := f.Status
	if status == 0 {
		status = 500
	}
	return &apiError{status: status, code: f.Code, message: f.Message}
}

// callLog keeps the latest calls and counts all of them.
type callLog struct {
	mu     sync.Mutex
	recent []Call // a ring once it is full
	next   int    // where the ring's oldest call is
	counts map[Call]int
}

func (l *callLog) add(c Call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.recent) < maxLoggedCalls {
		l.recent = append(l.recent, c)
	} else {
		l.recent[l.next] = c
		l.next = (l.next + 1) % maxLoggedCalls
	}
	if _, known := l.counts[c]; !known && len(l.counts) >= maxCountedCalls {
		c.Principal = ""
	}
	if l.counts == nil {
		l.counts = make(map[Call]int)
	}
	l.counts[c]++
}

// Calls returns the latest calls, oldest first, at most 10,000 of them.
func (s *Server) Calls() []Call {
	l := &s.calls
	l.mu.Lock()
	defer l.mu.Unlock()
	return append(append(make([]Call, 0, len(l.recent)), l.recent[l.next:]...), l.recent[:l.next]...)
}

// CallCounts tells how often each call was made since the start or the last
// ResetCalls. Sum over the fields that do not matter.
func (s *Server) CallCounts() map[Call]int {
	s.calls.mu.Lock()
	defer s.calls.mu.Unlock()
	return maps.Clone(s.calls.counts)
}

// ResetCalls empties the call log and its counts.
func (s *Server) ResetCalls() {
	s.calls.mu.Lock()
	defer s.calls.mu.Unlock()
	s.calls.recent, s.calls.next, s.calls.counts = nil, 0, nil
}

// perform runs one operation: it lets the fault hook break it, and logs it with
// its outcome. A fault after the effect runs op and throws its answer away, so
// op must not have written to the client.
func (s *Server) perform(call Call, op func() *apiError) *apiError {
	fault := s.fault(call)
	var failure *apiError
	if fault == nil || fault.AfterEffect {
		failure = s.keep(call, op())
	}
	if fault != nil {
		failure = fault.apiError()
	}
	s.record(call, failure)
	return failure
}

// fault asks the fault hook about a call.
func (s *Server) fault(call Call) *Fault {
	if s.options.Fault == nil {
		return nil
	}
	return s.options.Fault(call)
}

// record logs a call with its outcome.
func (s *Server) record(call Call, failure *apiError) {
	if failure != nil {
		call.Code = failure.code
	}
	s.calls.add(call)
	s.options.Logger.Debug("call", "action", call.Action(), "principal", call.Principal, "code", call.Code)
}
