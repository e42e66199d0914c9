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
		// {"AWS": "*"} was seen not to let web identities in.
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
