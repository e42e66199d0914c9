package walletfederation

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	"github.com/litentry/wallet-federation/internal/awsapi"
	"github.com/litentry/wallet-federation/internal/document"
)

// world is what AWS has: everything that decides what a wallet's session may do.
type world struct {
	Role *awsapi.Role
	// Empty lists are left out of the hash: none is none, however it came about.
	Inline   []awsapi.NamedPolicy `json:",omitempty"`
	Attached []awsapi.NamedPolicy `json:",omitempty"`
	Boundary *awsapi.NamedPolicy
	// Buckets are the bucket policies by bucket; nil for a bucket without one.
	Buckets map[string][]byte
	// unread are the buckets whose policy could not be read, and why.
	unread map[string]error
}

// observe reads the world and sets RoleConfined and TrustPolicyApplied if there
// is no role to speak of. It reports whether the pass can go on.
func (p *pass) observe(ctx context.Context) (bool, error) {
	name := p.federation.Spec.Role.Name
	role, err := p.aws.Role(ctx, name)
	if awsapi.Is(err, awsapi.NotFound) {
		for _, conditionType := range []string{v1alpha1.ConditionRoleConfined, v1alpha1.ConditionTrustPolicyApplied} {
			p.False(conditionType, v1alpha1.ReasonRoleNotFound, "Role %q is not in account %s: create it, with any trust policy and no policies (%v)",
				name, p.identity.AccountID, err)
		}
		p.requeueWithin(retryInterval)
		return false, nil
	}
	if err != nil {
		return false, p.reject(v1alpha1.ConditionRoleConfined, err)
	}
	p.federation.Status.RoleARN = role.ARN
	p.documents = p.documentsOf(role.ARN)
	p.documents.Revocations = p.liveRevocations(role)
	// The issuer pins tokens to the role, and other federations see that it is
	// taken, before anything is written.
	if err := p.patchStatus(ctx); err != nil {
		return false, fmt.Errorf("declaring the role: %w", err)
	}
	claimant, err := p.claimant(ctx)
	if err != nil {
		p.Unknown(v1alpha1.ConditionRoleConfined, v1alpha1.ReasonAPIError, "%v", err)
		return false, err
	}
	if claimant != "" {
		for _, conditionType := range []string{v1alpha1.ConditionRoleConfined, v1alpha1.ConditionTrustPolicyApplied} {
			p.False(conditionType, v1alpha1.ReasonRoleClaimed, "WalletFederation %q manages this role already: give each federation a role of its own", claimant)
		}
		return false, nil
	}
	if err := p.openLedger(ctx); err != nil {
		p.False(v1alpha1.ConditionRoleConfined, v1alpha1.ReasonOriginalsDamaged, "%v", err)
		p.requeueWithin(retryInterval)
		return false, nil
	}
	if p.world, err = p.readWorld(ctx); err != nil {
		return false, p.reject(v1alpha1.ConditionRoleConfined, err)
	}
	return true, nil
}

// documentsOf returns the documents of our role and issuer.
func (p *pass) documentsOf(roleARN string) document.Federation {
	token := p.issuer.Spec.Token
	return document.Federation{
		Partition:     p.identity.Partition,
		RoleARN:       roleARN,
		ProviderARN:   p.identity.ProviderARN(p.issuer.Spec.IssuerURL),
		IssuerURL:     p.issuer.Spec.IssuerURL,
		Audience:      token.Audience,
		SubjectPrefix: token.SubjectPrefix,
		WalletTagKey:  token.WalletTagKey,
	}
}

// claimant returns the federation that had the same role first, if any: a role
// has one trust policy, and two masters would write it in turns forever.
// Who only observes stands in nobody's way.
func (p *pass) claimant(ctx context.Context) (string, error) {
	if p.observes() {
		return "", nil
	}
	others, err := p.otherFederations(ctx)
	if err != nil {
		return "", err
	}
	for i := range others {
		if other := &others[i]; p.sameRole(other) && precedes(other, p.federation) {
			return other.Namespace + "/" + other.Name, nil
		}
	}
	return "", nil
}

func manages(federation *v1alpha1.WalletFederation) bool {
	return federation.Spec.ManagementPolicy != v1alpha1.ManagementObserve
}

// sameRole reports whether another federation is about our role: by its ARN, or,
// before it knows the ARN, by what its spec says.
func (p *pass) sameRole(other *v1alpha1.WalletFederation) bool {
	if other.Status.RoleARN != "" {
		return other.Status.RoleARN == p.federation.Status.RoleARN
	}
	return other.Namespace == p.federation.Namespace && other.Spec.IssuerRef == p.federation.Spec.IssuerRef &&
		other.Spec.Account == p.federation.Spec.Account && other.Spec.Role.Name == p.federation.Spec.Role.Name
}

// precedes reports whether a had a role before b: the one that has written a
// document, else the older one; the UID decides between equals.
func precedes(a, b *v1alpha1.WalletFederation) bool {
	aWrote, bWrote := a.Status.DocumentsWrittenTime != nil, b.Status.DocumentsWrittenTime != nil
	switch {
	case aWrote != bWrote:
		return aWrote
	case !a.CreationTimestamp.Equal(&b.CreationTimestamp):
		return a.CreationTimestamp.Before(&b.CreationTimestamp)
	}
	return a.UID < b.UID
}

// readWorld reads the role, its policies and the bucket policies. A bucket that
// cannot be read is kept as such: it must not hide what is wrong with the role.
func (p *pass) readWorld(ctx context.Context) (world, error) {
	name := p.federation.Spec.Role.Name
	w := world{Buckets: map[string][]byte{}, unread: map[string]error{}}
	var err error
	if w.Role, err = p.aws.Role(ctx, name); err != nil {
		return world{}, err
	}
	if w.Inline, err = p.aws.InlinePolicies(ctx, name); err != nil {
		return world{}, err
	}
	if w.Attached, err = p.aws.AttachedPolicies(ctx, name); err != nil {
		return world{}, err
	}
	if w.Role.BoundaryARN != "" {
		if w.Boundary, err = p.aws.ManagedPolicy(ctx, w.Role.BoundaryARN); err != nil {
			return world{}, err
		}
	}
	for _, bucket := range p.federation.Spec.Buckets {
		policy, err := p.aws.BucketPolicy(ctx, bucket.Name, p.identity.AccountID)
		if err != nil {
			w.unread[bucket.Name] = err
			continue
		}
		w.Buckets[bucket.Name] = policy
	}
	return w, nil
}

// hash is the SHA-256 of everything that decides what a wallet's session may do:
// what AWS has, and what tokens say. A proof holds for one hash.
func (p *pass) hash() (string, error) {
	document, err := json.Marshal(struct {
		World    world
		Issuer   string
		Token    v1alpha1.TokenSpec
		KeyID    string
		Provider string
		Buckets  []v1alpha1.BucketSpec
		Endpoint string
	}{
		p.world, p.issuer.Spec.IssuerURL, p.issuer.Spec.Token, p.issuer.Status.ActiveKeyID,
		p.documents.ProviderARN, p.federation.Spec.Buckets, p.account.EndpointURL,
	})
	if err != nil {
		return "", fmt.Errorf("hashing the documents in force: %w", err)
	}
	sum := sha256.Sum256(document)
	return hex.EncodeToString(sum[:]), nil
}

// opened reports whether the trust policy in force names our provider, so that
// a wallet may get a session at all.
func (p *pass) opened() bool { return p.admits(p.world.Role.TrustPolicy) }

// admits reports whether a trust policy names our provider. The quotes keep
// issuers apart whose URLs begin alike.
func (p *pass) admits(trust []byte) bool {
	return bytes.Contains(trust, []byte(`"`+p.documents.ProviderARN+`"`))
}

// buckets are the buckets of the spec, as the documents know them.
func (p *pass) buckets() []document.Bucket {
	buckets := make([]document.Bucket, 0, len(p.federation.Spec.Buckets))
	for _, spec := range p.federation.Spec.Buckets {
		buckets = append(buckets, documentBucket(spec))
	}
	return buckets
}

func documentBucket(spec v1alpha1.BucketSpec) document.Bucket {
	bucket := document.Bucket{Name: spec.Name, Prefix: spec.Prefix}
	for _, access := range spec.Access {
		bucket.Access = append(bucket.Access, document.Access(access))
	}
	return bucket
}
