package probe

import (
	"context"
	"io"
	"net/http"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
)

// maxBody bounds, in bytes, what is read of an object or an error.
const maxBody = 64 << 10

// call is what an operation does; at gives a prefix or a key.
type (
	call func(ctx context.Context, t *target) answer
	at   func(t *target) *string
)

// ask calls an operation of S3 and keeps what came with its output.
func ask[I, O any](ctx context.Context, operation func(context.Context, *I, ...func(*s3.Options)) (*O, error), input *I) (*O, answer) {
	var metadata middleware.Metadata
	keep := middleware.InitializeMiddlewareFunc("KeepMetadata", func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
		out, kept, err := next.HandleInitialize(ctx, in)
		metadata = kept
		return out, kept, err
	})
	output, err := operation(ctx, input, s3.WithAPIOptions(func(stack *middleware.Stack) error {
		return stack.Initialize.Add(keep, middleware.Before)
	}))
	return output, answerOf(metadata, err)
}

func listing(prefix at) call {
	return func(ctx context.Context, t *target) answer {
		_, given := ask(ctx, t.own.s3.ListObjectsV2, &s3.ListObjectsV2Input{
			Bucket: t.name(), MaxKeys: aws.Int32(1), Prefix: prefix(t),
		})
		return given
	}
}

func delimited(ctx context.Context, t *target) answer {
	_, given := ask(ctx, t.own.s3.ListObjectsV2, &s3.ListObjectsV2Input{
		Bucket: t.name(), MaxKeys: aws.Int32(1), Delimiter: aws.String("/"),
	})
	return given
}

func oldListing(prefix at) call {
	return func(ctx context.Context, t *target) answer {
		_, given := ask(ctx, t.own.s3.ListObjects, &s3.ListObjectsInput{
			Bucket: t.name(), MaxKeys: aws.Int32(1), Prefix: prefix(t),
		})
		return given
	}
}

func versions(prefix at) call {
	return func(ctx context.Context, t *target) answer {
		_, given := ask(ctx, t.own.s3.ListObjectVersions, &s3.ListObjectVersionsInput{
			Bucket: t.name(), MaxKeys: aws.Int32(1), Prefix: prefix(t),
		})
		return given
	}
}

func uploads(prefix at) call {
	return func(ctx context.Context, t *target) answer {
		_, given := ask(ctx, t.own.s3.ListMultipartUploads, &s3.ListMultipartUploadsInput{
			Bucket: t.name(), MaxUploads: aws.Int32(1), Prefix: prefix(t),
		})
		return given
	}
}

func getting(key at) call {
	return func(ctx context.Context, t *target) answer {
		return getObject(ctx, t, &s3.GetObjectInput{Bucket: t.name(), Key: key(t)})
	}
}

func gettingRange(key at) call {
	return func(ctx context.Context, t *target) answer {
		return getObject(ctx, t, &s3.GetObjectInput{Bucket: t.name(), Key: key(t), Range: aws.String("bytes=0-3")})
	}
}

// getObject reads the body to the end, so that the connection can be used again.
// The permission was given with the headers.
func getObject(ctx context.Context, t *target, input *s3.GetObjectInput) answer {
	output, given := ask(ctx, t.own.s3.GetObject, input)
	if given.err == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(output.Body, maxBody))
		_ = output.Body.Close()
	}
	return given
}

func heading(key at) call {
	return func(ctx context.Context, t *target) answer {
		_, given := ask(ctx, t.own.s3.HeadObject, &s3.HeadObjectInput{Bucket: t.name(), Key: key(t)})
		return given
	}
}

func gettingAttributes(key at) call {
	return func(ctx context.Context, t *target) answer {
		_, given := ask(ctx, t.own.s3.GetObjectAttributes, &s3.GetObjectAttributesInput{
			Bucket: t.name(), Key: key(t), ObjectAttributes: []types.ObjectAttributes{types.ObjectAttributesObjectSize},
		})
		return given
	}
}

func gettingTags(key at) call {
	return func(ctx context.Context, t *target) answer {
		_, given := ask(ctx, t.own.s3.GetObjectTagging, &s3.GetObjectTaggingInput{Bucket: t.name(), Key: key(t)})
		return given
	}
}

func gettingACL(key at) call {
	return func(ctx context.Context, t *target) answer {
		_, given := ask(ctx, t.own.s3.GetObjectAcl, &s3.GetObjectAclInput{Bucket: t.name(), Key: key(t)})
		return given
	}
}

func puttingTags(key at) call {
	return func(ctx context.Context, t *target) answer {
		tags := []types.Tag{{Key: aws.String("wallet-federation-probe"), Value: aws.String("was-here")}}
		_, given := ask(ctx, t.own.s3.PutObjectTagging, &s3.PutObjectTaggingInput{
			Bucket: t.name(), Key: key(t), Tagging: &types.Tagging{TagSet: tags},
		})
		return given
	}
}

// puttingACL asks for the ACL that every object has anyway.
func puttingACL(key at) call {
	return func(ctx context.Context, t *target) answer {
		_, given := ask(ctx, t.own.s3.PutObjectAcl, &s3.PutObjectAclInput{
			Bucket: t.name(), Key: key(t), ACL: types.ObjectCannedACLPrivate,
		})
		return given
	}
}

func putting(key at) call {
	return func(ctx context.Context, t *target) answer { return t.put(ctx, t.own, key(t)) }
}

func copying(from, to at) call {
	return func(ctx context.Context, t *target) answer {
		source := url.URL{Path: t.bucket.Name + "/" + *from(t)}
		_, given := ask(ctx, t.own.s3.CopyObject, &s3.CopyObjectInput{
			Bucket: t.name(), Key: to(t), CopySource: aws.String(source.EscapedPath()),
		})
		return given
	}
}

// uploading takes back what it began, should it be allowed to begin.
func uploading(key at) call {
	return func(ctx context.Context, t *target) answer {
		output, given := ask(ctx, t.own.s3.CreateMultipartUpload, &s3.CreateMultipartUploadInput{Bucket: t.name(), Key: key(t)})
		if given.err == nil {
			// If that is denied, an upload without parts stays.
			_, _ = ask(ctx, t.own.s3.AbortMultipartUpload, &s3.AbortMultipartUploadInput{
				Bucket: t.name(), Key: key(t), UploadId: output.UploadId,
			})
		}
		return given
	}
}

func deleting(key at) call {
	return func(ctx context.Context, t *target) answer {
		_, given := ask(ctx, t.own.s3.DeleteObject, &s3.DeleteObjectInput{Bucket: t.name(), Key: key(t)})
		return given
	}
}

// deletingMany reads the verdict on the key from the answer's body: the call
// itself succeeds.
func deletingMany(key at) call {
	return func(ctx context.Context, t *target) answer {
		output, given := ask(ctx, t.own.s3.DeleteObjects, &s3.DeleteObjectsInput{
			Bucket: t.name(), Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: key(t)}}},
		})
		if given.err == nil && len(output.Errors) > 0 {
			refusal := &smithy.GenericAPIError{Code: aws.ToString(output.Errors[0].Code), Message: aws.ToString(output.Errors[0].Message)}
			given.code, given.status, given.err = refusal.Code, http.StatusForbidden, refusal
		}
		return given
	}
}

func headBucket(ctx context.Context, t *target) answer {
	_, given := ask(ctx, t.own.s3.HeadBucket, &s3.HeadBucketInput{Bucket: t.name()})
	return given
}

func getBucketPolicy(ctx context.Context, t *target) answer {
	_, given := ask(ctx, t.own.s3.GetBucketPolicy, &s3.GetBucketPolicyInput{Bucket: t.name()})
	return given
}

func getBucketACL(ctx context.Context, t *target) answer {
	_, given := ask(ctx, t.own.s3.GetBucketAcl, &s3.GetBucketAclInput{Bucket: t.name()})
	return given
}

func getBucketVersioning(ctx context.Context, t *target) answer {
	_, given := ask(ctx, t.own.s3.GetBucketVersioning, &s3.GetBucketVersioningInput{Bucket: t.name()})
	return given
}
