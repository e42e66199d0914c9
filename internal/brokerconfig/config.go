package brokerconfig

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"github.com/litentry/wallet-federation/internal/strictjson"
	"github.com/litentry/wallet-federation/internal/token"
	"github.com/litentry/wallet-federation/internal/wallet"
)

const (
	// DataKey is the key of the ConfigMap, and the name of the mounted file,
	// that holds the document.
	DataKey = "config.json"
	// MaxBytes bounds the document: it is also the most a ConfigMap holds.
	MaxBytes = 1 << 20
)

// Config says how one issuer's broker authenticates and what it mints.
type Config struct {
	// Issuer is the issuer URL: the iss claim, the URI of sign-in messages,
	// and the place where clients find the broker. Never taken from a request.
	Issuer string `json:"issuer"`
	// Token describes the JWTs that are minted.
	Token Token `json:"token"`
	// Session describes the bearer that a sign-in yields.
	Session Session `json:"session"`
	// Login describes the messages that wallets sign.
	Login Login `json:"login"`
	// Admission says which wallets may have a session.
	Admission Admission `json:"admission"`
	// Revocations end sessions before their time, at most MaxRevocations.
	Revocations []Revocation `json:"revocations,omitempty"`
	// Limits bound how often callers may ask.
	Limits Limits `json:"limits"`
	// Roles are the role ARNs that tokens are pinned to, at most MaxRoles. With
	// none the broker mints nothing: a token without the pin would be good for
	// any role that trusts the issuer.
	Roles []string `json:"roles,omitempty"`
}

// Token describes the JWTs that are minted.
type Token struct {
	// Audience is the aud claim: 1 to 255 printable ASCII characters. Default
	// sts.amazonaws.com.
	Audience string `json:"audience"`
	// LifetimeSeconds is 60 to 3600. Default 300.
	LifetimeSeconds int `json:"lifetimeSeconds"`
	// SubjectPrefix stands before the wallet in the sub claim: 1 to 128 of
	// letters, digits and _.:/=+-@. Default agentkeys:agent: with its colon.
	SubjectPrefix string `json:"subjectPrefix"`
	// WalletTagKey is the session tag key and the claim that carry the wallet: 1
	// to 128 of letters, digits and _.:/=+-@. Default agentkeys_user_wallet.
	WalletTagKey string `json:"walletTagKey"`
}

// Session describes the bearer that a sign-in yields.
type Session struct {
	// LifetimeSeconds is 60 to 86400. Default 3600.
	LifetimeSeconds int `json:"lifetimeSeconds"`
}

// Login describes the messages that wallets sign.
type Login struct {
	// ChainIDs are the EIP-155 chains that a wallet may name, 1 to 64 of them.
	// No chain is asked anything: the id only has to be one of these. Default 1.
	ChainIDs []uint64 `json:"chainIDs"`
	// Statement is shown to the person who signs: at most 512 of the
	// characters that EIP-4361 allows. Default none.
	Statement string `json:"statement,omitempty"`
	// TrustedIssuers are other issuers whose tokens prove a wallet as a
	// signature does, at most MaxTrustedIssuers.
	TrustedIssuers []TrustedIssuer `json:"trustedIssuers,omitempty"`
}

// TrustedIssuer is an OpenID Connect issuer that is believed about wallets.
type TrustedIssuer struct {
	// Issuer is its URL, https, and byte for byte the iss claim of its tokens.
	Issuer string `json:"issuer"`
	// Audiences are what the aud claim of a token must name one of: 1 to 16 of
	// at most 255 printable ASCII characters. They keep a token that was made
	// for another service from being used here.
	Audiences []string `json:"audiences"`
	// WalletClaim is the claim that holds the wallet's address as a string: 1 to
	// 128 of letters, digits and _.:/=+-@.
	WalletClaim string `json:"walletClaim"`
	// Algorithms are the JWS algorithms a token may be signed with, of those in
	// SignatureAlgorithms. Default RS256 and ES256.
	Algorithms []string `json:"algorithms,omitempty"`
}

// AdmissionMode says how Admission decides.
type AdmissionMode string

// The admission modes.
const (
	// Open admits every wallet, and so lets anyone fill a prefix of the bucket.
	Open AdmissionMode = "Open"
	// AllowList admits the listed wallets.
	AllowList AdmissionMode = "AllowList"
)

// Admission says which wallets may have a session.
type Admission struct {
	// Mode has no default: it is a choice that somebody has to make.
	Mode AdmissionMode `json:"mode"`
	// Wallets are admitted in mode AllowList, and must be left out in mode Open.
	// At most MaxWallets.
	Wallets []wallet.Address `json:"wallets,omitempty"`
	// Directories hold files of more wallets for mode AllowList, one address a
	// line; see package admission. They are absolute paths, at most
	// MaxDirectories, and must be left out in mode Open.
	Directories []string `json:"directories,omitempty"`
	// ProbeWallets, those of the operator, are admitted in every mode. At most 16.
	ProbeWallets []wallet.Address `json:"probeWallets,omitempty"`
}

// Revocation ends the sessions, and refuses the tokens of trusted issuers, that
// were issued to a wallet before a time. A time to come keeps the wallet out
// until then.
type Revocation struct {
	// Wallet is whose; empty means everybody's.
	Wallet wallet.Address `json:"wallet,omitempty"`
	// Before is the time, in whole seconds.
	Before time.Time `json:"before"`
}

// Limits bound how often callers may sign in and mint. The published documents
// and the health of the broker are not limited. Each replica counts for itself.
type Limits struct {
	// Client is for each client address: an IPv4 address or an IPv6 /64 network.
	// Default 50 a second in bursts of 200.
	Client Rate `json:"client"`
	// Wallet is for each wallet that has proved itself. Default 10 a second in
	// bursts of 50.
	Wallet Rate `json:"wallet"`
	// TrustedProxies are the networks, such as 10.0.0.0/8, whose X-Forwarded-For
	// header is believed, at most MaxProxies. Default none: the client is
	// whoever connects.
	TrustedProxies []netip.Prefix `json:"trustedProxies,omitempty"`
}

// Rate is a token bucket.
type Rate struct {
	// PerSecond is how many requests a second are let through in the long run, 0
	// to 1,000,000; 0 lifts the limit.
	PerSecond float64 `json:"perSecond"`
	// Burst is how many are let through at once: 1 to 1,000,000.
	Burst int `json:"burst"`
}

// Default returns a configuration with every default set. It is not valid until
// the issuer and the admission mode are filled in.
func Default() *Config {
	return &Config{
		Token: Token{
			Audience:        token.DefaultAudience,
			LifetimeSeconds: int(token.DefaultLifetime / time.Second),
			SubjectPrefix:   token.DefaultSubjectPrefix,
			WalletTagKey:    token.DefaultWalletTagKey,
		},
		Session: Session{LifetimeSeconds: 3600},
		Login:   Login{ChainIDs: []uint64{1}},
		Limits: Limits{
			Client: Rate{PerSecond: 50, Burst: 200},
			Wallet: Rate{PerSecond: 10, Burst: 50},
		},
	}
}

// Parse reads a document of at most [MaxBytes], gives members that are absent
// their defaults, and validates the whole.
func Parse(data []byte) (*Config, error) {
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("parsing broker configuration: more than %d bytes", MaxBytes)
	}
	config := Default()
	if err := strictjson.Unmarshal(data, config); err != nil {
		return nil, fmt.Errorf("parsing broker configuration: %w", err)
	}
	if err := config.Validate(); err != nil {
		return nil, fmt.Errorf("parsing broker configuration: %w", err)
	}
	return config, nil
}

// Marshal validates the configuration and writes it. Equal configurations give
// equal bytes, indented for people who look at the ConfigMap.
func (c *Config) Marshal() ([]byte, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("encoding broker configuration: %w", err)
	}
	data, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encoding broker configuration: %w", err)
	}
	if len(data)+1 > MaxBytes {
		return nil, fmt.Errorf("encoding broker configuration: more than %d bytes", MaxBytes)
	}
	return append(data, '\n'), nil
}

// Profile returns what the issuer's tokens have in common.
func (c *Config) Profile() token.Profile {
	return token.Profile{
		Issuer:        c.Issuer,
		Audience:      c.Token.Audience,
		SubjectPrefix: c.Token.SubjectPrefix,
		WalletTagKey:  c.Token.WalletTagKey,
		Lifetime:      time.Duration(c.Token.LifetimeSeconds) * time.Second,
	}
}
