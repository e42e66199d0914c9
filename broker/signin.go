package broker

import (
	"context"
	"crypto/rand"
	"net/http"
	"slices"
	"time"

	"github.com/litentry/wallet-federation/internal/challenge"
	"github.com/litentry/wallet-federation/internal/session"
	"github.com/litentry/wallet-federation/internal/siwe"
	"github.com/litentry/wallet-federation/internal/wallet"
)

const (
	// challengeLifetime is how long a wallet has to sign.
	challengeLifetime = 5 * time.Minute
	// clockTolerance is how far the clock of the replica that composed a message
	// may be from that of the one that verifies it.
	clockTolerance = session.Tolerance
)

type startRequest struct {
	Address string `json:"address"`
	ChainID uint64 `json:"chain_id"`
}

type startAnswer struct {
	RequestID   string `json:"request_id"`
	SIWEMessage string `json:"siwe_message"`
	Nonce       string `json:"nonce"`
	ExpiresAt   int64  `json:"expires_at"`
}

type verifyRequest struct {
	RequestID string `json:"request_id"`
	Signature string `json:"signature"`
}

type verifyAnswer struct {
	SessionJWT string         `json:"session_jwt"`
	Wallet     wallet.Address `json:"wallet"`
	ExpiresAt  int64          `json:"expires_at"`
}

// start composes the message that a wallet has to sign. Anyone may ask for any
// wallet; only its owner can use the answer.
func (s *Server) start(w http.ResponseWriter, r *http.Request) {
	var request startRequest
	if refused := decodeBody(w, r, &request); refused != nil {
		writeFailure(w, refused)
		return
	}
	address, err := wallet.Parse(request.Address)
	if err != nil {
		writeFailure(w, failAddress)
		return
	}
	state := s.current.Load()
	if !slices.Contains(state.config.Login.ChainIDs, request.ChainID) {
		writeFailure(w, failChain)
		return
	}
	epoch, err := s.nonces.Epoch()
	if err != nil {
		s.metrics.storeErrors.Inc()
		s.logStore(r.Context(), err)
		writeFailure(w, failUnavailable)
		return
	}
	asked := challenge.Challenge{
		Address: address, ChainID: request.ChainID, Nonce: challenge.NewNonce(),
		IssuedAt: s.now().UTC().Truncate(time.Second), Template: state.template, Epoch: epoch,
	}
	handle, err := state.sealer.Seal(asked)
	if err != nil {
		writeFailure(w, failInternal)
		return
	}
	message := state.compose(asked)
	writeJSON(w, http.StatusOK, startAnswer{
		RequestID:   handle,
		SIWEMessage: message.String(),
		Nonce:       message.Nonce,
		ExpiresAt:   message.ExpirationTime.Unix(),
	})
}

// compose writes the message of a challenge.
func (s *snapshot) compose(c challenge.Challenge) *siwe.Message {
	return &siwe.Message{
		Domain:         s.domain,
		Address:        c.Address,
		Statement:      s.config.Login.Statement,
		URI:            s.config.Issuer,
		ChainID:        c.ChainID,
		Nonce:          c.Nonce.String(),
		IssuedAt:       c.IssuedAt,
		ExpirationTime: c.IssuedAt.Add(challengeLifetime),
	}
}

// verify exchanges the signature of a message for a session.
func (s *Server) verify(w http.ResponseWriter, r *http.Request) {
	audit := newRecord("sign_in", s.client(r))
	defer s.report(r.Context(), audit)

	var request verifyRequest
	if refused := decodeBody(w, r, &request); refused != nil {
		audit.reason = refused.Code
		writeFailure(w, refused)
		return
	}
	answer, refused := s.signIn(r.Context(), request, audit)
	if refused != nil {
		writeFailure(w, refused)
		return
	}
	audit.reason = reasonOK
	writeJSON(w, http.StatusOK, answer)
}

func (s *Server) signIn(ctx context.Context, request verifyRequest, audit *record) (*verifyAnswer, *failure) {
	state, now := s.current.Load(), s.now()
	signed, reason := prove(state, request, now)
	audit.wallet = signed.Address
	if reason != "" {
		audit.reason = reason
		return nil, failSignIn
	}
	audit.prove(signed.Address)
	if refused, reason := s.spend(ctx, state, signed, now); refused != nil {
		audit.reason = reason
		return nil, refused
	}
	// Only now: before the signature is checked, the answer would tell anyone
	// which wallets are admitted. A session that is void from the start is none.
	refused := state.admit(signed.Address)
	if refused == nil && state.revocations.Revoked(signed.Address, now.Unix()) {
		refused = failNotAdmitted
	}
	if refused != nil {
		audit.reason = refused.Code
		return nil, refused
	}
	audit.session = rand.Text()
	bearer, expires := state.sessions.Issue(signed.Address, audit.session, now, state.sessionLifetime)
	audit.setBearer(bearer)
	return &verifyAnswer{SessionJWT: bearer, Wallet: signed.Address, ExpiresAt: expires.Unix()}, nil
}

// prove returns the challenge whose message its wallet signed, or what is known of
// it and the reason for refusing the request.
func prove(state *snapshot, request verifyRequest, now time.Time) (challenge.Challenge, string) {
	asked, err := state.sealer.Open(request.RequestID)
	if err != nil {
		return challenge.Challenge{}, "unknown_request"
	}
	if asked.Template != state.template {
		return asked, "configuration_changed"
	}
	message := state.compose(asked)
	if err := message.Verify(state.expectation(message, now)); err != nil {
		return asked, "message_refused"
	}
	signer, err := wallet.RecoverPersonal(message.String(), request.Signature)
	if err != nil {
		return asked, "signature_malformed"
	}
	if signer != asked.Address {
		return asked, "signature_of_another"
	}
	return asked, ""
}

// The reasons that follow a good signature.
const (
	// reasonNoNonces is that of a sign-in that nobody could decide.
	reasonNoNonces = "nonce_store_unavailable"
	reasonReplayed = "replayed"
)

// spend uses up the nonce of a challenge whose message its wallet signed, and
// counts the sign-in. Nothing but a good signature gets here, so that nobody can
// spend what is another's.
//
// A wallet that has to wait keeps its nonce: the same request is good then. Who
// repeats a request that was good once need not be the wallet: that counts for
// nobody and shows nothing of the limit.
func (s *Server) spend(ctx context.Context, state *snapshot, signed challenge.Challenge, now time.Time) (*failure, string) {
	limited := state.limits.mayWallet(signed.Address, now)
	replayed, err := s.useNonce(ctx, signed, limited == nil)
	switch {
	case err != nil:
		s.logStore(ctx, err)
		return failUnavailable, reasonNoNonces
	case replayed:
		return failSignIn, reasonReplayed
	case limited != nil:
		return limited, limited.Code
	}
	state.limits.chargeWallet(signed.Address, now)
	return nil, ""
}

// useNonce uses a nonce, or only looks at it, and reports whether it was used.
func (s *Server) useNonce(ctx context.Context, signed challenge.Challenge, use bool) (bool, error) {
	if use {
		first, err := s.nonces.Use(ctx, signed.Epoch, signed.Nonce, signed.IssuedAt.Add(challengeLifetime+clockTolerance))
		return !first, err
	}
	used, err := s.nonces.Used(ctx, signed.Epoch, signed.Nonce)
	if err != nil {
		s.metrics.storeErrors.Inc()
	}
	return used, err
}

// expectation is what still has to hold of a message that this issuer composed:
// the configuration may have changed, and time has passed.
func (s *snapshot) expectation(message *siwe.Message, now time.Time) siwe.Expectation {
	return siwe.Expectation{
		Scheme:    s.scheme,
		Domain:    s.domain,
		URI:       s.config.Issuer,
		Address:   message.Address,
		Nonce:     message.Nonce,
		ChainIDs:  s.config.Login.ChainIDs,
		Now:       now,
		Tolerance: clockTolerance,
	}
}
