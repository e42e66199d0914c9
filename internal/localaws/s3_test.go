package localaws_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"
)

const shared = "shared-bucket"

// s3World is a world with a bucket and a client of its administrator.
type s3World struct {
	*world
	s3 *s3.Client
}

func newS3World(t *testing.T) *s3World {
	t.Helper()
	w := &s3World{world: newWorld(t)}
	w.s3 = s3.NewFromConfig(w.config("localaws", "localaws", ""))
	if _, err := w.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(shared)}); err != nil {
		t.Fatal(err)
	}
	return w
}

// put stores an object as the administrator.
func (w *s3World) put(t *testing.T, key, body string) {
	t.Helper()
	w.putIn(t, shared, key, body)
}

func (w *s3World) putIn(t *testing.T, bucket, key, body string) {
	t.Helper()
	_, err := w.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(body)})
	if err != nil {
		t.Fatal(err)
	}
}

// session is a client with a session of a role that has the policy.
func (w *s3World) session(t *testing.T, role, document string) *s3.Client {
	t.Helper()
	arn := w.role(t, role, trustOf(rootARN))
	if document != "" {
		w.allow(t, role, document)
	}
	return s3.NewFromConfig(w.as(w.assume(t, arn)))
}

func (w *s3World) setPolicy(t *testing.T, statements ...string) {
	t.Helper()
	if _, err := w.s3.PutBucketPolicy(t.Context(), policyInput(statements...)); err != nil {
		t.Fatal(err)
	}
}

func policyInput(statements ...string) *s3.PutBucketPolicyInput {
	return &s3.PutBucketPolicyInput{Bucket: aws.String(shared), Policy: aws.String(policyOf(statements...))}
}

func policyOf(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

// grant is a statement of a role's policy.
func grant(action, resource string) string {
	return fmt.Sprintf(`{"Effect":"Allow","Action":%q,"Resource":%q}`, action, resource)
}

func bucketARN(path string) string { return "arn:aws:s3:::" + shared + path }

func read(t *testing.T, client *s3.Client, input *s3.GetObjectInput) string {
	t.Helper()
	out, err := client.GetObject(t.Context(), input)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = out.Body.Close() }()
	body, err := io.ReadAll(out.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func get(key string) *s3.GetObjectInput {
	return &s3.GetObjectInput{Bucket: aws.String(shared), Key: &key}
}

func list(prefix string) *s3.ListObjectsV2Input {
	return &s3.ListObjectsV2Input{Bucket: aws.String(shared), Prefix: &prefix}
}

// wantStatus fails unless err carries the HTTP status: the answer to a HEAD
// request has no error code.
func wantStatus(t *testing.T, err error, status int) {
	t.Helper()
	var answer *awshttp.ResponseError
	if !errors.As(err, &answer) || answer.HTTPStatusCode() != status {
		t.Fatalf("error %v, want status %d", err, status)
	}
}

func TestObjectsAreStoredAndRead(t *testing.T) {
	t.Parallel()
	w := newS3World(t)
	ctx := t.Context()
	key, bucket := "bots/a b+c/ü?#&%.txt", aws.String(shared)
	_, err := w.s3.PutObject(ctx, &s3.PutObjectInput{
		Bucket: bucket, Key: &key, Body: strings.NewReader("hello, world"),
		ContentType: aws.String("text/plain"), Metadata: map[string]string{"who": "alice"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, w.s3, get(key)); got != "hello, world" {
		t.Errorf("read %q", got)
	}
	if got := read(t, w.s3, &s3.GetObjectInput{Bucket: bucket, Key: &key, Range: aws.String("bytes=7-")}); got != "world" {
		t.Errorf("read the range %q", got)
	}
	head, err := w.s3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	if *head.ContentLength != 12 || *head.ContentType != "text/plain" || head.Metadata["who"] != "alice" {
		t.Errorf("head %+v", head)
	}
	listed, err := w.s3.ListObjectsV2(ctx, list("bots/a b+c/"))
	if err != nil {
		t.Fatal(err)
	}
	if len(listed.Contents) != 1 || *listed.Contents[0].Key != key {
		t.Errorf("listed %+v", listed.Contents)
	}
	if _, err := w.s3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: &key}); err != nil {
		t.Fatal(err)
	}
	_, err = w.s3.GetObject(ctx, get(key))
	wantCode(t, err, "NoSuchKey")
}

func TestUploadsOfAnyFraming(t *testing.T) {
	t.Parallel()
	w := newS3World(t)
	body := bytes.Repeat([]byte("0123456789abcdef"), 20_000) // several chunks
	for _, algorithm := range types.ChecksumAlgorithm("").Values() {
		if !slices.Contains([]types.ChecksumAlgorithm{"CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"}, algorithm) {
			continue // newer than gofakes3
		}
		t.Run(string(algorithm), func(t *testing.T) {
			t.Parallel()
			key := "checksum/" + string(algorithm)
			out, err := w.s3.PutObject(t.Context(), &s3.PutObjectInput{
				Bucket: aws.String(shared), Key: &key, Body: bytes.NewReader(body), ChecksumAlgorithm: algorithm,
			})
			if err != nil {
				t.Fatal(err)
			}
			got, err := w.s3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(shared), Key: &key, ChecksumMode: types.ChecksumModeEnabled})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = got.Body.Close() }()
			if content, err := io.ReadAll(got.Body); err != nil || !bytes.Equal(content, body) {
				t.Errorf("read %d bytes, error %v", len(content), err) // the client checks the checksum
			}
			if out.ETag == nil || *out.ETag != *got.ETag {
				t.Error("the entity tags differ")
			}
		})
	}
}

func TestPresignedURLs(t *testing.T) {
	t.Parallel()
	w := newS3World(t)
	w.put(t, "key", "hello")
	presigner := s3.NewPresignClient(w.s3)
	do := func(method, url, body string) (int, string) {
		request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		response, err := (&http.Client{Timeout: time.Minute}).Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		content, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(content)
	}
	download, err := presigner.PresignGetObject(t.Context(), get("key"), s3.WithPresignExpires(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if status, body := do(http.MethodGet, download.URL, ""); status != http.StatusOK || body != "hello" {
		t.Errorf("download answered %d %q", status, body)
	}
	if status, _ := do(http.MethodGet, strings.Replace(download.URL, "/key?", "/other?", 1), ""); status != http.StatusForbidden {
		t.Errorf("download of another key answered %d", status)
	}
	if status, _ := do(http.MethodDelete, download.URL, ""); status != http.StatusForbidden {
		t.Errorf("a deletion with the URL of a download answered %d", status)
	}
	upload, err := presigner.PresignPutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(shared), Key: aws.String("new")})
	if err != nil {
		t.Fatal(err)
	}
	if status, body := do(http.MethodPut, upload.URL, "from a browser"); status != http.StatusOK {
		t.Errorf("upload answered %d %s", status, body)
	}
	if got := read(t, w.s3, get("new")); got != "from a browser" {
		t.Errorf("uploaded %q", got)
	}
	w.now = w.now.Add(2 * time.Minute)
	if status, body := do(http.MethodGet, download.URL, ""); status != http.StatusForbidden || !strings.Contains(body, "Request has expired") {
		t.Errorf("the expired URL answered %d %s", status, body)
	}
}

func TestCredentialsThatDoNotWork(t *testing.T) {
	t.Parallel()
	w := newS3World(t)
	w.put(t, "key", "hello")
	role := w.role(t, "reader", trustOf(rootARN))
	w.allow(t, "reader", allowAll)
	session := w.assume(t, role)
	other := w.assume(t, role)
	read := func(config aws.Config) error {
		_, err := s3.NewFromConfig(config).GetObject(t.Context(), get("key"))
		return err
	}
	wantCode(t, read(w.as(session)), "")
	wantCode(t, read(w.config("localaws", "wrong", "")), "SignatureDoesNotMatch")
	wantCode(t, read(w.config("AKIANOBODY", "localaws", "")), "InvalidAccessKeyId")
	wantCode(t, read(w.config(*session.AccessKeyId, *session.SecretAccessKey, *other.SessionToken)), "InvalidToken")
	wantCode(t, read(w.config(*session.AccessKeyId, *session.SecretAccessKey, "")), "InvalidAccessKeyId")
	w.now = w.now.Add(2 * time.Hour)
	wantCode(t, read(w.as(session)), "RequestTimeTooSkewed")
}

func TestExpiredSessionIsTold(t *testing.T) {
	t.Parallel()
	w := newS3World(t)
	w.now = w.now.Add(-10 * time.Minute) // the clients' clocks are ahead, but not too far
	role := w.role(t, "reader", trustOf(rootARN))
	w.allow(t, "reader", allowAll)
	const shortest = 900 // seconds
	out, err := w.sts.AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: &role, RoleSessionName: aws.String("session"), DurationSeconds: aws.Int32(shortest),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(shortest * time.Second)
	_, err = s3.NewFromConfig(w.as(out.Credentials)).ListBuckets(t.Context(), &s3.ListBucketsInput{})
	wantCode(t, err, "ExpiredToken")
}

func TestDeleteObjectsJudgesEachKey(t *testing.T) {
	t.Parallel()
	w := newS3World(t)
	for _, key := range []string{"own/1", "own/2", "foreign/1"} {
		w.put(t, key, "x")
	}
	client := w.session(t, "deleter", policyOf(grant("s3:DeleteObject", bucketARN("/own/*"))))
	out, err := client.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: aws.String(shared), Delete: &types.Delete{
		Objects: []types.ObjectIdentifier{{Key: aws.String("own/1")}, {Key: aws.String("foreign/1")}, {Key: aws.String("own/2")}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	var deleted, refused []string
	for _, d := range out.Deleted {
		deleted = append(deleted, *d.Key)
	}
	for _, e := range out.Errors {
		refused = append(refused, *e.Key+" "+*e.Code)
	}
	if diff := cmp.Diff([][]string{{"own/1", "own/2"}, {"foreign/1 AccessDenied"}}, [][]string{deleted, refused}); diff != "" {
		t.Errorf("deleted and refused (-want +got):\n%s", diff)
	}
	if got := read(t, w.s3, get("foreign/1")); got != "x" {
		t.Errorf("the refused object is now %q", got)
	}
}

func TestDenialsAreExplained(t *testing.T) {
	t.Parallel()
	w := newS3World(t)
	w.put(t, "key", "x")
	client := w.session(t, "reader", "")
	const session = "arn:aws:sts::123456789012:assumed-role/reader/session"
	_, err := client.GetObject(t.Context(), get("key"))
	wantRefusal(t, err, "AccessDenied", "User: "+session+" is not authorized to perform: s3:GetObject on resource: \""+bucketARN("/key")+
		"\" because no identity-based policy allows the s3:GetObject action")
	w.setPolicy(t, `{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"`+bucketARN("/*")+`"}`)
	_, err = client.GetObject(t.Context(), get("key"))
	wantRefusal(t, err, "AccessDenied", "User: "+session+" is not authorized to perform: s3:GetObject on resource: \""+bucketARN("/key")+
		"\" with an explicit deny in a resource-based policy")
	_, err = client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(shared), Key: aws.String("key")})
	wantStatus(t, err, http.StatusForbidden)
}

func TestMissingObjectsShowOnlyToWhoMayList(t *testing.T) {
	t.Parallel()
	w := newS3World(t)
	read := grant("s3:GetObject", bucketARN("/*"))
	listed := grant("s3:ListBucket", bucketARN(""))
	prefixed := `{"Effect":"Allow","Action":"s3:ListBucket","Resource":"` + bucketARN("") + `","Condition":{"StringLike":{"s3:prefix":"own/*"}}}`
	tests := map[string]struct {
		policy string
		status int
	}{
		"who may read and list":            {policyOf(read, listed), http.StatusNotFound},
		"who may list":                     {policyOf(listed), http.StatusNotFound},
		"who may read":                     {policyOf(read), http.StatusForbidden},
		"who may read and list one prefix": {policyOf(read, prefixed), http.StatusForbidden},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := w.session(t, strings.ReplaceAll(name, " ", "-"), test.policy)
			_, err := client.GetObject(t.Context(), get("own/nothing"))
			wantStatus(t, err, test.status)
			_, err = client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(shared), Key: aws.String("own/nothing")})
			wantStatus(t, err, test.status)
		})
	}
}
