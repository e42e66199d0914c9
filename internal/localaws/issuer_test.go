package localaws_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// The audiences and claims that the recordings start from.
const (
	audience     = "client-a"
	otherClient  = "client-b"
	subjectProbe = "subject-probe"
)

// signingKeys are made once: an RSA key is slow to make.
var signingKeys = sync.OnceValues(func() (map[string]any, error) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	keys := map[string]any{"RS256": rsaKey, "RS384": rsaKey, "RS512": rsaKey}
	for alg, curve := range map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			return nil, err
		}
		keys[alg] = key
	}
	return keys, nil
})

func signingKey(t *testing.T, alg string) any {
	t.Helper()
	keys, err := signingKeys()
	if err != nil {
		t.Fatal(err)
	}
	return keys[alg]
}

// issuer is an OpenID Connect issuer on this machine.
type issuer struct {
	*httptest.Server
	jwks    atomic.Value // []map[string]any
	fetches atomic.Int32
}

// newIssuer serves the six keys that the recordings start from.
func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": i.URL, "jwks_uri": i.URL + "/keys"})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		i.fetches.Add(1)
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": i.jwks.Load()})
	})
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	var keys []map[string]any
	for _, alg := range []string{"RS256", "RS384", "RS512", "ES256", "ES384", "ES512"} {
		keys = append(keys, publicJWK(t, alg))
	}
	i.jwks.Store(keys)
	return i
}

// publicJWK is the public key of an algorithm as the recordings publish it.
func publicJWK(t *testing.T, alg string) map[string]any {
	t.Helper()
	key, err := jwk.FromRaw(signingKey(t, alg))
	if err != nil {
		t.Fatal(err)
	}
	public, err := key.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(public)
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]any
	if err := json.Unmarshal(encoded, &members); err != nil {
		t.Fatal(err)
	}
	members["kid"], members["alg"], members["use"] = alg, alg, "sig"
	return members
}

// certificate is a self-signed certificate of the RSA key, as x5c has it.
func certificate(t *testing.T) string {
	t.Helper()
	key, ok := signingKey(t, "RS256").(*rsa.PrivateKey)
	if !ok {
		t.Fatal("the key is not RSA")
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(der)
}

// claimsAt are the claims that the recordings start from.
func (i *issuer) claimsAt(now time.Time) map[string]any {
	return map[string]any{
		"iss": i.URL, "aud": audience, "sub": subjectProbe,
		"iat": now.Unix() - 10, "exp": now.Unix() + 900,
	}
}

// token signs the claims with ES256.
func (i *issuer) token(t *testing.T, claims map[string]any) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	return signToken(t, map[string]any{"alg": "ES256", "kid": "ES256", "typ": "JWT"}, payload, "ES256")
}

// signToken signs any payload under any header with the key of an algorithm.
func signToken(t *testing.T, header map[string]any, payload []byte, alg string) string {
	t.Helper()
	encoded, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	input := base64.RawURLEncoding.EncodeToString(encoded) + "." + base64.RawURLEncoding.EncodeToString(payload)
	signer, err := jws.NewSigner(jwa.SignatureAlgorithm(alg))
	if err != nil {
		t.Fatal(err)
	}
	signature, err := signer.Sign([]byte(input), signingKey(t, alg))
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// with copies claims and sets some; a value of removed takes a claim away.
func with(claims, changes map[string]any) map[string]any {
	changed := maps.Clone(claims)
	for name, value := range changes {
		if value == removed {
			delete(changed, name)
		} else {
			changed[name] = value
		}
	}
	return changed
}

// removed takes a claim away, see with.
var removed any = struct{ removed string }{"removed"}
