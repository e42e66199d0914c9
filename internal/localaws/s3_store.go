package localaws

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // S3 defines the entity tag of an object as its MD5.
	"encoding/hex"
	"io"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/rclone/gofakes3"
)

// nullVersion is the version id of an object that was stored while its bucket
// had no versioning, or had it suspended.
const nullVersion = "null"

// objectStore keeps objects in memory, as the backend of gofakes3. It takes the
// place of gofakes3's s3mem, which loses track of an object when its current
// version is deleted, knows no null version, and does not page lists of versions.
type objectStore struct {
	now func() time.Time

	mu      sync.RWMutex
	buckets map[string]*objectBucket
	uploads map[string]*partsUpload // uploads in parts that are under way, by id
}

// objectBucket is a bucket with its objects, of which each has at least one
// version, the oldest first.
type objectBucket struct {
	created    time.Time
	versioning gofakes3.VersioningStatus
	objects    map[string][]*storedObject
}

func newObjectBucket(created time.Time) *objectBucket {
	return &objectBucket{created: created, objects: map[string][]*storedObject{}}
}

// storedObject is one version of an object. It is never changed: for new tags or
// a new ACL it is replaced.
type storedObject struct {
	key      string
	version  string
	marker   bool // a delete marker
	body     []byte
	hash     [md5.Size]byte // of the body or, of an upload in parts, of the hashes of its parts
	metadata map[string]string
	modified time.Time
	checksum checksum
	parts    []objectPart // of an upload in parts, in order
	grants   []aclGrant   // nil for the default ACL
}

// objectPart is what is kept of a part of an upload that is complete.
type objectPart struct {
	Number   int    `json:"number"` // as it was uploaded
	Size     int64  `json:"size"`
	Checksum string `json:"checksum,omitempty"` // in base64, by the algorithm of the object's checksum; empty for none
}

var (
	_ gofakes3.Backend              = (*objectStore)(nil)
	_ gofakes3.ObjectTaggingBackend = (*objectStore)(nil)
)

func newObjectStore(now func() time.Time) *objectStore {
	return &objectStore{now: now, buckets: map[string]*objectBucket{}, uploads: map[string]*partsUpload{}}
}

// etag is the entity tag. Of an upload in parts it tells their number.
func (o *storedObject) etag() string {
	tag := hex.EncodeToString(o.hash[:])
	if len(o.parts) > 0 {
		tag += "-" + strconv.Itoa(len(o.parts))
	}
	return `"` + tag + `"`
}

// copyTo makes a new object of this one's body. What is not said to be different
// is left empty.
func (o *storedObject) copyTo(key string, metadata map[string]string, modified time.Time) *storedObject {
	c := &storedObject{key: key, body: o.body, metadata: metadata, modified: modified, hash: o.hash, checksum: o.checksum}
	if len(o.parts) > 0 { // the copy has none
		c.hash = md5.Sum(o.body) //nolint:gosec // the entity tag
	}
	if c.checksum.Kind != fullObject {
		c.checksum = checksumOf(defaultChecksum, o.body)
	}
	return c
}

// shownVersion is the version id as clients see it: none in a bucket that never
// had versioning.
func (b *objectBucket) shownVersion(o *storedObject) gofakes3.VersionID {
	if b.versioning == gofakes3.VersioningNone {
		return ""
	}
	return gofakes3.VersionID(o.version)
}

// find looks a version of an object up. It needs st.mu.
func (st *objectStore) find(v objectVersion) (*objectBucket, *storedObject, error) {
	b := st.buckets[v.bucket]
	if b == nil {
		return nil, nil, gofakes3.BucketNotFound(v.bucket)
	}
	versions := b.objects[v.key]
	if v.id == "" {
		if len(versions) == 0 || versions[len(versions)-1].marker {
			return nil, nil, gofakes3.KeyNotFound(v.key)
		}
		return b, versions[len(versions)-1], nil
	}
	for _, o := range versions {
		if o.version == v.id {
			return b, o, nil
		}
	}
	return nil, nil, gofakes3.ErrNoSuchVersion
}

// lookup finds a version of an object, and its id as clients see it. The error
// is NoSuchBucket, NoSuchKey or NoSuchVersion.
func (st *objectStore) lookup(v objectVersion) (*storedObject, gofakes3.VersionID, error) {
	st.mu.RLock()
	defer st.mu.RUnlock()
	b, o, err := st.find(v)
	if err != nil {
		return nil, "", err
	}
	return o, b.shownVersion(o), nil
}

// latest is the newest version of an object, be it a delete marker; nil if there
// is none.
func (st *objectStore) latest(bucket, key string) *storedObject {
	st.mu.RLock()
	defer st.mu.RUnlock()
	b := st.buckets[bucket]
	if b == nil || len(b.objects[key]) == 0 {
		return nil
	}
	versions := b.objects[key]
	return versions[len(versions)-1]
}

// read makes gofakes3's form of an object, with its body or without.
func (st *objectStore) read(v objectVersion, part *gofakes3.ObjectRangeRequest, withBody bool) (*gofakes3.Object, error) {
	st.mu.RLock()
	defer st.mu.RUnlock()
	b, o, err := st.find(v)
	if err != nil {
		return nil, err
	}
	object := &gofakes3.Object{
		Name: o.key, Metadata: o.metadata, Size: int64(len(o.body)), Hash: o.hash[:],
		VersionID: b.shownVersion(o), IsDeleteMarker: o.marker,
		Contents: io.NopCloser(bytes.NewReader(nil)),
	}
	if !withBody {
		return object, nil
	}
	body := o.body
	if object.Range, err = part.Range(object.Size); err != nil {
		return nil, err
	}
	if object.Range != nil {
		body = body[object.Range.Start : object.Range.Start+object.Range.Length]
	}
	object.Contents = io.NopCloser(bytes.NewReader(body))
	return object, nil
}

// HeadObject implements gofakes3.Backend.
func (st *objectStore) HeadObject(ctx context.Context, bucket, key string) (*gofakes3.Object, error) {
	return st.read(versionIn(ctx, bucket, key), nil, false)
}

// GetObject implements gofakes3.Backend.
func (st *objectStore) GetObject(ctx context.Context, bucket, key string, part *gofakes3.ObjectRangeRequest) (*gofakes3.Object, error) {
	return st.read(versionIn(ctx, bucket, key), part, true)
}

// put makes o the current version of its object. It needs st.mu.
func (b *objectBucket) put(o *storedObject) {
	if b.versioning == gofakes3.VersioningEnabled {
		o.version = newID("") + newID("")
	} else {
		o.version = nullVersion
		b.remove(o.key, nullVersion)
	}
	b.objects[o.key] = append(slices.Clone(b.objects[o.key]), o)
}

// remove deletes a version for good; nil if there is none. It needs st.mu.
func (b *objectBucket) remove(key, version string) *storedObject {
	versions := b.objects[key]
	i := slices.IndexFunc(versions, func(o *storedObject) bool { return o.version == version })
	if i < 0 {
		return nil
	}
	removed := versions[i]
	if len(versions) == 1 {
		delete(b.objects, key)
	} else {
		b.objects[key] = slices.Concat(versions[:i], versions[i+1:])
	}
	return removed
}

// PutObject implements gofakes3.Backend.
func (st *objectStore) PutObject(ctx context.Context, bucket, key string, meta map[string]string, _ io.Reader, _ int64) (gofakes3.PutObjectResult, error) {
	r := storeRequestIn(ctx)
	o := &storedObject{
		key: key, body: r.body, metadata: meta, modified: st.now(), checksum: r.checksum,
		hash: md5.Sum(r.body), //nolint:gosec // the entity tag
	}
	if err := st.store(r, bucket, o); err != nil {
		return gofakes3.PutObjectResult{}, err
	}
	return gofakes3.PutObjectResult{VersionID: r.shown, ETag: o.etag()}, nil
}

// store puts a new object in its place, if what is there meets the request's
// conditions.
func (st *objectStore) store(r *storeRequest, bucket string, o *storedObject) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	_, current, err := st.find(objectVersion{bucket: bucket, key: o.key})
	if err != nil && !gofakes3.HasErrorCode(err, gofakes3.ErrNoSuchKey) {
		return err
	}
	if failure := r.conditions.checkWrite(current); failure != nil {
		return gofakes3.ErrorMessage(gofakes3.ErrorCode(failure.code), failure.message)
	}
	o.grants = r.grants
	b := st.buckets[bucket]
	b.put(o)
	r.written, r.shown = o, b.shownVersion(o)
	return nil
}

// CopyObject implements gofakes3.Backend.
func (st *objectStore) CopyObject(ctx context.Context, fromBucket, fromKey, toBucket, toKey string, meta map[string]string) (gofakes3.CopyObjectResult, error) {
	source, _, err := st.lookup(versionIn(ctx, fromBucket, fromKey))
	if err != nil {
		return gofakes3.CopyObjectResult{}, err
	}
	r, o := storeRequestIn(ctx), source.copyTo(toKey, meta, st.now())
	if r.checksum.Algorithm != "" {
		o.checksum = checksumOf(r.checksum.Algorithm, o.body)
	}
	if err := st.store(r, toBucket, o); err != nil {
		return gofakes3.CopyObjectResult{}, err
	}
	return gofakes3.CopyObjectResult{ETag: o.etag(), LastModified: gofakes3.NewContentTime(o.modified)}, nil
}

// DeleteObject implements gofakes3.Backend. Deletions are served in front of
// gofakes3, see delete, so that nothing calls it.
func (st *objectStore) DeleteObject(context.Context, string, string) (gofakes3.ObjectDeleteResult, error) {
	return gofakes3.ObjectDeleteResult{}, gofakes3.ErrNotImplemented
}

// DeleteMulti implements gofakes3.Backend. Nothing calls it.
func (st *objectStore) DeleteMulti(context.Context, string, ...string) (gofakes3.MultiDeleteResult, error) {
	return gofakes3.MultiDeleteResult{}, gofakes3.ErrNotImplemented
}

// SetObjectTagging implements gofakes3.ObjectTaggingBackend.
func (st *objectStore) SetObjectTagging(ctx context.Context, bucket, key, tagging string) error {
	return st.replace(versionIn(ctx, bucket, key), func(o *storedObject) {
		o.metadata = maps.Clone(o.metadata)
		delete(o.metadata, gofakes3.TaggingMetadataKey)
		if tagging != "" {
			o.metadata[gofakes3.TaggingMetadataKey] = tagging
		}
	})
}

// replace puts in the place of a version what change makes of a copy of it.
func (st *objectStore) replace(v objectVersion, change func(*storedObject)) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	b, o, err := st.find(v)
	if err != nil {
		return err
	}
	changed := *o
	change(&changed)
	versions := slices.Clone(b.objects[v.key])
	versions[slices.Index(versions, o)] = &changed
	b.objects[v.key] = versions
	return nil
}
