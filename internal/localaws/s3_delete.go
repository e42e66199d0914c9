package localaws

import (
	"encoding/xml"
	"net/http"

	"github.com/rclone/gofakes3"
)

const (
	// maxDeletedKeys is how many objects one call of DeleteObjects deletes.
	maxDeletedKeys = 1000
	// maxConfigBody bounds the body of a call that carries no object.
	maxConfigBody = 2 << 20
)

// deleteChecks are the permissions that a deletion needs besides
// s3:DeleteObject: who names the entity tag learns whether it is the right one.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-delete-enforce.html
func deleteChecks(_ *Server, q *s3Request) ([]s3Check, *apiError) {
	if tag := q.store.conditions.match; tag == "" || tag == "*" {
		return nil, nil
	}
	return []s3Check{readCheck(q.bucket, q.key, q.version)}, nil
}

// deleteObject deletes an object, or one version of it.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html
func (s *Server) deleteObject(q *s3Request) *apiError {
	if q.http.Header.Get("X-Amz-If-Match-Size") != "" || q.http.Header.Get("X-Amz-If-Match-Last-Modified-Time") != "" {
		return notImplemented() // AWS knows them for directory buckets only
	}
	deleted, failure := s.storage.objects.delete(objectVersion{q.bucket, q.key, q.version}, q.store.conditions.match)
	if failure != nil {
		return failure
	}
	if deleted.VersionID != "" {
		q.answer.header.Set("X-Amz-Version-Id", string(deleted.VersionID))
	}
	if deleted.IsDeleteMarker {
		q.answer.header.Set("X-Amz-Delete-Marker", "true")
	}
	return q.answer.noContent()
}

// deleteRequest is the body of DeleteObjects.
type deleteRequest struct {
	XMLName xml.Name         `xml:"Delete"`
	Objects []deleteIdentity `xml:"Object"`
	Quiet   bool
}

type deleteIdentity struct {
	Key       string
	VersionID string `xml:"VersionId"`
	ETag      string
	// AWS knows these two for directory buckets only. To delete regardless
	// would be worse than to refuse.
	LastModifiedTime string
	Size             string
}

// deleteResult is the answer to DeleteObjects.
type deleteResult struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ DeleteResult"`
	Deleted []deletedObject
	Error   []deleteError
}

type deletedObject struct {
	Key                   string
	VersionID             string `xml:"VersionId,omitempty"`
	DeleteMarker          bool   `xml:",omitempty"`
	DeleteMarkerVersionID string `xml:"DeleteMarkerVersionId,omitempty"`
}

type deleteError struct {
	Key       string
	VersionID string `xml:"VersionId,omitempty"`
	Code      string
	Message   string
}

// deleteObjects deletes many objects. Each is judged on its own, and an answer
// that is 200 tells which were refused.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
func (s *Server) deleteObjects(q *s3Request) *apiError {
	body, failure := readBody(q.http, maxConfigBody)
	if failure != nil {
		return failure
	}
	checked, failure := checkDigests(q.http.Header, body)
	if failure != nil {
		return failure
	}
	if !checked {
		return newError(http.StatusBadRequest, "InvalidRequest", "Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
	}
	var request deleteRequest
	if err := decodeXML(body, &request); err != nil || len(request.Objects) == 0 || len(request.Objects) > maxDeletedKeys {
		return malformedXML()
	}
	var result deleteResult
	for _, id := range request.Objects {
		deleted, failure := s.deleteOne(q, id)
		switch {
		case failure != nil:
			result.Error = append(result.Error, deleteError{Key: id.Key, VersionID: id.VersionID, Code: failure.code, Message: failure.message})
		case !request.Quiet:
			result.Deleted = append(result.Deleted, deleted)
		}
	}
	return q.answer.xml(result)
}

func (s *Server) deleteOne(q *s3Request, id deleteIdentity) (deletedObject, *apiError) {
	check := s3Check{action: "s3:DeleteObject", bucket: q.bucket, key: id.Key, version: id.VersionID, etag: id.ETag}
	switch {
	case id.Key == "":
		return deletedObject{}, newError(http.StatusBadRequest, "UserKeyMustBeSpecified", "The bucket POST must contain the specified field name. If it is specified, check the order of the fields.")
	case id.LastModifiedTime != "" || id.Size != "":
		return deletedObject{}, notImplemented()
	case id.VersionID != "":
		check.action = "s3:DeleteObjectVersion"
	}
	checks := []s3Check{check}
	if id.ETag != "" && id.ETag != "*" {
		checks = append(checks, readCheck(q.bucket, id.Key, id.VersionID))
	}
	for _, check := range checks {
		if failure := s.judgeOne(q, check); failure != nil {
			return deletedObject{}, failure
		}
	}
	removed, failure := s.storage.objects.delete(check.object(), id.ETag)
	if failure != nil {
		return deletedObject{}, failure
	}
	deleted := deletedObject{Key: id.Key, VersionID: id.VersionID, DeleteMarker: removed.IsDeleteMarker}
	if removed.IsDeleteMarker {
		deleted.DeleteMarkerVersionID = string(removed.VersionID)
	}
	return deleted, nil
}

// delete deletes an object or, if the id is given, one version of it, provided
// that its entity tag matches; an empty one matches all. To delete what is not
// there is a success.
func (st *objectStore) delete(v objectVersion, match string) (gofakes3.ObjectDeleteResult, *apiError) {
	st.mu.Lock()
	defer st.mu.Unlock()
	b := st.buckets[v.bucket]
	if b == nil {
		return gofakes3.ObjectDeleteResult{}, noSuchBucket()
	}
	if match != "" {
		_, current, err := st.find(v)
		if err != nil {
			current = nil
		}
		if failure := (preconditions{match: match}).checkWrite(current); failure != nil {
			return gofakes3.ObjectDeleteResult{}, failure
		}
	}
	if v.id != "" {
		removed := b.remove(v.key, v.id)
		return gofakes3.ObjectDeleteResult{VersionID: gofakes3.VersionID(v.id), IsDeleteMarker: removed != nil && removed.marker}, nil
	}
	if b.versioning == gofakes3.VersioningNone {
		b.remove(v.key, nullVersion)
		return gofakes3.ObjectDeleteResult{}, nil
	}
	marker := &storedObject{key: v.key, marker: true, modified: st.now()}
	b.put(marker)
	return gofakes3.ObjectDeleteResult{IsDeleteMarker: true, VersionID: gofakes3.VersionID(marker.version)}, nil
}
