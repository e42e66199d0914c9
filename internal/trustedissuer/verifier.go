package trustedissuer

import (
	"cmp"
	"context"
	"crypto/x509"
	"net"
	"slices"
	"time"

	"github.com/litentry/wallet-federation/internal/brokerconfig"
	"github.com/litentry/wallet-federation/internal/wallet"
)

// Options are what verifiers share.
type Options struct {
	// Now is the clock. Default time.Now.
	Now func() time.Time
	// RootCAs are whose certificates issuers have. Default: the system's.
	RootCAs *x509.CertPool
	// Resolver finds the addresses of issuers. Default: [net.DefaultResolver].
	Resolver *net.Resolver
	// Timeout is how long reading the keys of an issuer may take. Default 5 s.
	Timeout time.Duration
	// Report is told of every attempt to read the keys of an issuer that failed,
	// also while older keys still serve. Default: nobody is.
	Report func(issuer string, err error)
}

// Verifier verifies the tokens of a list of issuers. It is safe for concurrent
// use, and its list does not change.
type Verifier struct {
	options *Options
	issuers map[string]*issuer // by URL
}

// issuer is one that is trusted.
type issuer struct {
	brokerconfig.TrustedIssuer
	algorithms []string
	keys       *keySource
}

// Identity is what a token proves.
type Identity struct {
	// Issuer is the URL of the trusted issuer that the token names.
	Issuer string
	// Wallet is the one that it speaks for.
	Wallet wallet.Address
	// IssuedAt is in seconds since the epoch.
	IssuedAt int64
	// ID is its jti: empty if it has none, or one that is too long or too strange
	// for a record.
	ID string
}

// New returns a verifier that trusts nobody.
func New(options Options) *Verifier {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Report == nil {
		options.Report = func(string, error) {}
	}
	options.Timeout = cmp.Or(options.Timeout, defaultTimeout)
	return &Verifier{options: &options}
}

// With returns a verifier that trusts these issuers, which must be valid. It
// shares the keys of those that v trusts too.
func (v *Verifier) With(trusted []brokerconfig.TrustedIssuer) *Verifier {
	next := &Verifier{options: v.options, issuers: make(map[string]*issuer, len(trusted))}
	for _, t := range trusted {
		added := &issuer{TrustedIssuer: t, algorithms: t.Algorithms}
		if len(added.algorithms) == 0 {
			added.algorithms = defaultAlgorithms()
		}
		if known, found := v.issuers[t.Issuer]; found {
			added.keys = known.keys
		} else {
			added.keys = newKeySource(t.Issuer, v.options)
		}
		next.issuers[t.Issuer] = added
	}
	return next
}

// Trusts reports whether there is any issuer whose tokens are taken.
func (v *Verifier) Trusts() bool { return len(v.issuers) > 0 }

// Verify returns what a token proves. The error is a [Refusal], or wraps
// [ErrUnavailable]; beside it, the identity holds the issuer if it is trusted,
// and nothing else.
//
// What costs nothing is checked first, so that only a token that would be good
// if its signature were makes the broker read keys.
func (v *Verifier) Verify(ctx context.Context, raw string) (Identity, error) {
	t, err := parseToken(raw)
	if err != nil {
		return Identity{}, err
	}
	// Byte for byte (OpenID Connect Core 1.0, section 3.1.3.7).
	by, trusted := v.issuers[t.issuer]
	if !trusted {
		return Identity{}, UnknownIssuer
	}
	partial := Identity{Issuer: by.Issuer}
	identity, err := by.examine(t, v.options.Now())
	if err != nil {
		return partial, err
	}
	key, err := by.keys.find(ctx, t.keyID, t.algorithm)
	if err != nil {
		return partial, err
	}
	if !key.signed(t) {
		return partial, Forged
	}
	return identity, nil
}

// examine checks all of a token but its signature.
func (i *issuer) examine(t *token, now time.Time) (Identity, error) {
	if !slices.Contains(i.algorithms, t.algorithm) {
		return Identity{}, WrongAlgorithm
	}
	issuedAt, timesErr := t.claims.checkTimes(now)
	address, walletErr := t.claims.wallet(i.WalletClaim)
	id, idErr := t.claims.id()
	err := cmp.Or(t.checkType(), t.claims.checkAudience(i.Audiences), timesErr, walletErr, idErr)
	if err != nil {
		return Identity{}, err
	}
	return Identity{Issuer: i.Issuer, Wallet: address, IssuedAt: issuedAt, ID: id}, nil
}
