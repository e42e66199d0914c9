package broker

import (
	"crypto/rand"
	"net/http"
	"slices"
	"time"

	"github.com/litentry/wallet-federation/internal/siwe"
	"github.com/litentry/wallet-federation/internal/wallet"
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
	now := s.now().UTC()
	message := state.compose(address, request.ChainID, now)
	// 130 bits: whoever did not get the handle cannot name the challenge.
	handle := rand.Text()
	s.challenges.put(handle, message, now)
	writeJSON(w, http.StatusOK, startAnswer{
		RequestID:   handle,
		SIWEMessage: message.String(),
		Nonce:       message.Nonce,
		ExpiresAt:   message.ExpirationTime.Unix(),
	})
}

func (s *snapshot) compose(address wallet.Address, chainID uint64, now time.Time) *siwe.Message {
	issued := now.Truncate(time.Second)
	return &siwe.Message{
		Domain:         s.domain,
		Address:        address,
		Statement:      s.config.Login.Statement,
		URI:            s.config.Issuer,
		ChainID:        chainID,
		Nonce:          rand.Text(),
		IssuedAt:       issued,
		ExpirationTime: issued.Add(challengeLifetime),
	}
}

// verify exchanges the signature of a message for a session.
func (s *Server) verify(w http.ResponseWriter, r *http.Request) {
	audit := newRecord("sign_in")
	defer func() { audit.write(r.Context(), s.logger, s.now()) }()

	var request verifyRequest
	if refused := decodeBody(w, r, &request); refused != nil {
		audit.reason = refused.Code
		writeFailure(w, refused)
		return
	}
	answer, refused := s.signIn(request, audit)
	if refused != nil {
		writeFailure(w, refused)
		return
	}
	audit.reason = reasonOK
	writeJSON(w, http.StatusOK, answer)
}

func (s *Server) signIn(request verifyRequest, audit *record) (*verifyAnswer, *failure) {
	state, now := s.current.Load(), s.now()
	address, reason := s.prove(state, request, now)
	audit.wallet = address
	if reason != "" {
		audit.reason = reason
		return nil, failSignIn
	}
	// Only now: before the signature is checked, the answer would tell anyone
	// which wallets are admitted.
	if !state.admits(address) {
		audit.reason = failNotAdmitted.Code
		return nil, failNotAdmitted
	}
	audit.session = rand.Text()
	bearer, expires := s.sessions.issue(address, audit.session, now, state.sessionLifetime)
	audit.setBearer(bearer)
	return &verifyAnswer{SessionJWT: bearer, Wallet: address, ExpiresAt: expires.Unix()}, nil
}

// prove returns the wallet that signed its message, or the wallet that was
// asked for, if any, and the reason for refusing it. The challenge is used up
// by a good signature and by nothing else, so that nobody can spend another's.
func (s *Server) prove(state *snapshot, request verifyRequest, now time.Time) (wallet.Address, string) {
	message, found := s.challenges.get(request.RequestID)
	if !found {
		return "", "unknown_request"
	}
	if err := message.Verify(state.expectation(message, now)); err != nil {
		return message.Address, "message_refused"
	}
	signer, err := wallet.RecoverPersonal(message.String(), request.Signature)
	if err != nil {
		return message.Address, "signature_malformed"
	}
	if signer != message.Address {
		return message.Address, "signature_of_another"
	}
	if !s.challenges.take(request.RequestID) {
		return message.Address, "replayed"
	}
	return signer, ""
}

// expectation is what still has to hold of a message that this server composed:
// the configuration may have changed, and time has passed.
func (s *snapshot) expectation(message *siwe.Message, now time.Time) siwe.Expectation {
	return siwe.Expectation{
		Scheme:   s.scheme,
		Domain:   s.domain,
		URI:      s.config.Issuer,
		Address:  message.Address,
		Nonce:    message.Nonce,
		ChainIDs: s.config.Login.ChainIDs,
		Now:      now,
	}
}
