package localaws

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// The examples of AWS's documentation, with the signatures that it prints.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
const (
	exampleKey    = "AKIAIOSFODNN7EXAMPLE"
	exampleSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	exampleScope  = exampleKey + "/20130524/us-east-1/s3/aws4_request"
	emptySHA256   = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

func exampleTime() time.Time { return time.Date(2013, time.May, 24, 0, 0, 0, 0, time.UTC) }

func exampleServer(t *testing.T, now time.Time) *Server {
	t.Helper()
	s, err := New(Options{AccessKeyID: exampleKey, SecretAccessKey: exampleSecret, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// example is a signed request; its headers are all signed.
type example struct {
	method, target string
	host           string
	headers        map[string]string
	signedHeaders  string
	signature      string
	body           string
}

func (e example) request(t *testing.T) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), e.method, e.target, strings.NewReader(e.body))
	r.Host = "examplebucket.s3.amazonaws.com"
	if e.host != "" {
		r.Host = e.host
	}
	r.Header.Set("X-Amz-Date", "20130524T000000Z")
	for name, value := range e.headers {
		r.Header.Set(name, value)
	}
	r.Header.Set("Authorization", fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s,SignedHeaders=%s,Signature=%s", exampleScope, e.signedHeaders, e.signature))
	return r
}

func getExample() example {
	return example{
		method: "GET", target: "/test.txt",
		headers:       map[string]string{"Range": "bytes=0-9", "X-Amz-Content-Sha256": emptySHA256},
		signedHeaders: "host;range;x-amz-content-sha256;x-amz-date",
		signature:     "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
	}
}

func putExample() example {
	return example{
		method: "PUT", target: "/test$file.text",
		headers: map[string]string{
			"Date":                 "Fri, 24 May 2013 00:00:00 GMT",
			"X-Amz-Content-Sha256": "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
			"X-Amz-Storage-Class":  "REDUCED_REDUNDANCY",
		},
		signedHeaders: "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
		signature:     "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
		body:          "Welcome to Amazon S3.",
	}
}

func listExample() example {
	return example{
		method: "GET", target: "/?max-keys=2&prefix=J",
		headers:       map[string]string{"X-Amz-Content-Sha256": emptySHA256},
		signedHeaders: "host;x-amz-content-sha256;x-amz-date",
		signature:     "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
	}
}

const presignedExample = "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request" +
	"&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host" +
	"&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"

func presigned(t *testing.T, target string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, http.NoBody)
	r.Host = "examplebucket.s3.amazonaws.com"
	return r
}

const (
	chunkSize   = 64 << 10
	chunkedSize = chunkSize + 1024
)

// chunkedExample is an upload of 66,560 times "a" in chunks.
func chunkedExample() example {
	var body strings.Builder
	chunk := func(size int, signature string) {
		fmt.Fprintf(&body, "%x;chunk-signature=%s\r\n%s\r\n", size, signature, strings.Repeat("a", size))
	}
	chunk(chunkSize, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648")
	chunk(1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497")
	chunk(0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9")
	return example{
		method: "PUT", target: "/examplebucket/chunkObject.txt", host: "s3.amazonaws.com",
		headers: map[string]string{
			"Content-Encoding": "aws-chunked", "Content-Length": "66824", "X-Amz-Storage-Class": "REDUCED_REDUNDANCY",
			"X-Amz-Content-Sha256": streamingSigned, "X-Amz-Decoded-Content-Length": "66560",
		},
		signedHeaders: "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class",
		signature:     "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
		body:          body.String(),
	}
}

// trailerExample is the same with a checksum behind it.
func trailerExample() example {
	e := chunkedExample()
	var body strings.Builder
	chunk := func(size int, signature, end string) {
		fmt.Fprintf(&body, "%x;chunk-signature=%s\r\n%s%s", size, signature, strings.Repeat("a", size), end)
	}
	chunk(chunkSize, "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2", "\r\n")
	chunk(1024, "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7", "\r\n")
	chunk(0, "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992", "")
	body.WriteString("x-amz-checksum-crc32c:sOO8/Q==\r\n" +
		"x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n")
	e.body = body.String()
	delete(e.headers, "Content-Length")
	e.headers["X-Amz-Content-Sha256"] = streamingSignedTrailer
	e.headers["X-Amz-Trailer"] = "x-amz-checksum-crc32c"
	e.signedHeaders = "content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer"
	e.signature = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"
	return e
}
