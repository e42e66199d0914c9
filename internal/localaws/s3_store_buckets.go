package localaws

import (
	"cmp"
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
	st.buckets[name] = &objectBucket{created: st.now(), objects: map[string][]*storedObject{}, uploads: map[string]*partsUpload{}}
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
	return nil
}

// VersioningConfiguration implements gofakes3.VersionedBackend.
func (st *objectStore) VersioningConfiguration(name string) (gofakes3.VersioningConfiguration, error) {
	st.mu.RLock()
	defer st.mu.RUnlock()
	b := st.buckets[name]
	if b == nil {
		return gofakes3.VersioningConfiguration{}, gofakes3.BucketNotFound(name)
	}
	return gofakes3.VersioningConfiguration{Status: b.versioning}, nil
}

// SetVersioningConfiguration implements gofakes3.VersionedBackend.
func (st *objectStore) SetVersioningConfiguration(name string, c gofakes3.VersioningConfiguration) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	switch b := st.buckets[name]; {
	case b == nil:
		return gofakes3.BucketNotFound(name)
	case c.MFADelete.Enabled():
		return gofakes3.ErrNotImplemented
	case c.Status == gofakes3.VersioningNone:
		return gofakes3.ErrIllegalVersioningConfiguration
	default:
		b.versioning = c.Status
	}
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
func (st *objectStore) ListBucket(_ context.Context, name string, prefix *gofakes3.Prefix, page gofakes3.ListBucketPage) (*gofakes3.ObjectList, error) {
	st.mu.RLock()
	defer st.mu.RUnlock()
	b := st.buckets[name]
	if b == nil {
		return nil, gofakes3.BucketNotFound(name)
	}
	list := gofakes3.NewObjectList()
	l := lister{prefix: prefix.Prefix, delimiter: prefix.Delimiter, after: page.Marker}
	var count int64
	for _, key := range slices.Sorted(maps.Keys(b.objects)) {
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
			ETag: current.etag(), Size: int64(len(current.body)),
		})
	}
	return list, nil
}

// ListBucketVersions implements gofakes3.VersionedBackend. The versions of an
// object are listed newest first.
func (st *objectStore) ListBucketVersions(name string, prefix *gofakes3.Prefix, page *gofakes3.ListBucketVersionsPage) (*gofakes3.ListBucketVersionsResult, error) {
	st.mu.RLock()
	defer st.mu.RUnlock()
	b := st.buckets[name]
	if b == nil {
		return nil, gofakes3.BucketNotFound(name)
	}
	result := gofakes3.NewListBucketVersionsResult(name, prefix, page)
	l := lister{prefix: prefix.Prefix, delimiter: prefix.Delimiter}
	var lastVersion string
	for _, item := range b.versionsAfter(page.KeyMarker, string(page.VersionIDMarker)) {
		shown, common, skip := l.take(item.key)
		if skip || common && shown == page.KeyMarker {
			continue
		}
		if page.MaxKeys > 0 && int64(len(result.Versions)+len(result.CommonPrefixes)) == page.MaxKeys {
			result.IsTruncated = true
			result.NextKeyMarker, result.NextVersionIDMarker = l.last, gofakes3.VersionID(lastVersion)
			break
		}
		l.last, lastVersion = shown, ""
		if common {
			result.AddPrefix(shown)
			continue
		}
		lastVersion = item.version
		result.Versions = append(result.Versions, b.listed(item))
	}
	return result, nil
}

// versionsAfter lists all versions behind the marker, in the order of the keys,
// newest first. It needs st.mu.
func (b *objectBucket) versionsAfter(key, version string) []*storedObject {
	var all []*storedObject
	for _, name := range slices.Sorted(maps.Keys(b.objects)) {
		versions := b.objects[name]
		switch cmp.Compare(name, key) {
		case -1:
			continue
		case 0: // those older than the marker; none if there is no version marker
			end := slices.IndexFunc(versions, func(o *storedObject) bool { return o.version == version })
			versions = versions[:max(end, 0)]
		}
		for _, o := range slices.Backward(versions) {
			all = append(all, o)
		}
	}
	return all
}

// listed is a version as gofakes3 lists it. It needs st.mu.
func (b *objectBucket) listed(o *storedObject) gofakes3.VersionItem {
	versions := b.objects[o.key]
	latest := versions[len(versions)-1] == o
	modified := gofakes3.NewContentTime(o.modified)
	if o.marker {
		return &gofakes3.DeleteMarker{Key: o.key, VersionID: b.shownVersion(o), IsLatest: latest, LastModified: modified}
	}
	return &gofakes3.Version{
		Key: o.key, VersionID: b.shownVersion(o), IsLatest: latest, LastModified: modified,
		ETag: o.etag(), Size: int64(len(o.body)),
	}
}
