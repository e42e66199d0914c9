package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/litentry/wallet-federation/internal/siwe"
	"github.com/litentry/wallet-federation/internal/wallet"
)

const (
	startPath  = "/v1/auth/wallet/start"
	verifyPath = "/v1/auth/wallet/verify"

	// mainnet is the chain that sign-ins name by default.
	mainnet = 1

	// clockTolerance is how far the broker's clock may be from ours.
	clockTolerance = 5 * time.Minute

	// maxMessageLifetime bounds how long a message that we sign is good for.
	maxMessageLifetime = time.Hour
)

// Signer is a wallet that can prove itself.
type Signer interface {
	// Address returns the wallet's address, in lower case or with its EIP-55
	// checksum.
	Address() string
	// SignPersonal signs a message by personal_sign (EIP-191) and returns 0x
	// and 130 hexadecimal digits.
	SignPersonal(ctx context.Context, message string) (string, error)
}

// ParseKey returns the signer of a private key, 64 hexadecimal digits with or
// without 0x. The error says nothing of them.
func ParseKey(privateKey string) (Signer, error) {
	key, err := wallet.ParseKey(privateKey)
	if err != nil {
		return nil, err
	}
	return KeySigner(key), nil
}

// KeySigner returns the signer of a key in memory.
func KeySigner(key *wallet.Key) Signer { return keySigner{key} }

type keySigner struct{ key *wallet.Key }

func (s keySigner) Address() string { return string(s.key.Address()) }

func (s keySigner) SignPersonal(_ context.Context, message string) (string, error) {
	return s.key.SignPersonal(message), nil
}

// Session is what a sign-in yields. Printing it shows everything but the bearer.
type Session struct {
	// Bearer is the session's secret.
	Bearer string
	// Wallet is the one that the session speaks for, in lower case.
	Wallet string
	// ExpiresAt is when the session ends.
	ExpiresAt time.Time
}

// Format implements [fmt.Formatter] for every verb and flag.
func (s Session) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.redacted()) }

// LogValue implements [slog.LogValuer] without the bearer.
func (s Session) LogValue() slog.Value { return slog.StringValue(s.redacted()) }

// MarshalText writes what printing shows: a session is not stored by accident.
func (s Session) MarshalText() ([]byte, error) { return []byte(s.redacted()), nil }

func (s Session) redacted() string {
	return "client.Session(" + s.Wallet + " until " + s.ExpiresAt.UTC().Format(time.RFC3339) + ")"
}

// SignIn proves the signer's wallet to the broker and returns a session for it.
// A wallet that the issuer does not admit is refused with the code not_admitted.
func (c *Client) SignIn(ctx context.Context, signer Signer) (Session, error) {
	session, err := c.signIn(ctx, signer)
	if err != nil {
		return Session{}, fmt.Errorf("signing in to %s: %w", c.issuer, err)
	}
	return session, nil
}

func (c *Client) signIn(ctx context.Context, signer Signer) (Session, error) {
	address, err := wallet.Parse(signer.Address())
	if err != nil {
		return Session{}, err
	}
	var started struct {
		RequestID   string `json:"request_id"`
		SIWEMessage string `json:"siwe_message"`
	}
	request := map[string]any{"address": address, "chain_id": c.ChainID}
	if err := c.post(ctx, startPath, "", request, &started); err != nil {
		return Session{}, err
	}
	if err := c.check(started.SIWEMessage, address); err != nil {
		return Session{}, fmt.Errorf("refusing to sign what the broker proposes: %w", err)
	}
	signature, err := signer.SignPersonal(ctx, started.SIWEMessage)
	if err != nil {
		return Session{}, fmt.Errorf("signing: %w", err)
	}
	return c.finish(ctx, address, started.RequestID, signature)
}

// check refuses messages that would do more than sign the wallet in here and
// now: a broker in the wrong hands could ask for a sign-in elsewhere, for one
// that lasts, or, in resources, for a delegation (ERC-5573).
func (c *Client) check(text string, address wallet.Address) error {
	message, err := siwe.Parse(text)
	if err != nil {
		return err
	}
	now := c.now()
	if message.ExpirationTime.IsZero() || message.ExpirationTime.After(now.Add(maxMessageLifetime)) {
		return fmt.Errorf("the message is good for longer than %v", maxMessageLifetime)
	}
	if len(message.Resources) > 0 {
		return errors.New("the message asks for resources")
	}
	return message.Verify(siwe.Expectation{
		Scheme:    c.url.Scheme,
		Domain:    c.url.Host,
		URI:       c.issuer,
		Address:   address,
		Nonce:     message.Nonce,
		ChainIDs:  []uint64{c.ChainID},
		Now:       now,
		Tolerance: clockTolerance,
	})
}

func (c *Client) finish(ctx context.Context, address wallet.Address, requestID, signature string) (Session, error) {
	var verified struct {
		SessionJWT string `json:"session_jwt"`
		Wallet     string `json:"wallet"`
		ExpiresAt  int64  `json:"expires_at"`
	}
	request := map[string]string{"request_id": requestID, "signature": signature}
	if err := c.post(ctx, verifyPath, "", request, &verified); err != nil {
		return Session{}, err
	}
	if verified.SessionJWT == "" || verified.Wallet != string(address) {
		return Session{}, errors.New("the answer is not a session of the wallet")
	}
	return Session{
		Bearer:    verified.SessionJWT,
		Wallet:    verified.Wallet,
		ExpiresAt: time.Unix(verified.ExpiresAt, 0).UTC(),
	}, nil
}
