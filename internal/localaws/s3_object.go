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
// anything about the destination is.
func copyChecks(s *Server, q *s3Request) ([]s3Check, *apiError) {
	source, header := q.source, q.http.Header
	fromSource := func(action, versionAction string) s3Check {
		check := s3Check{action: action, bucket: source.bucket, key: source.key}
		if source.id != "" {
			check.action = versionAction
			check.keys = map[string]string{"s3:versionid": source.id}
		}
		return check
	}
	checks := []s3Check{fromSource("s3:GetObject", "s3:GetObjectVersion")}
	copiesTags := q.operation.name == "CopyObject" && header.Get("X-Amz-Tagging-Directive") != "REPLACE" &&
		len(s.objectTags(source.objectVersion)) > 0
	if copiesTags {
		checks = append(checks, fromSource("s3:GetObjectTagging", "s3:GetObjectVersionTagging"))
	}
	checks = append(checks, s3Check{before: func() *apiError { return s.checkSourceConditions(q) }})
	if q.operation.name != "CopyObject" {
		return checks, nil
	}
	if copiesTags || header.Get("X-Amz-Tagging-Directive") == "REPLACE" && header.Get("X-Amz-Tagging") != "" {
		checks = append(checks, s3Check{action: "s3:PutObjectTagging", bucket: q.bucket, key: q.key})
	}
	if setsACL(header) {
		checks = append(checks, s3Check{action: "s3:PutObjectAcl", bucket: q.bucket, key: q.key})
	}
	return checks, nil
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
