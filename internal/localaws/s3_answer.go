package localaws

import (
	"bytes"
	"encoding/xml"
	"maps"
	"net/http"
	"strconv"
	"strings"
)

// s3Namespace is the XML namespace of S3's answers.
const s3Namespace = "http://s3.amazonaws.com/doc/2006-03-01/"

// s3Answer collects an answer, which is sent only when it is known that it is
// to be sent. It is an http.ResponseWriter for gofakes3.
type s3Answer struct {
	status int
	header http.Header
	body   bytes.Buffer
	// content, if set, is sent instead of body. It saves a copy of an object.
	content []byte
}

func newS3Answer() *s3Answer {
	return &s3Answer{header: http.Header{}}
}

// Header implements http.ResponseWriter.
func (a *s3Answer) Header() http.Header { return a.header }

// Write implements http.ResponseWriter.
func (a *s3Answer) Write(data []byte) (int, error) { return a.body.Write(data) }

// WriteHeader implements http.ResponseWriter.
func (a *s3Answer) WriteHeader(status int) { a.status = status }

// xml makes the answer an XML document.
func (a *s3Answer) xml(document any) *apiError {
	a.body.Reset()
	a.body.WriteString(xml.Header)
	a.header.Set("Content-Type", "application/xml")
	if err := xml.NewEncoder(&a.body).Encode(document); err != nil {
		return newError(http.StatusInternalServerError, "InternalError", "We encountered an internal error. Please try again.")
	}
	return nil
}

// decodeXML reads a document, which makes nothing but what into is.
func decodeXML(document []byte, into any) error {
	return xml.Unmarshal(document, into) //nolint:gosec // of types of ours, and bounded by readBody
}

// addZeros adds the numbers of a list that gofakes3 leaves out where they are 0,
// and which boto3 then misses.
func (a *s3Answer) addZeros(names ...string) {
	const end = "</ListBucketResult>"
	body := a.body.String()
	for _, name := range names {
		if !strings.Contains(body, "<"+name+">") {
			body = strings.Replace(body, end, "<"+name+">0</"+name+">"+end, 1)
		}
	}
	a.body.Reset()
	a.body.WriteString(body)
	a.header.Del("Content-Length")
}

// noContent makes the answer an empty one.
func (a *s3Answer) noContent() *apiError {
	a.status = http.StatusNoContent
	return nil
}

// send writes the answer to the client.
func (a *s3Answer) send(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	maps.Copy(header, a.header) // as they are: user metadata is in lower case
	addRequestIDs(header)
	if a.status == 0 {
		a.status = http.StatusOK
	}
	if a.status == http.StatusNoContent || a.status == http.StatusNotModified {
		header.Del("Content-Type")
	} else if header.Get("Content-Length") == "" {
		header.Set("Content-Length", strconv.Itoa(len(a.payload())))
	}
	w.WriteHeader(a.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(a.payload()) // the client is gone if this fails
	}
}

func (a *s3Answer) payload() []byte {
	if a.content != nil {
		return a.content
	}
	return a.body.Bytes()
}

// refusal reads the error that gofakes3 answered; nil if it served the request.
func (a *s3Answer) refusal() *apiError {
	if a.status < http.StatusBadRequest {
		return nil
	}
	var body struct {
		Code    string
		Message string
	}
	if err := decodeXML(a.body.Bytes(), &body); err == nil && body.Code != "" {
		if body.Code == string(entityTooSmall) { // gofakes3 does not know its status
			a.status = http.StatusBadRequest
		}
		return newError(a.status, body.Code, "%s", body.Message)
	}
	switch a.status { // of a HEAD request, which has no body
	case http.StatusNotFound:
		return noSuchKey()
	case http.StatusPreconditionFailed:
		return newError(a.status, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
	}
	return newError(a.status, strings.ReplaceAll(http.StatusText(a.status), " ", ""), "%s", http.StatusText(a.status))
}

// s3Error is the body of an error.
type s3Error struct {
	XMLName    xml.Name `xml:"Error"`
	Code       string
	Message    string
	Detail     string `xml:",omitempty"`
	BucketName string `xml:",omitempty"` // of NoSuchBucket
	Key        string `xml:",omitempty"` // of NoSuchKey
	Resource   string
	RequestID  string `xml:"RequestId"`
	HostID     string `xml:"HostId"`
}

// writeS3Error answers with an error as S3 words it. The answer to a HEAD
// request has no body, so all that it says is the status.
func writeS3Error(w http.ResponseWriter, r *http.Request, e *apiError) {
	addRequestIDs(w.Header())
	answer := s3Error{
		Code: e.code, Message: e.message, Detail: e.detail, Resource: r.URL.Path,
		RequestID: w.Header().Get("X-Amz-Request-Id"), HostID: w.Header().Get("X-Amz-Id-2"),
	}
	switch bucket, key := address(r); e.code {
	case "NoSuchBucket":
		answer.BucketName = bucket
	case "NoSuchKey":
		answer.Key = key
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(e.status)
	if r.Method == http.MethodHead {
		return
	}
	body, err := xml.Marshal(answer)
	if err != nil {
		return
	}
	_, _ = w.Write(append([]byte(xml.Header), body...)) // the client is gone if this fails
}

func addRequestIDs(header http.Header) {
	header.Set("X-Amz-Request-Id", newID(""))
	header.Set("X-Amz-Id-2", newSecret(48))
	header.Set("Server", "AmazonS3")
}

func noSuchBucket() *apiError {
	return newError(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
}

func noSuchKey() *apiError {
	return newError(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
}

func notImplemented() *apiError {
	return newError(http.StatusNotImplemented, "NotImplemented", "A header or query you provided implies functionality that is not implemented.")
}

func malformedXML() *apiError {
	return newError(http.StatusBadRequest, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
}
