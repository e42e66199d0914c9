package localaws

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestSignaturesOfTheDocumentationAreAccepted(t *testing.T) {
	t.Parallel()
	for name, request := range map[string]*http.Request{
		"a download":                   getExample().request(t),
		"an upload":                    putExample().request(t),
		"a list with parameters":       listExample().request(t),
		"a presigned URL":              presigned(t, presignedExample),
		"an upload in signed chunks":   chunkedExample().request(t),
		"signed chunks with a trailer": trailerExample().request(t),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, failure := exampleServer(t, exampleTime()).authenticate(request)
			if failure != nil {
				t.Fatalf("refused: %+v", failure)
			}
			if lastSegment(c.arn()) != administrator {
				t.Error("the caller is not the one who holds the key")
			}
		})
	}
}

func TestChunksAreUnwrapped(t *testing.T) {
	t.Parallel()
	r := trailerExample().request(t)
	if _, failure := exampleServer(t, exampleTime()).authenticate(r); failure != nil {
		t.Fatalf("refused: %+v", failure)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(body, bytes.Repeat([]byte("a"), chunkedSize)) {
		t.Errorf("the payload of %d bytes is not what was wrapped", len(body))
	}
	if got := r.Header.Get("X-Amz-Checksum-Crc32c"); got != "sOO8/Q==" {
		t.Errorf("checksum %q, want that of the trailer", got)
	}
	if r.ContentLength != chunkedSize || r.Header.Get("Content-Length") != "66560" {
		t.Errorf("length %d, header %q", r.ContentLength, r.Header.Get("Content-Length"))
	}
}

func TestAnythingChangedAfterSigningIsRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		request func() *http.Request
		code    string
	}{
		"another method": {func() *http.Request {
			r := getExample().request(t)
			r.Method = http.MethodDelete
			return r
		}, "SignatureDoesNotMatch"},
		"another key": {func() *http.Request {
			r := getExample().request(t)
			r.URL.Path = "/other.txt"
			return r
		}, "SignatureDoesNotMatch"},
		"another host": {func() *http.Request {
			r := getExample().request(t)
			r.Host = "other.s3.amazonaws.com"
			return r
		}, "SignatureDoesNotMatch"},
		"another range": {func() *http.Request {
			r := getExample().request(t)
			r.Header.Set("Range", "bytes=0-99")
			return r
		}, "SignatureDoesNotMatch"},
		"another prefix": {func() *http.Request {
			r := listExample().request(t)
			r.URL.RawQuery = "max-keys=2&prefix=K"
			return r
		}, "SignatureDoesNotMatch"},
		"a parameter more": {func() *http.Request {
			r := listExample().request(t)
			r.URL.RawQuery += "&versions"
			return r
		}, "SignatureDoesNotMatch"},
		"a header that makes a copy of an upload": {func() *http.Request {
			r := putExample().request(t)
			r.Header.Set("X-Amz-Copy-Source", "/other/key")
			return r
		}, "AccessDenied"},
		"another payload": {func() *http.Request {
			e := putExample()
			e.body = "Welcome to Amazon S3!"
			return e.request(t)
		}, "XAmzContentSHA256Mismatch"},
		"another declared payload": {func() *http.Request {
			r := putExample().request(t)
			r.Header.Set("X-Amz-Content-Sha256", unsignedPayload)
			return r
		}, "SignatureDoesNotMatch"},
		"a payload that is not declared": {func() *http.Request {
			r := putExample().request(t)
			r.Header.Del("X-Amz-Content-Sha256")
			return r
		}, "InvalidRequest"},
		"a byte in a chunk": {func() *http.Request {
			e := chunkedExample()
			e.body = strings.Replace(e.body, "aaa", "aab", 1)
			return e.request(t)
		}, "SignatureDoesNotMatch"},
		"a chunk left out": {func() *http.Request {
			e := chunkedExample()
			_, rest, _ := strings.Cut(e.body, "\r\n400;")
			e.body = "400;" + rest
			r := e.request(t)
			r.ContentLength = 66824 // as it was signed
			return r
		}, "SignatureDoesNotMatch"},
		"the last chunk left out": {func() *http.Request {
			e := chunkedExample()
			e.body, _, _ = strings.Cut(e.body, "0;chunk-signature=b6")
			r := e.request(t)
			r.ContentLength = 66824
			return r
		}, "IncompleteBody"},
		"the checksum behind the chunks": {func() *http.Request {
			e := trailerExample()
			e.body = strings.Replace(e.body, "sOO8/Q==", "sOO8/A==", 1)
			return e.request(t)
		}, "SignatureDoesNotMatch"},
		"the signature of the trailer left out": {func() *http.Request {
			e := trailerExample()
			e.body, _, _ = strings.Cut(e.body, "x-amz-trailer-signature")
			e.body += "\r\n"
			return e.request(t)
		}, "SignatureDoesNotMatch"},
		"another access key": {func() *http.Request {
			r := getExample().request(t)
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), exampleKey, "AKIAIOSFODNN7OTHER", 1))
			return r
		}, "InvalidAccessKeyId"},
		"a session token nobody issued": {func() *http.Request {
			r := getExample().request(t)
			r.Header.Set("X-Amz-Security-Token", "token")
			return r
		}, "InvalidToken"},
		"a presigned URL for longer": {func() *http.Request {
			return presigned(t, strings.Replace(presignedExample, "86400", "86401", 1))
		}, "SignatureDoesNotMatch"},
		"a presigned URL for another object": {func() *http.Request {
			return presigned(t, strings.Replace(presignedExample, "test.txt", "best.txt", 1))
		}, "SignatureDoesNotMatch"},
		"a presigned URL that makes a copy": {func() *http.Request {
			r := presigned(t, presignedExample)
			r.Header.Set("X-Amz-Copy-Source", "/other/key")
			return r
		}, "AccessDenied"},
		"two signatures": {func() *http.Request {
			r := presigned(t, presignedExample)
			r.Header.Set("Authorization", getExample().request(t).Header.Get("Authorization"))
			return r
		}, "InvalidArgument"},
		"an older signature scheme": {func() *http.Request {
			r := getExample().request(t)
			r.Header.Set("Authorization", "AWS "+exampleKey+":frJIUN8DYpKDtOLCwo//yllqDzg=")
			return r
		}, "InvalidRequest"},
		"a query that does not parse": {func() *http.Request {
			r := listExample().request(t)
			r.URL.RawQuery = "prefix=%zz"
			return r
		}, "InvalidURI"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, failure := exampleServer(t, exampleTime()).authenticate(test.request())
			if failure == nil {
				t.Fatalf("accepted, want %s", test.code)
			}
			if failure.code != test.code {
				t.Errorf("code %q (%s), want %q", failure.code, failure.message, test.code)
			}
		})
	}
}

func TestRequestTimes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		after   time.Duration
		request *http.Request
		code    string // "" for accepted
	}{
		"15 minutes old":                  {15 * time.Minute, getExample().request(t), ""},
		"more than 15 minutes old":        {15*time.Minute + time.Second, getExample().request(t), "RequestTimeTooSkewed"},
		"15 minutes early":                {-15 * time.Minute, getExample().request(t), ""},
		"more than 15 minutes early":      {-15*time.Minute - time.Second, getExample().request(t), "RequestTimeTooSkewed"},
		"a presigned URL a day old":       {24 * time.Hour, presigned(t, presignedExample), ""},
		"a presigned URL past its time":   {24*time.Hour + time.Second, presigned(t, presignedExample), "AccessDenied"},
		"a presigned URL from the future": {-15*time.Minute - time.Second, presigned(t, presignedExample), "AccessDenied"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, failure := exampleServer(t, exampleTime().Add(test.after)).authenticate(test.request)
			got := ""
			if failure != nil {
				got = failure.code
			}
			if got != test.code {
				t.Errorf("code %q, want %q", got, test.code)
			}
		})
	}
}

func TestQueryServicesNameTheirFaults(t *testing.T) {
	t.Parallel()
	scope := strings.Replace(exampleScope, "/s3/", "/sts/", 1)
	form := func(authorization string) *http.Request {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader("Action=GetCallerIdentity&Version=2011-06-15"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("X-Amz-Date", "20130524T000000Z")
		r.Header.Set("Authorization", authorization)
		return r
	}
	signed := func(scope string) string {
		return "AWS4-HMAC-SHA256 Credential=" + scope + ", SignedHeaders=host;x-amz-date, Signature=" + emptySHA256
	}
	tests := map[string]struct {
		request *http.Request
		now     time.Time
		code    string
	}{
		"a wrong signature":      {form(signed(scope)), exampleTime(), "SignatureDoesNotMatch"},
		"an unknown access key":  {form(signed("X" + scope)), exampleTime(), "InvalidClientTokenId"},
		"an old request":         {form(signed(scope)), exampleTime().Add(time.Hour), "SignatureDoesNotMatch"},
		"a malformed header":     {form("AWS4-HMAC-SHA256 Credential=" + scope), exampleTime(), "IncompleteSignature"},
		"a service that is none": {form(signed(strings.Replace(scope, "sts", "ec2", 1))), exampleTime(), "IncompleteSignature"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, failure := exampleServer(t, test.now).authenticate(test.request)
			if failure == nil || failure.code != test.code {
				t.Errorf("answered %+v, want %s", failure, test.code)
			}
		})
	}
}

func TestUnsignedRequestsAreAnonymous(t *testing.T) {
	t.Parallel()
	c, failure := exampleServer(t, exampleTime()).authenticate(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/bucket/key", http.NoBody))
	if failure != nil {
		t.Fatalf("refused: %+v", failure)
	}
	if c.arn() != "" {
		t.Errorf("an unsigned request is made by %+v", c.principal)
	}
}

func TestUnsignedTrailers(t *testing.T) {
	t.Parallel()
	const checksum = "x-amz-checksum-crc32:NhCmhg==\r\n"
	tests := map[string]struct {
		body, trailer, code string // no code for accepted
	}{
		"as announced":                  {"5\r\nhello\r\n0\r\n" + checksum + "\r\n", "x-amz-checksum-crc32", ""},
		"none announced, none sent":     {"5\r\nhello\r\n0\r\n\r\n", "", ""},
		"a header nobody announced":     {"5\r\nhello\r\n0\r\n" + checksum + "\r\n", "", "MalformedTrailerError"},
		"a header that is no checksum":  {"5\r\nhello\r\n0\r\nx-amz-acl:public-read\r\n\r\n", "x-amz-acl", "MalformedTrailerError"},
		"an announced header left out":  {"5\r\nhello\r\n0\r\n\r\n", "x-amz-checksum-crc32", "MalformedTrailerError"},
		"the same header twice":         {"5\r\nhello\r\n0\r\n" + checksum + checksum + "\r\n", "x-amz-checksum-crc32", "MalformedTrailerError"},
		"bytes behind the trailer":      {"5\r\nhello\r\n0\r\n" + checksum + "\r\nmore", "x-amz-checksum-crc32", "MalformedTrailerError"},
		"a chunk longer than the body":  {"ff\r\nhello\r\n0\r\n\r\n", "", "IncompleteBody"},
		"a chunk of a negative size":    {"-1\r\nhello\r\n0\r\n\r\n", "", "InvalidRequest"},
		"a chunk longer than its size":  {"4\r\nhello\r\n0\r\n\r\n", "", "IncompleteBody"},
		"less than the declared length": {"4\r\nhell\r\n0\r\n\r\n", "", "IncompleteBody"},
		"no end":                        {"5\r\nhello\r\n", "", "IncompleteBody"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/bucket/key", strings.NewReader(test.body))
			r.Header.Set("X-Amz-Content-Sha256", streamingUnsignedTrailer)
			r.Header.Set("X-Amz-Decoded-Content-Length", "5")
			r.Header.Set("X-Amz-Trailer", test.trailer)
			_, failure := exampleServer(t, exampleTime()).authenticate(r)
			got := ""
			if failure != nil {
				got = failure.code
			}
			if got != test.code {
				t.Errorf("code %q, want %q", got, test.code)
			}
		})
	}
}
