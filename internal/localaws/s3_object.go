package localaws

import (
	"net/http"
	"strings"

	"github.com/rclone/gofakes3"
)

// writeChecks are the permissions that an upload needs besides s3:PutObject. Who
// names the entity tag of what is replaced learns whether it is the right one.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
func writeChecks(_ *Server, q *s3Request) ([]s3Check, *apiError) {
	var checks []s3Check
	if len(q.newTags) > 0 {
		checks = append(checks, s3Check{action: "s3:PutObjectTagging", bucket: q.bucket, key: q.key})
	}
	if setsACL(q.http.Header) {
		checks = append(checks, s3Check{action: "s3:PutObjectAcl", bucket: q.bucket, key: q.key})
	}
	if q.store.conditions.match != "" {
		checks = append(checks, readCheck(q.bucket, q.key, ""))
	}
	return checks, nil
}

// copyChecks are the permissions that a copy needs besides s3:PutObject on its
// destination. The source is judged, and its preconditions are looked at, before
// anything about the destination is.
func copyChecks(s *Server, q *s3Request) ([]s3Check, *apiError) {
	source, header := q.source, q.http.Header
	checks := []s3Check{readCheck(source.bucket, source.key, source.id)}
	copiesTags := q.operation.name == "CopyObject" && header.Get("X-Amz-Tagging-Directive") != "REPLACE" &&
		len(s.objectTags(source.objectVersion)) > 0
	if copiesTags {
		checks = append(checks, tagsCheck(source.bucket, source.key, source.id))
	}
	checks = append(checks, s3Check{before: func() *apiError { return s.checkSourceConditions(q) }})
	if q.operation.name != "CopyObject" {
		return checks, nil
	}
	more, failure := writeChecks(s, q)
	if copiesTags {
		more = append(more, s3Check{action: "s3:PutObjectTagging", bucket: q.bucket, key: q.key})
	}
	return append(checks, more...), failure
}

// checkSourceConditions finds that the source does not exist, or is not the one
// that the caller expects.
func (s *Server) checkSourceConditions(q *s3Request) *apiError {
	o, _, err := s.storage.objects.lookup(q.source.objectVersion)
	switch {
	case gofakes3.HasErrorCode(err, gofakes3.ErrNoSuchVersion):
		return noSuchVersion()
	case err != nil:
		return s.missingKey(q)
	}
	if conditions := readConditions(q.http.Header, copySourceConditions); conditions.failed(o) || conditions.notModified(o) {
		return preconditionFailed()
	}
	return nil
}

// attributeChecks: the attributes of an object may be read by who may read it.
func attributeChecks(_ *Server, q *s3Request) ([]s3Check, *apiError) {
	return []s3Check{readCheck(q.bucket, q.key, q.version)}, nil
}

// maxUserMetadata is the size of an object's own metadata: the names, without
// their prefix, and the values, in bytes.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
const maxUserMetadata = 2 << 10

// checkMetadata refuses a new object with too much metadata.
func checkMetadata(header http.Header) *apiError {
	size := 0
	for name, values := range header {
		if name, ok := strings.CutPrefix(name, "X-Amz-Meta-"); ok {
			size += len(name) + len(strings.Join(values, ","))
		}
	}
	if size > maxUserMetadata {
		return newError(http.StatusBadRequest, "MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size")
	}
	return nil
}

// checkNewObject refuses what a new object cannot have.
func checkNewObject(q *s3Request) *apiError {
	if len(q.key) > gofakes3.KeySizeLimit {
		return newError(http.StatusBadRequest, "KeyTooLongError", "Your key is too long")
	}
	if failure := q.store.conditions.checkWriteHeaders(); failure != nil {
		return failure
	}
	return checkMetadata(q.http.Header)
}

// putObject serves an upload.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
func (s *Server) putObject(q *s3Request) *apiError {
	grants, failure := s.newObjectACL(q)
	if failure != nil {
		return failure
	}
	if failure := checkNewObject(q); failure != nil {
		return failure
	}
	body, failure := readBody(q.http, maxObjectBody)
	if failure != nil {
		return failure
	}
	sum, failure := checkUpload(q.http.Header, body, defaultChecksum)
	if failure != nil {
		return failure
	}
	q.store.body, q.store.checksum, q.store.grants = body, sum, grants
	if failure := s.forward(q); failure != nil {
		return failure
	}
	sum.addTo(q.answer.header)
	return nil
}

// copyObject serves a copy. gofakes3 refuses to copy an object onto itself
// unless something changes; that an old version becomes the current one is such
// a change, which it cannot see.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
func (s *Server) copyObject(q *s3Request) *apiError {
	grants, failure := s.newObjectACL(q)
	if failure != nil {
		return failure
	}
	if failure := checkNewObject(q); failure != nil {
		return failure
	}
	if algorithm := strings.ToUpper(q.http.Header.Get("X-Amz-Checksum-Algorithm")); algorithm != "" {
		if checksumAlgorithms()[algorithm] == nil {
			return newError(http.StatusBadRequest, "InvalidRequest", "Value for x-amz-checksum-algorithm header is invalid.")
		}
		q.store.checksum.Algorithm = algorithm
	}
	if q.source.id != "" && q.http.Header.Get("X-Amz-Metadata-Directive") != "REPLACE" {
		q.http.Header.Set("X-Amz-Storage-Class", "STANDARD") // what gofakes3 takes for a change
	}
	q.store.grants = grants
	if failure := s.forward(q); failure != nil {
		return failure
	}
	if q.store.shown != "" {
		q.answer.header.Set("X-Amz-Version-Id", string(q.store.shown))
	}
	return nil
}

func readCheck(bucket, key, version string) s3Check {
	check := s3Check{action: "s3:GetObject", bucket: bucket, key: key, version: version}
	if version != "" {
		check.action = "s3:GetObjectVersion"
	}
	return check
}

func tagsCheck(bucket, key, version string) s3Check {
	check := s3Check{action: "s3:GetObjectTagging", bucket: bucket, key: key, version: version}
	if version != "" {
		check.action = "s3:GetObjectVersionTagging"
	}
	return check
}
