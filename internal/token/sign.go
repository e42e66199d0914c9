package token

import (
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/litentry/wallet-federation/internal/signingkey"
)

// header is the JOSE header, in the order in which it is written.
type header struct {
	Algorithm string `json:"alg"`
	KeyID     string `json:"kid"`
	Type      string `json:"typ"`
}

// Sign returns the claims as a JWT in compact form, signed by k with ES256. It
// signs whatever it is given: the isolation probe forges tokens with it.
func Sign(k *signingkey.Key, claims map[string]any) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("encoding claims: %w", err)
	}
	encodedHeader, err := encodeHeader(k)
	if err != nil {
		return "", err
	}
	signed, err := sign(k, encodedHeader+".", payload)
	return string(signed), err
}

// encodeHeader returns the first segment of a token signed by k.
func encodeHeader(k *signingkey.Key) (string, error) {
	data, err := json.Marshal(header{Algorithm: signingkey.Algorithm, KeyID: k.ID, Type: "JWT"})
	if err != nil {
		return "", fmt.Errorf("encoding header: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(data), nil
}

// sign appends payload and signature to the header segment and its dot (JWS
// compact serialisation, RFC 7515 section 7.1).
func sign(k *signingkey.Key, headerDot string, payload []byte) ([]byte, error) {
	// The payload, a dot, and the 86 characters of a 64-byte signature.
	size := len(headerDot) + base64.RawURLEncoding.EncodedLen(len(payload)) + 1 + 86
	signed := append(make([]byte, 0, size), headerDot...)
	signed = base64.RawURLEncoding.AppendEncode(signed, payload)
	signature, err := k.Sign(signed)
	if err != nil {
		return nil, err
	}
	return base64.RawURLEncoding.AppendEncode(append(signed, '.'), signature), nil
}
