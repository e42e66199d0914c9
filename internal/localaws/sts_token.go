package localaws

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// maxModulusBits bounds an RSA key: the work of a check grows with the square of
// its size. AWS documents no bound.
const maxModulusBits = 16384

// webToken is a JSON Web Token taken apart, not verified.
type webToken struct {
	signed    []byte // what the signature is over
	signature []byte
	alg       string
	kid       string
	claims    claims
}

// parseToken takes a token in the compact form apart (RFC 7519).
func parseToken(raw string) (*webToken, *apiError) {
	invalid := invalidIdentityToken("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return nil, invalid
	}
	header := decodeSegment(parts[0])
	body := decodeSegment(parts[1])
	signature := decodeBase64(parts[2])
	if header == nil || body == nil || signature == nil {
		return nil, invalid
	}
	// An extension that must be understood is not (RFC 7515, 4.1.11).
	if _, critical := header["crit"]; critical {
		return nil, invalid
	}
	token := &webToken{signed: []byte(parts[0] + "." + parts[1]), signature: signature, claims: body}
	token.alg, _ = header["alg"].(string)
	token.kid, _ = header["kid"].(string)
	return token, nil
}

// decodeSegment decodes a part of a token that must be a JSON object; nil if it
// is not. Of a member that is given twice the last counts, as with AWS.
func decodeSegment(segment string) map[string]any {
	decoded := decodeBase64(segment)
	// Go would put U+FFFD in place of what is no UTF-8, and so take names for
	// equal that are not.
	if !utf8.Valid(decoded) {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(decoded))
	decoder.UseNumber()
	var object map[string]any
	if err := decoder.Decode(&object); err != nil {
		return nil
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil
	}
	return object
}

// decodeBase64 decodes base64url without padding (RFC 7515, section 2): there is
// one way to write a segment. It is nil for anything else.
func decodeBase64(segment string) []byte {
	decoded, err := base64.RawURLEncoding.Strict().DecodeString(segment)
	if err != nil || strings.ContainsAny(segment, "\r\n") { // which Go skips
		return nil
	}
	return decoded
}

func couldNotValidate() *apiError {
	return invalidIdentityToken("The web identity token provided could not be validated. See the AssumeRoleWithWebIdentity documentation for requirements.")
}

func noVerificationKey() *apiError {
	return invalidIdentityToken("Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements")
}

// keyTypeOf tells which keys an algorithm uses; ok is false for the algorithms
// that AWS does not take.
func keyTypeOf(alg string) (kind jwa.KeyType, ok bool) {
	switch alg {
	case "RS256", "RS384", "RS512":
		return jwa.RSA, true
	case "ES256", "ES384", "ES512":
		return jwa.EC, true
	default:
		return "", false
	}
}

// verify checks the token's signature with the issuer's keys.
func (t *webToken) verify(keys keySet) *apiError {
	kind, ok := keyTypeOf(t.alg)
	if !ok {
		return couldNotValidate()
	}
	published, key := keys.find(t.kid, kind)
	switch {
	case key == nil:
		return noVerificationKey()
	case published.has("key_ops"), !t.signedBy(key):
		return couldNotValidate()
	default:
		return nil
	}
}

// signedBy checks the signature over the very bytes that were decoded.
func (t *webToken) signedBy(key jwk.Key) bool {
	var raw any
	if part, err := key.PublicKey(); err != nil || part.Raw(&raw) != nil {
		return false
	}
	switch public := raw.(type) {
	case *ecdsa.PublicKey:
		if public.Curve.Params().BitSize != curveBits(t.alg) {
			return false
		}
	case *rsa.PublicKey:
		if public.N.BitLen() > maxModulusBits {
			return false
		}
	}
	verifier, err := jws.NewVerifier(jwa.SignatureAlgorithm(t.alg))
	return err == nil && verifier.Verify(t.signed, t.signature, raw) == nil
}

// curveBits is the size of the curve that an algorithm is tied to (RFC 7518, 3.4).
func curveBits(alg string) int {
	return map[string]int{"ES256": 256, "ES384": 384, "ES512": 521}[alg]
}
