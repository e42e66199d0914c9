package walletfederation

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	"github.com/litentry/wallet-federation/internal/account"
	"github.com/litentry/wallet-federation/internal/awsapi"
	"github.com/litentry/wallet-federation/internal/period"
)

const (
	// hygieneInterval is how long a look at a bucket's hardening holds. It takes
	// two calls, and the isolation does not depend on it.
	hygieneInterval = time.Hour
	// maxHardenings bounds the buckets whose hardening is remembered.
	maxHardenings = 4096
	// bucketHardening is the kind of a difference, beside those of documents.
	bucketHardening = "bucket hardening"
)

// hardenings remembers the hardening of buckets, for all federations.
type hardenings struct {
	mu   sync.Mutex
	seen map[hardeningKey]hardeningSeen
}

type hardeningKey struct{ endpoint, account, bucket string }

type hardeningSeen struct {
	hardening awsapi.Hardening
	until     time.Time
}

// ensureBucketsHardened looks whether every bucket blocks public access and has
// no ACLs, turns on what is off where the spec says so, and sets BucketsHardened.
func (p *pass) ensureBucketsHardened(ctx context.Context) error {
	worst := &problem{status: metav1.ConditionTrue}
	var messages []string
	var errs []error
	for _, bucket := range p.federation.Spec.Buckets {
		found := p.ensureBucketHardened(ctx, bucket)
		if found == nil {
			continue
		}
		messages = append(messages, fmt.Sprintf("bucket %q: %s", bucket.Name, found.message))
		errs = append(errs, found.err)
		// That a bucket is open says more than that nobody knows of another.
		if worst.status != metav1.ConditionFalse {
			worst = found
		}
	}
	message := strings.Join(messages, "; ")
	switch worst.status {
	case metav1.ConditionTrue:
		p.True(v1alpha1.ConditionBucketsHardened, v1alpha1.ReasonHardened, "Every bucket blocks public access and has no ACLs")
	case metav1.ConditionFalse:
		p.False(v1alpha1.ConditionBucketsHardened, worst.reason, "%s", message)
	case metav1.ConditionUnknown:
		p.Unknown(v1alpha1.ConditionBucketsHardened, worst.reason, "%s", message)
	}
	return errors.Join(errs...)
}

func (p *pass) ensureBucketHardened(ctx context.Context, bucket v1alpha1.BucketSpec) *problem {
	if p.world.unread[bucket.Name] != nil {
		return &problem{status: metav1.ConditionUnknown, reason: v1alpha1.ReasonAWSError, message: "its policy cannot be read, see BucketPoliciesApplied"}
	}
	hardening, err := p.hardening(ctx, bucket.Name, p.forced())
	if err != nil {
		return judgeHardening(err)
	}
	off := switchedOff(hardening)
	if len(off) == 0 {
		return nil
	}
	if bucket.Hygiene != v1alpha1.HygieneEnforce {
		return userMustAct(v1alpha1.ReasonNotHardened, "%s: turn it on, or set hygiene to Enforce", strings.Join(off, ", "))
	}
	if reason := p.readOnly(); reason != "" {
		p.differs(bucketHardening, bucket.Name, off...)
		return userMustAct(v1alpha1.ReasonNotHardened, "%s: %s, so that nothing is turned on", strings.Join(off, ", "), reason)
	}
	return p.harden(ctx, bucket.Name)
}

// harden turns on what is off, and nothing off. It goes by a look of its own:
// Block Public Access is replaced as a whole.
func (p *pass) harden(ctx context.Context, bucket string) *problem {
	hardening, err := p.hardening(ctx, bucket, true)
	if err != nil {
		return judgeHardening(err)
	}
	defer p.forgetHardening(bucket)
	// With this one on, S3 would refuse every write of a policy that lets the
	// public in, and with it the guard.
	public := !hardening.Block.BlockPublicPolicy && isPublic(p.world.Buckets[bucket])
	block := awsapi.PublicAccessBlock{BlockPublicACLs: true, IgnorePublicACLs: true, BlockPublicPolicy: !public, RestrictPublicBuckets: true}
	if block != hardening.Block {
		if err := p.aws.PutPublicAccessBlock(ctx, bucket, p.identity.AccountID, block); err != nil {
			return judgeHardening(err)
		}
	}
	if !hardening.OwnerEnforced {
		if err := p.aws.EnforceOwner(ctx, bucket, p.identity.AccountID); err != nil {
			return judgeHardening(err)
		}
	}
	if block != hardening.Block || !hardening.OwnerEnforced {
		p.Events.Tell(p.federation, corev1.EventTypeNormal, v1alpha1.ReasonDocumentWritten, "Write",
			fmt.Sprintf("%s of %q: %s", bucketHardening, bucket, strings.Join(switchedOff(hardening), ", ")))
	}
	if public {
		return userMustAct(v1alpha1.ReasonNotHardened, "BlockPublicPolicy is off and stays off, because the policy lets the public in: take that statement out of it first")
	}
	return nil
}

// hardening is what a bucket does against the public and against ACLs, as it was
// seen within [hygieneInterval], or now.
func (p *pass) hardening(ctx context.Context, bucket string, now bool) (awsapi.Hardening, error) {
	key := p.hardeningKey(bucket)
	p.hardenings.mu.Lock()
	seen, known := p.hardenings.seen[key]
	p.hardenings.mu.Unlock()
	if known && !now && p.Now().Before(seen.until) {
		return seen.hardening, nil
	}
	hardening, err := p.aws.Hardening(ctx, bucket, p.identity.AccountID)
	if err != nil {
		return awsapi.Hardening{}, err
	}
	p.hardenings.mu.Lock()
	defer p.hardenings.mu.Unlock()
	if p.hardenings.seen == nil || len(p.hardenings.seen) >= maxHardenings {
		p.hardenings.seen = map[hardeningKey]hardeningSeen{}
	}
	p.hardenings.seen[key] = hardeningSeen{hardening, p.Now().Add(period.Jitter(hygieneInterval))}
	return hardening, nil
}

// forgetHardening makes the next pass look at what became of a bucket.
func (p *pass) forgetHardening(bucket string) {
	p.hardenings.mu.Lock()
	defer p.hardenings.mu.Unlock()
	delete(p.hardenings.seen, p.hardeningKey(bucket))
}

func (p *pass) hardeningKey(bucket string) hardeningKey {
	return hardeningKey{p.account.EndpointURL, p.identity.AccountID, bucket}
}

func judgeHardening(err error) *problem {
	status, reason := account.Judge(err)
	found := &problem{status: status, reason: reason, message: err.Error()}
	if status == metav1.ConditionUnknown {
		found.err = err
	}
	return found
}

// switchedOff names what is off, in the words of S3.
func switchedOff(hardening awsapi.Hardening) []string {
	var off []string
	for _, setting := range []struct {
		name string
		on   bool
	}{
		{"BlockPublicAcls", hardening.Block.BlockPublicACLs},
		{"IgnorePublicAcls", hardening.Block.IgnorePublicACLs},
		{"BlockPublicPolicy", hardening.Block.BlockPublicPolicy},
		{"RestrictPublicBuckets", hardening.Block.RestrictPublicBuckets},
		{"BucketOwnerEnforced", hardening.OwnerEnforced},
	} {
		if !setting.on {
			off = append(off, setting.name+" is off")
		}
	}
	return off
}
