package localaws

import (
	"fmt"
	"time"

	"github.com/rclone/gofakes3"

	"github.com/litentry/wallet-federation/internal/bucketpolicy"
	"github.com/litentry/wallet-federation/internal/policy"
)

// storageTables are the tables of S3. The bodies of objects go to a directory.
func storageTables(bodies string) []table {
	return []table{
		&shelf[bucketState, bucketRecord]{
			kind: bucketKind, live: bucketStates, encode: encodeBucket, decode: decodeBucket,
			same:  func(a, b *bucketState) bool { return *a == *b },
			place: placeBucket,
		},
		&objectTable{directory: bodies, kept: map[objectID][]keptVersion{}},
	}
}

// bucketState is all that is known of a bucket, but for its objects.
type bucketState struct {
	*bucket
	created    time.Time
	versioning gofakes3.VersioningStatus
}

func bucketStates(s *Server) map[string]*bucketState {
	states := make(map[string]*bucketState, len(s.storage.buckets))
	for name, b := range s.storage.buckets {
		o := s.storage.objects.buckets[name]
		states[name] = &bucketState{bucket: b, created: o.created, versioning: o.versioning}
	}
	return states
}

func placeBucket(s *Server, name string, b *bucketState) {
	s.storage.buckets[name] = b.bucket
	objects := newObjectBucket(b.created)
	objects.versioning = b.versioning
	s.storage.objects.buckets[name] = objects
}

type bucketRecord struct {
	Name         string                    `json:"name"`
	Region       string                    `json:"region"`
	Policy       *string                   `json:"policy,omitempty"`
	PublicAccess *publicAccessBlock        `json:"publicAccess,omitempty"`
	Ownership    string                    `json:"ownership"`
	Grants       []aclGrant                `json:"grants,omitempty"`
	Tags         []objectTag               `json:"tags,omitempty"`
	Created      time.Time                 `json:"created"`
	Versioning   gofakes3.VersioningStatus `json:"versioning"`
}

func encodeBucket(b *bucketState) bucketRecord {
	record := bucketRecord{
		Name: b.name, Region: b.region, PublicAccess: b.publicAccess, Ownership: b.ownership, Created: b.created, Versioning: b.versioning,
		Grants: b.grants, Tags: b.tags,
	}
	if b.policy != nil {
		text := string(b.policy.bound)
		record.Policy = &text
	}
	return record
}

func decodeBucket(record bucketRecord) (*bucketState, error) {
	b := &bucketState{
		bucket: &bucket{
			name: record.Name, region: record.Region, publicAccess: record.PublicAccess, ownership: record.Ownership,
			grants: record.Grants, tags: record.Tags,
		},
		created: record.Created, versioning: record.Versioning,
	}
	if record.Policy == nil {
		return b, nil
	}
	document, err := policy.Parse(policy.Bucket, []byte(*record.Policy))
	if err != nil {
		return nil, fmt.Errorf("parsing its policy: %w", err)
	}
	b.policy = &bucketPolicy{bound: []byte(*record.Policy), document: document, public: bucketpolicy.IsPublic(document)}
	return b, nil
}
