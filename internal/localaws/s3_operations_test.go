package localaws

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/litentry/wallet-federation/internal/bucketpolicy"
)

// request is the smallest request for an operation.
func (op *s3Operation) request(t *testing.T) *http.Request {
	t.Helper()
	target := map[s3Level]string{onAccount: "/", onBucket: "/" + shared, onObject: "/" + shared + "/key"}[op.level]
	if op.selector != "" {
		target += "?" + op.selector + "=1"
	}
	r := httptest.NewRequestWithContext(t.Context(), op.method, target, http.NoBody)
	if op.copies {
		r.Header.Set("X-Amz-Copy-Source", "/"+shared+"/source")
	}
	return r
}

const shared = "shared-bucket"

func TestEachRequestIsOneOperation(t *testing.T) {
	t.Parallel()
	s := newBucketServer(t, shared)
	for i := range s.storage.operations {
		op := &s.storage.operations[i]
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			r := op.request(t)
			var recognized []string
			for _, other := range s.storage.operations {
				if other.recognizes(op.level, r, r.URL.Query()) {
					recognized = append(recognized, other.name)
				}
			}
			if diff := cmp.Diff([]string{op.name}, recognized); diff != "" {
				t.Errorf("recognized (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEachOperationIsJudged(t *testing.T) {
	t.Parallel()
	s := newBucketServer(t, shared)
	if code := s.call(t, http.MethodPut, "/"+shared+"/source", "x"); code != success {
		t.Fatal(code)
	}
	for i := range s.storage.operations {
		op := &s.storage.operations[i]
		if op.name == "DeleteObjects" {
			continue // judges its keys; see TestDeleteObjectsJudgesEachKey
		}
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			w := httptest.NewRecorder()
			s.serveS3(w, op.request(t), anonymous())
			if w.Code != http.StatusForbidden {
				t.Errorf("a caller without permissions was answered %d %s", w.Code, w.Body)
			}
		})
	}
}

func TestWhatIsNotRecognizedIsRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ method, target string }{
		"an operation that is not served":         {http.MethodGet, "/" + shared + "?analytics"},
		"rules of a bucket":                       {http.MethodPut, "/" + shared + "?lifecycle"},
		"a browser's upload":                      {http.MethodPost, "/" + shared},
		"a method that nothing has":               {http.MethodPatch, "/" + shared + "/key"},
		"a preflight request":                     {http.MethodOptions, "/" + shared + "/key"},
		"two operations at once":                  {http.MethodGet, "/" + shared + "/key?tagging&acl"},
		"an operation under another's name":       {http.MethodDelete, "/" + shared + "?location"},
		"a deletion that names an upload of none": {http.MethodDelete, "/" + shared + "/key?uploadId="},
		"parts of no upload":                      {http.MethodGet, "/" + shared + "/key?uploadId="},
		"a version of no name":                    {http.MethodGet, "/" + shared + "/key?versionId="},
		"a parameter twice":                       {http.MethodGet, "/" + shared + "?prefix=a&prefix=b"},
		"a parameter that is none":                {http.MethodGet, "/" + shared + "?prefixx=a"},
		"a version of a list":                     {http.MethodGet, "/" + shared + "?versionId=1"},
		"tags of an upload":                       {http.MethodPut, "/" + shared + "/key?tagging&uploadId=1"},
		"an object in a bucket without a name":    {http.MethodGet, "//key"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newBucketServer(t, shared)
			if code := s.call(t, http.MethodPut, "/"+shared+"/key", "x"); code != success {
				t.Fatal(code)
			}
			code := s.call(t, test.method, test.target, "body")
			if !slices.Contains([]string{"NotImplemented", "InvalidArgument", "InvalidBucketName"}, code) {
				t.Errorf("answered %q", code)
			}
			if code := s.call(t, http.MethodGet, "/"+shared+"/key", ""); code != success {
				t.Errorf("the object is gone: %s", code)
			}
		})
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ host, path, bucket, key string }{
		"path style":                        {"127.0.0.1:4566", "/bucket/a/b", "bucket", "a/b"},
		"path style on localhost":           {"localhost:4566", "/bucket/a/b", "bucket", "a/b"},
		"path style on a service's name":    {"localaws.demo.svc:4566", "/bucket/a", "bucket", "a"},
		"path style on S3's name":           {"s3.us-east-1.localhost:4566", "/bucket/a", "bucket", "a"},
		"a key that begins with a slash":    {"127.0.0.1:4566", "/bucket//a", "bucket", "/a"},
		"a bucket with a slash behind":      {"127.0.0.1:4566", "/bucket/", "bucket", ""},
		"virtual host":                      {"bucket.localhost:4566", "/a/b", "bucket", "a/b"},
		"virtual host of S3":                {"bucket.s3.localhost:4566", "/a", "bucket", "a"},
		"virtual host of S3 in a region":    {"bucket.s3.eu-west-1.localhost", "/a", "bucket", "a"},
		"virtual host of a dotted bucket":   {"my.bucket.s3.eu-west-1.localhost", "/a", "my.bucket", "a"},
		"virtual host with a leading slash": {"bucket.localhost:4566", "//a", "bucket", "/a"},
		"the account":                       {"s3.localhost:4566", "/", "", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bucket, key := address(&http.Request{Host: test.host, URL: &url.URL{Path: test.path}})
			if bucket != test.bucket || key != test.key {
				t.Errorf("bucket %q, key %q, want %q and %q", bucket, key, test.bucket, test.key)
			}
		})
	}
}

func TestCopySources(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		header string
		want   *copySource // nil for refused
	}{
		"plain":                     {"bucket/a/b", &copySource{objectVersion{"bucket", "a/b", ""}}},
		"with a leading slash":      {"/bucket/a", &copySource{objectVersion{"bucket", "a", ""}}},
		"encoded":                   {"bucket%2Fa%3Fb%2Bc", &copySource{objectVersion{"bucket", "a?b+c", ""}}},
		"of a version":              {"bucket/a?versionId=x", &copySource{objectVersion{"bucket", "a", "x"}}},
		"of a version without name": {"bucket/a?versionId=", nil},
		"with another parameter":    {"bucket/a?acl", nil},
		"without a key":             {"bucket", nil},
		"with an empty key":         {"bucket/", nil},
		"with a malformed encoding": {"bucket/%zz", nil},
		"without a bucket":          {"//key", nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, failure := parseCopySource(test.header)
			if test.want == nil {
				if failure == nil {
					t.Errorf("accepted as %+v", got)
				}
				return
			}
			if failure != nil || *got != *test.want {
				t.Fatalf("got %+v, %+v, want %+v", got, failure, test.want)
			}
			again, failure := parseCopySource(got.header())
			if failure != nil || again.bucket != got.bucket || again.key != got.key {
				t.Errorf("what gofakes3 gets, %q, reads as %+v", got.header(), again)
			}
		})
	}
}

func TestActionsOfTheTableExist(t *testing.T) {
	t.Parallel()
	for _, op := range slices.Concat(s3Operations(), unsetOperations()) {
		for _, action := range []string{op.action, op.versionAction} {
			if action != "" && !bucketpolicy.KnowsAction(action) {
				t.Errorf("%s: there is no action %s", op.name, action)
			}
		}
	}
}
