package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"
)

const mintPath = "/v1/mint-oidc-jwt"

// Token is a minted JWT. Printing it shows everything but the JWT.
type Token struct {
	// JWT goes to STS AssumeRoleWithWebIdentity, and is as good as a password.
	JWT string
	// Wallet is the one that the token speaks for, in lower case.
	Wallet string
	// Expiration is when the token ends. A session bought with it lasts longer.
	Expiration time.Time
}

// Format implements [fmt.Formatter] for every verb and flag.
func (t Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, t.redacted()) }

// LogValue implements [slog.LogValuer] without the JWT.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.redacted()) }

// MarshalText writes what printing shows.
func (t Token) MarshalText() ([]byte, error) { return []byte(t.redacted()), nil }

func (t Token) redacted() string {
	return "client.Token(" + t.Wallet + " until " + t.Expiration.UTC().Format(time.RFC3339) + ")"
}

// Mint returns a JWT for the session's wallet, pinned to one role, or to every
// role of the issuer if roleARN is empty.
func (c *Client) Mint(ctx context.Context, session Session, roleARN string) (Token, error) {
	request := map[string]string{}
	if roleARN != "" {
		request["role_arn"] = roleARN
	}
	var minted struct {
		JWT        string `json:"jwt"`
		Wallet     string `json:"wallet"`
		Expiration int64  `json:"expiration"`
	}
	if err := c.post(ctx, mintPath, session.Bearer, request, &minted); err != nil {
		return Token{}, fmt.Errorf("minting at %s: %w", c.issuer, err)
	}
	if minted.JWT == "" || minted.Wallet != session.Wallet {
		return Token{}, fmt.Errorf("minting at %s: %w", c.issuer, errors.New("the answer is not a token of the wallet"))
	}
	return Token{JWT: minted.JWT, Wallet: minted.Wallet, Expiration: time.Unix(minted.Expiration, 0).UTC()}, nil
}
