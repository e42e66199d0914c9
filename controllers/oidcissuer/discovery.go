package oidcissuer

import (
	"context"
	"errors"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	"github.com/litentry/wallet-federation/internal/discovery"
)

// fetchTimeout is how long AWS waits for an issuer, more or less.
const fetchTimeout = 5 * time.Second

// checkDiscovery fetches the documents as AWS does, through the issuer URL, and
// sets DiscoveryPublished: True if they are this issuer's and hold the key that signs.
func (p *pass) checkDiscovery(ctx context.Context, s *secrets) {
	p.issuer.Status.JWKSURL = p.issuer.Spec.IssuerURL + discovery.JWKSPath
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	_, keys, err := discovery.Fetch(ctx, p.HTTPClient, p.issuer.Spec.IssuerURL)
	active := s.keys.Active().ID
	switch {
	case errors.Is(err, discovery.ErrUnavailable):
		p.Unknown(v1alpha1.ConditionDiscoveryPublished, v1alpha1.ReasonUnreachable,
			"%v. Route %s to the Service %q", err, p.issuer.Spec.IssuerURL, p.issuer.BrokerName())
	case err != nil:
		p.False(v1alpha1.ConditionDiscoveryPublished, v1alpha1.ReasonDocumentInvalid,
			"%v. Route %s to the Service %q", err, p.issuer.Spec.IssuerURL, p.issuer.BrokerName())
	case !published(keys, active):
		p.False(v1alpha1.ConditionDiscoveryPublished, v1alpha1.ReasonKeyNotPublished,
			"The JWKS lacks the key %s that signs; the broker may not have reloaded its keys yet", active)
	default:
		p.True(v1alpha1.ConditionDiscoveryPublished, v1alpha1.ReasonPublished, "%s serves key %s", p.issuer.Status.JWKSURL, active)
		return
	}
	p.requeueWithin(pollInterval)
}

func published(keys jwk.Set, kid string) bool {
	_, ok := keys.LookupKeyID(kid)
	return ok
}
