package localaws

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	signingAlgorithm = "AWS4-HMAC-SHA256"
	signingTime      = "20060102T150405Z"

	// maxClockSkew is how far a request's time may be from ours, either way.
	maxClockSkew = 15 * time.Minute
	// maxPresignedLifetime is the longest that a presigned URL may live.
	maxPresignedLifetime = 7 * 24 * time.Hour
)

// signature is what a signed request says about its signature, read from the
// Authorization header or from the query of a presigned URL. Nothing in it has
// been verified.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
type signature struct {
	accessKeyID   string
	scope         string // 20260102/us-east-1/s3/aws4_request
	service       string
	signedHeaders []string
	value         string // 64 hexadecimal digits
	token         string // session token; empty for long-term keys
	stamp         string // the time as it was signed
	time          time.Time
	presigned     bool
	lifetime      time.Duration // of a presigned URL
}

// authenticate finds out who signed the request, in its headers or as a
// presigned URL. An unsigned request is answered with the anonymous caller.
//
// It reads the whole body, checks it against what was signed, undoes the
// aws-chunked encoding, and leaves the plain payload as the request's body: what
// follows sees only bytes that the caller vouched for. The errors are those of
// the service that the credential scope names. Whether temporary credentials
// have expired is left to the caller, see Server.expired.
func (s *Server) authenticate(r *http.Request) (*caller, *apiError) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, newError(http.StatusBadRequest, "InvalidURI", "Couldn't parse the specified URI.")
	}
	sig, failure := parseSignature(r, query)
	if failure != nil {
		return nil, failure
	}
	if sig == nil {
		return anonymous(), acceptUnsigned(r)
	}
	faults := faultsOf(sig.service)
	secret, token, c, known := s.credential(sig.accessKeyID)
	if !known || (sig.token == "" && token != "") {
		return nil, faults.unknownKey()
	}
	if !hmac.Equal([]byte(sig.token), []byte(token)) {
		return nil, faults.badToken()
	}
	if failure := sig.checkTime(s.options.Now(), faults); failure != nil {
		return nil, failure
	}
	if failure := sig.checkCoverage(r); failure != nil {
		return nil, failure
	}
	if failure := sig.verify(r, query, secret, faults); failure != nil {
		return nil, failure
	}
	return c, nil
}

// verify recomputes the signature, and checks and unwraps the payload. S3
// clients declare the payload's hash in a header; the Query services hash it.
func (sig *signature) verify(r *http.Request, query url.Values, secret string, faults signatureFaults) *apiError {
	key := signingKey(secret, sig.scope)
	if sig.service != "s3" {
		body, failure := readBody(r, maxQueryBody)
		if failure != nil {
			return failure
		}
		if !sig.matches(key, sig.canonicalRequest(r, query, hexSHA256(body))) {
			return faults.mismatch()
		}
		return nil
	}
	declared, failure := sig.declaredPayload(r, query)
	if failure != nil {
		return failure
	}
	if !sig.matches(key, sig.canonicalRequest(r, query, declared)) {
		return faults.mismatch()
	}
	return acceptPayload(r, declared, &chunkChain{key: key, stamp: sig.stamp, scope: sig.scope, previous: sig.value})
}

// declaredPayload is what stands in the canonical request for the payload:
// its SHA-256 in hexadecimal, or one of the words for a payload that is not, or
// not yet, covered.
func (sig *signature) declaredPayload(r *http.Request, query url.Values) (string, *apiError) {
	declared := r.Header.Get("X-Amz-Content-Sha256")
	if declared == "" && sig.presigned {
		declared = query.Get("X-Amz-Content-Sha256")
	}
	if declared != "" {
		return declared, nil
	}
	if sig.presigned {
		return unsignedPayload, nil
	}
	return "", newError(http.StatusBadRequest, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
}

// checkTime checks the request's time against ours.
func (sig *signature) checkTime(now time.Time, faults signatureFaults) *apiError {
	if !sig.presigned {
		if age := now.Sub(sig.time); age > maxClockSkew || age < -maxClockSkew {
			return faults.skewed(sig.time, now)
		}
		return nil
	}
	if sig.time.Sub(now) > maxClockSkew {
		return accessDenied("Request is not valid yet")
	}
	if now.Sub(sig.time) > sig.lifetime {
		return accessDenied("Request has expired")
	}
	return nil
}

// checkCoverage refuses a signature that leaves out the host or an x-amz-
// header: what is not covered could be changed on the way, for instance to turn
// a presigned upload into a copy.
func (sig *signature) checkCoverage(r *http.Request) *apiError {
	if !slices.Contains(sig.signedHeaders, "host") {
		return accessDenied("The host header must be signed")
	}
	for name := range r.Header {
		name = strings.ToLower(name)
		if strings.HasPrefix(name, "x-amz-") && !slices.Contains(sig.signedHeaders, name) {
			return accessDenied("There were headers present in the request which were not signed")
		}
	}
	return nil
}

// matches compares the signature with the one computed, in constant time.
func (sig *signature) matches(key []byte, canonicalRequest string) bool {
	text := strings.Join([]string{signingAlgorithm, sig.stamp, sig.scope, hexSHA256([]byte(canonicalRequest))}, "\n")
	return hmac.Equal([]byte(hex.EncodeToString(hmacSHA256(key, text))), []byte(sig.value))
}

func (sig *signature) canonicalRequest(r *http.Request, query url.Values, payload string) string {
	path := encodeURI(r.URL.Path, true)
	if path == "" {
		path = "/"
	}
	if sig.service != "s3" {
		// Every service but S3 encodes the path twice.
		path = encodeURI(path, true)
	}
	var headers strings.Builder
	for _, name := range sig.signedHeaders {
		headers.WriteString(name + ":" + canonicalHeader(r, name) + "\n")
	}
	return strings.Join([]string{
		r.Method, path, canonicalQuery(query), headers.String(), strings.Join(sig.signedHeaders, ";"), payload,
	}, "\n")
}

// canonicalHeader is a header's value as it is signed. net/http takes some
// headers out of the map.
func canonicalHeader(r *http.Request, name string) string {
	switch name {
	case "host":
		return r.Host
	case "content-length":
		return strconv.FormatInt(r.ContentLength, 10)
	case "transfer-encoding":
		return strings.Join(r.TransferEncoding, ",")
	}
	values := r.Header.Values(name)
	trimmed := make([]string, len(values))
	for i, v := range values {
		trimmed[i] = strings.Join(strings.Fields(v), " ")
	}
	return strings.Join(trimmed, ",")
}

func canonicalQuery(query url.Values) string {
	var pairs []string
	for name, values := range query {
		if name == "X-Amz-Signature" {
			continue
		}
		for _, v := range values {
			pairs = append(pairs, encodeURI(name, false)+"="+encodeURI(v, false))
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

// encodeURI percent-encodes all but RFC 3986's unreserved characters and, in a
// path, the slash.
func encodeURI(s string, path bool) string {
	const upperHex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9',
			c == '-', c == '.', c == '_', c == '~', c == '/' && path:
			b.WriteByte(c)
		default:
			b.Write([]byte{'%', upperHex[c>>4], upperHex[c&15]})
		}
	}
	return b.String()
}

// signingKey derives the key that signs requests of a scope.
func signingKey(secret, scope string) []byte {
	key := []byte("AWS4" + secret)
	for part := range strings.SplitSeq(scope, "/") {
		key = hmacSHA256(key, part)
	}
	return key
}

func hmacSHA256(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

func hexSHA256(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
