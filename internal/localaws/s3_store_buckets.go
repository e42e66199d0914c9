package localaws

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rclone/gofakes3"
)

// ListBuckets implements gofakes3.Backend.
func (st *objectStore) ListBuckets(context.Context) ([]gofakes3.BucketInfo, error) {
	st.mu.RLock()
	defer st.mu.RUnlock()
	buckets := make([]gofakes3.BucketInfo, 0, len(st.buckets))
	for name, b := range st.buckets {
		buckets = append(buckets, gofakes3.BucketInfo{Name: name, CreationDate: gofakes3.NewContentTime(b.created)})
	}
	return buckets, nil
}

// createdAt is when a bucket was created; the zero time if there is none.
func (st *objectStore) createdAt(name string) time.Time {
	st.mu.RLock()
	defer st.mu.RUnlock()
	if b := st.buckets[name]; b != nil {
		return b.created
	}
	return time.Time{}
}

// CreateBucket implements gofakes3.Backend.
func (st *objectStore) CreateBucket(_ context.Context, name string) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.buckets[name] != nil {
		return gofakes3.ResourceError(gofakes3.ErrBucketAlreadyExists, name)
	}
	st.buckets[name] = newObjectBucket(st.now())
	return nil
}

// BucketExists implements gofakes3.Backend.
func (st *objectStore) BucketExists(_ context.Context, name string) (bool, error) {
	st.mu.RLock()
	defer st.mu.RUnlock()
	return st.buckets[name] != nil, nil
}

// DeleteBucket implements gofakes3.Backend.
func (st *objectStore) DeleteBucket(_ context.Context, name string) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	switch b := st.buckets[name]; {
	case b == nil:
		return gofakes3.BucketNotFound(name)
	case len(b.objects) > 0:
		return gofakes3.ResourceError(gofakes3.ErrBucketNotEmpty, name)
	}
	delete(st.buckets, name)
	maps.DeleteFunc(st.uploads, func(_ string, u *partsUpload) bool { return u.bucket == name })
	return nil
}

// lister selects what a list shows, in the order of the keys.
type lister struct {
	prefix, delimiter string
	after             string // the last key or common prefix of the page before
	last              string // what was taken last
}

// take decides on the next key: whether the list shows it, as itself or as a
// common prefix, and whether it is folded into what was taken last.
func (l *lister) take(key string) (shown string, common, skip bool) {
	if !strings.HasPrefix(key, l.prefix) {
		return "", false, true
	}
	shown = key
	if l.delimiter != "" {
		if i := strings.Index(key[len(l.prefix):], l.delimiter); i >= 0 {
			shown = key[:len(l.prefix)+i+len(l.delimiter)]
			common = true
		}
	}
	if shown <= l.after && l.after != "" || common && shown == l.last {
		return "", false, true
	}
	return shown, common, false
}

// ListBucket implements gofakes3.Backend.
func (st *objectStore) ListBucket(ctx context.Context, name string, prefix *gofakes3.Prefix, page gofakes3.ListBucketPage) (*gofakes3.ObjectList, error) {
	st.mu.RLock()
	defer st.mu.RUnlock()
	b := st.buckets[name]
	if b == nil {
		return nil, gofakes3.BucketNotFound(name)
	}
	list := gofakes3.NewObjectList()
	l := lister{prefix: prefix.Prefix, delimiter: prefix.Delimiter, after: page.Marker}
	var count int64
	for _, key := range b.sortedKeys() {
		versions := b.objects[key]
		current := versions[len(versions)-1]
		shown, common, skip := l.take(key)
		if skip || current.marker {
			continue
		}
		if page.MaxKeys > 0 && count == page.MaxKeys {
			list.IsTruncated, list.NextMarker = true, l.last
			break
		}
		l.last = shown
		count++
		if common {
			list.AddPrefix(shown)
			continue
		}
		list.Add(&gofakes3.Content{
			Key: key, LastModified: gofakes3.NewContentTime(current.modified),
			ETag: current.etag(), Size: int64(len(current.body)), StorageClass: gofakes3.StorageClass(current.storageClass()),
			Owner: &gofakes3.UserInfo{ID: storeRequestIn(ctx).owner},
		})
	}
	return list, nil
}

// sortedKeys are the keys of all objects in order. It needs st.mu.
func (b *objectBucket) sortedKeys() []string { return slices.Sorted(maps.Keys(b.objects)) }
