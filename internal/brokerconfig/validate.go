package brokerconfig

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/litentry/wallet-federation/internal/discovery"
	"github.com/litentry/wallet-federation/internal/siwe"
	"github.com/litentry/wallet-federation/internal/token"
	"github.com/litentry/wallet-federation/internal/wallet"
)

// Bounds of lists.
const (
	// MaxRoles bounds Config.Roles; all of them fit one token.
	MaxRoles = 50
	// MaxWallets bounds Admission.Wallets so that they fit a ConfigMap.
	MaxWallets = 10_000
	// MaxDirectories bounds Admission.Directories.
	MaxDirectories = 64
	// MaxRevocations bounds Config.Revocations.
	MaxRevocations = 5_000
	// MaxTrustedIssuers bounds Login.TrustedIssuers.
	MaxTrustedIssuers = 16
	// MaxProxies bounds Limits.TrustedProxies.
	MaxProxies = 64

	maxProbeWallets = 16
	maxChainIDs     = 64
	// maxRolesBytes keeps a token that is pinned to all roles below the 20,000
	// characters that AWS STS accepts.
	maxRolesBytes = 8 << 10
)

const (
	minSessionSeconds = 60
	maxSessionSeconds = 86_400
	maxAudience       = 255
	maxTagKey         = 128
	maxStatement      = 512
	maxAudiences      = 16
	maxRate           = 1_000_000
	maxPath           = 4096
	maxIssuer         = 255
)

// SignatureAlgorithms are the JWS algorithms that a trusted issuer may use
// (RFC 7518, section 3.1): those with a public key, and no others.
var SignatureAlgorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

// roleARN is an IAM role's ARN: partition, account, optional path, and name. In
// the path IAM allows any printable ASCII; this allows what names allow.
var roleARN = regexp.MustCompile(`^arn:aws[a-z-]{0,20}:iam::[0-9]{12}:role/([A-Za-z0-9_+=,.@/-]{1,510}/)?[A-Za-z0-9_+=,.@-]{1,64}$`)

// Validate checks everything that the comments of the fields say and returns
// all that is wrong, each error with the member's path.
func (c *Config) Validate() error {
	return errors.Join(
		member("issuer", validateIssuer(c.Issuer)),
		member("token", c.Token.validate()),
		member("session.lifetimeSeconds", within(c.Session.LifetimeSeconds, minSessionSeconds, maxSessionSeconds)),
		member("login", c.Login.validate()),
		member("login.trustedIssuers", c.validateOthers()),
		member("admission", c.Admission.validate()),
		member("roles", validateRoles(c.Roles)),
		member("revocations", validateRevocations(c.Revocations)),
		member("limits", c.Limits.validate()),
	)
}

func member(path string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", path, err)
}

// validateOthers keeps the issuer from trusting itself: a token that it minted
// would be good for the next one, for ever.
func (c *Config) validateOthers() error {
	for i, trusted := range c.Login.TrustedIssuers {
		if trusted.Issuer == c.Issuer {
			return fmt.Errorf("[%d].issuer: is this issuer itself", i)
		}
	}
	return nil
}

func validateIssuer(issuer string) error {
	_, err := discovery.ParseIssuer(issuer)
	return err
}

func (t Token) validate() error {
	return errors.Join(
		member("audience", validateAudience(t.Audience)),
		member("lifetimeSeconds", within(t.LifetimeSeconds, int(token.MinLifetime/time.Second), int(token.MaxLifetime/time.Second))),
		member("subjectPrefix", validateTagText(t.SubjectPrefix)),
		member("walletTagKey", validateTagKey(t.WalletTagKey)),
	)
}

func validateAudience(audience string) error {
	printable := func(r rune) bool { return r > ' ' && r <= '~' && r != '"' && r != '\\' }
	if audience == "" || len(audience) > maxAudience || strings.ContainsFunc(audience, not(printable)) {
		return fmt.Errorf("want 1 to %d printable ASCII characters", maxAudience)
	}
	return nil
}

// validateTagText allows what every tag key and every pattern of a trust policy
// can hold literally, which * and ? cannot.
func validateTagText(s string) error {
	allowed := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("_.:/=+-@", r)
	}
	if s == "" || len(s) > maxTagKey || strings.ContainsFunc(s, not(allowed)) {
		return fmt.Errorf("want 1 to %d of letters, digits and _.:/=+-@", maxTagKey)
	}
	return nil
}

func validateTagKey(key string) error {
	if strings.HasPrefix(strings.ToLower(key), "aws:") {
		return errors.New("the prefix aws: is reserved by AWS")
	}
	if token.ReservedClaim(key) {
		return errors.New("the claim of that name has a meaning of its own")
	}
	return validateTagText(key)
}

func (l Login) validate() error {
	return errors.Join(
		member("chainIDs", validateChainIDs(l.ChainIDs)),
		member("statement", validateStatement(l.Statement)),
		member("trustedIssuers", validateTrustedIssuers(l.TrustedIssuers)),
	)
}

func validateChainIDs(ids []uint64) error {
	if len(ids) == 0 || len(ids) > maxChainIDs {
		return fmt.Errorf("want 1 to %d chain ids", maxChainIDs)
	}
	if slices.Contains(ids, 0) {
		return errors.New("0 is not a chain id")
	}
	return unique(ids)
}

func validateStatement(statement string) error {
	if len(statement) > maxStatement {
		return fmt.Errorf("longer than %d characters", maxStatement)
	}
	return siwe.CheckStatement(statement)
}

func (a Admission) validate() error {
	return errors.Join(
		member("mode", a.validateMode()),
		member("wallets", validateWallets(a.Wallets, MaxWallets)),
		member("directories", validateDirectories(a.Directories)),
		member("probeWallets", validateWallets(a.ProbeWallets, maxProbeWallets)),
	)
}

func (a Admission) validateMode() error {
	switch a.Mode {
	case AllowList:
		return nil
	case Open:
		if len(a.Wallets) > 0 || len(a.Directories) > 0 {
			return fmt.Errorf("%s admits everyone, but wallets are listed: leave them out or choose %s", Open, AllowList)
		}
		return nil
	default:
		return fmt.Errorf("want %q or %q", Open, AllowList)
	}
}

func validateWallets(wallets []wallet.Address, limit int) error {
	if len(wallets) > limit {
		return fmt.Errorf("more than %d wallets", limit)
	}
	for i, w := range wallets {
		if canonical, err := wallet.Parse(string(w)); err != nil || canonical != w {
			return fmt.Errorf("[%d]: not a lower-case wallet address", i)
		}
	}
	return unique(wallets)
}

func validateRoles(roles []string) error {
	if len(roles) > MaxRoles {
		return fmt.Errorf("more than %d roles", MaxRoles)
	}
	total := 0
	for i, role := range roles {
		if !roleARN.MatchString(role) {
			return fmt.Errorf("[%d]: not the ARN of an IAM role", i)
		}
		total += len(role)
	}
	if total > maxRolesBytes {
		return fmt.Errorf("longer than %d bytes together, too long for a token", maxRolesBytes)
	}
	return unique(roles)
}

func within(n, low, high int) error {
	if n < low || n > high {
		return fmt.Errorf("%d is not between %d and %d", n, low, high)
	}
	return nil
}

func unique[T comparable](items []T) error {
	seen := make(map[T]bool, len(items))
	for i, item := range items {
		if seen[item] {
			return fmt.Errorf("[%d]: listed before", i)
		}
		seen[item] = true
	}
	return nil
}

func not(f func(rune) bool) func(rune) bool {
	return func(r rune) bool { return !f(r) }
}
