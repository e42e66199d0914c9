package policy

import (
	"strings"
	"unicode/utf8"
)

// Match reports whether s as a whole matches pattern, in which * stands for any
// run of characters, / and : included, and ? for exactly one UTF-16 code unit
// (a character outside the basic plane has two). Nothing else is special, and
// case matters. Time is linear in the length of s for every run of literal text
// in pattern, and never worse than the product of the two lengths.
func Match(pattern, s string) bool {
	p, problem := compilePattern(pattern, wildcards)
	return problem == "" && p.match(nil, s)
}

// patternSyntax says what is special in the text of a pattern.
type patternSyntax int

const (
	// wildcards: * and ? are special.
	wildcards patternSyntax = 1 << iota
	// variables: ${...} is special.
	variables
	// foldCase: ASCII letters match in either case.
	foldCase
	// arnWildcards: the text is an ARN, before whose fifth colon wildcards stay
	// within their component, save a star that ends it.
	arnWildcards
)

// maxBasic is the last character that has a single UTF-16 code unit.
const maxBasic = '\uFFFF'

// pattern is a compiled pattern: what lies between its stars.
type pattern struct {
	// segments has one element more than the pattern has stars.
	segments  [][]token
	variables []variable
	fold      bool
	// confined tells for each star whether it stops at colons; nil if none does.
	confined []bool
}

type tokenKind int

const (
	literalToken tokenKind = iota
	variableToken
	unitsToken
)

// token is a part of a pattern without a star.
type token struct {
	kind tokenKind
	text string // literalToken: lower-case if the pattern folds case
	n    int    // variableToken: index into variables; unitsToken: number of question marks
	// confined is set for question marks that match no colon.
	confined bool
}

// compilePattern compiles text. It returns a description of what is wrong with
// it, or "".
func compilePattern(text string, syntax patternSyntax) (*pattern, string) {
	c := patternCompiler{pattern: pattern{segments: make([][]token, 1), fold: syntax&foldCase != 0}}
	if syntax&arnWildcards != 0 {
		c.colons = arnParts - 1
	}
	special := ""
	if syntax&wildcards != 0 {
		special = "*?"
	}
	if syntax&variables != 0 {
		special += "$"
	}
	for {
		i := strings.IndexAny(text, special)
		if i < 0 {
			c.write(text)
			c.flush()
			return &c.pattern, ""
		}
		c.write(text[:i])
		rest, problem := c.special(text[i:])
		if problem != "" {
			return nil, problem
		}
		text = rest
	}
}

// patternCompiler is a pattern in the making, and the literal text not yet in it.
type patternCompiler struct {
	pattern
	literal strings.Builder
	// colons is how many colons are still to come before wildcards may match any.
	colons int
}

// write adds literal text.
func (c *patternCompiler) write(text string) {
	c.literal.WriteString(text)
	c.colons = max(0, c.colons-strings.Count(text, ":"))
}

// special takes in the special character that text begins with, and returns the
// text after it.
func (c *patternCompiler) special(text string) (rest, problem string) {
	switch {
	case text[0] == '*':
		c.flush()
		rest := strings.TrimLeft(text, "*")
		c.star(c.colons > 0 && rest != "" && rest[0] != ':')
		return rest, ""
	case text[0] == '?':
		c.flush()
		c.unit()
	case strings.HasPrefix(text, "${"):
		literal, v, rest, problem := cutVariable(text)
		c.write(literal)
		if v != nil {
			c.flush()
			c.add(token{kind: variableToken, n: len(c.variables)})
			c.variables = append(c.variables, *v)
		}
		return rest, problem
	default:
		c.write(text[:1])
	}
	return text[1:], ""
}

// flush adds the literal text collected so far.
func (c *patternCompiler) flush() {
	text := c.literal.String()
	c.literal.Reset()
	if c.fold {
		text = strings.ToLower(text)
	}
	if text != "" {
		c.add(token{kind: literalToken, text: text})
	}
}

// add appends t to the last segment.
func (c *patternCompiler) add(t token) {
	last := len(c.segments) - 1
	c.segments[last] = append(c.segments[last], t)
}

// star ends the last segment. A run of stars has been made one before.
func (c *patternCompiler) star(confined bool) {
	if confined && c.confined == nil {
		c.confined = make([]bool, len(c.segments)-1)
	}
	if c.confined != nil {
		c.confined = append(c.confined, confined)
	}
	c.segments = append(c.segments, nil)
}

func (c *patternCompiler) unit() {
	segment := c.segments[len(c.segments)-1]
	confined := c.colons > 0
	if n := len(segment); n > 0 && segment[n-1].kind == unitsToken && segment[n-1].confined == confined {
		segment[n-1].n++
		return
	}
	c.add(token{kind: unitsToken, n: 1, confined: confined})
}

// match reports whether the whole of s matches. A pattern with a variable that
// stands for nothing matches nothing.
func (p *pattern) match(c Context, s string) bool {
	var space [4]string
	values := space[:0]
	for i := range p.variables {
		value, ok := p.variables[i].resolve(c)
		if !ok {
			return false
		}
		values = append(values, value)
	}
	m := matcher{s: s, values: values, fold: p.fold}
	last := len(p.segments) - 1
	if last == 1 && len(p.segments[0])+len(p.segments[1]) == 0 {
		return true // "*"
	}
	at, ok := m.segment(p.segments[0], cursor{})
	if !ok || last == 0 {
		return ok && m.atEnd(at)
	}
	if p.confined != nil {
		return m.arn(p.segments[1:], p.confined, at)
	}
	for _, segment := range p.segments[1:last] {
		if _, at, ok = m.find(segment, at, false); !ok {
			return false
		}
	}
	return m.suffix(p.segments[last], at, false)
}

// expand returns the text of a pattern with its variables replaced, the wildcards
// as they are. It reports false if a variable stands for nothing.
func (p *pattern) expand(c Context) (string, bool) {
	var text strings.Builder
	for i, segment := range p.segments {
		if i > 0 {
			text.WriteByte('*')
		}
		for _, t := range segment {
			switch t.kind {
			case literalToken:
				text.WriteString(t.text)
			case unitsToken:
				text.WriteString(strings.Repeat("?", t.n))
			case variableToken:
				value, ok := p.variables[t.n].resolve(c)
				if !ok {
					return "", false
				}
				text.WriteString(value)
			}
		}
	}
	return text.String(), true
}

// matcher matches segments against s. Values are those of the variables.
type matcher struct {
	s      string
	values []string
	fold   bool
}

// cursor is a position in a string counted in UTF-16 code units: the byte offset
// of a character, and whether its first unit is already behind.
type cursor struct {
	pos  int
	half bool
}

func (c cursor) before(other cursor) bool {
	return c.pos < other.pos || (c.pos == other.pos && !c.half && other.half)
}

func (m *matcher) atEnd(at cursor) bool { return at.pos == len(m.s) }

// next moves at, which is not at the end, on by one code unit.
func (m *matcher) next(at cursor) cursor {
	if m.s[at.pos] < utf8.RuneSelf {
		return cursor{pos: at.pos + 1}
	}
	r, size := utf8.DecodeRuneInString(m.s[at.pos:])
	if r > maxBasic && !at.half {
		return cursor{pos: at.pos, half: true}
	}
	return cursor{pos: at.pos + size}
}

// text returns the literal text of t.
func (m *matcher) text(t *token) string {
	if t.kind == variableToken {
		return m.values[t.n]
	}
	return t.text
}

// segment matches tokens at a position and returns the position after them.
func (m *matcher) segment(tokens []token, at cursor) (cursor, bool) {
	for i := range tokens {
		t := &tokens[i]
		if t.kind == unitsToken {
			for range t.n {
				if m.atEnd(at) || (t.confined && m.s[at.pos] == ':') {
					return at, false
				}
				at = m.next(at)
			}
			continue
		}
		text := m.text(t)
		if text == "" {
			continue
		}
		if at.half || !m.hasPrefix(m.s[at.pos:], text) {
			return at, false
		}
		at.pos += len(text)
	}
	return at, true
}

// find matches tokens at the first position from at on where they match, and
// returns that position and the one after them. If confined it passes no colon.
func (m *matcher) find(tokens []token, at cursor, confined bool) (start, end cursor, ok bool) {
	for {
		// Skipping to the next occurrence of the first text keeps this linear.
		if !m.fold && !confined && !at.half {
			i := strings.Index(m.s[at.pos:], m.text(&tokens[0]))
			if i < 0 {
				return at, at, false
			}
			at.pos += i
		}
		if end, ok := m.segment(tokens, at); ok {
			return at, end, true
		}
		if m.atEnd(at) || (confined && m.s[at.pos] == ':') {
			return at, at, false
		}
		at = m.next(at)
	}
}

// suffix matches tokens at the end of s, not before at. If confined there may be
// no colon between.
func (m *matcher) suffix(tokens []token, at cursor, confined bool) bool {
	start, ok := m.fromEnd(m.tokenUnits(tokens))
	if !ok || start.before(at) || (confined && strings.Contains(m.s[at.pos:start.pos], ":")) {
		return false
	}
	end, ok := m.segment(tokens, start)
	return ok && m.atEnd(end)
}

// fromEnd returns the position that is n code units before the end of s.
func (m *matcher) fromEnd(n int) (cursor, bool) {
	pos := len(m.s)
	for ; n > 0; n-- {
		if pos == 0 {
			return cursor{}, false
		}
		r, size := utf8.DecodeLastRuneInString(m.s[:pos])
		pos -= size
		switch {
		case r > maxBasic && n == 1:
			return cursor{pos: pos, half: true}, true
		case r > maxBasic:
			n--
		}
	}
	return cursor{pos: pos}, true
}

func (m *matcher) tokenUnits(tokens []token) int {
	n := 0
	for i := range tokens {
		if tokens[i].kind == unitsToken {
			n += tokens[i].n
		} else {
			n += m.units(m.text(&tokens[i]))
		}
	}
	return n
}

// units counts the UTF-16 code units of s; an invalid byte counts as one.
func (*matcher) units(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > maxBasic {
			n++
		}
	}
	return n
}

// hasPrefix reports whether s begins with text.
func (m *matcher) hasPrefix(s, text string) bool {
	if !m.fold {
		return strings.HasPrefix(s, text)
	}
	if len(s) < len(text) {
		return false
	}
	for i := range len(text) {
		if lowerASCII(s[i]) != text[i] {
			return false
		}
	}
	return true
}

func lowerASCII(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		b += 'a' - 'A'
	}
	return b
}
