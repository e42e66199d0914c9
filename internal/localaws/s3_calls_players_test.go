package localaws_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"
)

// player makes a recorded call. What it returns, if anything, checks the answer
// to a call that went well.
type player func(t *testing.T, client *s3.Client, st *stage, params map[string]string) (func(*testing.T), error)

// optional is a parameter that a row may lack.
func optional(params map[string]string, name string) *string {
	if value, ok := params[name]; ok {
		return &value
	}
	return nil
}

// prepareUpload begins, as the administrator, the upload in parts that the call
// is about, and gives it a part.
func (st *stage) prepareUpload(t *testing.T, params map[string]string) {
	t.Helper()
	switch st.row.Request.Operation {
	case "UploadPart", "UploadPartCopy", "CompleteMultipartUpload", "AbortMultipartUpload", "ListParts":
	default:
		return
	}
	key := params["Key"]
	created, err := st.admin.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: &st.bucket, Key: &key})
	wantCode(t, err, "")
	part, err := st.admin.UploadPart(t.Context(), &s3.UploadPartInput{
		Bucket: &st.bucket, Key: &key, UploadId: created.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("part"),
	})
	wantCode(t, err, "")
	params["UploadId"], params["ETag"] = *created.UploadId, *part.ETag
}

// recordedOperations play the operations that the recordings are of.
var recordedOperations = map[string]player{
	"GetObject": func(t *testing.T, c *s3.Client, _ *stage, p map[string]string) (func(*testing.T), error) {
		t.Helper()
		out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(p["Bucket"]), Key: aws.String(p["Key"]), VersionId: optional(p, "VersionId")})
		if err == nil {
			_ = out.Body.Close()
		}
		return nil, err
	},
	"HeadObject": func(t *testing.T, c *s3.Client, _ *stage, p map[string]string) (func(*testing.T), error) {
		t.Helper()
		_, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(p["Bucket"]), Key: aws.String(p["Key"]), VersionId: optional(p, "VersionId")})
		return nil, err
	},
	"GetObjectAcl": func(t *testing.T, c *s3.Client, _ *stage, p map[string]string) (func(*testing.T), error) {
		t.Helper()
		_, err := c.GetObjectAcl(t.Context(), &s3.GetObjectAclInput{Bucket: aws.String(p["Bucket"]), Key: aws.String(p["Key"]), VersionId: optional(p, "VersionId")})
		return nil, err
	},
	"PutObject": func(t *testing.T, c *s3.Client, _ *stage, p map[string]string) (func(*testing.T), error) {
		t.Helper()
		_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(p["Bucket"]), Key: aws.String(p["Key"]), Tagging: optional(p, "Tagging"), IfNoneMatch: optional(p, "IfNoneMatch")})
		return nil, err
	},
	"DeleteObject": func(t *testing.T, c *s3.Client, _ *stage, p map[string]string) (func(*testing.T), error) {
		t.Helper()
		_, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(p["Bucket"]), Key: aws.String(p["Key"]), VersionId: optional(p, "VersionId")})
		return nil, err
	},
	"ListObjectsV2": func(t *testing.T, c *s3.Client, _ *stage, p map[string]string) (func(*testing.T), error) {
		t.Helper()
		_, err := c.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(p["Bucket"]), Prefix: optional(p, "Prefix")})
		return nil, err
	},
	"HeadBucket": func(t *testing.T, c *s3.Client, _ *stage, p map[string]string) (func(*testing.T), error) {
		t.Helper()
		_, err := c.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: aws.String(p["Bucket"])})
		return nil, err
	},
	"CreateMultipartUpload": func(t *testing.T, c *s3.Client, _ *stage, p map[string]string) (func(*testing.T), error) {
		t.Helper()
		_, err := c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: aws.String(p["Bucket"]), Key: aws.String(p["Key"]), Tagging: optional(p, "Tagging")})
		return nil, err
	},
	"UploadPart": func(t *testing.T, c *s3.Client, _ *stage, p map[string]string) (func(*testing.T), error) {
		t.Helper()
		_, err := c.UploadPart(t.Context(), &s3.UploadPartInput{
			Bucket: aws.String(p["Bucket"]), Key: aws.String(p["Key"]), UploadId: aws.String(p["UploadId"]), PartNumber: aws.Int32(2), Body: strings.NewReader("part"),
		})
		return nil, err
	},
	"UploadPartCopy": func(t *testing.T, c *s3.Client, _ *stage, p map[string]string) (func(*testing.T), error) {
		t.Helper()
		_, err := c.UploadPartCopy(t.Context(), &s3.UploadPartCopyInput{
			Bucket: aws.String(p["Bucket"]), Key: aws.String(p["Key"]), UploadId: aws.String(p["UploadId"]), PartNumber: aws.Int32(2),
			CopySource: optional(p, "CopySource"), CopySourceIfMatch: optional(p, "CopySourceIfMatch"),
		})
		return nil, err
	},
	"CompleteMultipartUpload": func(t *testing.T, c *s3.Client, _ *stage, p map[string]string) (func(*testing.T), error) {
		t.Helper()
		_, err := c.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{
			Bucket: aws.String(p["Bucket"]), Key: aws.String(p["Key"]), UploadId: aws.String(p["UploadId"]), IfNoneMatch: optional(p, "IfNoneMatch"),
			MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: optional(p, "ETag")}}},
		})
		return nil, err
	},
	"AbortMultipartUpload": func(t *testing.T, c *s3.Client, _ *stage, p map[string]string) (func(*testing.T), error) {
		t.Helper()
		_, err := c.AbortMultipartUpload(t.Context(), &s3.AbortMultipartUploadInput{Bucket: aws.String(p["Bucket"]), Key: aws.String(p["Key"]), UploadId: aws.String(p["UploadId"])})
		return nil, err
	},
	"ListParts": func(t *testing.T, c *s3.Client, _ *stage, p map[string]string) (func(*testing.T), error) {
		t.Helper()
		out, err := c.ListParts(t.Context(), &s3.ListPartsInput{Bucket: aws.String(p["Bucket"]), Key: aws.String(p["Key"]), UploadId: aws.String(p["UploadId"])})
		return func(t *testing.T) {
			t.Helper()
			if len(out.Parts) != 1 {
				t.Errorf("%d parts, want the one that has been uploaded", len(out.Parts))
			}
		}, err
	},
	"ListMultipartUploads": func(t *testing.T, c *s3.Client, _ *stage, p map[string]string) (func(*testing.T), error) {
		t.Helper()
		_, err := c.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: aws.String(p["Bucket"])})
		return nil, err
	},
	"PutBucketPolicy": func(t *testing.T, c *s3.Client, st *stage, p map[string]string) (func(*testing.T), error) {
		t.Helper()
		_, err := c.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: aws.String(p["Bucket"]), Policy: aws.String(string(st.policies.Resource))})
		return nil, err
	},
	"DeleteBucketPolicy": func(t *testing.T, c *s3.Client, _ *stage, p map[string]string) (func(*testing.T), error) {
		t.Helper()
		_, err := c.DeleteBucketPolicy(t.Context(), &s3.DeleteBucketPolicyInput{Bucket: aws.String(p["Bucket"])})
		return nil, err
	},
	"GetBucketPolicy": func(t *testing.T, c *s3.Client, st *stage, p map[string]string) (func(*testing.T), error) {
		t.Helper()
		out, err := c.GetBucketPolicy(t.Context(), &s3.GetBucketPolicyInput{Bucket: aws.String(p["Bucket"])})
		return func(t *testing.T) {
			t.Helper()
			var want, got any
			if err := json.Unmarshal([]byte(st.filled(string(st.row.OutputPolicy))), &want); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal([]byte(*out.Policy), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("policy (-AWS +ours):\n%s", diff)
			}
		}, err
	},
	"GetBucketPolicyStatus": func(t *testing.T, c *s3.Client, st *stage, p map[string]string) (func(*testing.T), error) {
		t.Helper()
		out, err := c.GetBucketPolicyStatus(t.Context(), &s3.GetBucketPolicyStatusInput{Bucket: aws.String(p["Bucket"])})
		return func(t *testing.T) {
			t.Helper()
			if *out.PolicyStatus.IsPublic != *st.row.IsPublic {
				t.Errorf("public: %t, AWS %t", *out.PolicyStatus.IsPublic, *st.row.IsPublic)
			}
		}, err
	},
	"GetPublicAccessBlock": func(t *testing.T, c *s3.Client, st *stage, p map[string]string) (func(*testing.T), error) {
		t.Helper()
		input := &s3.GetPublicAccessBlockInput{Bucket: aws.String(p["Bucket"])}
		if strings.Contains(st.row.Name, "wrong ExpectedBucketOwner") {
			input.ExpectedBucketOwner = aws.String(otherAccount)
		}
		out, err := c.GetPublicAccessBlock(t.Context(), input)
		return func(t *testing.T) {
			t.Helper()
			block := out.PublicAccessBlockConfiguration
			got := map[string]bool{
				"BlockPublicAcls": *block.BlockPublicAcls, "IgnorePublicAcls": *block.IgnorePublicAcls,
				"BlockPublicPolicy": *block.BlockPublicPolicy, "RestrictPublicBuckets": *block.RestrictPublicBuckets,
			}
			if diff := cmp.Diff(st.row.Output, got); diff != "" {
				t.Errorf("settings (-AWS +ours):\n%s", diff)
			}
		}, err
	},
	"PutPublicAccessBlock": func(t *testing.T, c *s3.Client, st *stage, p map[string]string) (func(*testing.T), error) {
		t.Helper()
		_, err := c.PutPublicAccessBlock(t.Context(), &s3.PutPublicAccessBlockInput{
			Bucket: aws.String(p["Bucket"]), PublicAccessBlockConfiguration: publicAccessOf(*st.row.Request.BlockPublic),
		})
		return nil, err
	},
	"DeletePublicAccessBlock": func(t *testing.T, c *s3.Client, _ *stage, p map[string]string) (func(*testing.T), error) {
		t.Helper()
		_, err := c.DeletePublicAccessBlock(t.Context(), &s3.DeletePublicAccessBlockInput{Bucket: aws.String(p["Bucket"])})
		return nil, err
	},
}
