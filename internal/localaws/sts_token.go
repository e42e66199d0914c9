package localaws

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"io"
	"strings"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// maxKeysOfType is how many keys of one type a key set may have. With more,
// none of that type is used.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html
const maxKeysOfType = 100

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
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if header == nil || body == nil || err != nil {
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
	decoded, err := base64.RawURLEncoding.DecodeString(segment)
	if err != nil {
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
func (t *webToken) verify(keys jwk.Set) *apiError {
	kind, ok := keyTypeOf(t.alg)
	if !ok {
		return couldNotValidate()
	}
	key := t.selectKey(keys, kind)
	if key == nil {
		return noVerificationKey()
	}
	if len(key.KeyOps()) > 0 {
		return couldNotValidate()
	}
	if !t.signedBy(key) {
		return couldNotValidate()
	}
	return nil
}

// signedBy checks the signature over the very bytes that were decoded.
func (t *webToken) signedBy(key jwk.Key) bool {
	var public any
	if part, err := key.PublicKey(); err != nil || part.Raw(&public) != nil {
		return false
	}
	if ec, ok := public.(*ecdsa.PublicKey); ok && ec.Curve.Params().BitSize != curveBits(t.alg) {
		return false
	}
	verifier, err := jws.NewVerifier(jwa.SignatureAlgorithm(t.alg))
	return err == nil && verifier.Verify(t.signed, t.signature, public) == nil
}

// curveBits is the size of the curve that an algorithm is tied to (RFC 7518, 3.4).
func curveBits(alg string) int {
	return map[string]int{"ES256": 256, "ES384": 384, "ES512": 521}[alg]
}

// selectKey picks the key that the token's header names: the last of those with
// that id. A token without a key id can only mean the one key of a set.
func (t *webToken) selectKey(keys jwk.Set, kind jwa.KeyType) jwk.Key {
	var selected jwk.Key
	sameType := 0
	for i := range keys.Len() {
		key, ok := keys.Key(i)
		if !ok || key.KeyType() != kind {
			continue
		}
		sameType++
		named := key.KeyID() == t.kid || (t.kid == "" && keys.Len() == 1)
		if named && usable(key) {
			selected = key
		}
	}
	if sameType > maxKeysOfType {
		return nil
	}
	return selected
}

// usable tells whether AWS would consider a key at all: one that has an id, is
// not for encryption, and is the key of its certificate if it has one.
func usable(key jwk.Key) bool {
	if key.KeyID() == "" || (key.KeyUsage() != "" && key.KeyUsage() != string(jwk.ForSignature)) {
		return false
	}
	chain := key.X509CertChain()
	if chain == nil || chain.Len() == 0 {
		return true
	}
	encoded, _ := chain.Get(0)
	der, err := base64.StdEncoding.DecodeString(string(encoded))
	if err != nil {
		return false
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return false
	}
	certified, err := jwk.FromRaw(certificate.PublicKey)
	return err == nil && jwk.Equal(certified, key)
}
