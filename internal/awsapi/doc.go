// Package awsapi is the operator's edge to the management APIs of AWS: IAM, STS
// and the bucket policies of S3.
//
// It turns SDK calls into the few domain operations that the controllers need,
// gives every error its service, operation, code and request id, and classifies
// it once. It makes no decision about documents: what to write, and in which
// order, is the controllers' business.
package awsapi
