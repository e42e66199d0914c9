package localaws

import (
	"context"

	"github.com/rclone/gofakes3"
)

// objectVersion names a version of an object; an empty id is the current one.
type objectVersion struct{ bucket, key, id string }

// storeRequest is what a request says that gofakes3 does not hand on to its
// backend, and what the backend has to say that gofakes3 does not tell. It
// travels in the request's context.
type storeRequest struct {
	// owner is the canonical id of the account, which owns what is listed.
	owner string
	// version is the object that is read, headed or tagged, or the source of a
	// copy.
	version objectVersion
	// conditions bind a write to what is stored before it.
	conditions preconditions
	// body is what is uploaded, which spares the backend a copy of it.
	body []byte
	// checksum is that of the body, or what an upload in parts is to get.
	checksum checksum
	// grants is the ACL of a new object; nil for the default.
	grants []aclGrant
	// parts are the checksums that the completion of an upload claims, by part
	// number.
	parts map[int]checksum

	// written is the version that the backend stored; nil for none.
	written *storedObject
	// shown is the id of that version as clients see it.
	shown gofakes3.VersionID
}

type storeRequestKey struct{}

func withStoreRequest(ctx context.Context, r *storeRequest) context.Context {
	return context.WithValue(ctx, storeRequestKey{}, r)
}

// storeRequestIn is what the context carries; an empty request if nothing.
func storeRequestIn(ctx context.Context) *storeRequest {
	if r, ok := ctx.Value(storeRequestKey{}).(*storeRequest); ok {
		return r
	}
	return &storeRequest{}
}

// versionIn is the version of an object that the request is about.
func versionIn(ctx context.Context, bucket, key string) objectVersion {
	if v := storeRequestIn(ctx).version; v.bucket == bucket && v.key == key {
		return v
	}
	return objectVersion{bucket: bucket, key: key}
}
