package localaws

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// s3Level is what an operation acts on.
type s3Level int

const (
	onAccount s3Level = iota
	onBucket
	onObject
)

// s3Operation is one operation of S3: how it is recognized, and what the caller
// must be allowed to do.
type s3Operation struct {
	name     string // as the API calls it
	level    s3Level
	method   string
	selector string // the query parameter that selects the operation
	copies   bool   // selected by the header x-amz-copy-source, too
	params   string // the query parameters that it takes besides
	// action is judged on the bucket or object that the request names; with
	// versionId, versionAction is judged instead.
	action        string
	versionAction string
	// also lists what else is judged, before action.
	also func(*Server, *s3Request) ([]s3Check, *apiError)
	// serve answers the judged request; nil hands it to gofakes3.
	serve func(*Server, *s3Request) *apiError
}

const (
	listParams     = "prefix delimiter encoding-type max-keys "
	responseParams = "response-content-type response-content-language response-expires " +
		"response-cache-control response-content-disposition response-content-encoding "
)

// s3Operations are all operations that are served. What is not in this table is
// answered with NotImplemented, whoever asks: nothing is served unjudged.
//
// The actions are those of the service authorization reference:
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
func s3Operations() []s3Operation {
	const get, head, put, post, del = http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPost, http.MethodDelete
	return []s3Operation{
		{name: "ListBuckets", level: onAccount, method: get, params: "max-buckets continuation-token prefix bucket-region", action: "s3:ListAllMyBuckets", serve: (*Server).listBuckets},

		{name: "CreateBucket", level: onBucket, method: put, action: "s3:CreateBucket", also: createChecks, serve: (*Server).createBucket},
		{name: "HeadBucket", level: onBucket, method: head, action: "s3:ListBucket", serve: (*Server).headBucket},
		{name: "DeleteBucket", level: onBucket, method: del, action: "s3:DeleteBucket", serve: (*Server).deleteBucket},
		{name: "GetBucketLocation", level: onBucket, method: get, selector: "location", action: "s3:GetBucketLocation", serve: (*Server).getBucketLocation},
		{name: "ListObjects", level: onBucket, method: get, params: listParams + "marker", action: "s3:ListBucket", serve: (*Server).listObjects},
		{name: "ListObjectsV2", level: onBucket, method: get, selector: "list-type", params: listParams + "continuation-token start-after fetch-owner", action: "s3:ListBucket", serve: (*Server).listObjects},
		{name: "ListObjectVersions", level: onBucket, method: get, selector: "versions", params: listParams + "key-marker version-id-marker", action: "s3:ListBucketVersions", serve: (*Server).listVersions},
		{name: "ListMultipartUploads", level: onBucket, method: get, selector: "uploads", params: "prefix delimiter encoding-type max-uploads key-marker upload-id-marker", action: "s3:ListBucketMultipartUploads", serve: (*Server).listUploads},
		{name: "DeleteObjects", level: onBucket, method: post, selector: "delete", serve: (*Server).deleteObjects}, // judges each key
		{name: "GetBucketVersioning", level: onBucket, method: get, selector: "versioning", action: "s3:GetBucketVersioning", serve: (*Server).getVersioning},
		{name: "PutBucketVersioning", level: onBucket, method: put, selector: "versioning", action: "s3:PutBucketVersioning", serve: (*Server).putVersioning},
		{name: "GetBucketAcl", level: onBucket, method: get, selector: "acl", action: "s3:GetBucketAcl", serve: (*Server).getACL},
		{name: "PutBucketAcl", level: onBucket, method: put, selector: "acl", action: "s3:PutBucketAcl", serve: (*Server).putACL},
		{name: "GetBucketPolicy", level: onBucket, method: get, selector: "policy", action: "s3:GetBucketPolicy", serve: (*Server).getBucketPolicy},
		{name: "PutBucketPolicy", level: onBucket, method: put, selector: "policy", action: "s3:PutBucketPolicy", serve: (*Server).putBucketPolicy},
		{name: "DeleteBucketPolicy", level: onBucket, method: del, selector: "policy", action: "s3:DeleteBucketPolicy", serve: (*Server).deleteBucketPolicy},
		{name: "GetBucketPolicyStatus", level: onBucket, method: get, selector: "policyStatus", action: "s3:GetBucketPolicyStatus", serve: (*Server).getBucketPolicyStatus},
		{name: "GetPublicAccessBlock", level: onBucket, method: get, selector: "publicAccessBlock", action: "s3:GetBucketPublicAccessBlock", serve: (*Server).getPublicAccessBlock},
		{name: "PutPublicAccessBlock", level: onBucket, method: put, selector: "publicAccessBlock", action: "s3:PutBucketPublicAccessBlock", serve: (*Server).putPublicAccessBlock},
		{name: "DeletePublicAccessBlock", level: onBucket, method: del, selector: "publicAccessBlock", action: "s3:PutBucketPublicAccessBlock", serve: (*Server).deletePublicAccessBlock},
		{name: "GetBucketTagging", level: onBucket, method: get, selector: "tagging", action: "s3:GetBucketTagging", serve: (*Server).getBucketTagging},
		{name: "PutBucketTagging", level: onBucket, method: put, selector: "tagging", action: "s3:PutBucketTagging", serve: (*Server).putBucketTagging},
		{name: "DeleteBucketTagging", level: onBucket, method: del, selector: "tagging", action: "s3:PutBucketTagging", serve: (*Server).deleteBucketTagging},
		{name: "GetBucketOwnershipControls", level: onBucket, method: get, selector: "ownershipControls", action: "s3:GetBucketOwnershipControls", serve: (*Server).getOwnershipControls},
		{name: "PutBucketOwnershipControls", level: onBucket, method: put, selector: "ownershipControls", action: "s3:PutBucketOwnershipControls", serve: (*Server).putOwnershipControls},
		{name: "DeleteBucketOwnershipControls", level: onBucket, method: del, selector: "ownershipControls", action: "s3:PutBucketOwnershipControls", serve: (*Server).deleteOwnershipControls},

		{name: "GetObject", level: onObject, method: get, params: responseParams + "versionId partNumber", action: "s3:GetObject", versionAction: "s3:GetObjectVersion", serve: (*Server).readObject},
		{name: "HeadObject", level: onObject, method: head, params: responseParams + "versionId partNumber", action: "s3:GetObject", versionAction: "s3:GetObjectVersion", serve: (*Server).readObject},
		{name: "PutObject", level: onObject, method: put, action: "s3:PutObject", also: writeChecks, serve: (*Server).putObject},
		{name: "CopyObject", level: onObject, method: put, copies: true, action: "s3:PutObject", also: copyChecks, serve: (*Server).copyObject},
		{name: "DeleteObject", level: onObject, method: del, params: "versionId", action: "s3:DeleteObject", versionAction: "s3:DeleteObjectVersion", also: deleteChecks, serve: (*Server).deleteObject},
		{name: "GetObjectAttributes", level: onObject, method: get, selector: "attributes", params: "versionId", action: "s3:GetObjectAttributes", versionAction: "s3:GetObjectVersionAttributes", also: attributeChecks, serve: (*Server).getAttributes},
		{name: "GetObjectTagging", level: onObject, method: get, selector: "tagging", params: "versionId", action: "s3:GetObjectTagging", versionAction: "s3:GetObjectVersionTagging"},
		{name: "PutObjectTagging", level: onObject, method: put, selector: "tagging", params: "versionId", action: "s3:PutObjectTagging", versionAction: "s3:PutObjectVersionTagging", serve: (*Server).forwardConfig},
		{name: "DeleteObjectTagging", level: onObject, method: del, selector: "tagging", params: "versionId", action: "s3:DeleteObjectTagging", versionAction: "s3:DeleteObjectVersionTagging"},
		{name: "GetObjectAcl", level: onObject, method: get, selector: "acl", params: "versionId", action: "s3:GetObjectAcl", versionAction: "s3:GetObjectVersionAcl", serve: (*Server).getACL},
		{name: "PutObjectAcl", level: onObject, method: put, selector: "acl", params: "versionId", action: "s3:PutObjectAcl", versionAction: "s3:PutObjectVersionAcl", serve: (*Server).putACL},

		{name: "CreateMultipartUpload", level: onObject, method: post, selector: "uploads", action: "s3:PutObject", also: writeChecks, serve: (*Server).createUpload},
		{name: "UploadPart", level: onObject, method: put, selector: "uploadId", params: "partNumber", action: "s3:PutObject", serve: (*Server).uploadPart},
		{name: "UploadPartCopy", level: onObject, method: put, selector: "uploadId", copies: true, params: "partNumber", action: "s3:PutObject", also: copyChecks, serve: (*Server).uploadPartCopy},
		{name: "CompleteMultipartUpload", level: onObject, method: post, selector: "uploadId", action: "s3:PutObject", also: writeChecks, serve: (*Server).completeUpload},
		{name: "AbortMultipartUpload", level: onObject, method: del, selector: "uploadId", action: "s3:AbortMultipartUpload"},
		{name: "ListParts", level: onObject, method: get, selector: "uploadId", params: "max-parts part-number-marker", action: "s3:ListMultipartUploadParts", serve: (*Server).listParts},
	}
}

// write tells whether the operation changes something.
func (op *s3Operation) write() bool {
	return op.method != http.MethodGet && op.method != http.MethodHead
}

// recognizes tells whether a request is this operation. All of its query
// parameters must be known, so that none can make gofakes3 take it for another
// operation than the one that is judged.
func (op *s3Operation) recognizes(level s3Level, r *http.Request, query url.Values) bool {
	if op.level != level || op.method != r.Method || op.copies != (r.Header.Get("X-Amz-Copy-Source") != "") {
		return false
	}
	if op.selector != "" && !query.Has(op.selector) {
		return false
	}
	for name, values := range query {
		known := name == op.selector || slices.Contains(strings.Fields(op.params), name)
		if !known || len(values) != 1 {
			return false
		}
	}
	return true
}
