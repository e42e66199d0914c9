package session

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/litentry/wallet-federation/internal/wallet"
)

const (
	// maxBearer is several times what a bearer of ours can be.
	maxBearer = 2048
	// maxID is more than an id of a session of ours has letters.
	maxID = 64
	// macLength is the length of an encoded HMAC-SHA-256.
	macLength = (sha256.Size*8 + 5) / 6
	// usualPayload is enough for the payload of most issuers: with room for
	// that much, verifying takes next to no memory.
	usualPayload = 512

	// audience and the typ in a bearer's header belong to session bearers alone,
	// beside the key and the algorithm: what signs, what is signed and what it
	// is for each keep a bearer and a minted JWT apart.
	audience   = "urn:wallet-federation:session"
	headerType = "wallet-session+jwt"

	// Tolerance is how far apart the clocks of replicas may be.
	Tolerance = 30 * time.Second
)

// The reasons for which a bearer is refused. Callers of the broker see none of
// them.
var (
	ErrMalformed = errors.New("bearer_malformed")
	ErrForged    = errors.New("bearer_forged")
	ErrForeign   = errors.New("bearer_foreign")
	ErrExpired   = errors.New("bearer_expired")
)

// strictEncoding is base64url without padding and without bits behind the last
// byte.
var strictEncoding = base64.RawURLEncoding.Strict()

// Codec issues and verifies the bearers of one issuer. Verifying takes exactly
// the form that is issued, not JSON in general, so that no decoder's leniency (a
// claim given twice, another spelling) is reachable. It is safe for concurrent
// use and does not change.
type Codec struct {
	// openSubject is the payload up to the wallet.
	openSubject string
	active      *signer
	signers     map[string]*signer // by header and dot
}

// signer signs with one key. The key is where no printing can reach it.
type signer struct {
	headerDot string
	works     sync.Pool // of *work
}

// work is what computing a MAC takes.
type work struct {
	hash  hash.Hash
	input []byte
	sum   [sha256.Size]byte
}

// The rest of the payload, between wallet, iat, nbf, exp and jti.
const (
	openIssuedAt  = `","iat":`
	openNotBefore = `,"nbf":`
	openExpires   = `,"exp":`
	openSessionID = `,"jti":"`
	closePayload  = `"}`
)

// Session is what a bearer says.
type Session struct {
	// Wallet is whose session it is.
	Wallet wallet.Address
	// IssuedAt, NotBefore and Expires are in seconds since the epoch.
	IssuedAt, NotBefore, Expires int64
	// ID is the session's own, its jti: 1 to 64 letters and digits.
	ID string
}

// NewCodec returns the codec of an issuer. It signs with the Active key and
// believes all of the set.
func NewCodec(keys *KeySet, issuer string) (*Codec, error) {
	opening, err := json.Marshal(struct {
		Issuer   string `json:"iss"`
		Audience string `json:"aud"`
		Subject  string `json:"sub"`
	}{Issuer: issuer, Audience: audience})
	if err != nil {
		return nil, fmt.Errorf("encoding session: %w", err)
	}
	c := &Codec{
		openSubject: strings.TrimSuffix(string(opening), closePayload),
		signers:     make(map[string]*signer, len(keys.keys)),
	}
	for _, key := range keys.keys {
		s := newSigner(key)
		c.signers[s.headerDot] = s
		if key == keys.active {
			c.active = s
		}
	}
	return c, nil
}

func newSigner(key *Key) *signer {
	header := `{"alg":"HS256","kid":"` + key.ID + `","typ":"` + headerType + `"}`
	secret := key.secret()
	return &signer{
		headerDot: base64.RawURLEncoding.EncodeToString([]byte(header)) + ".",
		works:     sync.Pool{New: func() any { return &work{hash: hmac.New(sha256.New, secret)} }},
	}
}

// Issue returns a bearer for a wallet and its expiry. The wallet is canonical,
// and the id is of 1 to 64 letters and digits: a bearer of others is not
// believed.
func (c *Codec) Issue(w wallet.Address, id string, now time.Time, lifetime time.Duration) (string, time.Time) {
	issued := now.Unix()
	expires := issued + int64(lifetime/time.Second)
	payload := c.appendPayload(make([]byte, 0, usualPayload),
		Session{Wallet: w, IssuedAt: issued, NotBefore: issued, Expires: expires, ID: id})
	signed := c.active.headerDot + base64.RawURLEncoding.EncodeToString(payload)
	mac := c.active.mac(signed)
	return signed + "." + string(mac[:]), time.Unix(expires, 0).UTC()
}

func (c *Codec) appendPayload(b []byte, s Session) []byte {
	b = append(append(b, c.openSubject...), s.Wallet...)
	b = strconv.AppendInt(append(b, openIssuedAt...), s.IssuedAt, 10)
	b = strconv.AppendInt(append(b, openNotBefore...), s.NotBefore, 10)
	b = strconv.AppendInt(append(b, openExpires...), s.Expires, 10)
	b = append(append(b, openSessionID...), s.ID...)
	return append(b, closePayload...)
}

// Verify returns what a bearer says, if it may be believed now. Nothing of a
// bearer is decoded before its MAC is found right.
func (c *Codec) Verify(bearer string, now time.Time) (Session, error) {
	if len(bearer) > maxBearer {
		return Session{}, ErrMalformed
	}
	headerEnd, end := strings.IndexByte(bearer, '.'), strings.LastIndexByte(bearer, '.')
	if headerEnd == end {
		return Session{}, ErrMalformed
	}
	by, known := c.signers[bearer[:headerEnd+1]]
	if !known {
		return Session{}, ErrMalformed
	}
	// The encoded forms are compared, so that each MAC has one spelling only.
	mac := by.mac(bearer[:end])
	if !hmac.Equal(mac[:], []byte(bearer[end+1:])) {
		return Session{}, ErrForged
	}
	encoded := bearer[headerEnd+1 : end]
	decoded, err := strictEncoding.AppendDecode(make([]byte, 0, usualPayload), []byte(encoded))
	// Of line breaks the decoder takes any number.
	if err != nil || strictEncoding.EncodedLen(len(decoded)) != len(encoded) {
		return Session{}, ErrForeign
	}
	s, ok := c.decode(string(decoded))
	if !ok {
		return Session{}, ErrForeign
	}
	latest := now.Add(Tolerance).Unix()
	if s.Expires <= now.Unix() || s.NotBefore > latest || s.IssuedAt > latest {
		return Session{}, ErrExpired
	}
	return s, nil
}

// decode is the inverse of appendPayload, and of nothing else: a bearer of
// another issuer or purpose begins otherwise.
func (c *Codec) decode(payload string) (Session, bool) {
	rest, found := strings.CutPrefix(payload, c.openSubject)
	if !found {
		return Session{}, false
	}
	var s Session
	var subject, issuedAt, notBefore, expires string
	for _, part := range []struct {
		value *string
		until string
	}{{&subject, openIssuedAt}, {&issuedAt, openNotBefore}, {&notBefore, openExpires}, {&expires, openSessionID}, {&s.ID, closePayload}} {
		if *part.value, rest, found = strings.Cut(rest, part.until); !found {
			return Session{}, false
		}
	}
	address, err := wallet.Parse(subject)
	// An id that could hold quotes could hold further claims.
	if err != nil || !isID(s.ID) {
		return Session{}, false
	}
	s.Wallet = address
	for _, part := range []struct {
		value *int64
		text  string
	}{{&s.IssuedAt, issuedAt}, {&s.NotBefore, notBefore}, {&s.Expires, expires}} {
		if *part.value, err = strconv.ParseInt(part.text, 10, 64); err != nil {
			return Session{}, false
		}
	}
	// Whatever was read leniently above is not written back the same.
	return s, string(c.appendPayload(make([]byte, 0, usualPayload), s)) == payload
}

func isID(id string) bool {
	if id == "" || len(id) > maxID {
		return false
	}
	for _, c := range []byte(id) {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// mac returns the encoded HMAC-SHA-256 of the signing input (RFC 7515, A.1).
func (s *signer) mac(signed string) [macLength]byte {
	w, _ := s.works.Get().(*work)
	defer s.works.Put(w)
	w.input = append(w.input[:0], signed...)
	w.hash.Reset()
	w.hash.Write(w.input)
	var encoded [macLength]byte
	base64.RawURLEncoding.Encode(encoded[:], w.hash.Sum(w.sum[:0]))
	return encoded
}
