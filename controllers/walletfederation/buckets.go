package walletfederation

import (
	"context"
	"errors"
	"fmt"
	"strings"

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
		return judgeBucket(bucket.Name, err)
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
	what := write{kind: bucketPolicy, name: bucket.Name, original: current, difference: difference}
	err = p.write(ctx, what, func() error { return p.putBucketPolicy(ctx, bucket.Name, desired) })
	if err != nil {
		return judgeBucket(bucket.Name, err)
	}
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

// putBucketPolicy merges our statements into a bucket's policy. A bucket policy
// has no version to compare, so it is read right before the write, to lose
// nothing that others wrote meanwhile, and right after it: what is in force decides.
func (p *pass) putBucketPolicy(ctx context.Context, bucket string, desired []document.Statement) error {
	p.bucketWrites.Lock()
	defer p.bucketWrites.Unlock()
	owner := p.documents.SidPrefix()
	current, err := p.aws.BucketPolicy(ctx, bucket, p.identity.AccountID)
	if err != nil {
		return err
	}
	merged, changed, err := document.MergeBucketPolicy(current, owner, desired)
	if err != nil {
		return err
	}
	if changed {
		if err := p.storeBucketPolicy(ctx, bucket, merged); err != nil {
			return err
		}
	}
	inForce, err := p.aws.BucketPolicy(ctx, bucket, p.identity.AccountID)
	if err != nil {
		return err
	}
	p.world.Buckets[bucket] = inForce
	if _, changed, err = document.MergeBucketPolicy(inForce, owner, desired); err != nil {
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
