package localaws

import (
	"slices"
	"strings"

	"github.com/litentry/wallet-federation/internal/policy"
)

// checkBucketPolicy refuses what AWS refuses of a well-formed bucket policy, in
// its words.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/add-bucket-policy.html
func checkBucketPolicy(document *policy.Document, bucketARN string) *apiError {
	for i := range document.Statements {
		statement := &document.Statements[i]
		for _, check := range []func(*policy.Statement, string) *apiError{checkResources, checkActions, checkConditions} {
			if failure := check(statement, bucketARN); failure != nil {
				return failure
			}
		}
	}
	return nil
}

// checkResources refuses resources outside the bucket.
func checkResources(statement *policy.Statement, bucketARN string) *apiError {
	for _, resource := range slices.Concat(statement.Resources, statement.NotResources) {
		if resource != bucketARN && !strings.HasPrefix(resource, bucketARN+"/") {
			return malformedBucketPolicy("Policy has invalid resource")
		}
	}
	return nil
}

// checkActions refuses an action that does not exist, or that applies to none of
// the statement's resources.
func checkActions(statement *policy.Statement, bucketARN string) *apiError {
	for _, pattern := range slices.Concat(statement.Actions, statement.NotActions) {
		if len(matchingActions(pattern)) == 0 {
			return malformedBucketPolicy("Policy has invalid action")
		}
	}
	if len(statement.Resources) == 0 {
		return nil
	}
	for _, pattern := range statement.Actions {
		if !slices.ContainsFunc(matchingActions(pattern), func(a s3Action) bool { return a.applies(statement.Resources, bucketARN) }) {
			return malformedBucketPolicy("Action does not apply to any resource(s) in statement")
		}
	}
	return nil
}

// applies tells whether the action acts on one of the resources.
func (a s3Action) applies(resources []string, bucketARN string) bool {
	return slices.ContainsFunc(resources, func(resource string) bool {
		if resource == bucketARN {
			return a.onBucket
		}
		return a.onObject
	})
}

// checkConditions refuses an S3 condition key that an action of the statement
// never comes with. Where an action is a pattern, one match is enough. Keys of
// other services and the global ones are not checked.
func checkConditions(statement *policy.Statement, bucketARN string) *apiError {
	for _, condition := range statement.Conditions {
		key := strings.ToLower(condition.Key)
		if !strings.HasPrefix(key, "s3:") {
			continue
		}
		if !knownS3Key(key) {
			return malformedBucketPolicy("Policy has an invalid condition key")
		}
		for _, pattern := range statement.Actions {
			supports := func(a s3Action) bool {
				return a.supports(key) && (len(statement.Resources) == 0 || a.applies(statement.Resources, bucketARN))
			}
			if !slices.ContainsFunc(matchingActions(pattern), supports) {
				return malformedBucketPolicy("Conditions do not apply to combination of actions and resources in statement")
			}
		}
	}
	return nil
}

// matchingActions are the S3 actions that a pattern of a policy names.
func matchingActions(pattern string) []s3Action {
	pattern = strings.ToLower(pattern)
	var matching []s3Action
	for _, action := range s3Actions() {
		if policy.Match(pattern, "s3:"+strings.ToLower(action.name)) {
			matching = append(matching, action)
		}
	}
	return matching
}
