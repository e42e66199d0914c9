package localaws

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/litentry/wallet-federation/internal/discovery"
	"github.com/litentry/wallet-federation/internal/policy"
)

// tokenRule bounds a web identity token.
var tokenRule = rule{4, 20000, nil}

// assumeRoleWithWebIdentity exchanges an OpenID Connect token for a session.
// The order of the checks is only partly known from AWS; ours verifies the
// signature as soon as it knows whose it must be, and judges the trust policy
// last, on facts that have all been verified.
func (s *Server) assumeRoleWithWebIdentity(q *query) (any, *apiError) {
	a, failure := s.readAssumption(q)
	if failure != nil {
		return nil, failure
	}
	token, failure := q.matching("WebIdentityToken", tokenRule)
	if failure != nil {
		return nil, failure
	}
	if q.has("ProviderId") {
		return nil, refuseProviderID(q.text("ProviderId"))
	}
	identity, failure := s.verifyWebIdentity(q, token)
	if failure != nil {
		return nil, failure
	}
	if failure := identity.addTo(a); failure != nil {
		return nil, failure
	}
	byIDP, failure := identity.claims.authorizesRole(a.roleARN)
	if failure != nil {
		return nil, failure
	}
	r := s.findRole(a.roleARN)
	if failure := s.authorizeWebIdentity(q, a, r, identity, byIDP); failure != nil {
		return nil, failure
	}
	if failure := a.checkDuration(r); failure != nil {
		return nil, failure
	}
	if failure := a.checkPacked(); failure != nil {
		return nil, failure
	}
	issued, failure := s.issue(r, a)
	if failure != nil {
		return nil, failure
	}
	return s.webIdentityResult(issued, a, identity), nil
}

type webIdentityResult struct {
	SubjectFromWebIdentityToken string
	Audience                    string
	AssumedRoleUser             assumedRoleUserXML
	Credentials                 credentialsXML
	Provider                    string
	PackedPolicySize            int
	SourceIdentity              string `xml:",omitempty"`
}

func (s *Server) webIdentityResult(issued *session, a *assumption, identity *webIdentity) webIdentityResult {
	return webIdentityResult{
		SubjectFromWebIdentityToken: identity.subject,
		Audience:                    identity.audience,
		AssumedRoleUser:             s.assumedRoleUserXML(issued),
		Credentials:                 issued.credentialsXML(),
		Provider:                    identity.provider.arn,
		PackedPolicySize:            a.packedPercent(),
		SourceIdentity:              a.sourceIdentity,
	}
}

// refuseProviderID answers the parameter that is for OAuth 2.0 access tokens of
// two providers, neither of which is here.
func refuseProviderID(id string) *apiError {
	switch id {
	case "www.amazon.com":
		return invalidIdentityToken("Provided Token is not a Login With Amazon token")
	case "graph.facebook.com":
		return newError(http.StatusForbidden, "IDPRejectedClaim",
			`graph.facebook.com rejected OAuth token with response "Bad signature" and code 190`)
	default:
		return accessDenied("Unrecognized OAuth provider. Do not include a provider parameter when submitting OpenIDConnect ID tokens")
	}
}

// webIdentity is what a verified token says.
type webIdentity struct {
	provider *provider
	subject  string
	audience string // the authorized party, if the token names one
	claims   claims
}

// verifyWebIdentity verifies a token: its form, its issuer, its signature by a
// key that the issuer publishes now, its audience and its times.
func (s *Server) verifyWebIdentity(q *query, token string) (*webIdentity, *apiError) {
	parsed, failure := parseToken(token)
	if failure != nil {
		return nil, failure
	}
	if failure := parsed.claims.required(); failure != nil {
		return nil, failure
	}
	issuer, _ := parsed.claims["iss"].(string)
	p := s.providerOf(issuer)
	if p == nil {
		return nil, invalidIdentityToken("No OpenIDConnect provider found in your account for %s", issuer)
	}
	_, keys, err := discovery.Fetch(q.request.Context(), s.options.HTTPClient, issuer)
	switch {
	case errors.Is(err, discovery.ErrUnavailable):
		return nil, newError(http.StatusBadRequest, "IDPCommunicationError", "The identity provider could not be reached.")
	case err != nil:
		return nil, noVerificationKey()
	}
	if failure := parsed.verify(keys); failure != nil {
		return nil, failure
	}
	identity := &webIdentity{provider: p, claims: parsed.claims}
	if identity.subject, failure = parsed.claims.subject(); failure != nil {
		return nil, failure
	}
	if identity.audience, failure = parsed.claims.audience(p); failure != nil {
		return nil, failure
	}
	return identity, parsed.claims.checkTimes(s.options.Now())
}

// providerOf finds the provider whose tokens carry an issuer.
func (s *Server) providerOf(issuer string) *provider {
	scheme, rest, ok := splitIssuer(issuer)
	if !ok {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.seen().providers[s.arn("iam", "oidc-provider/"+rest)]
	if p == nil || p.scheme != scheme {
		return nil
	}
	return p
}

// addTo puts the token's tags and source identity into the request.
func (w *webIdentity) addTo(a *assumption) (failure *apiError) {
	if a.tags, a.transitive, failure = w.claims.sessionTags(); failure != nil {
		return failure
	}
	if a.sourceIdentity, failure = w.claims.sourceIdentity(); failure != nil {
		return failure
	}
	a.provider, a.subject = w.provider.arn, w.subject
	return a.checkTags()
}

// authorizeWebIdentity judges the request by the role's trust policy.
func (s *Server) authorizeWebIdentity(q *query, a *assumption, r *role, identity *webIdentity, byIDP bool) *apiError {
	if r == nil {
		return webIdentityDenied("sts:AssumeRoleWithWebIdentity")
	}
	principal := &policy.Principal{
		Type:        policy.WebIdentity,
		Account:     s.options.Account,
		ProviderARN: identity.provider.arn,
	}
	ctx := s.networkContext(q.request)
	principal.AddTo(ctx, nil)
	a.trustContext(ctx, a.tags)
	identity.addKeys(ctx)
	ctx.Set("sts:RoleAuthorizedByIdp", strconv.FormatBool(byIDP))
	policies := policy.Policies{Resource: &policy.Policy{Name: "trust policy of role " + r.name, Document: r.trust.document}}
	for _, action := range a.actions("sts:AssumeRoleWithWebIdentity") {
		decision := policies.Evaluate(&policy.Request{
			Principal:       principal,
			Action:          action,
			Resource:        r.arn,
			ResourceAccount: s.options.Account,
			Context:         ctx,
		})
		if !decision.Allowed() {
			s.explain(action, decision)
			return webIdentityDenied(action)
		}
	}
	return nil
}

// addKeys adds the condition keys of the token's own claims, under the name of
// the provider: its URL without the scheme.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif
func (w *webIdentity) addKeys(ctx policy.Context) {
	prefix := w.provider.url + ":"
	ctx.Set("aws:FederatedProvider", w.provider.arn)
	ctx.Set(prefix+"aud", w.audience)
	ctx.Set(prefix+"sub", w.subject)
	if azp, ok := w.claims["azp"].(string); ok {
		ctx.Set(prefix+"azp", azp)
		if original, ok := w.claims["aud"].(string); ok {
			ctx.Set(prefix+"oaud", original)
		}
	}
	if amr := w.claims.texts("amr"); len(amr) > 0 {
		ctx.SetList(prefix+"amr", amr...)
	}
}

func webIdentityDenied(action string) *apiError {
	return accessDenied("Not authorized to perform %s", action)
}
