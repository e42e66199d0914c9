package trustedissuer

import (
	"encoding/base64"
	"strings"

	"github.com/litentry/wallet-federation/internal/strictjson"
)

// maxTokenBytes is several times what tokens with many claims have.
const maxTokenBytes = 16 << 10

// token is a JWT taken apart, not verified.
type token struct {
	signed    string // what the signature is over
	signature []byte
	algorithm string
	keyID     string // empty if it names none
	header    map[string]any
	issuer    string
	claims    claims
}

// parseToken takes a JWS in compact form apart (RFC 7515, section 7.1).
func parseToken(raw string) (*token, error) {
	if len(raw) > maxTokenBytes || strings.Count(raw, ".") != 2 {
		return nil, Malformed
	}
	end := strings.LastIndexByte(raw, '.')
	header, payload, _ := strings.Cut(raw[:end], ".")
	t := &token{signed: raw[:end], header: decodeObject(header), claims: decodeObject(payload)}
	signature, ok := decodeSegment(raw[end+1:])
	if !ok || len(signature) == 0 || t.header == nil || t.claims == nil {
		return nil, Malformed
	}
	t.signature = signature
	if t.algorithm, ok = t.header["alg"].(string); !ok {
		return nil, Malformed
	}
	// An empty kid would else be the same as none.
	if kid, given := t.header["kid"]; given {
		if t.keyID, _ = kid.(string); t.keyID == "" {
			return nil, Malformed
		}
	}
	if t.issuer, ok = t.claims["iss"].(string); !ok {
		return nil, Malformed
	}
	return t, nil
}

// checkType refuses what the issuer made for another purpose, such as a logout
// token (RFC 8725, section 3.11), or with an extension, none of which is
// understood here (RFC 7515, section 4.1.11).
func (t *token) checkType() error {
	if _, given := t.header["crit"]; given {
		return WrongType
	}
	typ, given := t.header["typ"]
	if !given {
		return nil
	}
	name, _ := typ.(string)
	switch strings.ToLower(name) {
	// The media type of access tokens may be written in full (RFC 9068, 2.1).
	case "jwt", "at+jwt", "application/at+jwt":
		return nil
	default:
		return WrongType
	}
}

// decodeObject decodes a segment that is a JSON object, with no member twice at
// any depth; nil if it is not.
func decodeObject(segment string) map[string]any {
	decoded, ok := decodeSegment(segment)
	if !ok {
		return nil
	}
	var object map[string]any
	if strictjson.Unmarshal(decoded, &object) != nil {
		return nil
	}
	return object
}

// decodeSegment decodes base64url without padding (RFC 7515, section 2), in the
// one spelling that there is of it.
func decodeSegment(segment string) ([]byte, bool) {
	// The decoder skips line breaks.
	if strings.ContainsAny(segment, "\r\n") {
		return nil, false
	}
	decoded, err := base64.RawURLEncoding.Strict().DecodeString(segment)
	return decoded, err == nil
}
