package localaws_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"
)

// setVersioning switches versioning on, or suspends it.
func (w *s3World) setVersioning(t *testing.T, status types.BucketVersioningStatus) {
	t.Helper()
	_, err := w.s3.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket: aws.String(shared), VersioningConfiguration: &types.VersioningConfiguration{Status: status},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func getVersion(key, version string) *s3.GetObjectInput {
	input := get(key)
	input.VersionId = &version
	return input
}

// versions lists all versions and delete markers of the bucket, page by page:
// key, body and, for the latest, a star.
func (w *s3World) versions(t *testing.T) []string {
	t.Helper()
	var all []string
	input := &s3.ListObjectVersionsInput{Bucket: aws.String(shared), MaxKeys: aws.Int32(1)}
	for {
		page, err := w.s3.ListObjectVersions(t.Context(), input)
		if err != nil {
			t.Fatal(err)
		}
		star := map[bool]string{true: "*"}
		for _, v := range page.Versions {
			all = append(all, *v.Key+"="+read(t, w.s3, getVersion(*v.Key, *v.VersionId))+star[*v.IsLatest])
		}
		for _, m := range page.DeleteMarkers {
			all = append(all, *m.Key+" deleted"+star[*m.IsLatest])
		}
		if !*page.IsTruncated {
			return all
		}
		input.KeyMarker, input.VersionIdMarker = page.NextKeyMarker, page.NextVersionIdMarker
	}
}

func TestVersions(t *testing.T) {
	t.Parallel()
	w := newS3World(t)
	ctx := t.Context()
	w.put(t, "a", "before")
	w.setVersioning(t, "Enabled")
	w.put(t, "a", "second")
	w.put(t, "b", "other")
	deleted, err := w.s3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String(shared), Key: aws.String("a")})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a deleted*", "a=second", "a=before", "b=other*"}, w.versions(t)); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
	_, err = w.s3.GetObject(ctx, get("a"))
	wantCode(t, err, "NoSuchKey")
	listed, err := w.s3.ListObjectsV2(ctx, list(""))
	if err != nil || len(listed.Contents) != 1 || *listed.Contents[0].Key != "b" {
		t.Errorf("listed %+v, error %v", listed, err)
	}
	_, err = w.s3.GetObject(ctx, getVersion("a", *deleted.VersionId))
	wantCode(t, err, "MethodNotAllowed")
	_, err = w.s3.GetObject(ctx, getVersion("a", "nothing"))
	wantCode(t, err, "NoSuchVersion")
	// Removing the marker brings the object back; AWS calls this undeleting.
	_, err = w.s3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String(shared), Key: aws.String("a"), VersionId: deleted.VersionId})
	wantCode(t, err, "")
	if got := read(t, w.s3, get("a")); got != "second" {
		t.Errorf("read %q", got)
	}
	w.setVersioning(t, "Suspended")
	w.put(t, "a", "third")
	if diff := cmp.Diff([]string{"a=third*", "a=second", "b=other*"}, w.versions(t)); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
}

func TestOldVersionsAreReached(t *testing.T) {
	t.Parallel()
	w := newS3World(t)
	ctx, bucket, key := t.Context(), aws.String(shared), aws.String("key")
	w.setVersioning(t, "Enabled")
	first, err := w.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: key, Body: strings.NewReader("old")})
	if err != nil {
		t.Fatal(err)
	}
	old := first.VersionId
	w.put(t, *key, "longer")
	if got := read(t, w.s3, getVersion(*key, *old)); got != "old" {
		t.Errorf("read %q", got)
	}
	head, err := w.s3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: key, VersionId: old})
	if err != nil || *head.ContentLength != 3 || *head.VersionId != *old {
		t.Errorf("head %+v, error %v", head, err)
	}
	attributes, err := w.s3.GetObjectAttributes(ctx, &s3.GetObjectAttributesInput{
		Bucket: bucket, Key: key, VersionId: old, ObjectAttributes: []types.ObjectAttributes{types.ObjectAttributesObjectSize},
	})
	if err != nil || *attributes.ObjectSize != 3 {
		t.Errorf("attributes %+v, error %v", attributes, err)
	}
	tags := &types.Tagging{TagSet: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}}
	_, err = w.s3.PutObjectTagging(ctx, &s3.PutObjectTaggingInput{Bucket: bucket, Key: key, VersionId: old, Tagging: tags})
	wantCode(t, err, "")
	current, err := w.s3.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: bucket, Key: key})
	if err != nil || len(current.TagSet) != 0 {
		t.Errorf("tags of the current version %+v, error %v", current, err)
	}
	_, err = w.s3.CopyObject(ctx, &s3.CopyObjectInput{Bucket: bucket, Key: aws.String("copy"), CopySource: aws.String(shared + "/key?versionId=" + *old)})
	wantCode(t, err, "")
	if got := read(t, w.s3, get("copy")); got != "old" {
		t.Errorf("copied %q", got)
	}
}

func TestVersionsHaveActionsOfTheirOwn(t *testing.T) {
	t.Parallel()
	w := newS3World(t)
	w.setVersioning(t, "Enabled")
	w.put(t, "key", "x")
	listed, err := w.s3.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: aws.String(shared)})
	if err != nil {
		t.Fatal(err)
	}
	version := *listed.Versions[0].VersionId
	tests := map[string]struct{ policy, current, version string }{
		"who may read current versions": {policyOf(grant("s3:GetObject", bucketARN("/*"))), "", "AccessDenied"},
		"who may read named versions":   {policyOf(grant("s3:GetObjectVersion", bucketARN("/*"))), "AccessDenied", ""},
		"who may read one version": {policyOf(`{"Effect":"Allow","Action":"s3:GetObjectVersion","Resource":"` + bucketARN("/*") +
			`","Condition":{"StringEquals":{"s3:versionid":"` + version + `"}}}`), "AccessDenied", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := w.session(t, strings.ReplaceAll(name, " ", "-"), test.policy)
			_, err := client.GetObject(t.Context(), get("key"))
			wantCode(t, err, test.current)
			_, err = client.GetObject(t.Context(), getVersion("key", version))
			wantCode(t, err, test.version)
			_, err = client.CopyObject(t.Context(), &s3.CopyObjectInput{
				Bucket: aws.String(shared), Key: aws.String("copy"), CopySource: aws.String(shared + "/key?versionId=" + version),
			})
			if want := "s3:GetObjectVersion"; test.version == "" {
				wantRefusal(t, err, "AccessDenied", "s3:PutObject") // the source was no hindrance
			} else {
				wantRefusal(t, err, "AccessDenied", want)
			}
		})
	}
}

func TestCopiesNeedBothSides(t *testing.T) {
	t.Parallel()
	w := newS3World(t)
	w.put(t, "source/key", "x")
	readSource, writeTarget := grant("s3:GetObject", bucketARN("/source/*")), grant("s3:PutObject", bucketARN("/target/*"))
	tests := map[string]struct {
		policy  string
		input   s3.CopyObjectInput
		code    string
		message string
	}{
		"with both":            {policy: policyOf(readSource, writeTarget)},
		"without the source":   {policy: policyOf(writeTarget), code: "AccessDenied", message: "s3:GetObject"},
		"without the target":   {policy: policyOf(readSource), code: "AccessDenied", message: "s3:PutObject"},
		"a source that is not": {policy: policyOf(readSource, writeTarget), input: s3.CopyObjectInput{CopySource: aws.String(shared + "/source/nothing")}, code: "AccessDenied", message: "s3:ListBucket"},
		"new tags":             {policy: policyOf(readSource, writeTarget), input: s3.CopyObjectInput{TaggingDirective: "REPLACE", Tagging: aws.String("a=b")}, code: "AccessDenied", message: "s3:PutObjectTagging"},
		// The source's precondition comes before the target's judgment.
		"a precondition that fails":                          {policy: policyOf(readSource), input: s3.CopyObjectInput{CopySourceIfMatch: aws.String("other")}, code: "PreconditionFailed"},
		"a precondition that holds not for who may not read": {policy: policyOf(writeTarget), input: s3.CopyObjectInput{CopySourceIfMatch: aws.String("other")}, code: "AccessDenied"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := w.session(t, strings.ReplaceAll(name, " ", "-"), test.policy)
			input := test.input
			input.Bucket, input.Key = aws.String(shared), aws.String("target/"+strings.ReplaceAll(name, " ", "-"))
			if input.CopySource == nil {
				input.CopySource = aws.String(shared + "/source/key")
			}
			_, err := client.CopyObject(t.Context(), &input)
			wantRefusal(t, err, test.code, test.message)
		})
	}
}

func TestMultipartUploads(t *testing.T) {
	t.Parallel()
	w := newS3World(t)
	ctx, bucket, key := t.Context(), aws.String(shared), aws.String("own/big")
	client := w.session(t, "writer", policyOf(grant("s3:PutObject", bucketARN("/own/*")), grant("s3:GetObject", bucketARN("/own/*"))))
	none, err := w.s3.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: bucket})
	if err != nil || len(none.Uploads) != 0 {
		t.Fatalf("uploads %+v, error %v", none, err)
	}
	_, err = client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: bucket, Key: key, Tagging: aws.String("a=b")})
	wantRefusal(t, err, "AccessDenied", "s3:PutObjectTagging")
	upload, err := client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: bucket, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	part := func(number int32, body string) types.CompletedPart {
		out, err := client.UploadPart(ctx, &s3.UploadPartInput{
			Bucket: bucket, Key: key, UploadId: upload.UploadId, PartNumber: &number, Body: strings.NewReader(body),
		})
		if err != nil {
			t.Fatal(err)
		}
		return types.CompletedPart{PartNumber: &number, ETag: out.ETag}
	}
	large := strings.Repeat("hello, ", 800_000) // all parts but the last need 5 MiB
	parts := []types.CompletedPart{part(1, large), part(2, "world")}
	behind, err := w.s3.ListParts(ctx, &s3.ListPartsInput{Bucket: bucket, Key: key, UploadId: upload.UploadId, PartNumberMarker: aws.String("9")})
	if err != nil || len(behind.Parts) != 0 {
		t.Errorf("parts behind the last %+v, error %v", behind, err)
	}
	_, err = client.ListParts(ctx, &s3.ListPartsInput{Bucket: bucket, Key: key, UploadId: upload.UploadId})
	wantRefusal(t, err, "AccessDenied", "s3:ListMultipartUploadParts")
	_, err = client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: bucket, Key: key, UploadId: upload.UploadId})
	wantRefusal(t, err, "AccessDenied", "s3:AbortMultipartUpload")
	w.put(t, "foreign", "x")
	_, err = client.UploadPartCopy(ctx, &s3.UploadPartCopyInput{
		Bucket: bucket, Key: key, UploadId: upload.UploadId, PartNumber: aws.Int32(3), CopySource: aws.String(shared + "/foreign"),
	})
	wantRefusal(t, err, "AccessDenied", "s3:GetObject")
	_, err = w.s3.UploadPartCopy(ctx, &s3.UploadPartCopyInput{
		Bucket: bucket, Key: key, UploadId: upload.UploadId, PartNumber: aws.Int32(3), CopySource: aws.String(shared + "/foreign"),
	})
	wantCode(t, err, "")
	_, err = client.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: bucket, Key: key, UploadId: upload.UploadId, PartNumber: aws.Int32(3), Body: strings.NewReader("x"), ChecksumCRC32: aws.String("AAAAAA=="),
	})
	wantCode(t, err, "BadDigest")
	_, err = client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: bucket, Key: key, UploadId: upload.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
	wantCode(t, err, "")
	if got := read(t, client, get(*key)); got != large+"world" {
		t.Errorf("read %d bytes", len(got))
	}
}

func TestTagsAreJudgedOn(t *testing.T) {
	t.Parallel()
	w := newS3World(t)
	ctx, bucket := t.Context(), aws.String(shared)
	for _, color := range []string{"red", "blue"} {
		_, err := w.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: &color, Tagging: aws.String("color=" + color)})
		wantCode(t, err, "")
	}
	condition := func(action, key string) string {
		return fmt.Sprintf(`{"Effect":"Allow","Action":%q,"Resource":"%s/*","Condition":{"StringEquals":{%q:"red"}}}`, action, bucketARN(""), key)
	}
	client := w.session(t, "painter", policyOf(
		condition("s3:GetObject", "s3:ExistingObjectTag/color"),
		condition("s3:PutObject", "s3:RequestObjectTag/color"),
		grant("s3:PutObjectTagging", bucketARN("/*")),
	))
	_, err := client.GetObject(ctx, get("red"))
	wantCode(t, err, "")
	_, err = client.GetObject(ctx, get("blue"))
	wantCode(t, err, "AccessDenied")
	_, err = client.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: aws.String("new"), Tagging: aws.String("color=red")})
	wantCode(t, err, "")
	_, err = client.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: aws.String("new"), Tagging: aws.String("color=blue")})
	wantCode(t, err, "AccessDenied")
}

func TestListsArePaged(t *testing.T) {
	t.Parallel()
	w := newS3World(t)
	for _, key := range []string{"a/1", "a/2", "b", "c/1", "c/2", "d"} {
		w.put(t, key, "x")
	}
	pager := s3.NewListObjectsV2Paginator(w.s3, &s3.ListObjectsV2Input{Bucket: aws.String(shared), Delimiter: aws.String("/"), MaxKeys: aws.Int32(1)})
	var pages []string
	for pager.HasMorePages() {
		page, err := pager.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page.CommonPrefixes {
			pages = append(pages, *p.Prefix)
		}
		for _, o := range page.Contents {
			pages = append(pages, *o.Key)
		}
	}
	if diff := cmp.Diff([]string{"a/", "b", "c/", "d"}, pages); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
}

func TestAnswersHaveRequestIDs(t *testing.T) {
	t.Parallel()
	w := newS3World(t)
	w.put(t, "key", "x")
	presigned, err := s3.NewPresignClient(w.s3).PresignGetObject(t.Context(), get("key"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, url := range []string{presigned.URL, w.url, w.url + "/" + shared + "/key", w.url + "/nothing"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		response, err := (&http.Client{}).Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		id := response.Header.Get("X-Amz-Request-Id")
		if id == "" || seen[id] || response.Header.Get("X-Amz-Id-2") == "" {
			t.Errorf("%s: request id %q, x-amz-id-2 %q", url, id, response.Header.Get("X-Amz-Id-2"))
		}
		seen[id] = true
	}
	location, err := w.s3.GetBucketLocation(t.Context(), &s3.GetBucketLocationInput{Bucket: aws.String(shared)}) // not by gofakes3
	if err != nil {
		t.Fatal(err)
	}
	if id, ok := middleware.GetRequestIDMetadata(location.ResultMetadata); !ok || id == "" || seen[id] {
		t.Errorf("request id %q", id)
	}
}
