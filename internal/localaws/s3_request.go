package localaws

import (
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/litentry/wallet-federation/internal/policy"
)

// s3Request is one request to S3 that has been understood.
type s3Request struct {
	http      *http.Request
	caller    *caller
	operation *s3Operation
	target    *bucket // nil where the operation has none, or creates it
	bucket    string
	key       string
	version   string // versionId; empty for the current version
	query     url.Values
	source    *copySource // of a copy
	context   policy.Context
	newTags   map[string]string // that the request gives an object
	location  string            // the region that CreateBucket asks for; empty for the default
	store     *storeRequest
	answer    *s3Answer
	// errorHeader is sent with a refusal.
	errorHeader http.Header
}

// isAnonymous tells that nobody signed the request.
func (q *s3Request) isAnonymous() bool { return q.caller.principal.Type == policy.Anonymous }

// readS3 finds out what a request asks for. The request is returned even when it
// is refused, for the call log.
func (s *Server) readS3(r *http.Request, c *caller) (*s3Request, *apiError) {
	q := &s3Request{http: r, caller: c, operation: &s3Operation{name: "Unrecognized", method: r.Method}, answer: newS3Answer(), store: &storeRequest{}}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return q, newError(http.StatusBadRequest, "InvalidURI", "Couldn't parse the specified URI.")
	}
	for name := range query {
		// Parameters of the presigned URL, and what SDKs add for routing.
		if strings.HasPrefix(name, "X-Amz-") || name == "x-id" {
			query.Del(name)
		}
	}
	q.bucket, q.key = address(r)
	q.query = query
	if failure := q.recognize(s.storage.operations); failure != nil {
		return q, failure
	}
	if failure := q.checkAddress(); failure != nil {
		return q, failure
	}
	q.version = query.Get("versionId")
	if q.operation.copies {
		source, failure := parseCopySource(r.Header.Get("X-Amz-Copy-Source"))
		if failure != nil {
			return q, failure
		}
		q.source = source
	}
	return q, q.readStoreRequest()
}

// readStoreRequest reads what the request says for the backend of gofakes3, and
// the tags that it gives an object.
func (q *s3Request) readStoreRequest() *apiError {
	q.store.version = objectVersion{q.bucket, q.key, q.version}
	if q.source != nil {
		q.store.version = q.source.objectVersion
	}
	if q.operation.write() {
		q.store.conditions = readConditions(q.http.Header, "")
	}
	switch q.operation.name {
	case "PutObjectTagging":
		return q.readTagging()
	case "CopyObject":
		if q.http.Header.Get("X-Amz-Tagging-Directive") != "REPLACE" {
			return nil
		}
	}
	q.newTags = headerTags(q.http.Header.Get("X-Amz-Tagging"))
	return nil
}

// readTagging reads the tags in the body of PutObjectTagging, which are judged.
// What is malformed is refused by gofakes3, after it has been judged without
// tags.
func (q *s3Request) readTagging() *apiError {
	body, failure := readBody(q.http, maxConfigBody)
	if failure != nil {
		return failure
	}
	var document taggingDocument
	if err := decodeXML(body, &document); err != nil {
		return nil
	}
	q.newTags = map[string]string{}
	for _, tag := range document.Tags {
		q.newTags[tag.Key] = tag.Value
	}
	return nil
}

// recognize finds the operation.
func (q *s3Request) recognize(operations []s3Operation) *apiError {
	level := onObject
	switch {
	case q.bucket == "" && q.key == "":
		level = onAccount
	case q.key == "":
		level = onBucket
	}
	for i := range operations {
		if operations[i].recognizes(level, q.http, q.query) {
			q.operation = &operations[i]
			return nil
		}
	}
	return notImplemented()
}

// checkAddress refuses what would address something else than it seems to: an
// empty versionId or uploadId would be taken for none at all.
func (q *s3Request) checkAddress() *apiError {
	if q.operation.level != onAccount && q.bucket == "" {
		return newError(http.StatusBadRequest, "InvalidBucketName", "The specified bucket is not valid.")
	}
	for _, name := range []string{"versionId", "uploadId"} {
		if q.query.Has(name) && q.query.Get(name) == "" {
			return newError(http.StatusBadRequest, "InvalidArgument", "%s cannot be the empty string", name)
		}
	}
	return nil
}

// address takes bucket and key from a path-style request, /bucket/key, or from a
// virtual-host-style one to bucket.localhost, bucket.s3.localhost or
// bucket.s3.<region>.localhost.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
func address(r *http.Request) (bucket, key string) {
	path := strings.TrimPrefix(r.URL.Path, "/")
	if bucket = hostBucket(r.Host); bucket != "" {
		return bucket, path
	}
	bucket, key, _ = strings.Cut(path, "/")
	return bucket, key
}

func hostBucket(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	name, ok := strings.CutSuffix(host, ".localhost")
	if !ok {
		return ""
	}
	labels := strings.Split(name, ".")
	last := len(labels) - 1
	switch {
	case labels[last] == "s3":
		labels = labels[:last]
	case last > 0 && labels[last-1] == "s3":
		labels = labels[:last-1]
	}
	return strings.Join(labels, ".")
}

// copySource is the object that a copy reads.
type copySource struct{ objectVersion }

// parseCopySource reads x-amz-copy-source: [/]bucket/key[?versionId=id],
// percent-encoded.
func parseCopySource(header string) (*copySource, *apiError) {
	path, query, _ := strings.Cut(header, "?")
	// gofakes3 decodes a plus as a space, and it is what does the copy.
	path, err := url.QueryUnescape(path)
	bucket, key, ok := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if err != nil || !ok || bucket == "" || key == "" {
		return nil, newError(http.StatusBadRequest, "InvalidArgument", "Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
	}
	version := ""
	if query != "" {
		if version, ok = strings.CutPrefix(query, "versionId="); !ok || version == "" {
			return nil, newError(http.StatusBadRequest, "InvalidArgument", "Copy Source is not valid: only versionId may follow the key")
		}
	}
	return &copySource{objectVersion{bucket, key, version}}, nil
}

// header renders the source for gofakes3, which gets the version another way.
func (c *copySource) header() string {
	return encodeURI("/"+c.bucket+"/"+c.key, true)
}

// path is the source as the condition key s3:x-amz-copy-source has it.
func (c *copySource) path() string {
	return c.bucket + "/" + c.key
}
