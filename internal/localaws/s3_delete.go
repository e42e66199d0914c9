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

// deleteRequest is the body of DeleteObjects.
type deleteRequest struct {
	XMLName xml.Name         `xml:"Delete"`
	Objects []deleteIdentity `xml:"Object"`
	Quiet   bool
}

type deleteIdentity struct {
	Key       string
	VersionID string `xml:"VersionId"`
	// Conditions are not served: deleting regardless would be worse.
	ETag             string
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
	if len(checked) == 0 {
		return newError(http.StatusBadRequest, "InvalidRequest", "Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
	}
	var request deleteRequest
	if err := xml.Unmarshal(body, &request); err != nil || len(request.Objects) == 0 || len(request.Objects) > maxDeletedKeys {
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
	if id.Key == "" || id.ETag != "" || id.LastModifiedTime != "" || id.Size != "" {
		return deletedObject{}, notImplemented()
	}
	check := s3Check{action: "s3:DeleteObject", bucket: q.bucket, key: id.Key}
	if id.VersionID != "" {
		check.action = "s3:DeleteObjectVersion"
		check.keys = map[string]string{"s3:versionid": id.VersionID}
	}
	if failure := s.judgeOne(q, check); failure != nil {
		return deletedObject{}, failure
	}
	deleted := deletedObject{Key: id.Key, VersionID: id.VersionID}
	if id.VersionID != "" {
		result, err := s.storage.objects.DeleteObjectVersion(q.bucket, id.Key, gofakes3.VersionID(id.VersionID))
		if err != nil {
			return deletedObject{}, noSuchBucket()
		}
		if deleted.DeleteMarker = result.IsDeleteMarker; result.IsDeleteMarker {
			deleted.DeleteMarkerVersionID = id.VersionID
		}
		return deleted, nil
	}
	result, err := s.storage.objects.DeleteObject(q.http.Context(), q.bucket, id.Key)
	if err != nil {
		return deletedObject{}, noSuchBucket()
	}
	deleted.DeleteMarker, deleted.DeleteMarkerVersionID = result.IsDeleteMarker, string(result.VersionID)
	return deleted, nil
}
