package walletfederation

import (
	"context"
	"errors"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	"github.com/litentry/wallet-federation/internal/account"
	"github.com/litentry/wallet-federation/internal/awsapi"
	"github.com/litentry/wallet-federation/internal/bucketpolicy"
	"github.com/litentry/wallet-federation/internal/document"
	"github.com/litentry/wallet-federation/internal/policy"
)

// problem is why a bucket's policy is not as it must be.
type problem struct {
	bucket  string
	status  metav1.ConditionStatus
	reason  string
	message string
	err     error
}

// setProblem sets a condition for a problem.
func (p *pass) setProblem(conditionType string, found *problem) {
	if found.status == metav1.ConditionFalse {
		p.False(conditionType, found.reason, "%s", found.message)
		p.requeueWithin(retryInterval)
		return
	}
	p.Unknown(conditionType, found.reason, "%s", found.message)
}

// userMustAct is a problem that stays until somebody does what the message says.
func userMustAct(reason, format string, arguments ...any) *problem {
	return &problem{status: metav1.ConditionFalse, reason: reason, message: fmt.Sprintf(format, arguments...)}
}

// judgeBucket says what an error of reading or writing a bucket's policy means.
func (p *pass) judgeBucket(ctx context.Context, bucket string, err error) *problem {
	if _, refused := errors.AsType[*document.RefusedError](err); refused || errors.Is(err, document.ErrTooLarge) {
		return judgeDocument(err)
	}
	//nolint:exhaustive // The others are those of any call.
	switch awsapi.ClassOf(err) {
	case awsapi.NotFound:
		return userMustAct(v1alpha1.ReasonBucketNotFound, "create the bucket %q in the account's region, or take it out of the spec (%v)", bucket, err)
	case awsapi.Elsewhere:
		return userMustAct(v1alpha1.ReasonBucketElsewhere,
			"it is not in region %s, or not in account %s: name the account that it is in, or take it out of the spec (%v)", p.account.Region, p.identity.AccountID, err)
	case awsapi.Refused:
		return p.judgeForbidden(ctx, bucket, err)
	case awsapi.Malformed:
		if !errors.Is(err, errDangling) && p.Now().Sub(p.world.Role.Created) < propagation {
			return &problem{status: metav1.ConditionUnknown, reason: v1alpha1.ReasonAWSError, err: err,
				message: fmt.Sprintf("S3 may not know the new role %q yet; trying again (%v)", p.world.Role.Name, err)}
		}
		return userMustAct(v1alpha1.ReasonPolicyInvalid, "%v; it was not rewritten", err)
	}
	status, reason := account.Judge(err)
	found := &problem{status: status, reason: reason, message: err.Error()}
	if status == metav1.ConditionUnknown {
		found.err = err
	}
	return found
}

// judgeForbidden tells a bucket of another account from one that we may not
// touch: to a call that expects an owner, S3 answers both alike.
func (p *pass) judgeForbidden(ctx context.Context, bucket string, err error) *problem {
	ours, lookErr := p.aws.HasBucket(ctx, bucket)
	switch {
	case lookErr != nil:
		return userMustAct(v1alpha1.ReasonBucketForbidden,
			"allow the operator the operation named here, if the bucket is one of account %s; which the operator may not ask (s3:ListAllMyBuckets) (%v)", p.identity.AccountID, err)
	case !ours:
		return userMustAct(v1alpha1.ReasonBucketElsewhere,
			"it belongs to another account than %s: name the account that it is in, or take it out of the spec (%v)", p.identity.AccountID, err)
	case isPublic(p.world.Buckets[bucket]):
		return userMustAct(v1alpha1.ReasonBucketForbidden,
			"its policy lets the public in, and Block Public Access refuses every write of such a policy: take that statement out. Or allow the operator the operation named here (%v)", err)
	}
	return userMustAct(v1alpha1.ReasonBucketForbidden, "allow the operator the operation named here; docs/iam-permissions.md lists them all (%v)", err)
}

// isPublic reports whether Block Public Access would refuse a policy, or may.
func isPublic(text []byte) bool {
	if len(text) == 0 {
		return false
	}
	parsed, err := policy.Parse(policy.Bucket, text)
	return err != nil || bucketpolicy.IsPublic(parsed)
}

// judgeDocument says why a document cannot be written; the user must act.
func judgeDocument(err error) *problem {
	reason := v1alpha1.ReasonPolicyInvalid
	switch {
	case errors.Is(err, document.ErrTooLarge):
		reason = v1alpha1.ReasonPolicyTooLarge
	case errors.Is(err, document.ErrSidTaken):
		reason = v1alpha1.ReasonSidTaken
	}
	return userMustAct(reason, "%v; it was not rewritten", err)
}
