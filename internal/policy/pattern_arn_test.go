package policy

import (
	"strings"
	"testing"
	"time"
	"unicode/utf16"
)

// matchesPlainly is a plain dynamic program over code units to compare with. If
// arn is set, wildcards before the fifth colon match no colon, save stars that end
// a component or the pattern.
func matchesPlainly(pattern, s string, arn bool) bool {
	p, u := utf16.Encode([]rune(pattern)), utf16.Encode([]rune(s))
	row := make([]bool, len(u)+1)
	row[0] = true
	colons := 0
	for i, c := range p {
		crosses := !arn || colons >= arnParts-1 || (c == '*' && endsComponent(p[i:]))
		next := make([]bool, len(u)+1)
		next[0] = c == '*' && row[0]
		for j := range u {
			passes := crosses || u[j] != ':'
			switch c {
			case '*':
				next[j+1] = row[j+1] || (next[j] && passes)
			case '?':
				next[j+1] = row[j] && passes
			default:
				next[j+1] = row[j] && c == u[j]
			}
		}
		if c == ':' {
			colons++
		}
		row = next
	}
	return row[len(u)]
}

// endsComponent reports whether nothing but stars comes before a colon or the end.
func endsComponent(p []uint16) bool {
	for _, c := range p {
		if c != '*' {
			return c == ':'
		}
	}
	return true
}

func matchesARN(tb testing.TB, pattern, s string) bool {
	tb.Helper()
	p, problem := compilePattern(pattern, wildcards|arnWildcards)
	if problem != "" {
		tb.Fatalf("%q: %s", pattern, problem)
	}
	return p.match(nil, s)
}

// IAM User Guide, "Resource": wildcards are for use within the components of an
// ARN, and a star that is the last character of one can match beyond its colon.
func arnPatternCases() map[string]struct {
	pattern, s string
	want       bool
} {
	const queue = "arn:aws:sqs:eu-west-1:123456789012:queue"
	return map[string]struct {
		pattern, s string
		want       bool
	}{
		"the ARN itself":                                {queue, queue, true},
		"everything":                                    {"*", queue, true},
		"stars for components":                          {"arn:aws:sqs:*:*:queue", queue, true},
		"a star within a component":                     {"arn:aws:sqs:eu-*-1:123456789012:queue", queue, true},
		"it passes no colon":                            {"arn:aws:sqs:e*2:queue", queue, false},
		"not even in the middle of others":              {"arn:*:sqs:eu*1:1*9012:queue", queue, true},
		"a star that ends a component passes colons":    {"arn:aws:sqs:eu*:queue", queue, true},
		"a star at the very end, too":                   {"arn:aws:s*", queue, true},
		"two stars that end one":                        {"arn:aws:sqs:eu**:queue", queue, true},
		"a question mark is no colon":                   {"arn:aws:sqs:eu-west-1?123456789012:queue:x", "arn:aws:sqs:eu-west-1:123456789012:queue:x", false},
		"a question mark within a component":            {"arn:aws:sqs:eu-west-?:123456789012:queue", queue, true},
		"the last component has colons":                 {"arn:aws:sns:eu-west-1:123456789012:t?u", "arn:aws:sns:eu-west-1:123456789012:t:u", true},
		"and stars that pass them":                      {"arn:aws:sns:eu-west-1:123456789012:*u", "arn:aws:sns:eu-west-1:123456789012:t:u", true},
		"the first place for a component is no good":    {"a*:b*c:d", "a:b:x:bc:d", true},
		"nor is any":                                    {"a*:b*c:d", "a:b:x:b:c:d", false},
		"two confined stars in a chain":                 {"a*:b*c*d:e", "a:bx:bcxd:e", true},
		"a chain that a colon breaks":                   {"a*:b*c*d:e", "a:bc:xd:e", false},
		"a confined star at the beginning":              {"*rn:aws:s3:::b", "arn:aws:s3:::b", true},
		"which passes no colon":                         {"*n:aws:s3:::b", "x:arn:aws:s3:::b", false},
		"a confined star before the end":                {"a:*c", "a:bc", true},
		"a confined star before an end with a colon":    {"a:b*d", "a:b:d", false},
		"half an emoji before a confined star's end":    {"a:?*?", "a:😀", true},
		"an emoji behind a confined star":               {"a:*😀", "a:b😀", true},
		"a bucket and what begins alike":                {"arn:aws:s3:::b*", "arn:aws:s3:::b-other/x", true},
		"a key with colons":                             {"arn:aws:s3:::b/*/z", "arn:aws:s3:::b/x:y/z", true},
		"a region where S3 has none":                    {"arn:aws:s3:*:b/k", "arn:aws:s3:::b/k", true},
		"what is missing at the end of a short pattern": {"arn:aws:sqs", queue, false},
	}
}

func TestMatchARN(t *testing.T) {
	t.Parallel()
	for name, c := range arnPatternCases() {
		if got := matchesARN(t, c.pattern, c.s); got != c.want {
			t.Errorf("%s: %q against %q: %v", name, c.pattern, c.s, got)
		}
		if plain := matchesPlainly(c.pattern, c.s, true); plain != c.want {
			t.Errorf("%s: the plain program says %v", name, plain)
		}
	}
}

// IAM User Guide, "Resource": an incomplete ARN is completed with stars.
func TestIncompleteARNsAreCompleted(t *testing.T) {
	t.Parallel()
	const queue = "arn:aws:sqs:eu-west-1:123456789012:queue"
	for name, c := range map[string]struct {
		resource, of string
		want         bool
	}{
		"a service":                         {"arn:aws:sqs", queue, true},
		"another service":                   {"arn:aws:sns", queue, false},
		"a region":                          {"arn:aws:sqs:eu-west-1", queue, true},
		"an account":                        {"arn:aws:sqs:*:123456789012", queue, true},
		"another account":                   {"arn:aws:sqs:*:111122223333", queue, false},
		"the name for the account":          {"arn:aws:sqs:*:queue", queue, false},
		"a variable is not completed":       {"arn:aws:${t:v}", queue, false},
		"a whole ARN out of a variable":     {"${t:arn}", queue, true},
		"the front of one out of variables": {"${t:front}:*", queue, true},
	} {
		p := parsed(t, Identity, name, statement(`{"Effect":"Allow","Action":"*","Resource":"`+c.resource+`"}`))
		ctx := contextOf(map[string]any{"t:v": "sqs", "t:arn": queue, "t:front": "arn:aws:sqs"})
		r := &Request{Principal: testUser(home), Action: "sqs:SendMessage", Resource: c.of, Context: ctx}
		if got := (&Policies{Identity: []Policy{p}}).Evaluate(r).Allowed(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// hostilePatterns make matchers that backtrack take longer than the universe is
// old, and n is their size.
func hostilePatterns(n int) map[string]struct{ pattern, s string } {
	a := strings.Repeat("a", n)
	return map[string]struct{ pattern, s string }{
		"a few stars":                    {"*a*a*a*a*b", a},
		"a few stars and marks":          {"*a?*?a*a?*b", a},
		"a star for each":                {strings.Repeat("a*", 64) + "b", a},
		"an end that is almost there":    {"*ab*" + strings.Repeat("a", 64), a + "b" + a},
		"characters of two units":        {"*😀*😀*😀*b", strings.Repeat("😀", n/4)},
		"confined stars":                 {"*:*a*a*b:x:*", strings.Repeat(":", 3) + a + ":x"},
		"many places for a component":    {"a*:b*c:d", strings.Repeat("a:b", n/3)},
		"many places, and the end wrong": {"a*:b*c*d*e:f", strings.Repeat("a:bcd", n/5)},
	}
}

// The time grows as the string does. It is taken as the least of many, and the
// bound is far from both what is allowed, 16, and what a square would make, 256.
func TestMatchingIsLinear(t *testing.T) {
	const size, factor, bound = 1 << 10, 16, 64
	small, large := hostilePatterns(size), hostilePatterns(size*factor)
	for name := range small {
		time := func(pattern, s string) time.Duration {
			p, problem := compilePattern(pattern, wildcards|arnWildcards)
			if problem != "" {
				t.Fatal(problem)
			}
			return leastOf(100, func() { p.match(nil, s) })
		}
		before, after := time(small[name].pattern, small[name].s), time(large[name].pattern, large[name].s)
		if after > bound*before {
			t.Errorf("%s: %v becomes %v where the string grows %d times", name, before, after, factor)
		}
	}
}

// leastOf returns the least time that one of n runs of f takes.
func leastOf(n int, f func()) time.Duration {
	least := time.Hour
	for range n {
		start := time.Now()
		f()
		least = min(least, time.Since(start))
	}
	return max(least, time.Microsecond) // below, the clock is no measure
}
