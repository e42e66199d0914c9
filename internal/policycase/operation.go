package policycase

import (
	"strings"
	"sync"
)

// level is what an operation of S3 acts on.
type level int

const (
	onAccount level = iota
	onBucket
	onObject
)

// operation is an operation of S3 and the action that it needs, with a versionId
// the other one. What else it needs, extraChecks tells.
type operation struct {
	name          string
	level         level
	action        string // without "s3:", as the others
	versionAction string // empty if the operation takes no versionId
}

// operations is the table by name, which is never written again.
var operations = sync.OnceValue(func() map[string]*operation {
	table := map[string]*operation{}
	read := func(level level, lines string) {
		for line := range strings.Lines(lines) {
			fields := append(strings.Fields(line), "")
			if len(fields) < 3 {
				continue
			}
			table[fields[0]] = &operation{name: fields[0], level: level, action: fields[1], versionAction: fields[2]}
		}
	}
	read(onAccount, accountOperations)
	read(onBucket, bucketOperations)
	read(onObject, objectOperations)
	return table
})

// The tables have a line for each operation: its name and the action it needs,
// for objects also the action for a version.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
const (
	accountOperations = `
		ListBuckets ListAllMyBuckets`

	bucketOperations = `
		CreateBucket                                 CreateBucket
		DeleteBucket                                 DeleteBucket
		DeleteBucketAnalyticsConfiguration           PutAnalyticsConfiguration
		DeleteBucketCors                             PutBucketCORS
		DeleteBucketEncryption                       PutEncryptionConfiguration
		DeleteBucketIntelligentTieringConfiguration  PutIntelligentTieringConfiguration
		DeleteBucketInventoryConfiguration           PutInventoryConfiguration
		DeleteBucketLifecycle                        PutLifecycleConfiguration
		DeleteBucketMetricsConfiguration             PutMetricsConfiguration
		DeleteBucketOwnershipControls                PutBucketOwnershipControls
		DeleteBucketPolicy                           DeleteBucketPolicy
		DeleteBucketReplication                      PutReplicationConfiguration
		DeleteBucketTagging                          PutBucketTagging
		DeleteBucketWebsite                          DeleteBucketWebsite
		DeletePublicAccessBlock                      PutBucketPublicAccessBlock
		GetBucketAccelerateConfiguration             GetAccelerateConfiguration
		GetBucketAcl                                 GetBucketAcl
		GetBucketAnalyticsConfiguration              GetAnalyticsConfiguration
		GetBucketCors                                GetBucketCORS
		GetBucketEncryption                          GetEncryptionConfiguration
		GetBucketIntelligentTieringConfiguration     GetIntelligentTieringConfiguration
		GetBucketInventoryConfiguration              GetInventoryConfiguration
		GetBucketLifecycleConfiguration              GetLifecycleConfiguration
		GetBucketLocation                            GetBucketLocation
		GetBucketLogging                             GetBucketLogging
		GetBucketMetricsConfiguration                GetMetricsConfiguration
		GetBucketNotificationConfiguration           GetBucketNotification
		GetBucketOwnershipControls                   GetBucketOwnershipControls
		GetBucketPolicy                              GetBucketPolicy
		GetBucketPolicyStatus                        GetBucketPolicyStatus
		GetBucketReplication                         GetReplicationConfiguration
		GetBucketRequestPayment                      GetBucketRequestPayment
		GetBucketTagging                             GetBucketTagging
		GetBucketVersioning                          GetBucketVersioning
		GetBucketWebsite                             GetBucketWebsite
		GetObjectLockConfiguration                   GetBucketObjectLockConfiguration
		GetPublicAccessBlock                         GetBucketPublicAccessBlock
		HeadBucket                                   ListBucket
		ListBucketAnalyticsConfigurations            GetAnalyticsConfiguration
		ListBucketIntelligentTieringConfigurations   GetIntelligentTieringConfiguration
		ListBucketInventoryConfigurations            GetInventoryConfiguration
		ListBucketMetricsConfigurations              GetMetricsConfiguration
		ListMultipartUploads                         ListBucketMultipartUploads
		ListObjectVersions                           ListBucketVersions
		ListObjects                                  ListBucket
		ListObjectsV2                                ListBucket
		PutBucketAccelerateConfiguration             PutAccelerateConfiguration
		PutBucketAcl                                 PutBucketAcl
		PutBucketAnalyticsConfiguration              PutAnalyticsConfiguration
		PutBucketCors                                PutBucketCORS
		PutBucketEncryption                          PutEncryptionConfiguration
		PutBucketIntelligentTieringConfiguration     PutIntelligentTieringConfiguration
		PutBucketInventoryConfiguration              PutInventoryConfiguration
		PutBucketLifecycleConfiguration              PutLifecycleConfiguration
		PutBucketLogging                             PutBucketLogging
		PutBucketMetricsConfiguration                PutMetricsConfiguration
		PutBucketNotificationConfiguration           PutBucketNotification
		PutBucketOwnershipControls                   PutBucketOwnershipControls
		PutBucketPolicy                              PutBucketPolicy
		PutBucketReplication                         PutReplicationConfiguration
		PutBucketRequestPayment                      PutBucketRequestPayment
		PutBucketTagging                             PutBucketTagging
		PutBucketVersioning                          PutBucketVersioning
		PutBucketWebsite                             PutBucketWebsite
		PutObjectLockConfiguration                   PutBucketObjectLockConfiguration
		PutPublicAccessBlock                         PutBucketPublicAccessBlock`

	objectOperations = `
		AbortMultipartUpload     AbortMultipartUpload
		CompleteMultipartUpload  PutObject
		CopyObject               PutObject
		CreateMultipartUpload    PutObject
		DeleteObject             DeleteObject            DeleteObjectVersion
		DeleteObjectTagging      DeleteObjectTagging     DeleteObjectVersionTagging
		GetObject                GetObject               GetObjectVersion
		GetObjectAcl             GetObjectAcl            GetObjectVersionAcl
		GetObjectAttributes      GetObjectAttributes     GetObjectVersionAttributes
		GetObjectLegalHold       GetObjectLegalHold      GetObjectLegalHold
		GetObjectRetention       GetObjectRetention      GetObjectRetention
		GetObjectTagging         GetObjectTagging        GetObjectVersionTagging
		GetObjectTorrent         GetObjectTorrent
		HeadObject               GetObject               GetObjectVersion
		ListParts                ListMultipartUploadParts
		PutObject                PutObject
		PutObjectAcl             PutObjectAcl            PutObjectVersionAcl
		PutObjectLegalHold       PutObjectLegalHold      PutObjectLegalHold
		PutObjectRetention       PutObjectRetention      PutObjectRetention
		PutObjectTagging         PutObjectTagging        PutObjectVersionTagging
		RestoreObject            RestoreObject           RestoreObject
		SelectObjectContent      GetObject
		UploadPart               PutObject
		UploadPartCopy           PutObject`
)

// isHead tells whether the operation is a HEAD, whose answer has no body.
func (op *operation) isHead() bool { return op != nil && strings.HasPrefix(op.name, "Head") }
