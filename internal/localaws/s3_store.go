package localaws

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // S3 defines the entity tag of an object as its MD5.
	"encoding/hex"
	"io"
	"maps"
	"slices"
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
}

// objectBucket is a bucket with its objects, of which each has at least one
// version, the oldest first.
type objectBucket struct {
	created    time.Time
	versioning gofakes3.VersioningStatus
	objects    map[string][]*storedObject
}

// storedObject is one version of an object. It is never changed, but for its
// tags, for which it is replaced.
type storedObject struct {
	key      string
	version  string
	marker   bool // a delete marker
	body     []byte
	hash     [md5.Size]byte
	metadata map[string]string
	modified time.Time
}

var (
	_ gofakes3.Backend              = (*objectStore)(nil)
	_ gofakes3.VersionedBackend     = (*objectStore)(nil)
	_ gofakes3.ObjectTaggingBackend = (*objectStore)(nil)
)

func newObjectStore(now func() time.Time) *objectStore {
	return &objectStore{now: now, buckets: map[string]*objectBucket{}}
}

// objectVersion names a version of an object; an empty id is the current one. It
// travels in a request's context: gofakes3 forgets the version that a request
// names when it copies, heads, tags or describes an object.
type objectVersion struct{ bucket, key, id string }

type objectVersionKey struct{}

func withVersion(ctx context.Context, v objectVersion) context.Context {
	return context.WithValue(ctx, objectVersionKey{}, v)
}

// versionIn is the version of an object that the request is about.
func versionIn(ctx context.Context, bucket, key string) objectVersion {
	if v, ok := ctx.Value(objectVersionKey{}).(objectVersion); ok && v.bucket == bucket && v.key == key {
		return v
	}
	return objectVersion{bucket: bucket, key: key}
}

func (o *storedObject) etag() string {
	return `"` + hex.EncodeToString(o.hash[:]) + `"`
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

// GetObjectVersion implements gofakes3.VersionedBackend.
func (st *objectStore) GetObjectVersion(bucket, key string, version gofakes3.VersionID, part *gofakes3.ObjectRangeRequest) (*gofakes3.Object, error) {
	return st.read(objectVersion{bucket, key, string(version)}, part, true)
}

// HeadObjectVersion implements gofakes3.VersionedBackend.
func (st *objectStore) HeadObjectVersion(bucket, key string, version gofakes3.VersionID) (*gofakes3.Object, error) {
	return st.read(objectVersion{bucket, key, string(version)}, nil, false)
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
func (st *objectStore) PutObject(ctx context.Context, bucket, key string, meta map[string]string, input io.Reader, size int64) (gofakes3.PutObjectResult, error) {
	body, err := gofakes3.ReadAll(input, size)
	if err != nil {
		return gofakes3.PutObjectResult{}, err
	}
	o := &storedObject{
		key: key, body: body, metadata: meta, modified: st.now(),
		hash: md5.Sum(body), //nolint:gosec // the entity tag
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	_, current, err := st.find(objectVersion{bucket: bucket, key: key})
	if err != nil && !gofakes3.HasErrorCode(err, gofakes3.ErrNoSuchKey) {
		return gofakes3.PutObjectResult{}, err
	}
	etag := ""
	if current != nil {
		etag = current.etag()
	}
	if err := gofakes3.CheckWriteConditions(ctx, current != nil, etag); err != nil {
		return gofakes3.PutObjectResult{}, err
	}
	b := st.buckets[bucket]
	b.put(o)
	return gofakes3.PutObjectResult{VersionID: b.shownVersion(o)}, nil
}

// CopyObject implements gofakes3.Backend.
func (st *objectStore) CopyObject(ctx context.Context, fromBucket, fromKey, toBucket, toKey string, meta map[string]string) (gofakes3.CopyObjectResult, error) {
	source, err := st.GetObject(ctx, fromBucket, fromKey, nil)
	if err != nil {
		return gofakes3.CopyObjectResult{}, err
	}
	if _, err := st.PutObject(ctx, toBucket, toKey, meta, source.Contents, source.Size); err != nil {
		return gofakes3.CopyObjectResult{}, err
	}
	return gofakes3.CopyObjectResult{
		ETag:         `"` + hex.EncodeToString(source.Hash) + `"`,
		LastModified: gofakes3.NewContentTime(st.now()),
	}, nil
}

// DeleteObject implements gofakes3.Backend.
func (st *objectStore) DeleteObject(_ context.Context, bucket, key string) (gofakes3.ObjectDeleteResult, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	b := st.buckets[bucket]
	if b == nil {
		return gofakes3.ObjectDeleteResult{}, gofakes3.BucketNotFound(bucket)
	}
	if b.versioning == gofakes3.VersioningNone {
		b.remove(key, nullVersion)
		return gofakes3.ObjectDeleteResult{}, nil
	}
	marker := &storedObject{key: key, marker: true, modified: st.now()}
	b.put(marker)
	return gofakes3.ObjectDeleteResult{IsDeleteMarker: true, VersionID: gofakes3.VersionID(marker.version)}, nil
}

// DeleteObjectVersion implements gofakes3.VersionedBackend.
func (st *objectStore) DeleteObjectVersion(bucket, key string, version gofakes3.VersionID) (gofakes3.ObjectDeleteResult, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	b := st.buckets[bucket]
	if b == nil {
		return gofakes3.ObjectDeleteResult{}, gofakes3.BucketNotFound(bucket)
	}
	removed := b.remove(key, string(version))
	if removed == nil {
		return gofakes3.ObjectDeleteResult{}, nil
	}
	return gofakes3.ObjectDeleteResult{VersionID: version, IsDeleteMarker: removed.marker}, nil
}

// DeleteMulti implements gofakes3.Backend. DeleteObjects is served in front of
// gofakes3, key by key, so nothing calls it.
func (st *objectStore) DeleteMulti(context.Context, string, ...string) (gofakes3.MultiDeleteResult, error) {
	return gofakes3.MultiDeleteResult{}, gofakes3.ErrNotImplemented
}

// SetObjectTagging implements gofakes3.ObjectTaggingBackend.
func (st *objectStore) SetObjectTagging(ctx context.Context, bucket, key, tagging string) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	b, o, err := st.find(versionIn(ctx, bucket, key))
	if err != nil {
		return err
	}
	tagged := *o
	tagged.metadata = maps.Clone(o.metadata)
	delete(tagged.metadata, gofakes3.TaggingMetadataKey)
	if tagging != "" {
		tagged.metadata[gofakes3.TaggingMetadataKey] = tagging
	}
	versions := slices.Clone(b.objects[key])
	versions[slices.Index(versions, o)] = &tagged
	b.objects[key] = versions
	return nil
}
