package policy

// MaxDocumentSize is the size in bytes of the largest document that Parse reads.
// AWS allows less everywhere (20 KiB for a bucket, 10 KiB for a role's inline
// policies); the caller checks the quota of the place.
const MaxDocumentSize = 128 << 10

// Kind is the place a policy is attached to, which decides its grammar.
type Kind int

// The kinds of policy.
const (
	// Identity is the policy of a user or role, or a permissions boundary: it has
	// resources and no principal.
	Identity Kind = iota
	// Trust is the trust policy of a role: it has principals and no resource.
	Trust
	// Bucket is the policy of an S3 bucket: it has principals and resources.
	Bucket
	// Session is a policy passed when a session is bought. Its elements are those
	// of an identity policy, but STS was seen to take condition values that IAM
	// does not store: such a value decides when it is compared.
	Session
)

// bearer reports whether policies of the kind speak about whoever bears them,
// and so name resources and no principal.
func (k Kind) bearer() bool { return k == Identity || k == Session }

// Effect is what a matching statement does.
type Effect string

// The two effects. Their case matters.
const (
	EffectAllow Effect = "Allow"
	EffectDeny  Effect = "Deny"
)

// Document is a policy document that Parse has read. Its fields are for
// reading: what Evaluate uses is compiled by Parse, so that a Document made or
// changed by hand does not decide anything it says.
type Document struct {
	Version    string
	ID         string
	Statements []Statement
	kind       Kind
}

// Statement is one statement of a policy. Single strings in the document are
// lists of one here.
type Statement struct {
	Sid          string
	Effect       Effect
	Principal    *Principals
	NotPrincipal *Principals
	Actions      []string
	NotActions   []string
	Resources    []string
	NotResources []string
	Conditions   []Condition

	actions      []*pattern
	notActions   []*pattern
	resources    []*pattern
	notResources []*pattern
}

// Kind returns the kind that the document was parsed as.
func (d *Document) Kind() Kind { return d.kind }

// appliesTo reports whether the statement speaks about the request's action and
// resource. The statements of a trust policy all speak about the role itself.
func (s *Statement) appliesTo(r *Request) bool {
	return selects(s.actions, s.notActions, r.Context, r.Action) &&
		(s.resources == nil && s.notResources == nil || selects(s.resources, s.notResources, r.Context, r.Resource))
}

// selects reports whether value matches one of the patterns in or, where there
// are none, no pattern of out. Without either it selects nothing.
func selects(in, out []*pattern, c Context, value string) bool {
	if len(in) > 0 {
		return matchesAny(in, c, value)
	}
	return len(out) > 0 && !matchesAny(out, c, value)
}

func matchesAny(patterns []*pattern, c Context, value string) bool {
	for _, p := range patterns {
		if p.match(c, value) {
			return true
		}
	}
	return false
}

// conditionsHold reports whether all conditions hold.
func (s *Statement) conditionsHold(c Context) bool {
	for i := range s.Conditions {
		if !s.Conditions[i].holds(c) {
			return false
		}
	}
	return true
}
