package policy

import "strings"

// SyntaxError says why a document is refused, and where.
type SyntaxError struct {
	// Path leads to the offending element, as in
	// Statement[2].Condition.StringLike; empty for the document as a whole.
	Path string
	// Message says what is wrong with it.
	Message string
}

// Error implements error.
func (e *SyntaxError) Error() string {
	if e.Path == "" {
		return e.Message
	}
	return e.Path + ": " + e.Message
}

// Parse reads a policy document of the given kind. It refuses what AWS refuses
// of the grammar, and besides whatever would leave the meaning of a document in
// doubt. Any error is a *SyntaxError.
func Parse(kind Kind, document []byte) (*Document, error) {
	if len(document) > MaxDocumentSize {
		return nil, syntaxErrorf("", "document has %d bytes, more than %d", len(document), MaxDocumentSize)
	}
	root, err := decodeJSON(document)
	if err != nil {
		return nil, err
	}
	p := parser{document: &Document{kind: kind}}
	if err := p.parseDocument(&root); err != nil {
		return nil, err
	}
	return p.document, nil
}

// The versions of the policy language. A document without Version is of the old one.
const (
	currentVersion = "2012-10-17"
	oldVersion     = "2008-10-17"
)

// parser builds a Document from JSON.
type parser struct {
	document *Document
	// syntax has variables set for documents of the current version.
	syntax patternSyntax
}

func (p *parser) parseDocument(root *node) error {
	if err := root.want(objectNode, ""); err != nil {
		return err
	}
	var statements *node
	for i := range root.members {
		m := &root.members[i]
		var err error
		switch m.name {
		case "Version":
			err = p.parseVersion(&m.value)
		case "Id":
			err = p.parseID(&m.value)
		case "Statement":
			statements = &m.value
		default:
			err = syntaxErrorf(memberPath("", m.name), "unknown element")
		}
		if err != nil {
			return err
		}
	}
	if statements == nil {
		return syntaxErrorf("Statement", "missing")
	}
	return p.parseStatements(statements)
}

// parseID reads the document's Id, which by the IAM User Guide ("Id") resource
// policies may have and identity policies may not.
func (p *parser) parseID(n *node) error {
	if p.document.kind.bearer() {
		return syntaxErrorf("Id", "not allowed in an identity policy")
	}
	p.document.ID = n.text
	return n.want(stringNode, "Id")
}

func (p *parser) parseVersion(n *node) error {
	if err := n.want(stringNode, "Version"); err != nil {
		return err
	}
	switch n.text {
	case currentVersion:
		p.syntax = variables
	case oldVersion:
	default:
		return syntaxErrorf("Version", "must be %q or %q, not %q", currentVersion, oldVersion, n.text)
	}
	p.document.Version = n.text
	return nil
}

func (p *parser) parseStatements(n *node) error {
	items := n.items
	switch n.kind {
	case objectNode:
		items = []node{*n}
	case listNode:
		if len(items) == 0 {
			return syntaxErrorf("Statement", "must not be empty")
		}
	default:
		return syntaxErrorf("Statement", "must be an object or a list of objects, not %v", n.kind)
	}
	p.document.Statements = make([]Statement, len(items))
	sids := make(map[string]bool, len(items))
	for i := range items {
		path := indexPath("Statement", i)
		s := &p.document.Statements[i]
		if err := p.parseStatement(&items[i], s, path); err != nil {
			return err
		}
		if s.Sid != "" && sids[s.Sid] {
			return syntaxErrorf(path+".Sid", "%q is taken by an earlier statement", s.Sid)
		}
		sids[s.Sid] = true
	}
	return nil
}

func (p *parser) parseStatement(n *node, s *Statement, path string) error {
	if err := n.want(objectNode, path); err != nil {
		return err
	}
	for i := range n.members {
		m := &n.members[i]
		if err := p.parseElement(m.name, &m.value, s, memberPath(path, m.name)); err != nil {
			return err
		}
	}
	for i := range s.Conditions {
		s.Conditions[i].denies = s.Effect == EffectDeny
	}
	return p.checkElements(s, path)
}

func (p *parser) parseElement(name string, n *node, s *Statement, path string) (err error) {
	switch name {
	case "Sid":
		return p.parseSid(n, s, path)
	case "Effect":
		return parseEffect(n, s, path)
	case "Principal":
		s.Principal, err = p.parsePrincipals(n, path)
	case "NotPrincipal":
		s.NotPrincipal, err = p.parsePrincipals(n, path)
	case "Action":
		s.Actions, s.actions, err = p.parseActions(n, path)
	case "NotAction":
		s.NotActions, s.notActions, err = p.parseActions(n, path)
	case "Resource":
		s.Resources, s.resources, err = p.parseResources(n, path)
	case "NotResource":
		s.NotResources, s.notResources, err = p.parseResources(n, path)
	case "Condition":
		return p.parseConditions(n, s, path)
	default:
		return syntaxErrorf(path, "unknown element")
	}
	return err
}

func parseEffect(n *node, s *Statement, path string) error {
	if err := n.want(stringNode, path); err != nil {
		return err
	}
	s.Effect = Effect(n.text)
	if s.Effect != EffectAllow && s.Effect != EffectDeny {
		return syntaxErrorf(path, "must be %q or %q, not %q", EffectAllow, EffectDeny, n.text)
	}
	return nil
}

// parseConditions flattens the operators and keys of a Condition element.
func (p *parser) parseConditions(n *node, s *Statement, path string) error {
	if err := n.want(objectNode, path); err != nil {
		return err
	}
	for i := range n.members {
		name, keys := n.members[i].name, &n.members[i].value
		path := memberPath(path, name)
		op, ok := parseOperator(name)
		if !ok {
			return syntaxErrorf(path, "unknown condition operator")
		}
		if err := keys.want(objectNode, path); err != nil {
			return err
		}
		if len(keys.members) == 0 {
			return syntaxErrorf(path, "must not be empty")
		}
		for j := range keys.members {
			c := Condition{Operator: name, Key: keys.members[j].name}
			if err := p.parseCondition(&keys.members[j].value, &c, op, memberPath(path, c.Key)); err != nil {
				return err
			}
			s.Conditions = append(s.Conditions, c)
		}
	}
	return nil
}

func (p *parser) parseCondition(n *node, c *Condition, op operator, path string) error {
	if vendor, name, ok := strings.Cut(c.Key, ":"); !ok || vendor == "" || name == "" {
		return syntaxErrorf(path, "condition key must have the form prefix:name")
	}
	if p.syntax&variables != 0 && strings.Contains(c.Key, "${") {
		return syntaxErrorf(path, "condition key cannot hold a variable")
	}
	items := n.items
	if n.kind != listNode {
		items = []node{*n}
	}
	if len(items) == 0 && (p.document.kind == Identity || p.document.kind == Trust) {
		return syntaxErrorf(path, "must not be empty")
	}
	for i := range items {
		switch items[i].kind {
		case stringNode, numberNode, boolNode:
			c.Values = append(c.Values, items[i].text)
		default:
			return syntaxErrorf(path, "values must be strings, numbers or booleans, not %v", items[i].kind)
		}
	}
	if i, problem := c.compile(op, operandCompiler{p.syntax, p.document.kind == Session}); problem != "" {
		return syntaxErrorf(path, "value %q %s", c.Values[i], problem)
	}
	return nil
}
