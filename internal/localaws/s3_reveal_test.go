package localaws_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func TestDeleteMarkersShowOnlyToWhoMayListOrRead(t *testing.T) {
	t.Parallel()
	w := newS3World(t)
	w.setVersioning(t, "Enabled")
	w.put(t, "key", "x")
	deleted, err := w.s3.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(shared), Key: aws.String("key")})
	wantCode(t, err, "")
	deny := `{"Effect":"Deny","Action":["s3:GetObject","s3:GetObjectVersion"],"Resource":"*"}`
	tests := map[string]struct {
		policy           string
		current, version int
	}{
		"who may do nothing":             {policyOf(grant("s3:PutObject", bucketARN("/*"))), http.StatusForbidden, http.StatusForbidden},
		"who may read versions":          {policyOf(grant("s3:GetObjectVersion", bucketARN("/*"))), http.StatusForbidden, http.StatusMethodNotAllowed},
		"who may list":                   {policyOf(grant("s3:ListBucket", bucketARN(""))), http.StatusNotFound, http.StatusMethodNotAllowed},
		"who may list and is denied":     {policyOf(grant("s3:ListBucket", bucketARN("")), deny), http.StatusNotFound, http.StatusMethodNotAllowed},
		"who may do all but list":        {policyOf(grant("s3:GetObject*", "*")), http.StatusForbidden, http.StatusMethodNotAllowed},
		"who may not list and is denied": {policyOf(deny), http.StatusForbidden, http.StatusForbidden},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := w.session(t, strings.ReplaceAll(name, " ", "-"), test.policy)
			_, err := client.GetObject(t.Context(), get("key"))
			wantStatus(t, err, test.current)
			wantMarker(t, err, test.current)
			_, err = client.GetObject(t.Context(), getVersion("key", *deleted.VersionId))
			wantStatus(t, err, test.version)
			wantMarker(t, err, test.version)
			_, err = client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(shared), Key: aws.String("key"), VersionId: deleted.VersionId})
			wantStatus(t, err, test.version)
		})
	}
}

// wantMarker fails unless the headers tell of a delete marker to who may know.
func wantMarker(t *testing.T, err error, status int) {
	t.Helper()
	var answer *awshttp.ResponseError
	if !errors.As(err, &answer) {
		t.Fatal(err)
	}
	told := answer.Response.Header.Get("X-Amz-Delete-Marker") == "true"
	if told != (status != http.StatusForbidden) {
		t.Errorf("status %d, told of the marker: %t", status, told)
	}
}

func TestTheNumberOfTagsShowsToWhoMayReadThem(t *testing.T) {
	t.Parallel()
	w := newS3World(t)
	_, err := w.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(shared), Key: aws.String("key"), Tagging: aws.String("a=b&c=d")})
	wantCode(t, err, "")
	read := grant("s3:GetObject", bucketARN("/*"))
	for name, test := range map[string]struct {
		policy string
		count  int32
	}{
		"reader":     {policyOf(read), 0},
		"tag-reader": {policyOf(read, grant("s3:GetObjectTagging", bucketARN("/*"))), 2},
	} {
		out, err := w.session(t, name, test.policy).GetObject(t.Context(), get("key"))
		wantCode(t, err, "")
		_ = out.Body.Close()
		if got := aws.ToInt32(out.TagCount); got != test.count {
			t.Errorf("%s is told of %d tags, want %d", name, got, test.count)
		}
	}
}

func TestTheRegionOfABucketIsNoSecret(t *testing.T) {
	t.Parallel()
	w := newS3World(t)
	_, err := w.session(t, "nobody", "").HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: aws.String(shared)})
	wantStatus(t, err, http.StatusForbidden)
	var answer *awshttp.ResponseError
	if !errors.As(err, &answer) || answer.Response.Header.Get("X-Amz-Bucket-Region") != "us-east-1" {
		t.Errorf("error %v", err)
	}
}

func TestACopyBringsAnOldVersionBack(t *testing.T) {
	t.Parallel()
	w := newS3World(t)
	w.setVersioning(t, "Enabled")
	ctx, bucket, key := t.Context(), aws.String(shared), aws.String("key")
	first, err := w.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: key, Body: strings.NewReader("old"), ContentType: aws.String("a/b")})
	wantCode(t, err, "")
	w.put(t, *key, "new")
	_, err = w.s3.CopyObject(ctx, &s3.CopyObjectInput{Bucket: bucket, Key: key, CopySource: aws.String(shared + "/key")})
	wantCode(t, err, "InvalidRequest") // nothing would change
	copied, err := w.s3.CopyObject(ctx, &s3.CopyObjectInput{Bucket: bucket, Key: key, CopySource: aws.String(shared + "/key?versionId=" + *first.VersionId)})
	wantCode(t, err, "")
	head, err := w.s3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: key})
	wantCode(t, err, "")
	if *head.VersionId != *copied.VersionId || *copied.CopySourceVersionId != *first.VersionId || *head.ContentType != "a/b" || *head.ContentLength != 3 {
		t.Errorf("copied %+v, head %+v", copied, head)
	}
}
