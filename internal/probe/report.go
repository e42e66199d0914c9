package probe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// Verdict is what a service answers to a case, or must answer.
type Verdict string

// The verdicts.
const (
	Allowed Verdict = "Allowed"
	Denied  Verdict = "Denied"
)

// Groups of cases.
const (
	GroupToken  = "token"
	GroupList   = "list"
	GroupObject = "object"
	GroupBucket = "bucket"
)

// Case is one thing that was tried, and how it was answered.
type Case struct {
	Name     string  `json:"name"`
	Group    string  `json:"group"`
	Bucket   string  `json:"bucket,omitempty"`
	Expected Verdict `json:"expected"`
	Observed Verdict `json:"observed"`
	// Code is the error code of the answer; empty for success.
	Code string `json:"code,omitempty"`
	// RequestID is the service's, to be found in CloudTrail.
	RequestID string `json:"requestID,omitempty"`
}

// Report is the evidence of one run. It holds no secret.
type Report struct {
	StartedAt  time.Time `json:"startedAt"`
	FinishedAt time.Time `json:"finishedAt"`
	// KeyID is the kid of the key that signed every valid token of the run.
	KeyID   string `json:"keyID"`
	RoleARN string `json:"roleARN"`
	// Cases are in the order of the tables, whatever order they were tried in.
	Cases []Case `json:"cases"`
	// Incomplete says why cases are missing, if any are.
	Incomplete string `json:"incomplete,omitempty"`
	// Leftovers are the objects, as bucket/key, that may be left: they could not be
	// removed.
	Leftovers []string `json:"leftovers,omitempty"`
}

// Leaks are the cases that must be denied and were allowed.
func (r *Report) Leaks() []Case { return r.wrong(Denied) }

// Blocked are the cases that must be allowed and were denied.
func (r *Report) Blocked() []Case { return r.wrong(Allowed) }

func (r *Report) wrong(expected Verdict) []Case {
	var cases []Case
	for _, c := range r.Cases {
		if c.Expected == expected && c.Observed != expected {
			cases = append(cases, c)
		}
	}
	return cases
}

// Passed says whether every case was tried and answered as it must be.
func (r *Report) Passed() bool {
	return len(r.Cases) > 0 && r.Incomplete == "" && len(r.Leaks()) == 0 && len(r.Blocked()) == 0
}

// JSON is the report as a document for auditors: indented, and the same bytes
// for the same report.
func (r *Report) JSON() ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	document := *r
	document.StartedAt, document.FinishedAt = r.StartedAt.UTC(), r.FinishedAt.UTC()
	if err := encoder.Encode(document); err != nil {
		return nil, fmt.Errorf("writing report: %w", err)
	}
	return buffer.Bytes(), nil
}
