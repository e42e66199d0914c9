package broker

import (
	"fmt"
	"slices"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"

	"github.com/litentry/wallet-federation/internal/brokerconfig"
	"github.com/litentry/wallet-federation/internal/discovery"
	"github.com/litentry/wallet-federation/internal/signingkey"
	"github.com/litentry/wallet-federation/internal/token"
	"github.com/litentry/wallet-federation/internal/wallet"
)

// allRoles stands in audit records for a token pinned to every declared role.
const allRoles = "all"

// snapshot is everything that requests read, computed once per configuration
// and key set and never changed after.
type snapshot struct {
	config          *brokerconfig.Config
	scheme, domain  string
	sessionLifetime time.Duration
	admitted        map[wallet.Address]bool
	minters         map[string]roleMinter
	discovery, jwks document
	publicKeys      jwk.Set
	activeKey       *signingkey.Key
}

// roleMinter mints tokens pinned to one role, or to all of them.
type roleMinter struct {
	*token.Minter
	// role is the ARN, or allRoles.
	role string
}

func newSnapshot(config *brokerconfig.Config, keys *signingkey.Set) (*snapshot, error) {
	if err := config.Validate(); err != nil {
		return nil, fmt.Errorf("checking configuration: %w", err)
	}
	issuer, err := discovery.ParseIssuer(config.Issuer)
	if err != nil {
		return nil, err
	}
	s := &snapshot{
		config:          config,
		scheme:          issuer.Scheme,
		domain:          issuer.Host,
		sessionLifetime: time.Duration(config.Session.LifetimeSeconds) * time.Second,
		admitted:        admittedWallets(config.Admission),
		activeKey:       keys.Active(),
	}
	if s.minters, err = newMinters(config, keys.Active()); err != nil {
		return nil, err
	}
	if err := s.prepareDocuments(keys); err != nil {
		return nil, err
	}
	if err := s.checkSigning(); err != nil {
		return nil, err
	}
	return s, nil
}

func admittedWallets(admission brokerconfig.Admission) map[wallet.Address]bool {
	admitted := make(map[wallet.Address]bool, len(admission.Wallets)+len(admission.ProbeWallets))
	for _, w := range slices.Concat(admission.Wallets, admission.ProbeWallets) {
		admitted[w] = true
	}
	return admitted
}

// newMinters returns one minter for each role, and one for all under the empty
// name. Without roles there is none.
func newMinters(config *brokerconfig.Config, key *signingkey.Key) (map[string]roleMinter, error) {
	if len(config.Roles) == 0 {
		return nil, nil
	}
	minters := make(map[string]roleMinter, len(config.Roles)+1)
	for _, role := range config.Roles {
		minter, err := token.NewMinter(config.Profile(), key, []string{role})
		if err != nil {
			return nil, err
		}
		minters[role] = roleMinter{minter, role}
	}
	minter, err := token.NewMinter(config.Profile(), key, config.Roles)
	if err != nil {
		return nil, err
	}
	minters[""] = roleMinter{minter, allRoles}
	return minters, nil
}

func (s *snapshot) prepareDocuments(keys *signingkey.Set) error {
	configuration := discovery.New(s.config.Issuer)
	configuration.ClaimsSupported = append(configuration.ClaimsSupported,
		s.config.Token.WalletTagKey, token.TagsClaim, token.RolesClaim)
	var err error
	if s.discovery, err = newJSONDocument(configuration); err != nil {
		return fmt.Errorf("preparing discovery document: %w", err)
	}
	public, err := keys.JWKS()
	if err != nil {
		return fmt.Errorf("preparing JWKS: %w", err)
	}
	s.jwks = newDocument(public)
	if s.publicKeys, err = jwk.Parse(public); err != nil {
		return fmt.Errorf("preparing JWKS: %w", err)
	}
	return nil
}

// admits reports whether a wallet may have a session.
func (s *snapshot) admits(w wallet.Address) bool {
	return s.config.Admission.Mode == brokerconfig.Open || s.admitted[w]
}

// checkSigning signs something with the key that mints and verifies it with the
// keys that are served, by the kid, as STS will.
func (s *snapshot) checkSigning() error {
	signed, err := token.Sign(s.activeKey, map[string]any{"purpose": "self-test"})
	if err != nil {
		return fmt.Errorf("checking signing key: %w", err)
	}
	if _, err := jws.Verify([]byte(signed), jws.WithKeySet(s.publicKeys, jws.WithRequireKid(true))); err != nil {
		return fmt.Errorf("checking signing key against the JWKS: %w", err)
	}
	return nil
}
