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

// administrator is the name of the user who holds the administrator credentials.
const administrator = "localaws"

// caller is who makes a call, once the signature has been checked.
type caller struct {
	principal *policy.Principal
	// tags become aws:PrincipalTag: the user's, or the role's overridden by the
	// session's.
	tags map[string]string
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

// credential looks an access key up. The session token is empty for the keys of
// users and of the root user. Whether temporary credentials have expired is for
// the caller to check, with expired, once the signature has been verified.
func (s *Server) credential(accessKeyID string) (secret, sessionToken string, c *caller, ok bool) {
	if accessKeyID == s.options.RootAccessKeyID {
		return s.options.RootSecretAccessKey, "", s.root(), true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if key := s.state.keys[accessKeyID]; key != nil && !key.inactive {
		if u := s.state.users[key.user]; u != nil {
			return key.secret, "", s.userCaller(u), true
		}
	}
	if found := s.state.sessions[accessKeyID]; found != nil {
		if c := s.sessionCaller(found); c != nil {
			return found.secret, found.token, c, true
		}
	}
	return "", "", nil, false
}

// expired tells whether the caller's temporary credentials are past their time.
func (s *Server) expired(c *caller) bool {
	return c.session != nil && !s.options.Now().Before(c.session.expires)
}

// root is the root user of the account: no policy of IAM speaks about it.
func (s *Server) root() *caller {
	return &caller{principal: &policy.Principal{
		Type:     policy.Root,
		ARN:      s.arn("iam", "root"),
		UniqueID: s.options.Account,
		Account:  s.options.Account,
	}}
}

// rescues tells whether no bucket policy counts for the caller and the action: so
// the root user can undo one that locks everybody out.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html
func (c *caller) rescues(action string) bool {
	switch action {
	case "s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy":
		return c.principal.Type == policy.Root
	default:
		return false
	}
}

// userCaller needs s.mu.
func (s *Server) userCaller(u *user) *caller {
	c := &caller{principal: &policy.Principal{
		Type:     policy.User,
		ARN:      u.arn,
		UniqueID: u.id,
		Account:  s.options.Account,
	}}
	if e := s.entityOf(c); e != nil {
		c.tags = e.tags.toMap()
	}
	return c
}

// sessionCaller is nil once the role of the session is gone, be there another of
// its name: such credentials are good for nothing, not even for what a bucket
// policy grants to the role's id or to the session's ARN. It needs s.mu.
func (s *Server) sessionCaller(found *session) *caller {
	c := &caller{
		session: found,
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
	e := s.entityOf(c)
	if e == nil {
		return nil
	}
	c.tags = e.tags.with(found.tags).toMap()
	return c
}

// entityOf is the user, or the role of the session, that the caller is, as it is
// judged now. It is that very one: a role that was deleted and created again is
// another. Nil if there is none. It needs s.mu.
func (s *Server) entityOf(c *caller) *entity {
	var found *entity
	if c.session != nil {
		if r := s.seen().roles[c.session.roleName]; r != nil {
			found = &r.entity
		}
	} else if u := s.seen().users[lastSegment(c.arn())]; u != nil {
		found = &u.entity
	}
	if found == nil || found.id != c.principal.UniqueID {
		return nil
	}
	return found
}

// policiesOf collects the identity, boundary and session policies that bound
// the caller now.
func (s *Server) policiesOf(c *caller) policy.Policies {
	policies := policy.Policies{}
	if c.session != nil {
		policies.Session = c.session.limits()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entityOf(c)
	if e == nil {
		return policies
	}
	seen := s.seen()
	policies.Identity = seen.identityPolicies(e)
	if e.boundary != "" {
		policies.Boundary = seen.managed(e.boundary)
	}
	return policies
}

func (d *directory) identityPolicies(e *entity) []policy.Policy {
	identity := make([]policy.Policy, 0, len(e.inline)+len(e.attached))
	for _, name := range slices.Sorted(maps.Keys(e.inline)) {
		identity = append(identity, policy.Policy{
			Name:     "inline policy " + strconv.Quote(name),
			Document: e.inline[name].document,
		})
	}
	for _, arn := range e.attached {
		identity = append(identity, *d.managed(arn))
	}
	return identity
}

// managed is the version in force of a managed policy that is attached. Such a
// policy cannot be deleted, so it exists, in any view of the directory.
func (d *directory) managed(arn string) *policy.Policy {
	p := d.policies[arn]
	return &policy.Policy{Name: "managed policy " + strconv.Quote(p.name), Document: p.document()}
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
