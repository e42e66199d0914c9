package probe

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/litentry/wallet-federation/internal/document"
)

// folder is below a wallet's prefix, and holds all that the probe ever writes.
const folder = "wallet-federation-probe/"

// Names of objects below the folder. A denied write has a name of its own, so
// that it damages nothing that other cases need if it is allowed.
const (
	seedObject   = "seed"
	putObject    = "put"
	copyObject   = "copy"   // of the first wallet's seed
	stolenObject = "stolen" // a copy of the second wallet's seed
	deleteObject = "delete" // is never there, and deleting it needs the permission all the same
	uploadObject = "upload"
)

// target is a bucket, seen by the first wallet.
type target struct {
	bucket document.Bucket
	// own is the wallet that tries, foreign the one that it must not reach, and
	// stranger somebody without any credentials.
	own, foreign, stranger *session
	// seeded says that both wallets have put an object there.
	seeded bool
}

func newTarget(bucket document.Bucket, wallets [2]*session, stranger *session) *target {
	return &target{bucket: bucket, own: wallets[0], foreign: wallets[1], stranger: stranger}
}

// anonymously tries the same without any credentials: a foreign statement may open
// the bucket to everybody, and no guard of a role stands in the way of that.
func anonymously(do call) call {
	return func(ctx context.Context, t *target) answer {
		unsigned := *t
		unsigned.own = t.stranger
		return do(ctx, &unsigned)
	}
}

func (t *target) name() *string { return aws.String(t.bucket.Name) }

// prefix is where a wallet's keys begin.
func (t *target) prefix(s *session) string { return t.bucket.Prefix + string(s.wallet) + "/" }

func (t *target) key(s *session, object string) *string {
	return aws.String(t.prefix(s) + folder + object)
}

// seed lets each wallet put an object with its own session, if wallets may write.
func (t *target) seed(ctx context.Context, report *Report) error {
	if !t.bucket.Allows(document.AccessWrite) {
		return nil
	}
	t.seeded = true
	for _, put := range []try{
		t.seedTry("put own object", t.own),
		t.seedTry("put own object, as the second wallet", t.foreign),
	} {
		answered, err := put.run(ctx)
		if err != nil {
			return err
		}
		report.Cases = append(report.Cases, *answered)
		t.seeded = t.seeded && answered.Observed == Allowed
	}
	return nil
}

func (t *target) seedTry(name string, s *session) try {
	return try{
		Case:    Case{Name: name, Group: GroupObject, Bucket: t.bucket.Name, Expected: Allowed},
		answers: &s3Answers,
		do:      func(ctx context.Context) answer { return t.put(ctx, s, t.key(s, seedObject)) },
	}
}

func (t *target) put(ctx context.Context, s *session, key *string) answer {
	_, given := ask(ctx, s.s3.PutObject, &s3.PutObjectInput{
		Bucket: t.name(), Key: key, Body: strings.NewReader("wallet-federation isolation probe\n"),
	})
	return given
}

// written are the objects that may exist below a wallet's folder after a run. A
// healthy run makes seeds and one copy; the others are from writes that must be
// denied.
func (t *target) written(s *session) []string {
	if !t.bucket.Allows(document.AccessWrite) {
		return nil
	}
	if s == t.own {
		return []string{seedObject, copyObject, stolenObject}
	}
	return []string{seedObject, copyObject, putObject}
}

// cleanUp removes what the run has written, each object with the session that it
// belongs to. What may be left is returned as bucket/key.
func cleanUp(ctx context.Context, targets []*target) []string {
	// The run may be over because its time is.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	var leftovers []string
	for _, t := range targets {
		for _, s := range []*session{t.own, t.foreign} {
			for _, object := range t.written(s) {
				key := t.key(s, object)
				if !t.remove(ctx, s, key) {
					leftovers = append(leftovers, t.bucket.Name+"/"+*key)
				}
			}
		}
	}
	return leftovers
}

// remove says whether the object is gone for sure.
func (t *target) remove(ctx context.Context, s *session, key *string) bool {
	if !t.bucket.Allows(document.AccessDelete) {
		return false
	}
	_, given := ask(ctx, s.s3.DeleteObject, &s3.DeleteObjectInput{Bucket: t.name(), Key: key})
	return given.err == nil
}
