package policycase

import (
	"encoding/json"
	"strings"

	"github.com/litentry/wallet-federation/internal/bucketpolicy"
	"github.com/litentry/wallet-federation/internal/policy"
)

const (
	codeNoSuchKey          = "NoSuchKey"
	codeMethodNotAllowed   = "MethodNotAllowed"
	codePreconditionFailed = "PreconditionFailed"
)

// readResourcePolicy finds the resource policy that is in force: that of the
// bucket or, for a call that assumes a role, its trust policy. The policy that
// PutBucketPolicy is to put is not.
func (j *judge) readResourcePolicy() error {
	text := j.policies.resource
	if text == nil || j.isOperation("PutBucketPolicy") {
		return nil
	}
	service, _, _ := strings.Cut(strings.ToLower(j.call.checks[0].action), ":")
	switch {
	case j.simulated:
		return j.readSimulatedPolicy(text)
	case service == "s3" && j.call.bucket != "":
		document, err := j.admit(text)
		if err != nil {
			return err
		}
		j.resource = &policy.Policy{Name: "bucket policy", Document: document}
	case service == "sts":
		document, err := j.cache.parse(policy.Trust, text)
		if err != nil {
			return refused("MalformedPolicyDocument", "trust policy: %v", err)
		}
		j.resource = &policy.Policy{Name: "trust policy", Document: document}
	default:
		return unsupported("policies.resource: only buckets and roles have resource policies here")
	}
	return nil
}

// readSimulatedPolicy reads a resource policy as the policy simulator does, which
// knows of no bucket.
func (j *judge) readSimulatedPolicy(text json.RawMessage) error {
	document, err := j.cache.parse(policy.Bucket, text)
	if err != nil {
		return refused("InvalidInput", "resource policy: %v", err)
	}
	j.resource = &policy.Policy{Name: "resource policy", Document: document}
	return nil
}

// admit checks a bucket policy as PutBucketPolicy does.
func (j *judge) admit(text json.RawMessage) (*policy.Document, error) {
	document, err := j.cache.admit(j.s3ARN(j.call.bucket, ""), text)
	if err != nil {
		return nil, refused("MalformedPolicy", "%v", err)
	}
	return document, nil
}

func (j *judge) isOperation(name string) bool {
	return j.call.operation != nil && j.call.operation.name == name
}

// readMarker answers for a version that is a delete marker. It is found out
// before anybody asks whether the caller may read: an explicit Deny does not
// hide it. Deleting a marker is judged like deleting any version.
func (j *judge) readMarker() error {
	check := j.call.checks[0]
	switch {
	case j.isOperation("DeleteObject"):
		return j.permit(&check)
	case !j.isOperation("GetObject") && !j.isOperation("HeadObject"):
		return unsupported("request.delete_marker: no rule says what this call answers for a delete marker")
	case j.request.params.has("VersionId"):
		return refused(codeMethodNotAllowed, "the version is a delete marker, which is found before authorization")
	}
	list := j.call.checks[0]
	list.action, list.resource, list.then = "s3:ListBucket", j.s3ARN(j.call.bucket, ""), nil
	if err := j.permit(&list); err != nil {
		return err
	}
	return refused(codeNoSuchKey, "the current version is a delete marker, which is found before authorization; who may not list the bucket does not learn it")
}

// serve answers what the configuration of the bucket answers, once the caller is
// permitted.
func (j *judge) serve() error {
	if j.call.operation == nil {
		return nil
	}
	switch j.call.operation.name {
	case "PutBucketPolicy":
		return j.putBucketPolicy()
	case "GetBucketPolicy", "GetBucketPolicyStatus":
		if j.resource == nil {
			return refused("NoSuchBucketPolicy", "the bucket has no policy")
		}
		j.note(j.resource.Document)
	case "GetPublicAccessBlock":
		return j.getPublicAccessBlock()
	case "PutPublicAccessBlock":
		return j.putPublicAccessBlock()
	case "PutObject", "CreateMultipartUpload", "CopyObject", "PutObjectAcl":
		return j.setACL()
	}
	return nil
}

// note adds to the reason whether a bucket policy is public.
func (j *judge) note(document *policy.Document) {
	words := "the policy is not public"
	if bucketpolicy.IsPublic(document) {
		words = "the policy is public"
	}
	j.reasons = append(j.reasons, words)
}

func (j *judge) putBucketPolicy() error {
	text := j.policies.resource
	if text == nil {
		return unsupported("policies.resource: the policy that is to be put is not told")
	}
	document, err := j.admit(text)
	if err != nil {
		return err
	}
	if block := j.request.block; block != nil && block.blockPolicy && bucketpolicy.IsPublic(document) {
		return denied("the policy is public, and BlockPublicPolicy keeps such policies out; an earlier policy stays")
	}
	j.note(document)
	return nil
}

func (j *judge) getPublicAccessBlock() error {
	switch {
	case !j.request.toldBlock:
		return unsupported("request.public_access_block: it is not told what the bucket has; null is none")
	case j.request.block == nil:
		return refused("NoSuchPublicAccessBlockConfiguration", "the bucket has no Block Public Access configuration")
	}
	return nil
}

// putPublicAccessBlock looks at the settings that are to be put. Those left out
// become false, but there must be one.
func (j *judge) putPublicAccessBlock() error {
	block := j.request.block
	if given := j.request.params.get("PublicAccessBlockConfiguration"); given != nil {
		var err error
		if block, err = readBlock("request.params.PublicAccessBlockConfiguration", given); err != nil {
			return err
		}
	}
	switch {
	case block == nil:
		return unsupported("request.public_access_block: the settings that are to be put are not told")
	case block.empty:
		return refused("InvalidRequest", "at least one setting of Block Public Access must be named")
	}
	return nil
}

// setACL looks at an ACL that a call is to set.
func (j *judge) setACL() error {
	acl, err := j.request.params.text("ACL")
	if err != nil || acl == "" {
		return err
	}
	public := strings.HasPrefix(acl, "public-") || acl == "authenticated-read"
	switch {
	case j.testCase.acl != nil && j.testCase.acl.ownership == ownershipEnforced && acl != "bucket-owner-full-control":
		return refused("AccessControlListNotSupported", "the bucket does not allow ACLs")
	case public && j.request.block != nil && j.request.block.blockACLs:
		return denied("the ACL is public, and BlockPublicAcls keeps such ACLs out")
	}
	return nil
}
