package localaws

import (
	"context"
	"encoding/xml"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/rclone/gofakes3"
)

// bucketOwnerEnforced is the object ownership of a new bucket: ACLs are off.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
const bucketOwnerEnforced = "BucketOwnerEnforced"

var regionPattern = regexp.MustCompile(`^[a-z]{2,3}(-[a-z]+){1,3}-\d$`)

// readConfig reads the XML body of a call that configures a bucket.
func readConfig(q *s3Request, document any) *apiError {
	body, failure := readBody(q.http, maxConfigBody)
	if failure != nil {
		return failure
	}
	if _, failure := checkDigests(q.http.Header, body); failure != nil {
		return failure
	}
	if err := decodeXML(body, document); err != nil {
		return malformedXML()
	}
	return nil
}

// createChecks are the permissions that a new bucket needs besides
// s3:CreateBucket.
func createChecks(_ *Server, q *s3Request) ([]s3Check, *apiError) {
	location, failure := bucketLocation(q)
	if failure != nil {
		return nil, failure
	}
	q.location = location
	var checks []s3Check
	if q.http.Header.Get("X-Amz-Object-Ownership") != "" {
		checks = append(checks, s3Check{action: "s3:PutBucketOwnershipControls", bucket: q.bucket})
	}
	if setsACL(q.http.Header) {
		checks = append(checks, s3Check{action: "s3:PutBucketAcl", bucket: q.bucket})
	}
	return checks, nil
}

// bucketLocation is the region that CreateBucket asks for; empty for the default.
func bucketLocation(q *s3Request) (string, *apiError) {
	body, failure := readBody(q.http, maxConfigBody)
	if failure != nil || len(body) == 0 {
		return "", failure
	}
	var configuration struct {
		XMLName            xml.Name `xml:"CreateBucketConfiguration"`
		LocationConstraint string
	}
	if failure := readConfig(q, &configuration); failure != nil {
		return "", failure
	}
	if l := configuration.LocationConstraint; l != "" && !regionPattern.MatchString(l) {
		return "", newError(http.StatusBadRequest, "InvalidLocationConstraint", "The specified location-constraint is not valid")
	}
	return configuration.LocationConstraint, nil
}

// createBucket makes a bucket of the account, with AWS's defaults: all public
// access blocked and ACLs off. All regions live here, so that the bucket gets
// the region that is asked for, whatever region the request was signed for.
func (s *Server) createBucket(q *s3Request) *apiError {
	region, failure := bucketLocation(q)
	if failure != nil {
		return failure
	}
	if region == "" {
		region = s.options.Region
	}
	if !validBucketName(q.bucket) {
		return newError(http.StatusBadRequest, "InvalidBucketName", "The specified bucket is not valid.")
	}
	ownership := newOwnership(q.http.Header)
	if failure := checkNewBucket(q.http.Header, ownership); failure != nil {
		return failure
	}
	grants, failure := s.headerACL(q.http.Header, onBucket)
	if failure != nil {
		return failure
	}
	if isPublicACL(grants) { // which a new bucket blocks
		return invalidBucketACL("InvalidBucketAclWithBlockPublicAccessError", "Bucket cannot have public ACLs set with BlockPublicAccess enabled")
	}
	created, failure := s.storage.create(q.http.Context(), &bucket{
		name: q.bucket, region: region, ownership: ownership, grants: grants,
		publicAccess: &publicAccessBlock{BlockPublicAcls: true, IgnorePublicAcls: true, BlockPublicPolicy: true, RestrictPublicBuckets: true},
	})
	// us-east-1 alone answers its owner with success if the bucket exists.
	if failure != nil || (!created && region != "us-east-1") {
		return newError(http.StatusConflict, "BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.")
	}
	q.answer.header.Set("Location", "/"+q.bucket)
	return nil
}

// validBucketName tells whether a general purpose bucket may have the name.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
func validBucketName(name string) bool {
	for _, prefix := range []string{"xn--", "sthree-", "amzn-s3-demo-"} {
		if strings.HasPrefix(name, prefix) {
			return false
		}
	}
	for _, suffix := range []string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"} {
		if strings.HasSuffix(name, suffix) {
			return false
		}
	}
	return gofakes3.ValidateBucketName(name) == nil
}

// newOwnership is the object ownership of a new bucket. ACLs are off, unless
// something else is asked for, or the ACL private, as some clients ask for
// always: that leaves them on.
// https://github.com/versity/versitygw/issues/1869
func newOwnership(header http.Header) string {
	switch ownership := header.Get("X-Amz-Object-Ownership"); {
	case ownership != "":
		return ownership
	case header.Get("X-Amz-Acl") == "private":
		return "BucketOwnerPreferred"
	default:
		return bucketOwnerEnforced
	}
}

func checkNewBucket(header http.Header, ownership string) *apiError {
	if header.Get("X-Amz-Bucket-Object-Lock-Enabled") != "" {
		return notImplemented()
	}
	if !validOwnership(ownership) {
		return newError(http.StatusBadRequest, "InvalidArgument", "Invalid x-amz-object-ownership header: %s", ownership)
	}
	if setsACL(header) && header.Get("X-Amz-Acl") != "private" && ownership == bucketOwnerEnforced {
		return invalidBucketACL("InvalidBucketAclWithObjectOwnership", "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting")
	}
	return nil
}

func invalidBucketACL(code, text string) *apiError {
	return newError(http.StatusBadRequest, code, "%s", text)
}

// create adds a bucket, unless it exists.
func (st *storage) create(ctx context.Context, b *bucket) (created bool, failure *apiError) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.buckets[b.name] != nil {
		return false, nil
	}
	if err := st.objects.CreateBucket(ctx, b.name); err != nil {
		return false, newError(http.StatusInternalServerError, "InternalError", "We encountered an internal error. Please try again.")
	}
	st.buckets[b.name] = b
	return true, nil
}

func (s *Server) headBucket(q *s3Request) *apiError {
	q.answer.header.Set("X-Amz-Bucket-Region", q.target.region)
	q.answer.header.Set("Content-Type", "application/xml")
	return nil
}

func (s *Server) deleteBucket(q *s3Request) *apiError {
	st := s.storage
	st.mu.Lock()
	defer st.mu.Unlock()
	uploads := st.objects.uploadsIn(q.bucket) // they go with the bucket
	err := st.objects.DeleteBucket(q.http.Context(), q.bucket)
	switch {
	case gofakes3.HasErrorCode(err, gofakes3.ErrBucketNotEmpty):
		return newError(http.StatusConflict, "BucketNotEmpty", "The bucket you tried to delete is not empty")
	case err != nil:
		return noSuchBucket()
	}
	delete(st.buckets, q.bucket)
	for _, upload := range uploads {
		// What it says no more than that there is none.
		_ = st.gofakes3.ForgetMultipartUpload(q.http.Context(), q.bucket, upload.key, gofakes3.UploadID(upload.id))
	}
	return q.answer.noContent()
}

func (s *Server) getBucketLocation(q *s3Request) *apiError {
	location := q.target.region
	if location == "us-east-1" {
		location = "" // for history's sake
	}
	return q.answer.xml(struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ LocationConstraint"`
		Region  string   `xml:",chardata"`
	}{Region: location})
}

// ownershipControls is the body of the calls of the same name.
type ownershipControls struct {
	XMLName xml.Name        `xml:"OwnershipControls"`
	Xmlns   string          `xml:"xmlns,attr,omitempty"`
	Rules   []ownershipRule `xml:"Rule"`
}

type ownershipRule struct {
	ObjectOwnership string
}

func validOwnership(ownership string) bool {
	return ownership == bucketOwnerEnforced || ownership == "BucketOwnerPreferred" || ownership == "ObjectWriter"
}

func (s *Server) getOwnershipControls(q *s3Request) *apiError {
	if q.target.ownership == "" {
		return newError(http.StatusNotFound, "OwnershipControlsNotFoundError", "The bucket ownership controls were not found")
	}
	return q.answer.xml(ownershipControls{Xmlns: s3Namespace, Rules: []ownershipRule{{q.target.ownership}}})
}

func (s *Server) putOwnershipControls(q *s3Request) *apiError {
	var controls ownershipControls
	if failure := readConfig(q, &controls); failure != nil {
		return failure
	}
	if len(controls.Rules) != 1 || !validOwnership(controls.Rules[0].ObjectOwnership) {
		return malformedXML()
	}
	ownership := controls.Rules[0].ObjectOwnership
	if ownership == bucketOwnerEnforced && q.target.grants != nil && !slices.Equal(q.target.grants, s.ownerGrants()) {
		return invalidBucketACL("InvalidBucketAclWithObjectOwnership", "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting")
	}
	return s.storage.update(q.bucket, func(b *bucket) { b.ownership = ownership })
}

func (s *Server) deleteOwnershipControls(q *s3Request) *apiError {
	q.answer.status = http.StatusNoContent
	return s.storage.update(q.bucket, func(b *bucket) { b.ownership = "" })
}
