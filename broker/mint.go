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

// minted is a token, however it was asked for.
type minted struct {
	jwt             []byte
	wallet          wallet.Address
	issued, expires time.Time
}

// json writes the answer's text by hand: nothing in it needs escaping, and
// looking for that in every JWT is a good part of what a mint costs beyond its
// signature.
func (m *minted) json() []byte {
	b := make([]byte, 0, len(m.jwt)+128)
	b = append(append(b, `{"jwt":"`...), m.jwt...)
	b = append(append(b, `","wallet":"`...), m.wallet...)
	b = strconv.AppendInt(append(b, `","expiration":`...), m.expires.Unix(), 10)
	return append(b, '}')
}

// mint exchanges a bearer for a JWT of the same wallet, pinned to the role that
// is asked for, or to all that are declared.
func (s *Server) mint(w http.ResponseWriter, r *http.Request) {
	audit := newRecord("mint", s.client(r))
	defer s.report(r.Context(), audit)

	answer, refused := s.mintFor(w, r, audit)
	if refused != nil {
		audit.refuse(refused)
		writeFailure(w, refused)
		return
	}
	audit.reason = reasonOK
	writeBody(w, http.StatusOK, answer.json())
}

func (s *Server) mintFor(w http.ResponseWriter, r *http.Request, audit *record) (*minted, *failure) {
	bearer, found := bearerOf(r.Header)
	if !found {
		audit.reason = "bearer_missing"
		return nil, failUnauthorized
	}
	state := s.current.Load()
	address, refused := s.authenticate(r.Context(), state, bearer, audit)
	if refused != nil {
		return nil, refused
	}
	var request mintRequest
	if refused := decodeOptionalBody(w, r, &request); refused != nil {
		return nil, refused
	}
	return s.issue(state, address, request.RoleARN, audit)
}

// issue mints a token for a wallet that was authenticated, pinned to a role or,
// if it is nil, to all. Nothing else mints.
func (s *Server) issue(state *snapshot, address wallet.Address, role *string, audit *record) (*minted, *failure) {
	minter, refused := state.selectMinter(role)
	if refused != nil {
		return nil, refused
	}
	now := s.now()
	audit.kid, audit.role, audit.jti = minter.KeyID(), minter.role, rand.Text()
	jwt, expires, err := minter.Mint(address, now, audit.jti)
	if err != nil {
		return nil, failInternal
	}
	return &minted{jwt: jwt, wallet: address, issued: now, expires: expires}, nil
}

// selectMinter fails closed without roles: a token that is pinned to none would
// be good for any role that trusts the issuer.
func (s *snapshot) selectMinter(role *string) (roleMinter, *failure) {
	if len(s.minters) == 0 {
		return roleMinter{}, failNoRoles
	}
	if role == nil {
		return s.minters[""], nil
	}
	minter, found := s.minters[*role]
	if !found || *role == "" {
		return roleMinter{}, failRole
	}
	return minter, nil
}
