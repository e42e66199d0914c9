package probe

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/litentry/wallet-federation/internal/signingkey"
	"github.com/litentry/wallet-federation/internal/token"
	"github.com/litentry/wallet-federation/internal/wallet"
)

// beyond is farther off than any clock tolerance of STS, which is five minutes.
const beyond = time.Hour

// nobody is a name that no registry gives out (RFC 2606).
const nobody = "wallet-federation-probe.invalid"

// Codes with which STS denies a token.
const (
	codeExpired = "ExpiredTokenException"
	codeInvalid = "InvalidIdentityToken"
	codeDenied  = "AccessDenied"
)

// claims are those of a valid token of the first wallet, to be spoilt.
type claims map[string]any

// tags replaces the session tags.
func (c claims) tags(tags map[string][]string) {
	c[token.TagsClaim] = map[string]any{
		"principal_tags":      tags,
		"transitive_tag_keys": []string{},
	}
}

// forgery is one token that must not buy a session.
type forgery struct {
	name string
	// denials are the codes that STS may deny it with: those of its own checks,
	// and AccessDenied where a check may be left to the trust policy.
	denials []string
	// spoil changes the claims before they are signed by the issuer's key.
	spoil func(f *forger, c claims)
	// forge makes the whole token instead.
	forge func(f *forger) (string, error)
}

// forgeries is the table of tokens that must not buy a session.
var forgeries = []forgery{
	{name: "expired token", denials: []string{codeExpired}, spoil: func(f *forger, c claims) {
		c["iat"], c["nbf"], c["exp"] = f.at(-2*beyond), f.at(-2*beyond), f.at(-beyond)
	}},
	{name: "token that is not valid yet", denials: []string{codeInvalid}, spoil: func(f *forger, c claims) {
		c["nbf"], c["exp"] = f.at(beyond), f.at(2*beyond)
	}},
	{name: "token for another audience", denials: []string{codeInvalid, codeDenied}, spoil: func(_ *forger, c claims) {
		c["aud"] = nobody
	}},
	{name: "token of another issuer", denials: []string{codeInvalid, codeDenied}, spoil: func(_ *forger, c claims) {
		c["iss"] = "https://" + nobody
	}},
	{name: "token of a subject that is no wallet", denials: []string{codeDenied}, spoil: func(f *forger, c claims) {
		c["sub"] = f.profile.SubjectPrefix + "probe"
	}},
	{name: "token whose claims were changed after signing", denials: []string{codeInvalid}, forge: (*forger).tampered},
	{name: "token signed by another key under the issuer's kid", denials: []string{codeInvalid}, forge: func(f *forger) (string, error) {
		return f.signedBy(f.stranger, f.key.ID)
	}},
	{name: "token signed by another key under its own kid", denials: []string{codeInvalid}, forge: func(f *forger) (string, error) {
		return f.signedBy(f.stranger, f.stranger.ID)
	}},
	{name: "token signed by another key without a kid", denials: []string{codeInvalid}, forge: func(f *forger) (string, error) {
		return f.signedBy(f.stranger, "")
	}},
	{name: "token without tags", denials: []string{codeDenied}, spoil: func(_ *forger, c claims) {
		delete(c, token.TagsClaim)
	}},
	{name: "token with an empty wallet tag", denials: []string{codeDenied, codeInvalid}, spoil: func(f *forger, c claims) {
		c.tags(map[string][]string{f.profile.WalletTagKey: {""}})
	}},
	{name: "token with a wallet tag of two values", denials: []string{codeInvalid, codeDenied}, spoil: func(f *forger, c claims) {
		c.tags(map[string][]string{f.profile.WalletTagKey: {string(f.wallet), string(f.other)}})
	}},
	{name: "token with another tag instead", denials: []string{codeDenied}, spoil: func(f *forger, c claims) {
		c.tags(map[string][]string{"wallet-federation-probe": {string(f.wallet)}})
	}},
	{name: "token with another tag besides", denials: []string{codeDenied}, spoil: func(f *forger, c claims) {
		c.tags(map[string][]string{f.profile.WalletTagKey: {string(f.wallet)}, "wallet-federation-probe": {"x"}})
	}},
	{name: "token with a slash in the wallet tag", denials: []string{codeDenied}, spoil: func(f *forger, c claims) {
		c.tags(map[string][]string{f.profile.WalletTagKey: {string(f.wallet) + "/" + string(f.other)}})
	}},
	{name: "token pinned to another role", denials: []string{codeInvalid}, spoil: func(f *forger, c claims) {
		c[token.RolesClaim] = []string{f.roleARN + "-" + sessionName}
	}},
	{name: "token pinned to no role", denials: []string{codeDenied}, spoil: func(_ *forger, c claims) {
		delete(c, token.RolesClaim)
	}},
}

// forger makes tokens with the issuer's own key, and with a stranger's.
type forger struct {
	profile  token.Profile
	key      *signingkey.Key
	stranger *signingkey.Key
	roleARN  string
	wallet   wallet.Address
	other    wallet.Address
	now      time.Time
}

func newForger(config *Config) (*forger, error) {
	strangers, err := signingkey.New(config.Now())
	if err != nil {
		return nil, fmt.Errorf("making a stranger's key: %w", err)
	}
	return &forger{
		profile:  config.Token,
		key:      config.Key,
		stranger: strangers.Active(),
		roleARN:  config.RoleARN,
		wallet:   config.Wallets[0].Address(),
		other:    config.Wallets[1].Address(),
		now:      config.Now(),
	}, nil
}

func (f *forger) at(offset time.Duration) int64 { return f.now.Add(offset).Unix() }

// valid are the claims of a token that the broker could have minted.
func (f *forger) valid(w wallet.Address) claims {
	return f.profile.Claims(w, []string{f.roleARN}, f.now, rand.Text())
}

// tampered carries the other wallet's claims with the signature of our own.
func (f *forger) tampered() (string, error) {
	own, err := token.Sign(f.key, f.valid(f.wallet))
	if err != nil {
		return "", err
	}
	payload, err := json.Marshal(f.valid(f.other))
	if err != nil {
		return "", fmt.Errorf("encoding claims: %w", err)
	}
	parts := strings.Split(own, ".")
	parts[1] = base64.RawURLEncoding.EncodeToString(payload)
	return strings.Join(parts, "."), nil
}

// signedBy signs valid claims with any key, under any kid or none.
func (f *forger) signedBy(key *signingkey.Key, kid string) (string, error) {
	header := map[string]string{"alg": signingkey.Algorithm, "typ": "JWT"}
	if kid != "" {
		header["kid"] = kid
	}
	var signed []string
	for _, part := range []any{header, f.valid(f.wallet)} {
		text, err := json.Marshal(part)
		if err != nil {
			return "", fmt.Errorf("encoding token: %w", err)
		}
		signed = append(signed, base64.RawURLEncoding.EncodeToString(text))
	}
	payload := strings.Join(signed, ".")
	signature, err := key.Sign([]byte(payload))
	if err != nil {
		return "", err
	}
	return payload + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

func (f *forger) make(forged *forgery) (string, error) {
	if forged.forge != nil {
		return forged.forge(f)
	}
	spoilt := maps.Clone(f.valid(f.wallet))
	forged.spoil(f, spoilt)
	return token.Sign(f.key, spoilt)
}

// tokenTries begin with a token of the operator's own making that is as it must
// be. Were it refused, the refusal of every forgery would prove nothing.
func (r *run) tokenTries() ([]try, error) {
	f, err := newForger(&r.config)
	if err != nil {
		return nil, err
	}
	sound, err := token.Sign(f.key, f.valid(f.wallet))
	if err != nil {
		return nil, err
	}
	tries := []try{r.tokenTry("token of the operator's own making", Allowed, sound, &expectation{})}
	for i := range forgeries {
		forged, err := f.make(&forgeries[i])
		if err != nil {
			return nil, fmt.Errorf("forging %s: %w", forgeries[i].name, err)
		}
		answers := &expectation{denials: forgeries[i].denials}
		tries = append(tries, r.tokenTry(forgeries[i].name, Denied, forged, answers))
	}
	return tries, nil
}

func (r *run) tokenTry(name string, expected Verdict, jwt string, answers *expectation) try {
	return try{
		Case:    Case{Name: name, Group: GroupToken, Expected: expected},
		answers: answers,
		do: func(ctx context.Context) answer {
			_, given := r.endpoints.exchange(ctx, r.config.RoleARN, jwt)
			return given
		},
	}
}
