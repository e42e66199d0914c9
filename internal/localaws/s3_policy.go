package localaws

import (
	"encoding/xml"
	"errors"
	"net/http"

	"github.com/litentry/wallet-federation/internal/bucketpolicy"
	"github.com/litentry/wallet-federation/internal/policy"
)

// putBucketPolicy puts a policy in force, in the place of any other.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html
func (s *Server) putBucketPolicy(q *s3Request) *apiError {
	text, failure := readBody(q.http, maxConfigBody)
	if failure != nil {
		return failure
	}
	if _, failure := checkDigests(q.http.Header, text); failure != nil {
		return failure
	}
	admitted, failure := s.admitBucketPolicy(q.bucket, text)
	if failure != nil {
		return failure
	}
	if block := q.target.publicAccess; block != nil && block.BlockPublicPolicy && admitted.public {
		return accessDenied("User: %s is not authorized to perform: s3:PutBucketPolicy on resource: %q because public policies are "+
			"prevented by the BlockPublicPolicy setting in S3 Block Public Access.", q.caller.arn(), s.s3ARN(q.bucket, ""))
	}
	if failure := s.checkLockout(q, admitted.document); failure != nil {
		return failure
	}
	q.answer.status = http.StatusNoContent
	return s.storage.update(q.bucket, func(b *bucket) { b.policy = admitted })
}

// admitBucketPolicy checks a policy as AWS does before it accepts one, and binds
// its principals to the ids of those who bear their names now.
func (s *Server) admitBucketPolicy(bucket string, text []byte) (*bucketPolicy, *apiError) {
	if _, err := bucketpolicy.Admit(s.s3ARN(bucket, ""), text); err != nil {
		return nil, malformedBucketPolicy(err)
	}
	s.mu.Lock()
	bound, unknown := s.bindPrincipals(text)
	s.mu.Unlock()
	if unknown != "" {
		return nil, malformedBucketPolicy(&bucketpolicy.Refusal{Message: "Invalid principal in policy", Detail: unknown + " does not exist"})
	}
	// What is evaluated names the ids: a role that is deleted and made again is
	// another one.
	document, err := policy.Parse(policy.Bucket, bound)
	if err != nil {
		return nil, malformedBucketPolicy(err)
	}
	return &bucketPolicy{bound: bound, document: document, public: bucketpolicy.IsPublic(document)}, nil
}

// malformedBucketPolicy words a refusal as S3 does, which says apart from the
// message which part of the policy is meant.
func malformedBucketPolicy(err error) *apiError {
	failure := newError(http.StatusBadRequest, "MalformedPolicy", "%v", err)
	if refusal := (*bucketpolicy.Refusal)(nil); errors.As(err, &refusal) {
		failure.message, failure.detail = refusal.Message, refusal.Detail
	}
	return failure
}

func noSuchBucketPolicy() *apiError {
	return newError(http.StatusNotFound, "NoSuchBucketPolicy", "The bucket policy does not exist")
}

// getBucketPolicy shows the policy as it was sent, but for its principals: they
// appear under the names that they have now, and those that no longer exist
// under their unique ids.
func (s *Server) getBucketPolicy(q *s3Request) *apiError {
	if q.target.policy == nil {
		return noSuchBucketPolicy()
	}
	s.mu.Lock()
	text := s.renderPrincipals(q.target.policy.bound)
	s.mu.Unlock()
	q.answer.header.Set("Content-Type", "application/json")
	_, err := q.answer.Write(text)
	if err != nil {
		return newError(http.StatusInternalServerError, "InternalError", "We encountered an internal error. Please try again.")
	}
	return nil
}

func (s *Server) deleteBucketPolicy(q *s3Request) *apiError {
	q.answer.status = http.StatusNoContent
	return s.storage.update(q.bucket, func(b *bucket) { b.policy = nil })
}

func (s *Server) getBucketPolicyStatus(q *s3Request) *apiError {
	if q.target.policy == nil {
		return noSuchBucketPolicy()
	}
	return q.answer.xml(struct {
		XMLName  xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ PolicyStatus"`
		IsPublic bool
	}{IsPublic: q.target.policy.public})
}

// publicAccessBlock is S3 Block Public Access of a bucket. The two settings on
// ACLs are kept and shown; there are no public ACLs here to act on.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
type publicAccessBlock struct {
	BlockPublicAcls       bool
	IgnorePublicAcls      bool
	BlockPublicPolicy     bool
	RestrictPublicBuckets bool
}

func (s *Server) getPublicAccessBlock(q *s3Request) *apiError {
	if q.target.publicAccess == nil {
		return newError(http.StatusNotFound, "NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found")
	}
	return q.answer.xml(struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ PublicAccessBlockConfiguration"`
		publicAccessBlock
	}{publicAccessBlock: *q.target.publicAccess})
}

// putPublicAccessBlock replaces the settings; those left out become false.
func (s *Server) putPublicAccessBlock(q *s3Request) *apiError {
	var configuration struct {
		XMLName               xml.Name `xml:"PublicAccessBlockConfiguration"`
		BlockPublicAcls       *bool
		IgnorePublicAcls      *bool
		BlockPublicPolicy     *bool
		RestrictPublicBuckets *bool
	}
	if failure := readConfig(q, &configuration); failure != nil {
		return failure
	}
	given := false
	setting := func(value *bool) bool {
		given = given || value != nil
		return value != nil && *value
	}
	block := &publicAccessBlock{
		BlockPublicAcls:       setting(configuration.BlockPublicAcls),
		IgnorePublicAcls:      setting(configuration.IgnorePublicAcls),
		BlockPublicPolicy:     setting(configuration.BlockPublicPolicy),
		RestrictPublicBuckets: setting(configuration.RestrictPublicBuckets),
	}
	if !given {
		return newError(http.StatusBadRequest, "InvalidRequest", "Must specify at least one configuration.")
	}
	return s.storage.update(q.bucket, func(b *bucket) { b.publicAccess = block })
}

func (s *Server) deletePublicAccessBlock(q *s3Request) *apiError {
	q.answer.status = http.StatusNoContent
	return s.storage.update(q.bucket, func(b *bucket) { b.publicAccess = nil })
}
