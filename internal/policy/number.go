package policy

import (
	"cmp"
	"strconv"
	"strings"
)

// number is a decimal number of any precision: 0.digits times ten to the power of
// exponent.
type number struct {
	negative bool
	// digits are the significant digits, without zeros at the front, and with a
	// point somewhere in between or none. Zero has no digits.
	digits   string
	exponent int
}

// parseNumber reads a decimal number, in which a sign, leading zeros, a fraction
// and an exponent may occur.
func parseNumber(s string) (number, bool) {
	var n number
	if s != "" && (s[0] == '-' || s[0] == '+') {
		n.negative = s[0] == '-'
		s = s[1:]
	}
	mantissa, exponent := s, int64(0)
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		var err error
		// A bound that cannot overflow when digits are added to it.
		if exponent, err = strconv.ParseInt(s[i+1:], 10, 32); err != nil {
			return number{}, false
		}
		mantissa = s[:i]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if whole+fraction == "" || !isDigits(whole) || !isDigits(fraction) {
		return number{}, false
	}
	if significant := strings.TrimLeft(whole, "0"); significant != "" {
		n.digits = mantissa[len(whole)-len(significant):]
		n.exponent = int(exponent) + len(significant)
	} else {
		n.digits = strings.TrimLeft(fraction, "0")
		n.exponent = int(exponent) - (len(fraction) - len(n.digits))
	}
	if strings.Trim(n.digits, "0.") == "" {
		return number{}, true
	}
	return n, true
}

func isDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// sign is -1, 0 or 1.
func (n number) sign() int {
	switch {
	case n.digits == "":
		return 0
	case n.negative:
		return -1
	default:
		return 1
	}
}

// compare returns a number that is negative, zero or positive as n is less than,
// equal to or greater than other.
func (n number) compare(other number) int {
	sign := n.sign()
	if sign != other.sign() || sign == 0 {
		return cmp.Compare(sign, other.sign())
	}
	if n.exponent != other.exponent {
		return sign * cmp.Compare(n.exponent, other.exponent)
	}
	a, b := n.digits, other.digits
	for a != "" || b != "" {
		var x, y byte
		x, a = nextDigit(a)
		y, b = nextDigit(b)
		if x != y {
			return sign * cmp.Compare(x, y)
		}
	}
	return 0
}

// nextDigit cuts the first digit off digits. After the last come zeros.
func nextDigit(digits string) (byte, string) {
	digits = strings.TrimPrefix(digits, ".")
	if digits == "" {
		return '0', ""
	}
	return digits[0], digits[1:]
}

type numberOperand struct {
	comparison comparison
	value      number
}

func (o *numberOperand) match(_ Context, value string) verdict {
	n, ok := parseNumber(value)
	return verdictOf(ok && o.comparison.accepts(n.compare(o.value)))
}
