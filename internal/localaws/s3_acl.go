package localaws

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"net/http"
	"slices"
	"strings"
)

// The groups that an ACL may name.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html
const (
	allUsers           = "http://acs.amazonaws.com/groups/global/AllUsers"
	authenticatedUsers = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
	logDelivery        = "http://acs.amazonaws.com/groups/s3/LogDelivery"
)

const (
	aclRead, aclWrite       = "READ", "WRITE"
	aclReadACP, aclWriteACP = "READ_ACP", "WRITE_ACP"
	aclFullControl          = "FULL_CONTROL"
	// maxGrants is how many grants an ACL may have.
	maxGrants = 100
)

// aclGrant is a permission that an ACL gives.
type aclGrant struct {
	Grantee    string `json:"grantee"` // the canonical id of the account, or the URI of a group
	Permission string `json:"permission"`
}

// public tells whether everybody with any AWS account, at least, is granted
// something.
func (g aclGrant) public() bool { return g.Grantee == allUsers || g.Grantee == authenticatedUsers }

func isPublicACL(grants []aclGrant) bool { return slices.ContainsFunc(grants, aclGrant.public) }

// ownerID is the canonical user id of the account, which owns all buckets and
// objects.
func (s *Server) ownerID() string {
	sum := sha256.Sum256([]byte("canonical user id of " + s.options.Account))
	return hex.EncodeToString(sum[:])
}

// ownerGrants is the ACL of what has none: the owner may do everything.
func (s *Server) ownerGrants() []aclGrant {
	return []aclGrant{{s.ownerID(), aclFullControl}}
}

// cannedACL is an ACL by its name. The owner of the bucket owns all objects in
// it, so that two of them say no more than private does.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#canned-acl
func (s *Server) cannedACL(name string, level s3Level) ([]aclGrant, *apiError) {
	grants := s.ownerGrants()
	switch {
	case name == "private", level == onObject && (name == "bucket-owner-read" || name == "bucket-owner-full-control"):
		return grants, nil
	case name == "public-read":
		return append(grants, aclGrant{allUsers, aclRead}), nil
	case name == "public-read-write":
		return append(grants, aclGrant{allUsers, aclRead}, aclGrant{allUsers, aclWrite}), nil
	case name == "authenticated-read":
		return append(grants, aclGrant{authenticatedUsers, aclRead}), nil
	case name == "log-delivery-write" && level == onBucket:
		return append(grants, aclGrant{logDelivery, aclWrite}, aclGrant{logDelivery, aclReadACP}), nil
	case name == "aws-exec-read":
		return nil, newError(http.StatusNotImplemented, "NotImplemented", "The canned ACL aws-exec-read grants to an account of AWS's, which does not exist here.")
	default:
		return nil, newError(http.StatusBadRequest, "InvalidArgument", "The canned ACL %q is not valid.", name)
	}
}

// grantHeaders are the headers that grant a permission each.
func grantHeaders() map[string]string {
	return map[string]string{
		"X-Amz-Grant-Full-Control": aclFullControl, "X-Amz-Grant-Read": aclRead, "X-Amz-Grant-Read-Acp": aclReadACP,
		"X-Amz-Grant-Write": aclWrite, "X-Amz-Grant-Write-Acp": aclWriteACP,
	}
}

// setsACL tells whether the headers ask for an ACL.
func setsACL(header http.Header) bool {
	for name := range grantHeaders() {
		if header.Get(name) != "" {
			return true
		}
	}
	return header.Get("X-Amz-Acl") != ""
}

// headerACL reads the ACL that the headers ask for; nil for none.
func (s *Server) headerACL(header http.Header, level s3Level) ([]aclGrant, *apiError) {
	canned := header.Get("X-Amz-Acl")
	var grants []aclGrant
	for name, permission := range grantHeaders() {
		if header.Get(name) == "" {
			continue
		}
		if canned != "" {
			return nil, newError(http.StatusBadRequest, "InvalidRequest", "Specifying both Canned ACLs and Header Grants is not allowed")
		}
		for grantee := range strings.SplitSeq(header.Get(name), ",") {
			kind, value, _ := strings.Cut(strings.TrimSpace(grantee), "=")
			grant, failure := s.grantTo(kind, strings.Trim(value, `"`), permission)
			if failure != nil {
				return nil, failure
			}
			grants = append(grants, grant)
		}
	}
	if canned != "" {
		return s.cannedACL(canned, level)
	}
	if len(grants) > maxGrants {
		return nil, malformedACL()
	}
	return grants, nil
}

// grantTo makes a grant. Of accounts, only the one that lives here is known.
func (s *Server) grantTo(kind, grantee, permission string) (aclGrant, *apiError) {
	known := false
	switch kind {
	case "id":
		known = grantee == s.ownerID()
	case "uri":
		known = slices.Contains([]string{allUsers, authenticatedUsers, logDelivery}, grantee)
	case "emailAddress":
		return aclGrant{}, newError(http.StatusBadRequest, "UnresolvableGrantByEmailAddress", "The e-mail address you provided does not match any account on record.")
	}
	if !known {
		return aclGrant{}, newError(http.StatusBadRequest, "InvalidArgument", "Invalid %s", kind)
	}
	return aclGrant{grantee, permission}, nil
}

func malformedACL() *apiError {
	return newError(http.StatusBadRequest, "MalformedACLError", "The XML you provided was not well-formed or did not validate against our published schema")
}

// newObjectACL is the ACL that an upload or a copy asks for; nil for the default.
func (s *Server) newObjectACL(q *s3Request) ([]aclGrant, *apiError) {
	if !setsACL(q.http.Header) {
		return nil, nil
	}
	grants, failure := s.headerACL(q.http.Header, onObject)
	if failure != nil {
		return nil, failure
	}
	return grants, s.admitACL(q, grants)
}

// admitACL refuses an ACL that the bucket does not take: where ACLs are off, any
// but the one that says what is so anyway, and where public ACLs are blocked, a
// public one.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
func (s *Server) admitACL(q *s3Request, grants []aclGrant) *apiError {
	if q.target.ownership == bucketOwnerEnforced {
		sameAnyway := slices.Equal(grants, s.ownerGrants()) && q.http.Header.Get("X-Amz-Acl") != "private"
		if sameAnyway {
			return nil
		}
		return newError(http.StatusBadRequest, "AccessControlListNotSupported", "The bucket does not allow ACLs")
	}
	if block := q.target.publicAccess; block != nil && block.BlockPublicAcls && isPublicACL(grants) {
		return accessDenied("User: %s is not authorized to perform: %s on resource: %q because public ACLs are "+
			"prevented by the BlockPublicAcls setting in S3 Block Public Access.", q.caller.arn(), q.action(), s.s3ARN(q.bucket, q.key))
	}
	return nil
}

// aclPermission is the permission in an ACL that an action needs, and whether it
// is the bucket's ACL that counts. There is none for most actions.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#acl-access-policy-permission-mapping
func aclPermission(action string) (permission string, ofBucket bool) {
	switch action {
	case "s3:GetObject", "s3:GetObjectVersion":
		return aclRead, false
	case "s3:GetObjectAcl", "s3:GetObjectVersionAcl":
		return aclReadACP, false
	case "s3:PutObjectAcl", "s3:PutObjectVersionAcl":
		return aclWriteACP, false
	case "s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads":
		return aclRead, true
	case "s3:PutObject":
		return aclWrite, true
	case "s3:GetBucketAcl":
		return aclReadACP, true
	case "s3:PutBucketAcl":
		return aclWriteACP, true
	}
	return "", false
}

// aclAllows tells whether an ACL grants what no policy does. The owner's own
// grant gives the account's users and roles nothing: they need a policy.
func (s *Server) aclAllows(q *s3Request, check s3Check) bool {
	permission, ofBucket := aclPermission(check.action)
	b := s.storage.bucket(check.bucket)
	if permission == "" || b == nil || b.ownership == bucketOwnerEnforced {
		return false
	}
	grants := b.grants
	if !ofBucket {
		o, _, err := s.storage.objects.lookup(check.object())
		if err != nil {
			return false
		}
		grants = o.grants
	}
	ignored := b.publicAccess != nil && b.publicAccess.IgnorePublicAcls
	return slices.ContainsFunc(grants, func(g aclGrant) bool {
		toCaller := g.Grantee == allUsers || g.Grantee == authenticatedUsers && !q.isAnonymous()
		return toCaller && !ignored && (g.Permission == permission || g.Permission == aclFullControl)
	})
}

// aclOwner is the owner of something, as answers name it.
type aclOwner struct{ ID string }

// accessControlPolicy is an ACL in XML.
type accessControlPolicy struct {
	XMLName xml.Name   `xml:"AccessControlPolicy"`
	Xmlns   string     `xml:"xmlns,attr,omitempty"`
	Owner   *aclOwner  `xml:"Owner"`
	Grants  []aclEntry `xml:"AccessControlList>Grant"`
}

type aclEntry struct {
	Grantee    aclGrantee
	Permission string
}

type aclGrantee struct {
	Schema       string `xml:"xmlns:xsi,attr,omitempty"`
	Type         string `xml:"xsi:type,attr,omitempty"`
	ID           string `xml:",omitempty"`
	URI          string `xml:",omitempty"`
	EmailAddress string `xml:",omitempty"`
}
