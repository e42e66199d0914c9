package walletfederation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	"github.com/litentry/wallet-federation/internal/account"
	"github.com/litentry/wallet-federation/internal/awsapi"
	"github.com/litentry/wallet-federation/internal/document"
)

// problem is why a bucket's policy is not as it must be.
type problem struct {
	bucket  string
	status  metav1.ConditionStatus
	reason  string
	message string
	err     error
}

// ensureBucketPolicies puts our statements into the policy of every bucket and
// sets BucketPoliciesApplied. A bucket that fails does not keep the others waiting.
func (p *pass) ensureBucketPolicies(ctx context.Context) error {
	problems, err := p.releaseDropped(ctx)
	errs := []error{err}
	for _, spec := range p.federation.Spec.Buckets {
		if found := p.ensureBucketPolicy(ctx, documentBucket(spec)); found != nil {
			found.bucket = spec.Name
			problems = append(problems, *found)
			errs = append(errs, found.err)
		}
	}
	if err != nil {
		p.Unknown(v1alpha1.ConditionBucketPoliciesApplied, v1alpha1.ReasonAPIError, "%v", err)
		return errors.Join(errs...)
	}
	if len(problems) == 0 {
		p.True(v1alpha1.ConditionBucketPoliciesApplied, v1alpha1.ReasonApplied, "The policies of %d buckets carry the guard and the grants", len(p.federation.Spec.Buckets))
		return nil
	}
	// What the user must do comes first.
	first := problems[0]
	messages := make([]string, 0, len(problems))
	for _, found := range problems {
		messages = append(messages, fmt.Sprintf("bucket %q: %s", found.bucket, found.message))
		if found.status == metav1.ConditionFalse && first.status != metav1.ConditionFalse {
			first = found
		}
	}
	if first.status == metav1.ConditionFalse {
		p.False(v1alpha1.ConditionBucketPoliciesApplied, first.reason, "%s", strings.Join(messages, "; "))
		p.requeueWithin(retryInterval)
	} else {
		p.Unknown(v1alpha1.ConditionBucketPoliciesApplied, first.reason, "%s", strings.Join(messages, "; "))
	}
	return errors.Join(errs...)
}

func (p *pass) ensureBucketPolicy(ctx context.Context, bucket document.Bucket) *problem {
	if err := p.world.unread[bucket.Name]; err != nil {
		return judgeBucket(bucket.Name, err)
	}
	desired, err := p.documents.BucketStatements(bucket)
	if err != nil {
		return &problem{status: metav1.ConditionFalse, reason: v1alpha1.ReasonPolicyInvalid, message: err.Error()}
	}
	owner := p.documents.SidPrefix()
	current := p.world.Buckets[bucket.Name]
	merged, changed, err := document.MergeBucketPolicy(current, owner, desired)
	if err != nil {
		return judgeDocument(err)
	}
	if !changed {
		return nil
	}
	differences, err := document.Differences(current, owner, desired)
	if err != nil {
		return judgeDocument(err)
	}
	difference := strings.Join(differences, "; ")
	if p.federation.Spec.Suspend {
		return &problem{status: metav1.ConditionFalse, reason: v1alpha1.ReasonSuspended, message: difference}
	}
	what := write{kind: originalBucketPolicy, name: bucket.Name, original: current, difference: difference}
	err = p.write(ctx, what, func() error {
		return p.putBucketPolicy(ctx, bucket.Name, merged, desired)
	})
	if err != nil {
		return judgeBucket(bucket.Name, err)
	}
	return nil
}

// releaseDropped takes our statements out of buckets that are no longer in the
// spec. The originals tell which buckets ever got any.
func (p *pass) releaseDropped(ctx context.Context) ([]problem, error) {
	_, originals, err := p.readOriginals(ctx, p.federation)
	if err != nil || p.federation.Spec.Suspend {
		return nil, err
	}
	var problems []problem
	for _, kept := range originals {
		named := slices.ContainsFunc(p.federation.Spec.Buckets, func(b v1alpha1.BucketSpec) bool { return b.Name == kept.Name })
		if kept.Kind != originalBucketPolicy || named {
			continue
		}
		if err := p.releaseBucket(ctx, kept.Name); err != nil {
			found := judgeBucket(kept.Name, err)
			found.bucket = kept.Name
			problems = append(problems, *found)
		}
	}
	return problems, nil
}

// releaseBucket takes our statements out of a bucket's policy. A bucket that is
// gone has none.
func (p *pass) releaseBucket(ctx context.Context, bucket string) error {
	current, err := p.aws.BucketPolicy(ctx, bucket, p.identity.AccountID)
	if awsapi.Is(err, awsapi.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	rest, changed, err := document.MergeBucketPolicy(current, p.documents.SidPrefix(), nil)
	if err != nil || !changed {
		return err
	}
	if err := p.storeBucketPolicy(ctx, bucket, rest); err != nil {
		return err
	}
	p.event(p.federation, corev1.EventTypeNormal, v1alpha1.ReasonRestored, "Release", "Took our statements out of the policy of bucket "+bucket)
	return nil
}

// putBucketPolicy writes a bucket's policy and reads it again. A bucket policy
// has no version to compare, so another writer's update may have been lost to
// ours, or ours to theirs: what is in force now decides.
func (p *pass) putBucketPolicy(ctx context.Context, bucket string, merged []byte, desired []document.Statement) error {
	if err := p.storeBucketPolicy(ctx, bucket, merged); err != nil {
		return err
	}
	inForce, err := p.aws.BucketPolicy(ctx, bucket, p.identity.AccountID)
	if err != nil {
		return err
	}
	p.world.Buckets[bucket] = inForce
	_, changed, err := document.MergeBucketPolicy(inForce, p.documents.SidPrefix(), desired)
	if err != nil {
		return err
	}
	if changed {
		return errors.New("somebody else wrote the policy at the same time; trying again")
	}
	return nil
}

// storeBucketPolicy writes a policy, or deletes it if nothing is left of it.
func (p *pass) storeBucketPolicy(ctx context.Context, bucket string, policy []byte) error {
	if len(policy) == 0 {
		return p.aws.DeleteBucketPolicy(ctx, bucket, p.identity.AccountID)
	}
	return p.aws.PutBucketPolicy(ctx, bucket, p.identity.AccountID, policy)
}

func judgeBucket(bucket string, err error) *problem {
	if awsapi.Is(err, awsapi.NotFound) {
		return &problem{
			status: metav1.ConditionFalse, reason: v1alpha1.ReasonBucketNotFound,
			message: fmt.Sprintf("create the bucket %q in the account's region, or take it out of the spec (%v)", bucket, err),
		}
	}
	if refused, ok := errors.AsType[*document.RefusedError](err); ok {
		return judgeDocument(refused)
	}
	status, reason := account.Judge(err)
	found := &problem{status: status, reason: reason, message: err.Error()}
	if status == metav1.ConditionUnknown {
		found.err = err
	}
	return found
}

// judgeDocument says why a document cannot be written; the user must act.
func judgeDocument(err error) *problem {
	reason := v1alpha1.ReasonPolicyInvalid
	if errors.Is(err, document.ErrTooLarge) {
		reason = v1alpha1.ReasonPolicyTooLarge
	}
	return &problem{status: metav1.ConditionFalse, reason: reason, message: err.Error() + "; it was not rewritten"}
}
