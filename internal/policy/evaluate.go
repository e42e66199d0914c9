package policy

// Policy is a document under the name that explanations call it by.
type Policy struct {
	// Name is how people know the policy: inline policy "reader", bucket policy.
	Name     string
	Document *Document
}

// Policies are all policies that speak about one request.
type Policies struct {
	// Identity are the inline and attached policies of the user or the role.
	Identity []Policy
	// Boundary is the permissions boundary, nil for none.
	Boundary *Policy
	// Session are the session policies passed when the session was bought; none
	// means that the session is not limited.
	Session []Policy
	// Resource is the policy of the resource: the bucket policy, or for a call
	// that assumes a role its trust policy. Nil for none.
	Resource *Policy
}

// Request is what is to be decided.
type Request struct {
	Principal *Principal
	// Action is the action, such as s3:GetObject. Its case does not matter.
	Action string
	// Resource is the ARN that the action touches, or "*" for actions without one.
	Resource string
	// ResourceAccount is the account that owns the resource; empty means the
	// caller's own.
	ResourceAccount string
	// Context are the request's condition keys, those of Principal.AddTo included.
	Context Context
}

// Outcome is the result of an evaluation.
type Outcome int

// The outcomes. The zero value denies.
const (
	// ImplicitDeny is the default: nothing that would have to allow the request does.
	ImplicitDeny Outcome = iota
	// ExplicitDeny is a Deny statement that matched.
	ExplicitDeny
	// Allow is the permission to go on.
	Allow
)

// Layer is the part that a policy plays in a decision.
type Layer int

// The layers, as AWS names them in its error messages.
const (
	// NoLayer: no policy decided.
	NoLayer Layer = iota
	// IdentityLayer are identity-based policies.
	IdentityLayer
	// BoundaryLayer is the permissions boundary.
	BoundaryLayer
	// SessionLayer are session policies.
	SessionLayer
	// ResourceLayer is the resource-based policy.
	ResourceLayer
)

// Decision is the answer to a Request.
type Decision struct {
	Outcome Outcome
	// Layer is where it was decided: the layer of the deciding statement, or for
	// an implicit deny the layer that failed to allow.
	Layer Layer
	// Policy is the name of the policy with the deciding statement, empty if
	// no statement decided.
	Policy string
	// Sid is the deciding statement's Sid, which may be empty.
	Sid string
	// Statement is the index of the deciding statement in its policy, -1 if no
	// statement decided.
	Statement int

	policies *Policies
	request  *Request
}

// Allowed reports whether the request may go on.
func (d Decision) Allowed() bool { return d.Outcome == Allow }

// Evaluate decides r, by the IAM User Guide's "Policy evaluation logic":
//
//   - A Deny that matches, in whatever policy, wins.
//   - Within one account an Allow from the identity or the resource side is
//     enough. Boundary and session policies must allow it too, unless the
//     resource policy names the caller itself or everybody.
//   - A resource policy that names the account only hands the permission on: the
//     identity side must still allow.
//   - Across accounts both sides must allow.
//   - A trust policy must always allow; for a web identity it alone decides, as
//     the resource policy does for anonymous callers.
func (p *Policies) Evaluate(r *Request) Decision {
	e := evaluation{policies: p, request: r}
	e.judgeLayers()
	if e.denied.policy != nil {
		return e.decide(ExplicitDeny, e.denied)
	}
	who := r.Principal
	granted := e.resource.grant
	switch {
	case who.Type == Anonymous || who.Type == WebIdentity:
		if granted == noGrant {
			return e.implicitDeny(ResourceLayer)
		}
		return e.decide(Allow, e.resource)
	case r.ResourceAccount != "" && r.ResourceAccount != who.Account:
		return e.acrossAccounts()
	case granted == noGrant && p.Resource != nil && p.Resource.is(Trust):
		return e.implicitDeny(ResourceLayer)
	case granted == directGrant:
		return e.decide(Allow, e.resource)
	case granted == roleGrant:
		return e.withinLimits(e.resource)
	default:
		return e.byIdentity()
	}
}

// is reports whether the policy is of the given kind.
func (p *Policy) is(kind Kind) bool { return p.Document != nil && p.Document.kind == kind }

// namesPrincipals reports whether the policy is one of a resource.
func (p *Policy) namesPrincipals() bool { return p.Document != nil && !p.Document.kind.bearer() }

// hit is a statement that matches a request.
type hit struct {
	layer  Layer
	policy *Policy // nil if no statement matches
	index  int
	grant  grant
}

// evaluation is what the policies say about one request. The hits are those of
// Allow statements, save denied.
type evaluation struct {
	policies *Policies
	request  *Request

	denied                                hit
	identity, boundary, session, resource hit
}

// judgeLayers finds the matching statements of all layers, up to the first Deny.
func (e *evaluation) judgeLayers() {
	if e.request.Principal.Type != Anonymous && e.request.Principal.Type != WebIdentity {
		e.judgeAll(e.policies.Identity, IdentityLayer, &e.identity)
		if e.policies.Boundary != nil {
			e.judge(e.policies.Boundary, BoundaryLayer, &e.boundary)
		}
		e.judgeAll(e.policies.Session, SessionLayer, &e.session)
	}
	// An identity policy names no principal: as a resource policy it would
	// grant to everybody.
	if e.policies.Resource != nil && e.policies.Resource.namesPrincipals() {
		e.judge(e.policies.Resource, ResourceLayer, &e.resource)
	}
}

func (e *evaluation) judgeAll(policies []Policy, layer Layer, allowed *hit) {
	for i := range policies {
		e.judge(&policies[i], layer, allowed)
	}
}

// judge finds the first Deny of a policy that matches, and the Allow that names
// the caller most directly.
func (e *evaluation) judge(p *Policy, layer Layer, allowed *hit) {
	if p.Document == nil || e.denied.policy != nil {
		return
	}
	for i := range p.Document.Statements {
		s := &p.Document.Statements[i]
		// The principal comes first: to tell it apart costs least.
		granted := e.grantBy(s)
		if granted == noGrant || (s.Effect == EffectAllow && granted <= allowed.grant) {
			continue
		}
		if !s.appliesTo(e.request) || !s.conditionsHold(e.request.Context) {
			continue
		}
		if s.Effect != EffectAllow {
			e.denied = hit{layer, p, i, granted}
			return
		}
		*allowed = hit{layer, p, i, granted}
	}
}

// grantBy returns how directly a statement names the caller. A Deny that exempts
// principals by NotPrincipal exempts none that has a permissions boundary: so the
// IAM User Guide, "NotPrincipal".
func (e *evaluation) grantBy(s *Statement) grant {
	if s.NotPrincipal != nil && s.Effect == EffectDeny && e.policies.Boundary != nil {
		return directGrant
	}
	return s.grantTo(e.request.Principal)
}

// byIdentity decides by the caller's own policies.
func (e *evaluation) byIdentity() Decision {
	if e.identity.policy == nil && e.request.Principal.Type != Root {
		return e.implicitDeny(IdentityLayer)
	}
	return e.withinLimits(e.identity)
}

// withinLimits allows, by the statement given, what the boundary and the session
// policies allow.
func (e *evaluation) withinLimits(by hit) Decision {
	switch {
	case e.policies.Boundary != nil && e.boundary.policy == nil:
		return e.implicitDeny(BoundaryLayer)
	case len(e.policies.Session) > 0 && e.session.policy == nil:
		return e.implicitDeny(SessionLayer)
	default:
		return e.decide(Allow, by)
	}
}

// acrossAccounts decides about a resource of another account than the caller's.
func (e *evaluation) acrossAccounts() Decision {
	if e.resource.policy == nil {
		return e.implicitDeny(ResourceLayer)
	}
	return e.byIdentity()
}

// decide returns a decision by a statement, or by none if h is empty.
func (e *evaluation) decide(outcome Outcome, h hit) Decision {
	d := Decision{Outcome: outcome, Layer: h.layer, Statement: -1, policies: e.policies, request: e.request}
	if h.policy != nil {
		d.Policy = h.policy.Name
		d.Statement = h.index
		d.Sid = h.policy.Document.Statements[h.index].Sid
	}
	return d
}

func (e *evaluation) implicitDeny(layer Layer) Decision {
	return e.decide(ImplicitDeny, hit{layer: layer})
}
