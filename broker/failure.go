package broker

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/litentry/wallet-federation/internal/trustedissuer"
)

// failure is an answer that refuses. Its code is stable; its message is for
// people and the same for every cause that a caller has no business to tell
// apart.
type failure struct {
	Status     int    `json:"-"`
	Code       string `json:"error"`
	Message    string `json:"message"`
	retryAfter int
}

// Every way to be refused.
var (
	failNotFound         = &failure{Status: http.StatusNotFound, Code: "not_found", Message: "there is nothing at this path"}
	failMethod           = &failure{Status: http.StatusMethodNotAllowed, Code: "method_not_allowed", Message: "the Allow header names the methods of this path"}
	failMediaType        = &failure{Status: http.StatusUnsupportedMediaType, Code: "unsupported_media_type", Message: "send the body as Content-Type: application/json, in UTF-8, without Content-Encoding"}
	failTooLarge         = &failure{Status: http.StatusRequestEntityTooLarge, Code: "request_too_large", Message: "the body is larger than this path takes"}
	failRequest          = &failure{Status: http.StatusBadRequest, Code: "invalid_request", Message: "the body is not one JSON object with exactly the members that this path takes"}
	failAddress          = &failure{Status: http.StatusBadRequest, Code: "invalid_address", Message: "address is not 0x and 40 hexadecimal digits, or is in mixed case with a wrong EIP-55 checksum"}
	failChain            = &failure{Status: http.StatusBadRequest, Code: "unsupported_chain", Message: "chain_id is not one that this issuer takes"}
	failRole             = &failure{Status: http.StatusBadRequest, Code: "invalid_role", Message: "role_arn is not a role that this issuer mints for"}
	failUnauthorized     = &failure{Status: http.StatusUnauthorized, Code: "unauthorized", Message: "a valid session bearer is required; sign in at " + startPath}
	failSignIn           = &failure{Status: http.StatusUnauthorized, Code: "sign_in_failed", Message: "the request is unknown, expired or used, or the signature is not the wallet's over its message; start again"}
	failNotAdmitted      = &failure{Status: http.StatusForbidden, Code: "not_admitted", Message: "this issuer does not admit the wallet"}
	failAdmissionAway    = &failure{Status: http.StatusServiceUnavailable, Code: "admission_unavailable", Message: "whether this issuer admits the wallet cannot be told at the moment; try again", retryAfter: 30}
	failMintAWSCredsGone = &failure{Status: http.StatusGone, Code: "gone", Message: "credentials are not handed out here: call POST " + mintPath + " and exchange the JWT with STS AssumeRoleWithWebIdentity"}
	failNoRoles          = &failure{Status: http.StatusServiceUnavailable, Code: "no_roles", Message: "no role is federated with this issuer yet", retryAfter: 30}
	failUnavailable      = &failure{Status: http.StatusServiceUnavailable, Code: "sign_in_unavailable", Message: "sign-in is not possible at the moment; try again", retryAfter: 5}
	failIssuerAway       = &failure{Status: http.StatusServiceUnavailable, Code: "issuer_unavailable", Message: "the issuer of the token cannot be asked for its keys at the moment; try again", retryAfter: int(trustedissuer.RetryAfter / time.Second)}
	failOverloaded       = &failure{Status: http.StatusServiceUnavailable, Code: "overloaded", Message: "the broker has too many requests under way; try again", retryAfter: 1}
	failInternal         = &failure{Status: http.StatusInternalServerError, Code: "internal", Message: "the broker failed to answer"}
)

func writeFailure(w http.ResponseWriter, f *failure) {
	header := w.Header()
	if f.Status == http.StatusUnauthorized {
		header.Set("WWW-Authenticate", "Bearer")
	}
	if f.retryAfter > 0 {
		header.Set("Retry-After", strconv.Itoa(f.retryAfter))
	}
	writeJSON(w, f.Status, f)
}

// writeJSON answers with v, which no cache may keep. v always encodes: it is
// one of this package's own types.
func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	writeBody(w, status, body)
}

// writeBody answers with JSON text.
func writeBody(w http.ResponseWriter, status int, body []byte) {
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	// A caller that went away is not ours to report.
	_, _ = w.Write(body)
}

// allow passes on requests that use one of the methods.
func allow(handle http.HandlerFunc, methods ...string) http.Handler {
	allowed := strings.Join(methods, ", ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !slices.Contains(methods, r.Method) {
			w.Header().Set("Allow", allowed)
			writeFailure(w, failMethod)
			return
		}
		handle(w, r)
	})
}

func notFound(w http.ResponseWriter, _ *http.Request) { writeFailure(w, failNotFound) }

// mintAWSCreds answers for a path that some clients still call. An untagged
// AssumeRole on a caller's behalf would undo the isolation.
func mintAWSCreds(w http.ResponseWriter, _ *http.Request) {
	writeFailure(w, failMintAWSCredsGone)
}
