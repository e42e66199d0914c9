package broker

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"

	"github.com/litentry/wallet-federation/internal/admission"
	"github.com/litentry/wallet-federation/internal/brokerconfig"
	"github.com/litentry/wallet-federation/internal/challenge"
	"github.com/litentry/wallet-federation/internal/discovery"
	"github.com/litentry/wallet-federation/internal/session"
	"github.com/litentry/wallet-federation/internal/signingkey"
	"github.com/litentry/wallet-federation/internal/token"
	"github.com/litentry/wallet-federation/internal/trustedissuer"
	"github.com/litentry/wallet-federation/internal/wallet"
)

// allRoles stands in audit records for a token pinned to every declared role.
const allRoles = "all"

// snapshot is everything that requests read, computed once per state and never
// changed after.
type snapshot struct {
	config          *brokerconfig.Config
	scheme, domain  string
	template        challenge.Template
	sealer          challenge.Sealer
	sessions        *session.Codec
	sessionLifetime time.Duration
	revocations     session.Revocations
	trusted         *trustedissuer.Verifier
	// admitted are those of the configuration, listed those of its directories.
	admitted, listed *admission.List
	// incomplete is whether more should be listed that could not be read.
	incomplete      bool
	minters         map[string]roleMinter
	discovery, jwks document
	publicKeys      jwk.Set
	activeKey       *signingkey.Key
	sessionKey      *session.Key
	// limits are carried on from one snapshot to the next.
	limits *limits
}

// roleMinter mints tokens pinned to one role, or to all of them.
type roleMinter struct {
	*token.Minter
	// role is the ARN, or allRoles.
	role string
}

// newSnapshot prepares a state. What is known of trusted issuers is taken on.
func newSnapshot(state State, trusted *trustedissuer.Verifier) (*snapshot, error) {
	config := state.Config
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
		trusted:         trusted.With(config.Login.TrustedIssuers),
		listed:          cmp.Or(state.Admitted, &admission.List{}),
		incomplete:      state.Incomplete,
		activeKey:       state.Keys.Active(),
		sessionKey:      state.SessionKeys.Active(),
	}
	s.template = challenge.NewTemplate(s.compose(challenge.Challenge{}).String())
	for _, r := range config.Revocations {
		s.revocations.Revoke(r.Wallet, r.Before)
	}
	if s.admitted, err = admission.NewList(slices.Concat(config.Admission.Wallets, config.Admission.ProbeWallets)); err != nil {
		return nil, fmt.Errorf("collecting admitted wallets: %w", err)
	}
	if err := s.prepareSessions(state.SessionKeys); err != nil {
		return nil, err
	}
	if s.minters, err = newMinters(config, state.Keys.Active()); err != nil {
		return nil, err
	}
	if err := s.prepareDocuments(state.Keys); err != nil {
		return nil, err
	}
	if err := s.checkSigning(); err != nil {
		return nil, err
	}
	return s, nil
}

// prepareSessions derives everything that the session keys protect.
func (s *snapshot) prepareSessions(keys *session.KeySet) error {
	var err error
	if s.sessions, err = session.NewCodec(keys, s.config.Issuer); err != nil {
		return err
	}
	var sealing [][]byte
	for _, key := range keys.Keys() {
		derived, err := key.Derive("challenge " + s.config.Issuer)
		if err != nil {
			return err
		}
		sealing = append(sealing, derived)
	}
	s.sealer = challenge.NewSealer(sealing...)
	return nil
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

// admit returns nil if a wallet may have a session. As long as not all lists are
// read, it is not known of a wallet that is on none of them.
func (s *snapshot) admit(w wallet.Address) *failure {
	switch {
	case s.config.Admission.Mode == brokerconfig.Open, s.admitted.Contains(w), s.listed.Contains(w):
		return nil
	case s.incomplete:
		return failAdmissionAway
	default:
		return failNotAdmitted
	}
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
