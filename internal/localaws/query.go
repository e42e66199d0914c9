package localaws

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/litentry/wallet-federation/internal/policy"
)

// maxQueryBody bounds the body of an IAM or STS request. The largest that is
// legitimate carries a policy document and some tags.
const maxQueryBody = 256 << 10

// queryAPI is a service that speaks the Query protocol: a form in, XML out.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/programming.html
type queryAPI struct {
	service   string
	namespace string
	version   string
	exclusive bool // its operations run under Server.mu
	quiet     bool // its messages leave out a value that breaks a constraint
	// check, if set, looks at a call before it is judged.
	check      func(params) *apiError
	operations map[string]operation
}

// operation is one API operation.
type operation struct {
	write bool
	// unsigned operations prove the caller by other means.
	unsigned bool
	// target tells what the call acts on, for authorization; nil for an
	// operation that authorizes itself or needs no permission.
	target func(*Server, *query) target
	// run executes the call. The result is encoded as the <Operation>Result
	// element; a nil result leaves that element out.
	run func(*Server, *query) (any, *apiError)
}

// target is the resource of a call and the condition keys that belong to it.
type target struct {
	arn  string
	keys map[string]string
	tags tagSet // of the resource that exists
}

// query is one call in the Query protocol.
type query struct {
	params
	operation string
	request   *http.Request
	caller    *caller
	// directory is IAM's as the call sees it: writes see what is, reads what
	// was a while ago. It is good under Server.mu.
	directory *directory
}

// serveQuery answers one IAM or STS request.
func (s *Server) serveQuery(w http.ResponseWriter, r *http.Request, api *queryAPI) {
	requestID := newRequestID()
	q, op, failure := s.readQuery(w, r, api)
	call := Call{
		Time: s.options.Now(), Service: api.service, Operation: q.operation, Principal: q.caller.arn(),
		Resource: q.resource(), Write: op.write,
	}
	var result any
	if failure == nil {
		failure = s.perform(r.Context(), call, func() (failure *apiError) {
			if failure = s.spend(api.service); failure != nil {
				return failure
			}
			if failure = s.authorizeQuery(q, api, op); failure == nil {
				result, failure = s.run(q, api, op)
			}
			return failure
		})
	} else {
		s.record(call, failure)
	}
	if failure != nil {
		writeQueryError(w, api, requestID, failure)
		return
	}
	writeQueryResult(w, api, q.operation, requestID, result)
}

// resource is what the call names: the role, or what else it acts on.
func (q *query) resource() string {
	for _, name := range []string{"RoleName", "RoleArn", "PolicyArn", "PolicyName", "OpenIDConnectProviderArn", "Url"} {
		if q.has(name) {
			return q.text(name)
		}
	}
	return ""
}

func (s *Server) run(q *query, api *queryAPI, op operation) (any, *apiError) {
	if api.exclusive {
		s.mu.Lock()
		defer s.mu.Unlock()
		q.directory = s.directoryFor(op)
	}
	return op.run(s, q)
}

// readQuery reads a call and authenticates its caller. The call is returned even
// when it is refused, as far as it is known, for the call log.
func (s *Server) readQuery(w http.ResponseWriter, r *http.Request, api *queryAPI) (*query, operation, *apiError) {
	q := &query{operation: unrecognized, request: r, caller: anonymous()}
	body, failure := readQueryBody(w, r)
	if failure != nil {
		return q, operation{}, failure
	}
	values, failure := queryValues(r, body)
	if failure != nil {
		return q, operation{}, failure
	}
	q.params = params{values: values, quiet: api.quiet}
	name := values.Get("Action")
	op, known := api.operations[name]
	if known {
		q.operation = name
	}
	if !known || !op.unsigned {
		// An unknown action is told only to those who have credentials.
		r.Body = io.NopCloser(bytes.NewReader(body))
		c, failure := s.authenticateQuery(r)
		if failure != nil {
			return q, op, failure
		}
		q.caller = c
	}
	if !known || values.Get("Version") != api.version {
		return q, op, newError(http.StatusBadRequest, "InvalidAction",
			"Could not find operation %s for version %s", name, values.Get("Version"))
	}
	return q, op, nil
}

func readQueryBody(w http.ResponseWriter, r *http.Request) ([]byte, *apiError) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxQueryBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, newError(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge",
			"The request is larger than %d bytes.", maxQueryBody)
	}
	if err != nil {
		return nil, newError(http.StatusBadRequest, "RequestAborted", "The request could not be read.")
	}
	return body, nil
}

// queryValues merges the form with the parameters of the URL. A name given
// twice is refused: it is not told which of them would count.
func queryValues(r *http.Request, body []byte) (url.Values, *apiError) {
	malformed := newError(http.StatusBadRequest, "MalformedQueryString", "The query string or form is malformed.")
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, malformed
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && media == "application/x-www-form-urlencoded" {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, malformed
		}
		for name, given := range form {
			values[name] = append(values[name], given...)
		}
	}
	for _, given := range values {
		if len(given) > 1 {
			return nil, malformed
		}
	}
	return values, nil
}

// authenticateQuery checks the signature and that the credentials still live.
func (s *Server) authenticateQuery(r *http.Request) (*caller, *apiError) {
	c, failure := s.authenticate(r)
	if failure != nil {
		return nil, failure
	}
	if c.principal.Type == policy.Anonymous {
		return nil, newError(http.StatusForbidden, "MissingAuthenticationToken", "Request is missing Authentication Token")
	}
	if s.expired(c) {
		return nil, newError(http.StatusForbidden, "ExpiredToken", "The security token included in the request is expired")
	}
	return c, nil
}

// authorizeQuery lets the evaluator decide on a call that has a target.
func (s *Server) authorizeQuery(q *query, api *queryAPI, op operation) *apiError {
	if api.check != nil {
		if failure := api.check(q.params); failure != nil {
			return failure
		}
	}
	if op.target == nil {
		return nil
	}
	s.mu.Lock()
	q.directory = s.directoryFor(op)
	t := op.target(s, q)
	s.mu.Unlock()
	ctx := s.requestContext(q.request, q.caller)
	for key, value := range t.keys {
		ctx.Set(key, value)
	}
	for _, x := range t.tags {
		ctx.Set("aws:ResourceTag/"+x.Key, x.Value)
		ctx.Set(api.service+":ResourceTag/"+x.Key, x.Value)
	}
	q.setRequestTags(ctx)
	action := api.service + ":" + q.operation
	decision := s.authorize(q.caller, action, t.arn, ctx, nil)
	if decision.Allowed() {
		return nil
	}
	s.explain(action, decision)
	return notAuthorized(q.caller, action, t.arn, decision)
}

// notAuthorized words a refusal as AWS does.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
func notAuthorized(c *caller, action, resource string, decision policy.Decision) *apiError {
	kind := map[policy.Layer]string{
		policy.BoundaryLayer: "permissions boundary",
		policy.SessionLayer:  "session policy",
		policy.ResourceLayer: "resource-based policy",
	}[decision.Layer]
	if kind == "" {
		kind = "identity-based policy"
	}
	reason := fmt.Sprintf("because no %s allows the %s action", kind, action)
	if decision.Outcome == policy.ExplicitDeny {
		reason = "with an explicit deny in " + article(kind) + " " + kind
	}
	return accessDenied("User: %s is not authorized to perform: %s on resource: %s %s", c.arn(), action, resource, reason)
}

func article(noun string) string {
	if strings.HasPrefix(noun, "i") {
		return "an"
	}
	return "a"
}

// writeQueryResult writes the answer of a call that went well.
func writeQueryResult(w http.ResponseWriter, api *queryAPI, operation, requestID string, result any) {
	var b bytes.Buffer
	e := xml.NewEncoder(&b)
	root := xml.StartElement{
		Name: xml.Name{Local: operation + "Response"},
		Attr: []xml.Attr{{Name: xml.Name{Local: "xmlns"}, Value: api.namespace}},
	}
	err := e.EncodeToken(root)
	if result != nil {
		err = errors.Join(err, e.EncodeElement(result, xml.StartElement{Name: xml.Name{Local: operation + "Result"}}))
	}
	metadata := struct{ RequestId string }{requestID} //nolint:revive // the name is the element's
	err = errors.Join(err,
		e.EncodeElement(metadata, xml.StartElement{Name: xml.Name{Local: "ResponseMetadata"}}),
		e.EncodeToken(root.End()),
		e.Flush())
	if err != nil {
		writeQueryError(w, api, requestID, internalFailure("The answer could not be encoded."))
		return
	}
	writeXML(w, http.StatusOK, requestID, b.Bytes())
}

// writeQueryError writes a refusal.
func writeQueryError(w http.ResponseWriter, api *queryAPI, requestID string, failure *apiError) {
	kind := "Sender"
	if failure.status >= http.StatusInternalServerError {
		kind = "Receiver"
	}
	answer := struct {
		XMLName   xml.Name `xml:"ErrorResponse"`
		Namespace string   `xml:"xmlns,attr"`
		Type      string   `xml:"Error>Type"`
		Code      string   `xml:"Error>Code"`
		Message   string   `xml:"Error>Message"`
		RequestID string   `xml:"RequestId"`
	}{Namespace: api.namespace, Type: kind, Code: failure.code, Message: failure.message, RequestID: requestID}
	body, err := xml.Marshal(answer)
	if err != nil {
		http.Error(w, "the answer could not be encoded", http.StatusInternalServerError)
		return
	}
	writeXML(w, failure.status, requestID, body)
}

func writeXML(w http.ResponseWriter, status int, requestID string, body []byte) {
	w.Header().Set("Content-Type", "text/xml")
	w.Header().Set("x-amzn-RequestId", requestID)
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that has gone needs no answer
}
