package policycase

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/litentry/wallet-federation/internal/policy"
)

// testCase is a case that has been read.
type testCase struct {
	remarks
	caller   *caller
	request  *request
	policies policies
	acl      *objectACL // nil if the case tells of none
}

// request is what a case asks for.
type request struct {
	// operation is the name of an API operation: GetObject, iam:TagUser. Empty
	// if the case is about an action only.
	operation string
	// action and resource override what the operation needs. They may be empty.
	action   string
	resource string
	params   params
	// context are the condition keys that the case tells; nil if it has no such
	// member.
	context policy.Context
	// block is S3 Block Public Access: of the bucket, or for PutPublicAccessBlock
	// what is to be put. Nil if there is none.
	block *publicAccessBlock
	// toldBlock is set if the case has that member, if only as null.
	toldBlock bool
	// deleteMarker: the version that the call is about is a delete marker.
	deleteMarker bool
}

// placeholders are what transcripts write in place of account ids and a key.
const (
	placeholderAccount = "${account}"
	placeholderOther   = "${otherAccount}"
	placeholderKey     = "${kmsArn}"
)

// readLine takes a line apart into the members of a case.
func (e *Evaluator) readLine(line []byte) (object, error) {
	if !utf8.Valid(line) {
		return object{}, invalid("", "the line is not valid UTF-8")
	}
	if !json.Valid(line) {
		return object{}, invalid("", "the line is not one JSON value")
	}
	if bytes.Contains(line, []byte("${")) {
		line = []byte(e.placeholders.Replace(string(line)))
	}
	return parseObject("", line)
}

// readCase reads the members that decide. Others describe the case to people.
func (e *Evaluator) readCase(o *object) (c *testCase, err error) {
	c = &testCase{}
	for _, name := range []string{"policies", "principal", "request"} {
		if o.get(name) == nil {
			return nil, invalid(name, "missing")
		}
	}
	if c.remarks, err = readRemarks(o); err != nil {
		return nil, err
	}
	if c.request, err = readRequest(o.get("request")); err != nil {
		return nil, err
	}
	c.deleteMarker = c.deleteMarker || c.request.deleteMarker
	if c.caller, err = e.readCaller(o.get("principal")); err != nil {
		return nil, err
	}
	c.simulated = c.simulated || c.caller.simulated
	if c.acl, err = readACL(o.get("acl")); err != nil {
		return nil, err
	}
	if c.policies, err = readPolicies(o.get("policies")); err != nil {
		return nil, err
	}
	// "Administrator of the bucket's owner" says whose the bucket is.
	if strings.Contains(c.policies.identityWords, "owner") {
		c.caller.owner = c.caller.principal.Account
	}
	return c, nil
}

func readRequest(raw json.RawMessage) (*request, error) {
	o, err := parseObject("request", raw)
	if err != nil {
		return nil, err
	}
	// authorization_checks is somebody's reading of the operation: ours is asked.
	if err := o.known("operation", "action", "resource", "params", "context", "context_types",
		"public_access_block", "delete_marker", "authorization_checks", "authorization_checks_by"); err != nil {
		return nil, err
	}
	r := &request{}
	if err := o.texts(textField{"operation", &r.operation}, textField{"action", &r.action}, textField{"resource", &r.resource}); err != nil {
		return nil, err
	}
	if r.operation == "" && r.action == "" {
		return nil, invalid("request", "has neither an action nor an operation")
	}
	if o.has("params") {
		if r.params.object, err = parseObject("request.params", o.get("params")); err != nil {
			return nil, err
		}
	}
	if r.context, err = readContext(&o); err != nil {
		return nil, err
	}
	if r.deleteMarker, err = o.flag("delete_marker"); err != nil {
		return nil, err
	}
	r.toldBlock = o.get("public_access_block") != nil
	if o.has("public_access_block") {
		r.block, err = readBlock(o.at("public_access_block"), o.get("public_access_block"))
	}
	return r, err
}
