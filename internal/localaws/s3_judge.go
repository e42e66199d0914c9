package localaws

import (
	"maps"
	"strconv"
	"strings"

	"github.com/rclone/gofakes3"

	"github.com/litentry/wallet-federation/internal/policy"
)

// s3Check is one permission that a request needs.
type s3Check struct {
	action  string
	bucket  string // whose policy is asked
	key     string // empty for the bucket itself
	version string // of the object; empty for the current one
	etag    string // that an entry of DeleteObjects demands; empty for none
	// before runs ahead of the check, or alone if there is no action: AWS finds
	// some faults first.
	before func() *apiError
}

// object is what the check is about.
func (c s3Check) object() objectVersion { return objectVersion{c.bucket, c.key, c.version} }

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
		checks = append(checks, s3Check{action: action, bucket: q.bucket, key: q.key, version: q.version})
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
	case decision.Outcome == policy.ImplicitDeny && s.aclAllows(q, check):
		return nil
	case q.isAnonymous():
		return accessDenied("Access Denied")
	default:
		return notAuthorized(q.caller, check.action, strconv.Quote(s.s3ARN(check.bucket, check.key)), decision)
	}
}

func (s *Server) decideS3(q *s3Request, check s3Check) policy.Decision {
	ctx := maps.Clone(q.context)
	s.addActionKeys(ctx, q, check)
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
	_, _, err := s.storage.objects.lookup(objectVersion{q.bucket, q.key, q.version})
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
	if latest := s.storage.objects.latest(q.bucket, q.key); q.source == nil && latest != nil && latest.marker {
		q.errorHeader = markerHeaders(latest)
	}
	return noSuchKey()
}
