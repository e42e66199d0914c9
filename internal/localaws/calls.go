package localaws

import (
	"maps"
	"strings"
	"sync"
	"time"
)

const (
	// maxLoggedCalls bounds the call log; the oldest calls leave first.
	maxLoggedCalls = 10_000
	// maxCountedCalls bounds how many different calls are counted one by one.
	// Session names are part of the principal, so their number has no bound of
	// its own; beyond this one, calls are counted without their principal.
	maxCountedCalls = 10_000
	// maxLoggedResource bounds a resource in the log, in bytes. It is that of the
	// longest ARN; what is longer is no name that AWS takes.
	maxLoggedResource = 2048
)

// unrecognized is the operation, in the call log, of a call to IAM or STS that
// names none that is known. S3's are called the same.
const unrecognized = "Unrecognized"

// Call is one call as the call log keeps it and the fault hook sees it.
type Call struct {
	// Time is when the call was received, by Options.Now.
	Time time.Time `json:"time,omitzero"`
	// Service is iam, sts or s3.
	Service string `json:"service"`
	// Operation is the API operation, such as UpdateAssumeRolePolicy, or
	// Unrecognized.
	Operation string `json:"operation"`
	// Principal is the caller's ARN; empty for an unsigned call, and for one that
	// failed to authenticate.
	Principal string `json:"principal"`
	// Resource is what the call acts on, as the call names it: a role name, an
	// ARN, an issuer's URL, a bucket or bucket/key. It is empty where the call
	// names nothing, and cut off after 2,048 bytes.
	Resource string `json:"resource,omitempty"`
	// Code is the error code; empty for success. It is the outcome, whether or
	// not the caller was told of it. The fault hook always sees it empty.
	Code string `json:"code"`
	// Fault is how the call was broken on purpose; empty if it was not. The fault
	// hook always sees it empty.
	Fault FaultKind `json:"fault,omitempty"`
	// Write tells that the operation changes something.
	Write bool `json:"write"`
}

// Action names the operation with its service: "iam:UpdateAssumeRolePolicy".
func (c Call) Action() string {
	return c.Service + ":" + c.Operation
}

// callLog keeps the latest calls and counts all of them.
type callLog struct {
	mu     sync.Mutex
	recent []Call // a ring once it is full
	next   int    // where the ring's oldest call is
	counts map[Call]int
}

func (l *callLog) add(c Call) {
	if len(c.Resource) > maxLoggedResource {
		c.Resource = strings.ToValidUTF8(c.Resource[:maxLoggedResource], "")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.recent) < maxLoggedCalls {
		l.recent = append(l.recent, c)
	} else {
		l.recent[l.next] = c
		l.next = (l.next + 1) % maxLoggedCalls
	}
	c.Time, c.Resource = time.Time{}, ""
	if _, known := l.counts[c]; !known && len(l.counts) >= maxCountedCalls {
		c.Principal = ""
	}
	if l.counts == nil {
		l.counts = make(map[Call]int)
	}
	l.counts[c]++
}

// Calls returns the latest calls in the order in which they ended, at most
// 10,000 of them. A call is there before it is answered. Calls that failed to
// authenticate or could not be read are there, too.
func (s *Server) Calls() []Call {
	l := &s.calls
	l.mu.Lock()
	defer l.mu.Unlock()
	return append(append(make([]Call, 0, len(l.recent)), l.recent[l.next:]...), l.recent[:l.next]...)
}

// CallCounts tells how often each call was made since the start or the last
// ResetCalls; Time and Resource are left out. Sum over the fields that do not
// matter.
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

// record logs a call with its outcome.
func (s *Server) record(call Call, failure *apiError) {
	if failure != nil {
		call.Code = failure.code
	}
	s.calls.add(call)
	s.options.Logger.Debug("call", "action", call.Action(), "principal", call.Principal, "code", call.Code, "fault", call.Fault)
}
