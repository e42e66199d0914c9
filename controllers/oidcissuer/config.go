package oidcissuer

import (
	"context"
	"fmt"
	"net/netip"
	"path"
	"slices"
	"time"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	"github.com/litentry/wallet-federation/internal/brokerconfig"
	"github.com/litentry/wallet-federation/internal/wallet"
)

// roles are the ARNs of the roles that the issuer's federations declare.
func (p *pass) roles(ctx context.Context) ([]string, error) {
	federations, err := federationsOf(ctx, p.Client, p.issuer)
	if err != nil {
		return nil, err
	}
	var roles []string
	for i := range federations {
		if arn := federations[i].Status.RoleARN; arn != "" && federations[i].DeletionTimestamp.IsZero() {
			roles = append(roles, arn)
		}
	}
	slices.Sort(roles)
	return slices.Compact(roles), nil
}

// brokerConfig is the broker's configuration file: what the spec says, the roles
// that tokens are pinned to, and the wallets of the probe. Lists whose order
// means nothing are sorted, so that the same spec is the same file.
func brokerConfig(spec *v1alpha1.OIDCIssuerSpec, roles []string, probes []wallet.Address) ([]byte, error) {
	config := brokerconfig.Default()
	config.Issuer = spec.IssuerURL
	config.Token = brokerconfig.Token{
		Audience:        spec.Token.Audience,
		LifetimeSeconds: seconds(spec.Token.Lifetime.Duration),
		SubjectPrefix:   spec.Token.SubjectPrefix,
		WalletTagKey:    spec.Token.WalletTagKey,
	}
	config.Session.LifetimeSeconds = seconds(spec.Login.SessionLifetime.Duration)
	config.Login = login(&spec.Login)
	config.Admission = admission(&spec.Login.Admission, probes)
	config.Revocations = revocations(spec.Login.Revocations)
	limit(&config.Limits.Client, spec.Login.RateLimits.PerClient)
	limit(&config.Limits.Wallet, spec.Login.RateLimits.PerWallet)
	var err error
	if config.Limits.TrustedProxies, err = networks(spec.Broker.TrustedProxies); err != nil {
		return nil, fmt.Errorf("spec.broker.trustedProxies: %w", err)
	}
	config.Roles = roles
	return config.Marshal()
}

func seconds(d time.Duration) int { return int(d / time.Second) }

func login(spec *v1alpha1.LoginSpec) brokerconfig.Login {
	config := brokerconfig.Login{Statement: spec.Statement}
	for _, id := range spec.ChainIDs {
		config.ChainIDs = append(config.ChainIDs, uint64(max(id, 0)))
	}
	for _, trusted := range spec.TrustedIssuers {
		issuer := brokerconfig.TrustedIssuer{
			Issuer: trusted.IssuerURL, Audiences: trusted.Audiences, WalletClaim: trusted.WalletClaim,
		}
		for _, algorithm := range trusted.Algorithms {
			issuer.Algorithms = append(issuer.Algorithms, string(algorithm))
		}
		config.TrustedIssuers = append(config.TrustedIssuers, issuer)
	}
	return config
}

func admission(spec *v1alpha1.AdmissionSpec, probes []wallet.Address) brokerconfig.Admission {
	config := brokerconfig.Admission{Mode: brokerconfig.AdmissionMode(spec.Mode), ProbeWallets: probes}
	for _, address := range slices.Sorted(slices.Values(spec.Wallets)) {
		config.Wallets = append(config.Wallets, wallet.Address(address))
	}
	for _, name := range admissionLists(spec) {
		config.Directories = append(config.Directories, path.Join(admissionDir, name))
	}
	return config
}

// admissionLists are the names of the ConfigMaps with admitted wallets, sorted.
func admissionLists(spec *v1alpha1.AdmissionSpec) []string {
	names := make([]string, 0, len(spec.ConfigMapRefs))
	for _, ref := range spec.ConfigMapRefs {
		names = append(names, ref.Name)
	}
	slices.Sort(names)
	return names
}

func revocations(specs []v1alpha1.Revocation) []brokerconfig.Revocation {
	var config []brokerconfig.Revocation
	for _, spec := range specs {
		revocation := brokerconfig.Revocation{Wallet: wallet.Address(spec.Wallet)}
		if spec.Before != nil {
			revocation.Before = spec.Before.UTC()
		}
		config = append(config, revocation)
	}
	return config
}

// limit sets a rate, if the spec has one.
func limit(rate *brokerconfig.Rate, spec *v1alpha1.RateLimit) {
	if spec == nil || spec.PerSecond == nil {
		return
	}
	*rate = brokerconfig.Rate{PerSecond: spec.PerSecond.AsFloat64Slow(), Burst: int(spec.Burst)}
}

// networks reads CIDRs. One network that is spelled in two ways is one.
func networks(cidrs []string) ([]netip.Prefix, error) {
	var prefixes []netip.Prefix
	for _, cidr := range cidrs {
		prefix, err := netip.ParsePrefix(cidr)
		if err != nil {
			return nil, err
		}
		prefixes = append(prefixes, prefix)
	}
	slices.SortFunc(prefixes, netip.Prefix.Compare)
	return slices.Compact(prefixes), nil
}
