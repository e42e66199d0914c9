package policycase

import (
	"errors"
	"maps"
	"strings"

	"github.com/litentry/wallet-federation/internal/bucketpolicy"
	"github.com/litentry/wallet-federation/internal/policy"
)

// judge is a case under decision.
type judge struct {
	*testCase
	call     *call
	attached *policy.Policies // the caller's; with the resource's, if it counts
	resource *policy.Policy   // nil for none
	acl      *policy.Policy   // what an ACL says that grants READ to everybody
	cache    *documentCache
	reasons  []string
}

// decide answers a case. The error is a *verdict.
func (e *Evaluator) decide(c *testCase) (Decision, error) {
	l, err := c.readCall()
	if err != nil {
		return Decision{}, c.asSeen(nil, err)
	}
	l.context = c.complete(l.context)
	j := &judge{testCase: c, call: l, acl: e.publicRead, cache: &e.cache}
	if j.attached, err = e.attached(c); err != nil {
		return Decision{}, err
	}
	if err := j.run(); err != nil {
		return Decision{}, c.asSeen(l.operation, err)
	}
	return Decision{Decision: Allow, Code: codeSuccess, Reason: strings.Join(j.reasons, "; ")}, nil
}

// run looks at everything in AWS's order.
func (j *judge) run() error {
	if err := j.readResourcePolicy(); err != nil {
		return err
	}
	if j.deleteMarker {
		return j.readMarker()
	}
	for i := range j.call.checks {
		if err := j.permit(&j.call.checks[i]); err != nil {
			return err
		}
	}
	if err := checkTagKeys(j.call.tags); err != nil {
		return err
	}
	return j.serve()
}

// permit ends the case unless the caller has a permission.
func (j *judge) permit(check *check) error {
	decision, err := j.evaluate(check)
	switch {
	case err != nil:
		return err
	case decision.Allowed():
		j.reasons = append(j.reasons, decision.Explain())
	case check.doubt != nil:
		return check.doubt
	default:
		return denied("%s", decision.Explain())
	}
	if check.then != nil {
		return check.then()
	}
	return nil
}

// evaluate decides about one permission, by the policies and then by the ACL.
func (j *judge) evaluate(check *check) (policy.Decision, error) {
	r := &policy.Request{
		Principal: j.caller.principal, Action: check.action, Resource: check.resource,
		ResourceAccount: j.call.resourceAccount, Context: j.call.context,
	}
	if check.version != "" {
		r.Context = maps.Clone(r.Context)
		r.Context.Set("s3:VersionId", check.version)
	}
	policies := *j.attached
	policies.Resource = j.resource
	decision := policies.Evaluate(r)
	switch {
	case decision.Outcome == policy.ExplicitDeny:
		return decision, nil
	case decision.Outcome == policy.ImplicitDeny && j.simulated:
		return j.simulate(&policies, r, decision), nil
	case decision.Allowed() && !j.restricted():
		return decision, nil
	}
	return j.evaluateACL(&policies, r, decision)
}

// restricted tells whether Block Public Access keeps the caller out, because the
// bucket policy is public and the caller is not of the owner's account.
func (j *judge) restricted() bool {
	block := j.request.block
	return block != nil && block.restrictBuckets && j.call.bucket != "" && j.resource != nil &&
		bucketpolicy.IsPublic(j.resource.Document) && j.caller.principal.Account != j.caller.owner
}

// evaluateACL decides what the policies did not allow.
func (j *judge) evaluateACL(policies *policy.Policies, r *policy.Request, otherwise policy.Decision) (policy.Decision, error) {
	granted := false
	if j.testCase.acl != nil {
		var err error
		if granted, err = j.testCase.acl.grantsRead(r.Principal); err != nil {
			return otherwise, err
		}
		if j.request.block != nil && j.request.block.ignoreACLs {
			granted = false
		}
	}
	if granted {
		policies.Resource = j.acl
		if decision := policies.Evaluate(r); decision.Allowed() {
			return decision, nil
		}
	}
	if otherwise.Allowed() {
		return otherwise, denied("the bucket policy is public, and RestrictPublicBuckets keeps out who is not of the owner's account")
	}
	return otherwise, nil
}

// simulate decides what the policy simulator allows beyond AWS itself: a resource
// policy that grants to the caller's account grants to the caller, whatever the
// caller's own policies say short of a Deny.
func (j *judge) simulate(policies *policy.Policies, r *policy.Request, otherwise policy.Decision) policy.Decision {
	if policies.Resource == nil || r.Principal.ARN == "" {
		return otherwise
	}
	partition, account := arnAccount(r.Principal.ARN)
	asAccount := *r
	asAccount.Principal = &policy.Principal{Type: policy.Root, Account: account, ARN: "arn:" + partition + ":iam::" + account + ":root"}
	decision := (&policy.Policies{Resource: policies.Resource}).Evaluate(&asAccount)
	if decision.Allowed() && decision.Layer == policy.ResourceLayer {
		return decision
	}
	return otherwise
}

// asSeen makes of a verdict what a client sees of it: the simulator is asked for
// decisions and answers with success, and the answer to a HEAD has no body.
func (c *testCase) asSeen(op *operation, err error) error {
	v := (*verdict)(nil)
	switch {
	case !errors.As(err, &v) || v.decision == Unsupported:
		return err
	case c.simulated && v.decision == Deny:
		return &verdict{Deny, codeSuccess, v.reason}
	case op.isHead() && statusOf(v.code) != "":
		return &verdict{v.decision, statusOf(v.code), v.reason}
	}
	return err
}

// statusOf is the HTTP status of the errors that a HEAD can have.
func statusOf(code string) string {
	switch code {
	case codeAccessDenied:
		return "403"
	case codeNoSuchKey:
		return "404"
	case codeMethodNotAllowed:
		return "405"
	case codePreconditionFailed:
		return "412"
	default:
		return ""
	}
}
