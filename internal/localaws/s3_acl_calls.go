package localaws

import (
	"net/http"
	"slices"

	"github.com/rclone/gofakes3"
)

// getACL serves GetBucketAcl and GetObjectAcl. Where ACLs are off, it shows what
// is in force: the owner may do everything.
func (s *Server) getACL(q *s3Request) *apiError {
	grants := q.target.grants
	if q.operation.level == onObject {
		o, failure := s.findObject(q)
		if failure != nil {
			return failure
		}
		grants = o.grants
	}
	if grants == nil || q.target.ownership == bucketOwnerEnforced {
		grants = s.ownerGrants()
	}
	answer := accessControlPolicy{Xmlns: s3Namespace, Owner: &aclOwner{s.ownerID()}}
	for _, g := range grants {
		answer.Grants = append(answer.Grants, aclEntry{Grantee: newGrantee(g.Grantee, s.ownerID()), Permission: g.Permission})
	}
	return q.answer.xml(answer)
}

func newGrantee(grantee, owner string) aclGrantee {
	g := aclGrantee{Schema: "http://www.w3.org/2001/XMLSchema-instance", Type: "Group", URI: grantee}
	if grantee == owner {
		g.Type, g.ID, g.URI = "CanonicalUser", grantee, ""
	}
	return g
}

// putACL serves PutBucketAcl and PutObjectAcl.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectAcl.html
func (s *Server) putACL(q *s3Request) *apiError {
	grants, failure := s.requestedACL(q)
	if failure != nil {
		return failure
	}
	if failure := s.admitACL(q, grants); failure != nil {
		return failure
	}
	if q.operation.level == onBucket {
		return s.storage.update(q.bucket, func(b *bucket) { b.grants = grants })
	}
	err := s.storage.objects.replace(objectVersion{q.bucket, q.key, q.version}, func(o *storedObject) { o.grants = grants })
	switch {
	case gofakes3.HasErrorCode(err, gofakes3.ErrNoSuchVersion):
		return noSuchVersion()
	case err != nil:
		return s.missingKey(q)
	}
	return nil
}

// requestedACL reads an ACL from the headers or the body, of which there must be
// one.
func (s *Server) requestedACL(q *s3Request) ([]aclGrant, *apiError) {
	body, failure := readBody(q.http, maxConfigBody)
	if failure != nil {
		return nil, failure
	}
	switch inHeaders := setsACL(q.http.Header); {
	case inHeaders && len(body) > 0:
		return nil, newError(http.StatusBadRequest, "UnexpectedContent", "This request does not support content")
	case inHeaders:
		return s.headerACL(q.http.Header, q.operation.level)
	case len(body) == 0:
		return nil, newError(http.StatusBadRequest, "MissingSecurityHeader", "Your request was missing a required header")
	}
	if _, failure := checkDigests(q.http.Header, body); failure != nil {
		return nil, failure
	}
	var document accessControlPolicy
	if err := decodeXML(body, &document); err != nil || len(document.Grants) > maxGrants {
		return nil, malformedACL()
	}
	if document.Owner == nil || document.Owner.ID != s.ownerID() {
		return nil, accessDenied("Access Denied") // the owner cannot be changed
	}
	return s.documentGrants(document)
}

// documentGrants reads the grants of an ACL in XML.
func (s *Server) documentGrants(document accessControlPolicy) ([]aclGrant, *apiError) {
	grants := make([]aclGrant, 0, len(document.Grants))
	for _, entry := range document.Grants {
		if !slices.Contains([]string{aclRead, aclWrite, aclReadACP, aclWriteACP, aclFullControl}, entry.Permission) {
			return nil, malformedACL()
		}
		kind, grantee := "id", entry.Grantee.ID
		switch {
		case entry.Grantee.URI != "":
			kind, grantee = "uri", entry.Grantee.URI
		case entry.Grantee.EmailAddress != "":
			kind, grantee = "emailAddress", entry.Grantee.EmailAddress
		}
		grant, failure := s.grantTo(kind, grantee, entry.Permission)
		if failure != nil {
			return nil, failure
		}
		grants = append(grants, grant)
	}
	return grants, nil
}
