package localaws

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"golang.org/x/sync/singleflight"

	"github.com/litentry/wallet-federation/internal/discovery"
)

const (
	// maxKeysOfType is how many keys of one type a key set may have. With more,
	// none of that type is used.
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html
	maxKeysOfType = 100
	// maxKeys bounds a key set, whatever its types. AWS documents no such bound.
	maxKeys = 1000
	// maxCachedIssuers bounds the key sets that are kept. An account has no more
	// providers, but they come and go.
	maxCachedIssuers = maxProviders
)

// keySource reads the keys of issuers.
type keySource struct {
	client   *http.Client
	lifetime time.Duration // for which keys that were read are used; 0 for not at all
	now      func() time.Time
	flights  singleflight.Group

	mu     sync.Mutex // guards cached; never held while the network is used
	cached map[string]cachedKeys
}

type cachedKeys struct {
	keys    keySet
	expires time.Time
}

func newKeySource(o *Options) *keySource {
	return &keySource{client: o.HTTPClient, lifetime: o.JWKSCache, now: o.Now, cached: map[string]cachedKeys{}}
}

// keysOf returns the keys of an issuer. Calls that come while they are being
// read wait for them too, and so an issuer is asked once at a time; it is not
// asked again because the first of those calls was given up. The error wraps
// [discovery.ErrUnavailable] if another attempt may help.
func (k *keySource) keysOf(ctx context.Context, issuer string) (keySet, error) {
	found, err, _ := k.flights.Do(issuer, func() (any, error) {
		if keys, ok := k.load(issuer); ok {
			return keys, nil
		}
		_, data, err := discovery.Read(context.WithoutCancel(ctx), k.client, issuer)
		if err != nil {
			return nil, err
		}
		keys, err := parseKeySet(data)
		if err != nil {
			return nil, fmt.Errorf("reading JWKS of %s: %w", issuer, err)
		}
		k.store(issuer, keys)
		return keys, nil
	})
	keys, _ := found.(keySet)
	return keys, err
}

func (k *keySource) load(issuer string) (keySet, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	found, ok := k.cached[issuer]
	return found.keys, ok && k.now().Before(found.expires)
}

func (k *keySource) store(issuer string, keys keySet) {
	if k.lifetime == 0 {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.cached) >= maxCachedIssuers {
		clear(k.cached)
	}
	k.cached[issuer] = cachedKeys{keys, k.now().Add(k.lifetime)}
}

// keySet is an issuer's JSON Web Key Set (RFC 7517) as it is served. Its keys are
// made sense of only when a token names them: most are never needed, and what is
// wrong with one of them does not matter to the others.
type keySet []publishedKey

// publishedKey is a member of a key set.
type publishedKey struct {
	raw     json.RawMessage
	members map[string]any // none if it is no JSON object
}

func parseKeySet(data []byte) (keySet, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(data, &object); err != nil {
		return nil, err
	}
	var published []json.RawMessage
	if err := json.Unmarshal(object["keys"], &published); err != nil {
		return nil, fmt.Errorf("reading its keys member: %w", err)
	}
	if published == nil {
		return nil, errors.New("its keys member is null")
	}
	if len(published) > maxKeys {
		return nil, fmt.Errorf("it has more than %d keys", maxKeys)
	}
	keys := make(keySet, len(published))
	for i, raw := range published {
		keys[i].raw = raw
		if json.Unmarshal(raw, &keys[i].members) != nil {
			keys[i].members = nil
		}
	}
	return keys, nil
}

// find picks the key that a token's header names: of those with that id, the
// last that can be used. A token without a key id can only mean the one key of a
// set. The key is nil if there is none.
func (set keySet) find(kid string, kind jwa.KeyType) (publishedKey, jwk.Key) {
	candidates := make(keySet, 0, min(len(set), maxKeysOfType))
	for _, published := range set {
		if published.text("kty") == kind.String() {
			candidates = append(candidates, published)
		}
	}
	if len(candidates) > maxKeysOfType {
		return publishedKey{}, nil
	}
	for _, published := range slices.Backward(candidates) {
		if published.text("kid") != kid && (kid != "" || len(set) > 1) {
			continue
		}
		if key := published.parse(); key != nil {
			return published, key
		}
	}
	return publishedKey{}, nil
}

// text is a member that is a string; empty for one that is not.
func (p publishedKey) text(name string) string {
	text, _ := p.members[name].(string)
	return text
}

func (p publishedKey) has(name string) bool {
	_, ok := p.members[name]
	return ok
}

// parse makes a key of p, or nil if AWS would not consider it: it has an id, is
// not for encryption, and is the key of its certificate if it has one.
func (p publishedKey) parse() jwk.Key {
	if p.text("kid") == "" || (p.has("use") && p.text("use") != string(jwk.ForSignature)) {
		return nil
	}
	key, err := jwk.ParseKey(p.raw)
	if err != nil {
		return nil
	}
	chain := key.X509CertChain()
	if chain == nil || chain.Len() == 0 {
		return key
	}
	encoded, _ := chain.Get(0)
	der, err := base64.StdEncoding.DecodeString(string(encoded))
	if err != nil {
		return nil
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil
	}
	certified, err := jwk.FromRaw(certificate.PublicKey)
	if err != nil || !jwk.Equal(certified, key) {
		return nil
	}
	return key
}
