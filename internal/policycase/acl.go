package policycase

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/litentry/wallet-federation/internal/policy"
)

// objectACL is what a case tells of the ACL of the object that is asked for.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html
type objectACL struct {
	// ownership is the bucket's Object Ownership, empty if it is not told.
	ownership string
	// acl is the name of a canned ACL, or words.
	acl string
	// ignored: Block Public Access ignores public ACLs.
	ignored bool
}

// ownershipEnforced is the Object Ownership under which ACLs do not count.
const ownershipEnforced = "BucketOwnerEnforced"

func readACL(raw json.RawMessage) (*objectACL, error) {
	if raw == nil || isNull(raw) {
		return nil, nil
	}
	o, err := parseObject("acl", raw)
	if err != nil {
		return nil, err
	}
	if err := o.known("object_ownership", "object_acl", "ignore_public_acls"); err != nil {
		return nil, err
	}
	a := &objectACL{}
	if err := o.texts(textField{"object_ownership", &a.ownership}, textField{"object_acl", &a.acl}); err != nil {
		return nil, err
	}
	if !slices.Contains([]string{"", "ObjectWriter", "BucketOwnerPreferred", ownershipEnforced}, a.ownership) {
		return nil, invalid("acl.object_ownership", "%q is not an Object Ownership", a.ownership)
	}
	a.ignored, err = o.flag("ignore_public_acls")
	return a, err
}

// aclPolicy says what a grant of READ on objects to everybody says: an ACL that
// is in force counts like a bucket policy beside the real one.
const aclPolicy = `{"Version":"2012-10-17","Statement":[{"Sid":"READ","Effect":"Allow","Principal":"*",` +
	`"Action":["s3:GetObject","s3:GetObjectVersion"],"Resource":"arn:*:s3:::*"}]}`

// grantsRead tells whether the ACL grants the caller READ as one of everybody.
// What an ACL grants to the owner it grants to an account, which must hand it on
// by policies of its own, so that it adds nothing to them.
func (a *objectACL) grantsRead(p *policy.Principal) (bool, error) {
	if a.ownership == ownershipEnforced {
		return false, nil
	}
	switch a.acl {
	case "", "private", "bucket-owner-read", "bucket-owner-full-control", "aws-exec-read", "log-delivery-write":
		return false, nil
	case "public-read", "public-read-write":
		return !a.ignored, nil
	case "authenticated-read":
		return !a.ignored && p.Type != policy.Anonymous, nil
	}
	if strings.HasSuffix(a.acl, "to owner canonical id") {
		return false, nil
	}
	return false, unsupported("acl.object_acl: %q is not a canned ACL", a.acl)
}
