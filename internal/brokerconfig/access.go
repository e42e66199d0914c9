package brokerconfig

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/litentry/wallet-federation/internal/wallet"
)

func validateTrustedIssuers(issuers []TrustedIssuer) error {
	if len(issuers) > MaxTrustedIssuers {
		return fmt.Errorf("more than %d issuers", MaxTrustedIssuers)
	}
	urls := make([]string, len(issuers))
	for i, issuer := range issuers {
		if err := issuer.validate(); err != nil {
			return fmt.Errorf("[%d]: %w", i, err)
		}
		urls[i] = issuer.Issuer
	}
	return unique(urls)
}

func (t TrustedIssuer) validate() error {
	return errors.Join(
		member("issuer", validateTrustedURL(t.Issuer)),
		member("audiences", validateAudiences(t.Audiences)),
		member("walletClaim", validateTagText(t.WalletClaim)),
		member("algorithms", validateAlgorithms(t.Algorithms)),
	)
}

// validateTrustedURL takes any spelling that another issuer may have chosen,
// with a path, a trailing slash or a port, and wants https but for loopback
// hosts: what comes over a connection that anyone can change proves nothing.
func validateTrustedURL(issuer string) error {
	parsed, err := url.Parse(issuer)
	switch {
	case err != nil, len(issuer) > maxIssuer, parsed.Hostname() == "", parsed.Opaque != "":
		return fmt.Errorf("want a URL of at most %d bytes", maxIssuer)
	case parsed.User != nil, strings.ContainsAny(issuer, "?#"):
		return errors.New("want a URL without user, query and fragment")
	}
	address, err := netip.ParseAddr(parsed.Hostname())
	loopback := err == nil && address.IsLoopback()
	if parsed.Scheme != "https" && (parsed.Scheme != "http" || !loopback) {
		return errors.New("want https")
	}
	return nil
}

func validateAudiences(audiences []string) error {
	if len(audiences) == 0 || len(audiences) > maxAudiences {
		return fmt.Errorf("want 1 to %d audiences", maxAudiences)
	}
	for i, audience := range audiences {
		if err := validateAudience(audience); err != nil {
			return fmt.Errorf("[%d]: %w", i, err)
		}
	}
	return unique(audiences)
}

func validateAlgorithms(algorithms []string) error {
	for i, algorithm := range algorithms {
		if !slices.Contains(SignatureAlgorithms, algorithm) {
			return fmt.Errorf("[%d]: want one of %v", i, SignatureAlgorithms)
		}
	}
	return unique(algorithms)
}

func validateDirectories(directories []string) error {
	if len(directories) > MaxDirectories {
		return fmt.Errorf("more than %d directories", MaxDirectories)
	}
	for i, directory := range directories {
		if !filepath.IsAbs(directory) || filepath.Clean(directory) != directory || len(directory) > maxPath {
			return fmt.Errorf("[%d]: not a clean absolute path", i)
		}
	}
	return unique(directories)
}

func validateRevocations(revocations []Revocation) error {
	if len(revocations) > MaxRevocations {
		return fmt.Errorf("more than %d revocations", MaxRevocations)
	}
	for i, r := range revocations {
		if canonical, err := wallet.Parse(string(r.Wallet)); r.Wallet != "" && (err != nil || canonical != r.Wallet) {
			return fmt.Errorf("[%d].wallet: not a lower-case wallet address", i)
		}
		if r.Before.Nanosecond() != 0 || r.Before.Unix() <= 0 {
			return fmt.Errorf("[%d].before: want a time after 1970 in whole seconds", i)
		}
	}
	return nil
}

func (l Limits) validate() error {
	return errors.Join(
		member("client", l.Client.validate()),
		member("wallet", l.Wallet.validate()),
		member("trustedProxies", validateProxies(l.TrustedProxies)),
	)
}

func (r Rate) validate() error {
	// Written so that a number that is none fails too.
	if !(r.PerSecond >= 0 && r.PerSecond <= maxRate) {
		return member("perSecond", fmt.Errorf("want 0 to %d", maxRate))
	}
	return member("burst", within(r.Burst, 1, maxRate))
}

func validateProxies(proxies []netip.Prefix) error {
	if len(proxies) > MaxProxies {
		return fmt.Errorf("more than %d networks", MaxProxies)
	}
	for i, proxy := range proxies {
		if !proxy.IsValid() || proxy.Masked() != proxy || proxy.Addr().Is4In6() {
			return fmt.Errorf("[%d]: not a network, such as 10.0.0.0/8", i)
		}
	}
	return unique(proxies)
}
