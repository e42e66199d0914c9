package bucketpolicy

const (
	// commonKeys are the condition keys that every action comes with.
	commonKeys = "authtype resourceaccount signatureage signatureversion tlsversion x-amz-content-sha256 " +
		"accessgrantsinstancearn accesspointnetworkorigin accesspointtag/ buckettag/ dataaccesspointaccount dataaccesspointarn"
	aclKeys        = "x-amz-acl x-amz-grant-full-control x-amz-grant-read x-amz-grant-read-acp x-amz-grant-write x-amz-grant-write-acp"
	encryptionKeys = "x-amz-server-side-encryption x-amz-server-side-encryption-aws-kms-key-id x-amz-server-side-encryption-customer-algorithm"
)

// actionGroup are actions with the same resources and condition keys.
type actionGroup struct {
	onBucket, onObject bool
	keys, names        string
}

// actionGroups is the table of the service authorization reference, as of
// September 2026. Actions on neither buckets nor objects exist, but apply to
// nothing in a bucket policy.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
func actionGroups() []actionGroup {
	return []actionGroup{
		{
			onBucket: true,
			names: "CreateBucketMetadataTableConfiguration DeleteBucket DeleteBucketMetadataTableConfiguration " +
				"DeleteBucketPolicy DeleteBucketWebsite GetAccelerateConfiguration GetAnalyticsConfiguration " +
				"GetBucketAbac GetBucketAcl GetBucketCORS GetBucketLocation GetBucketLogging " +
				"GetBucketMetadataTableConfiguration GetBucketNotification GetBucketObjectLockConfiguration " +
				"GetBucketOwnershipControls GetBucketPolicy GetBucketPolicyStatus GetBucketPublicAccessBlock " +
				"GetBucketRequestPayment GetBucketTagging GetBucketVersioning GetBucketWebsite " +
				"GetEncryptionConfiguration GetIntelligentTieringConfiguration GetInventoryConfiguration " +
				"GetLifecycleConfiguration GetMetricsConfiguration GetReplicationConfiguration " +
				"ListBucketMultipartUploads ListTagsForResource PutAccelerateConfiguration PutAnalyticsConfiguration " +
				"PutBucketAbac PutBucketCORS PutBucketLogging PutBucketNotification PutBucketObjectLockConfiguration " +
				"PutBucketOwnershipControls PutBucketPolicy PutBucketPublicAccessBlock PutBucketRequestPayment " +
				"PutBucketTagging PutBucketVersioning PutBucketWebsite PutEncryptionConfiguration " +
				"PutIntelligentTieringConfiguration PutLifecycleConfiguration PutMetricsConfiguration TagResource " +
				"UntagResource UpdateBucketMetadataAnnotationTableConfiguration " +
				"UpdateBucketMetadataInventoryTableConfiguration UpdateBucketMetadataJournalTableConfiguration",
		},
		{
			onBucket: true,
			keys:     "delimiter max-keys prefix",
			names:    "ListBucket ListBucketVersions",
		},
		{
			onBucket: true,
			keys:     "deliverysourcearn logtype resourcearnbeingauthorized",
			names:    "AllowVendedLogDeliveryForResource",
		},
		{
			onBucket: true,
			keys:     "destinationregion",
			names:    "PauseReplication",
		},
		{
			onBucket: true,
			keys:     "inventoryaccessibleoptionalfields",
			names:    "PutInventoryConfiguration",
		},
		{
			onBucket: true,
			keys:     "isreplicationpauserequest",
			names:    "PutReplicationConfiguration",
		},
		{
			onBucket: true,
			keys:     aclKeys + " " + "locationconstraint x-amz-bucket-namespace x-amz-object-ownership",
			names:    "CreateBucket",
		},
		{
			onBucket: true,
			keys:     aclKeys,
			names:    "PutBucketAcl",
		},
		{
			onObject: true,
			names: "AbortMultipartUpload GetObjectLegalHold GetObjectRetention GetObjectTorrent " +
				"GetObjectVersionAnnotationForReplication GetObjectVersionForReplication InitiateReplication " +
				"ListMultipartUploadParts ObjectOwnerOverrideToBucketOwner ReplicateDelete ReplicateObjectAnnotation " +
				"ReplicateTags RestoreObject",
		},
		{
			onObject: true,
			keys:     "existingobjecttag/",
			names:    "DeleteObjectTagging GetObject GetObjectAcl GetObjectAnnotation GetObjectAttributes GetObjectTagging",
		},
		{
			onObject: true,
			keys:     "existingobjecttag/ versionid",
			names: "DeleteObjectVersionTagging GetObjectVersion GetObjectVersionAcl GetObjectVersionAnnotation " +
				"GetObjectVersionAttributes GetObjectVersionTagging",
		},
		{
			onObject: true,
			keys:     "existingobjecttag/ versionid x-amz-object-if-match",
			names:    "DeleteObjectVersionAnnotation PutObjectVersionAnnotation",
		},
		{
			onObject: true,
			keys:     "existingobjecttag/ x-amz-object-if-match",
			names:    "DeleteObjectAnnotation PutObjectAnnotation",
		},
		{
			onObject: true,
			keys:     "versionid",
			names:    "DeleteObjectVersion GetObjectVersionTorrent",
		},
		{
			onObject: true,
			keys:     "annotation-prefix existingobjecttag/ max-annotation-results",
			names:    "ListObjectAnnotations",
		},
		{
			onObject: true,
			keys:     "annotation-prefix existingobjecttag/ max-annotation-results versionid",
			names:    "ListObjectVersionAnnotations",
		},
		{
			onObject: true,
			keys:     "existingobjecttag/ requestobjecttag/ requestobjecttagkeys",
			names:    "PutObjectTagging",
		},
		{
			onObject: true,
			keys:     "existingobjecttag/ requestobjecttag/ requestobjecttagkeys versionid",
			names:    "PutObjectVersionTagging",
		},
		{
			onObject: true,
			keys:     aclKeys + " " + "existingobjecttag/ versionid x-amz-storage-class",
			names:    "PutObjectVersionAcl",
		},
		{
			onObject: true,
			keys:     aclKeys + " " + "existingobjecttag/ x-amz-storage-class",
			names:    "PutObjectAcl",
		},
		{
			onObject: true,
			keys:     "existingobjecttag/ x-amz-server-side-encryption x-amz-server-side-encryption-aws-kms-key-id",
			names:    "UpdateObjectEncryption",
		},
		{
			onObject: true,
			keys:     "if-match",
			names:    "DeleteObject",
		},
		{
			onObject: true,
			keys: aclKeys + " " + encryptionKeys + " " + "if-match if-none-match object-lock-event-hold object-lock-event-hold-duration-days " +
				"object-lock-legal-hold object-lock-mode object-lock-remaining-retention-days " +
				"object-lock-retain-until-date objectcreationoperation requestobjecttag/ requestobjecttagkeys " +
				"x-amz-copy-source x-amz-metadata-directive x-amz-object-annotation-directive x-amz-storage-class " +
				"x-amz-website-redirect-location",
			names: "PutObject",
		},
		{
			onObject: true,
			keys: "object-lock-event-hold object-lock-event-hold-duration-days object-lock-mode " +
				"object-lock-remaining-retention-days object-lock-retain-until-date",
			names: "PutObjectRetention",
		},
		{
			onObject: true,
			keys:     encryptionKeys + " " + "object-lock-event-hold object-lock-event-hold-duration-days",
			names:    "ReplicateObject",
		},
		{
			onObject: true,
			keys:     "object-lock-legal-hold",
			names:    "PutObjectLegalHold",
		},
		{
			onObject: true,
			keys: aclKeys + " " + encryptionKeys + " " + "requestobjecttag/ requestobjecttagkeys x-amz-copy-source x-amz-metadata-directive " +
				"x-amz-storage-class x-amz-website-redirect-location",
			names: "BypassGovernanceRetention",
		},
		{
			names: "AssociateAccessGrantsIdentityCenter CreateAccessGrant CreateAccessGrantsInstance " +
				"CreateAccessGrantsLocation CreateAccessPoint CreateAccessPointForObjectLambda CreateJob " +
				"CreateMultiRegionAccessPoint CreateStorageLensGroup DeleteAccessGrant DeleteAccessGrantsInstance " +
				"DeleteAccessGrantsInstanceResourcePolicy DeleteAccessGrantsLocation DeleteAccessPoint " +
				"DeleteAccessPointForObjectLambda DeleteAccessPointPolicy DeleteAccessPointPolicyForObjectLambda " +
				"DeleteJobTagging DeleteMultiRegionAccessPoint DeleteStorageLensConfiguration " +
				"DeleteStorageLensConfigurationTagging DeleteStorageLensGroup DescribeJob " +
				"DescribeMultiRegionAccessPointOperation DissociateAccessGrantsIdentityCenter GetAccessGrant " +
				"GetAccessGrantsInstance GetAccessGrantsInstanceForPrefix GetAccessGrantsInstanceResourcePolicy " +
				"GetAccessGrantsLocation GetAccessPoint GetAccessPointConfigurationForObjectLambda " +
				"GetAccessPointForObjectLambda GetAccessPointPolicy GetAccessPointPolicyForObjectLambda " +
				"GetAccessPointPolicyStatus GetAccessPointPolicyStatusForObjectLambda GetAccountPublicAccessBlock " +
				"GetDataAccess GetJobTagging GetMultiRegionAccessPoint GetMultiRegionAccessPointPolicy " +
				"GetMultiRegionAccessPointPolicyStatus GetMultiRegionAccessPointRoutes GetStorageLensConfiguration " +
				"GetStorageLensConfigurationTagging GetStorageLensDashboard GetStorageLensGroup ListAccessGrants " +
				"ListAccessGrantsInstances ListAccessGrantsLocations ListAccessPoints ListAccessPointsForObjectLambda " +
				"ListAllMyBuckets ListCallerAccessGrants ListJobs ListMultiRegionAccessPoints " +
				"ListStorageLensConfigurations ListStorageLensGroups PutAccessGrantsInstanceResourcePolicy " +
				"PutAccessPointConfigurationForObjectLambda PutAccessPointPolicy PutAccessPointPolicyForObjectLambda " +
				"PutAccessPointPublicAccessBlock PutAccountPublicAccessBlock PutJobTagging " +
				"PutMultiRegionAccessPointPolicy PutStorageLensConfiguration PutStorageLensConfigurationTagging " +
				"SubmitMultiRegionAccessPointRoutes UpdateAccessGrantsLocation UpdateJobPriority UpdateJobStatus " +
				"UpdateStorageLensGroup",
		},
	}
}
