package confinement

import (
	"slices"
	"strings"

	"github.com/litentry/wallet-federation/internal/policy"
)

// target is the kind of thing that an action of S3 touches.
type target int

const (
	onAnything target = iota // not known here
	onObjects
	onBuckets
	onLists // a bucket, and s3:prefix is in the context
	onAccount
)

// actions are what a broad grant is shown by, the most telling first. Actions
// that statements name themselves are tried as well.
var actions = []struct {
	name   string
	target target
}{
	{"s3:GetObject", onObjects},
	{"s3:PutObject", onObjects},
	{"s3:DeleteObject", onObjects},
	{"s3:ListBucket", onLists},
	{"s3:ListBucketVersions", onLists},
	{"s3:GetObjectVersion", onObjects},
	{"s3:GetObjectAttributes", onObjects},
	{"s3:GetObjectTagging", onObjects},
	{"s3:GetObjectAcl", onObjects},
	{"s3:PutObjectAcl", onObjects},
	{"s3:PutObjectTagging", onObjects},
	{"s3:DeleteObjectVersion", onObjects},
	{"s3:RestoreObject", onObjects},
	{"s3:AbortMultipartUpload", onObjects},
	{"s3:ListMultipartUploadParts", onObjects},
	{"s3:BypassGovernanceRetention", onObjects},
	{"s3:ListBucketMultipartUploads", onBuckets},
	{"s3:GetBucketPolicy", onBuckets},
	{"s3:PutBucketPolicy", onBuckets},
	{"s3:DeleteBucketPolicy", onBuckets},
	{"s3:GetBucketAcl", onBuckets},
	{"s3:PutBucketAcl", onBuckets},
	{"s3:PutBucketNotification", onBuckets},
	{"s3:PutReplicationConfiguration", onBuckets},
	{"s3:PutLifecycleConfiguration", onBuckets},
	{"s3:PutBucketPublicAccessBlock", onBuckets},
	{"s3:GetBucketLocation", onBuckets},
	{"s3:CreateBucket", onBuckets},
	{"s3:DeleteBucket", onBuckets},
	{"s3:ListAllMyBuckets", onAccount},
	{"s3:CreateJob", onAccount},
}

// requestsFor lists the requests beyond a wallet's prefix that are worth trying
// against these policies.
func (w *world) requestsFor(policies []ownPolicy) []request {
	resources, prefixes := w.fixedResources(), w.fixedPrefixes()
	var names []string
	for _, own := range policies {
		for i := range own.document.Statements {
			s := &own.document.Statements[i]
			resources = append(resources, w.resourcesIn(s)...)
			prefixes = append(prefixes, w.prefixesIn(s)...)
			names = append(names, actionsIn(s)...)
		}
	}
	resources, prefixes = unique(resources), unique(prefixes)

	var requests []request
	for _, action := range actions {
		requests = w.appendRequests(requests, action.name, action.target, resources, prefixes)
	}
	for _, name := range unique(names) {
		requests = w.appendRequests(requests, name, guessTarget(name), resources, prefixes)
	}
	return requests
}

// guessTarget goes by S3's names: GetObjectTorrent, GetBucketTagging. Anything
// else is tried on everything.
func guessTarget(action string) target {
	name := strings.ToLower(action)
	if strings.Contains(name, "object") && !strings.Contains(name, "bucket") {
		return onObjects
	}
	return onAnything
}

// appendRequests pairs an action with the resources that S3 would judge it by.
func (w *world) appendRequests(requests []request, action string, t target, resources, prefixes []string) []request {
	for _, resource := range resources {
		if !t.fits(resource, w.bucketARN("")) {
			continue
		}
		tries := []request{{action: action, resource: resource}}
		if t == onLists {
			for i := range prefixes {
				tries = append(tries, request{action, resource, &prefixes[i]})
			}
		}
		for _, r := range tries {
			if !w.isConfined(&r) {
				requests = append(requests, r)
			}
		}
	}
	return requests
}

// fits says whether S3 would judge an action of this kind by such a resource.
// Access points and the like fit all.
func (t target) fits(resource, buckets string) bool {
	if resource == "*" {
		return t == onAccount || t == onAnything
	}
	path, ok := strings.CutPrefix(resource, buckets)
	if !ok || t == onAnything {
		return true
	}
	switch t {
	case onObjects:
		return strings.Contains(path, "/")
	case onBuckets, onLists:
		return !strings.Contains(path, "/")
	default:
		return false
	}
}

func (w *world) fixedResources() []string {
	var resources []string
	for _, arn := range w.order {
		prefix := w.buckets[arn].Prefix
		resources = append(resources,
			arn+"/"+prefix+foreignWallet+"/object",
			arn+"/"+prefix+ownWallet+"0/object",
			arn+"/"+prefix+ownWallet,
			arn+"/"+prefix+"object",
			arn+"/object",
			arn,
		)
	}
	other := w.bucketARN(otherBucket)
	return append(resources, other+"/object", other, "*")
}

func (w *world) fixedPrefixes() []string {
	prefixes := []string{"", "object"}
	for _, arn := range w.order {
		prefix := w.buckets[arn].Prefix
		prefixes = append(prefixes, prefix, prefix+foreignWallet+"/", prefix+ownWallet, prefix+ownWallet+"0/")
	}
	return prefixes
}

// resourcesIn are resources of S3 that a statement's patterns could mean.
func (w *world) resourcesIn(s *policy.Statement) []string {
	var resources []string
	for _, pattern := range append(slices.Clone(s.Resources), s.NotResources...) {
		for _, resource := range w.instances(w.resolveService(pattern)) {
			if strings.HasPrefix(resource, "arn:"+w.partition+":s3:") {
				resources = append(resources, resource)
			}
		}
	}
	return resources
}

// resolveService writes the role's partition and S3 for patterns of them.
func (w *world) resolveService(pattern string) string {
	parts := strings.SplitN(pattern, ":", 4)
	if len(parts) < 4 {
		return pattern
	}
	if policy.Match(parts[1], w.partition) {
		parts[1] = w.partition
	}
	if policy.Match(parts[2], "s3") {
		parts[2] = "s3"
	}
	return strings.Join(parts, ":")
}

// prefixesIn are values of s3:prefix that a statement's conditions could mean.
func (w *world) prefixesIn(s *policy.Statement) []string {
	var prefixes []string
	for _, condition := range s.Conditions {
		if !strings.EqualFold(condition.Key, "s3:prefix") {
			continue
		}
		for _, value := range condition.Values {
			prefixes = append(prefixes, w.instances(value)...)
		}
	}
	return prefixes
}

// instances fills a pattern's variables and wildcards. Two fillings differ in
// every character, so that at most one can happen to be a wallet's own prefix;
// the third has a slash, for patterns that reach from bucket names into keys.
func (w *world) instances(pattern string) []string {
	text := variableForm.ReplaceAllStringFunc(pattern, func(variable string) string {
		key := strings.TrimSpace(variableForm.FindStringSubmatch(variable)[1])
		switch {
		case strings.EqualFold(key, w.tagVariable()):
			return ownWallet
		case key == "$":
			return key
		default:
			return "*"
		}
	})
	return []string{
		strings.NewReplacer("*", "z", "?", "z").Replace(text),
		strings.NewReplacer("*", "y", "?", "y").Replace(text),
		strings.NewReplacer("*", "z/z", "?", "z").Replace(text),
	}
}

// actionsIn are the actions of S3 that a statement names and that are not among
// [actions], with nothing in place of wildcards.
func actionsIn(s *policy.Statement) []string {
	var names []string
	for _, pattern := range append(slices.Clone(s.Actions), s.NotActions...) {
		service, name, _ := strings.Cut(pattern, ":")
		if !strings.EqualFold(service, "s3") || isRepresented(pattern) {
			continue
		}
		names = append(names, "s3:"+strings.NewReplacer("*", "", "?", "").Replace(name))
	}
	return names
}

func isRepresented(pattern string) bool {
	for _, action := range actions {
		if matchAction(pattern, action.name) {
			return true
		}
	}
	return false
}

// isAbout says whether the statement speaks of the action at all.
func isAbout(s *policy.Statement, action string) bool {
	matches := func(pattern string) bool { return matchAction(pattern, action) }
	if len(s.NotActions) > 0 {
		return !slices.ContainsFunc(s.NotActions, matches)
	}
	return slices.ContainsFunc(s.Actions, matches)
}

// matchAction ignores case, as AWS does.
func matchAction(pattern, action string) bool {
	return policy.Match(strings.ToLower(pattern), strings.ToLower(action))
}

// unique drops repetitions and keeps the order.
func unique(values []string) []string {
	seen := make(map[string]bool, len(values))
	return slices.DeleteFunc(values, func(value string) bool {
		if seen[value] {
			return true
		}
		seen[value] = true
		return false
	})
}
