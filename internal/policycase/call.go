package policycase

import (
	"cmp"
	"net/url"
	"strings"

	"github.com/litentry/wallet-federation/internal/policy"
)

// params are the parameters of an operation, by the names that the AWS SDKs give
// them.
type params struct{ object }

// check is one permission that a call needs.
type check struct {
	action   string
	resource string
	// version is the version that is checked, if it is not the call's.
	version string
	// doubt is set for a permission that is only needed in a state of things which
	// the case does not tell: the answer if it is lacking.
	doubt error
	// then is looked at once the permission is there, before the next check.
	then func() error
}

// call is what a case asks for, worked out.
type call struct {
	operation *operation // nil but for S3
	bucket    string     // that the call names, empty for none
	checks    []check
	context   policy.Context
	tags      []tag
	// resourceAccount is whose the resource is; empty if that is nobody's.
	resourceAccount string
}

// readCall works out which permissions the request needs.
func (c *testCase) readCall() (*call, error) {
	service, name, _ := strings.Cut(c.request.operation, ":")
	if name == "" {
		service, name = "s3", service
	}
	switch {
	case c.request.operation == "":
		return c.actionCall()
	case service == "s3":
		op := operations()[name]
		if op == nil {
			return nil, unsupported("request.operation: no rule says which actions %s needs", name)
		}
		return c.s3Call(op)
	default:
		return c.plainCall(service, name)
	}
}

// actionCall is a request that is told as an action on a resource.
func (c *testCase) actionCall() (*call, error) {
	r := c.request
	if r.resource == "" {
		return nil, invalid("request.resource", "missing")
	}
	service, _, ok := strings.Cut(r.action, ":")
	if !ok {
		return nil, invalid("request.action", "%q does not begin with a service and a colon", r.action)
	}
	l := &call{checks: []check{{action: r.action, resource: r.resource}}, resourceAccount: c.accountOf(r.resource)}
	if strings.EqualFold(service, "s3") {
		l.bucket = bucketOf(r.resource)
	}
	l.context = c.baseContext(l.resourceAccount)
	return l, c.addTags(l)
}

// plainCall is an operation whose action has its name.
func (c *testCase) plainCall(service, name string) (*call, error) {
	resource := c.request.resource
	if resource == "" && service == "iam" {
		var err error
		if resource, err = c.iamResource(); err != nil {
			return nil, err
		}
	}
	if isTagging(service+":"+name) && !c.request.params.has("Tags") {
		return nil, unsupported("request.params: %s needs the Tags that it is to set, which the case does not tell", name)
	}
	if resource == "" {
		return nil, unsupported("request.resource: it is not told, and no rule says which resource %s:%s acts on", service, name)
	}
	c.request.action, c.request.resource = cmp.Or(c.request.action, service+":"+name), resource
	return c.actionCall()
}

// iamResource is the user or role that a call of IAM names, or "".
func (c *testCase) iamResource() (string, error) {
	var user, role string
	err := c.request.params.texts(textField{"UserName", &user}, textField{"RoleName", &role})
	switch {
	case role != "":
		return "arn:aws:iam::" + c.caller.owner + ":role/" + role, err
	case user != "":
		return "arn:aws:iam::" + c.caller.owner + ":user/" + user, err
	}
	return "", err
}

// isTagging tells whether an action of IAM sets tags and does nothing else.
func isTagging(action string) bool {
	return len(action) > len("iam:Tag") && strings.EqualFold(action[:len("iam:Tag")], "iam:Tag")
}

// addTags holds the tags of a call to IAM's rules, and makes condition keys of
// them unless the case tells its own.
func (c *testCase) addTags(l *call) (err error) {
	if service, _, _ := strings.Cut(c.request.action, ":"); !strings.EqualFold(service, "iam") {
		return nil
	}
	if l.tags, err = c.request.params.readTags(); err != nil {
		return err
	}
	if c.request.context == nil {
		addRequestTags(l.context, l.tags)
	}
	return checkTags(l.tags)
}

// accountOf returns the account that a resource belongs to: the one that its ARN
// names, or for S3 the owner of the case's bucket.
func (c *testCase) accountOf(resource string) string {
	if c.caller.simulated || resource == "*" {
		return ""
	}
	if _, account := arnAccount(resource); account != "" {
		return account
	}
	return c.caller.owner
}

// bucketOf returns the bucket of the ARN of a bucket or object.
func bucketOf(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[2] != "s3" || parts[4] != "" {
		return ""
	}
	bucket, _, _ := strings.Cut(parts[5], "/")
	return bucket
}

// s3ARN is the ARN of an object, or of a bucket if the key is empty.
func (c *testCase) s3ARN(bucket, key string) string {
	partition, _ := arnAccount(c.request.resource)
	if partition == "" {
		partition, _ = arnAccount(c.caller.principal.ARN)
	}
	arn := "arn:" + cmp.Or(partition, "aws") + ":s3:::" + bucket
	if key != "" {
		arn += "/" + key
	}
	return arn
}

// copySource is the object that a copy reads.
type copySource struct{ bucket, key, version string }

// readCopySource reads the parameter CopySource: [/]bucket/key[?versionId=id], or
// an object of Bucket, Key and VersionId as boto3 takes it.
func (p params) readCopySource() (*copySource, error) {
	path := p.at("CopySource")
	raw := p.get("CopySource")
	if len(raw) > 0 && raw[0] == '{' {
		o, err := parseObject(path, raw)
		if err != nil {
			return nil, err
		}
		source := &copySource{}
		return source, o.texts(textField{"Bucket", &source.bucket}, textField{"Key", &source.key}, textField{"VersionId", &source.version})
	}
	header, err := p.text("CopySource")
	if err != nil {
		return nil, err
	}
	name, query, _ := strings.Cut(header, "?")
	name, err = url.PathUnescape(name)
	bucket, key, ok := strings.Cut(strings.TrimPrefix(name, "/"), "/")
	if err != nil || !ok || bucket == "" || key == "" {
		return nil, invalid(path, "must be bucket/key or bucket/key?versionId=id")
	}
	return &copySource{bucket, key, strings.TrimPrefix(query, "versionId=")}, nil
}
