package localaws

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/litentry/wallet-federation/internal/strictjson"
)

const (
	// adminPath is where the stand-in is told what AWS has no call for. It cannot
	// be a bucket, whose name has no underscore.
	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
	adminPath = "/_localaws/"
	// maxAdminBody bounds the body of a request to it.
	maxAdminBody = 64 << 10
)

// adminError is a refusal of the admin endpoint.
type adminError struct {
	status  int
	message string
}

func newAdminError(status int, format string, args ...any) *adminError {
	return &adminError{status: status, message: fmt.Sprintf(format, args...)}
}

// adminHandler answers one request; a nil answer is 204 (No Content).
type adminHandler func(*Server, *http.Request) (any, *adminError)

// adminHandlers are what can be asked for: path below adminPath, then method.
func adminHandlers() map[string]map[string]adminHandler {
	return map[string]map[string]adminHandler{
		"health": {http.MethodGet: (*Server).adminHealth},
		"info":   {http.MethodGet: (*Server).adminInfo},
		"calls": {
			http.MethodGet:    (*Server).adminCalls,
			http.MethodDelete: (*Server).adminResetCalls,
		},
		"faults": {
			http.MethodGet:    (*Server).adminFaults,
			http.MethodPost:   (*Server).adminAddFault,
			http.MethodDelete: (*Server).adminClearFaults,
		},
	}
}

// isAdmin tells whether a request is for the admin endpoint. In a virtual-host
// style request the path is an object's key, whatever it begins with.
func isAdmin(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, adminPath) && hostBucket(r.Host) == ""
}

// serveAdmin answers a request to the admin endpoint, in JSON.
func (s *Server) serveAdmin(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	r.Body = http.MaxBytesReader(w, r.Body, maxAdminBody)
	answer, refusal := s.answerAdmin(header, r)
	status := http.StatusOK
	switch {
	case refusal != nil:
		status, answer = refusal.status, map[string]string{"error": refusal.message}
	case answer == nil:
		w.WriteHeader(http.StatusNoContent)
		return
	}
	body, err := json.MarshalIndent(answer, "", "  ")
	if err != nil {
		http.Error(w, "the answer could not be encoded", http.StatusInternalServerError)
		return
	}
	header.Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // a client that has gone needs no answer
}

// answerAdmin lets a request in and answers it. That the server is up, it tells
// everybody who is let near.
func (s *Server) answerAdmin(header http.Header, r *http.Request) (any, *adminError) {
	if refusal := refusePages(r); refusal != nil {
		return nil, refusal
	}
	name := strings.TrimPrefix(r.URL.Path, adminPath)
	if name != "health" && !s.isAdministrator(r) {
		header.Set("WWW-Authenticate", `Bearer realm="localaws"`)
		return nil, newAdminError(http.StatusUnauthorized,
			"the administrator's secret access key is needed: Authorization: Bearer <secret access key>, or HTTP Basic with <access key id>:<secret access key>")
	}
	methods := adminHandlers()[name]
	if methods == nil {
		return nil, newAdminError(http.StatusNotFound, "there are health, info, calls and faults below %s", adminPath)
	}
	handle := methods[r.Method]
	if handle == nil {
		allowed := strings.Join(slices.Sorted(maps.Keys(methods)), ", ")
		header.Set("Allow", allowed)
		return nil, newAdminError(http.StatusMethodNotAllowed, "%s takes %s", name, allowed)
	}
	return handle(s, r)
}

// refusePages keeps web pages out, since their browser may stand on a machine
// that reaches the server, and the administrator's secret is well known. A page
// is told by what browsers add to its requests; one that has made its own name
// resolve to the server (DNS rebinding), by that name.
func refusePages(r *http.Request) *adminError {
	if r.Header.Get("Origin") != "" {
		return newAdminError(http.StatusForbidden, "requests of web pages are refused: there is an Origin header")
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "none" {
		return newAdminError(http.StatusForbidden, "requests of web pages are refused: Sec-Fetch-Site is %q", site)
	}
	if !isLocalName(r.Host) {
		return newAdminError(http.StatusForbidden, "the host %q is neither an IP address nor a local name such as localhost", r.Host)
	}
	return nil
}

// isLocalName tells whether a host is an IP address or a name that no domain of
// the internet has: localhost, one below it, or one without a dot.
func isLocalName(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return true
	}
	return host != "" && (!strings.Contains(host, ".") || strings.HasSuffix(host, ".localhost"))
}

// isAdministrator checks the credentials of a request in constant time.
func (s *Server) isAdministrator(r *http.Request) bool {
	if id, secret, ok := r.BasicAuth(); ok {
		return equalSecrets(id, s.options.AccessKeyID) && equalSecrets(secret, s.options.SecretAccessKey)
	}
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.EqualFold(scheme, "Bearer") && equalSecrets(secret, s.options.SecretAccessKey)
}

// equalSecrets compares the hashes, so that the time tells no length either.
func equalSecrets(given, want string) bool {
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// readAdminBody decodes the body of a request.
func readAdminBody(r *http.Request, v any) *adminError {
	body, err := io.ReadAll(r.Body)
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return newAdminError(http.StatusRequestEntityTooLarge, "the body is larger than %d bytes", maxAdminBody)
	}
	if err != nil {
		return newAdminError(http.StatusBadRequest, "the body could not be read")
	}
	if err := strictjson.Unmarshal(body, v); err != nil {
		return newAdminError(http.StatusBadRequest, "%s", err)
	}
	return nil
}

// refuseQuery refuses parameters that would have no effect.
func refuseQuery(r *http.Request, known ...string) *adminError {
	for name, values := range r.URL.Query() {
		if !slices.Contains(known, name) {
			return newAdminError(http.StatusBadRequest, "there is no parameter %q here", name)
		}
		if len(values) > 1 {
			return newAdminError(http.StatusBadRequest, "%s: given twice", name)
		}
	}
	return nil
}
