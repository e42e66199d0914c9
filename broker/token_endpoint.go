package broker

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/litentry/wallet-federation/internal/discovery"
)

const (
	// maxFormBytes is room for the longest token of a trusted issuer and the other
	// parameters.
	maxFormBytes = 20 << 10

	mediaTypeForm = "application/x-www-form-urlencoded"
	// scopeOpenID is the one scope that the metadata lists. What is issued is what
	// it asks for, so that the answer need not name another (RFC 6749, 3.3).
	scopeOpenID = "openid"
)

// Token types (RFC 8693, section 3).
const (
	tokenTypeJWT    = "urn:ietf:params:oauth:token-type:jwt"
	tokenTypeAccess = "urn:ietf:params:oauth:token-type:access_token"
	tokenTypeID     = "urn:ietf:params:oauth:token-type:id_token"
)

// Every way to be refused at the token endpoint alone, with the codes of RFC
// 6749, section 5.2, and RFC 8693, section 2.2.2. See [oauthFailure] for the
// others.
var (
	oauthMethod        = &failure{Status: http.StatusMethodNotAllowed, Code: "invalid_request", Message: "use POST"}
	oauthMediaType     = &failure{Status: http.StatusUnsupportedMediaType, Code: "invalid_request", Message: "send the parameters as Content-Type: " + mediaTypeForm + ", in UTF-8, without Content-Encoding"}
	oauthClient        = &failure{Status: http.StatusUnauthorized, Code: "invalid_client", Message: "clients do not authenticate here: send no Authorization header, client_secret or client_assertion"}
	oauthForm          = &failure{Status: http.StatusBadRequest, Code: "invalid_request", Message: "the body is not a form in UTF-8 with each parameter once"}
	oauthNoGrant       = &failure{Status: http.StatusBadRequest, Code: "invalid_request", Message: "grant_type is missing"}
	oauthGrant         = &failure{Status: http.StatusBadRequest, Code: "unsupported_grant_type", Message: "grant_type is not " + discovery.GrantTypeTokenExchange}
	oauthNoSubject     = &failure{Status: http.StatusBadRequest, Code: "invalid_request", Message: "subject_token or subject_token_type is missing"}
	oauthSubjectType   = &failure{Status: http.StatusBadRequest, Code: "invalid_request", Message: "subject_token_type is not the one of an access token, JWT or ID token"}
	oauthActor         = &failure{Status: http.StatusBadRequest, Code: "invalid_request", Message: "nobody acts for another here: leave actor_token and actor_token_type out"}
	oauthRequestedType = &failure{Status: http.StatusBadRequest, Code: "invalid_request", Message: "requested_token_type is not " + tokenTypeJWT}
	oauthScope         = &failure{Status: http.StatusBadRequest, Code: "invalid_scope", Message: "there is no scope but " + scopeOpenID}
	oauthAudience      = &failure{Status: http.StatusBadRequest, Code: "invalid_target", Message: "audience is not the one that this issuer mints for"}
	oauthManyTargets   = &failure{Status: http.StatusBadRequest, Code: "invalid_target", Message: "a token is for one resource and one audience"}
	oauthTooLarge      = &failure{Status: http.StatusRequestEntityTooLarge, Code: "invalid_request", Message: failTooLarge.Message}
	oauthTwoRoles      = &failure{Status: http.StatusBadRequest, Code: "invalid_request", Message: "resource and role_arn name different roles"}
	oauthRole          = &failure{Status: http.StatusBadRequest, Code: "invalid_target", Message: "the role is not one that this issuer mints for"}
	oauthInternal      = &failure{Status: http.StatusInternalServerError, Code: "server_error", Message: failInternal.Message}

	// What is wrong with a subject token, or with its wallet, is an invalid request
	// too, not an invalid grant (RFC 8693, section 2.2.2).
	oauthSubject     = &failure{Status: http.StatusBadRequest, Code: "invalid_request", Message: "subject_token is neither a valid session nor a valid token of a trusted issuer"}
	oauthNotAdmitted = &failure{Status: http.StatusBadRequest, Code: "invalid_request", Message: failNotAdmitted.Message}
)

// exchange is mint as OAuth 2.0 has it: token exchange (RFC 8693) by public
// clients, of which nothing is asked or believed.
func (s *Server) exchange(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		writeOAuthFailure(w, oauthMethod)
		return
	}
	audit := newRecord("token_exchange", s.client(r))
	defer s.report(r.Context(), audit)

	answer, refused := s.exchangeFor(w, r, audit)
	if refused == oauthClient {
		w.Header().Set("WWW-Authenticate", challengeFor(r.Header))
	}
	if refused != nil {
		audit.refuse(refused)
		writeOAuthFailure(w, refused)
		return
	}
	audit.reason = reasonOK
	w.Header().Set("Pragma", "no-cache")
	writeBody(w, http.StatusOK, answer.oauthJSON())
}

func (s *Server) exchangeFor(w http.ResponseWriter, r *http.Request, audit *record) (*minted, *failure) {
	state := s.current.Load()
	parameters, refused := readForm(w, r)
	if refused != nil {
		return nil, refused
	}
	refused = cmp.Or(parameters.checkGrant(), parameters.checkWish(state.config.Token.Audience))
	if refused != nil {
		return nil, refused
	}
	address, refused := s.authenticate(r.Context(), state, parameters["subject_token"], audit)
	if refused != nil {
		return nil, refused
	}
	return s.issue(state, address, parameters.role(), audit)
}

// form is the parameters of a request. Those without a value are not among them:
// they count as left out (RFC 6749, section 3.2).
type form map[string]string

// readForm reads the body of a request. Nothing is taken from its URL, which
// proxies log.
func readForm(w http.ResponseWriter, r *http.Request) (form, *failure) {
	if len(r.Header.Values("Authorization")) > 0 {
		return nil, oauthClient
	}
	if !hasMediaType(r.Header, mediaTypeForm) {
		return nil, oauthMediaType
	}
	body, refused := readBody(w, r, maxFormBytes)
	if refused == failTooLarge {
		return nil, oauthTooLarge
	}
	values, err := url.ParseQuery(string(body))
	if refused != nil || err != nil {
		return nil, oauthForm
	}
	// These may be repeated (RFC 8693, section 2.1), but for all of them there
	// would be one token.
	if len(values["resource"]) > 1 || len(values["audience"]) > 1 {
		return nil, oauthManyTargets
	}
	parameters := make(form, len(values))
	for name, given := range values {
		if len(given) > 1 || !utf8.ValidString(name) || !utf8.ValidString(given[0]) {
			return nil, oauthForm
		}
		if given[0] != "" {
			parameters[name] = given[0]
		}
	}
	return parameters, nil
}

func (f form) has(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return f[name] != "" })
}

// checkGrant checks what the client offers. A secret is refused rather than
// ignored, so that nobody believes it is checked; a client_id says nothing.
func (f form) checkGrant() *failure {
	types := []string{tokenTypeAccess, tokenTypeJWT, tokenTypeID}
	switch {
	case f.has("client_secret", "client_assertion", "client_assertion_type"):
		return oauthClient
	case !f.has("grant_type"):
		return oauthNoGrant
	case f["grant_type"] != discovery.GrantTypeTokenExchange:
		return oauthGrant
	case !f.has("subject_token"), !f.has("subject_token_type"):
		return oauthNoSubject
	case !slices.Contains(types, f["subject_token_type"]):
		return oauthSubjectType
	case f.has("actor_token", "actor_token_type"):
		return oauthActor
	default:
		return nil
	}
}

// checkWish checks what the client asks for but the role.
func (f form) checkWish(audience string) *failure {
	is := func(name, want string) bool { return !f.has(name) || f[name] == want }
	switch {
	case !is("requested_token_type", tokenTypeJWT):
		return oauthRequestedType
	case !is("scope", scopeOpenID):
		return oauthScope
	case !is("audience", audience):
		return oauthAudience
	case f.has("role_arn") && !is("resource", f["role_arn"]):
		return oauthTwoRoles
	default:
		return nil
	}
}

// role is the one to pin the token to, nil for all. An ARN is a URI, as resource
// has to be; role_arn is what POST /v1/mint-oidc-jwt calls it.
func (f form) role() *string {
	role := cmp.Or(f["resource"], f["role_arn"])
	if role == "" {
		return nil
	}
	return &role
}

// oauthJSON is json for the token endpoint (RFC 8693, section 2.2.1). The token
// is not one to use here, and so is no bearer: its token_type is N_A.
func (m *minted) oauthJSON() []byte {
	b := make([]byte, 0, len(m.jwt)+256)
	b = append(append(b, `{"access_token":"`...), m.jwt...)
	b = append(b, `","issued_token_type":"`+tokenTypeJWT+`","token_type":"N_A","expires_in":`...)
	b = strconv.AppendInt(b, m.expires.Unix()-m.issued.Unix(), 10)
	return append(b, '}')
}

// challengeFor answers an attempt to authenticate in its own scheme (RFC 6749,
// section 5.2).
func challengeFor(header http.Header) string {
	scheme, _, _ := strings.Cut(header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Basic") {
		return `Basic realm="token endpoint"`
	}
	return "Bearer"
}

// oauthFailure puts the failures of the code that both doors share into the words
// of OAuth.
func oauthFailure(f *failure) *failure {
	switch {
	case f == failUnauthorized:
		return oauthSubject
	case f == failNotAdmitted:
		return oauthNotAdmitted
	case f == failRole:
		return oauthRole
	case f == failInternal:
		return oauthInternal
	case f.retryAfter > 0:
		return &failure{Status: f.Status, Code: "temporarily_unavailable", Message: f.Message, retryAfter: f.retryAfter}
	default:
		return f
	}
}

// oauthAnswer is an error answer (RFC 6749, section 5.2).
type oauthAnswer struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
}

func writeOAuthFailure(w http.ResponseWriter, f *failure) {
	o := oauthFailure(f)
	header := w.Header()
	header.Set("Pragma", "no-cache")
	if o.retryAfter > 0 {
		header.Set("Retry-After", strconv.Itoa(o.retryAfter))
	}
	writeJSON(w, o.Status, oauthAnswer{Error: o.Code, Description: o.Message})
}
