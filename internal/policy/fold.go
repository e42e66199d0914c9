package policy

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// foldedOperand is a value of StringEqualsIgnoreCase.
type foldedOperand struct {
	pattern *pattern
	// lower is the text in lower case where it has no variables.
	lower string
}

func newFoldedOperand(p *pattern) *foldedOperand {
	if p == nil {
		return nil
	}
	o := &foldedOperand{pattern: p}
	if text, ok := p.expand(nil); ok {
		o.lower = lowerCase(text)
	}
	return o
}

func (o *foldedOperand) match(c Context, value string) verdict {
	if len(o.pattern.variables) == 0 {
		return verdictOf(lowerCase(value) == o.lower)
	}
	text, ok := o.pattern.expand(c)
	return verdictOf(ok && lowerCase(text) == lowerCase(value))
}

// lowerCase lower-cases s as AWS was seen to: by the full Unicode mapping, the
// Greek final sigma included, not by case folding. Characters outside the basic
// plane, whose UTF-16 halves have no case, stay as they are, but count as letters
// where it is to be told whether a sigma ends a word.
func lowerCase(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0 {
		return strings.ToLower(s)
	}
	lower := cases.Lower(language.Und).String(s)
	if strings.IndexFunc(s, isSupplementary) < 0 {
		return lower
	}
	var text strings.Builder
	for _, r := range lower {
		if isSupplementary(r) {
			// Lower case never adds or removes one of these.
			i := strings.IndexFunc(s, isSupplementary)
			original, size := utf8.DecodeRuneInString(s[i:])
			r, s = original, s[i+size:]
		}
		text.WriteRune(r)
	}
	return text.String()
}

func isSupplementary(r rune) bool { return r > maxBasic }
