package policy

import (
	"slices"
	"strings"
)

// Condition is one key under one operator of a Condition element. All conditions
// of a statement must hold.
type Condition struct {
	// Operator is the operator as the document spells it, with its set prefix
	// and IfExists suffix, such as "ForAnyValue:StringLikeIfExists".
	Operator string
	// Key is the condition key as the document spells it.
	Key string
	// Values are the values, of which one must match, or none for a negated
	// operator. An empty list holds for no request that has the key.
	Values []string

	operator operator
	key      string // lower-case
	operands []operand
	denies   bool // the statement's effect is Deny
}

// compile prepares c for evaluation. It returns the index of the value that
// cannot be used and what is wrong with it, or "".
func (c *Condition) compile(op operator, values operandCompiler) (index int, problem string) {
	c.operator = op
	c.key = strings.ToLower(c.Key)
	for i, value := range c.Values {
		compiled, problem := values.compile(op, value)
		if problem != "" {
			return i, problem
		}
		c.operands = append(c.operands, compiled)
	}
	return 0, ""
}

// holds reports whether the condition is true of a request.
func (c *Condition) holds(ctx Context) bool {
	value, present := ctx.lookup(c.key)
	switch {
	case len(c.operands) == 0:
		return !present && c.operator.quantifier != forAnyValue &&
			(c.operator.ifExists || c.operator.quantifier == forAllValues)
	case c.operator.family == nullFamily:
		return c.nullHolds(present)
	case !present:
		return c.operator.holdsWithoutKey()
	}
	if !value.Multivalued() {
		return c.accepts(ctx, value.single)
	}
	switch c.operator.quantifier {
	case forAllValues:
		return !slices.ContainsFunc(value.texts, func(s string) bool { return !c.accepts(ctx, s) })
	case forAnyValue:
		return slices.ContainsFunc(value.texts, func(s string) bool { return c.accepts(ctx, s) })
	case scalar:
		// AWS never matches a multivalued key here, negated and IfExists
		// included, even if it has a single value.
		return false
	default:
		return false
	}
}

// holdsWithoutKey reports whether a condition is true of a request that lacks
// its key. There is no value then that could be any of ForAnyValue's, which not
// even IfExists changes.
func (o operator) holdsWithoutKey() bool {
	switch o.quantifier {
	case forAnyValue:
		return false
	case forAllValues:
		return true
	case scalar:
		return o.ifExists || o.negated
	default:
		return false
	}
}

// nullHolds reports whether any value asks for the key to be absent ("true") or
// present ("false") as it is.
func (c *Condition) nullHolds(present bool) bool {
	for _, o := range c.operands {
		if o == boolOperand(!present) {
			return true
		}
	}
	return false
}

// accepts reports whether one value of the request satisfies the condition: it
// is one of the condition's values or, for a negated operator, none of them.
func (c *Condition) accepts(ctx Context, value string) bool {
	if !c.operator.family.canRead(value) {
		return false
	}
	for _, o := range c.operands {
		switch o.match(ctx, value) {
		case matched:
			return !c.operator.negated
		case unusable:
			return c.denies
		case unequal:
		}
	}
	return c.operator.negated
}

// canRead reports whether an operator of the family can look at value at all. What
// is no ARN or no address satisfies not even ArnNotLike or NotIpAddress, whereas
// what is no number or date is merely unequal to any.
func (f family) canRead(value string) bool {
	switch f {
	case arnFamily:
		return isARN(value)
	case ipFamily:
		_, ok := parseRequestAddress(value)
		return ok
	case nullFamily, stringFamily, ignoreCaseFamily, likeFamily, numericFamily, dateFamily, boolFamily, binaryFamily:
		return true
	default:
		return false
	}
}
