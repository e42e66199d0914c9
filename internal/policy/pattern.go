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
)

// maxBasic is the last character that has a single UTF-16 code unit.
const maxBasic = '\uFFFF'

// pattern is a compiled pattern: what lies between its stars.
type pattern struct {
	// segments has one element more than the pattern has stars.
	segments  [][]token
	variables []variable
	fold      bool
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
}

// compilePattern compiles text. It returns a description of what is wrong with
// it, or "".
func compilePattern(text string, syntax patternSyntax) (*pattern, string) {
	c := patternCompiler{pattern: pattern{segments: make([][]token, 1), fold: syntax&foldCase != 0}}
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
			c.literal.WriteString(text)
			c.flush()
			return &c.pattern, ""
		}
		c.literal.WriteString(text[:i])
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
}

// special takes in the special character that text begins with, and returns the
// text after it.
func (c *patternCompiler) special(text string) (rest, problem string) {
	switch {
	case text[0] == '*':
		c.flush()
		c.star()
	case text[0] == '?':
		c.flush()
		c.unit()
	case strings.HasPrefix(text, "${"):
		literal, v, rest, problem := cutVariable(text)
		c.literal.WriteString(literal)
		if v != nil {
			c.flush()
			c.add(token{kind: variableToken, n: len(c.variables)})
			c.variables = append(c.variables, *v)
		}
		return rest, problem
	default:
		c.literal.WriteByte(text[0])
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

func (c *patternCompiler) star() {
	if n := len(c.segments); n > 1 && len(c.segments[n-1]) == 0 {
		return // "**" is "*".
	}
	c.segments = append(c.segments, nil)
}

func (c *patternCompiler) unit() {
	segment := c.segments[len(c.segments)-1]
	if n := len(segment); n > 0 && segment[n-1].kind == unitsToken {
		segment[n-1].n++
		return
	}
	c.add(token{kind: unitsToken, n: 1})
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
	at, ok := m.segment(p.segments[0], cursor{})
	if !ok || last == 0 {
		return ok && m.atEnd(at)
	}
	for _, segment := range p.segments[1:last] {
		if at, ok = m.find(segment, at); !ok {
			return false
		}
	}
	return m.suffix(p.segments[last], at)
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
				if m.atEnd(at) {
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

// find matches tokens at the first position from at on where they match.
func (m *matcher) find(tokens []token, at cursor) (cursor, bool) {
	for {
		// Skipping to the next occurrence of the first text keeps this linear.
		if !m.fold && !at.half {
			i := strings.Index(m.s[at.pos:], m.text(&tokens[0]))
			if i < 0 {
				return at, false
			}
			at.pos += i
		}
		if end, ok := m.segment(tokens, at); ok {
			return end, true
		}
		if m.atEnd(at) {
			return at, false
		}
		at = m.next(at)
	}
}

// suffix matches tokens at the end of s, not before at.
func (m *matcher) suffix(tokens []token, at cursor) bool {
	if len(tokens) == 0 {
		return true
	}
	spare := m.units(m.s[at.pos:]) - m.tokenUnits(tokens)
	if at.half {
		spare--
	}
	for ; spare > 0; spare-- {
		at = m.next(at)
	}
	end, ok := m.segment(tokens, at)
	return ok && m.atEnd(end)
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
