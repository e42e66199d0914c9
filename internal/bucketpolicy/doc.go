// Package bucketpolicy knows which bucket policies S3 takes and which of them it
// calls public.
//
// [Admit] refuses what PutBucketPolicy refuses, in AWS's words: a document that
// is too large or not of the grammar, resources outside the bucket, actions that
// do not exist or do not apply, condition keys that an action never comes with,
// principals of a form that S3 does not know. [IsPublic] is the judgment of
// GetBucketPolicyStatus, by which Block Public Access works.
//
// It is pure, and it decides no request: that is package policy's. Whether the
// principals of a policy exist is for the caller to look up.
package bucketpolicy
