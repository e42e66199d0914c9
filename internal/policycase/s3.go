package policycase

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strconv"

	"github.com/litentry/wallet-federation/internal/policy"
)

// s3Call works out what an operation of S3 needs.
func (c *testCase) s3Call(op *operation) (*call, error) {
	p := c.request.params
	var bucket, key, version, owner string
	if err := p.texts(
		textField{"Bucket", &bucket}, textField{"Key", &key}, textField{"VersionId", &version}, textField{"ExpectedBucketOwner", &owner},
	); err != nil {
		return nil, err
	}
	switch {
	case op.level != onAccount && bucket == "":
		return nil, invalid("request.params.Bucket", "missing")
	case op.level == onObject && key == "":
		return nil, invalid("request.params.Key", "missing")
	case version != "" && op.versionAction == "":
		return nil, invalid("request.params.VersionId", "%s takes none", op.name)
	case c.otherOwner || owner != "" && owner != c.caller.owner:
		return nil, denied("the bucket does not belong to the account that the call expects to own it")
	}
	l := &call{operation: op, bucket: bucket, resourceAccount: c.caller.owner}
	main := check{action: "s3:" + op.action, resource: "*"}
	if op.level != onAccount {
		main.resource = c.s3ARN(bucket, map[level]string{onObject: key}[op.level])
	}
	if version != "" {
		main.action = "s3:" + op.versionAction
	}
	main.action, main.resource = cmp.Or(c.request.action, main.action), cmp.Or(c.request.resource, main.resource)
	main.then = func() error { return c.noPreconditions("IfMatch", "IfNoneMatch", "IfModifiedSince", "IfUnmodifiedSince") }
	if err := c.extraChecks(l, op, main.resource); err != nil {
		return nil, err
	}
	l.checks = append(l.checks, main)
	l.context = c.baseContext(l.resourceAccount)
	return l, c.addS3Keys(l, version)
}

// extraChecks adds the permissions that an operation needs besides its action,
// in AWS's order: of a copy the source is looked at before the destination.
func (c *testCase) extraChecks(l *call, op *operation, resource string) error {
	p := c.request.params
	switch op.name {
	case "GetObjectAttributes":
		action := "s3:GetObject"
		if p.has("VersionId") {
			action = "s3:GetObjectVersion"
		}
		l.checks = append(l.checks, check{action: action, resource: resource})
	case "UploadPartCopy":
		return c.sourceCheck(l)
	case "CopyObject":
		if err := c.sourceCheck(l); err != nil {
			return err
		}
		if err := c.copiedTagChecks(l, resource); err != nil {
			return err
		}
		c.uploadChecks(l, resource)
	case "PutObject", "CreateMultipartUpload":
		c.uploadChecks(l, resource)
	}
	return nil
}

// copiedTagChecks adds the permissions to copy the tags of the source, which are
// needed only if it has any.
func (c *testCase) copiedTagChecks(l *call, resource string) error {
	directive, err := c.request.params.text("TaggingDirective")
	if err != nil || directive == "REPLACE" {
		return err
	}
	doubt := unsupported("request.params.CopySource: the caller may copy the object only if it has no tags, which the case does not tell")
	source := l.checks[0]
	read := check{action: "s3:GetObjectTagging", resource: source.resource, version: source.version, doubt: doubt}
	if source.version != "" {
		read.action = "s3:GetObjectVersionTagging"
	}
	l.checks = append(l.checks, read, check{action: "s3:PutObjectTagging", resource: resource, doubt: doubt})
	return nil
}

// sourceCheck adds the permission to read what is copied.
func (c *testCase) sourceCheck(l *call) error {
	source, err := c.request.params.readCopySource()
	if err != nil {
		return err
	}
	if source.bucket != l.bucket && c.policies.resource != nil {
		return unsupported("request.params.CopySource: it is in another bucket, whose policy the case does not tell")
	}
	read := check{action: "s3:GetObject", resource: c.s3ARN(source.bucket, source.key)}
	if source.version != "" {
		read.action = "s3:GetObjectVersion"
		read.version = source.version
	}
	read.then = func() error {
		return c.noPreconditions("CopySourceIfMatch", "CopySourceIfNoneMatch", "CopySourceIfModifiedSince", "CopySourceIfUnmodifiedSince")
	}
	l.checks = append(l.checks, read)
	return nil
}

// uploadChecks adds the permissions to set tags, an ACL or a lock on what is
// uploaded.
func (c *testCase) uploadChecks(l *call, resource string) {
	for _, extra := range []struct {
		action string
		params []string
	}{
		{"s3:PutObjectTagging", []string{"Tagging"}},
		{"s3:PutObjectAcl", aclParams()},
		{"s3:PutObjectRetention", []string{"ObjectLockMode", "ObjectLockRetainUntilDate"}},
		{"s3:PutObjectLegalHold", []string{"ObjectLockLegalHoldStatus"}},
	} {
		if slices.ContainsFunc(extra.params, c.request.params.has) {
			l.checks = append(l.checks, check{action: extra.action, resource: resource})
		}
	}
}

func aclParams() []string {
	return []string{"ACL", "GrantFullControl", "GrantRead", "GrantReadACP", "GrantWrite", "GrantWriteACP"}
}

// noPreconditions gives up where the answer hangs on whether a precondition
// holds.
func (c *testCase) noPreconditions(names ...string) error {
	for _, name := range names {
		if c.request.params.has(name) {
			return unsupported("request.params.%s: the policies allow the call, but whether the precondition holds depends on the object", name)
		}
	}
	return nil
}

// addS3Keys sets the condition keys that S3 makes of a call's parameters.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html
func (c *testCase) addS3Keys(l *call, version string) error {
	ctx := l.context
	ctx.Set("s3:ResourceAccount", l.resourceAccount)
	if version != "" {
		ctx.Set("s3:VersionId", version)
	}
	switch op := l.operation; op.action {
	case "ListBucket", "ListBucketVersions":
		if op.isHead() {
			break
		}
		// A list without a prefix is a list of the empty prefix.
		if err := c.addListKeys(ctx); err != nil {
			return err
		}
	case "PutObject":
		creates := slices.Contains([]string{"PutObject", "CopyObject", "CompleteMultipartUpload"}, op.name)
		ctx.Set("s3:ObjectCreationOperation", strconv.FormatBool(creates))
	}
	return c.addHeaderKeys(ctx)
}

// addListKeys sets the keys of a list. One without a prefix is a list of the
// empty prefix.
func (c *testCase) addListKeys(ctx policy.Context) error {
	var prefix, delimiter string
	p := c.request.params
	if err := p.texts(textField{"Prefix", &prefix}, textField{"Delimiter", &delimiter}); err != nil {
		return err
	}
	limit, err := p.scalar("MaxKeys")
	ctx.Set("s3:prefix", prefix)
	ctx.Set("s3:delimiter", delimiter)
	ctx.Set("s3:max-keys", cmp.Or(limit, "1000"))
	return err
}

// headerKey returns the condition key that is a header, by the parameter's name.
func headerKey(param string) string {
	switch param {
	case "ACL":
		return "s3:x-amz-acl"
	case "GrantFullControl":
		return "s3:x-amz-grant-full-control"
	case "GrantRead":
		return "s3:x-amz-grant-read"
	case "GrantReadACP":
		return "s3:x-amz-grant-read-acp"
	case "GrantWrite":
		return "s3:x-amz-grant-write"
	case "GrantWriteACP":
		return "s3:x-amz-grant-write-acp"
	case "IfMatch":
		return "s3:if-match"
	case "IfNoneMatch":
		return "s3:if-none-match"
	case "MetadataDirective":
		return "s3:x-amz-metadata-directive"
	case "ObjectOwnership":
		return "s3:x-amz-object-ownership"
	case "ServerSideEncryption":
		return "s3:x-amz-server-side-encryption"
	case "SSEKMSKeyId":
		return "s3:x-amz-server-side-encryption-aws-kms-key-id"
	case "SSECustomerAlgorithm":
		return "s3:x-amz-server-side-encryption-customer-algorithm"
	case "StorageClass":
		return "s3:x-amz-storage-class"
	case "WebsiteRedirectLocation":
		return "s3:x-amz-website-redirect-location"
	default:
		return ""
	}
}

// addHeaderKeys sets the condition keys that are headers by another name.
func (c *testCase) addHeaderKeys(ctx policy.Context) error {
	for _, m := range c.request.params.members {
		key := headerKey(m.name)
		if key == "" {
			continue
		}
		value, err := c.request.params.text(m.name)
		if err != nil {
			return err
		}
		if value != "" {
			ctx.Set(key, value)
		}
	}
	if source := c.request.params.get("CopySource"); source != nil && source[0] == '"' {
		value, err := c.request.params.text("CopySource")
		if err != nil {
			return err
		}
		ctx.Set("s3:x-amz-copy-source", value)
	}
	return c.addObjectTags(ctx)
}

// addObjectTags sets the keys of the tags that a new object gets, which are
// written like a query: a=b&c=d.
func (c *testCase) addObjectTags(ctx policy.Context) error {
	raw := c.request.params.get("Tagging")
	if raw == nil || raw[0] != '"' { // PutObjectTagging has an object there
		return nil
	}
	header, err := c.request.params.text("Tagging")
	if err != nil {
		return err
	}
	tags, err := url.ParseQuery(header)
	if err != nil {
		return invalid("request.params.Tagging", "must be written like a query, a=b&c=d")
	}
	for key, values := range tags {
		ctx.Set("s3:RequestObjectTag/"+key, values[0])
	}
	if len(tags) > 0 {
		ctx.SetList("s3:RequestObjectTagKeys", slices.Sorted(maps.Keys(tags))...)
	}
	return nil
}
