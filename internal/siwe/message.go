package siwe

import (
	"strconv"
	"strings"
	"time"

	"github.com/litentry/wallet-federation/internal/wallet"
)

// Version is the only version of the message format.
const Version = "1"

// The fixed texts of a message.
const (
	opening             = " wants you to sign in with your Ethereum account:"
	labelURI            = "URI: "
	labelVersion        = "Version: "
	labelChainID        = "Chain ID: "
	labelNonce          = "Nonce: "
	labelIssuedAt       = "Issued At: "
	labelExpirationTime = "Expiration Time: "
	labelNotBefore      = "Not Before: "
	labelRequestID      = "Request ID: "
	labelResources      = "Resources:"
	resourceMark        = "- "
)

// Message is the content of an EIP-4361 message of version 1.
type Message struct {
	// Scheme is the URI scheme of the origin of the request; empty if not given.
	Scheme string
	// Domain is the RFC 3986 authority that asks for the signature.
	Domain string
	// Address is the wallet that signs.
	Address wallet.Address
	// Statement is for the person who signs; empty if there is none.
	Statement string
	// URI is the RFC 3986 URI that the sign-in is for.
	URI string
	// ChainID is the EIP-155 chain of the session.
	ChainID uint64
	// Nonce is at least 8 letters and digits.
	Nonce string
	// IssuedAt is when the message was made.
	IssuedAt time.Time
	// ExpirationTime is when it stops being good; zero if never.
	ExpirationTime time.Time
	// NotBefore is when it begins to be good; zero if at once.
	NotBefore time.Time
	// RequestID is the verifier's own; empty if there is none.
	RequestID string
	// Resources are URIs that the person wants considered with the sign-in.
	Resources []string
}

// String writes the message in the form that wallets sign: the EIP-55 spelling
// of the address, times as RFC 3339 in UTC, and no label for what is empty.
func (m *Message) String() string {
	var b strings.Builder
	if m.Scheme != "" {
		b.WriteString(m.Scheme + "://")
	}
	b.WriteString(m.Domain + opening + "\n" + m.Address.Checksum() + "\n\n")
	if m.Statement != "" {
		b.WriteString(m.Statement + "\n")
	}
	b.WriteString("\n" + labelURI + m.URI)
	b.WriteString("\n" + labelVersion + Version)
	b.WriteString("\n" + labelChainID + strconv.FormatUint(m.ChainID, 10))
	b.WriteString("\n" + labelNonce + m.Nonce)
	b.WriteString("\n" + labelIssuedAt + formatTime(m.IssuedAt))
	if !m.ExpirationTime.IsZero() {
		b.WriteString("\n" + labelExpirationTime + formatTime(m.ExpirationTime))
	}
	if !m.NotBefore.IsZero() {
		b.WriteString("\n" + labelNotBefore + formatTime(m.NotBefore))
	}
	if m.RequestID != "" {
		b.WriteString("\n" + labelRequestID + m.RequestID)
	}
	if len(m.Resources) > 0 {
		b.WriteString("\n" + labelResources)
		for _, resource := range m.Resources {
			b.WriteString("\n" + resourceMark + resource)
		}
	}
	return b.String()
}

func formatTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
