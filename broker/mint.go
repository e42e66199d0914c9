package broker

import (
	"crypto/rand"
	"net/http"
	"strconv"
	"time"

	"github.com/litentry/wallet-federation/internal/wallet"
)

type mintRequest struct {
	// RoleARN is a pointer so that an empty name is told from none.
	RoleARN *string `json:"role_arn"`
}

type mintAnswer struct {
	jwt     string
	wallet  wallet.Address
	expires time.Time
}

// json writes the answer's text by hand: nothing in it needs escaping, and
// looking for that in every JWT is a good part of what a mint costs beyond its
// signature.
func (a *mintAnswer) json() []byte {
	b := make([]byte, 0, len(a.jwt)+128)
	b = append(append(b, `{"jwt":"`...), a.jwt...)
	b = append(append(b, `","wallet":"`...), a.wallet...)
	b = strconv.AppendInt(append(b, `","expiration":`...), a.expires.Unix(), 10)
	return append(b, '}')
}

// mint exchanges a session bearer for a JWT of the same wallet, pinned to the
// role that is asked for, or to all that are declared.
func (s *Server) mint(w http.ResponseWriter, r *http.Request) {
	audit := newRecord("mint")
	defer s.report(r.Context(), audit)

	answer, refused := s.mintFor(w, r, audit)
	if refused != nil {
		if audit.reason == failInternal.Code {
			audit.reason = refused.Code
		}
		writeFailure(w, refused)
		return
	}
	audit.reason = reasonOK
	writeBody(w, http.StatusOK, answer.json())
}

func (s *Server) mintFor(w http.ResponseWriter, r *http.Request, audit *record) (*mintAnswer, *failure) {
	state, now := s.current.Load(), s.now()
	bearer, found := bearerOf(r.Header)
	if !found {
		audit.reason = "bearer_missing"
		return nil, failUnauthorized
	}
	audit.setBearer(bearer)
	session, err := state.sessions.Verify(bearer, now)
	if err != nil {
		audit.reason = err.Error()
		return nil, failUnauthorized
	}
	audit.prove(session.Wallet)
	audit.session = session.ID
	if state.revocations.Revoked(session.Wallet, session.IssuedAt) {
		audit.reason = "revoked"
		return nil, failUnauthorized
	}
	// A wallet that was taken off the list since it signed in mints no more.
	if !state.admits(session.Wallet) {
		return nil, failNotAdmitted
	}
	minter, refused := state.selectMinter(w, r)
	if refused != nil {
		return nil, refused
	}
	audit.kid, audit.role, audit.jti = minter.KeyID(), minter.role, rand.Text()
	jwt, expires, err := minter.Mint(session.Wallet, now, audit.jti)
	if err != nil {
		return nil, failInternal
	}
	return &mintAnswer{jwt: jwt, wallet: session.Wallet, expires: expires}, nil
}

// selectMinter fails closed without roles: a token that is pinned to none would
// be good for any role that trusts the issuer.
func (s *snapshot) selectMinter(w http.ResponseWriter, r *http.Request) (roleMinter, *failure) {
	var request mintRequest
	if refused := decodeOptionalBody(w, r, &request); refused != nil {
		return roleMinter{}, refused
	}
	if len(s.minters) == 0 {
		return roleMinter{}, failNoRoles
	}
	if request.RoleARN == nil {
		return s.minters[""], nil
	}
	minter, found := s.minters[*request.RoleARN]
	if !found || *request.RoleARN == "" {
		return roleMinter{}, failRole
	}
	return minter, nil
}
