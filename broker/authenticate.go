package broker

import (
	"context"
	"errors"

	"github.com/litentry/wallet-federation/internal/session"
	"github.com/litentry/wallet-federation/internal/trustedissuer"
	"github.com/litentry/wallet-federation/internal/wallet"
)

// viaSession stands in audit records for a wallet that signed in.
const viaSession = "session"

// authenticate returns the wallet that a bearer speaks for: that of a session, or
// of a token of a trusted issuer. Every way to a token leads through here.
func (s *Server) authenticate(ctx context.Context, state *snapshot, bearer string, audit *record) (wallet.Address, *failure) {
	audit.setBearer(bearer)
	address, issuedAt, refused := s.identify(ctx, state, bearer, audit)
	if refused != nil {
		return "", refused
	}
	audit.prove(address)
	if state.revocations.Revoked(address, issuedAt) {
		audit.reason = "revoked"
		return "", failUnauthorized
	}
	// A wallet that was taken off the list since it signed in mints no more.
	if refused := state.admit(address); refused != nil {
		return "", refused
	}
	if refused := state.limits.takeWallet(address, s.now()); refused != nil {
		return "", refused
	}
	return address, nil
}

// identify verifies a bearer and returns its wallet and its iat claim. What does
// not begin as a session of ours is one of a trusted issuer or nothing.
func (s *Server) identify(ctx context.Context, state *snapshot, bearer string, audit *record) (wallet.Address, int64, *failure) {
	known, err := state.sessions.Verify(bearer, s.now())
	if errors.Is(err, session.ErrMalformed) && state.trusted.Trusts() {
		return identifyTrusted(ctx, state, bearer, audit)
	}
	audit.via = viaSession
	if err != nil {
		audit.reason = err.Error()
		return "", 0, failUnauthorized
	}
	audit.session = known.ID
	return known.Wallet, known.IssuedAt, nil
}

func identifyTrusted(ctx context.Context, state *snapshot, token string, audit *record) (wallet.Address, int64, *failure) {
	known, err := state.trusted.Verify(ctx, token)
	audit.via = known.Issuer
	switch {
	case errors.Is(err, trustedissuer.ErrUnavailable):
		return "", 0, failIssuerAway
	case err != nil:
		audit.reason = err.Error()
		return "", 0, failUnauthorized
	default:
		audit.session = known.ID
		return known.Wallet, known.IssuedAt, nil
	}
}
