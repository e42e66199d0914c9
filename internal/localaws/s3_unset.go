package localaws

import (
	"encoding/xml"
	"net/http"
)

// unsetConfiguration is a configuration of buckets that cannot be set here. To
// read it is answered as AWS does for a bucket that has none, since clients that
// describe a bucket read all of them and stop at an error that they do not know.
type unsetConfiguration struct {
	operation, selector, action string
	// code and message are answered, with 404, where a missing configuration is
	// an error.
	code, message string
	// document is the answer where it is none.
	document any
}

// emptyDocument is an element without content, in S3's namespace.
func emptyDocument(name string) any {
	return struct {
		XMLName xml.Name
	}{xml.Name{Space: s3Namespace, Local: name}}
}

// unsetConfigurations are those that are read by clients.
func unsetConfigurations() []unsetConfiguration {
	return []unsetConfiguration{
		{operation: "GetBucketCors", selector: "cors", action: "s3:GetBucketCORS",
			code: "NoSuchCORSConfiguration", message: "The CORS configuration does not exist"},
		{operation: "GetBucketLifecycleConfiguration", selector: "lifecycle", action: "s3:GetLifecycleConfiguration",
			code: "NoSuchLifecycleConfiguration", message: "The lifecycle configuration does not exist"},
		{operation: "GetBucketWebsite", selector: "website", action: "s3:GetBucketWebsite",
			code: "NoSuchWebsiteConfiguration", message: "The specified bucket does not have a website configuration"},
		{operation: "GetBucketReplication", selector: "replication", action: "s3:GetReplicationConfiguration",
			code: "ReplicationConfigurationNotFoundError", message: "The replication configuration was not found"},
		{operation: "GetObjectLockConfiguration", selector: "object-lock", action: "s3:GetBucketObjectLockConfiguration",
			code: "ObjectLockConfigurationNotFoundError", message: "Object Lock configuration does not exist for this bucket"},
		{operation: "GetBucketLogging", selector: "logging", action: "s3:GetBucketLogging", document: emptyDocument("BucketLoggingStatus")},
		{operation: "GetBucketNotificationConfiguration", selector: "notification", action: "s3:GetBucketNotification",
			document: emptyDocument("NotificationConfiguration")},
		{operation: "GetBucketAccelerateConfiguration", selector: "accelerate", action: "s3:GetAccelerateConfiguration",
			document: emptyDocument("AccelerateConfiguration")},
		{operation: "GetBucketRequestPayment", selector: "requestPayment", action: "s3:GetBucketRequestPayment", document: struct {
			XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ RequestPaymentConfiguration"`
			Payer   string
		}{Payer: "BucketOwner"}},
	}
}

// unsetOperations are the operations that read what cannot be set.
func unsetOperations() []s3Operation {
	var operations []s3Operation
	for _, c := range unsetConfigurations() {
		operations = append(operations, s3Operation{
			name: c.operation, level: onBucket, method: http.MethodGet, selector: c.selector, action: c.action,
			serve: func(_ *Server, q *s3Request) *apiError {
				if c.code != "" {
					return newError(http.StatusNotFound, c.code, "%s", c.message)
				}
				return q.answer.xml(c.document)
			},
		})
	}
	return operations
}
