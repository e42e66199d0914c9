package signingkey

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"

	"github.com/litentry/wallet-federation/internal/strictjson"
)

// privateJWK is a private key as it is stored. The members are spelled out,
// rather than left to a JOSE library, because a library reads more than we
// accept: other curves, key_ops, x5c, padded or short coordinates.
type privateJWK struct {
	Type      string `json:"kty"`
	Curve     string `json:"crv"`
	X         string `json:"x"`
	Y         string `json:"y"`
	D         string `json:"d"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
	ID        string `json:"kid"`
}

// newKey computes what follows from a private key: its public JWK and its kid.
func newKey(private *ecdsa.PrivateKey, state State, createdAt, since time.Time) (*Key, error) {
	public, err := jwk.FromRaw(private.Public())
	if err != nil {
		return nil, fmt.Errorf("making public JWK: %w", err)
	}
	thumbprint, err := public.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("computing thumbprint: %w", err)
	}
	id := base64.RawURLEncoding.EncodeToString(thumbprint)
	members := map[string]any{
		jwk.KeyIDKey:     id,
		jwk.AlgorithmKey: jwa.ES256,
		jwk.KeyUsageKey:  jwk.ForSignature,
	}
	for name, value := range members {
		if err := public.Set(name, value); err != nil {
			return nil, fmt.Errorf("setting %s of public JWK: %w", name, err)
		}
	}
	return &Key{ID: id, State: state, CreatedAt: createdAt, Since: since, private: private, public: public}, nil
}

// parseJWK returns the private key of a stored JWK and the kid it claims.
func parseJWK(data json.RawMessage) (*ecdsa.PrivateKey, string, error) {
	if len(data) == 0 {
		return nil, "", errors.New("missing")
	}
	var stored privateJWK
	if err := strictjson.Unmarshal(data, &stored); err != nil {
		return nil, "", err
	}
	if stored.Type != "EC" || stored.Curve != "P-256" || stored.Use != "sig" || stored.Algorithm != Algorithm {
		return nil, "", errors.New(`want kty "EC", crv "P-256", use "sig" and alg "ES256"`)
	}
	private, err := stored.privateKey()
	if err != nil {
		return nil, "", err
	}
	return private, stored.ID, nil
}

func (j privateJWK) privateKey() (*ecdsa.PrivateKey, error) {
	d, err := decodeCoordinate("d", j.D)
	if err != nil {
		return nil, err
	}
	private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), d)
	if err != nil {
		return nil, errors.New("d is not a P-256 private key")
	}
	x, y, err := publicCoordinates(private)
	if err != nil {
		return nil, err
	}
	if j.X != x || j.Y != y {
		return nil, errors.New("x and y are not the public key of d")
	}
	return private, nil
}

// marshalJWK is the inverse of parseJWK.
func marshalJWK(key *Key) (json.RawMessage, error) {
	d, err := key.private.Bytes()
	if err != nil {
		return nil, fmt.Errorf("encoding key %s: %w", key.ID, err)
	}
	x, y, err := publicCoordinates(key.private)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(privateJWK{
		Type: "EC", Curve: "P-256", X: x, Y: y, D: encodeCoordinate(d),
		Use: "sig", Algorithm: Algorithm, ID: key.ID,
	})
	if err != nil {
		return nil, fmt.Errorf("encoding key %s: %w", key.ID, err)
	}
	return data, nil
}

// publicCoordinates reads x and y from the uncompressed point, 0x04 x y.
func publicCoordinates(private *ecdsa.PrivateKey) (x, y string, err error) {
	point, err := private.PublicKey.Bytes()
	if err != nil {
		return "", "", fmt.Errorf("encoding public key: %w", err)
	}
	return encodeCoordinate(point[1 : 1+coordinateBytes]), encodeCoordinate(point[1+coordinateBytes:]), nil
}

func encodeCoordinate(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

// decodeCoordinate refuses every spelling but one, so that a stored key has one
// form only. The error leaves the value out.
func decodeCoordinate(name, value string) ([]byte, error) {
	raw, err := base64.RawURLEncoding.DecodeString(value)
	// The decoder skips line breaks and ignores spare bits; the comparison does not.
	if err != nil || len(raw) != coordinateBytes || encodeCoordinate(raw) != value {
		return nil, fmt.Errorf("%s is not %d bytes of base64url without padding", name, coordinateBytes)
	}
	return raw, nil
}
