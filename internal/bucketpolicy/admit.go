package bucketpolicy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/litentry/wallet-federation/internal/policy"
)

// MaxSize is the size in bytes of the largest bucket policy. S3 measures the
// document after normalizing it, in a way that is not documented; here only the
// white space between its tokens does not count.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/add-bucket-policy.html
const MaxSize = 20 * 1024

// Refusal is why S3 does not take a policy. Its error code is MalformedPolicy,
// with the status 400.
type Refusal struct {
	// Message is AWS's message.
	Message string
	// Detail says which part of the policy is meant. S3 has an element of that
	// name in its answer.
	Detail string
}

// Error implements error.
func (r *Refusal) Error() string {
	if r.Detail == "" {
		return r.Message
	}
	return r.Message + ": " + r.Detail
}

// Admit reads a policy that is to be put on the bucket with the given ARN, and
// refuses it where S3 does. Any error is a *Refusal. That the principals of the
// bucket's own account exist is not checked.
//
// NotResource is held to the bucket as Resource is. NotAction is checked for
// actions that do not exist, but not against resources and condition keys.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html
func Admit(bucketARN string, text []byte) (*policy.Document, error) {
	if size := minifiedSize(text); size > MaxSize {
		return nil, &Refusal{
			Message: fmt.Sprintf("Normalized policy document exceeds the maximum allowed size of %d bytes", MaxSize),
			Detail:  fmt.Sprintf("%d bytes without white space", size),
		}
	}
	document, err := policy.Parse(policy.Bucket, text)
	if err != nil {
		return nil, grammarRefusal(text, err)
	}
	for i := range document.Statements {
		s := statement{Statement: &document.Statements[i], bucketARN: bucketARN, index: i}
		for _, check := range []func() *Refusal{s.checkPrincipals, s.checkResources, s.checkActions, s.checkConditions} {
			if refusal := check(); refusal != nil {
				return nil, refusal
			}
		}
	}
	return document, nil
}

// minifiedSize is the size of text without white space, or as it is if it is not
// JSON.
func minifiedSize(text []byte) int {
	if len(text) <= MaxSize {
		return len(text)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		return len(text)
	}
	return compact.Len()
}

// statement is a statement under inspection.
type statement struct {
	*policy.Statement
	bucketARN string
	index     int
}

func (s *statement) refuse(message, format string, args ...any) *Refusal {
	return &Refusal{Message: message, Detail: fmt.Sprintf("Statement[%d]: ", s.index) + fmt.Sprintf(format, args...)}
}

// checkResources refuses resources outside the bucket.
func (s *statement) checkResources() *Refusal {
	for _, resource := range slices.Concat(s.Resources, s.NotResources) {
		if resource != s.bucketARN && !strings.HasPrefix(resource, s.bucketARN+"/") {
			return s.refuse(invalidResource, "%q is neither %q nor in it", resource, s.bucketARN)
		}
	}
	return nil
}

// checkActions refuses an action that does not exist, or that applies to none of
// the statement's resources.
func (s *statement) checkActions() *Refusal {
	all := actions()
	for _, pattern := range slices.Concat(s.Actions, s.NotActions) {
		if len(all.matching(pattern)) == 0 {
			return s.refuse(invalidAction, "S3 has no action %q", pattern)
		}
	}
	if len(s.Resources) == 0 {
		return nil
	}
	for _, pattern := range s.Actions {
		if !slices.ContainsFunc(all.matching(pattern), func(a action) bool { return a.applies(s.Resources, s.bucketARN) }) {
			return s.refuse("Action does not apply to any resource(s) in statement", "%q and %q", pattern, s.Resources)
		}
	}
	return nil
}

// checkConditions refuses an S3 condition key that an action of the statement
// never comes with. Where an action is a pattern, one match is enough. Keys of
// other services and the global ones are not checked.
func (s *statement) checkConditions() *Refusal {
	all := actions()
	for _, condition := range s.Conditions {
		key, isS3 := strings.CutPrefix(strings.ToLower(condition.Key), "s3:")
		if !isS3 {
			continue
		}
		if !all.knowsKey(key) {
			return s.refuse("Policy has an invalid condition key", "S3 has no condition key %q", condition.Key)
		}
		for _, pattern := range s.Actions {
			supports := func(a action) bool {
				return all.supports(&a, key) && (len(s.Resources) == 0 || a.applies(s.Resources, s.bucketARN))
			}
			if !slices.ContainsFunc(all.matching(pattern), supports) {
				return s.refuse("Conditions do not apply to combination of actions and resources in statement",
					"%q does not come with %q", pattern, condition.Key)
			}
		}
	}
	return nil
}
