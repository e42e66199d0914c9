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

// parseOperator reads the name of an operator, whose case does not matter.
func parseOperator(name string) (operator, bool) {
	rest := strings.ToLower(name)
	quantified := scalar
	if after, ok := strings.CutPrefix(rest, "forallvalues:"); ok {
		rest, quantified = after, forAllValues
	} else if after, ok := strings.CutPrefix(rest, "foranyvalue:"); ok {
		rest, quantified = after, forAnyValue
	}
	rest, ifExists := strings.CutSuffix(rest, "ifexists")
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

// baseOperator reads the lower-case name of an operator without prefix and suffix.
func baseOperator(name string) (operator, bool) {
	switch name {
	case "null":
		return operator{family: nullFamily}, true
	case "bool":
		return operator{family: boolFamily}, true
	case "binaryequals":
		return operator{family: binaryFamily}, true
	case "ipaddress":
		return operator{family: ipFamily}, true
	case "notipaddress":
		return operator{family: ipFamily, negated: true}, true
	}
	if rest, ok := strings.CutPrefix(name, "string"); ok {
		return stringOperator(rest)
	}
	if rest, ok := strings.CutPrefix(name, "arn"); ok {
		// ArnEquals takes wildcards and is the same as ArnLike.
		negated := strings.HasPrefix(rest, "not")
		rest = strings.TrimPrefix(rest, "not")
		return operator{family: arnFamily, negated: negated}, rest == "equals" || rest == "like"
	}
	if rest, ok := strings.CutPrefix(name, "numeric"); ok {
		return orderedOperator(numericFamily, rest)
	}
	if rest, ok := strings.CutPrefix(name, "date"); ok {
		return orderedOperator(dateFamily, rest)
	}
	return operator{}, false
}

func stringOperator(rest string) (operator, bool) {
	negated := strings.HasPrefix(rest, "not")
	switch strings.TrimPrefix(rest, "not") {
	case "equals":
		return operator{family: stringFamily, negated: negated}, true
	case "equalsignorecase":
		return operator{family: ignoreCaseFamily, negated: negated}, true
	case "like":
		return operator{family: likeFamily, negated: negated}, true
	default:
		return operator{}, false
	}
}

func orderedOperator(f family, rest string) (operator, bool) {
	switch rest {
	case "equals":
		return operator{family: f}, true
	case "notequals":
		return operator{family: f, negated: true}, true
	case "lessthan":
		return operator{family: f, comparison: less}, true
	case "lessthanequals":
		return operator{family: f, comparison: lessOrEqual}, true
	case "greaterthan":
		return operator{family: f, comparison: greater}, true
	case "greaterthanequals":
		return operator{family: f, comparison: greaterOrEqual}, true
	default:
		return operator{}, false
	}
}
