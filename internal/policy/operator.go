package policy

import "strings"

// family is a group of condition operators that read their values alike.
type family int

const (
	nullFamily family = iota
	stringFamily
	ignoreCaseFamily
	likeFamily
	arnFamily
	numericFamily
	dateFamily
	boolFamily
	binaryFamily
	ipFamily
)

// comparison is what an operator of the numeric and date families asks of the
// request's value.
type comparison int

const (
	equal comparison = iota
	less
	lessOrEqual
	greater
	greaterOrEqual
)

// accepts reports whether the comparison holds for order, which is negative,
// zero or positive as the request's value is before, at or after the policy's.
func (c comparison) accepts(order int) bool {
	switch c {
	case less:
		return order < 0
	case lessOrEqual:
		return order <= 0
	case greater:
		return order > 0
	case greaterOrEqual:
		return order >= 0
	default:
		return order == 0
	}
}

// quantifier is the set prefix of an operator.
type quantifier int

const (
	scalar quantifier = iota
	forAllValues
	forAnyValue
)

// operator is a condition operator taken apart.
type operator struct {
	family     family
	comparison comparison
	negated    bool
	ifExists   bool
	quantifier quantifier
}

// parseOperator reads the name of an operator. Its case matters: IAM answers
// "Invalid Condition type : stringEquals"
// (ministryofjustice/modernisation-platform-environments#8893).
func parseOperator(name string) (operator, bool) {
	rest, quantified := name, scalar
	if after, ok := strings.CutPrefix(rest, "ForAllValues:"); ok {
		rest, quantified = after, forAllValues
	} else if after, ok := strings.CutPrefix(rest, "ForAnyValue:"); ok {
		rest, quantified = after, forAnyValue
	}
	rest, ifExists := strings.CutSuffix(rest, "IfExists")
	op, ok := baseOperator(rest)
	op.quantifier = quantified
	op.ifExists = ifExists
	// Null asks for presence itself, so that neither suffix nor prefix has a
	// meaning with it.
	if op.family == nullFamily && (ifExists || quantified != scalar) {
		return operator{}, false
	}
	return op, ok
}

// baseOperator reads the name of an operator without prefix and suffix.
func baseOperator(name string) (operator, bool) {
	switch name {
	case "Null":
		return operator{family: nullFamily}, true
	case "Bool":
		return operator{family: boolFamily}, true
	case "BinaryEquals":
		return operator{family: binaryFamily}, true
	case "IpAddress":
		return operator{family: ipFamily}, true
	case "NotIpAddress":
		return operator{family: ipFamily, negated: true}, true
	}
	if rest, ok := strings.CutPrefix(name, "String"); ok {
		return stringOperator(rest)
	}
	if rest, ok := strings.CutPrefix(name, "Arn"); ok {
		// ArnEquals takes wildcards and is the same as ArnLike.
		rest, negated := strings.CutPrefix(rest, "Not")
		return operator{family: arnFamily, negated: negated}, rest == "Equals" || rest == "Like"
	}
	if rest, ok := strings.CutPrefix(name, "Numeric"); ok {
		return orderedOperator(numericFamily, rest)
	}
	if rest, ok := strings.CutPrefix(name, "Date"); ok {
		return orderedOperator(dateFamily, rest)
	}
	return operator{}, false
}

func stringOperator(rest string) (operator, bool) {
	rest, negated := strings.CutPrefix(rest, "Not")
	switch rest {
	case "Equals":
		return operator{family: stringFamily, negated: negated}, true
	case "EqualsIgnoreCase":
		return operator{family: ignoreCaseFamily, negated: negated}, true
	case "Like":
		return operator{family: likeFamily, negated: negated}, true
	default:
		return operator{}, false
	}
}

func orderedOperator(f family, rest string) (operator, bool) {
	switch rest {
	case "Equals":
		return operator{family: f}, true
	case "NotEquals":
		return operator{family: f, negated: true}, true
	case "LessThan":
		return operator{family: f, comparison: less}, true
	case "LessThanEquals":
		return operator{family: f, comparison: lessOrEqual}, true
	case "GreaterThan":
		return operator{family: f, comparison: greater}, true
	case "GreaterThanEquals":
		return operator{family: f, comparison: greaterOrEqual}, true
	default:
		return operator{}, false
	}
}
