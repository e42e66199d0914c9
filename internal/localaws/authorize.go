package localaws

import (
	"context"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/litentry/wallet-federation/internal/policy"
)

// administrator is the name of the one IAM user, who holds the administrator
// credentials.
const administrator = "localaws"

// caller is who makes a call, once the signature has been checked.
type caller struct {
	principal *policy.Principal
	// tags become aws:PrincipalTag: the role's, overridden by the session's.
	tags map[string]string
	// admin tells that this is the administrator of the account.
	admin bool
	// session is set for temporary credentials.
	session *session
}

// anonymous is the caller of an unsigned request.
func anonymous() *caller {
	return &caller{principal: &policy.Principal{Type: policy.Anonymous}}
}

// arn is the caller's ARN as error messages and the call log name it; empty for
// an anonymous caller.
func (c *caller) arn() string {
	return c.principal.ARN
}

// credential looks an access key up. The session token is empty for the
// administrator. Whether temporary credentials have expired is for the caller
// to check, with expired, once the signature has been verified.
func (s *Server) credential(accessKeyID string) (secret, sessionToken string, c *caller, ok bool) {
	if accessKeyID == s.options.AccessKeyID {
		return s.options.SecretAccessKey, "", s.administrator(), true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.state.sessions[accessKeyID]
	if found == nil {
		return "", "", nil, false
	}
	return found.secret, found.token, s.sessionCaller(found), true
}

// expired tells whether the caller's temporary credentials are past their time.
func (s *Server) expired(c *caller) bool {
	return c.session != nil && !s.options.Now().Before(c.session.expires)
}

func (s *Server) administrator() *caller {
	return &caller{
		admin: true,
		principal: &policy.Principal{
			Type:     policy.User,
			ARN:      s.arn("iam", "user/"+administrator),
			UniqueID: s.administratorID,
			Account:  s.options.Account,
		},
	}
}

// sessionCaller needs s.mu. The role's tags are those of now, and of this very
// role: one that was deleted and created again is another.
func (s *Server) sessionCaller(found *session) *caller {
	tags := found.tags
	if r := s.state.roles[found.roleName]; r != nil && r.id == found.roleID {
		tags = r.tags.with(found.tags)
	}
	return &caller{
		session: found,
		tags:    tags.toMap(),
		principal: &policy.Principal{
			Type:        policy.AssumedRole,
			ARN:         s.arn("sts", "assumed-role/"+found.roleName+"/"+found.name),
			RoleARN:     found.roleARN,
			UniqueID:    found.roleID,
			Account:     s.options.Account,
			ProviderARN: found.provider,
			SessionName: found.name,
		},
	}
}

// policiesOf collects the identity, boundary and session policies that bound
// the caller now.
func (s *Server) policiesOf(c *caller) policy.Policies {
	if c.admin {
		return policy.Policies{Identity: []policy.Policy{s.administratorAccess}}
	}
	if c.session == nil {
		return policy.Policies{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	policies := policy.Policies{Session: c.session.limits()}
	r := s.state.roles[c.session.roleName]
	if r == nil || r.id != c.session.roleID {
		return policies
	}
	policies.Identity = s.identityPolicies(r)
	if r.boundary != "" {
		policies.Boundary = s.managed(r.boundary)
	}
	return policies
}

// identityPolicies needs s.mu.
func (s *Server) identityPolicies(r *role) []policy.Policy {
	identity := make([]policy.Policy, 0, len(r.inline)+len(r.attached))
	for _, name := range slices.Sorted(maps.Keys(r.inline)) {
		identity = append(identity, policy.Policy{
			Name:     "inline policy " + strconv.Quote(name),
			Document: r.inline[name].document,
		})
	}
	for _, arn := range r.attached {
		identity = append(identity, *s.managed(arn))
	}
	return identity
}

// managed needs s.mu. A managed policy that is in use cannot be deleted, so
// what a role refers to exists.
func (s *Server) managed(arn string) *policy.Policy {
	p := s.state.policies[arn]
	return &policy.Policy{Name: "managed policy " + strconv.Quote(p.name), Document: p.document}
}

// authorize decides whether the caller may do the action on the resource (an
// ARN). ctx comes from requestContext, with the keys of the service added;
// bucketPolicy may be nil.
func (s *Server) authorize(c *caller, action, resource string, ctx policy.Context, bucketPolicy *policy.Policy) policy.Decision {
	policies := s.policiesOf(c)
	policies.Resource = bucketPolicy
	return policies.Evaluate(&policy.Request{
		Principal:       c.principal,
		Action:          action,
		Resource:        resource,
		ResourceAccount: s.options.Account,
		Context:         ctx,
	})
}

// explain logs why a call was refused. AWS does not tell the caller; somebody
// who tries a policy here should be able to find out.
func (s *Server) explain(action string, decision policy.Decision) {
	logger := s.options.Logger
	if logger.Enabled(context.Background(), slog.LevelDebug) {
		logger.Debug("refused", "action", action, "reason", decision.Explain())
	}
}

// requestContext makes the condition keys that every request carries, the
// caller's own included.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
func (s *Server) requestContext(r *http.Request, c *caller) policy.Context {
	ctx := s.networkContext(r)
	c.principal.AddTo(ctx, c.tags)
	if c.session == nil {
		return ctx
	}
	ctx.Set("aws:TokenIssueTime", c.session.issued.UTC().Format(time.RFC3339))
	if c.session.sourceIdentity != "" {
		ctx.Set("aws:SourceIdentity", c.session.sourceIdentity)
	}
	return ctx
}

// networkContext makes the condition keys that say nothing of the caller.
func (s *Server) networkContext(r *http.Request) policy.Context {
	now := s.options.Now().UTC()
	ctx := policy.Context{}
	ctx.Set("aws:CurrentTime", now.Format(time.RFC3339))
	ctx.Set("aws:EpochTime", strconv.FormatInt(now.Unix(), 10))
	ctx.Set("aws:RequestedRegion", s.options.Region)
	ctx.Set("aws:SecureTransport", strconv.FormatBool(r.TLS != nil))
	ctx.Set("aws:ViaAWSService", "false")
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		ctx.Set("aws:SourceIp", host)
	}
	if agent := r.UserAgent(); agent != "" {
		ctx.Set("aws:UserAgent", agent)
	}
	if referer := r.Referer(); referer != "" {
		ctx.Set("aws:Referer", referer)
	}
	return ctx
}
