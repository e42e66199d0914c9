package localaws_test

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
)

// minRecordedCalls is how many recorded calls must be replayed at the least.
const minRecordedCalls = 58

// otherAccount is where the recordings' foreign callers live.
const otherAccount = "111122223333"

// recordedCall is a row of testdata/s3-calls.json: a call that live S3 answered.
type recordedCall struct {
	ID, Name  string
	Evidence  string
	Policies  json.RawMessage
	Principal struct {
		Type        string
		RoleARN     string `json:"role_arn"`
		SessionName string `json:"session_name"`
	}
	Request struct {
		Operation   string
		Params      map[string]string
		BlockPublic *map[string]bool `json:"public_access_block"`
	}
	ACL *struct {
		Ownership    string `json:"object_ownership"`
		Object       string `json:"object_acl"`
		IgnorePublic bool   `json:"ignore_public_acls"`
	}
	Code         any
	Message      string
	Status       int `json:"http_status"`
	Output       map[string]bool
	OutputPolicy json.RawMessage `json:"output_policy"`
	IsPublic     *bool           `json:"is_public"`
}

// recordedPolicySet are the policies of a row.
type recordedPolicySet struct {
	// Identity is a list of documents, or the words for an administrator.
	Identity          json.RawMessage
	Boundary, Session []json.RawMessage
	Resource          json.RawMessage
}

func TestRecordedS3Calls(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/s3-calls.json")
	if err != nil {
		t.Fatal(err)
	}
	var rows []recordedCall
	if err := json.Unmarshal(data, &rows); err != nil {
		t.Fatal(err)
	}
	replayed := 0
	for _, row := range rows {
		if recordedOperations[row.Request.Operation] == nil {
			t.Logf("skipped %s %s: no player for %s", row.ID, row.Name, row.Request.Operation)
			continue
		}
		replayed++
		t.Run(row.ID+" "+row.Name, func(t *testing.T) {
			t.Parallel()
			newStage(t, &row).play(t)
		})
	}
	t.Logf("replayed %d of %d recorded calls", replayed, len(rows))
	if replayed < minRecordedCalls {
		t.Errorf("replayed %d recorded calls, want at least %d", replayed, minRecordedCalls)
	}
}

// stage is a world that is set up for one recorded call.
type stage struct {
	*world
	row      *recordedCall
	admin    *s3.Client
	bucket   string
	policies recordedPolicySet
	// versions are the ids here of the recording's versions.
	versions map[string]string
}

var recordedVersion = regexp.MustCompile(`\b[A-Za-z0-9_.]{32}\b`)

func newStage(t *testing.T, row *recordedCall) *stage {
	t.Helper()
	st := &stage{world: newWorld(t), row: row, bucket: row.Request.Params["Bucket"], versions: map[string]string{}}
	st.admin = s3.NewFromConfig(st.config("localaws", "localaws", ""))
	_, err := st.admin.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &st.bucket})
	wantCode(t, err, "")
	if strings.Contains(row.Evidence, "bucket has tags") {
		_, err := st.admin.PutBucketTagging(t.Context(), &s3.PutBucketTaggingInput{Bucket: &st.bucket, Tagging: &types.Tagging{
			TagSet: []types.Tag{{Key: aws.String("Project"), Value: aws.String("Blue")}, {Key: aws.String("Environment"), Value: aws.String("Test")}},
		}})
		wantCode(t, err, "")
	}
	st.storeObjects(t)
	if err := json.Unmarshal([]byte(st.filled(string(row.Policies))), &st.policies); err != nil {
		t.Fatal(err)
	}
	return st
}

// filled puts what is so here in the place of what was so at the recording.
func (st *stage) filled(text string) string {
	text = strings.NewReplacer(
		"${kmsArn}", "arn:aws:kms:us-east-1:123456789012:key/example", "${account}", account, "${otherAccount}", otherAccount,
		"arn:aws:iam::000000000000:user/Delegated", adminARN,
	).Replace(text)
	return recordedVersion.ReplaceAllStringFunc(text, func(id string) string {
		if here, ok := st.versions[id]; ok {
			return here
		}
		return id
	})
}

// storeObjects makes the object that the call is about, and its versions if the
// row names any.
func (st *stage) storeObjects(t *testing.T) {
	t.Helper()
	params := st.row.Request.Params
	if acl := st.row.ACL; acl != nil {
		st.openACLs(t)
		st.storeObject(t, params["Key"])
		return
	}
	if source := params["CopySource"]; source != "" {
		st.setVersioning(t)
		source, _, _ = strings.Cut(source[strings.LastIndexByte(source, '/')+1:], "?")
		st.versions["${version25}"] = st.storeObject(t, source)
		return
	}
	ids := recordedVersion.FindAllString(string(st.row.Policies)+" "+params["VersionId"], -1)
	switch {
	case params["VersionId"] != "" || st.isAboutMarker():
		st.storeVersions(t, params["Key"], ids)
	case params["Key"] != "" && (params["IfNoneMatch"] != "" || strings.HasSuffix(st.row.Request.Operation, "Object")):
		st.storeObject(t, params["Key"])
	}
}

// storeVersions makes a null version and one for each id, of which a row about a
// marker means the marker by the id that it asks for.
func (st *stage) storeVersions(t *testing.T, key string, ids []string) {
	t.Helper()
	st.storeObject(t, key)
	st.setVersioning(t)
	asked := st.row.Request.Params["VersionId"]
	isMarker := st.isAboutMarker()
	for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
		if id != asked || !isMarker {
			st.versions[id] = st.storeObject(t, key)
		}
	}
	if isMarker {
		deleted, err := st.admin.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &st.bucket, Key: &key})
		wantCode(t, err, "")
		if asked != "" {
			st.versions[asked] = *deleted.VersionId
		}
	}
}

// isAboutMarker tells whether the row is about a delete marker, by its name
// behind that of the group of rows.
func (st *stage) isAboutMarker() bool {
	_, name, _ := strings.Cut(st.row.Name, "/")
	return strings.Contains(name, "marker")
}

func (st *stage) setVersioning(t *testing.T) {
	t.Helper()
	_, err := st.admin.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket: &st.bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: "Enabled"},
	})
	wantCode(t, err, "")
}

// storeObject stores an object with the row's ACL, and returns its version.
func (st *stage) storeObject(t *testing.T, key string) string {
	t.Helper()
	input := &s3.PutObjectInput{Bucket: &st.bucket, Key: &key, Body: strings.NewReader("recorded")}
	if st.row.ACL != nil && st.row.ACL.Object == "READ to owner canonical id" {
		buckets, err := st.admin.GetBucketAcl(t.Context(), &s3.GetBucketAclInput{Bucket: &st.bucket})
		wantCode(t, err, "")
		input.GrantRead = aws.String("id=" + *buckets.Owner.ID)
	} else if st.row.ACL != nil {
		input.ACL = types.ObjectCannedACL(st.row.ACL.Object)
	}
	out, err := st.admin.PutObject(t.Context(), input)
	wantCode(t, err, "")
	return aws.ToString(out.VersionId)
}

// openACLs lets the bucket take ACLs.
func (st *stage) openACLs(t *testing.T) {
	t.Helper()
	st.blockPublic(t, map[string]bool{"BlockPublicAcls": false})
	_, err := st.admin.PutBucketOwnershipControls(t.Context(), &s3.PutBucketOwnershipControlsInput{
		Bucket:            &st.bucket,
		OwnershipControls: &types.OwnershipControls{Rules: []types.OwnershipControlsRule{{ObjectOwnership: types.ObjectOwnership(st.row.ACL.Ownership)}}},
	})
	wantCode(t, err, "")
}

func (st *stage) blockPublic(t *testing.T, block map[string]bool) {
	t.Helper()
	_, err := st.admin.PutPublicAccessBlock(t.Context(), &s3.PutPublicAccessBlockInput{
		Bucket: &st.bucket, PublicAccessBlockConfiguration: publicAccessOf(block),
	})
	wantCode(t, err, "")
}

func publicAccessOf(block map[string]bool) *types.PublicAccessBlockConfiguration {
	setting := func(name string) *bool {
		if value, ok := block[name]; ok {
			return &value
		}
		return nil
	}
	return &types.PublicAccessBlockConfiguration{
		BlockPublicAcls: setting("BlockPublicAcls"), IgnorePublicAcls: setting("IgnorePublicAcls"),
		BlockPublicPolicy: setting("BlockPublicPolicy"), RestrictPublicBuckets: setting("RestrictPublicBuckets"),
	}
}

// settle puts the bucket policy and the Block Public Access settings of the row
// in force, after what they would be in the way of.
func (st *stage) settle(t *testing.T) {
	t.Helper()
	asks := st.row.Request.Operation
	if len(st.policies.Resource) > 0 && string(st.policies.Resource) != "null" && asks != "PutBucketPolicy" {
		if st.row.Request.BlockPublic != nil || st.row.ACL != nil {
			st.blockPublic(t, map[string]bool{"BlockPublicPolicy": false})
		}
		_, err := st.admin.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: &st.bucket, Policy: aws.String(string(st.policies.Resource))})
		wantCode(t, err, "")
	}
	switch block := st.row.Request.BlockPublic; {
	case st.row.ACL != nil:
		st.blockPublic(t, map[string]bool{"IgnorePublicAcls": st.row.ACL.IgnorePublic})
	case asks == "PutPublicAccessBlock", strings.Contains(st.row.Name, "new-bucket"):
	case block != nil:
		st.blockPublic(t, *block)
	case strings.Contains(st.row.Name, "DeletePublicAccessBlock"):
		_, err := st.admin.DeletePublicAccessBlock(t.Context(), &s3.DeletePublicAccessBlockInput{Bucket: &st.bucket})
		wantCode(t, err, "")
	}
}

// play makes the recorded call and compares the answer with AWS's.
func (st *stage) play(t *testing.T) {
	t.Helper()
	caller := st.caller(t)
	params := maps.Clone(st.row.Request.Params)
	for name, value := range params {
		for recorded, here := range st.versions {
			value = strings.ReplaceAll(value, recorded, here)
		}
		params[name] = value
	}
	st.prepareUpload(t, params)
	st.settle(t)
	answer, err := recordedOperations[st.row.Request.Operation](t, caller, st, params)
	if want, got := st.row.Status, statusOf(t, err); got != want && (want >= 400 || got >= 400) {
		t.Errorf("status %d, AWS %d: %v", got, want, err)
	}
	code, message := codeOf(err)
	if want := st.row.Code; want != code && !strings.HasPrefix(st.row.Request.Operation, "Head") {
		t.Errorf("code %q, AWS %q: %v", code, want, err)
	}
	if want := st.filled(st.row.Message); want != "" && message != want && !strings.HasPrefix(st.row.Request.Operation, "Head") {
		t.Errorf("message (-AWS +ours):\n%s", cmp.Diff(want, message))
	}
	if answer != nil && err == nil {
		answer(t)
	}
}

func codeOf(err error) (code, message string) {
	if failure, ok := errors.AsType[smithy.APIError](err); ok {
		return failure.ErrorCode(), failure.ErrorMessage()
	}
	return "Success", ""
}

func statusOf(t *testing.T, err error) int {
	t.Helper()
	if err == nil {
		return 200
	}
	var answer *awshttp.ResponseError
	if !errors.As(err, &answer) {
		t.Fatal(err)
	}
	return answer.HTTPStatusCode()
}
