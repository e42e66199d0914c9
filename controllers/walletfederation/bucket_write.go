package walletfederation

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/litentry/wallet-federation/internal/awsapi"
	"github.com/litentry/wallet-federation/internal/document"
)

const (
	// maxPuts bounds how often a bucket policy is written in one pass, because
	// somebody else writes it at the same time.
	maxPuts = 4
	// afterWrite is the time until the next look at a bucket policy that was
	// written: who had read it before, and writes it after, undoes the write.
	afterWrite = 15 * time.Second
)

var (
	// errDangling says that a statement of somebody else keeps a policy from
	// being written.
	errDangling  = errors.New("S3 takes no policy that names roles or users that do not exist: remove those statements, or the names from them")
	errContended = errors.New("somebody else writes the policy at the same time; trying again")
	errNotShown  = errors.New("S3 does not show yet what was written; looking again")
)

// mergeBucketPolicy makes the policy of a bucket say what is desired, and returns
// the policy in force then.
//
// A bucket policy has no version, so a write cannot be bound to what was read.
// It is read right before each write, and what is sent is never sent again after
// a failure without another look. What is read afterwards decides: a write that
// was lost to somebody else's, or that was refused because of one (409), is made
// again from what is there then. A policy that is the very same as before the
// write is not taken for a lost write but for a late answer: to write upon it
// would undo what came meanwhile. See docs/adr/0010.
func (p *pass) mergeBucketPolicy(ctx context.Context, bucket string, desired []document.Statement) (inForce []byte, changed bool, err error) {
	p.bucketWrites.Lock()
	defer p.bucketWrites.Unlock()
	var before []byte // what the last write was made from
	failure, unanswered := errContended, true
	for puts := 0; ; puts++ {
		current, err := p.aws.BucketPolicy(ctx, bucket, p.identity.AccountID)
		if err != nil {
			return nil, changed, err
		}
		merged, differs, err := document.MergeBucketPolicy(current, p.documents.SidPrefix(), desired)
		switch {
		case err != nil:
			return nil, changed, err
		case !differs:
			return current, changed, nil
		case !unanswered && bytes.Equal(current, before):
			return nil, changed, errNotShown
		case puts == maxPuts:
			return nil, changed, failure
		}
		err = p.storeBucketPolicy(ctx, bucket, merged)
		unanswered = awsapi.Is(err, awsapi.Transient)
		switch {
		case err == nil:
			failure, changed = errContended, true
		case unanswered:
			failure = err
		default:
			return nil, changed, p.explainMalformed(current, err)
		}
		before = current
	}
}

// storeBucketPolicy writes a policy, or deletes it if nothing is left of it.
func (p *pass) storeBucketPolicy(ctx context.Context, bucket string, policy []byte) error {
	if len(policy) == 0 {
		return p.aws.DeleteBucketPolicy(ctx, bucket, p.identity.AccountID)
	}
	return p.aws.PutBucketPolicy(ctx, bucket, p.identity.AccountID, policy)
}

// explainMalformed names the statements of others because of which S3 refuses
// every policy with them, if that may be why it refused one.
func (p *pass) explainMalformed(current []byte, err error) error {
	if !awsapi.Is(err, awsapi.Malformed) {
		return err
	}
	// A policy that cannot be read is not written.
	dangling, readErr := document.Dangling(current, p.documents.SidPrefix())
	if readErr != nil || len(dangling) == 0 {
		return err
	}
	return fmt.Errorf("%w: %s (%w)", errDangling, strings.Join(dangling, "; "), err)
}
