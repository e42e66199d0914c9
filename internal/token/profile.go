package token

import (
	"strings"
	"time"

	"github.com/litentry/wallet-federation/internal/wallet"
)

// Defaults that existing clients and policies depend on.
const (
	DefaultAudience      = "sts.amazonaws.com"
	DefaultSubjectPrefix = "agentkeys:agent:"
	DefaultWalletTagKey  = "agentkeys_user_wallet"
	DefaultLifetime      = 300 * time.Second

	// MinLifetime and MaxLifetime bound Profile.Lifetime.
	MinLifetime = 60 * time.Second
	MaxLifetime = 3600 * time.Second
)

// The claims through which AWS STS takes session tags and the roles that a
// token is pinned to
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html).
const (
	TagsClaim  = "https://aws.amazon.com/tags"
	RolesClaim = "https://aws.amazon.com/roles"
)

// Profile is what the tokens of one issuer have in common.
type Profile struct {
	// Issuer is the iss claim: the issuer URL, byte for byte.
	Issuer string
	// Audience is the one aud claim. STS wants azp beside more than one.
	Audience string
	// SubjectPrefix stands before the wallet in the sub claim.
	SubjectPrefix string
	// WalletTagKey names both the claim and the session tag that carry the wallet.
	WalletTagKey string
	// Lifetime is exp minus iat, in whole seconds.
	Lifetime time.Duration
}

// Claims returns the claims of a token for wallet w, issued at now. The tags
// claim has the nested form, the only one emitted, with the wallet tag
// transitive so that role chaining keeps it. A token with roles can be
// exchanged for these role ARNs only; without roles the claim is left out, and
// the token is good for any role whose trust policy takes it.
func (p Profile) Claims(w wallet.Address, roles []string, now time.Time, jti string) map[string]any {
	issued := now.Unix()
	claims := map[string]any{
		"iss":          p.Issuer,
		"sub":          p.SubjectPrefix + string(w),
		"aud":          p.Audience,
		"iat":          issued,
		"nbf":          issued,
		"exp":          issued + int64(p.Lifetime/time.Second),
		"jti":          jti,
		p.WalletTagKey: string(w),
		TagsClaim: map[string]any{
			"principal_tags":      map[string]any{p.WalletTagKey: []string{string(w)}},
			"transitive_tag_keys": []string{p.WalletTagKey},
		},
	}
	if len(roles) > 0 {
		claims[RolesClaim] = roles
	}
	return claims
}

// ReservedClaim reports whether a claim name has a meaning of its own, here or
// to AWS STS, so that it cannot be a wallet tag key.
func ReservedClaim(name string) bool {
	switch name {
	case "iss", "sub", "aud", "iat", "nbf", "exp", "jti", "azp", "amr":
		return true
	default:
		return strings.HasPrefix(name, "https://aws.amazon.com/")
	}
}
