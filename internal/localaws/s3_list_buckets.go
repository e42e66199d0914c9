package localaws

import (
	"encoding/base64"
	"encoding/xml"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// maxListedBuckets is how many buckets one answer lists.
const maxListedBuckets = 10_000

// bucketsResult is the answer to ListBuckets.
type bucketsResult struct {
	XMLName           xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListAllMyBucketsResult"`
	Owner             aclOwner
	Buckets           []listedBucket `xml:"Buckets>Bucket"`
	ContinuationToken string         `xml:",omitempty"`
	Prefix            string         `xml:",omitempty"`
}

type listedBucket struct {
	Name         string
	CreationDate string
	BucketRegion string `xml:",omitempty"`
}

// listBuckets lists the buckets of the account. Their regions are told to who
// asks in one of the ways that are newer than the operation.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html
func (s *Server) listBuckets(q *s3Request) *apiError {
	limit, after, failure := bucketsPage(q)
	if failure != nil {
		return failure
	}
	prefix, region := q.query.Get("prefix"), q.query.Get("bucket-region")
	result := bucketsResult{Owner: aclOwner{s.ownerID()}, Buckets: []listedBucket{}, Prefix: prefix}
	for _, b := range s.storage.list() {
		if b.name <= after || !strings.HasPrefix(b.name, prefix) || region != "" && b.region != region {
			continue
		}
		if len(result.Buckets) == limit {
			last := result.Buckets[limit-1].Name
			result.ContinuationToken = base64.URLEncoding.EncodeToString([]byte(last))
			break
		}
		listed := listedBucket{Name: b.name, CreationDate: listTime(s.storage.objects.createdAt(b.name))}
		if len(q.query) > 0 {
			listed.BucketRegion = b.region
		}
		result.Buckets = append(result.Buckets, listed)
	}
	return q.answer.xml(result)
}

// bucketsPage reads how many buckets to list, and behind which.
func bucketsPage(q *s3Request) (limit int, after string, failure *apiError) {
	limit = maxListedBuckets
	if text := q.query.Get("max-buckets"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxListedBuckets {
			return 0, "", newError(http.StatusBadRequest, "InvalidArgument", "max-buckets must be between 1 and 10000")
		}
		limit = n
	}
	name, err := base64.URLEncoding.DecodeString(q.query.Get("continuation-token"))
	if err != nil {
		return 0, "", newError(http.StatusBadRequest, "InvalidArgument", "The continuation token provided is incorrect")
	}
	return limit, string(name), nil
}

// list is all buckets in the order of their names.
func (st *storage) list() []*bucket {
	st.mu.Lock()
	defer st.mu.Unlock()
	return slices.SortedFunc(maps.Values(st.buckets), func(a, b *bucket) int { return strings.Compare(a.name, b.name) })
}
