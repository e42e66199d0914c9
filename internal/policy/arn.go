package policy

import "strings"

// arnParts is how many components an ARN has; the last may contain colons.
const arnParts = 6

// arnOperand is a value of an ARN operator: a pattern for each component.
type arnOperand [arnParts]*pattern

// anyARN is "*" as a value of an ARN operator.
type anyARN struct{}

func (anyARN) match(Context, string) verdict { return matched }

// dynamicARN is a value of an ARN operator some of whose colons come out of
// variables, as in "${aws:SourceArn}".
type dynamicARN struct{ pattern *pattern }

func compileARN(value string, syntax patternSyntax) (operand, string) {
	if value == "*" {
		return anyARN{}, ""
	}
	whole, problem := compilePattern(value, syntax)
	if problem != "" {
		return nil, problem
	}
	var compiled arnOperand
	rest := value
	for i := range compiled {
		part, after, found := cutARNPart(rest, syntax)
		if i == arnParts-1 {
			part = rest
		} else if !found {
			return &dynamicARN{whole}, problemUnless(len(whole.variables) > 0, "is not an ARN")
		}
		if i == 0 && part != "arn" && !strings.Contains(part, "${") {
			return nil, "is not an ARN"
		}
		if compiled[i], problem = compilePattern(part, syntax); problem != "" {
			return nil, problem
		}
		rest = after
	}
	return &compiled, ""
}

// cutARNPart cuts value at its first colon that is not inside a variable.
func cutARNPart(value string, syntax patternSyntax) (part, rest string, found bool) {
	for i := 0; i < len(value); i++ {
		if syntax&variables != 0 && strings.HasPrefix(value[i:], "${") {
			_, _, after, problem := cutVariable(value[i:])
			if problem != "" {
				break
			}
			i = len(value) - len(after) - 1
			continue
		}
		if value[i] == ':' {
			return value[:i], value[i+1:], true
		}
	}
	return value, "", false
}

func (o *arnOperand) match(c Context, value string) verdict {
	for i := range arnParts - 1 {
		part, rest, _ := strings.Cut(value, ":")
		if !o[i].match(c, part) {
			return unequal
		}
		value = rest
	}
	return verdictOf(o[arnParts-1].match(c, value))
}

func (o *dynamicARN) match(c Context, value string) verdict {
	text, ok := o.pattern.expand(c)
	switch {
	case !ok:
		return unequal
	case !strings.HasPrefix(text, "arn:") || strings.Count(text, ":") < arnParts-1:
		return unusable
	default:
		return verdictOf(o.pattern.match(c, value))
	}
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
