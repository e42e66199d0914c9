package localaws

import (
	"encoding/xml"
	"net/http"
	"slices"
)

// maxBucketTags is how many tags a bucket may have.
const maxBucketTags = 50

// taggingDocument is a set of tags in XML.
type taggingDocument struct {
	XMLName xml.Name    `xml:"Tagging"`
	Xmlns   string      `xml:"xmlns,attr,omitempty"`
	Tags    []objectTag `xml:"TagSet>Tag"`
}

// objectTag is a tag of an object or of a bucket. Unlike those of IAM, two may
// differ by nothing but their case.
type objectTag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

func (s *Server) getBucketTagging(q *s3Request) *apiError {
	if len(q.target.tags) == 0 {
		return newError(http.StatusNotFound, "NoSuchTagSet", "The TagSet does not exist")
	}
	return q.answer.xml(taggingDocument{Xmlns: s3Namespace, Tags: q.target.tags})
}

// putBucketTagging replaces the tags of a bucket. They are no condition keys: a
// new bucket has attribute-based access control switched off.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketTagging.html
func (s *Server) putBucketTagging(q *s3Request) *apiError {
	var document taggingDocument
	if failure := readConfig(q, &document); failure != nil {
		return failure
	}
	for i, t := range document.Tags {
		sameKey := func(other objectTag) bool { return other.Key == t.Key }
		switch {
		case slices.IndexFunc(document.Tags, sameKey) != i:
			return invalidTag("Cannot provide multiple Tags with the same key")
		case hasReservedPrefix(t.Key):
			return invalidTag("System tags cannot be added/updated by requester")
		case len(t.Key) > maxTagKeyLen || !tagKeyPattern.MatchString(t.Key):
			return invalidTag("The TagKey you have provided is invalid")
		case len(t.Value) > maxTagValueLen || !tagValuePattern.MatchString(t.Value):
			return invalidTag("The TagValue you have provided is invalid")
		}
	}
	if len(document.Tags) > maxBucketTags {
		return newError(http.StatusBadRequest, "BadRequest", "Bucket tag count cannot be greater than 50")
	}
	q.answer.status = http.StatusNoContent
	return s.storage.update(q.bucket, func(b *bucket) { b.tags = document.Tags })
}

func (s *Server) deleteBucketTagging(q *s3Request) *apiError {
	q.answer.status = http.StatusNoContent
	return s.storage.update(q.bucket, func(b *bucket) { b.tags = nil })
}

func invalidTag(text string) *apiError {
	return newError(http.StatusBadRequest, "InvalidTag", "%s", text)
}
