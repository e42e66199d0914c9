package localaws

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
)

// continueEmpty tells a client that waits for leave to send its body to go on,
// even if that body is empty. net/http does not, but S3 does, and botocore is
// confused about the next answer on the connection if it does not come.
func continueEmpty(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength == 0 && strings.EqualFold(r.Header.Get("Expect"), "100-continue") {
		w.WriteHeader(http.StatusContinue)
	}
}

// serveS3 answers one S3 request of an authenticated, or anonymous, caller.
func (s *Server) serveS3(w http.ResponseWriter, r *http.Request, c *caller) {
	q, failure := s.readS3(r, c)
	if failure == nil {
		failure = s.perform(r.Context(), s.s3Call(q), func() *apiError { return s.answerS3(q) })
	} else {
		s.record(s.s3Call(q), failure)
	}
	if failure != nil {
		maps.Copy(w.Header(), q.errorHeader)
		writeS3Error(w, r, failure)
		return
	}
	q.answer.send(w, r)
}

// s3Call is a request as the call log has it.
func (s *Server) s3Call(q *s3Request) Call {
	return Call{
		Time: s.options.Now(), Service: "s3", Operation: q.operation.name, Principal: q.caller.arn(),
		Resource: q.resource(), Write: q.operation.write(),
	}
}

// resource is what the request names: a bucket, or bucket/key.
func (q *s3Request) resource() string {
	if q.key == "" {
		return q.bucket
	}
	return q.bucket + "/" + q.key
}

// answerS3 judges the request and, if it may be, serves it.
func (s *Server) answerS3(q *s3Request) *apiError {
	if failure := s.findBucket(q); failure != nil {
		return failure
	}
	if failure := s.checkExpectedOwner(q); failure != nil {
		return failure
	}
	q.context = s.s3Context(q)
	if failure := s.checkVersion(q); failure != nil {
		return failure
	}
	if failure := s.judge(q); failure != nil {
		return failure
	}
	if q.operation.serve != nil {
		return q.operation.serve(s, q)
	}
	return s.forward(q)
}

// findBucket looks the request's bucket up. That a bucket does not exist is no
// secret: bucket names are global.
func (s *Server) findBucket(q *s3Request) *apiError {
	if q.operation.level == onAccount {
		return nil
	}
	q.target = s.storage.bucket(q.bucket)
	if q.target == nil && q.operation.name != "CreateBucket" {
		return noSuchBucket()
	}
	if q.operation.name == "HeadBucket" { // tells the region to everybody
		q.errorHeader = http.Header{"X-Amz-Bucket-Region": {q.target.region}}
	}
	if q.source != nil && s.storage.bucket(q.source.bucket) == nil {
		return noSuchBucket()
	}
	return nil
}

// checkExpectedOwner refuses a request that expects another owner of a bucket.
// All buckets belong to the one account.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
func (s *Server) checkExpectedOwner(q *s3Request) *apiError {
	for _, header := range []string{"X-Amz-Expected-Bucket-Owner", "X-Amz-Source-Expected-Bucket-Owner"} {
		if owner := q.http.Header.Get(header); owner != "" && owner != s.options.Account {
			return accessDenied("Access Denied")
		}
	}
	return nil
}

// checkVersion refuses to serve a delete marker that is asked for by its version.
// AWS finds that out before it judges, even for who is denied to read it. That
// only who may list the bucket learns it, or who may read the version, is
// inferred from what it says of an object whose newest version is a marker.
func (s *Server) checkVersion(q *s3Request) *apiError {
	asked := objectVersion{q.bucket, q.key, q.version}
	if q.source != nil {
		asked = q.source.objectVersion
	}
	if asked.id == "" || q.operation.name == "DeleteObject" {
		return nil
	}
	found, _, err := s.storage.objects.lookup(asked)
	if err != nil || !found.marker {
		return nil // a version that does not exist is found missing when it is read
	}
	if s.judgeOne(q, s3Check{action: "s3:ListBucket", bucket: asked.bucket}) != nil {
		if failure := s.judge(q); failure != nil {
			return failure
		}
	}
	if q.source != nil {
		return newError(http.StatusBadRequest, "InvalidRequest", "The source of a copy request may not specifically refer to a delete marker by version id.")
	}
	q.errorHeader = markerHeaders(found)
	q.errorHeader.Set("Allow", http.MethodDelete)
	return newError(http.StatusMethodNotAllowed, "MethodNotAllowed", "The specified method is not allowed against this resource.")
}

// forwardConfig lets gofakes3 serve a call that carries no object. It does not
// get to see the digests of the body.
func (s *Server) forwardConfig(q *s3Request) *apiError {
	body, failure := readBody(q.http, maxConfigBody)
	if failure != nil {
		return failure
	}
	if _, failure := checkDigests(q.http.Header, body); failure != nil {
		return failure
	}
	return s.forward(q)
}

// forward lets gofakes3 answer. It gets a request made anew from what has been
// judged, and nothing else.
func (s *Server) forward(q *s3Request) *apiError {
	q.store.owner = s.ownerID()
	inner := q.http.Clone(withStoreRequest(q.http.Context(), q.store))
	inner.URL = &url.URL{Path: "/" + q.bucket}
	if q.operation.level == onObject {
		inner.URL.Path += "/" + q.key
	}
	query := url.Values{}
	for name, values := range q.query {
		if name != "versionId" {
			query[name] = values
		}
	}
	inner.URL.RawQuery = query.Encode()
	inner.Header.Del("X-Amz-Content-Sha256") // the payload has been unwrapped
	removeConditions(inner.Header)
	removeDigests(inner.Header)
	if q.source != nil {
		inner.Header.Set("X-Amz-Copy-Source", q.source.header())
	}
	if failure := s.serveStore(q.answer, inner); failure != nil {
		return failure
	}
	for name := range q.answer.header {
		if strings.HasPrefix(name, "Access-Control-") { // no bucket here has a CORS configuration
			q.answer.header.Del(name)
		}
	}
	failure := q.answer.refusal()
	if failure != nil && failure.code == "NoSuchKey" {
		return s.missingKey(q)
	}
	return failure
}

// serveStore lets gofakes3 answer. It has been seen to panic on input that others
// only refuse, and that must not end as a connection that breaks.
func (s *Server) serveStore(answer *s3Answer, r *http.Request) (failure *apiError) {
	defer func() {
		if fault := recover(); fault != nil {
			s.options.Logger.Error("gofakes3 panicked", "method", r.Method, "path", r.URL.Path, "panic", fault)
			failure = newError(http.StatusInternalServerError, "InternalError", "We encountered an internal error. Please try again.")
		}
	}()
	s.storage.protocol.ServeHTTP(answer, r)
	return nil
}
