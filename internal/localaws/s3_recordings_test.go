package localaws

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// recordedPolicy is a PutBucketPolicy that was sent to AWS.
type recordedPolicy struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Evidence string `json:"evidence"`
	// Policies is {"resource": document} in the rows that are wanted.
	Policies json.RawMessage `json:"policies"`
	Code     string          `json:"code"`
	IsPublic bool            `json:"is_public"`
	Blocked  struct {
		Code string `json:"code"`
	} `json:"with_block_public_policy"`
}

// document is the policy that was sent.
func (r *recordedPolicy) document(t *testing.T) string {
	t.Helper()
	var policies struct {
		Resource json.RawMessage `json:"resource"`
	}
	if err := json.Unmarshal(r.Policies, &policies); err != nil {
		t.Fatal(err)
	}
	return string(policies.Resource)
}

// recordedPolicies are the recordings of PutBucketPolicy and of what AWS then
// thought of the policy.
func recordedPolicies(t *testing.T) []recordedPolicy {
	t.Helper()
	data, err := os.ReadFile("../policycase/testdata/policy.json")
	if err != nil {
		t.Fatal(err)
	}
	var all, wanted []recordedPolicy
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		if strings.HasPrefix(r.Evidence, "live S3 PutBucketPolicy") {
			wanted = append(wanted, r)
		}
	}
	if len(wanted) == 0 {
		t.Fatal("no recordings found")
	}
	return wanted
}

// recordedBucket is the bucket of the recordings.
const recordedBucket = "native-public-policy"

func TestRecordedBucketPolicies(t *testing.T) {
	t.Parallel()
	for _, r := range recordedPolicies(t) {
		t.Run(r.ID+" "+r.Name, func(t *testing.T) {
			t.Parallel()
			s := newBucketServer(t, recordedBucket)
			setBlockPublicPolicy(t, s, false)
			if got := putPolicy(t, s, recordedBucket, r.document(t)); got != r.Code {
				t.Fatalf("PutBucketPolicy answered %q, AWS %q", got, r.Code)
			}
			if r.Code != success {
				return
			}
			if got := s.storage.bucket(recordedBucket).policy.public; got != r.IsPublic {
				t.Errorf("public: %t, AWS says %t", got, r.IsPublic)
			}
			setBlockPublicPolicy(t, s, true)
			if got := putPolicy(t, s, recordedBucket, r.document(t)); got != r.Blocked.Code {
				t.Errorf("with BlockPublicPolicy PutBucketPolicy answered %q, AWS %q", got, r.Blocked.Code)
			}
		})
	}
}

// success is how the recordings name an answer that is no error.
const success = "Success"

// newBucketServer is a server with a bucket.
func newBucketServer(t *testing.T, name string) *Server {
	t.Helper()
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if code := s.call(t, http.MethodPut, "/"+name, ""); code != success {
		t.Fatal(code)
	}
	return s
}

// call makes a call as the administrator, and returns the error code.
func (s *Server) call(t *testing.T, method, target, body string) string {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), method, target, http.NoBody)
	setBody(r, []byte(body))
	s.serveS3(w, r, s.administrator())
	return codeIn(w)
}

// codeIn is the error code of an answer.
func codeIn(w *httptest.ResponseRecorder) string {
	if w.Code < http.StatusBadRequest {
		return success
	}
	_, code, _ := strings.Cut(w.Body.String(), "<Code>")
	code, _, _ = strings.Cut(code, "</Code>")
	return code
}

func putPolicy(t *testing.T, s *Server, bucket, document string) string {
	t.Helper()
	return s.call(t, http.MethodPut, "/"+bucket+"?policy", document)
}

func setBlockPublicPolicy(t *testing.T, s *Server, block bool) {
	t.Helper()
	body := "<PublicAccessBlockConfiguration><BlockPublicPolicy>false</BlockPublicPolicy></PublicAccessBlockConfiguration>"
	if block {
		body = strings.Replace(body, "false", "true", 1)
	}
	if code := s.call(t, http.MethodPut, "/"+recordedBucket+"?publicAccessBlock", body); code != success {
		t.Fatal(code)
	}
}
