package policy

import "testing"

// Recorded: leading zeros, a leading plus, decimal precision; text is unequal.
func TestNumbers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		a, b string
		want int
	}{
		"equal":                           {"1", "1", 0},
		"leading zeros":                   {"0010", "10", 0},
		"leading plus":                    {"+5", "5", 0},
		"trailing zeros":                  {"1.500", "1.5", 0},
		"a point at the end":              {"7.", "7", 0},
		"a point at the front":            {".5", "0.5", 0},
		"an exponent":                     {"1e3", "1000", 0},
		"a negative exponent":             {"25E-1", "2.5", 0},
		"zeros":                           {"-0.00", "0e9", 0},
		"zero and something small":        {"0", "1e-400", -1},
		"beyond what a float can tell":    {"0.10000000000000000001", "0.1", 1},
		"large integers":                  {"9007199254740993", "9007199254740992", 1},
		"beyond what a float can hold":    {"1e999", "1e998", 1},
		"negative and positive":           {"-3", "2", -1},
		"two negative":                    {"-3", "-2", -1},
		"fractions of different length":   {"2.05", "2.5", -1},
		"a fraction with zeros in front":  {"0.002", "0.01", -1},
		"digits that continue":            {"12.1", "12", 1},
		"the same digits, another weight": {"1.23", "12.3", -1},
	} {
		a, okA := parseNumber(c.a)
		b, okB := parseNumber(c.b)
		if !okA || !okB {
			t.Errorf("%s: not read", name)
			continue
		}
		if got := a.compare(b); got != c.want {
			t.Errorf("%s: %s against %s is %d, want %d", name, c.a, c.b, got, c.want)
		}
		if got := b.compare(a); got != -c.want {
			t.Errorf("%s: %s against %s is %d, want %d", name, c.b, c.a, got, -c.want)
		}
	}
	for _, text := range []string{"", "+", "-", ".", "e5", "1e", "1e+", "--1", "1_000", "1,5", "Inf", "NaN", "0x1", "1 ", "½", "1e99999999999"} {
		if _, ok := parseNumber(text); ok {
			t.Errorf("%q was read", text)
		}
	}
}

// The W3C's forms and seconds since 1970 are documented; comparison by the
// millisecond and times without zone are recorded, of the four digits of a year
// nothing is.
func TestDates(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ a, b string }{
		"a year is its first day":      {"2026", "2026-01-01T00:00:00Z"},
		"a month, too":                 {"2026-03", "2026-03-01T00:00:00Z"},
		"a day begins at midnight":     {"2026-03-01", "2026-03-01T00:00:00Z"},
		"a time without zone":          {"2026-03-01T12:00:00", "2026-03-01T12:00:00Z"},
		"a time without seconds":       {"2026-03-01T12:00", "2026-03-01T12:00:00Z"},
		"a time without minutes":       {"2026-03-01T12", "2026-03-01T12:00:00Z"},
		"a zone":                       {"2026-03-01T12:00-02:30", "2026-03-01T14:30:00Z"},
		"milliseconds":                 {"2026-03-01T12:00:00.5Z", "2026-03-01T12:00:00.500Z"},
		"microseconds do not count":    {"2026-03-01T12:00:00.0009Z", "2026-03-01T12:00:00Z"},
		"seconds since 1970":           {"1772366400", "2026-03-01T12:00:00Z"},
		"with a fraction":              {"1772366400.25", "2026-03-01T12:00:00.25Z"},
		"before 1970":                  {"-1.5", "1969-12-31T23:59:58.5Z"},
		"seconds that look like a day": {"20260301", "1970-08-23T11:51:41Z"},
	} {
		a, okA := parseDate(c.a)
		b, okB := parseDate(c.b)
		if !okA || !okB || !a.Equal(b) {
			t.Errorf("%s: %s is %v, want %v", name, c.a, a, b)
		}
	}
	for _, text := range []string{"", "noon", "2026-13", "2026-02-30", "2026-03-01 12:00:00Z", "2026-03-01T25:00:00Z", "1.2.3", "1e9", "99999999999999999999", "-", "."} {
		if d, ok := parseDate(text); ok {
			t.Errorf("%q was read as %v", text, d)
		}
	}
}

// Recorded by https://github.com/radkawar/stackd (docs/iam-evaluation.md, "IP
// conditions"), except that 0.0.0.0/0 holds every IPv4 address.
func TestAddresses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		prefix, address string
		want            bool
	}{
		"every IPv4 address":                    {"0.0.0.0/0", "203.0.113.7", true},
		"but no IPv6 address":                   {"0.0.0.0/0", "2001:db8::1", false},
		"zeros in an address":                   {"203.0.113.7", "203.000.113.07", true},
		"zeros in a range":                      {"010.0.0.0/08", "10.1.2.3", true},
		"a plus before the length":              {"10.0.0.0/+8", "10.1.2.3", true},
		"host bits of IPv4":                     {"10.1.2.3/8", "10.9.9.9", true},
		"an IPv6 address alone":                 {"2001:db8::1", "2001:0db8:0::1", true},
		"an IPv6 range":                         {"2001:db8::4/127", "2001:db8::5", true},
		"an IPv4 address in IPv6 form":          {"203.0.113.0/24", "::ffff:203.0.113.7", true},
		"a range in IPv6 form holds none":       {"::ffff:cb00:7100/120", "203.0.113.7", false},
		"nor the same in IPv6 form":             {"::ffff:cb00:7100/120", "::ffff:203.0.113.7", false},
		"a colon at the end":                    {"2001:db8:0:0:0:0:0:1:", "2001:db8::1", true},
		"a group left out at the front":         {"0:2001:db8::1", ":2001:db8::1", true},
		"a colon too many beside the double":    {"2001:db8::1", "2001:db8:::1", true},
		"two double colons":                     {"::/0", "2001::db8::1", false},
		"a zone":                                {"::/0", "fe80::1%eth0", false},
		"dots in IPv6 that is not mapped":       {"::/0", "2001:db8::1.2.3.4", false},
		"letters in IPv4":                       {"0.0.0.0/0", "203.0.113.x", false},
		"a part too few":                        {"0.0.0.0/0", "203.0.113", false},
		"a part that is empty":                  {"0.0.0.0/0", "203.0..113", false},
		"a part beyond 255":                     {"0.0.0.0/0", "203.0.113.256", false},
		"a range where an address is asked for": {"0.0.0.0/0", "10.0.0.0/8", false},
	} {
		prefix, ok := parsePrefix(c.prefix)
		if !ok {
			t.Errorf("%s: %s was not read", name, c.prefix)
			continue
		}
		if got := prefixOperand(prefix).match(nil, c.address) == matched; got != c.want {
			t.Errorf("%s: %s in %s: %v", name, c.address, c.prefix, got)
		}
	}
	for _, text := range []string{"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8/8", "2001:db8::5/64", "2001:db8::/129", "::ffff:192.0.2.1", "10.0/8"} {
		if prefix, ok := parsePrefix(text); ok {
			t.Errorf("%q was read as %v", text, prefix)
		}
	}
}

// Recorded: lower case and not case folding; characters beyond the basic plane
// keep their case, but a sigma before one does not end its word.
func TestLowerCase(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"ABC":    "abc",
		"ÀÉ":     "àé",
		"ΟΣ":     "ος",
		"ΟΣΑ":    "οσα",
		"ſ":      "ſ",
		"İ":      "i̇",
		"𐐀A":     "𐐀a",
		"ΟΣ𐐀":    "οσ𐐀",
		"A𐐨B𐐀":   "a𐐨b𐐀",
		"é":      "é",
		"aΣ 𐐀Σ.": "aς 𐐀ς.",
	} {
		if got := lowerCase(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func TestVariablesInARNs(t *testing.T) {
	t.Parallel()
	const role = "arn:aws:iam::123456789012:role/r"
	values := func(v string) map[string]any { return map[string]any{"t:k": role, "t:v": v} }
	for name, c := range map[string]struct {
		condition   string
		values      map[string]any
		allow, deny bool
	}{
		"a whole ARN":                     {`"ArnEquals":{"t:k":"${t:v}"}`, values(role), true, true},
		"another whole ARN":               {`"ArnEquals":{"t:k":"${t:v}"}`, values(role + "2"), false, false},
		"the first half of one":           {`"ArnLike":{"t:k":"${t:v}:role/*"}`, values("arn:aws:iam::123456789012"), true, true},
		"what is no ARN fulfils a Deny":   {`"ArnEquals":{"t:k":"${t:v}"}`, values("role/r"), false, true},
		"a variable without value":        {`"ArnEquals":{"t:k":"${t:none}"}`, values(""), false, false},
		"a colon in a default":            {`"ArnEquals":{"t:k":"arn:aws:iam::123456789012:${t:none, 'role:}/r'}"}`, values(""), false, false},
		"every ARN":                       {`"ArnLike":{"t:k":"*"}`, values(""), true, true},
		"a value's star is no wildcard":   {`"ArnLike":{"t:k":"arn:aws:iam::*:role/${t:v}"}`, values("*"), false, false},
		"a value in a middle component":   {`"ArnLike":{"t:k":"arn:aws:iam::${t:v}:role/r"}`, values("123456789012"), true, true},
		"a value that is two components":  {`"ArnLike":{"t:k":"arn:aws:${t:v}:123456789012:role/r"}`, values("iam:"), true, true},
		"every ARN, but not what is none": {`"ArnLike":{"t:k":"*"}`, map[string]any{"t:k": "role/r"}, false, false},
	} {
		if got := sessionHolds(t, EffectAllow, c.condition, c.values); got != c.allow {
			t.Errorf("%s, in an Allow: %v", name, got)
		}
		if got := sessionHolds(t, EffectDeny, c.condition, c.values); got != c.deny {
			t.Errorf("%s, in a Deny: %v", name, got)
		}
		if _, err := Parse(Identity, []byte(with(`"Condition":{`+c.condition+`}`))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
