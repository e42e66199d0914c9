package localaws

import (
	"cmp"
	"context"
	"crypto/md5" //nolint:gosec // S3 defines the entity tag of a part as its MD5.
	"encoding/base64"
	"encoding/hex"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rclone/gofakes3"
)

const (
	// maxPartNumber is the highest number of a part.
	maxPartNumber = 10_000
	// minPartSize is the least size of a part but the last, in bytes.
	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
	minPartSize = 5 << 20
)

// partsUpload is an upload in parts that is under way. It is guarded by the
// store's mutex.
type partsUpload struct {
	id        string
	bucket    string
	key       string
	metadata  map[string]string
	grants    []aclGrant
	checksum  checksum // what the object is to get; without a value
	initiated time.Time
	parts     map[int]*uploadedPart // by number
}

// uploadedPart is a part that has arrived. It is never changed.
type uploadedPart struct {
	number   int
	body     []byte
	hash     [md5.Size]byte
	checksum checksum
	modified time.Time
}

func (p *uploadedPart) etag() string { return `"` + hex.EncodeToString(p.hash[:]) + `"` }

var _ gofakes3.MultipartBackend = (*objectStore)(nil)

// CreateMultipartUpload implements gofakes3.MultipartBackend.
func (st *objectStore) CreateMultipartUpload(ctx context.Context, bucket, key string, meta map[string]string) (gofakes3.UploadID, error) {
	r := storeRequestIn(ctx)
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.buckets[bucket] == nil {
		return "", gofakes3.BucketNotFound(bucket)
	}
	u := &partsUpload{
		id: newID("") + newID("") + newID(""), bucket: bucket, key: key, metadata: meta, grants: r.grants, checksum: r.checksum,
		initiated: st.now(), parts: map[int]*uploadedPart{},
	}
	st.uploads[u.id] = u
	return gofakes3.UploadID(u.id), nil
}

// upload finds an upload under way. It needs st.mu.
func (st *objectStore) upload(bucket, key, id string) (*partsUpload, error) {
	u := st.uploads[id]
	if u == nil || u.bucket != bucket || u.key != key {
		return nil, gofakes3.ErrNoSuchUpload
	}
	return u, nil
}

// partsOf are the parts of an upload that have arrived, in order.
func (st *objectStore) partsOf(bucket, key, id string) (partsUpload, []*uploadedPart, error) {
	st.mu.RLock()
	defer st.mu.RUnlock()
	u, err := st.upload(bucket, key, id)
	if err != nil {
		return partsUpload{}, nil, err
	}
	parts := slices.SortedFunc(maps.Values(u.parts), func(a, b *uploadedPart) int { return cmp.Compare(a.number, b.number) })
	return *u, parts, nil
}

// uploadsIn are the uploads under way, in the order in which they are listed: by
// key, then by age.
func (st *objectStore) uploadsIn(bucket string) []partsUpload {
	st.mu.RLock()
	defer st.mu.RUnlock()
	var uploads []partsUpload
	for _, u := range st.uploads {
		if u.bucket == bucket {
			uploads = append(uploads, *u)
		}
	}
	slices.SortFunc(uploads, func(a, b partsUpload) int {
		return cmp.Or(strings.Compare(a.key, b.key), a.initiated.Compare(b.initiated), strings.Compare(a.id, b.id))
	})
	return uploads
}

// UploadPart implements gofakes3.MultipartBackend.
func (st *objectStore) UploadPart(ctx context.Context, bucket, key string, id gofakes3.UploadID, number int, length int64, input io.Reader) (string, error) {
	r := storeRequestIn(ctx)
	body := r.body
	if body == nil { // a part that is copied
		var err error
		if body, err = gofakes3.ReadAll(input, length); err != nil {
			return "", err
		}
	}
	part := &uploadedPart{
		number: number, body: body, modified: st.now(), checksum: r.checksum,
		hash: md5.Sum(body), //nolint:gosec // the entity tag
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	u, err := st.upload(bucket, key, string(id))
	if err != nil {
		return "", err
	}
	if part.checksum.Algorithm == "" {
		part.checksum = checksumOf(u.checksum.Algorithm, body)
	}
	u.parts[number] = part
	return part.etag(), nil
}

// AbortMultipartUpload implements gofakes3.MultipartBackend.
func (st *objectStore) AbortMultipartUpload(_ context.Context, bucket, key string, id gofakes3.UploadID) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	if _, err := st.upload(bucket, key, string(id)); err != nil {
		return err
	}
	delete(st.uploads, string(id))
	return nil
}

// CompleteMultipartUpload implements gofakes3.MultipartBackend.
func (st *objectStore) CompleteMultipartUpload(ctx context.Context, bucket, key string, id gofakes3.UploadID, input *gofakes3.CompleteMultipartUploadRequest) (gofakes3.VersionID, string, error) {
	r := storeRequestIn(ctx)
	u, _, err := st.partsOf(bucket, key, string(id))
	if err != nil {
		return "", "", err
	}
	parts, err := st.chosenParts(bucket, key, string(id), input.Parts, r.parts)
	if err != nil {
		return "", "", err
	}
	o, err := u.assemble(parts, r.checksum)
	if err != nil {
		return "", "", err
	}
	o.modified, r.grants = st.now(), u.grants
	if err := st.store(r, bucket, o); err != nil {
		return "", "", err
	}
	if err := st.AbortMultipartUpload(ctx, bucket, key, id); err != nil {
		return "", "", err
	}
	return r.shown, o.etag(), nil
}

// chosenParts are the parts that a completion lists, which must be in order, be
// there, and be large enough.
func (st *objectStore) chosenParts(bucket, key, id string, listed []gofakes3.CompletedPart, claimed map[int]checksum) ([]*uploadedPart, error) {
	st.mu.RLock()
	defer st.mu.RUnlock()
	u, err := st.upload(bucket, key, id)
	if err != nil {
		return nil, err
	}
	if len(listed) == 0 {
		return nil, gofakes3.ErrorMessage(gofakes3.ErrMalformedXML, malformedXML().message)
	}
	chosen := make([]*uploadedPart, len(listed))
	for i, want := range listed {
		part := u.parts[want.PartNumber]
		if i > 0 && want.PartNumber <= listed[i-1].PartNumber {
			return nil, gofakes3.ErrorMessage(gofakes3.ErrInvalidPartOrder, "The list of parts was not in ascending order. Parts must be ordered by part number.")
		}
		claim, claims := claimed[want.PartNumber]
		if part == nil || strings.Trim(want.ETag, `"`) != strings.Trim(part.etag(), `"`) || claims && claim != part.checksum {
			return nil, gofakes3.ErrorMessage(gofakes3.ErrInvalidPart,
				"One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.")
		}
		chosen[i] = part
	}
	tooSmall := func(p *uploadedPart) bool { return len(p.body) < minPartSize }
	if slices.ContainsFunc(chosen[:len(chosen)-1], tooSmall) {
		return nil, gofakes3.ErrorMessage(entityTooSmall, "Your proposed upload is smaller than the minimum allowed size")
	}
	return chosen, nil
}

// entityTooSmall is a code that gofakes3 does not know.
const entityTooSmall gofakes3.ErrorCode = "EntityTooSmall"

// assemble makes the object of its parts. Its checksum must be the claimed one,
// if one is claimed.
func (u *partsUpload) assemble(parts []*uploadedPart, claimed checksum) (*storedObject, error) {
	o := &storedObject{key: u.key, metadata: u.metadata, checksum: u.checksum}
	size := 0
	for _, part := range parts {
		size += len(part.body)
	}
	if size > maxObjectBody {
		return nil, gofakes3.ErrorMessage(gofakes3.ErrEntityTooLarge, entityTooLarge().message)
	}
	o.body = make([]byte, 0, size)
	var hashes, digests []byte
	for _, part := range parts {
		o.body = append(o.body, part.body...)
		hashes = append(hashes, part.hash[:]...)
		kept := objectPart{Number: part.number, Size: int64(len(part.body))}
		if part.checksum.Algorithm == u.checksum.Algorithm {
			digest, err := base64.StdEncoding.DecodeString(part.checksum.Value)
			if err != nil {
				return nil, gofakes3.ErrInvalidPart
			}
			digests = append(digests, digest...)
			kept.Checksum = part.checksum.Value
		}
		o.parts = append(o.parts, kept)
	}
	o.hash = md5.Sum(hashes) //nolint:gosec // the entity tag
	if u.checksum.Kind == composite {
		o.checksum.Value = checksumOf(u.checksum.Algorithm, digests).Value + "-" + strconv.Itoa(len(parts))
	} else {
		o.checksum = checksumOf(u.checksum.Algorithm, o.body)
	}
	// The number of parts may be left out of a claim.
	computed, _, _ := strings.Cut(o.checksum.Value, "-")
	if claimed.Value != "" && (claimed.Algorithm != o.checksum.Algorithm || claimed.Value != o.checksum.Value && claimed.Value != computed) {
		return nil, gofakes3.ErrorMessagef(gofakes3.ErrBadDigest, "The %s you specified did not match the calculated checksum.", claimed.Algorithm)
	}
	return o, nil
}
