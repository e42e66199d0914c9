package localaws

import (
	"encoding/base64"
	"net/http"
)

// listObjects serves ListObjects and ListObjectsV2.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
func (s *Server) listObjects(q *s3Request) *apiError {
	if _, failure := parseLimit("max-keys", q.query.Get("max-keys"), maxListed); failure != nil {
		return failure
	}
	if _, failure := keyEncoder(q.query.Get("encoding-type")); failure != nil {
		return failure
	}
	token := q.query.Get("continuation-token")
	if _, err := base64.URLEncoding.DecodeString(token); err != nil || token == "" && q.query.Has("continuation-token") {
		return newError(http.StatusBadRequest, "InvalidArgument", "The continuation token provided is incorrect")
	}
	if failure := s.forward(q); failure != nil {
		return failure
	}
	q.answer.addZeros("MaxKeys")
	if q.operation.name == "ListObjectsV2" {
		q.answer.addZeros("KeyCount")
	}
	return nil
}
