package brokerconfig

import (
	"encoding/json"
	"fmt"
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
	// ProbeWallets, those of the operator, are admitted in every mode. At most 16.
	ProbeWallets []wallet.Address `json:"probeWallets,omitempty"`
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
