package broker

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/litentry/wallet-federation/internal/strictjson"
)

const (
	// maxBodyBytes bounds every JSON body; the largest honest one has some 250.
	maxBodyBytes = 4 << 10

	mediaTypeJSON = "application/json"
)

// decodeBody reads the JSON body of a request into v, which points to a struct.
func decodeBody(w http.ResponseWriter, r *http.Request, v any) *failure {
	if !hasMediaType(r.Header, mediaTypeJSON) {
		return failMediaType
	}
	body, refused := readBody(w, r, maxBodyBytes)
	if refused != nil {
		return refused
	}
	return decode(body, v)
}

// decodeOptionalBody is decodeBody for a body that may be left out, together
// with its Content-Type. Its length need not have been announced.
func decodeOptionalBody(w http.ResponseWriter, r *http.Request, v any) *failure {
	body, refused := readBody(w, r, maxBodyBytes)
	switch {
	case refused != nil:
		return refused
	case len(body) == 0:
		return nil
	case !hasMediaType(r.Header, mediaTypeJSON):
		return failMediaType
	}
	return decode(body, v)
}

func decode(body []byte, v any) *failure {
	if strictjson.Unmarshal(body, v) != nil || !startsObject(body) {
		return failRequest
	}
	return nil
}

func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, *failure) {
	if r.Body == http.NoBody {
		return nil, nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(unwrap(w), r.Body, limit))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, failTooLarge
	}
	if err != nil {
		return nil, failRequest
	}
	return body, nil
}

// unwrap returns the server's own writer, which closes the connection after a
// body that was too large.
func unwrap(w http.ResponseWriter) http.ResponseWriter {
	if watched, ok := w.(*statusWriter); ok {
		return watched.ResponseWriter
	}
	return w
}

// startsObject tells an object from null, which decodes into anything.
func startsObject(body []byte) bool {
	return strings.HasPrefix(strings.TrimLeft(string(body), " \t\r\n"), "{")
}

// hasMediaType reports whether a body is of a media type, in UTF-8, and not
// compressed.
func hasMediaType(header http.Header, want string) bool {
	types := header.Values("Content-Type")
	if len(types) != 1 || len(header.Values("Content-Encoding")) > 0 {
		return false
	}
	mediaType, parameters, err := mime.ParseMediaType(types[0])
	if err != nil || mediaType != want {
		return false
	}
	charset, given := parameters["charset"]
	if given && !strings.EqualFold(charset, "utf-8") {
		return false
	}
	return len(parameters) == 0 || given && len(parameters) == 1
}

// bearerOf returns the credentials of the one Authorization header, if it has
// the form of RFC 6750, section 2.1.
func bearerOf(header http.Header) (string, bool) {
	values := header["Authorization"]
	if len(values) != 1 {
		return "", false
	}
	scheme, bearer, found := strings.Cut(values[0], " ")
	return bearer, found && strings.EqualFold(scheme, "Bearer")
}
