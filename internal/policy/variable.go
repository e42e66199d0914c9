package policy

import "strings"

// variable is a policy variable such as ${aws:username} or
// ${aws:PrincipalTag/team, 'none'}.
type variable struct {
	name       string // the key as the document spells it
	key        string // lower-case
	fallback   string
	hasDefault bool
}

// resolve returns what the variable stands for in a request. It reports false
// if it stands for nothing: the key is missing and there is no default, or the
// key is multivalued, for which not even the default counts.
func (v *variable) resolve(c Context) (string, bool) {
	value, present := c.lookup(v.key)
	switch {
	case !present:
		return v.fallback, v.hasDefault
	case value.Multivalued():
		return "", false
	default:
		return value.single, true
	}
}

// cutVariable splits text, which begins with "${", after the closing brace. It
// returns either a literal, for the escapes ${*}, ${?} and ${$}, or a variable.
func cutVariable(text string) (literal string, v *variable, rest, problem string) {
	body := text[len("${"):]
	end := strings.IndexByte(body, '}')
	if end == 1 && strings.ContainsAny(body[:1], "*?$") {
		return body[:1], nil, body[2:], ""
	}
	stop := strings.IndexAny(body, "},")
	if stop < 0 {
		return "", nil, "", "variable is not closed"
	}
	key := strings.TrimSpace(body[:stop])
	if key == "" || strings.ContainsAny(key, "${'*?") {
		return "", nil, "", "variable has no valid key"
	}
	v = &variable{name: key, key: strings.ToLower(key)}
	if body[stop] == '}' {
		return "", v, body[stop+1:], ""
	}
	quoted, ok := strings.CutPrefix(strings.TrimLeft(body[stop+1:], " "), "'")
	if !ok {
		return "", nil, "", "default of a variable is not in single quotes"
	}
	v.fallback, rest, ok = strings.Cut(quoted, "'")
	if !ok {
		return "", nil, "", "default of a variable is not closed"
	}
	v.hasDefault = true
	rest, ok = strings.CutPrefix(strings.TrimLeft(rest, " "), "}")
	if !ok {
		return "", nil, "", "variable is not closed"
	}
	return "", v, rest, ""
}
