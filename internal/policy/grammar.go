package policy

import (
	"strings"
	"unicode"
)

// checkElements checks which elements a statement has, by the kind of its policy.
func (p *parser) checkElements(s *Statement, path string) error {
	switch {
	case s.Effect == "":
		return syntaxErrorf(path+".Effect", "missing")
	case s.Actions != nil && s.NotActions != nil:
		return syntaxErrorf(path+".NotAction", "cannot stand beside Action")
	case s.Actions == nil && s.NotActions == nil:
		return syntaxErrorf(path+".Action", "missing")
	}
	if err := p.checkPrincipalElements(s, path); err != nil {
		return err
	}
	return p.checkResourceElements(s, path)
}

func (p *parser) checkResourceElements(s *Statement, path string) error {
	hasResource := s.Resources != nil || s.NotResources != nil
	switch {
	case s.Resources != nil && s.NotResources != nil:
		return syntaxErrorf(path+".NotResource", "cannot stand beside Resource")
	case p.document.kind == Trust && hasResource:
		return syntaxErrorf(path+".Resource", "not allowed in a trust policy, which speaks about its role")
	case p.document.kind != Trust && !hasResource:
		return syntaxErrorf(path+".Resource", "missing")
	}
	return nil
}

func (p *parser) checkPrincipalElements(s *Statement, path string) error {
	hasPrincipal := s.Principal != nil || s.NotPrincipal != nil
	switch {
	case s.Principal != nil && s.NotPrincipal != nil:
		return syntaxErrorf(path+".NotPrincipal", "cannot stand beside Principal")
	case p.document.kind.bearer() && hasPrincipal:
		return syntaxErrorf(path+".Principal", "not allowed in an identity policy, which speaks about its bearer")
	case !p.document.kind.bearer() && !hasPrincipal:
		return syntaxErrorf(path+".Principal", "missing")
	case p.document.kind == Trust && s.NotPrincipal != nil:
		return syntaxErrorf(path+".NotPrincipal", "not allowed in a trust policy")
	case s.NotPrincipal != nil && s.Effect == EffectAllow:
		return syntaxErrorf(path+".NotPrincipal", "not allowed with Effect Allow: it would let in everybody else")
	}
	return nil
}

// parseSid reads a statement id. IAM takes letters and digits, S3 whatever can
// be printed.
func (p *parser) parseSid(n *node, s *Statement, path string) error {
	if err := n.want(stringNode, path); err != nil {
		return err
	}
	for _, r := range n.text {
		letterOrDigit := r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r))
		if !letterOrDigit && (p.document.kind != Bucket || !unicode.IsPrint(r)) {
			return syntaxErrorf(path, "character %q is not allowed", r)
		}
	}
	s.Sid = n.text
	return nil
}

// parseActions reads an Action or NotAction element.
func (p *parser) parseActions(n *node, path string) ([]string, []*pattern, error) {
	actions, err := n.stringList(path)
	if err != nil {
		return nil, nil, err
	}
	compiled := make([]*pattern, 0, len(actions))
	for i, action := range actions {
		if problem := p.checkAction(action); problem != "" {
			return nil, nil, syntaxErrorf(indexPath(path, i), "%q %s", action, problem)
		}
		c, problem := compilePattern(action, wildcards|foldCase)
		if problem != "" {
			return nil, nil, syntaxErrorf(indexPath(path, i), "%q: %s", action, problem)
		}
		compiled = append(compiled, c)
	}
	return actions, compiled, nil
}

// checkAction returns what is wrong with an action, or "".
func (p *parser) checkAction(action string) string {
	const nameBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
	if action == "*" {
		if p.document.kind == Trust {
			return "is no action of STS"
		}
		return ""
	}
	service, name, ok := strings.Cut(action, ":")
	wildService := service == "*" && p.document.kind.bearer()
	if !ok || service == "" || (strings.Trim(service, nameBytes) != "" && !wildService) {
		return "does not begin with a service and a colon"
	}
	if name == "" || strings.Trim(name, nameBytes+"*?") != "" {
		return "does not name an action"
	}
	switch {
	case p.document.kind == Trust && !isTrustAction(service, name):
		return "is no action of STS that a role's trust policy decides"
	case p.document.kind == Bucket && !strings.EqualFold(service, "s3"):
		return "is no action of S3"
	}
	return ""
}

// isTrustAction reports whether a trust policy may speak of an action. IAM answers
// "AssumeRole policy may only specify STS AssumeRole actions" to others.
func isTrustAction(service, name string) bool {
	if !strings.EqualFold(service, "sts") {
		return false
	}
	actions := [...]string{
		"AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "TagSession", "SetSourceIdentity", "SetContext",
	}
	for _, action := range actions {
		if Match(strings.ToLower(name), strings.ToLower(action)) {
			return true
		}
	}
	return false
}

// parseResources reads a Resource or NotResource element.
func (p *parser) parseResources(n *node, path string) ([]string, []*pattern, error) {
	resources, err := n.stringList(path)
	if err != nil {
		return nil, nil, err
	}
	compiled := make([]*pattern, 0, len(resources))
	for i, resource := range resources {
		text, problem := p.completeResource(resource)
		if problem != "" {
			return nil, nil, syntaxErrorf(indexPath(path, i), "%q %s", resource, problem)
		}
		c, problem := compilePattern(text, p.syntax|wildcards|arnWildcards)
		if problem != "" {
			return nil, nil, syntaxErrorf(indexPath(path, i), "%q: %s", resource, problem)
		}
		compiled = append(compiled, c)
	}
	return resources, compiled, nil
}

// completeResource returns the whole ARN that a resource stands for, or what is
// wrong with its form. In identity policies AWS puts a star for each component
// that is missing, and finds no fault with what comes out of variables.
func (p *parser) completeResource(resource string) (text, problem string) {
	parts := strings.SplitN(resource, ":", arnParts)
	switch {
	case p.document.kind == Bucket:
		if len(parts) < arnParts || parts[0] != "arn" || parts[2] != "s3" || parts[5] == "" {
			return "", "is not the ARN of a bucket or its objects"
		}
		return resource, ""
	case resource == "*", p.syntax&variables != 0 && strings.Contains(resource, "${"):
		return resource, ""
	case len(parts) < 3 || parts[0] != "arn" || !isPartition(parts[1]) || parts[2] == "":
		return "", `is neither an ARN nor "*"`
	case strings.ContainsAny(parts[2], "*?"):
		return "", "has a wildcard for a service, which must be named"
	default:
		return resource + strings.Repeat(":*", arnParts-len(parts)), ""
	}
}

// isPartition reports whether an ARN may have the partition, or a pattern of it.
// IAM answers that others are "not valid for resource".
func isPartition(partition string) bool {
	return partition == "aws" || strings.HasPrefix(partition, "aws-") || strings.ContainsAny(partition, "*?")
}
