package localaws

import (
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/rclone/gofakes3"

	"github.com/litentry/wallet-federation/internal/policy"
)

// storage is the state of S3. gofakes3 speaks most of the wire protocol; it
// authorizes nothing and knows no bucket policy. Everything that reaches it has
// been judged before.
type storage struct {
	objects  *objectStore
	gofakes3 *gofakes3.GoFakeS3
	protocol http.Handler // gofakes3's, on objects
	// operations are all that is served.
	operations []s3Operation

	mu      sync.Mutex         // guards buckets, and keeps them in step with objects
	buckets map[string]*bucket // values are replaced, never changed
}

// bucket is what is known of a bucket besides its objects.
type bucket struct {
	name         string
	region       string
	policy       *bucketPolicy      // nil for none
	publicAccess *publicAccessBlock // nil for none
	ownership    string             // object ownership; empty for none
	grants       []aclGrant         // the bucket's ACL; nil for the default
	tags         []objectTag        // of the bucket itself, in the order in which they were put
}

// bucketPolicy is a policy in force.
type bucketPolicy struct {
	bound    []byte // as stored: principals by their unique ids
	document *policy.Document
	public   bool
}

func newStorage(now func() time.Time) *storage {
	objects := newObjectStore(now)
	// Signatures, and with them the clock, are checked in front.
	protocol := gofakes3.New(objects, gofakes3.WithTimeSource(clockSource(now)), gofakes3.WithTimeSkewLimit(0),
		gofakes3.WithMetadataSizeLimit(0)) // see checkMetadata
	return &storage{
		objects:    objects,
		gofakes3:   protocol,
		protocol:   protocol.Server(),
		operations: slices.Concat(s3Operations(), unsetOperations()),
		buckets:    map[string]*bucket{},
	}
}

// clockSource is the injected clock as gofakes3 wants it.
type clockSource func() time.Time

func (c clockSource) Now() time.Time                  { return c() }
func (c clockSource) Since(t time.Time) time.Duration { return c().Sub(t) }

// bucket finds a bucket; nil if there is none of that name.
func (st *storage) bucket(name string) *bucket {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.buckets[name]
}

// update replaces a bucket by what change makes of a copy of it.
func (st *storage) update(name string, change func(*bucket)) *apiError {
	st.mu.Lock()
	defer st.mu.Unlock()
	b := st.buckets[name]
	if b == nil {
		return noSuchBucket()
	}
	changed := *b
	change(&changed)
	st.buckets[name] = &changed
	return nil
}
