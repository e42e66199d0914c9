package policycase

import (
	"errors"
	"fmt"
)

// Decision is the answer to a case.
type Decision struct {
	// ID is the case's id, empty if it could not be read.
	ID string `json:"id"`
	// Decision is one of the words below.
	Decision string `json:"decision"`
	// Code is AWS's error code: Success where there is none, AccessDenied for a
	// denial, InvalidCase for a line that is no case, and empty if the case is
	// unsupported. The answer to a HEAD has no body, so that all a client sees is
	// the status, such as 403.
	Code string `json:"code"`
	// Reason says for people which statement decided, which condition failed, or
	// what is wrong.
	Reason string `json:"reason"`
}

// The words of a Decision.
const (
	// Allow: AWS would answer the call with success.
	Allow = "allow"
	// Deny: AWS would refuse it for want of permission.
	Deny = "deny"
	// Error: AWS would refuse it for another reason, or the line is no case.
	Error = "error"
	// Unsupported: the answer hangs on what the case does not tell, or on what is
	// not modelled here.
	Unsupported = "unsupported"
)

const (
	codeSuccess      = "Success"
	codeAccessDenied = "AccessDenied"
	codeInvalidCase  = "InvalidCase"
)

// verdict is a decision that is taken before all has been looked at. It is an
// error so that it ends what is under way.
type verdict struct {
	decision, code, reason string
}

// Error implements error.
func (v *verdict) Error() string { return v.reason }

// invalid tells that a line is no case: what is wrong with which member.
func invalid(path, format string, args ...any) error {
	reason := fmt.Sprintf(format, args...)
	if path != "" {
		reason = path + ": " + reason
	}
	return &verdict{Error, codeInvalidCase, reason}
}

// unsupported tells why a case cannot be answered.
func unsupported(format string, args ...any) error {
	return &verdict{Unsupported, "", fmt.Sprintf(format, args...)}
}

// refused is an error of AWS that is not about permission.
func refused(code, format string, args ...any) error {
	return &verdict{Error, code, fmt.Sprintf(format, args...)}
}

// denied is a denial that no statement of a policy takes.
func denied(format string, args ...any) error {
	return &verdict{Deny, codeAccessDenied, fmt.Sprintf(format, args...)}
}

// decisionOf is the decision that err stands for.
func decisionOf(id string, err error) Decision {
	if v := (*verdict)(nil); errors.As(err, &v) {
		return Decision{ID: id, Decision: v.decision, Code: v.code, Reason: v.reason}
	}
	return Decision{ID: id, Decision: Unsupported, Reason: err.Error()}
}
