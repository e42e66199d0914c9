package walletfederation

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	"github.com/litentry/wallet-federation/internal/awsapi"
)

// releaseDropped takes our statements out of the buckets that left the spec. A
// bucket keeps its guard as long as the role reaches further than a wallet's
// prefix: the guard is then all that keeps sessions out of it.
func (p *pass) releaseDropped(ctx context.Context) error {
	for _, name := range p.ledger.buckets() {
		named := slices.ContainsFunc(p.federation.Spec.Buckets, func(b v1alpha1.BucketSpec) bool { return b.Name == name })
		if named {
			continue
		}
		if p.readOnly() != "" {
			p.differs(bucketPolicy, name, "the bucket left the spec, and its policy still has our statements")
			continue
		}
		if !p.IsTrue(v1alpha1.ConditionRoleConfined) {
			p.False(v1alpha1.ConditionBucketPoliciesApplied, v1alpha1.ReasonWaitingForRole,
				"bucket %q left the spec and keeps its guard until the role is confined", name)
			continue
		}
		if err := p.demote(ctx, "Bucket "+name+" left the spec"); err != nil {
			return err
		}
		if err := p.releaseBucket(ctx, name); err != nil {
			found := p.judgeBucket(ctx, name, err)
			p.setProblem(v1alpha1.ConditionBucketPoliciesApplied, found)
			return found.err
		}
	}
	return nil
}

// releaseBucket takes our statements out of a bucket's policy, and the bucket out
// of the ledger. A bucket that is gone has none.
func (p *pass) releaseBucket(ctx context.Context, bucket string) error {
	_, changed, err := p.mergeBucketPolicy(ctx, bucket, nil)
	if err != nil && !awsapi.Is(err, awsapi.NotFound) {
		return err
	}
	if changed {
		p.Events.Tell(p.federation, corev1.EventTypeNormal, v1alpha1.ReasonRestored, "Release", "Took our statements out of the policy of bucket "+bucket)
	}
	return p.forget(ctx, func(e entry) bool { return e.Kind == bucketPolicy && e.Name == bucket })
}
