package oidcissuer

import (
	"context"
	"crypto"
	_ "crypto/sha256" // For thumbprints (RFC 7638).
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	"github.com/litentry/wallet-federation/internal/discovery"
	"github.com/litentry/wallet-federation/internal/signingkey"
)

// fetchTimeout is how long AWS waits for an issuer, more or less.
const fetchTimeout = 5 * time.Second

// checkDiscovery fetches the documents as AWS does, through the issuer URL, and
// sets DiscoveryPublished: True if they are this issuer's and hold the key that signs.
func (p *pass) checkDiscovery(ctx context.Context, s *secrets) {
	p.issuer.Status.JWKSURL = p.issuer.Spec.IssuerURL + discovery.JWKSPath
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	document, served, err := discovery.Fetch(ctx, p.HTTPClient, p.issuer.Spec.IssuerURL)
	active := s.keys.Active().ID
	if errors.Is(err, discovery.ErrUnavailable) {
		p.Unknown(v1alpha1.ConditionDiscoveryPublished, v1alpha1.ReasonUnreachable,
			"%v. Route %s to the Service %q", err, p.issuer.Spec.IssuerURL, p.issuer.BrokerName())
		p.requeueWithin(pollInterval)
		return
	}
	if err == nil {
		err = checkKeys(document, served, p.issuer.Status.JWKSURL, s.keys)
	}
	switch {
	case errors.Is(err, errKeyMissing):
		p.False(v1alpha1.ConditionDiscoveryPublished, v1alpha1.ReasonKeyNotPublished,
			"The JWKS lacks the key %s that signs; the broker may not have reloaded its keys yet", active)
	case err != nil:
		p.False(v1alpha1.ConditionDiscoveryPublished, v1alpha1.ReasonDocumentInvalid,
			"%v. Route %s to the Service %q", err, p.issuer.Spec.IssuerURL, p.issuer.BrokerName())
	default:
		p.True(v1alpha1.ConditionDiscoveryPublished, v1alpha1.ReasonPublished, "%s serves key %s", p.issuer.Status.JWKSURL, active)
		return
	}
	p.requeueWithin(pollInterval)
}

var errKeyMissing = errors.New("the key that signs is not served")

// checkKeys requires that the served keys are ours and no others: whoever holds
// the private half of another one could sign in as any wallet. A key is known by
// its thumbprint and not by the kid that it claims.
func checkKeys(document *discovery.Document, served jwk.Set, jwksURL string, keys *signingkey.Set) error {
	if document.JWKSURI != jwksURL {
		return errors.New("jwks_uri is not the issuer's own")
	}
	var foreign error
	missing := true
	for i := range served.Len() {
		key, _ := served.Key(i)
		sum, err := key.Thumbprint(crypto.SHA256)
		if err != nil {
			return fmt.Errorf("reading a served key: %w", err)
		}
		thumbprint := base64.RawURLEncoding.EncodeToString(sum)
		if !slices.ContainsFunc(keys.Keys(), func(k *signingkey.Key) bool { return k.ID == thumbprint }) {
			foreign = fmt.Errorf("the JWKS holds the key %s, which is not the issuer's", thumbprint)
		}
		missing = missing && thumbprint != keys.Active().ID
	}
	if missing {
		return errKeyMissing
	}
	return foreign
}
