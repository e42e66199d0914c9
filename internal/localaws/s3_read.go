package localaws

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rclone/gofakes3"
)

// readObject serves GetObject and HeadObject. gofakes3 does not: it takes the
// MD5 of an object for its entity tag, which that of an upload in parts is not.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
func (s *Server) readObject(q *s3Request) *apiError {
	o, failure := s.findObject(q)
	if failure != nil {
		return failure
	}
	conditions := readConditions(q.http.Header, "")
	if conditions.failed(o) {
		return preconditionFailed()
	}
	q.answer.header.Set("Etag", o.etag())
	q.answer.header.Set("Last-Modified", o.modified.UTC().Format(http.TimeFormat))
	if conditions.notModified(o) {
		q.answer.status = http.StatusNotModified
		return nil
	}
	span, failure := q.span(o)
	if failure != nil {
		return failure
	}
	q.describe(o, span)
	if failure := s.overrideHeaders(q); failure != nil {
		return failure
	}
	s.countTags(q, o)
	q.answer.content = o.body[span.start:span.end]
	return nil
}

// findObject looks up what is read, and says why there is nothing.
func (s *Server) findObject(q *s3Request) (*storedObject, *apiError) {
	o, shown, err := s.storage.objects.lookup(objectVersion{q.bucket, q.key, q.version})
	if err == nil {
		if shown != "" {
			q.answer.header.Set("X-Amz-Version-Id", string(shown))
		}
		return o, nil
	}
	if gofakes3.HasErrorCode(err, gofakes3.ErrNoSuchVersion) {
		return nil, noSuchVersion()
	}
	return nil, s.missingKey(q)
}

func noSuchVersion() *apiError {
	return newError(http.StatusNotFound, "NoSuchVersion", "The specified version does not exist.")
}

// span is the part of an object that is asked for.
type span struct {
	start, end int // end is behind the last byte
	partial    bool
}

// span finds the part of an object that the request asks for, by a range of
// bytes or the number of a part.
func (q *s3Request) span(o *storedObject) (span, *apiError) {
	requested, number := q.http.Header.Get("Range"), q.query.Get("partNumber")
	switch {
	case number == "":
		return byteRange(requested, len(o.body))
	case requested != "":
		return span{}, newError(http.StatusBadRequest, "InvalidRequest", "Cannot specify both Range header and partNumber query parameter")
	}
	n, failure := parsePartNumber(number)
	if failure != nil {
		return span{}, failure
	}
	whole := span{end: len(o.body)}
	if len(o.parts) == 0 && n == 1 {
		return whole, nil
	}
	part := span{partial: true}
	for i, p := range o.parts {
		part.start, part.end = part.end, part.end+int(p.Size)
		if i+1 == n {
			q.answer.header.Set("X-Amz-Mp-Parts-Count", strconv.Itoa(len(o.parts)))
			return part, nil
		}
	}
	return span{}, newError(http.StatusRequestedRangeNotSatisfiable, "InvalidPartNumber", "The requested partnumber is not satisfiable")
}

func parsePartNumber(text string) (int, *apiError) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxPartNumber {
		return 0, newError(http.StatusBadRequest, "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")
	}
	return n, nil
}

// byteRange reads a Range header. S3 serves one range; a header that it cannot
// read, or that names several, counts for nothing.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html#API_GetObject_RequestSyntax
func byteRange(header string, size int) (span, *apiError) {
	whole := span{end: size}
	unit, requested, _ := strings.Cut(header, "=")
	first, last, ok := strings.Cut(requested, "-")
	if unit != "bytes" || !ok {
		return whole, nil
	}
	start, errFirst := strconv.Atoi(first)
	end, errLast := strconv.Atoi(last)
	switch {
	case first == "" && errLast == nil: // the last bytes
		start, end = size-min(end, size), size
	case errFirst == nil && last == "":
		end = size
	case errFirst == nil && errLast == nil && start <= end:
		end = min(end, size-1) + 1
	default:
		return whole, nil
	}
	if start >= size || start < 0 {
		return span{}, newError(http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "The requested range is not satisfiable")
	}
	return span{start: start, end: end, partial: true}, nil
}

// describe shows what is known of an object in the answer's headers.
func (q *s3Request) describe(o *storedObject, part span) {
	header := q.answer.header
	header.Set("Accept-Ranges", "bytes")
	for name, value := range o.metadata {
		switch {
		case strings.HasPrefix(name, "X-Amz-Meta-"):
			// Clients take the names as they come, and AWS's are in lower case.
			header[strings.ToLower(name)] = []string{value}
		case name == "X-Amz-Storage-Class" && value == "STANDARD", name == gofakes3.TaggingMetadataKey, name == "Last-Modified":
		default:
			header.Set(name, value)
		}
	}
	if header.Get("Content-Type") == "" {
		header.Set("Content-Type", "binary/octet-stream")
	}
	if part.partial {
		q.answer.status = http.StatusPartialContent
		header.Set("Content-Range", "bytes "+strconv.Itoa(part.start)+"-"+strconv.Itoa(part.end-1)+"/"+strconv.Itoa(len(o.body)))
	} else if strings.EqualFold(q.http.Header.Get("X-Amz-Checksum-Mode"), "ENABLED") {
		o.checksum.addTo(header) // which is that of the whole object
	}
}

// overrideHeaders sets the headers that the query asks for, which AWS does for
// signed requests only.
func (s *Server) overrideHeaders(q *s3Request) *apiError {
	for parameter := range strings.FieldsSeq(responseParams) {
		value := q.query.Get(parameter)
		if value == "" {
			continue
		}
		if q.isAnonymous() {
			return newError(http.StatusBadRequest, "InvalidRequest", "Request specific response headers cannot be used for anonymous GET requests.")
		}
		q.answer.header.Set(strings.TrimPrefix(parameter, "response-"), value)
	}
	return nil
}

// countTags tells the number of tags to who may read them.
func (s *Server) countTags(q *s3Request, o *storedObject) {
	tags := o.tags()
	if len(tags) == 0 {
		return
	}
	if s.judgeOne(q, tagsCheck(q.bucket, q.key, q.version)) == nil {
		q.answer.header.Set("X-Amz-Tagging-Count", strconv.Itoa(len(tags)))
	}
}

// tags are the tags of the object, which gofakes3 keeps as a query string.
func (o *storedObject) tags() map[string]string {
	stored, err := url.ParseQuery(o.metadata[gofakes3.TaggingMetadataKey])
	if err != nil {
		return nil
	}
	tags := make(map[string]string, len(stored))
	for name, values := range stored {
		tags[name] = values[0]
	}
	return tags
}

// objectAttributes is the answer to GetObjectAttributes.
type objectAttributes struct {
	XMLName      xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ GetObjectAttributesResponse"`
	ETag         string   `xml:",omitempty"`
	Checksum     *checksumElement
	ObjectParts  *attributeParts
	StorageClass string `xml:",omitempty"`
	ObjectSize   *int
}

type attributeParts struct {
	PartsCount           int
	PartNumberMarker     int
	NextPartNumberMarker int
	MaxParts             int
	IsTruncated          bool
	Part                 []attributePart
}

type attributePart struct {
	PartNumber int
	Size       int64
	checksumElement
}

// getAttributes serves GetObjectAttributes.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html
func (s *Server) getAttributes(q *s3Request) *apiError {
	o, failure := s.findObject(q)
	if failure != nil {
		return failure
	}
	asked := strings.FieldsFunc(strings.Join(q.http.Header.Values("X-Amz-Object-Attributes"), ","), func(r rune) bool { return r == ',' || r == ' ' })
	known := []string{"ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"}
	if len(asked) == 0 || slices.ContainsFunc(asked, func(name string) bool { return !slices.Contains(known, name) }) {
		return newError(http.StatusBadRequest, "InvalidArgument", "Invalid attribute name specified.")
	}
	q.answer.header.Set("Last-Modified", o.modified.UTC().Format(http.TimeFormat))
	var answer objectAttributes
	for _, name := range asked {
		switch name {
		case "ETag":
			answer.ETag = strings.Trim(o.etag(), `"`)
		case "Checksum":
			answer.Checksum = o.checksum.element()
		case "StorageClass":
			answer.StorageClass = o.storageClass()
		case "ObjectSize":
			size := len(o.body)
			answer.ObjectSize = &size
		case "ObjectParts":
			if answer.ObjectParts, failure = q.attributeParts(o); failure != nil {
				return failure
			}
		}
	}
	return q.answer.xml(answer)
}

// attributeParts lists the parts of an object; nil if it was uploaded in one.
func (q *s3Request) attributeParts(o *storedObject) (*attributeParts, *apiError) {
	if len(o.parts) == 0 {
		return nil, nil
	}
	limit, failure := parseLimit("max-parts", q.http.Header.Get("X-Amz-Max-Parts"), maxListed)
	if failure != nil {
		return nil, failure
	}
	marker, failure := parseLimit("part-number-marker", q.http.Header.Get("X-Amz-Part-Number-Marker"), 0)
	if failure != nil {
		return nil, failure
	}
	answer := &attributeParts{PartsCount: len(o.parts), PartNumberMarker: marker, MaxParts: limit}
	for _, p := range o.parts {
		if p.Number <= marker {
			continue
		}
		if len(answer.Part) == limit {
			answer.IsTruncated = true
			break
		}
		listed := attributePart{PartNumber: p.Number, Size: p.Size}
		listed.set(o.checksum.Algorithm, p.Checksum)
		answer.Part = append(answer.Part, listed)
		answer.NextPartNumberMarker = p.Number
	}
	return answer, nil
}

// storageClass is the class that the uploader named.
func (o *storedObject) storageClass() string {
	if class := o.metadata["X-Amz-Storage-Class"]; class != "" {
		return class
	}
	return "STANDARD"
}

// markerHeaders are the headers of an answer that refuses to serve a delete
// marker.
func markerHeaders(marker *storedObject) http.Header {
	header := http.Header{}
	header.Set("X-Amz-Delete-Marker", "true")
	header.Set("X-Amz-Version-Id", marker.version)
	header.Set("Last-Modified", marker.modified.UTC().Format(http.TimeFormat))
	return header
}

// listTime is a time as lists show it.
func listTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
