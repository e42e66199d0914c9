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
	address, reason := s.prove(ctx, state, request, now)
	audit.wallet = address
	switch reason {
	case "":
		audit.prove(address)
	case reasonNoNonces:
		audit.prove(address)
		audit.reason = reason
		return nil, failUnavailable
	case reasonReplayed:
		audit.prove(address)
		audit.reason = reason
		return nil, failSignIn
	default:
		audit.reason = reason
		return nil, failSignIn
	}
	if refused := state.limits.takeWallet(address, now); refused != nil {
		audit.reason = refused.Code
		return nil, refused
	}
	// Only now: before the signature is checked, the answer would tell anyone
	// which wallets are admitted. A session that is void from the start is none.
	if !state.admits(address) || state.revocations.Revoked(address, now.Unix()) {
		audit.reason = failNotAdmitted.Code
		return nil, failNotAdmitted
	}
	audit.session = rand.Text()
	bearer, expires := state.sessions.Issue(address, audit.session, now, state.sessionLifetime)
	audit.setBearer(bearer)
	return &verifyAnswer{SessionJWT: bearer, Wallet: address, ExpiresAt: expires.Unix()}, nil
}

// The reasons that follow a good signature.
const (
	// reasonNoNonces is that of a sign-in that nobody could decide.
	reasonNoNonces = "nonce_store_unavailable"
	reasonReplayed = "replayed"
)

// prove returns the wallet that signed its message, or the wallet that was
// asked for, if any, and the reason for refusing it. The nonce is used up by a
// good signature and by nothing else, so that nobody can spend another's.
func (s *Server) prove(ctx context.Context, state *snapshot, request verifyRequest, now time.Time) (wallet.Address, string) {
	asked, err := state.sealer.Open(request.RequestID)
	if err != nil {
		return "", "unknown_request"
	}
	if asked.Template != state.template {
		return asked.Address, "configuration_changed"
	}
	message := state.compose(asked)
	if err := message.Verify(state.expectation(message, now)); err != nil {
		return asked.Address, "message_refused"
	}
	signer, err := wallet.RecoverPersonal(message.String(), request.Signature)
	if err != nil {
		return asked.Address, "signature_malformed"
	}
	if signer != asked.Address {
		return asked.Address, "signature_of_another"
	}
	first, err := s.nonces.Use(ctx, asked.Epoch, asked.Nonce, message.ExpirationTime.Add(clockTolerance))
	if err != nil {
		s.logStore(ctx, err)
		return asked.Address, reasonNoNonces
	}
	if !first {
		return asked.Address, reasonReplayed
	}
	return signer, ""
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
