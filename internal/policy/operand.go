package policy

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// operand is one value of a condition, compiled for its operator.
type operand interface {
	// match reports whether the request's value is what the operand asks for.
	// Negation is not the operand's business.
	match(c Context, value string) bool
}

// compileOperand compiles one value of a condition with operator op. The syntax
// says whether policy variables are special, which they are for string and ARN
// operators only. It returns a description of what is wrong, or "".
func compileOperand(op operator, value string, syntax patternSyntax) (operand, string) {
	switch op.family {
	case stringFamily:
		return compilePattern(value, syntax)
	case ignoreCaseFamily:
		p, problem := compilePattern(value, syntax)
		return &foldedOperand{pattern: p}, problem
	case likeFamily:
		return compilePattern(value, syntax|wildcards)
	case arnFamily:
		return compileARN(value, syntax|wildcards)
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
		b, err := base64.StdEncoding.DecodeString(value)
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

// foldedOperand is a value of StringEqualsIgnoreCase.
type foldedOperand struct{ pattern *pattern }

func (o *foldedOperand) match(c Context, value string) bool {
	var text strings.Builder
	for _, t := range o.pattern.segments[0] {
		if t.kind == literalToken {
			text.WriteString(t.text)
			continue
		}
		resolved, ok := o.pattern.variables[t.n].resolve(c)
		if !ok {
			return false
		}
		text.WriteString(resolved)
	}
	return lowerCase(text.String()) == lowerCase(value)
}

// lowerCase lower-cases s as AWS was seen to: by the full Unicode mapping, the
// Greek final sigma included, not by case folding, and leaving alone characters
// outside the basic plane, whose UTF-16 halves have no case.
func lowerCase(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0 {
		return strings.ToLower(s)
	}
	lower := cases.Lower(language.Und)
	var text strings.Builder
	for s != "" {
		i := strings.IndexFunc(s, func(r rune) bool { return r > maxBasic })
		if i < 0 {
			i = len(s)
		}
		_, size := utf8.DecodeRuneInString(s[i:])
		text.WriteString(lower.String(s[:i]))
		text.WriteString(s[i : i+size])
		s = s[i+size:]
	}
	return text.String()
}

// arnParts is how many components an ARN has; the last may contain colons.
const arnParts = 6

// arnOperand is a value of an ARN operator: a pattern for each component.
type arnOperand [arnParts]*pattern

func compileARN(value string, syntax patternSyntax) (operand, string) {
	var compiled arnOperand
	for i := range compiled {
		part, rest, found := cutARNPart(value, syntax)
		if i == arnParts-1 {
			part = value
		} else if !found {
			return nil, "is not an ARN"
		}
		p, problem := compilePattern(part, syntax)
		if problem != "" {
			return nil, problem
		}
		compiled[i], value = p, rest
	}
	return &compiled, ""
}

// cutARNPart cuts value at its first colon that is not inside a variable.
func cutARNPart(value string, syntax patternSyntax) (part, rest string, found bool) {
	for i := 0; i < len(value); i++ {
		if syntax&variables != 0 && strings.HasPrefix(value[i:], "${") {
			end := strings.IndexByte(value[i:], '}')
			if end < 0 {
				break
			}
			i += end
			continue
		}
		if value[i] == ':' {
			return value[:i], value[i+1:], true
		}
	}
	return value, "", false
}

func (o *arnOperand) match(c Context, value string) bool {
	for i := range arnParts - 1 {
		part, rest, _ := strings.Cut(value, ":")
		if !o[i].match(c, part) {
			return false
		}
		value = rest
	}
	return o[arnParts-1].match(c, value)
}

// isARN reports whether value has the six components of an ARN, of which region
// and account may be empty.
func isARN(value string) bool {
	if !strings.HasPrefix(value, "arn:") {
		return false
	}
	for i := range arnParts - 1 {
		part, rest, found := strings.Cut(value, ":")
		if !found || (part == "" && i < 3) {
			return false
		}
		value = rest
	}
	return value != ""
}

// number is exact for the integers that conditions are about, and a float else.
type number struct {
	integer int64
	float   float64
	exact   bool
}

// parseNumber reads a decimal number, in which leading zeros, a fraction and an
// exponent may occur.
func parseNumber(s string) (number, bool) {
	if s == "" || strings.Trim(s, "0123456789+-.eE") != "" {
		return number{}, false
	}
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return number{integer: i, float: float64(i), exact: true}, true
	}
	f, err := strconv.ParseFloat(s, 64)
	return number{float: f}, err == nil
}

func (n number) compare(other number) int {
	if n.exact && other.exact {
		return cmp.Compare(n.integer, other.integer)
	}
	return cmp.Compare(n.float, other.float)
}

type numberOperand struct {
	comparison comparison
	value      number
}

func (o *numberOperand) match(_ Context, value string) bool {
	n, ok := parseNumber(value)
	return ok && o.comparison.accepts(n.compare(o.value))
}

// parseDate reads a date in one of the forms of ISO 8601 that W3C's note on
// date and time formats lists, or as seconds since 1970.
func parseDate(s string) (time.Time, bool) {
	layouts := [...]string{
		time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02", "2006-01", "2006",
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	seconds, err := strconv.ParseInt(s, 10, 64)
	return time.Unix(seconds, 0), err == nil
}

type dateOperand struct {
	comparison comparison
	value      time.Time
}

func (o *dateOperand) match(_ Context, value string) bool {
	t, ok := parseDate(value)
	return ok && o.comparison.accepts(t.Compare(o.value))
}

// boolOperand is a value of Bool. Only "true" is true; any other text is false.
type boolOperand bool

func (o boolOperand) match(_ Context, value string) bool {
	return strings.EqualFold(value, "true") == bool(o)
}

type binaryOperand []byte

func (o binaryOperand) match(_ Context, value string) bool {
	b, err := base64.StdEncoding.DecodeString(value)
	return err == nil && bytes.Equal(b, o)
}

// prefixOperand is a value of IpAddress: a range of addresses.
type prefixOperand netip.Prefix

// parsePrefix reads a range in CIDR notation or a single address.
func parsePrefix(s string) (netip.Prefix, bool) {
	if strings.Contains(s, "/") {
		prefix, err := netip.ParsePrefix(s)
		return prefix.Masked(), err == nil
	}
	addr, err := netip.ParseAddr(s)
	if err != nil || addr.Zone() != "" {
		return netip.Prefix{}, false
	}
	addr = addr.Unmap()
	return netip.PrefixFrom(addr, addr.BitLen()), true
}

func (o prefixOperand) match(_ Context, value string) bool {
	addr, err := netip.ParseAddr(value)
	return err == nil && netip.Prefix(o).Contains(addr.Unmap())
}
