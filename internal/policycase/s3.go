package policycase

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
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
	main.then = func() error { return c.checkPreconditions("") }
	if err := c.extraChecks(l, op, main.resource); err != nil {
		return nil, err
	}
	l.checks = append(l.checks, main)
	if err := c.encryptionCheck(l, op); err != nil {
		return nil, err
	}
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
	read.then = func() error { return c.checkPreconditions("CopySource") }
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

// encryptionCheck adds the permission to use the KMS key that an upload names.
// The key's own policy is never told.
func (c *testCase) encryptionCheck(l *call, op *operation) error {
	var encryption, key string
	if err := c.request.params.texts(textField{"ServerSideEncryption", &encryption}, textField{"SSEKMSKeyId", &key}); err != nil {
		return err
	}
	uploads := slices.Contains([]string{"PutObject", "CopyObject", "CreateMultipartUpload"}, op.name)
	if !uploads || !strings.HasPrefix(encryption, "aws:kms") {
		return nil
	}
	unknown := func() error {
		return unsupported("request.params.ServerSideEncryption: the caller may write the object, but the policy of the KMS key is not told")
	}
	if _, account := arnAccount(key); account == "" {
		l.checks[len(l.checks)-1].then = unknown
		return nil
	}
	l.checks = append(l.checks, check{action: "kms:GenerateDataKey", resource: key, then: unknown})
	return nil
}

// etagPattern is the form of S3's ETags, which may also be written without
// quotation marks.
var etagPattern = regexp.MustCompile(`^"?[0-9a-f]{32}(-[0-9]+)?"?$`)

// checkPreconditions looks at the preconditions of a call, or of a copy on its
// source. It gives up unless it can tell without knowing the object: no object
// has an ETag that is none.
func (c *testCase) checkPreconditions(prefix string) error {
	for _, condition := range []string{"IfMatch", "IfNoneMatch", "IfModifiedSince", "IfUnmodifiedSince"} {
		name := prefix + condition
		if !c.request.params.has(name) {
			continue
		}
		value, err := c.request.params.text(name)
		if err != nil {
			return err
		}
		possible := value == "*" || etagPattern.MatchString(value) || strings.HasSuffix(condition, "Since")
		switch {
		case possible:
			return unsupported("request.params.%s: the policies allow the call so far, but whether the precondition holds depends on the object", name)
		case condition == "IfMatch":
			return refused(codePreconditionFailed, "request.params.%s: no object has the ETag %q", name, value)
		}
	}
	return nil
}
