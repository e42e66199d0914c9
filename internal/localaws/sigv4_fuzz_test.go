package localaws

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"
)

// FuzzAuthorization parses whatever stands in an Authorization header. What is
// accepted must name everything that a signature needs.
func FuzzAuthorization(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=AKID/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;x-amz-date,"+
		"Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41", "20130524T000000Z")
	f.Add("AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=, Signature=", "")
	f.Add("AWS AKID:signature", "x")
	f.Add("AWS4-HMAC-SHA256 Credential=,Credential=", "20130524T000000Z")
	f.Fuzz(func(t *testing.T, header, date string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
		r.Header = http.Header{"Authorization": {header}, "X-Amz-Date": {date}}
		sig, failure := parseAuthorization(r, header)
		switch {
		case failure != nil && (failure.code == "" || failure.status < http.StatusBadRequest):
			t.Errorf("refused with %+v", failure)
		case failure == nil && (sig.accessKeyID == "" || sig.scope == "" || sig.service == "" || len(sig.signedHeaders) == 0 || sig.time.IsZero()):
			t.Errorf("accepted as %+v", sig)
		}
	})
}

// FuzzChunks undoes the aws-chunked encoding of whatever comes. The payload is
// never longer than what it was wrapped in.
func FuzzChunks(f *testing.F) {
	f.Add([]byte("3\r\nabc\r\n0\r\n\r\n"), false)
	f.Add([]byte("3\r\nabc\r\n0\r\nx-amz-checksum-crc32:NSRBwg==\r\n\r\n"), true)
	f.Add([]byte("7fffffff\r\nabc"), false)
	f.Add([]byte("-1\r\n"), true)
	f.Add([]byte("0\r\n:\r\n\r\n"), true)
	f.Fuzz(func(t *testing.T, body []byte, trailer bool) {
		original := bytes.Clone(body)
		decoder := chunkDecoder{trailer: trailer}
		payload, failure := decoder.decode(body)
		if failure == nil && len(payload) > len(body) {
			t.Errorf("%d bytes were wrapped in %d", len(payload), len(body))
		}
		if !bytes.Equal(original, body) {
			t.Error("the body was changed")
		}
	})
}
