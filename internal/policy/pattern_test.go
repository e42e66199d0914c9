package policy

import "testing"

// patternCases are shared with the fuzz target as its seeds.
func patternCases() map[string]struct {
	pattern, s string
	want       bool
} {
	return map[string]struct {
		pattern, s string
		want       bool
	}{
		"nothing matches nothing":                        {"", "", true},
		"nothing does not match something":               {"", "a", false},
		"text matches itself":                            {"abc", "abc", true},
		"case matters":                                   {"abc", "aBc", false},
		"a beginning is not enough":                      {"abc", "abcd", false},
		"a star matches nothing":                         {"a*b", "ab", true},
		"a star crosses slashes and colons":              {"arn:*z", "arn:a/b:c/z", true},
		"only stars match everything":                    {"***", "a/b", true},
		"a question mark needs a character":              {"a?", "a", false},
		"a question mark is one character":               {"a?", "abc", false},
		"a question mark matches a colon":                {"a?b", "a:b", true},
		"stars overlap with text":                        {"a*aba*a", "aababa", true},
		"the end may not overlap the beginning":          {"ab*ba", "aba", false},
		"middles may not overlap":                        {"*aba*aba*", "ababa", false},
		"the last part is found at the end":              {"*ab", "abcab", true},
		"the last part may not overlap the middle":       {"*ab*b", "ab", false},
		"a star then question marks":                     {"a*??b", "axyb", true},
		"a star then too many question marks":            {"a*???b", "axyb", false},
		"question marks after a star at the end":         {"a*?", "a", false},
		"question marks within a middle":                 {"*a?c*", "zzabcabz", true},
		"brackets and backslashes are text":              {`a[b]\*`, `a[b]\x`, true},
		"a dollar is text":                               {"${a}", "${a}", true},
		"an accented letter is one unit":                 {"?", "é", true},
		"an emoji is two units":                          {"??", "😀", true},
		"an emoji is not one unit":                       {"?", "😀", false},
		"half an emoji then a star":                      {"?*", "😀", true},
		"a star then half an emoji":                      {"*?", "😀", true},
		"a star, half an emoji, and text":                {"*?x", "😀x", true},
		"three units of two emoji, then the rest":        {"???*", "😀😀", true},
		"text does not match after half an emoji":        {"?x", "😀", false},
		"an emoji is not matched from its middle":        {"?😀", "😀", false},
		"nor after a star":                               {"*?😀", "😀", false},
		"an emoji after a unit":                          {"?😀", "x😀", true},
		"an emoji between stars":                         {"*😀*", "a😀b", true},
		"a star at the end crosses to another bucket":    {"arn:aws:s3:::b*", "arn:aws:s3:::b-other/x", true},
		"the wallet pattern takes forty characters":      {wellTag, walletA, true},
		"the wallet pattern refuses forty-one":           {wellTag, walletA + "0", false},
		"the wallet pattern refuses thirty-nine":         {wellTag, walletA[:41], false},
		"an invalid byte is one unit":                    {"a?b", "a\xffb", true},
		"the last part has units of its own at the end":  {"*a?c", "aacabc", true},
		"the last part with units is not found too late": {"*a?c", "abcd", false},
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	for name, c := range patternCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := Match(c.pattern, c.s); got != c.want {
				t.Errorf("Match(%q, %q) = %v", c.pattern, c.s, got)
			}
		})
	}
}

func TestVariablesInPatterns(t *testing.T) {
	t.Parallel()
	ctx := Context{}
	ctx.Set("aws:PrincipalTag/Wallet", "0xa")
	ctx.Set("aws:PrincipalTag/star", "*")
	ctx.Set("aws:PrincipalTag/mark", "?")
	ctx.Set("aws:PrincipalTag/code", "${aws:PrincipalTag/wallet}")
	ctx.Set("aws:PrincipalTag/none", "")
	ctx.SetList("aws:TagKeys", "one")
	for name, c := range map[string]struct {
		pattern, s string
		want       bool
	}{
		"stands for the value":               {"b/${aws:PrincipalTag/wallet}/*", "b/0xa/x", true},
		"key in any case":                    {"${AWS:principaltag/WALLET}", "0xa", true},
		"stands for nothing else":            {"b/${aws:PrincipalTag/wallet}/*", "b/0xb/x", false},
		"missing matches nothing":            {"b/${aws:username}/*", "b//x", false},
		"missing does not match its text":    {"${aws:username}", "${aws:username}", false},
		"missing beside a star matches none": {"*${aws:username}*", "anything", false},
		"default of a missing key":           {"${aws:username, 'guest'}", "guest", true},
		"default without a space":            {"${aws:username,'guest'}", "guest", true},
		"default holds any text":             {"${aws:username, 'a}b,*'}", "a}b,*", true},
		"default is no wildcard":             {"${aws:username, '*'}", "x", false},
		"default of a present key":           {"${aws:PrincipalTag/wallet, 'guest'}", "guest", false},
		"an empty value is present":          {"a${aws:PrincipalTag/none, 'guest'}b", "ab", true},
		"multivalued matches nothing":        {"${aws:TagKeys}", "one", false},
		"multivalued has no default":         {"${aws:TagKeys, 'x'}", "x", false},
		"star in a value is text":            {"${aws:PrincipalTag/star}", "x", false},
		"star in a value matches itself":     {"${aws:PrincipalTag/star}", "*", true},
		"mark in a value is text":            {"${aws:PrincipalTag/mark}", "x", false},
		"a value is not expanded again":      {"${aws:PrincipalTag/code}", "0xa", false},
		"escaped star":                       {"a${*}b", "a*b", true},
		"escaped star is no wildcard":        {"a${*}b", "axb", false},
		"escaped mark":                       {"${?}", "x", false},
		"escaped dollar":                     {"${$}{aws:username}", "${aws:username}", true},
		"a lone dollar":                      {"a$b$", "a$b$", true},
		"two variables, one missing":         {"${aws:PrincipalTag/wallet}${aws:username}", "0xa", false},
		"after a star":                       {"*${aws:PrincipalTag/wallet}", "b/0xa", true},
		"between stars":                      {"*${aws:PrincipalTag/wallet}*", "b/0xa/c", true},
		"empty between a star and a mark":    {"*${aws:PrincipalTag/none}?", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, problem := compilePattern(c.pattern, wildcards|variables)
			if problem != "" {
				t.Fatal(problem)
			}
			if got := p.match(ctx, c.s); got != c.want {
				t.Errorf("%q against %q: %v", c.pattern, c.s, got)
			}
		})
	}
}

func TestMalformedVariablesAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"${", "${}", "${ }", "${aws:username", "${aws:username, guest}", "${aws:username, 'guest}",
		"${aws:username, 'guest'", "${aws:username, 'guest' x}", "${a${b}}", "${*", "${, 'x'}",
	} {
		if _, problem := compilePattern(text, wildcards|variables); problem == "" {
			t.Errorf("%q was accepted", text)
		}
	}
}
