package localaws

import (
	"crypto/tls"
	"errors"
	"maps"
	"math"
	"net/http"
	"strconv"
	"unicode/utf8"

	"github.com/litentry/wallet-federation/internal/discovery"
	"github.com/litentry/wallet-federation/internal/policy"
)

const (
	assumeWithWebIdentity = "sts:AssumeRoleWithWebIdentity"

	minTokenLength = 4 // characters
	maxTokenLength = 20000
)

var providerIDRule = rule{4, 2048, nil}

// assumeRoleWithWebIdentity exchanges an OpenID Connect token for a session.
// The order of the checks is only partly known from AWS; ours verifies the
// signature as soon as it knows whose it must be, and judges the trust policy
// last, on facts that have all been verified.
func (s *Server) assumeRoleWithWebIdentity(q *query) (any, *apiError) {
	a, failure := s.readAssumption(q)
	if failure != nil {
		return nil, failure
	}
	token, failure := readToken(q)
	if failure != nil {
		return nil, failure
	}
	if q.has("ProviderId") {
		return nil, refuseProviderID(q)
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

// readToken reads the token. It is a secret, so that a refusal does not repeat it.
func readToken(q *query) (string, *apiError) {
	token, failure := q.matching("WebIdentityToken", rule{0, math.MaxInt, nil})
	if failure != nil {
		return "", failure
	}
	const refusal = "1 validation error detected: Value at 'webIdentityToken' failed to satisfy constraint: Member must have length "
	switch length := utf8.RuneCountInString(token); {
	case length < minTokenLength:
		return "", validationError(refusal+"greater than or equal to %d", minTokenLength)
	case length > maxTokenLength:
		return "", validationError(refusal+"less than or equal to %d", maxTokenLength)
	default:
		return token, nil
	}
}

// refuseProviderID answers the parameter that is for OAuth 2.0 access tokens of
// two providers, neither of which is here.
func refuseProviderID(q *query) *apiError {
	id, failure := q.matching("ProviderId", providerIDRule)
	if failure != nil {
		return failure
	}
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
	keys, err := s.issuerKeys.keysOf(q.request.Context(), issuer)
	if err != nil {
		return nil, s.keysFailure(issuer, err)
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

// keysFailure words why an issuer's keys could not be read. AWS documents
// IDPCommunicationError for what may pass, and names the other two for an issuer
// that cannot be used as it is. The caller is not told more; the log is.
func (s *Server) keysFailure(issuer string, err error) *apiError {
	s.options.Logger.Debug("the keys of an issuer could not be read", "issuer", issuer, "error", err)
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &certificate):
		return invalidIdentityToken("OpenIDConnect provider's HTTPS certificate doesn't match configured thumbprint")
	case errors.Is(err, discovery.ErrUnavailable):
		return newError(http.StatusBadRequest, "IDPCommunicationError", "The identity provider could not be reached.")
	default:
		return noVerificationKey()
	}
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
		return webIdentityDenied(assumeWithWebIdentity)
	}
	principal := &policy.Principal{
		Type:        policy.WebIdentity,
		Account:     s.options.Account,
		ProviderARN: identity.provider.arn,
	}
	ctx := s.networkContext(q.request)
	principal.AddTo(ctx, nil)
	a.trustContext(ctx, a.tags, r)
	identity.addKeys(ctx)
	policies := policy.Policies{Resource: &policy.Policy{Name: "trust policy of role " + r.name, Document: r.trust.document}}
	for _, action := range a.actions(assumeWithWebIdentity) {
		decision := policies.Evaluate(&policy.Request{
			Principal:       principal,
			Action:          action,
			Resource:        r.arn,
			ResourceAccount: s.options.Account,
			Context:         withRolePin(ctx, action, byIDP),
		})
		if !decision.Allowed() {
			s.explain(action, decision)
			return webIdentityDenied(action)
		}
	}
	return nil
}

// withRolePin adds the key that tells whether the token is pinned to the role.
// AWS lists it for this one action: conditions on sts:TagSession and
// sts:SetSourceIdentity find it absent.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_sts.html
func withRolePin(ctx policy.Context, action string, byIDP bool) policy.Context {
	if action != assumeWithWebIdentity {
		return ctx
	}
	pinned := maps.Clone(ctx)
	pinned.Set("sts:RoleAuthorizedByIdp", strconv.FormatBool(byIDP))
	return pinned
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
		if original := w.claims.texts("aud"); len(original) == 1 {
			ctx.Set(prefix+"oaud", original[0])
		}
	}
	if amr := w.claims.texts("amr"); len(amr) > 0 {
		ctx.SetList(prefix+"amr", amr...)
	}
}

func webIdentityDenied(action string) *apiError {
	return accessDenied("Not authorized to perform %s", action)
}
