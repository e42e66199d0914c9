package localaws

import (
	"crypto/tls"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestConditionKeysOfEachAction judges requests and looks at which of S3's keys
// the action comes with.
func TestConditionKeysOfEachAction(t *testing.T) {
	t.Parallel()
	const bucket, object = "/" + shared, "/" + shared + "/key"
	upload := http.Header{
		"X-Amz-Acl": {"private"}, "X-Amz-Storage-Class": {"GLACIER"}, "X-Amz-Tagging": {"a=b"}, "X-Amz-Server-Side-Encryption": {"AES256"},
		"If-None-Match": {"*"}, "X-Amz-Object-Lock-Mode": {"GOVERNANCE"},
	}
	tests := map[string]struct {
		method, target, body string
		header               http.Header
		check                s3Check
		want                 map[string]string
	}{
		"a list": {
			method: http.MethodGet, target: bucket + "?list-type=2&prefix=a/&max-keys=7", check: s3Check{action: "s3:ListBucket"},
			want: map[string]string{"prefix": "a/", "delimiter": "", "max-keys": "7"},
		},
		"a list of everything": {
			method: http.MethodGet, target: bucket, check: s3Check{action: "s3:ListBucket"},
			want: map[string]string{"prefix": "", "delimiter": "", "max-keys": "1000"},
		},
		"whether the bucket exists": {method: http.MethodHead, target: bucket, check: s3Check{action: "s3:ListBucket"}},
		"a list of uploads": {
			method: http.MethodGet, target: bucket + "?uploads&prefix=a/", check: s3Check{action: "s3:ListBucketMultipartUploads"},
		},
		"whether a missing object may be called missing": {
			method: http.MethodGet, target: object, check: s3Check{action: "s3:ListBucket"},
		},
		"an upload": {
			method: http.MethodPut, target: object, header: upload, check: s3Check{action: "s3:PutObject", key: "key"},
			want: map[string]string{
				"x-amz-acl": "private", "x-amz-storage-class": "GLACIER", "x-amz-server-side-encryption": "AES256", "if-none-match": "*",
				"object-lock-mode": "GOVERNANCE", "requestobjecttag/a": "b", "requestobjecttagkeys": "a", "objectcreationoperation": "true",
			},
		},
		"the tags of an upload": {
			method: http.MethodPut, target: object, header: upload, check: s3Check{action: "s3:PutObjectTagging", key: "key"},
			want: map[string]string{"requestobjecttag/a": "b", "requestobjecttagkeys": "a", "existingobjecttag/old": "tag"},
		},
		"the ACL of an upload": {
			method: http.MethodPut, target: object, header: upload, check: s3Check{action: "s3:PutObjectAcl", key: "key"},
			want: map[string]string{"x-amz-acl": "private", "existingobjecttag/old": "tag"},
		},
		"tags": {
			method: http.MethodPut, target: object + "?tagging", check: s3Check{action: "s3:PutObjectTagging", key: "key"},
			body: "<Tagging><TagSet><Tag><Key>c</Key><Value>d</Value></Tag></TagSet></Tagging>",
			want: map[string]string{"requestobjecttag/c": "d", "requestobjecttagkeys": "c", "existingobjecttag/old": "tag"},
		},
		"a part": {
			method: http.MethodPut, target: object + "?uploadId=1&partNumber=1", check: s3Check{action: "s3:PutObject", key: "key"},
			want: map[string]string{"objectcreationoperation": "false"},
		},
		"the target of a copy": {
			method: http.MethodPut, target: object, check: s3Check{action: "s3:PutObject", key: "key"},
			header: http.Header{"X-Amz-Copy-Source": {shared + "/from?versionId=v"}, "X-Amz-Metadata-Directive": {"REPLACE"}},
			want: map[string]string{
				"x-amz-copy-source": shared + "/from", "x-amz-metadata-directive": "REPLACE", "objectcreationoperation": "true",
			},
		},
		"the source of a copy": {
			method: http.MethodPut, target: object, check: readCheck(shared, "from", "v"),
			header: http.Header{"X-Amz-Copy-Source": {shared + "/from?versionId=v"}},
			want:   map[string]string{"versionid": "v"},
		},
		"a download": {
			method: http.MethodGet, target: object, header: http.Header{"If-None-Match": {"x"}}, check: s3Check{action: "s3:GetObject", key: "key"},
			want: map[string]string{"existingobjecttag/old": "tag"},
		},
		"a deletion": {
			method: http.MethodDelete, target: object, header: http.Header{"If-Match": {"x"}}, check: s3Check{action: "s3:DeleteObject", key: "key"},
			want: map[string]string{"if-match": "x"},
		},
		"one of many deletions": {
			method: http.MethodPost, target: bucket + "?delete", check: s3Check{action: "s3:DeleteObject", key: "key", etag: "x"},
			want: map[string]string{"if-match": "x"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newBucketServer(t, shared)
			store := httptest.NewRequestWithContext(t.Context(), http.MethodPut, object, http.NoBody)
			store.Header.Set("X-Amz-Tagging", "old=tag")
			s.serveS3(httptest.NewRecorder(), store, s.administrator())
			r := httptest.NewRequestWithContext(t.Context(), test.method, test.target, strings.NewReader(test.body))
			maps.Copy(r.Header, test.header)
			q, failure := s.readS3(r, s.administrator())
			if failure != nil {
				t.Fatalf("%+v", failure)
			}
			test.check.bucket = shared
			before := s.s3Context(q)
			after := maps.Clone(before)
			s.addActionKeys(after, q, test.check)
			got := map[string]string{}
			for key, values := range after {
				if _, ok := before[key]; !ok {
					got[strings.TrimPrefix(strings.ToLower(key), "s3:")] = strings.Join(values.Strings(), ",")
				}
			}
			if test.want == nil {
				test.want = map[string]string{}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("keys (-want +got):\n%s", diff)
			}
		})
	}
}

func TestConditionKeysOfTheConnection(t *testing.T) {
	t.Parallel()
	s := exampleServer(t, exampleTime())
	tests := map[string]struct {
		request func() *http.Request
		want    map[string]string
	}{
		"signed in the header": {
			func() *http.Request { return getExample().request(t) },
			map[string]string{"s3:authtype": "REST-HEADER", "s3:signatureversion": signingAlgorithm, "aws:securetransport": "false"},
		},
		"presigned": {
			func() *http.Request { return presigned(t, presignedExample) },
			map[string]string{"s3:authtype": "REST-QUERY-STRING", "s3:signatureversion": signingAlgorithm, "s3:signatureage": "0"},
		},
		"unsigned, over TLS": {
			func() *http.Request {
				r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/"+shared+"/key", http.NoBody)
				r.TLS = &tls.ConnectionState{Version: tls.VersionTLS13}
				return r
			},
			map[string]string{"s3:tlsversion": "1.3", "aws:securetransport": "true", "s3:resourceaccount": "123456789012"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := s.s3Context(&s3Request{http: test.request(), caller: anonymous()})
			got := map[string]string{}
			for key, values := range ctx {
				got[strings.ToLower(key)] = strings.Join(values.Strings(), ",")
			}
			for key, want := range test.want {
				if got[key] != want {
					t.Errorf("%s is %q, want %q", key, got[key], want)
				}
			}
			for _, key := range []string{"s3:authtype", "s3:signatureversion", "s3:signatureage", "s3:tlsversion"} {
				if _, present := got[key]; present && !slices.Contains(slices.Collect(maps.Keys(test.want)), key) {
					t.Errorf("%s is %q, want none", key, got[key])
				}
			}
		})
	}
}
