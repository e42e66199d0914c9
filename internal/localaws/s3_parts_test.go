package localaws_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"
)

// partsUpload is an upload in parts of a test.
type partsUpload struct {
	*s3World
	key, id *string
}

func (w *s3World) begin(t *testing.T, key string, configure ...func(*s3.CreateMultipartUploadInput)) *partsUpload {
	t.Helper()
	input := &s3.CreateMultipartUploadInput{Bucket: aws.String(shared), Key: &key}
	for _, c := range configure {
		c(input)
	}
	out, err := w.s3.CreateMultipartUpload(t.Context(), input)
	wantCode(t, err, "")
	return &partsUpload{s3World: w, key: &key, id: out.UploadId}
}

func (u *partsUpload) part(t *testing.T, number int32, body []byte, algorithm types.ChecksumAlgorithm) types.CompletedPart {
	t.Helper()
	out, err := u.s3.UploadPart(t.Context(), &s3.UploadPartInput{
		Bucket: aws.String(shared), Key: u.key, UploadId: u.id, PartNumber: &number, Body: bytes.NewReader(body), ChecksumAlgorithm: algorithm,
	})
	wantCode(t, err, "")
	return types.CompletedPart{PartNumber: &number, ETag: out.ETag}
}

func (u *partsUpload) complete(t *testing.T, parts ...types.CompletedPart) (*s3.CompleteMultipartUploadOutput, error) {
	t.Helper()
	return u.s3.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{
		Bucket: aws.String(shared), Key: u.key, UploadId: u.id, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
}

const largePart = 5 << 20 // bytes, the least that a part but the last may have

func TestCompletionOfAnUpload(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		choose func(large, small types.CompletedPart) []types.CompletedPart
		code   string
	}{
		"in order":          {func(l, s types.CompletedPart) []types.CompletedPart { return []types.CompletedPart{l, s} }, ""},
		"with one part":     {func(_, s types.CompletedPart) []types.CompletedPart { return []types.CompletedPart{s} }, ""},
		"out of order":      {func(l, s types.CompletedPart) []types.CompletedPart { return []types.CompletedPart{s, l} }, "InvalidPartOrder"},
		"with a part twice": {func(l, _ types.CompletedPart) []types.CompletedPart { return []types.CompletedPart{l, l} }, "InvalidPartOrder"},
		"without parts":     {func(_, _ types.CompletedPart) []types.CompletedPart { return nil }, "MalformedXML"},
		"with another tag": {func(l, s types.CompletedPart) []types.CompletedPart {
			l.ETag = s.ETag
			return []types.CompletedPart{l}
		}, "InvalidPart"},
		"with a part that is not there": {func(l, _ types.CompletedPart) []types.CompletedPart {
			return []types.CompletedPart{l, {PartNumber: aws.Int32(9), ETag: l.ETag}}
		}, "InvalidPart"},
		"with a small part in front": {func(_, s types.CompletedPart) []types.CompletedPart {
			return []types.CompletedPart{s, {PartNumber: aws.Int32(3), ETag: s.ETag}}
		}, "EntityTooSmall"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newS3World(t)
			u := w.begin(t, "key")
			large, small := u.part(t, 1, make([]byte, largePart), ""), u.part(t, 2, []byte("small"), "")
			u.part(t, 3, []byte("small"), "")
			_, err := u.complete(t, test.choose(large, small)...)
			wantCode(t, err, test.code)
			_, err = w.s3.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(shared), Key: aws.String("key")})
			if exists := err == nil; exists != (test.code == "") {
				t.Errorf("the object exists: %t", exists)
			}
		})
	}
}

func TestAnUploadInPartsAndItsObjectAgree(t *testing.T) {
	t.Parallel()
	w := newS3World(t)
	for algorithm, kind := range map[types.ChecksumAlgorithm]types.ChecksumType{
		"": "FULL_OBJECT", "CRC64NVME": "FULL_OBJECT", "CRC32C": "COMPOSITE", "SHA256": "COMPOSITE",
	} {
		t.Run("checksum "+string(algorithm), func(t *testing.T) {
			t.Parallel()
			key := "object" + string(algorithm)
			u := w.begin(t, key, func(input *s3.CreateMultipartUploadInput) { input.ChecksumAlgorithm = algorithm })
			done, err := u.complete(t, u.part(t, 1, make([]byte, largePart), algorithm), u.part(t, 2, []byte("small"), algorithm))
			wantCode(t, err, "")
			again, err := u.complete(t, types.CompletedPart{PartNumber: aws.Int32(1), ETag: aws.String("x")}) // an answer that was lost
			wantCode(t, err, "")
			head, err := w.s3.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(shared), Key: &key, ChecksumMode: "ENABLED"})
			wantCode(t, err, "")
			if *done.ETag != *head.ETag || *again.ETag != *head.ETag || !strings.HasSuffix(*head.ETag, `-2"`) || head.ChecksumType != kind {
				t.Errorf("entity tags %s, %s and %s, checksum of type %s", *done.ETag, *again.ETag, *head.ETag, head.ChecksumType)
			}
			second, err := w.s3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(shared), Key: &key, PartNumber: aws.Int32(2), IfMatch: head.ETag})
			wantCode(t, err, "")
			if *second.ContentLength != 5 || *second.PartsCount != 2 {
				t.Errorf("part 2 has %d bytes, of %d parts", *second.ContentLength, *second.PartsCount)
			}
			attributes, err := w.s3.GetObjectAttributes(t.Context(), &s3.GetObjectAttributesInput{
				Bucket: aws.String(shared), Key: &key, ObjectAttributes: []types.ObjectAttributes{"ETag", "ObjectParts", "Checksum"},
			})
			wantCode(t, err, "")
			if *attributes.ObjectParts.TotalPartsCount != 2 || len(attributes.ObjectParts.Parts) != 2 || attributes.Checksum.ChecksumType != kind {
				t.Errorf("attributes %+v, checksum %+v", attributes.ObjectParts, attributes.Checksum)
			}
		})
	}
}

func TestUploadsAreListed(t *testing.T) {
	t.Parallel()
	w := newS3World(t)
	for _, key := range []string{"a/1", "a/1", "a/2", "b", "c+d"} {
		w.begin(t, key)
	}
	list := func(input s3.ListMultipartUploadsInput) []string {
		input.Bucket, input.MaxUploads = aws.String(shared), aws.Int32(1)
		var shown []string
		for {
			page, err := w.s3.ListMultipartUploads(t.Context(), &input)
			wantCode(t, err, "")
			for _, p := range page.CommonPrefixes {
				shown = append(shown, *p.Prefix)
			}
			for _, u := range page.Uploads {
				shown = append(shown, *u.Key)
			}
			if !*page.IsTruncated {
				return shown
			}
			input.KeyMarker, input.UploadIdMarker = page.NextKeyMarker, page.NextUploadIdMarker
		}
	}
	for name, test := range map[string]struct {
		input s3.ListMultipartUploadsInput
		want  []string
	}{
		"all":       {want: []string{"a/1", "a/1", "a/2", "b", "c+d"}},
		"folded":    {s3.ListMultipartUploadsInput{Delimiter: aws.String("/")}, []string{"a/", "b", "c+d"}},
		"of prefix": {s3.ListMultipartUploadsInput{Prefix: aws.String("a/1")}, []string{"a/1", "a/1"}},
		"behind":    {s3.ListMultipartUploadsInput{KeyMarker: aws.String("a/1")}, []string{"a/2", "b", "c+d"}},
	} {
		if diff := cmp.Diff(test.want, list(test.input)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestPartsAreListedAndForgotten(t *testing.T) {
	t.Parallel()
	w := newS3World(t)
	u := w.begin(t, "key")
	for _, number := range []int32{3, 1, 7} {
		u.part(t, number, []byte("x"), "")
	}
	input := &s3.ListPartsInput{Bucket: aws.String(shared), Key: u.key, UploadId: u.id, MaxParts: aws.Int32(2)}
	pager := s3.NewListPartsPaginator(w.s3, input)
	var numbers []int32
	for pager.HasMorePages() {
		page, err := pager.NextPage(t.Context())
		wantCode(t, err, "")
		for _, p := range page.Parts {
			numbers = append(numbers, *p.PartNumber)
		}
	}
	if diff := cmp.Diff([]int32{1, 3, 7}, numbers); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
	abort := &s3.AbortMultipartUploadInput{Bucket: aws.String(shared), Key: u.key, UploadId: u.id}
	_, err := w.s3.AbortMultipartUpload(t.Context(), abort)
	wantCode(t, err, "")
	_, err = w.s3.AbortMultipartUpload(t.Context(), abort)
	wantCode(t, err, "NoSuchUpload")
	_, err = w.s3.ListParts(t.Context(), input)
	wantCode(t, err, "NoSuchUpload")
	for _, number := range []int32{0, 10_001} {
		_, err = w.s3.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: aws.String(shared), Key: u.key, UploadId: u.id, PartNumber: &number, Body: strings.NewReader("x")})
		wantCode(t, err, "InvalidArgument")
	}
}

func TestUploadsGoWithTheirBucket(t *testing.T) {
	t.Parallel()
	w := newS3World(t)
	u := w.begin(t, "key")
	_, err := w.s3.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: aws.String(shared)})
	wantCode(t, err, "")
	_, err = w.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(shared)})
	wantCode(t, err, "")
	_, err = u.complete(t, types.CompletedPart{PartNumber: aws.Int32(1), ETag: aws.String("x")})
	wantCode(t, err, "NoSuchUpload")
}
