package localaws

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Stored policies name roles and users of this account by their unique ids, as
// AWS's do: a role that is deleted and created again is another principal, and
// what was granted to the old one is not granted to the new one.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html

// bindPrincipals turns the AWS principals of a policy document into the form in
// which AWS stores them: unique ids for roles and users, a root ARN for an
// account number. unknown is the first principal that does not exist, if any.
// Principals of other accounts cannot be looked up and are kept as they are.
// The document must have been parsed before. It needs s.mu.
func (s *Server) bindPrincipals(document []byte) (bound []byte, unknown string) {
	bound = rewritePrincipals(document, func(principal string) string {
		id, ok := s.principalID(principal)
		if !ok && unknown == "" {
			unknown = principal
		}
		return id
	})
	return bound, unknown
}

// renderPrincipals turns unique ids back into ARNs, as AWS shows them. The id
// of a role or user that was deleted stays. It needs s.mu.
func (s *Server) renderPrincipals(bound []byte) []byte {
	return rewritePrincipals(bound, func(principal string) string {
		if e := s.seen().entityByID(principal); e != nil {
			return e.arn
		}
		return principal
	})
}

// principalID finds what a principal is stored as. It needs s.mu.
func (s *Server) principalID(principal string) (string, bool) {
	switch {
	case principal == "*":
		return principal, true
	case accountPattern.MatchString(principal):
		return "arn:" + s.options.Partition + ":iam::" + principal + ":root", true
	case strings.HasPrefix(principal, s.arn("iam", "role/")):
		if r := s.seen().roleByARN(principal); r != nil {
			return r.id, true
		}
		return "", false
	case strings.HasPrefix(principal, s.arn("iam", "user/")):
		if u := s.seen().userByARN(principal); u != nil {
			return u.id, true
		}
		return "", false
	case strings.HasPrefix(principal, "arn:"+s.options.Partition+":"):
		return principal, true
	default:
		return principal, s.seen().entityByID(principal) != nil
	}
}

// rewritePrincipals replaces every string under Principal.AWS and
// NotPrincipal.AWS and leaves every other byte of the document as it is.
func rewritePrincipals(document []byte, rewrite func(string) string) []byte {
	var out bytes.Buffer
	var path jsonPath
	decoder := json.NewDecoder(bytes.NewReader(document))
	copied := 0
	for {
		start := int(decoder.InputOffset())
		token, err := decoder.Token()
		if err != nil {
			break
		}
		value, ok := token.(string)
		if isName := path.step(token); !ok || isName || !path.atPrincipal() {
			continue
		}
		end := int(decoder.InputOffset())
		start += bytes.IndexByte(document[start:end], '"')
		out.Write(document[copied:start])
		quoted, err := json.Marshal(rewrite(value))
		if err != nil {
			break
		}
		out.Write(quoted)
		copied = end
	}
	out.Write(document[copied:])
	return out.Bytes()
}

// jsonPath follows a stream of JSON tokens and knows under which member names
// the current one stands. Arrays do not count.
type jsonPath struct {
	levels []jsonLevel
}

type jsonLevel struct {
	object    bool
	name      string // of the current member
	wantsName bool
}

// step takes the next token and tells whether it is the name of a member.
func (p *jsonPath) step(token json.Token) (isName bool) {
	switch delim, _ := token.(json.Delim); delim {
	case '{', '[':
		p.levels = append(p.levels, jsonLevel{object: delim == '{', wantsName: delim == '{'})
		return false
	case '}', ']':
		p.levels = p.levels[:len(p.levels)-1]
		p.valueDone()
		return false
	}
	if top := p.top(); top != nil && top.wantsName {
		top.name, _ = token.(string)
		top.wantsName = false
		return true
	}
	p.valueDone()
	return false
}

func (p *jsonPath) top() *jsonLevel {
	if len(p.levels) == 0 {
		return nil
	}
	return &p.levels[len(p.levels)-1]
}

func (p *jsonPath) valueDone() {
	if top := p.top(); top != nil {
		top.wantsName = top.object
	}
}

func (p *jsonPath) atPrincipal() bool {
	var names []string
	for _, level := range p.levels {
		if level.object {
			names = append(names, level.name)
		}
	}
	return len(names) == 3 && names[0] == "Statement" &&
		(names[1] == "Principal" || names[1] == "NotPrincipal") && names[2] == "AWS"
}
