package localaws

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rclone/gofakes3"

	"github.com/litentry/wallet-federation/internal/policy"
)

// s3Check is one permission that a request needs.
type s3Check struct {
	action string
	bucket string            // whose policy is asked
	key    string            // empty for the bucket itself
	keys   map[string]string // condition keys besides the request's
	// before runs ahead of the check, or alone if there is no action: AWS finds
	// some faults first.
	before func() *apiError
}

// judge checks every permission that the request needs, in AWS's order.
func (s *Server) judge(q *s3Request) *apiError {
	var checks []s3Check
	if q.operation.also != nil {
		more, failure := q.operation.also(s, q)
		if failure != nil {
			return failure
		}
		checks = more
	}
	if action := q.action(); action != "" {
		checks = append(checks, s3Check{action: action, bucket: q.bucket, key: q.key})
	}
	for _, check := range checks {
		failure := s.judgeOne(q, check)
		if failure == nil {
			continue
		}
		if q.readsObject() && s.isMissing(q) {
			return s.missingKey(q)
		}
		return failure
	}
	return nil
}

// judgeOne checks one permission.
func (s *Server) judgeOne(q *s3Request, check s3Check) *apiError {
	if check.before != nil {
		if failure := check.before(); failure != nil {
			return failure
		}
	}
	if check.action == "" {
		return nil
	}
	decision := s.decideS3(q, check)
	switch {
	case decision.Allowed():
		return nil
	case q.caller.principal.Type == policy.Anonymous:
		return accessDenied("Access Denied")
	default:
		return notAuthorized(q.caller, check.action, strconv.Quote(s.s3ARN(check.bucket, check.key)), decision)
	}
}

func (s *Server) decideS3(q *s3Request, check s3Check) policy.Decision {
	ctx := maps.Clone(q.context)
	for name, value := range check.keys {
		ctx.Set(name, value)
	}
	s.addObjectTags(ctx, q, check)
	return s.authorize(q.caller, check.action, s.s3ARN(check.bucket, check.key), ctx, s.resourcePolicy(q, check))
}

// resourcePolicy is the bucket policy as far as it counts for the caller.
func (s *Server) resourcePolicy(q *s3Request, check s3Check) *policy.Policy {
	b := s.storage.bucket(check.bucket)
	if b == nil || b.policy == nil || q.caller.rescues(check.action) {
		return nil
	}
	restricted := b.publicAccess != nil && b.publicAccess.RestrictPublicBuckets && b.policy.public
	if restricted && q.caller.principal.Account != s.options.Account {
		return nil
	}
	return &policy.Policy{Name: "bucket policy", Document: b.policy.document}
}

// s3ARN names an object, a bucket, or all of S3.
func (s *Server) s3ARN(bucket, key string) string {
	switch {
	case bucket == "":
		return "*"
	case key == "":
		return "arn:" + s.options.Partition + ":s3:::" + bucket
	default:
		return "arn:" + s.options.Partition + ":s3:::" + bucket + "/" + key
	}
}

// action is what the table says is needed for what the request names.
func (q *s3Request) action() string {
	if q.version != "" {
		return q.operation.versionAction
	}
	return q.operation.action
}

// readsObject tells whether the operation shows an object, and so also whether
// it exists.
func (q *s3Request) readsObject() bool {
	return q.operation.level == onObject && strings.HasPrefix(q.operation.action, "s3:GetObject") && q.version == ""
}

// isMissing tells whether the object that the request reads has no current
// version.
func (s *Server) isMissing(q *s3Request) bool {
	_, err := s.storage.objects.read(objectVersion{q.bucket, q.key, q.version}, nil, false)
	return gofakes3.HasErrorCode(err, gofakes3.ErrNoSuchKey)
}

// missingKey answers for an object that does not exist: only who may list the
// bucket learns that. The list that is judged has no s3:prefix, so that a
// permission to list one prefix does not count.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
func (s *Server) missingKey(q *s3Request) *apiError {
	bucket := q.bucket
	if q.source != nil {
		bucket = q.source.bucket
	}
	if failure := s.judgeOne(q, s3Check{action: "s3:ListBucket", bucket: bucket}); failure != nil {
		return failure
	}
	return noSuchKey()
}

// s3Context makes the condition keys of a request.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html
func (s *Server) s3Context(q *s3Request) policy.Context {
	ctx := s.requestContext(q.http, q.caller)
	ctx.Set("aws:ResourceAccount", s.options.Account)
	ctx.Set("s3:ResourceAccount", s.options.Account)
	s.addSignatureKeys(ctx, q.http)
	addHeaderKeys(ctx, q)
	addRequestTags(ctx, q.http.Header.Get("X-Amz-Tagging"))
	if q.version != "" {
		ctx.Set("s3:versionid", q.version)
	}
	if slices.Contains([]string{"s3:ListBucket", "s3:ListBucketVersions"}, q.operation.action) && q.operation.method == http.MethodGet {
		// A list without a prefix is a list of the empty prefix.
		ctx.Set("s3:prefix", q.query.Get("prefix"))
		ctx.Set("s3:delimiter", q.query.Get("delimiter"))
		ctx.Set("s3:max-keys", listLimit(q.query))
	}
	if q.operation.action == "s3:PutObject" {
		creates := slices.Contains([]string{"PutObject", "CopyObject", "CompleteMultipartUpload"}, q.operation.name)
		ctx.Set("s3:ObjectCreationOperation", strconv.FormatBool(creates))
	}
	return ctx
}

func listLimit(query url.Values) string {
	if limit := query.Get("max-keys"); limit != "" {
		return limit
	}
	return "1000"
}

func (s *Server) addSignatureKeys(ctx policy.Context, r *http.Request) {
	query := r.URL.Query()
	stamp := r.Header.Get("X-Amz-Date")
	switch {
	case r.Header.Get("Authorization") != "":
		ctx.Set("s3:authType", "REST-HEADER")
	case query.Has("X-Amz-Signature"):
		ctx.Set("s3:authType", "REST-QUERY-STRING")
		stamp = query.Get("X-Amz-Date")
	default:
		return
	}
	ctx.Set("s3:signatureversion", signingAlgorithm)
	if signed, err := time.Parse(signingTime, stamp); err == nil {
		ctx.Set("s3:signatureAge", strconv.FormatInt(s.options.Now().Sub(signed).Milliseconds(), 10))
	}
}

// addHeaderKeys sets the condition keys that are headers by another name.
func addHeaderKeys(ctx policy.Context, q *s3Request) {
	for _, name := range []string{
		"x-amz-acl", "x-amz-grant-full-control", "x-amz-grant-read", "x-amz-grant-read-acp", "x-amz-grant-write",
		"x-amz-grant-write-acp", "x-amz-content-sha256", "x-amz-metadata-directive", "x-amz-object-ownership",
		"x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id",
		"x-amz-server-side-encryption-customer-algorithm", "x-amz-storage-class", "x-amz-website-redirect-location",
		"if-match", "if-none-match",
	} {
		if value := q.http.Header.Get(name); value != "" {
			ctx.Set("s3:"+name, value)
		}
	}
	if q.source != nil {
		ctx.Set("s3:x-amz-copy-source", q.source.path())
	}
}

// addRequestTags sets the keys of the tags that a new object gets. Malformed
// tags are refused later by gofakes3.
func addRequestTags(ctx policy.Context, header string) {
	tags, err := url.ParseQuery(header)
	if err != nil || len(tags) == 0 {
		return
	}
	for name, values := range tags {
		ctx.Set("s3:RequestObjectTag/"+name, values[0])
	}
	ctx.SetList("s3:RequestObjectTagKeys", slices.Sorted(maps.Keys(tags))...)
}

// addObjectTags sets the keys of the tags that the object has.
func (s *Server) addObjectTags(ctx policy.Context, q *s3Request, check s3Check) {
	if check.key == "" {
		return
	}
	object := objectVersion{check.bucket, check.key, q.version}
	if q.source != nil && check.bucket == q.source.bucket && check.key == q.source.key {
		object = q.source.objectVersion
	}
	for name, value := range s.objectTags(object) {
		ctx.Set("s3:ExistingObjectTag/"+name, value)
	}
}

// objectTags are the tags of an object; none if there is no such object.
func (s *Server) objectTags(v objectVersion) map[string]string {
	object, err := s.storage.objects.read(v, nil, false)
	if err != nil {
		return nil
	}
	stored, err := url.ParseQuery(object.Metadata[gofakes3.TaggingMetadataKey])
	if err != nil {
		return nil
	}
	tags := make(map[string]string, len(stored))
	for name, values := range stored {
		tags[name] = values[0]
	}
	return tags
}
