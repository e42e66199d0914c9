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
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"

	"github.com/litentry/wallet-federation/internal/localaws"
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

func signingKey(tb testing.TB, alg string) any {
	tb.Helper()
	keys, err := signingKeys()
	if err != nil {
		tb.Fatal(err)
	}
	return keys[alg]
}

// issuer is an OpenID Connect issuer on this machine. Its URL may have a path.
type issuer struct {
	*httptest.Server
	jwks    atomic.Value // []map[string]any
	fetches atomic.Int32
}

// newIssuer serves the six keys that the recordings start from.
func newIssuer(t *testing.T) *issuer {
	t.Helper()
	return newIssuerAt(t, "")
}

func newIssuerAt(t *testing.T, path string) *issuer {
	t.Helper()
	i := &issuer{}
	mux := http.NewServeMux()
	mux.HandleFunc(strings.TrimSuffix(path, "/")+"/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": i.URL, "jwks_uri": strings.TrimSuffix(i.URL, path) + "/keys"})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		i.fetches.Add(1)
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": i.jwks.Load()})
	})
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	i.URL += path
	var keys []map[string]any
	for _, alg := range []string{"RS256", "RS384", "RS512", "ES256", "ES384", "ES512"} {
		keys = append(keys, publicJWK(t, alg))
	}
	i.jwks.Store(keys)
	return i
}

// key is the prefix of the condition keys about the issuer's tokens.
func (i *issuer) key() string {
	_, key, _ := strings.Cut(i.URL, "://")
	return key
}

// publicJWK is the public key of an algorithm as the recordings publish it.
func publicJWK(tb testing.TB, alg string) map[string]any {
	tb.Helper()
	key, err := jwk.FromRaw(signingKey(tb, alg))
	if err != nil {
		tb.Fatal(err)
	}
	public, err := key.PublicKey()
	if err != nil {
		tb.Fatal(err)
	}
	encoded, err := json.Marshal(public)
	if err != nil {
		tb.Fatal(err)
	}
	var members map[string]any
	if err := json.Unmarshal(encoded, &members); err != nil {
		tb.Fatal(err)
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
func signToken(tb testing.TB, header map[string]any, payload []byte, alg string) string {
	tb.Helper()
	encoded, err := json.Marshal(header)
	if err != nil {
		tb.Fatal(err)
	}
	input := base64.RawURLEncoding.EncodeToString(encoded) + "." + base64.RawURLEncoding.EncodeToString(payload)
	signer, err := jws.NewSigner(jwa.SignatureAlgorithm(alg))
	if err != nil {
		tb.Fatal(err)
	}
	signature, err := signer.Sign([]byte(input), signingKey(tb, alg))
	if err != nil {
		tb.Fatal(err)
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

// federation is a world with an issuer, its provider and a role that trusts it.
type federation struct {
	*world
	issuer   *issuer
	provider string
	role     string
}

func newFederation(t *testing.T, configure ...func(*localaws.Options)) *federation {
	t.Helper()
	return federate(t, newWorld(t, configure...), newIssuer(t))
}

func federate(t *testing.T, w *world, i *issuer) *federation {
	t.Helper()
	f := &federation{world: w, issuer: i}
	f.provider = f.world.provider(t, f.issuer)
	f.role = f.world.role(t, "wallets", federatedTrust(f.provider, "{}"))
	return f
}

// trust replaces the role's trust policy.
func (f *federation) trust(t *testing.T, document string) {
	t.Helper()
	_, err := f.iam.UpdateAssumeRolePolicy(t.Context(), &iam.UpdateAssumeRolePolicyInput{
		RoleName: aws.String("wallets"), PolicyDocument: &document,
	})
	if err != nil {
		t.Fatal(err)
	}
}

// buy exchanges a token whose claims are changed.
func (f *federation) buy(t *testing.T, changes map[string]any) (*sts.AssumeRoleWithWebIdentityOutput, error) {
	t.Helper()
	return f.exchange(t.Context(), f.role, f.issuer.token(t, with(f.issuer.claimsAt(f.now), changes)))
}

const (
	notAuthorized = "Not authorized to perform sts:AssumeRoleWithWebIdentity"
	wallet        = "0x00000000000000000000000000000000000000aa"
)

// tagged is a token's tags claim in the nested form.
func tagged(key, value string) map[string]any {
	return map[string]any{"https://aws.amazon.com/tags": map[string]any{
		"principal_tags":      map[string]any{key: []string{value}},
		"transitive_tag_keys": []string{key},
	}}
}

// tag tags the role.
func (f *federation) tag(t *testing.T, tags ...iamtypes.Tag) {
	t.Helper()
	if _, err := f.iam.TagRole(t.Context(), &iam.TagRoleInput{RoleName: aws.String("wallets"), Tags: tags}); err != nil {
		t.Fatal(err)
	}
}
