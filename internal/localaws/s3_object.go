package localaws

import (
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/rclone/gofakes3"
)

// writeChecks are the permissions that an upload needs besides s3:PutObject.
func writeChecks(_ *Server, q *s3Request) ([]s3Check, *apiError) {
	var checks []s3Check
	if q.http.Header.Get("X-Amz-Tagging") != "" {
		checks = append(checks, s3Check{action: "s3:PutObjectTagging", bucket: q.bucket, key: q.key})
	}
	if setsACL(q.http.Header) {
		checks = append(checks, s3Check{action: "s3:PutObjectAcl", bucket: q.bucket, key: q.key})
	}
	return checks, nil
}

// copyChecks are the permissions that a copy needs besides s3:PutObject on its
// destination. The source is judged, and its preconditions are looked at, before
// the destination is.
func copyChecks(s *Server, q *s3Request) ([]s3Check, *apiError) {
	source := q.source
	read := s3Check{action: "s3:GetObject", bucket: source.bucket, key: source.key}
	if source.id != "" {
		read.action = "s3:GetObjectVersion"
		read.keys = map[string]string{"s3:versionid": source.id}
	}
	checks := []s3Check{read}
	if q.operation.name == "CopyObject" {
		checks = append(checks, s.copyTagChecks(q)...)
		if setsACL(q.http.Header) {
			checks = append(checks, s3Check{action: "s3:PutObjectAcl", bucket: q.bucket, key: q.key})
		}
	}
	checks = append(checks, s3Check{
		action: "s3:PutObject", bucket: q.bucket, key: q.key,
		before: func() *apiError { return s.checkSourceConditions(q) },
	})
	return checks, nil
}

// copyTagChecks are the permissions for the tags that the copy gets, its
// source's or new ones.
func (s *Server) copyTagChecks(q *s3Request) []s3Check {
	write := s3Check{action: "s3:PutObjectTagging", bucket: q.bucket, key: q.key}
	source := q.source
	if q.http.Header.Get("X-Amz-Tagging-Directive") == "REPLACE" {
		if q.http.Header.Get("X-Amz-Tagging") == "" {
			return nil
		}
		return []s3Check{write}
	}
	if len(s.objectTags(source.objectVersion)) == 0 {
		return nil
	}
	read := s3Check{action: "s3:GetObjectTagging", bucket: source.bucket, key: source.key}
	if source.id != "" {
		read.action = "s3:GetObjectVersionTagging"
	}
	return []s3Check{read, write}
}

// checkSourceConditions finds that the source does not exist, or is not the one
// that the caller expects.
func (s *Server) checkSourceConditions(q *s3Request) *apiError {
	object, err := s.storage.objects.read(q.source.objectVersion, nil, false)
	if err != nil {
		return s.missingKey(q)
	}
	const prefix = "X-Amz-Copy-Source-If-"
	header := q.http.Header
	modified, _ := http.ParseTime(object.Metadata["Last-Modified"])
	tag := hex.EncodeToString(object.Hash)
	ok := true
	if matches := header.Get(prefix + "Match"); matches != "" {
		ok = tagMatches(matches, tag)
	} else if until, err := http.ParseTime(header.Get(prefix + "Unmodified-Since")); err == nil {
		ok = !modified.After(until)
	}
	if differs := header.Get(prefix + "None-Match"); differs != "" {
		ok = ok && !tagMatches(differs, tag)
	} else if since, err := http.ParseTime(header.Get(prefix + "Modified-Since")); err == nil {
		ok = ok && modified.After(since)
	}
	if !ok {
		return newError(http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
	}
	return nil
}

func tagMatches(condition, tag string) bool {
	return condition == "*" || strings.Trim(condition, `"`) == tag
}

// attributeChecks: the attributes of an object may be read by who may read it.
func attributeChecks(_ *Server, q *s3Request) ([]s3Check, *apiError) {
	action := "s3:GetObject"
	if q.version != "" {
		action = "s3:GetObjectVersion"
	}
	return []s3Check{{action: action, bucket: q.bucket, key: q.key}}, nil
}

// putObject serves an upload, a copy, or the start of a multipart upload.
func (s *Server) putObject(q *s3Request) *apiError {
	if failure := checkObjectACL(q); failure != nil {
		return failure
	}
	return s.forward(q)
}

// uploadPart serves a part. gofakes3 does not look at its checksum.
func (s *Server) uploadPart(q *s3Request) *apiError {
	body, failure := readBody(q.http, maxObjectBody)
	if failure != nil {
		return failure
	}
	checked, failure := checkDigests(q.http.Header, body)
	if failure != nil {
		return failure
	}
	if failure := s.forward(q); failure != nil {
		return failure
	}
	for _, header := range checked {
		q.answer.header.Set(header, q.http.Header.Get(header))
	}
	return nil
}

// deleteObject deletes an object, or one version of it.
func (s *Server) deleteObject(q *s3Request) *apiError {
	if q.version == "" {
		return s.forward(q)
	}
	result, err := s.storage.objects.DeleteObjectVersion(q.bucket, q.key, gofakes3.VersionID(q.version))
	if err != nil {
		return noSuchBucket()
	}
	q.answer.header.Set("X-Amz-Version-Id", q.version)
	if result.IsDeleteMarker {
		q.answer.header.Set("X-Amz-Delete-Marker", "true")
	}
	return q.answer.noContent()
}
