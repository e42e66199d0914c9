package localaws

import (
	"crypto/tls"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/litentry/wallet-federation/internal/policy"
)

// s3Context makes the condition keys that every action of a request comes with.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html
func (s *Server) s3Context(q *s3Request) policy.Context {
	ctx := s.requestContext(q.http, q.caller)
	ctx.Set("aws:ResourceAccount", s.options.Account)
	ctx.Set("s3:ResourceAccount", s.options.Account)
	if version := tlsVersion(q.http.TLS); version != "" {
		ctx.Set("s3:TlsVersion", version)
	}
	setHeaderKeys(ctx, q.http.Header, "x-amz-content-sha256")
	s.addSignatureKeys(ctx, q.http)
	return ctx
}

// tlsVersion is the version of TLS as a number; empty for none.
func tlsVersion(state *tls.ConnectionState) string {
	if state == nil {
		return ""
	}
	switch state.Version {
	case tls.VersionTLS12:
		return "1.2"
	case tls.VersionTLS13:
		return "1.3"
	}
	return ""
}

// addSignatureKeys sets the keys of how the request was signed. The age of a
// signature is one of presigned URLs only, in milliseconds.
// https://docs.aws.amazon.com/AmazonS3/latest/API/bucket-policy-s3-sigv4-conditions.html
func (s *Server) addSignatureKeys(ctx policy.Context, r *http.Request) {
	query := r.URL.Query()
	switch {
	case r.Header.Get("Authorization") != "":
		ctx.Set("s3:authType", "REST-HEADER")
	case query.Has("X-Amz-Signature"):
		ctx.Set("s3:authType", "REST-QUERY-STRING")
		if signed, err := time.Parse(signingTime, query.Get("X-Amz-Date")); err == nil {
			ctx.Set("s3:signatureAge", strconv.FormatInt(s.options.Now().Sub(signed).Milliseconds(), 10))
		}
	default:
		return
	}
	ctx.Set("s3:signatureversion", signingAlgorithm)
}

// addActionKeys sets the condition keys that come with the one action that is
// judged, and with no other of the same request.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
func (s *Server) addActionKeys(ctx policy.Context, q *s3Request, check s3Check) {
	header := q.http.Header
	if check.version != "" {
		ctx.Set("s3:VersionId", check.version)
	}
	switch check.action {
	case "s3:ListBucket", "s3:ListBucketVersions":
		addListKeys(ctx, q)
	case "s3:CreateBucket":
		setHeaderKeys(ctx, header, "x-amz-object-ownership")
		setHeaderKeys(ctx, header, aclHeaders()...)
		ctx.Set("s3:LocationConstraint", q.location)
	case "s3:PutBucketAcl", "s3:PutObjectAcl", "s3:PutObjectVersionAcl":
		setHeaderKeys(ctx, header, aclHeaders()...)
	case "s3:DeleteObject":
		setHeaderKeys(ctx, header, "if-match")
		if check.etag != "" {
			ctx.Set("s3:if-match", check.etag)
		}
	case "s3:PutObjectTagging", "s3:PutObjectVersionTagging":
		addRequestTags(ctx, q.newTags)
	case "s3:PutObject":
		addUploadKeys(ctx, q)
	}
	if hasObjectTags(check.action) {
		for name, value := range s.objectTags(check.object()) {
			ctx.Set("s3:ExistingObjectTag/"+name, value)
		}
	}
}

// hasObjectTags tells whether an action comes with the tags of the object that it
// is about.
func hasObjectTags(action string) bool {
	switch action {
	case "s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectAttributes", "s3:GetObjectVersionAttributes",
		"s3:GetObjectAcl", "s3:GetObjectVersionAcl", "s3:PutObjectAcl", "s3:PutObjectVersionAcl",
		"s3:GetObjectTagging", "s3:GetObjectVersionTagging", "s3:PutObjectTagging", "s3:PutObjectVersionTagging",
		"s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging":
		return true
	}
	return false
}

func aclHeaders() []string {
	return []string{
		"x-amz-acl", "x-amz-grant-full-control", "x-amz-grant-read", "x-amz-grant-read-acp", "x-amz-grant-write", "x-amz-grant-write-acp",
	}
}

// setHeaderKeys sets the condition keys that are headers by another name.
func setHeaderKeys(ctx policy.Context, header http.Header, names ...string) {
	for _, name := range names {
		if value := header.Get(name); value != "" {
			ctx.Set("s3:"+name, value)
		}
	}
}

// addListKeys sets the keys of a list. A list without a prefix is one of the
// empty prefix. HEAD of a bucket, and the question whether a missing object may
// be called missing, are no lists of anything.
func addListKeys(ctx policy.Context, q *s3Request) {
	if q.operation.level != onBucket || q.operation.method != http.MethodGet {
		return
	}
	ctx.Set("s3:prefix", q.query.Get("prefix"))
	ctx.Set("s3:delimiter", q.query.Get("delimiter"))
	limit := q.query.Get("max-keys")
	if limit == "" {
		limit = "1000"
	}
	ctx.Set("s3:max-keys", limit)
}

// addUploadKeys sets the keys of what makes or begins an object.
func addUploadKeys(ctx policy.Context, q *s3Request) {
	header := q.http.Header
	setHeaderKeys(ctx, header, aclHeaders()...)
	setHeaderKeys(ctx, header, "x-amz-metadata-directive", "x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id",
		"x-amz-server-side-encryption-customer-algorithm", "x-amz-storage-class", "x-amz-website-redirect-location", "if-match", "if-none-match")
	for header, key := range map[string]string{
		"X-Amz-Object-Lock-Mode": "object-lock-mode", "X-Amz-Object-Lock-Legal-Hold": "object-lock-legal-hold",
		"X-Amz-Object-Lock-Retain-Until-Date": "object-lock-retain-until-date",
	} {
		if value := q.http.Header.Get(header); value != "" {
			ctx.Set("s3:"+key, value)
		}
	}
	if q.source != nil {
		ctx.Set("s3:x-amz-copy-source", q.source.path())
	}
	addRequestTags(ctx, q.newTags)
	creates := slices.Contains([]string{"PutObject", "CopyObject", "CompleteMultipartUpload"}, q.operation.name)
	ctx.Set("s3:ObjectCreationOperation", strconv.FormatBool(creates))
}

// addRequestTags sets the keys of the tags that the request gives an object.
func addRequestTags(ctx policy.Context, tags map[string]string) {
	if len(tags) == 0 {
		return
	}
	for name, value := range tags {
		ctx.Set("s3:RequestObjectTag/"+name, value)
	}
	ctx.SetList("s3:RequestObjectTagKeys", slices.Sorted(maps.Keys(tags))...)
}

// headerTags reads the tags of an upload. What is malformed is refused by
// gofakes3, after it has been judged without tags.
func headerTags(header string) map[string]string {
	values, err := url.ParseQuery(header)
	if err != nil {
		return nil
	}
	tags := make(map[string]string, len(values))
	for name, v := range values {
		tags[name] = strings.Join(v, ",")
	}
	return tags
}

// objectTags are the tags of an object; none if there is no such object.
func (s *Server) objectTags(v objectVersion) map[string]string {
	o, _, err := s.storage.objects.lookup(v)
	if err != nil {
		return nil
	}
	return o.tags()
}
