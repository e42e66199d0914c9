package walletfederation

import (
	"context"
	"errors"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	"github.com/litentry/wallet-federation/internal/document"
)

// ensureBucketPolicies puts our statements into the policy of every bucket and
// sets BucketPoliciesApplied. A bucket that fails does not keep the others waiting.
func (p *pass) ensureBucketPolicies(ctx context.Context) error {
	var problems []problem
	var errs []error
	for _, spec := range p.federation.Spec.Buckets {
		if found := p.ensureBucketPolicy(ctx, documentBucket(spec)); found != nil {
			found.bucket = spec.Name
			problems = append(problems, *found)
			errs = append(errs, found.err)
		}
	}
	if len(problems) == 0 {
		p.True(v1alpha1.ConditionBucketPoliciesApplied, v1alpha1.ReasonApplied, "The guard and the grants are in the policy of every bucket, %d in all", len(p.federation.Spec.Buckets))
		return nil
	}
	// What the user must do comes first.
	worst := problems[0]
	messages := make([]string, 0, len(problems))
	for _, found := range problems {
		messages = append(messages, fmt.Sprintf("bucket %q: %s", found.bucket, found.message))
		if found.status == metav1.ConditionFalse && worst.status != metav1.ConditionFalse {
			worst = found
		}
	}
	worst.message = strings.Join(messages, "; ")
	p.setProblem(v1alpha1.ConditionBucketPoliciesApplied, &worst)
	return errors.Join(errs...)
}

func (p *pass) ensureBucketPolicy(ctx context.Context, bucket document.Bucket) *problem {
	if err := p.world.unread[bucket.Name]; err != nil {
		return p.judgeBucket(ctx, bucket.Name, err)
	}
	if found := p.prefixClaimed(ctx, bucket); found != nil {
		return found
	}
	desired, err := p.documents.BucketStatements(bucket)
	if err != nil {
		return &problem{status: metav1.ConditionFalse, reason: v1alpha1.ReasonPolicyInvalid, message: err.Error()}
	}
	owner := p.documents.SidPrefix()
	current := p.world.Buckets[bucket.Name]
	_, changed, err := document.MergeBucketPolicy(current, owner, desired)
	if err != nil {
		return judgeDocument(err)
	}
	if !changed {
		return p.adopt(ctx, bucketPolicy, bucket.Name, current)
	}
	differences, err := document.Differences(current, owner, desired)
	if err != nil {
		return judgeDocument(err)
	}
	difference := strings.Join(differences, "; ")
	if reason := p.readOnly(); reason != "" {
		p.differs(bucketPolicy, bucket.Name, differences...)
		return &problem{status: metav1.ConditionFalse, reason: reason, message: difference}
	}
	what := write{
		kind: bucketPolicy, name: bucket.Name, original: current, difference: difference,
		lapsed: onlyLapsed(current, owner, desired),
	}
	err = p.write(ctx, what, func() error {
		inForce, _, err := p.mergeBucketPolicy(ctx, bucket.Name, desired)
		if err == nil {
			p.world.Buckets[bucket.Name] = inForce
		}
		return err
	})
	if err != nil {
		return p.judgeBucket(ctx, bucket.Name, err)
	}
	p.requeueWithin(afterWrite)
	return nil
}

// adopt takes a document into the ledger that is as it must be already: left by
// an earlier federation, or written by a pass that crashed.
func (p *pass) adopt(ctx context.Context, kind, name string, document []byte) *problem {
	if p.observes() {
		return nil // What is only looked at is nobody's to answer for.
	}
	if _, err := p.claim(ctx, kind, name, document); err != nil {
		return &problem{status: metav1.ConditionUnknown, reason: v1alpha1.ReasonAPIError, message: err.Error(), err: err}
	}
	return nil
}
