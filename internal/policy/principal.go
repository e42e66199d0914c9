package policy

import (
	"slices"
	"strings"
)

// PrincipalType is the kind of caller that makes a request.
type PrincipalType int

// The callers that a request can have.
const (
	// Anonymous is a caller without credentials.
	Anonymous PrincipalType = iota
	// Root is the root user of an account. It may do everything in its own
	// account that no resource policy denies it.
	Root
	// User is an IAM user.
	User
	// AssumedRole is a session of a role.
	AssumedRole
	// WebIdentity is the bearer of a token of an OIDC provider who asks for a
	// session of a role. Only the role's trust policy speaks about it.
	WebIdentity
)

// Principal is who makes a request.
type Principal struct {
	Type PrincipalType
	// ARN is the caller's own ARN: arn:aws:iam::123456789012:user/path/name,
	// arn:aws:iam::123456789012:root, or for a session
	// arn:aws:sts::123456789012:assumed-role/name/session (without the role's path).
	ARN string
	// RoleARN is, for a session, the ARN of the role, path included.
	RoleARN string
	// UniqueID is the stable id: AIDA... of a user, AROA... of a session's role.
	UniqueID string
	// Account is the 12-digit id of the account that the caller belongs to; of
	// a web identity, the account of its provider.
	Account string
	// ProviderARN is the ARN of the OIDC provider that vouches for a web
	// identity, or that a session was bought with.
	ProviderARN string
	// SessionName is, for a session, its RoleSessionName.
	SessionName string
}

// Principals is the content of a Principal or NotPrincipal element.
type Principals struct {
	// Any is the element "*": everybody, anonymous callers included.
	Any bool
	// AWS are account ids, account roots, user, role and session ARNs, unique
	// ids, or "*", as the document has them.
	AWS []string
	// Federated are the ARNs or domain names of identity providers.
	Federated []string
	// Service are the names of AWS services. No caller here is a service.
	Service []string
	// CanonicalUser are S3 canonical user ids. No caller here is known by one.
	CanonicalUser []string

	aws []awsPrincipal
}

// grant is how directly a statement names a caller. In the caller's own account
// that decides what else must allow the request; the order matters.
type grant int

const (
	// noGrant: the statement does not speak about the caller.
	noGrant grant = iota
	// accountGrant names the caller's account, which may hand the permission on:
	// the caller's own policies must allow the request as well.
	accountGrant
	// roleGrant names the role of the caller's session: the permissions boundary
	// and the session policies still limit it.
	roleGrant
	// directGrant names the caller itself, or everybody: nothing else is needed.
	directGrant
)

// grantTo returns how directly the statement's Principal or NotPrincipal names p.
// A statement with neither, in a policy attached to p, is about p.
func (s *Statement) grantTo(p *Principal) grant {
	switch {
	case s.Principal != nil:
		return s.Principal.grantTo(p)
	case s.NotPrincipal != nil:
		if s.NotPrincipal.grantTo(p) == noGrant {
			return directGrant
		}
		return noGrant
	default:
		return directGrant
	}
}

// grantTo returns the most direct way in which ps names p.
func (ps *Principals) grantTo(p *Principal) grant {
	if ps.Any {
		return directGrant
	}
	if p.Type == WebIdentity {
		// {"AWS": "*"} was seen not to let web identities in. Of "*" alone, which
		// Any is, nothing is recorded: taking it for everybody errs on the side
		// of finding a trust policy too open.
		if slices.Contains(ps.Federated, p.ProviderARN) {
			return directGrant
		}
		return noGrant
	}
	best := noGrant
	for i := range ps.aws {
		best = max(best, ps.aws[i].grantTo(p))
	}
	return best
}

// awsPrincipal is an entry of {"AWS": ...}, told apart by form.
type awsPrincipal struct {
	everybody bool
	account   string // of an account id or account root
	id        string // an ARN or unique id
}

func (a *awsPrincipal) grantTo(p *Principal) grant {
	switch {
	case a.everybody:
		return directGrant
	case p.Type == Anonymous:
		return noGrant
	case a.account != "":
		return a.accountGrantTo(p)
	case a.id == p.ARN:
		return directGrant
	case p.Type == User && a.id == p.UniqueID:
		return directGrant
	case p.Type == AssumedRole && (a.id == p.RoleARN || a.id == p.UniqueID):
		return roleGrant
	default:
		return noGrant
	}
}

func (a *awsPrincipal) accountGrantTo(p *Principal) grant {
	switch {
	case a.account != p.Account:
		return noGrant
	case p.Type == Root:
		return directGrant
	default:
		return accountGrant
	}
}

// parsePrincipals reads a Principal or NotPrincipal element.
func parsePrincipals(n *node, path string) (*Principals, error) {
	if n.kind == stringNode {
		if n.text != "*" {
			return nil, syntaxErrorf(path, `must be "*" or an object, not %q`, n.text)
		}
		return &Principals{Any: true}, nil
	}
	if n.kind != objectNode {
		return nil, syntaxErrorf(path, `must be "*" or an object, not %v`, n.kind)
	}
	if len(n.members) == 0 {
		return nil, syntaxErrorf(path, "must not be empty")
	}
	ps := &Principals{}
	for i := range n.members {
		m := &n.members[i]
		if err := ps.parseMember(m.name, &m.value, memberPath(path, m.name)); err != nil {
			return nil, err
		}
	}
	return ps, nil
}

func (ps *Principals) parseMember(name string, n *node, path string) error {
	var field *[]string
	check := isProviderName
	switch name {
	case "AWS":
		field, check = &ps.AWS, isAWSPrincipal
	case "Federated":
		field = &ps.Federated
	case "Service":
		field = &ps.Service
	case "CanonicalUser":
		field = &ps.CanonicalUser
	default:
		return syntaxErrorf(path, "unknown kind of principal")
	}
	values, err := n.stringList(path)
	if err != nil {
		return err
	}
	for i, value := range values {
		if !check(value) {
			return syntaxErrorf(indexPath(path, i), "invalid principal %q", value)
		}
	}
	*field = values
	if name == "AWS" {
		ps.compileAWS()
	}
	return nil
}

func (ps *Principals) compileAWS() {
	for _, value := range ps.AWS {
		var a awsPrincipal
		root := strings.Split(value, ":")
		switch {
		case value == "*":
			a.everybody = true
		case isAccountID(value):
			a.account = value
		case len(root) == arnParts && root[2] == "iam" && root[5] == "root":
			a.account = root[4]
		default:
			a.id = value
		}
		ps.aws = append(ps.aws, a)
	}
}

// isAWSPrincipal reports whether value has the form of an AWS principal:
// everybody, an account, a user, role or session, or a unique id.
func isAWSPrincipal(value string) bool {
	if value == "*" || isAccountID(value) || isUniqueID(value) {
		return true
	}
	parts := strings.SplitN(value, ":", arnParts)
	return len(parts) == arnParts && isARN(value) && !strings.ContainsAny(value, "*?$") &&
		(parts[2] == "iam" || parts[2] == "sts") && parts[3] == "" && parts[4] != ""
}

// isProviderName reports whether value may be the ARN or domain name of an
// identity provider, the name of a service, or a canonical user id: AWS knows no
// wildcards there.
func isProviderName(value string) bool {
	return value != "" && !strings.ContainsAny(value, "*?$ ")
}

func isAccountID(value string) bool {
	return len(value) == 12 && strings.Trim(value, "0123456789") == ""
}

// isUniqueID reports whether value has the form of the stable id of an IAM user
// or role, which is what AWS shows in place of one that was deleted.
func isUniqueID(value string) bool {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	return len(value) >= 16 && len(value) <= 128 && value[0] == 'A' && strings.Trim(value, letters) == ""
}
