package localaws

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/rclone/gofakes3"
)

// maxListed is how many parts or uploads one answer lists.
const maxListed = 1000

// createUpload serves CreateMultipartUpload.
func (s *Server) createUpload(q *s3Request) *apiError {
	if failure := checkNewObject(q); failure != nil {
		return failure
	}
	wanted, failure := partsChecksum(q.http.Header)
	if failure != nil {
		return failure
	}
	if q.store.grants, failure = s.newObjectACL(q); failure != nil {
		return failure
	}
	q.store.checksum = wanted
	if failure := s.forward(q); failure != nil {
		return failure
	}
	if q.http.Header.Get("X-Amz-Checksum-Algorithm") != "" {
		q.answer.header.Set("X-Amz-Checksum-Algorithm", wanted.Algorithm)
		q.answer.header.Set("X-Amz-Checksum-Type", wanted.Kind)
	}
	return nil
}

// uploadPart serves UploadPart. gofakes3 does not look at a part's checksum.
func (s *Server) uploadPart(q *s3Request) *apiError {
	if _, failure := parsePartNumber(q.query.Get("partNumber")); failure != nil {
		return failure
	}
	upload, _, err := s.storage.objects.partsOf(q.bucket, q.key, q.query.Get("uploadId"))
	if err != nil {
		return noSuchUpload()
	}
	body, failure := readBody(q.http, maxObjectBody)
	if failure != nil {
		return failure
	}
	sum, failure := checkUpload(q.http.Header, body, upload.checksum.Algorithm)
	if failure != nil {
		return failure
	}
	q.store.body, q.store.checksum = body, sum
	if failure := s.forward(q); failure != nil {
		return failure
	}
	q.answer.header.Set(checksumHeaderOf(sum.Algorithm), sum.Value)
	return nil
}

// uploadPartCopy serves UploadPartCopy.
func (s *Server) uploadPartCopy(q *s3Request) *apiError {
	if _, failure := parsePartNumber(q.query.Get("partNumber")); failure != nil {
		return failure
	}
	return s.forward(q)
}

func noSuchUpload() *apiError {
	return newError(http.StatusNotFound, "NoSuchUpload",
		"The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.")
}

// completeRequest is the body of CompleteMultipartUpload, as far as gofakes3
// does not read it.
type completeRequest struct {
	XMLName xml.Name `xml:"CompleteMultipartUpload"`
	Parts   []struct {
		PartNumber int
		checksumElement
	} `xml:"Part"`
}

// completeResult is the answer to CompleteMultipartUpload.
type completeResult struct {
	XMLName  xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CompleteMultipartUploadResult"`
	Location string
	Bucket   string
	Key      string
	ETag     string
	checksumElement
}

// completeUpload serves CompleteMultipartUpload.
func (s *Server) completeUpload(q *s3Request) *apiError {
	if failure := q.store.conditions.checkWriteHeaders(); failure != nil {
		return failure
	}
	body, failure := readBody(q.http, maxConfigBody)
	if failure != nil {
		return failure
	}
	var request completeRequest
	if err := decodeXML(body, &request); err != nil || len(request.Parts) > maxPartNumber {
		return malformedXML()
	}
	q.store.parts = map[int]checksum{}
	for _, part := range request.Parts {
		if c := part.get(); c.Algorithm != "" {
			q.store.parts[part.PartNumber] = c
		}
	}
	if q.store.checksum, failure = q.claimedObjectChecksum(); failure != nil {
		return failure
	}
	if failure := s.forward(q); failure != nil || q.store.written == nil {
		return failure // done before: gofakes3 repeats its answer
	}
	o := q.store.written
	result := completeResult{
		Location: (&url.URL{Scheme: "http", Host: q.http.Host, Path: "/" + q.bucket + "/" + q.key}).String(),
		Bucket:   q.bucket, Key: q.key, ETag: o.etag(),
	}
	result.set(o.checksum.Algorithm, o.checksum.Value)
	result.ChecksumType = o.checksum.Kind
	return q.answer.xml(result)
}

// claimedObjectChecksum is the checksum of the object that the headers of a
// completion claim. It is not one of the body.
func (q *s3Request) claimedObjectChecksum() (checksum, *apiError) {
	header := q.http.Header.Clone()
	header.Del("X-Amz-Sdk-Checksum-Algorithm")
	return claimedChecksum(header)
}

// checksumElement is a checksum as answers in XML have it.
type checksumElement struct {
	ChecksumCRC32     string `xml:",omitempty"`
	ChecksumCRC32C    string `xml:",omitempty"`
	ChecksumCRC64NVME string `xml:",omitempty"`
	ChecksumSHA1      string `xml:",omitempty"`
	ChecksumSHA256    string `xml:",omitempty"`
	ChecksumType      string `xml:",omitempty"`
}

func (e *checksumElement) fields() map[string]*string {
	return map[string]*string{
		"CRC32": &e.ChecksumCRC32, "CRC32C": &e.ChecksumCRC32C, "CRC64NVME": &e.ChecksumCRC64NVME,
		"SHA1": &e.ChecksumSHA1, "SHA256": &e.ChecksumSHA256,
	}
}

func (e *checksumElement) set(algorithm, value string) {
	if field := e.fields()[algorithm]; field != nil {
		*field = value
	}
}

// get is the checksum that is said of a part.
func (e *checksumElement) get() checksum {
	for algorithm, value := range e.fields() {
		if *value != "" {
			return checksum{Algorithm: algorithm, Kind: fullObject, Value: *value}
		}
	}
	return checksum{}
}

// element renders a checksum; nil for none.
func (c checksum) element() *checksumElement {
	if c.Algorithm == "" {
		return nil
	}
	e := &checksumElement{ChecksumType: c.Kind}
	e.set(c.Algorithm, c.Value)
	return e
}

// partsResult is the answer to ListParts.
type partsResult struct {
	XMLName              xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListPartsResult"`
	Bucket               string
	Key                  string
	UploadID             string `xml:"UploadId"`
	Initiator, Owner     aclOwner
	StorageClass         string
	PartNumberMarker     int
	NextPartNumberMarker int
	MaxParts             int
	IsTruncated          bool
	ChecksumAlgorithm    string `xml:",omitempty"`
	ChecksumType         string `xml:",omitempty"`
	Part                 []listedPart
}

type listedPart struct {
	PartNumber   int
	LastModified string
	ETag         string
	Size         int
	checksumElement
}

// listParts serves ListParts. gofakes3 panics on a marker behind the last part.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html
func (s *Server) listParts(q *s3Request) *apiError {
	limit, failure := parseLimit("max-parts", q.query.Get("max-parts"), maxListed)
	if failure != nil {
		return failure
	}
	marker, failure := parseLimit("part-number-marker", q.query.Get("part-number-marker"), 0)
	if failure != nil {
		return failure
	}
	upload, parts, err := s.storage.objects.partsOf(q.bucket, q.key, q.query.Get("uploadId"))
	if err != nil {
		return noSuchUpload()
	}
	owner := aclOwner{ID: s.ownerID()}
	result := partsResult{
		Bucket: q.bucket, Key: q.key, UploadID: upload.id, Initiator: owner, Owner: owner, StorageClass: "STANDARD",
		PartNumberMarker: marker, MaxParts: limit, ChecksumAlgorithm: upload.checksum.Algorithm, ChecksumType: upload.checksum.Kind,
	}
	for _, part := range parts {
		if part.number <= marker {
			continue
		}
		if len(result.Part) == limit {
			result.IsTruncated = true
			break
		}
		listed := listedPart{PartNumber: part.number, LastModified: listTime(part.modified), ETag: part.etag(), Size: len(part.body)}
		listed.set(part.checksum.Algorithm, part.checksum.Value)
		result.Part = append(result.Part, listed)
		result.NextPartNumberMarker = part.number
	}
	return q.answer.xml(result)
}

// uploadsResult is the answer to ListMultipartUploads.
type uploadsResult struct {
	XMLName            xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListMultipartUploadsResult"`
	Bucket             string
	KeyMarker          string
	UploadIDMarker     string `xml:"UploadIdMarker"`
	NextKeyMarker      string `xml:",omitempty"`
	NextUploadIDMarker string `xml:"NextUploadIdMarker,omitempty"`
	Prefix             string
	Delimiter          string `xml:",omitempty"`
	EncodingType       string `xml:",omitempty"`
	MaxUploads         int
	IsTruncated        bool
	Upload             []listedUpload
	CommonPrefixes     []commonPrefix
}

type listedUpload struct {
	Key               string
	UploadID          string `xml:"UploadId"`
	Initiator, Owner  aclOwner
	StorageClass      string
	Initiated         string
	ChecksumAlgorithm string `xml:",omitempty"`
	ChecksumType      string `xml:",omitempty"`
}

type commonPrefix struct{ Prefix string }

// listUploads serves ListMultipartUploads.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html
func (s *Server) listUploads(q *s3Request) *apiError {
	limit, failure := parseLimit("max-uploads", q.query.Get("max-uploads"), maxListed)
	if failure != nil {
		return failure
	}
	encode, failure := keyEncoder(q.query.Get("encoding-type"))
	if failure != nil {
		return failure
	}
	l := lister{prefix: q.query.Get("prefix"), delimiter: q.query.Get("delimiter")}
	keyMarker, idMarker := q.query.Get("key-marker"), q.query.Get("upload-id-marker")
	result := uploadsResult{
		Bucket: q.bucket, KeyMarker: encode(keyMarker), UploadIDMarker: idMarker, Prefix: encode(l.prefix), Delimiter: encode(l.delimiter),
		EncodingType: q.query.Get("encoding-type"), MaxUploads: limit,
	}
	owner := aclOwner{ID: s.ownerID()}
	for _, u := range uploadsBehind(s.storage.objects.uploadsIn(q.bucket), keyMarker, idMarker) {
		shown, common, skip := l.take(u.key)
		if skip || common && shown == keyMarker {
			continue
		}
		if len(result.Upload)+len(result.CommonPrefixes) == limit {
			result.IsTruncated = true
			break
		}
		l.last, result.NextKeyMarker, result.NextUploadIDMarker = shown, encode(shown), ""
		if common {
			result.CommonPrefixes = append(result.CommonPrefixes, commonPrefix{encode(shown)})
			continue
		}
		result.NextUploadIDMarker = u.id
		result.Upload = append(result.Upload, listedUpload{
			Key: encode(u.key), UploadID: u.id, Initiator: owner, Owner: owner, StorageClass: "STANDARD",
			Initiated: listTime(u.initiated), ChecksumAlgorithm: u.checksum.Algorithm, ChecksumType: u.checksum.Kind,
		})
	}
	if !result.IsTruncated {
		result.NextKeyMarker, result.NextUploadIDMarker = "", ""
	}
	return q.answer.xml(result)
}

// uploadsBehind leaves out the uploads up to a marker. Without an upload id, all
// uploads of the marker's key are left out.
func uploadsBehind(uploads []partsUpload, key, id string) []partsUpload {
	if key == "" {
		return uploads
	}
	if i := slices.IndexFunc(uploads, func(u partsUpload) bool { return u.key == key && u.id == id }); i >= 0 {
		return uploads[i+1:]
	}
	return slices.DeleteFunc(uploads, func(u partsUpload) bool { return u.key <= key })
}

// keyEncoder encodes keys in a list as the client asked for, which is url or not
// at all.
func keyEncoder(encoding string) (func(string) string, *apiError) {
	switch encoding {
	case "":
		return func(key string) string { return key }, nil
	case "url":
		return gofakes3.URLEncode, nil
	default:
		return nil, newError(http.StatusBadRequest, "InvalidArgument", "Invalid Encoding Method specified in Request")
	}
}

// parseLimit reads a number that is not negative, and bounds it by maxListed; a
// marker, whose default is 0, is not bounded. Empty text is the default.
func parseLimit(name, text string, fallback int) (int, *apiError) {
	if text == "" {
		return fallback, nil
	}
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 32)
	if err != nil || n < 0 {
		return 0, newError(http.StatusBadRequest, "InvalidArgument", "Argument %s must be an integer between 0 and 2147483647", name)
	}
	if fallback == maxListed {
		n = min(n, maxListed)
	}
	return int(n), nil
}
