package policycase

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"sync"

	"github.com/litentry/wallet-federation/internal/policy"
)

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

// headerKeys are the condition keys that are headers, by the parameter's name. It
// is never written again.
var headerKeys = sync.OnceValue(func() map[string]string {
	return map[string]string{
		"ACL": "s3:x-amz-acl", "GrantFullControl": "s3:x-amz-grant-full-control",
		"GrantRead": "s3:x-amz-grant-read", "GrantReadACP": "s3:x-amz-grant-read-acp",
		"GrantWrite": "s3:x-amz-grant-write", "GrantWriteACP": "s3:x-amz-grant-write-acp",
		"IfMatch": "s3:if-match", "IfNoneMatch": "s3:if-none-match",
		"MetadataDirective": "s3:x-amz-metadata-directive", "ObjectOwnership": "s3:x-amz-object-ownership",
		"ServerSideEncryption": "s3:x-amz-server-side-encryption",
		"SSEKMSKeyId":          "s3:x-amz-server-side-encryption-aws-kms-key-id",
		"SSECustomerAlgorithm": "s3:x-amz-server-side-encryption-customer-algorithm",
		"StorageClass":         "s3:x-amz-storage-class", "WebsiteRedirectLocation": "s3:x-amz-website-redirect-location",
	}
})

// addHeaderKeys sets the condition keys that are headers by another name.
func (c *testCase) addHeaderKeys(ctx policy.Context) error {
	for _, m := range c.request.params.members {
		key, isHeader := headerKeys()[m.name]
		if !isHeader {
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
