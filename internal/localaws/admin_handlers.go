package localaws

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

func (*Server) adminHealth(r *http.Request) (any, *adminError) {
	return map[string]string{"status": "ok"}, refuseQuery(r)
}

// adminInfo tells what this server stands for, and the options that are in force.
func (s *Server) adminInfo(r *http.Request) (any, *adminError) {
	o := &s.options
	type options struct {
		Directory string  `json:"directory"`
		IAMRate   float64 `json:"iamRate"`
		STSRate   float64 `json:"stsRate"`
		JWKSCache string  `json:"jwksCache"`
		Lag       string  `json:"lag"`
	}
	return struct {
		Version       string  `json:"version"`
		Account       string  `json:"account"`
		Partition     string  `json:"partition"`
		Region        string  `json:"region"`
		Administrator string  `json:"administrator"`
		Options       options `json:"options"`
	}{
		Version(), o.Account, o.Partition, o.Region, s.administrator().arn(),
		options{o.Directory, o.IAMRate, o.STSRate, o.JWKSCache.String(), o.Lag.String()},
	}, refuseQuery(r)
}

// callFilter picks calls. Its fields are patterns as those of FaultRule, but one
// that is given and empty picks what is empty: code= picks what succeeded.
type callFilter struct {
	query url.Values
}

// callFilters are the names of the filters, and what each looks at.
func callFilters() map[string]func(Call) string {
	return map[string]func(Call) string{
		"service":   func(c Call) string { return c.Service },
		"operation": func(c Call) string { return c.Operation },
		"principal": func(c Call) string { return c.Principal },
		"code":      func(c Call) string { return c.Code },
		"fault":     func(c Call) string { return string(c.Fault) },
	}
}

func (f callFilter) picks(call Call) bool {
	for name, field := range callFilters() {
		if !f.query.Has(name) {
			continue
		}
		pattern, value := f.query.Get(name), field(call)
		if pattern != value && (pattern == "" || !matchesFilter(pattern, value)) {
			return false
		}
	}
	return true
}

// adminCalls lists the latest calls or, with counts, how often each was made.
func (s *Server) adminCalls(r *http.Request) (any, *adminError) {
	if refusal := refuseQuery(r, "service", "operation", "principal", "code", "fault", "counts"); refusal != nil {
		return nil, refusal
	}
	filter := callFilter{r.URL.Query()}
	if filter.query.Has("counts") {
		return s.countCalls(filter), nil
	}
	calls := slices.DeleteFunc(s.Calls(), func(call Call) bool { return !filter.picks(call) })
	return map[string][]Call{"calls": calls}, nil
}

// callCount is how often a call was made.
type callCount struct {
	Service   string    `json:"service"`
	Operation string    `json:"operation"`
	Principal string    `json:"principal"`
	Code      string    `json:"code"`
	Fault     FaultKind `json:"fault,omitempty"`
	Write     bool      `json:"write"`
	Count     int       `json:"count"`
}

// order puts counts of one service and operation together.
func (c *callCount) order(other *callCount) int {
	return cmp.Or(
		strings.Compare(c.Service, other.Service),
		strings.Compare(c.Operation, other.Operation),
		strings.Compare(c.Principal, other.Principal),
		strings.Compare(c.Code, other.Code),
		cmp.Compare(c.Fault, other.Fault),
	)
}

func (s *Server) countCalls(filter callFilter) any {
	answer := struct {
		Total  int         `json:"total"`
		Counts []callCount `json:"counts"`
	}{Counts: []callCount{}}
	for call, count := range s.CallCounts() {
		if !filter.picks(call) {
			continue
		}
		answer.Total += count
		answer.Counts = append(answer.Counts, callCount{
			call.Service, call.Operation, call.Principal, call.Code, call.Fault, call.Write, count,
		})
	}
	slices.SortFunc(answer.Counts, func(a, b callCount) int { return a.order(&b) })
	return answer
}

func (s *Server) adminResetCalls(r *http.Request) (any, *adminError) {
	if refusal := refuseQuery(r); refusal != nil {
		return nil, refusal // a filter here would look as if only some were dropped
	}
	s.ResetCalls()
	return nil, nil
}

// faultBody is a FaultRule in JSON.
type faultBody struct {
	Service     string    `json:"service,omitempty"`
	Operation   string    `json:"operation,omitempty"`
	Principal   string    `json:"principal,omitempty"`
	Resource    string    `json:"resource,omitempty"`
	Kind        FaultKind `json:"kind"`
	Code        string    `json:"code,omitempty"`
	Message     string    `json:"message,omitempty"`
	Status      int       `json:"status,omitempty"`
	AfterEffect bool      `json:"afterEffect,omitempty"`
	For         string    `json:"for,omitempty"` // as time.ParseDuration reads it: 1m30s
	Skip        int       `json:"skip,omitempty"`
	Times       int       `json:"times,omitempty"`
}

// faultStatusBody is a FaultStatus in JSON.
type faultStatusBody struct {
	faultBody

	Matched int `json:"matched"`
	Broken  int `json:"broken"`
}

func (s *Server) adminFaults(r *http.Request) (any, *adminError) {
	faults := []faultStatusBody{}
	for _, status := range s.Faults() {
		faults = append(faults, newFaultStatusBody(&status))
	}
	return map[string][]faultStatusBody{"faults": faults}, refuseQuery(r)
}

// adminAddFault adds a rule, and answers with the rule as it was understood.
func (s *Server) adminAddFault(r *http.Request) (any, *adminError) {
	if refusal := refuseQuery(r); refusal != nil {
		return nil, refusal
	}
	var body faultBody
	if refusal := readAdminBody(r, &body); refusal != nil {
		return nil, refusal
	}
	rule, refusal := body.rule()
	if refusal != nil {
		return nil, refusal
	}
	if err := s.AddFault(rule); err != nil {
		return nil, newAdminError(http.StatusBadRequest, "%s", err)
	}
	return newFaultStatusBody(&FaultStatus{FaultRule: rule}), nil
}

func (s *Server) adminClearFaults(r *http.Request) (any, *adminError) {
	if refusal := refuseQuery(r); refusal != nil {
		return nil, refusal
	}
	s.ClearFaults()
	return nil, nil
}

func (b *faultBody) rule() (FaultRule, *adminError) {
	if b.Kind == "" {
		return FaultRule{}, newAdminError(http.StatusBadRequest, "kind: missing; it is one of error, throttle, hang, lose, delay")
	}
	var length time.Duration
	if b.For != "" {
		var err error
		if length, err = time.ParseDuration(b.For); err != nil {
			return FaultRule{}, newAdminError(http.StatusBadRequest, "for: %q is no duration such as 1.5s or 2m", b.For)
		}
	}
	return FaultRule{
		Service: b.Service, Operation: b.Operation, Principal: b.Principal, Resource: b.Resource,
		Fault: Fault{
			Kind: b.Kind, Code: b.Code, Message: b.Message, Status: b.Status,
			AfterEffect: b.AfterEffect, For: length,
		},
		Skip: b.Skip, Times: b.Times,
	}, nil
}

func newFaultStatusBody(status *FaultStatus) faultStatusBody {
	fault := &status.Fault
	body := faultStatusBody{
		faultBody: faultBody{
			Service: status.Service, Operation: status.Operation, Principal: status.Principal, Resource: status.Resource,
			Kind: fault.kind(), Code: fault.Code, Message: fault.Message, Status: fault.Status,
			AfterEffect: fault.AfterEffect, Skip: status.Skip, Times: status.Times,
		},
		Matched: status.Matched, Broken: status.Broken,
	}
	if fault.For > 0 {
		body.For = fault.For.String()
	}
	return body
}
