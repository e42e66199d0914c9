package localaws

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/litentry/wallet-federation/internal/policy"
)

const (
	// maxFaultRules bounds the rules in force at once.
	maxFaultRules = 100
	// maxFaultTime bounds how long one rule can hold a call.
	maxFaultTime = 10 * time.Minute
	// maxFaultText bounds each text of a rule, in bytes.
	maxFaultText = 2048
)

var faultCodePattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9.]{0,127}$`)

// FaultRule breaks the calls that it matches. Service, Operation, Principal and
// Resource are compared with the fields of Call of the same name; * in them
// stands for any text and ? for any character, and an empty one matches all.
type FaultRule struct {
	Service   string
	Operation string
	Principal string
	Resource  string
	// Fault is what happens to the calls.
	Fault Fault
	// Skip is how many matching calls are let through first: with Skip 4 and
	// Times 1, the fifth is broken and no other.
	Skip int
	// Times is how many calls are broken; 0 is all until ClearFaults.
	Times int
}

// FaultStatus is a rule and what it has done so far.
type FaultStatus struct {
	FaultRule
	// Matched is how many calls it has matched, those let through included. A
	// call that a rule before it broke is not among them.
	Matched int
	// Broken is how many calls it has broken. A call that hangs counts from the
	// start, so that a test can wait for it.
	Broken int
}

// spent tells that the rule breaks nothing any more.
func (f *FaultStatus) spent() bool {
	return f.Times > 0 && f.Broken >= f.Times
}

// matches tells whether the rule is about a call.
func (r *FaultRule) matches(call Call) bool {
	return matchesFilter(r.Service, call.Service) && matchesFilter(r.Operation, call.Operation) &&
		matchesFilter(r.Principal, call.Principal) && matchesFilter(r.Resource, call.Resource)
}

// matchesFilter compares with a pattern; an empty one matches all.
func matchesFilter(pattern, value string) bool {
	return pattern == "" || policy.Match(pattern, value)
}

// faultRules are the rules in force.
type faultRules struct {
	mu      sync.Mutex
	rules   []FaultStatus
	cleared chan struct{} // closed, and replaced, when the rules are cleared
}

func newFaultRules() *faultRules {
	return &faultRules{cleared: make(chan struct{})}
}

// watch returns what is closed when the faults are cleared next.
func (f *faultRules) watch() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.cleared
}

// due finds the first rule that is to break the call; nil for none. The rules
// after it do not see the call. What the fault waits for ends when cleared is
// closed.
func (f *faultRules) due(call Call) (fault *Fault, cleared <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.rules {
		rule := &f.rules[i]
		if rule.spent() || !rule.matches(call) {
			continue
		}
		rule.Matched++
		if rule.Matched > rule.Skip {
			rule.Broken++
			broken := rule.Fault
			return &broken, f.cleared
		}
	}
	return nil, nil
}

// AddFault adds a rule behind those that are there. Rules are asked in this
// order, and the first that is due breaks the call. At most 100 are in force at
// once; when there are that many, those that are spent make room. The error
// names the field that is wrong.
func (s *Server) AddFault(rule FaultRule) error {
	if err := s.checkFault(&rule); err != nil {
		return err
	}
	f := s.faults
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.rules) >= maxFaultRules {
		f.rules = slices.DeleteFunc(f.rules, func(status FaultStatus) bool { return status.spent() })
	}
	if len(f.rules) >= maxFaultRules {
		return fmt.Errorf("there are %d faults already, which is the most that there can be: clear them first", maxFaultRules)
	}
	f.rules = append(f.rules, FaultStatus{FaultRule: rule})
	return nil
}

// Faults returns the rules, and what they have done so far.
func (s *Server) Faults() []FaultStatus {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	return slices.Clone(s.faults.rules)
}

// ClearFaults takes all rules away and lets the calls go that a fault holds,
// those of Options.Fault included.
func (s *Server) ClearFaults() {
	f := s.faults
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.cleared)
	f.rules, f.cleared = nil, make(chan struct{})
}

// checkFault refuses a rule that means nothing, or something else than it seems
// to: a fault that never happens makes a test pass for no reason.
func (s *Server) checkFault(rule *FaultRule) error {
	texts := []struct{ name, text string }{
		{"service", rule.Service}, {"operation", rule.Operation}, {"principal", rule.Principal},
		{"resource", rule.Resource}, {"message", rule.Fault.Message},
	}
	for _, field := range texts {
		if len(field.text) > maxFaultText {
			return fmt.Errorf("%s: longer than %d bytes", field.name, maxFaultText)
		}
	}
	if !s.knowsOperation(rule.Service, "") {
		return fmt.Errorf("service: %q is none of iam, sts and s3", rule.Service)
	}
	if !s.knowsOperation(rule.Service, rule.Operation) {
		return fmt.Errorf("operation: %q is not served%s", rule.Operation, ofService(rule.Service))
	}
	if rule.Skip < 0 {
		return errors.New("skip: less than 0")
	}
	if rule.Times < 0 {
		return errors.New("times: less than 0")
	}
	return rule.Fault.check()
}

func ofService(service string) string {
	if service == "" {
		return ""
	}
	return " by " + service
}

// knowsOperation tells whether patterns of a service and an operation match any.
func (s *Server) knowsOperation(service, operation string) bool {
	for _, api := range []*queryAPI{&iamAPI, &stsAPI} {
		for name := range api.operations {
			if matchesFilter(service, api.service) && matchesFilter(operation, name) {
				return true
			}
		}
	}
	return matchesFilter(service, "s3") && slices.ContainsFunc(s.storage.operations, func(known s3Operation) bool {
		return matchesFilter(operation, known.name)
	})
}

// faultShapes tell which fields go with a kind.
var faultShapes = map[FaultKind]struct {
	answers bool // with an error of its own, and maybe after the effect
	waits   bool
}{
	FaultError:    {answers: true},
	FaultThrottle: {},
	FaultHang:     {answers: true, waits: true},
	FaultLose:     {},
	FaultDelay:    {waits: true},
}

// check refuses fields that do not go with the kind, or are out of bounds.
func (f *Fault) check() error {
	kind := f.kind()
	shape, known := faultShapes[kind]
	switch {
	case !known:
		return fmt.Errorf("kind: %q is not one of error, throttle, hang, lose, delay", f.Kind)
	case !shape.answers && (f.Code != "" || f.Message != "" || f.Status != 0):
		return fmt.Errorf("code, message, status: %s answers with no error of its own", kind)
	case !shape.answers && f.AfterEffect:
		return fmt.Errorf("afterEffect: %s has no such choice", kind)
	case !shape.waits && f.For != 0:
		return fmt.Errorf("for: %s does not wait", kind)
	}
	return f.checkBounds()
}

func (f *Fault) checkBounds() error {
	switch {
	case f.Code != "" && !faultCodePattern.MatchString(f.Code):
		return fmt.Errorf("code: %q is not an error code of up to 128 letters and digits", f.Code)
	case f.Status != 0 && (f.Status < 400 || f.Status > 599):
		return fmt.Errorf("status: %d is not from 400 to 599", f.Status)
	case f.For < 0 || f.For > maxFaultTime:
		return fmt.Errorf("for: %s is not from 0 to %s", f.For, maxFaultTime)
	case f.Kind == FaultDelay && f.For == 0:
		return errors.New("for: a delay needs to be told for how long")
	}
	return nil
}
