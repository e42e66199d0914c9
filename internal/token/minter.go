package token

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/litentry/wallet-federation/internal/signingkey"
	"github.com/litentry/wallet-federation/internal/wallet"
)

// Minter signs tokens of one profile, for one list of roles, with one key. All
// that does not differ between tokens is encoded once. It is safe for
// concurrent use.
type Minter struct {
	key       *signingkey.Key
	lifetime  int64
	headerDot string

	// The claims in the order in which they are written. Each of the first
	// three is followed by the wallet, inside an open JSON string.
	openSubject, openWallet, openTag, afterTag string
}

// NewMinter prepares tokens with exactly the claims of [Profile.Claims].
func NewMinter(p Profile, k *signingkey.Key, roles []string) (*Minter, error) {
	encodedHeader, err := encodeHeader(k)
	if err != nil {
		return nil, err
	}
	m := &Minter{key: k, lifetime: int64(p.Lifetime / time.Second), headerDot: encodedHeader + "."}
	if err := m.prepare(p, roles); err != nil {
		return nil, fmt.Errorf("preparing claims: %w", err)
	}
	return m, nil
}

func (m *Minter) prepare(p Profile, roles []string) error {
	fixed := map[string]any{"iss": p.Issuer, "aud": p.Audience}
	if len(roles) > 0 {
		fixed[RolesClaim] = roles
	}
	opening, err := json.Marshal(fixed)
	if err != nil {
		return err
	}
	subjectPrefix, err := json.Marshal(p.SubjectPrefix)
	if err != nil {
		return err
	}
	tagKey, err := json.Marshal(p.WalletTagKey)
	if err != nil {
		return err
	}
	m.openSubject = strings.TrimSuffix(string(opening), "}") + `,"sub":` + strings.TrimSuffix(string(subjectPrefix), `"`)
	m.openWallet = `",` + string(tagKey) + `:"`
	m.openTag = `","` + TagsClaim + `":{"principal_tags":{` + string(tagKey) + `:["`
	m.afterTag = `"]},"transitive_tag_keys":[` + string(tagKey) + `]}`
	return nil
}

// KeyID returns the kid of the tokens.
func (m *Minter) KeyID() string { return m.key.ID }

// Mint returns a token for wallet w, issued at now, and its exp claim. The jti
// is made of letters and digits: it is written without escaping.
func (m *Minter) Mint(w wallet.Address, now time.Time, jti string) ([]byte, time.Time, error) {
	issued := now.Unix()
	expires := issued + m.lifetime
	jwt, err := sign(m.key, m.headerDot, m.claims(w, issued, expires, jti))
	if err != nil {
		return nil, time.Time{}, err
	}
	return jwt, time.Unix(expires, 0).UTC(), nil
}

func (m *Minter) claims(w wallet.Address, issued, expires int64, jti string) []byte {
	// The three times and the jti with their names take less than 200 bytes.
	size := len(m.openSubject) + len(m.openWallet) + len(m.openTag) + len(m.afterTag) + 3*len(w) + len(jti) + 200
	b := make([]byte, 0, size)
	for _, open := range []string{m.openSubject, m.openWallet, m.openTag} {
		b = append(b, open...)
		b = append(b, w...)
	}
	b = append(b, m.afterTag...)
	b = strconv.AppendInt(append(b, `,"iat":`...), issued, 10)
	b = strconv.AppendInt(append(b, `,"nbf":`...), issued, 10)
	b = strconv.AppendInt(append(b, `,"exp":`...), expires, 10)
	b = append(b, `,"jti":"`...)
	b = append(b, jti...)
	return append(b, `"}`...)
}
