package trustedissuer

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
	"sigs.k8s.io/json"
)

const (
	// maxKeys bounds a key set; large issuers have a dozen.
	maxKeys = 256
	// The size of an RSA key, in bits: at least what RFC 7518, section 3.3 wants,
	// and at most what a check of its signatures is cheap with.
	minModulusBits = 2048
	maxModulusBits = 8192
)

// defaultAlgorithms are those of issuers that are not configured with others.
func defaultAlgorithms() []string { return []string{"RS256", "ES256"} }

// keySet is what an issuer publishes (RFC 7517), as far as it can be used.
type keySet []publicKey

// publicKey is a key that signs tokens.
type publicKey struct {
	id        string // empty if it has none
	algorithm string // empty if it has none
	raw       any    // *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey
}

// parseKeySet leaves out keys that are not understood or not for signatures
// (RFC 7517, section 5). A set without any key is one: so an issuer says that
// nothing it signed counts.
func parseKeySet(data []byte) (keySet, error) {
	var published struct {
		Keys []stdjson.RawMessage `json:"keys"`
	}
	if err := json.UnmarshalCaseSensitivePreserveInts(data, &published); err != nil {
		return nil, err
	}
	switch {
	case published.Keys == nil:
		return nil, errors.New("it has no keys member")
	case len(published.Keys) > maxKeys:
		return nil, fmt.Errorf("it has more than %d keys", maxKeys)
	}
	var set keySet
	for _, data := range published.Keys {
		if key, ok := parseKey(data); ok {
			set = append(set, key)
		}
	}
	return set, nil
}

func parseKey(data []byte) (publicKey, bool) {
	parsed, err := jwk.ParseKey(data)
	if err != nil {
		return publicKey{}, false
	}
	if use := parsed.KeyUsage(); use != "" && use != string(jwk.ForSignature) {
		return publicKey{}, false
	}
	if _, given := parsed.Get(jwk.KeyOpsKey); given && !slices.Contains(parsed.KeyOps(), jwk.KeyOpVerify) {
		return publicKey{}, false
	}
	key := publicKey{id: parsed.KeyID(), algorithm: parsed.Algorithm().String()}
	if err := parsed.Raw(&key.raw); err != nil {
		return publicKey{}, false
	}
	return key, key.usable()
}

// usable leaves out symmetric keys, private ones, which are nobody's secret any
// more, and weak ones.
func (k publicKey) usable() bool {
	switch raw := k.raw.(type) {
	case *rsa.PublicKey:
		bits := raw.N.BitLen()
		return bits >= minModulusBits && bits <= maxModulusBits
	case *ecdsa.PublicKey, ed25519.PublicKey:
		return true
	default:
		return false
	}
}

// find returns the one key that a token can mean: that of its key id, or the
// only one of the set if it names none. Two that both fit are none: a token that
// verifies with either would mean nothing.
func (s keySet) find(id, algorithm string) (publicKey, bool) {
	if id == "" && len(s) != 1 {
		return publicKey{}, false
	}
	var found []publicKey
	for _, key := range s {
		if (id == "" || key.id == id) && key.fits(algorithm) {
			found = append(found, key)
		}
	}
	if len(found) != 1 {
		return publicKey{}, false
	}
	return found[0], true
}

// fits reports whether a key makes signatures of an algorithm (RFC 7518, section
// 3.1; RFC 8037): there is no way for a token to have one key used as another.
func (k publicKey) fits(algorithm string) bool {
	if k.algorithm != "" && k.algorithm != algorithm {
		return false
	}
	switch algorithm {
	case "RS256", "RS384", "RS512", "PS256", "PS384", "PS512":
		_, fits := k.raw.(*rsa.PublicKey)
		return fits
	case "ES256":
		return k.onCurve(elliptic.P256())
	case "ES384":
		return k.onCurve(elliptic.P384())
	case "ES512":
		return k.onCurve(elliptic.P521())
	case "EdDSA":
		_, fits := k.raw.(ed25519.PublicKey)
		return fits
	default:
		return false
	}
}

func (k publicKey) onCurve(curve elliptic.Curve) bool {
	raw, ok := k.raw.(*ecdsa.PublicKey)
	return ok && raw.Curve == curve
}

// signed reports whether the key, which fits the token's algorithm, made its
// signature. It is checked over the very bytes that were decoded.
func (k publicKey) signed(t *token) bool {
	verifier, err := jws.NewVerifier(jwa.SignatureAlgorithm(t.algorithm))
	return err == nil && verifier.Verify([]byte(t.signed), t.signature, k.raw) == nil
}
