package broker

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"time"
)

// documentCacheControl lets caches keep discovery and keys for five minutes. A
// key has to be published at least that long before it signs.
const documentCacheControl = "public, max-age=300"

// document is a JSON document that is served as it is.
type document struct {
	body []byte
	etag string
}

func newDocument(body []byte) document {
	digest := sha256.Sum256(body)
	return document{body: body, etag: `"` + base64.RawURLEncoding.EncodeToString(digest[:]) + `"`}
}

func newJSONDocument(v any) (document, error) {
	body, err := json.Marshal(v)
	return newDocument(body), err
}

// serve answers GET, HEAD and conditional requests (RFC 9110, section 13), always
// with the whole document: nobody needs a part, and a thousand parts, each with
// headers of its own, are many times the whole (section 14.2).
func (d document) serve(w http.ResponseWriter, r *http.Request) {
	if len(r.Header["Range"]) > 0 {
		r = r.Clone(r.Context())
		r.Header.Del("Range")
	}
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", documentCacheControl)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("ETag", d.etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(d.body))
}

func (s *Server) discovery(w http.ResponseWriter, r *http.Request) {
	s.current.Load().discovery.serve(w, r)
}

func (s *Server) jwks(w http.ResponseWriter, r *http.Request) {
	s.current.Load().jwks.serve(w, r)
}
