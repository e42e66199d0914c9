package localaws_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"
)

// strangeKeys are keys that a client or a server easily gets wrong.
func strangeKeys() []string {
	return []string{
		"a b", "a+b", "a%2Fb", "ü/é", "x//y", "trail/", "/lead", "..", "a/../b", "./a", "emoji😀", "q?x=1&y#z", "a\tb", "100%", "~",
		`quote"'`, "a;b", "&amp;", "a=b", "new\nline", `a\b`, "ctrl\x01x", strings.Repeat("k", 1024),
	}
}

func TestStrangeKeys(t *testing.T) {
	t.Parallel()
	w := newS3World(t)
	ctx, bucket := t.Context(), aws.String(shared)
	for _, key := range strangeKeys() {
		w.put(t, key, key)
		if got := read(t, w.s3, get(key)); got != key {
			t.Errorf("%q has the body %q", key, got)
		}
		tags := &types.Tagging{TagSet: []types.Tag{{Key: aws.String("a"), Value: aws.String("b c")}}}
		_, err := w.s3.PutObjectTagging(ctx, &s3.PutObjectTaggingInput{Bucket: bucket, Key: &key, Tagging: tags})
		wantCode(t, err, "")
	}
	_, err := w.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: aws.String(strings.Repeat("k", 1025))})
	wantCode(t, err, "KeyTooLongError")
	want := slices.Sorted(slices.Values(strangeKeys()))
	for name, listed := range map[string]func() []string{
		"ListObjectsV2": func() (keys []string) {
			pager := s3.NewListObjectsV2Paginator(w.s3, &s3.ListObjectsV2Input{Bucket: bucket, MaxKeys: aws.Int32(2), EncodingType: "url"})
			for pager.HasMorePages() {
				page, err := pager.NextPage(ctx)
				wantCode(t, err, "")
				for _, o := range page.Contents {
					keys = append(keys, decoded(t, *o.Key))
				}
			}
			return keys
		},
		"ListObjectVersions": func() (keys []string) {
			pager := s3.NewListObjectVersionsPaginator(w.s3, &s3.ListObjectVersionsInput{Bucket: bucket, MaxKeys: aws.Int32(50), EncodingType: "url"})
			for pager.HasMorePages() {
				page, err := pager.NextPage(ctx)
				wantCode(t, err, "")
				for _, o := range page.Versions {
					keys = append(keys, decoded(t, *o.Key))
				}
			}
			return keys
		},
	} {
		if diff := cmp.Diff(want, listed()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// decoded undoes encoding-type=url, which the SDK leaves to its caller.
func decoded(t *testing.T, key string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://x/?k="+key, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return r.URL.Query().Get("k")
}

func TestReadsUnderConditions(t *testing.T) {
	t.Parallel()
	w := newS3World(t)
	w.put(t, "key", "0123456789")
	head, err := w.s3.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(shared), Key: aws.String("key")})
	wantCode(t, err, "")
	tag, other := head.ETag, aws.String(`"other"`)
	before, after := aws.Time(head.LastModified.Add(-time.Hour)), aws.Time(head.LastModified.Add(time.Hour))
	tests := map[string]struct {
		input  s3.GetObjectInput
		status int
		body   string
	}{
		"the tag":                            {s3.GetObjectInput{IfMatch: tag}, 200, "0123456789"},
		"another tag":                        {s3.GetObjectInput{IfMatch: other}, 412, ""},
		"not the tag":                        {s3.GetObjectInput{IfNoneMatch: tag}, 304, ""},
		"not another tag":                    {s3.GetObjectInput{IfNoneMatch: other}, 200, "0123456789"},
		"modified since before":              {s3.GetObjectInput{IfModifiedSince: before}, 200, "0123456789"},
		"modified since it was":              {s3.GetObjectInput{IfModifiedSince: head.LastModified}, 304, ""},
		"not modified since before":          {s3.GetObjectInput{IfUnmodifiedSince: before}, 412, ""},
		"the tag, whatever the date":         {s3.GetObjectInput{IfMatch: tag, IfUnmodifiedSince: before}, 200, "0123456789"},
		"not another tag, whatever the date": {s3.GetObjectInput{IfNoneMatch: other, IfModifiedSince: after}, 200, "0123456789"},
		"the first bytes":                    {s3.GetObjectInput{Range: aws.String("bytes=0-3")}, 206, "0123"},
		"up to the end":                      {s3.GetObjectInput{Range: aws.String("bytes=8-")}, 206, "89"},
		"beyond the end":                     {s3.GetObjectInput{Range: aws.String("bytes=8-99")}, 206, "89"},
		"the last bytes":                     {s3.GetObjectInput{Range: aws.String("bytes=-2")}, 206, "89"},
		"more than all":                      {s3.GetObjectInput{Range: aws.String("bytes=-99")}, 206, "0123456789"},
		"no bytes":                           {s3.GetObjectInput{Range: aws.String("bytes=-0")}, 416, ""},
		"behind the end":                     {s3.GetObjectInput{Range: aws.String("bytes=10-")}, 416, ""},
		"backwards":                          {s3.GetObjectInput{Range: aws.String("bytes=5-2")}, 200, "0123456789"},
		"two ranges":                         {s3.GetObjectInput{Range: aws.String("bytes=0-1,3-4")}, 200, "0123456789"},
		"other units":                        {s3.GetObjectInput{Range: aws.String("lines=0-1")}, 200, "0123456789"},
		"the only part":                      {s3.GetObjectInput{PartNumber: aws.Int32(1)}, 200, "0123456789"},
		"a part that is none":                {s3.GetObjectInput{PartNumber: aws.Int32(2)}, 416, ""},
		"a part and a range":                 {s3.GetObjectInput{PartNumber: aws.Int32(1), Range: aws.String("bytes=0-3")}, 400, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.input.Bucket, test.input.Key = aws.String(shared), aws.String("key")
			out, err := w.s3.GetObject(t.Context(), &test.input)
			if test.status >= 300 {
				wantStatus(t, err, test.status)
				return
			}
			wantCode(t, err, "")
			defer func() { _ = out.Body.Close() }()
			body, err := io.ReadAll(out.Body)
			if partial := out.ContentRange != nil; err != nil || string(body) != test.body || partial != (test.status == http.StatusPartialContent) {
				t.Errorf("read %q, range %v, error %v", body, out.ContentRange, err)
			}
		})
	}
}

func TestWritesUnderConditions(t *testing.T) {
	t.Parallel()
	w := newS3World(t)
	ctx, bucket := t.Context(), aws.String(shared)
	w.put(t, "key", "x")
	head, err := w.s3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: aws.String("key")})
	wantCode(t, err, "")
	tag, other, star := head.ETag, aws.String(`"other"`), aws.String("*")
	put := func(key string, match, noneMatch *string) error {
		_, err := w.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: &key, IfMatch: match, IfNoneMatch: noneMatch, Body: strings.NewReader("x")})
		return err
	}
	wantCode(t, put("key", nil, star), "PreconditionFailed")
	wantCode(t, put("new", nil, star), "")
	wantCode(t, put("key", other, nil), "PreconditionFailed")
	wantCode(t, put("nothing", tag, nil), "NoSuchKey")
	wantCode(t, put("key", nil, other), "NotImplemented")
	wantCode(t, put("key", tag, nil), "")
	_, err = w.s3.CopyObject(ctx, &s3.CopyObjectInput{Bucket: bucket, Key: aws.String("key"), CopySource: aws.String(shared + "/new"), IfNoneMatch: star})
	wantCode(t, err, "PreconditionFailed")
	_, err = w.s3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: aws.String("key"), IfMatch: other})
	wantCode(t, err, "PreconditionFailed")
	out, err := w.s3.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: bucket, Delete: &types.Delete{Quiet: aws.Bool(true), Objects: []types.ObjectIdentifier{
		{Key: aws.String("key"), ETag: other}, {Key: aws.String("new"), ETag: tag}, {Key: aws.String("x"), Size: aws.Int64(1)},
	}}})
	wantCode(t, err, "")
	var refused []string
	for _, e := range out.Errors {
		refused = append(refused, *e.Key+" "+*e.Code)
	}
	if diff := cmp.Diff([]string{"key PreconditionFailed", "x NotImplemented"}, refused); diff != "" || len(out.Deleted) != 0 {
		t.Errorf("deleted %v, refused (-want +got):\n%s", out.Deleted, diff)
	}
	// Who names the tag learns whether it is the right one.
	deleter := w.session(t, "deleter", policyOf(grant("s3:DeleteObject", bucketARN("/*")), grant("s3:PutObject", bucketARN("/*"))))
	_, err = deleter.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: aws.String("key"), IfMatch: other})
	wantRefusal(t, err, "AccessDenied", "s3:GetObject")
	_, err = deleter.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: aws.String("key"), IfMatch: other})
	wantRefusal(t, err, "AccessDenied", "s3:GetObject")
	_, err = deleter.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: aws.String("key"), IfMatch: star})
	wantCode(t, err, "")
}

func TestListsOfOddLengths(t *testing.T) {
	t.Parallel()
	w := newS3World(t)
	ctx, bucket := t.Context(), aws.String(shared)
	for _, key := range []string{"a", "b", "c/1", "c/2"} {
		w.put(t, key, "x")
	}
	none, err := w.s3.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: bucket, MaxKeys: aws.Int32(0)})
	wantCode(t, err, "")
	if none.MaxKeys == nil || *none.MaxKeys != 0 || *none.KeyCount != 0 || *none.IsTruncated {
		t.Errorf("a list of no keys: %+v", none)
	}
	all, err := w.s3.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: bucket, MaxKeys: aws.Int32(5000), StartAfter: aws.String("a"), FetchOwner: aws.Bool(true)})
	wantCode(t, err, "")
	if *all.MaxKeys != 1000 || *all.KeyCount != 3 || *all.Contents[0].Key != "b" || len(*all.Contents[0].Owner.ID) != 64 || all.Contents[0].StorageClass != "STANDARD" {
		t.Errorf("a list behind a: %+v", all)
	}
	_, err = w.s3.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: bucket, MaxKeys: aws.Int32(-1)})
	wantCode(t, err, "InvalidArgument")
	_, err = w.s3.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: bucket, ContinuationToken: aws.String("%%")})
	wantCode(t, err, "InvalidArgument")
	_, err = w.s3.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: bucket, EncodingType: "rot13"})
	wantCode(t, err, "InvalidArgument")
	folded, err := w.s3.ListObjects(ctx, &s3.ListObjectsInput{Bucket: bucket, Delimiter: aws.String("/"), MaxKeys: aws.Int32(2)})
	wantCode(t, err, "")
	rest, err := w.s3.ListObjects(ctx, &s3.ListObjectsInput{Bucket: bucket, Delimiter: aws.String("/"), Marker: folded.NextMarker})
	wantCode(t, err, "")
	if *folded.NextMarker != "b" || len(rest.CommonPrefixes) != 1 || len(rest.Contents) != 0 {
		t.Errorf("pages %+v and %+v", folded, rest)
	}
}

func TestWhatCannotBeUploaded(t *testing.T) {
	t.Parallel()
	w := newS3World(t)
	for name, test := range map[string]struct {
		input s3.PutObjectInput
		code  string
	}{
		"another MD5":                {s3.PutObjectInput{ContentMD5: aws.String("1B2M2Y8AsgTpgAmY7PhCfg==")}, "BadDigest"},
		"an MD5 that is none":        {s3.PutObjectInput{ContentMD5: aws.String("x")}, "InvalidDigest"},
		"another checksum":           {s3.PutObjectInput{ChecksumCRC32: aws.String("AAAAAA==")}, "BadDigest"},
		"a checksum that is none":    {s3.PutObjectInput{ChecksumSHA256: aws.String("AAAAAA==")}, "InvalidRequest"},
		"two checksums":              {s3.PutObjectInput{ChecksumCRC32: aws.String("AAAAAA=="), ChecksumCRC32C: aws.String("AAAAAA==")}, "InvalidRequest"},
		"metadata of 2 KB":           {s3.PutObjectInput{Metadata: map[string]string{"a": strings.Repeat("x", 2047)}}, ""},
		"metadata of more than 2 KB": {s3.PutObjectInput{Metadata: map[string]string{"a": strings.Repeat("x", 2048)}}, "MetadataTooLarge"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.input.Bucket, test.input.Key, test.input.Body = aws.String(shared), aws.String("key"), strings.NewReader("x")
			_, err := w.s3.PutObject(t.Context(), &test.input)
			wantCode(t, err, test.code)
		})
	}
}

func TestChecksumsAreKept(t *testing.T) {
	t.Parallel()
	w := newS3World(t)
	ctx, bucket, key := t.Context(), aws.String(shared), aws.String("key")
	_, err := w.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: key, Body: strings.NewReader("hello"), ChecksumAlgorithm: "SHA256"})
	wantCode(t, err, "")
	_, err = w.s3.CopyObject(ctx, &s3.CopyObjectInput{Bucket: bucket, Key: aws.String("same"), CopySource: aws.String(shared + "/key")})
	wantCode(t, err, "")
	_, err = w.s3.CopyObject(ctx, &s3.CopyObjectInput{Bucket: bucket, Key: aws.String("other"), CopySource: aws.String(shared + "/key"), ChecksumAlgorithm: "CRC32"})
	wantCode(t, err, "")
	for key, want := range map[string][2]string{
		"key":   {"LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=", ""},
		"same":  {"LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=", ""},
		"other": {"", "NhCmhg=="},
	} {
		head, err := w.s3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: &key, ChecksumMode: "ENABLED"})
		wantCode(t, err, "")
		if got := [2]string{aws.ToString(head.ChecksumSHA256), aws.ToString(head.ChecksumCRC32)}; got != want {
			t.Errorf("%s has the checksums %q, want %q", key, got, want)
		}
	}
}

// TestContinueIsSentForAnEmptyBody speaks HTTP by hand: Go's client does not
// tell.
func TestContinueIsSentForAnEmptyBody(t *testing.T) {
	t.Parallel()
	w := newS3World(t)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, w.url+"/"+shared+"/key", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	request.Header.Set("X-Amz-Content-Sha256", empty)
	credentials := aws.Credentials{AccessKeyID: "localaws", SecretAccessKey: "localaws"}
	if err := v4.NewSigner().SignHTTP(t.Context(), credentials, request, empty, "s3", "us-east-1", w.now); err != nil {
		t.Fatal(err)
	}
	connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", request.URL.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	_, _ = fmt.Fprintf(connection, "PUT %s HTTP/1.1\r\nHost: %s\r\nExpect: 100-continue\r\nContent-Length: 0\r\n", request.URL.Path, request.URL.Host)
	for name := range request.Header {
		_, _ = fmt.Fprintf(connection, "%s: %s\r\n", name, request.Header.Get(name))
	}
	_, _ = fmt.Fprint(connection, "\r\n")
	reader := bufio.NewReader(connection)
	for _, want := range []string{"HTTP/1.1 100 Continue\r\n", "\r\n", "HTTP/1.1 200 OK\r\n"} {
		if line, err := reader.ReadString('\n'); line != want || err != nil {
			t.Fatalf("got the line %q, error %v, want %q", line, err, want)
		}
	}
}

func TestConfigurationsThatAreNotSet(t *testing.T) {
	t.Parallel()
	w := newS3World(t)
	ctx, bucket := t.Context(), aws.String(shared)
	_, err := w.s3.GetBucketCors(ctx, &s3.GetBucketCorsInput{Bucket: bucket})
	wantCode(t, err, "NoSuchCORSConfiguration")
	_, err = w.s3.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: bucket})
	wantCode(t, err, "NoSuchLifecycleConfiguration")
	payment, err := w.s3.GetBucketRequestPayment(ctx, &s3.GetBucketRequestPaymentInput{Bucket: bucket})
	if err != nil || payment.Payer != "BucketOwner" {
		t.Errorf("payment %+v, error %v", payment, err)
	}
	client := w.session(t, "nobody", "")
	_, err = client.GetBucketCors(ctx, &s3.GetBucketCorsInput{Bucket: bucket})
	wantRefusal(t, err, "AccessDenied", "s3:GetBucketCORS")
}

func TestTagsOfBuckets(t *testing.T) {
	t.Parallel()
	w := newS3World(t)
	ctx, bucket := t.Context(), aws.String(shared)
	put := func(tags ...types.Tag) error {
		_, err := w.s3.PutBucketTagging(ctx, &s3.PutBucketTaggingInput{Bucket: bucket, Tagging: &types.Tagging{TagSet: tags}})
		return err
	}
	tag := func(key, value string) types.Tag { return types.Tag{Key: &key, Value: &value} }
	_, err := w.s3.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: bucket})
	wantCode(t, err, "NoSuchTagSet")
	wantCode(t, put(tag("a", "b"), tag("a", "c")), "InvalidTag")
	wantCode(t, put(tag("aws:a", "b")), "InvalidTag")
	wantCode(t, put(tag("a", "b*")), "InvalidTag")
	wantCode(t, put(tag("a", "b"), tag("A", "c")), "")
	tags, err := w.s3.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: bucket})
	if err != nil || len(tags.TagSet) != 2 {
		t.Errorf("tags %+v, error %v", tags, err)
	}
	_, err = w.s3.DeleteBucketTagging(ctx, &s3.DeleteBucketTaggingInput{Bucket: bucket})
	wantCode(t, err, "")
	_, err = w.s3.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: bucket})
	wantCode(t, err, "NoSuchTagSet")
}
