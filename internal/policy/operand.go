package policy

import (
	"bytes"
	"encoding/base64"
	"strings"
)

// verdict is what comes of comparing a value of the request with a value of a
// condition, before any negation.
type verdict int

const (
	unequal verdict = iota
	matched
	// unusable: the condition's value cannot be compared with anything.
	unusable
)

func verdictOf(match bool) verdict {
	if match {
		return matched
	}
	return unequal
}

// operand is one value of a condition, compiled for its operator.
type operand interface {
	match(c Context, value string) verdict
}

// neverOperand is a value of a session policy that its operator cannot read.
type neverOperand verdict

func (o neverOperand) match(Context, string) verdict { return verdict(o) }

// operandCompiler compiles the values of conditions.
type operandCompiler struct {
	// syntax says whether policy variables are special, which they are for
	// string and ARN operators only.
	syntax patternSyntax
	// lenient is set for session policies. STS was seen to accept values there
	// that are no number, date, address or ARN, which IAM refuses to store: they
	// equal nothing, except that a value which is no ARN fulfils the condition of
	// a Deny and fails that of an Allow, whether negated or not.
	lenient bool
}

// compile compiles one value of a condition with operator op. It returns a
// description of what is wrong, or "".
func (oc operandCompiler) compile(op operator, value string) (operand, string) {
	o, problem := oc.compileStrictly(op, value)
	if problem == "" || !oc.lenient {
		return o, problem
	}
	switch op.family {
	case numericFamily, dateFamily, ipFamily:
		return neverOperand(unequal), ""
	case arnFamily:
		return neverOperand(unusable), ""
	case boolFamily, nullFamily:
		return boolOperand(false), ""
	case stringFamily, ignoreCaseFamily, likeFamily, binaryFamily:
	}
	return nil, problem
}

func (oc operandCompiler) compileStrictly(op operator, value string) (operand, string) {
	switch op.family {
	case stringFamily:
		p, problem := compilePattern(value, oc.syntax)
		return (*textOperand)(p), problem
	case ignoreCaseFamily:
		p, problem := compilePattern(value, oc.syntax)
		return newFoldedOperand(p), problem
	case likeFamily:
		p, problem := compilePattern(value, oc.syntax|wildcards)
		return (*textOperand)(p), problem
	case arnFamily:
		return compileARN(value, oc.syntax|wildcards)
	case numericFamily:
		n, ok := parseNumber(value)
		return &numberOperand{op.comparison, n}, problemUnless(ok, "is not a number")
	case dateFamily:
		t, ok := parseDate(value)
		return &dateOperand{op.comparison, t}, problemUnless(ok, "is not a date")
	case boolFamily, nullFamily:
		want := strings.EqualFold(value, "true")
		ok := want || strings.EqualFold(value, "false")
		return boolOperand(want), problemUnless(ok, `is neither "true" nor "false"`)
	case binaryFamily:
		b, err := base64.StdEncoding.Strict().DecodeString(value)
		return binaryOperand(b), problemUnless(err == nil, "is not base64")
	case ipFamily:
		prefix, ok := parsePrefix(value)
		return prefixOperand(prefix), problemUnless(ok, "is not an IP address or CIDR range")
	default:
		return nil, "has an operator without values"
	}
}

func problemUnless(ok bool, problem string) string {
	if ok {
		return ""
	}
	return problem
}

// textOperand is a value of StringEquals or StringLike.
type textOperand pattern

func (o *textOperand) match(c Context, value string) verdict {
	return verdictOf((*pattern)(o).match(c, value))
}

// boolOperand is a value of Bool. Only "true" is true; any other text is false.
type boolOperand bool

func (o boolOperand) match(_ Context, value string) verdict {
	return verdictOf(strings.EqualFold(value, "true") == bool(o))
}

type binaryOperand []byte

func (o binaryOperand) match(_ Context, value string) verdict {
	b, err := base64.StdEncoding.Strict().DecodeString(value)
	return verdictOf(err == nil && bytes.Equal(b, o))
}
