package localaws

import (
	"encoding/xml"
	"net/http"
	"slices"

	"github.com/rclone/gofakes3"
)

// versioningConfiguration is the body of the calls on a bucket's versioning.
type versioningConfiguration struct {
	XMLName   xml.Name `xml:"VersioningConfiguration"`
	Xmlns     string   `xml:"xmlns,attr,omitempty"`
	Status    string   `xml:",omitempty"`
	MFADelete string   `xml:"MfaDelete,omitempty"`
}

func (s *Server) getVersioning(q *s3Request) *apiError {
	return q.answer.xml(versioningConfiguration{Xmlns: s3Namespace, Status: string(s.storage.objects.versioning(q.bucket))})
}

// putVersioning switches versioning on, or suspends it. It cannot be switched
// off.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketVersioning.html
func (s *Server) putVersioning(q *s3Request) *apiError {
	var configuration versioningConfiguration
	if failure := readConfig(q, &configuration); failure != nil {
		return failure
	}
	status := gofakes3.VersioningStatus(configuration.Status)
	if status != gofakes3.VersioningEnabled && status != gofakes3.VersioningSuspended {
		return newError(http.StatusBadRequest, "IllegalVersioningConfigurationException", "The Versioning element must be specified")
	}
	if configuration.MFADelete == "Enabled" {
		return notImplemented()
	}
	if !s.storage.objects.setVersioning(q.bucket, status) {
		return noSuchBucket()
	}
	return nil
}

// versionsResult is the answer to ListObjectVersions.
type versionsResult struct {
	XMLName             xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListVersionsResult"`
	Name                string
	Prefix              string
	KeyMarker           string
	VersionIDMarker     string `xml:"VersionIdMarker"`
	NextKeyMarker       string `xml:",omitempty"`
	NextVersionIDMarker string `xml:"NextVersionIdMarker,omitempty"`
	MaxKeys             int
	Delimiter           string `xml:",omitempty"`
	EncodingType        string `xml:",omitempty"`
	IsTruncated         bool
	Version             []listedVersion
	DeleteMarker        []listedVersion
	CommonPrefixes      []commonPrefix
}

type listedVersion struct {
	Key               string
	VersionID         string `xml:"VersionId"`
	IsLatest          bool
	LastModified      string
	ETag              string `xml:",omitempty"`
	ChecksumAlgorithm string `xml:",omitempty"`
	ChecksumType      string `xml:",omitempty"`
	Size              *int
	StorageClass      string `xml:",omitempty"`
	Owner             aclOwner
}

// listVersions serves ListObjectVersions, newest versions first. gofakes3 cannot
// encode keys in it.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
func (s *Server) listVersions(q *s3Request) *apiError {
	result, encode, failure := newVersionsResult(q)
	if failure != nil {
		return failure
	}
	l := lister{prefix: q.query.Get("prefix"), delimiter: q.query.Get("delimiter")}
	keyMarker, count := q.query.Get("key-marker"), 0
	for _, o := range s.storage.objects.versionsBehind(q.bucket, keyMarker, q.query.Get("version-id-marker")) {
		shown, common, skip := l.take(o.key)
		if skip || common && shown == keyMarker {
			continue
		}
		if count == result.MaxKeys {
			result.IsTruncated = count > 0
			break
		}
		count++
		l.last, result.NextKeyMarker, result.NextVersionIDMarker = shown, encode(shown), ""
		if common {
			result.CommonPrefixes = append(result.CommonPrefixes, commonPrefix{encode(shown)})
			continue
		}
		result.NextVersionIDMarker = o.version
		result.add(o, encode(o.key), s.ownerID())
	}
	if !result.IsTruncated {
		result.NextKeyMarker, result.NextVersionIDMarker = "", ""
	}
	return q.answer.xml(result)
}

// newVersionsResult checks the parameters of the list and repeats them.
func newVersionsResult(q *s3Request) (*versionsResult, func(string) string, *apiError) {
	limit, failure := parseLimit("max-keys", q.query.Get("max-keys"), maxListed)
	if failure != nil {
		return nil, nil, failure
	}
	encode, failure := keyEncoder(q.query.Get("encoding-type"))
	if failure != nil {
		return nil, nil, failure
	}
	if q.query.Has("version-id-marker") && q.query.Get("key-marker") == "" {
		return nil, nil, newError(http.StatusBadRequest, "InvalidArgument", "A version-id marker cannot be specified without a key marker.")
	}
	return &versionsResult{
		Name: q.bucket, Prefix: encode(q.query.Get("prefix")), KeyMarker: encode(q.query.Get("key-marker")),
		VersionIDMarker: q.query.Get("version-id-marker"), MaxKeys: limit, Delimiter: encode(q.query.Get("delimiter")),
		EncodingType: q.query.Get("encoding-type"),
	}, encode, nil
}

// listedObject is a version in a list, with whether it is the newest.
type listedObject struct {
	*storedObject
	latest bool
}

func (r *versionsResult) add(o listedObject, key, owner string) {
	listed := listedVersion{Key: key, VersionID: o.version, IsLatest: o.latest, LastModified: listTime(o.modified), Owner: aclOwner{owner}}
	if o.marker {
		r.DeleteMarker = append(r.DeleteMarker, listed)
		return
	}
	size := len(o.body)
	listed.ETag, listed.Size, listed.StorageClass = o.etag(), &size, o.storageClass()
	listed.ChecksumAlgorithm, listed.ChecksumType = o.checksum.Algorithm, o.checksum.Kind
	r.Version = append(r.Version, listed)
}

// versioning is whether a bucket keeps versions.
func (st *objectStore) versioning(bucket string) gofakes3.VersioningStatus {
	st.mu.RLock()
	defer st.mu.RUnlock()
	if b := st.buckets[bucket]; b != nil {
		return b.versioning
	}
	return gofakes3.VersioningNone
}

func (st *objectStore) setVersioning(bucket string, status gofakes3.VersioningStatus) (found bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	b := st.buckets[bucket]
	if b != nil {
		b.versioning = status
	}
	return b != nil
}

// versionsBehind lists all versions behind a marker, in the order of the keys,
// newest first. Without a version, all of the marker's key are left out.
func (st *objectStore) versionsBehind(bucket, key, version string) []listedObject {
	st.mu.RLock()
	defer st.mu.RUnlock()
	b := st.buckets[bucket]
	if b == nil {
		return nil
	}
	var behind []listedObject
	for _, name := range b.sortedKeys() {
		versions := b.objects[name]
		end := len(versions)
		switch {
		case name < key:
			continue
		case name == key: // those older than the marker
			end = max(0, slices.IndexFunc(versions, func(o *storedObject) bool { return o.version == version }))
		}
		for i := end - 1; i >= 0; i-- {
			behind = append(behind, listedObject{versions[i], i == len(versions)-1})
		}
	}
	return behind
}
