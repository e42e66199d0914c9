package policy

import (
	"slices"
	"strings"
)

// parsePrincipals reads a Principal or NotPrincipal element.
func (p *parser) parsePrincipals(n *node, path string) (*Principals, error) {
	if n.kind == stringNode {
		if n.text != "*" {
			return nil, syntaxErrorf(path, `must be "*" or an object, not %q`, n.text)
		}
		if p.document.kind == Trust {
			// IAM answers: AssumeRolepolicy contained an invalid principal: "STAR":"*"
			// (aws/aws-cdk#5732).
			return nil, syntaxErrorf(path, `cannot be "*" in a trust policy; {"AWS": "*"} is every AWS principal`)
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
		if err := p.parsePrincipalMember(ps, m.name, &m.value, memberPath(path, m.name)); err != nil {
			return nil, err
		}
	}
	ps.compileAWS()
	return ps, nil
}

func (p *parser) parsePrincipalMember(ps *Principals, name string, n *node, path string) error {
	var field *[]string
	var check func(string) bool
	switch {
	case name == "AWS":
		field, check = &ps.AWS, p.isAWSPrincipal
	case name == "Federated":
		field, check = &ps.Federated, isIdentityProvider
	case name == "Service":
		field, check = &ps.Service, isDomainName
	case name == "CanonicalUser" && p.document.kind == Bucket:
		field, check = &ps.CanonicalUser, isCanonicalUser
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
	return nil
}

// isAWSPrincipal reports whether value has the form of an AWS principal:
// everybody, an account, a user, role or session, or a unique id; for a bucket
// also an origin access identity. A group is no principal, and no part of an ARN
// can be a wildcard (IAM User Guide, "Principal").
func (p *parser) isAWSPrincipal(value string) bool {
	if value == "*" || isAccountID(value) || isUniqueID(value) {
		return true
	}
	parts := strings.SplitN(value, ":", arnParts)
	if len(parts) != arnParts || parts[0] != "arn" || !isPartition(parts[1]) || parts[3] != "" || strings.ContainsAny(value, "*?$") {
		return false
	}
	service, account, resource := parts[2], parts[4], parts[5]
	if service == "iam" && account == "cloudfront" && p.document.kind == Bucket {
		return strings.HasPrefix(resource, "user/CloudFront Origin Access Identity ")
	}
	return isAccountID(account) && !strings.Contains(resource, " ") && isPrincipalResource(service, resource)
}

func isPrincipalResource(service, resource string) bool {
	kind, name, _ := strings.Cut(resource, "/")
	named := name != "" && !strings.HasSuffix(name, "/")
	switch service {
	case "iam":
		return resource == "root" || (named && (kind == "user" || kind == "role"))
	case "sts":
		role, session, _ := strings.Cut(name, "/")
		return (kind == "assumed-role" && role != "" && session != "") || (kind == "federated-user" && named)
	default:
		return false
	}
}

// isIdentityProvider reports whether value may be an identity provider: the
// domain name of one that AWS knows, or the ARN of an OIDC or SAML provider.
func isIdentityProvider(value string) bool {
	parts := strings.SplitN(value, ":", arnParts)
	if len(parts) != arnParts {
		return isDomainName(value)
	}
	kind, name, _ := strings.Cut(parts[5], "/")
	return parts[0] == "arn" && isPartition(parts[1]) && parts[2] == "iam" && parts[3] == "" && isAccountID(parts[4]) &&
		(kind == "oidc-provider" || kind == "saml-provider") && name != "" && !strings.ContainsAny(value, "*?$ ")
}

// isDomainName reports whether value may be the domain name of an identity
// provider or a service. AWS knows no wildcards there.
func isDomainName(value string) bool {
	const characters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-"
	return strings.Trim(value, characters) == "" && !slices.Contains(strings.Split(value, "."), "") && strings.Contains(value, ".")
}

// isCanonicalUser reports whether value has the form of the id by which S3 knows
// an account.
func isCanonicalUser(value string) bool {
	return len(value) == 64 && strings.Trim(value, "0123456789abcdef") == ""
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
