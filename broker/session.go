package broker

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/litentry/wallet-federation/internal/wallet"
)

const (
	minSessionKey = 32
	maxSessionKey = 1024
	// maxBearer is several times what a bearer of ours can be.
	maxBearer = 2048

	// sessionAudience and the typ in sessionHeader belong to session bearers
	// alone, beside the key and the algorithm: what signs, what is signed and
	// what it is for each keep a bearer and a minted JWT apart.
	sessionAudience = "urn:wallet-federation:session"
	sessionHeader   = `{"alg":"HS256","typ":"wallet-session+jwt"}`

	// sessionTolerance is how far apart the clocks of replicas may be.
	sessionTolerance = 30 * time.Second
)

// SessionKey is the secret that session bearers are signed with. However it is
// printed, logged or encoded, it shows nothing of itself.
type SessionKey []byte

const redactedSessionKey = "broker.SessionKey(redacted)"

// Format implements [fmt.Formatter] for every verb and flag.
func (SessionKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redactedSessionKey) }

// LogValue implements [slog.LogValuer] without the key.
func (SessionKey) LogValue() slog.Value { return slog.StringValue(redactedSessionKey) }

// MarshalText writes what printing shows.
func (SessionKey) MarshalText() ([]byte, error) { return []byte(redactedSessionKey), nil }

// The reasons for which a bearer is refused. Callers see none of them.
var (
	errBearerMalformed = errors.New("bearer_malformed")
	errBearerForged    = errors.New("bearer_forged")
	errBearerForeign   = errors.New("bearer_foreign")
	errBearerExpired   = errors.New("bearer_expired")
)

// sessionCodec issues and verifies session bearers: HS256 JWTs of one fixed
// form. Verifying takes exactly that form, not JSON in general, so that no
// decoder's leniency (a claim given twice, another spelling) is reachable.
type sessionCodec struct {
	// newMAC holds the key where no printing of the server, or of what holds
	// it, can reach: in an unexported field a type's own Format is not used.
	newMAC    func() hash.Hash
	headerDot string
	// openSubject is the payload up to the wallet.
	openSubject string
}

// The rest of the payload, between wallet, iat, nbf, exp and jti.
const (
	openIssuedAt  = `","iat":`
	openNotBefore = `,"nbf":`
	openExpires   = `,"exp":`
	openSessionID = `,"jti":"`
	closePayload  = `"}`
)

// session is what a bearer says.
type session struct {
	wallet                       wallet.Address
	issuedAt, notBefore, expires int64
	id                           string
}

func newSessionCodec(key SessionKey, issuer string) (sessionCodec, error) {
	if len(key) < minSessionKey || len(key) > maxSessionKey {
		return sessionCodec{}, fmt.Errorf("the session key is not %d to %d bytes long", minSessionKey, maxSessionKey)
	}
	opening, err := json.Marshal(struct {
		Issuer   string `json:"iss"`
		Audience string `json:"aud"`
		Subject  string `json:"sub"`
	}{Issuer: issuer, Audience: sessionAudience})
	if err != nil {
		return sessionCodec{}, fmt.Errorf("encoding session: %w", err)
	}
	key = bytes.Clone(key)
	return sessionCodec{
		newMAC:      func() hash.Hash { return hmac.New(sha256.New, key) },
		headerDot:   base64.RawURLEncoding.EncodeToString([]byte(sessionHeader)) + ".",
		openSubject: strings.TrimSuffix(string(opening), closePayload),
	}, nil
}

// issue returns a bearer for a wallet and its expiry. The id is made of letters
// and digits.
func (c sessionCodec) issue(w wallet.Address, id string, now time.Time, lifetime time.Duration) (string, time.Time) {
	issued := now.Unix()
	expires := issued + int64(lifetime/time.Second)
	payload := c.encode(session{wallet: w, issuedAt: issued, notBefore: issued, expires: expires, id: id})
	signed := c.headerDot + base64.RawURLEncoding.EncodeToString(payload)
	return signed + "." + string(c.mac(signed)), time.Unix(expires, 0).UTC()
}

func (c sessionCodec) encode(s session) []byte {
	// Three numbers, the names and an id of 26 take less than 120 bytes.
	b := make([]byte, 0, len(c.openSubject)+len(s.wallet)+len(s.id)+120)
	b = append(append(b, c.openSubject...), s.wallet...)
	b = strconv.AppendInt(append(b, openIssuedAt...), s.issuedAt, 10)
	b = strconv.AppendInt(append(b, openNotBefore...), s.notBefore, 10)
	b = strconv.AppendInt(append(b, openExpires...), s.expires, 10)
	b = append(append(b, openSessionID...), s.id...)
	return append(b, closePayload...)
}

// verify returns what a bearer says, if it may be believed now. Nothing of a
// bearer is decoded before its MAC is found right.
func (c sessionCodec) verify(bearer string, now time.Time) (session, error) {
	rest, found := strings.CutPrefix(bearer, c.headerDot)
	if !found || len(bearer) > maxBearer {
		return session{}, errBearerMalformed
	}
	payload, mac, found := strings.Cut(rest, ".")
	if !found {
		return session{}, errBearerMalformed
	}
	// The encoded forms are compared, so that each MAC has one spelling only.
	if !hmac.Equal(c.mac(bearer[:len(c.headerDot)+len(payload)]), []byte(mac)) {
		return session{}, errBearerForged
	}
	decoded, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return session{}, errBearerForeign
	}
	s, ok := c.decode(string(decoded))
	if !ok {
		return session{}, errBearerForeign
	}
	latest := now.Add(sessionTolerance).Unix()
	if s.expires <= now.Unix() || s.notBefore > latest || s.issuedAt > latest {
		return session{}, errBearerExpired
	}
	return s, nil
}

// decode is the inverse of encode, and of nothing else: a bearer of another
// issuer or purpose begins otherwise.
func (c sessionCodec) decode(payload string) (session, bool) {
	rest, found := strings.CutPrefix(payload, c.openSubject)
	if !found {
		return session{}, false
	}
	var s session
	var subject, issuedAt, notBefore, expires string
	for _, part := range []struct {
		value *string
		until string
	}{{&subject, openIssuedAt}, {&issuedAt, openNotBefore}, {&notBefore, openExpires}, {&expires, openSessionID}, {&s.id, closePayload}} {
		if *part.value, rest, found = strings.Cut(rest, part.until); !found {
			return session{}, false
		}
	}
	address, err := wallet.Parse(subject)
	if err != nil {
		return session{}, false
	}
	s.wallet = address
	for _, part := range []struct {
		value *int64
		text  string
	}{{&s.issuedAt, issuedAt}, {&s.notBefore, notBefore}, {&s.expires, expires}} {
		if *part.value, err = strconv.ParseInt(part.text, 10, 64); err != nil {
			return session{}, false
		}
	}
	// Whatever was read leniently above is not written back the same.
	return s, string(c.encode(s)) == payload
}

// mac returns the encoded HMAC-SHA-256 of the signing input (RFC 7515, A.1).
func (c sessionCodec) mac(signed string) []byte {
	h := c.newMAC()
	h.Write([]byte(signed))
	return base64.RawURLEncoding.AppendEncode(nil, h.Sum(nil))
}
