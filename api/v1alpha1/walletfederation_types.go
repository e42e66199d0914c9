package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// WalletFederationSpec says that the wallets of an issuer reach their own
// prefixes of some buckets through one role, and nothing else.
type WalletFederationSpec struct {
	// issuerRef names the OIDCIssuer, in the same namespace, whose tokens buy sessions.
	// +required
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="issuerRef is immutable: make a new WalletFederation"
	IssuerRef IssuerReference `json:"issuerRef,omitzero"`

	// account is the name of one of the issuer's accounts: where the role and the buckets are.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="account is immutable: make a new WalletFederation"
	Account string `json:"account,omitempty"`

	// role is the IAM role that wallets assume. It exists already and belongs to
	// this federation alone.
	// +required
	Role RoleSpec `json:"role,omitzero"`

	// buckets are the buckets in which every wallet has a prefix of its own.
	// +required
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=20
	Buckets []BucketSpec `json:"buckets,omitempty"`

	// verification says how often the isolation is proven.
	// +optional
	// +kubebuilder:default={}
	Verification VerificationSpec `json:"verification,omitzero"`

	// managementPolicy says whether the operator writes to AWS at all.
	// +optional
	// +kubebuilder:default=Manage
	ManagementPolicy ManagementPolicy `json:"managementPolicy,omitempty"`

	// suspend stops every write to AWS for a while. The isolation is still
	// proven: what is in force is what the status tells of. Deletion follows
	// deletionPolicy all the same.
	// +optional
	Suspend bool `json:"suspend,omitempty"`

	// revocations end sessions before their time, in S3 itself: the bucket
	// policies deny everything to sessions of the wallet that were issued before,
	// whatever the wallet's token said. Wallets that have the same time share one
	// statement of some 450 bytes, of a policy of at most 20,480: thirty to forty
	// times fit. A revocation is taken out of the policies when no such session
	// can live any more, ten minutes after the role's longest one has ended (or
	// twelve hours after that was lowered), and may then be taken out of the
	// spec. New sessions are the issuer's to refuse, in spec.login.revocations.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=100
	Revocations []Revocation `json:"revocations,omitempty"`

	// deletionPolicy says what becomes of the AWS documents when the federation
	// is deleted.
	// +optional
	// +kubebuilder:default=Restore
	DeletionPolicy DeletionPolicy `json:"deletionPolicy,omitempty"`
}

// ManagementPolicy says whether the operator writes to AWS.
// +kubebuilder:validation:Enum=Manage;Observe
type ManagementPolicy string

// Whether the operator writes to AWS.
const (
	// ManagementManage keeps the documents as they must be.
	ManagementManage ManagementPolicy = "Manage"
	// ManagementObserve writes nothing, neither now nor when the federation is
	// deleted. Every difference is in status.differences; the isolation is proven
	// as it is.
	ManagementObserve ManagementPolicy = "Observe"
)

// IssuerReference names an OIDCIssuer in the same namespace.
type IssuerReference struct {
	// name is the name of the OIDCIssuer.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=48
	Name string `json:"name,omitempty"`
}

// BroadGrants says what to do with grants of the role that reach S3 beyond the
// wallet's prefix.
// +kubebuilder:validation:Enum=Report;Remove
type BroadGrants string

// What to do with broad grants.
const (
	// BroadGrantsReport names them in the condition RoleConfined.
	BroadGrantsReport BroadGrants = "Report"
	// BroadGrantsRemove also takes their statements out of inline policies. An
	// attached policy may serve other roles: it is named and left.
	BroadGrantsRemove BroadGrants = "Remove"
)

// RoleSpec is the IAM role that wallets assume.
type RoleSpec struct {
	// name is the role's name, without a path.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9_+=,.@-]+$`
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="role name is immutable: make a new WalletFederation"
	Name string `json:"name,omitempty"`

	// broadGrants says what to do with grants of the role that reach S3 beyond
	// the wallet's prefix.
	// +optional
	// +kubebuilder:default=Report
	BroadGrants BroadGrants `json:"broadGrants,omitempty"`
}

// Access is something a wallet may do under its own prefix.
// +kubebuilder:validation:Enum=List;Read;Write;Delete
type Access string

// What a wallet may do under its own prefix.
const (
	// AccessList allows s3:ListBucket with a prefix of the wallet's own.
	AccessList Access = "List"
	// AccessRead allows s3:GetObject.
	AccessRead Access = "Read"
	// AccessWrite allows s3:PutObject.
	AccessWrite Access = "Write"
	// AccessDelete allows s3:DeleteObject.
	AccessDelete Access = "Delete"
)

// BucketSpec is a bucket in which every wallet has a prefix of its own.
type BucketSpec struct {
	// name is the bucket's name. The bucket exists already, in the account's region.
	// +required
	// +kubebuilder:validation:MinLength=3
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9][a-z0-9.-]*[a-z0-9]$`
	// +kubebuilder:validation:XValidation:rule="!self.contains('..')",message="bucket name must not have two dots in a row"
	Name string `json:"name,omitempty"`

	// prefix stands before the wallet in every key, such as "bots/". It ends
	// with a slash. Empty means that keys start with the wallet.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self == '' || self.endsWith('/')",message="prefix must end with a slash, or be empty"
	// +kubebuilder:validation:XValidation:rule="!self.startsWith('/')",message="prefix must not start with a slash"
	// +kubebuilder:validation:XValidation:rule="!self.contains('..') && !self.contains('//') && !self.matches('(^|/)[.]/')",message="prefix must not contain '..' or '//' or the segment '.'"
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9/_.=+@-]*$')",message="prefix must consist of letters, digits and / _ . = + @ -: policies read * ? and $ as wildcards and variables"
	Prefix string `json:"prefix,omitempty"`

	// access is what a wallet may do under its own prefix.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=4
	Access []Access `json:"access,omitempty"`

	// hygiene says what to do where Block Public Access is not fully on, or
	// object ownership is not BucketOwnerEnforced.
	// +optional
	// +kubebuilder:default=Report
	Hygiene Hygiene `json:"hygiene,omitempty"`
}

// Hygiene says what to do about a bucket that is not hardened.
// +kubebuilder:validation:Enum=Report;Enforce
type Hygiene string

// What to do about a bucket that is not hardened.
const (
	// HygieneReport names it in the condition BucketsHardened.
	HygieneReport Hygiene = "Report"
	// HygieneEnforce sets Block Public Access and BucketOwnerEnforced. Neither is
	// taken back when the federation is deleted.
	HygieneEnforce Hygiene = "Enforce"
)

// VerificationSpec says how often the isolation is proven.
type VerificationSpec struct {
	// interval is the time between proofs when nothing changes, from 1m to 24h.
	// Every change of a document or of the signing key is proven at once.
	// +optional
	// +kubebuilder:default="1h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^([0-9]+([.][0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1m') && duration(self) <= duration('24h')",message="interval must be from 1m to 24h"
	Interval metav1.Duration `json:"interval,omitzero"`
}

// DeletionPolicy says what becomes of the AWS documents when a federation is deleted.
// +kubebuilder:validation:Enum=Restore;Retain
type DeletionPolicy string

// What becomes of the AWS documents.
const (
	// DeletionRestore puts the role's original trust policy back and takes our
	// statements out of the bucket policies. Grants that were removed from the
	// role stay removed; a Secret keeps the original policies.
	DeletionRestore DeletionPolicy = "Restore"
	// DeletionRetain leaves every document as it is.
	DeletionRetain DeletionPolicy = "Retain"
)

// WalletFederationStatus is what the operator saw last.
type WalletFederationStatus struct {
	// conditions are IssuerReady, BucketPoliciesApplied, RoleConfined,
	// TrustPolicyApplied, IsolationVerified and, of all of them, Ready.
	// BucketsHardened is beside them: Ready does not wait for it.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// roleARN is the ARN of the role; the issuer's tokens are pinned to it.
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	RoleARN string `json:"roleARN,omitempty"`

	// documentsWrittenTime is when the operator last wrote an AWS document. AWS
	// takes some time to act on what was written.
	// +optional
	DocumentsWrittenTime *metav1.Time `json:"documentsWrittenTime,omitempty"`

	// roleClosedTime is when the role was closed to the issuer's tokens because
	// the federation is being deleted. Sessions may live on for the role's
	// maximum session duration.
	// +optional
	RoleClosedTime *metav1.Time `json:"roleClosedTime,omitempty"`

	// maxSessionDuration is the longest session that the role gives, when it was
	// looked at last.
	// +optional
	MaxSessionDuration *metav1.Duration `json:"maxSessionDuration,omitempty"`

	// maxSessionLoweredTime is when maxSessionDuration was last seen to be less
	// than before. Sessions that are longer live on, for up to twelve hours.
	// +optional
	MaxSessionLoweredTime *metav1.Time `json:"maxSessionLoweredTime,omitempty"`

	// differences are what AWS has otherwise than it must be, and was left so:
	// because the federation is suspended, or observes, or something blocks the
	// write. Empty when there are none.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	Differences []DifferenceStatus `json:"differences,omitempty"`

	// lastForced is the value of the annotation federation.litentry.org/reconcile
	// that was last acted on.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	LastForced string `json:"lastForced,omitempty"`

	// isolation is the evidence behind the condition IsolationVerified.
	// +optional
	Isolation *IsolationStatus `json:"isolation,omitempty"`
}

// DifferenceStatus is how one thing in AWS differs from what it must be.
type DifferenceStatus struct {
	// kind is what differs, such as "bucket policy", "trust policy" or "role".
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Kind string `json:"kind,omitempty"`

	// name is the bucket's or the role's.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Name string `json:"name,omitempty"`

	// changes say what would be changed, one sentence each.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=512
	Changes []string `json:"changes,omitempty"`
}

// IsolationStatus is the evidence of the last proof. It tells of the documents
// of its hash and of no others.
type IsolationStatus struct {
	// probeTime is when the last proof was finished.
	// +optional
	ProbeTime metav1.Time `json:"probeTime,omitzero"`

	// verifiedTime is when the isolation was last proven, whatever came after.
	// +optional
	VerifiedTime *metav1.Time `json:"verifiedTime,omitempty"`

	// documentsHash is the SHA-256 of all that was in force during the last
	// proof: trust policy, role policies, bucket policies, provider and tokens.
	// Empty when something was changed since.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	DocumentsHash string `json:"documentsHash,omitempty"`

	// keyID is the kid that signed the tokens of the last proof.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	KeyID string `json:"keyID,omitempty"`

	// passed is the number of cases that were answered as they must be.
	// +optional
	Passed int32 `json:"passed"`

	// failed is the number of cases that were not.
	// +optional
	Failed int32 `json:"failed"`

	// failures are the first cases that were not answered as they must be.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=20
	Failures []CaseStatus `json:"failures,omitempty"`

	// evidenceRef names the ConfigMap that holds every case of the last proof.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	EvidenceRef string `json:"evidenceRef,omitempty"`
}

// CaseStatus is one case of a proof.
type CaseStatus struct {
	// name is what was tried.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Name string `json:"name,omitempty"`

	// expected is what AWS must answer: Allowed or Denied.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16
	Expected string `json:"expected,omitempty"`

	// observed is what AWS answered: Allowed or Denied.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16
	Observed string `json:"observed,omitempty"`

	// code is the error code of the answer.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	Code string `json:"code,omitempty"`

	// requestID is AWS's request id, to be found in CloudTrail.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	RequestID string `json:"requestID,omitempty"`
}

// WalletFederation keeps every wallet of an issuer within its own prefix of some
// buckets, and proves it.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories=wallet-federation
// +kubebuilder:printcolumn:name="Issuer",type=string,JSONPath=`.spec.issuerRef.name`
// +kubebuilder:printcolumn:name="Role",type=string,JSONPath=`.spec.role.name`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="IsolationVerified",type=string,JSONPath=`.status.conditions[?(@.type=="IsolationVerified")].status`
// +kubebuilder:printcolumn:name="Last Verified",type=date,JSONPath=`.status.isolation.verifiedTime`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 48",message="metadata.name must be at most 48 characters: objects made for the federation are named after it"
type WalletFederation struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the object's name, namespace and bookkeeping.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec is what is wanted.
	// +required
	Spec WalletFederationSpec `json:"spec,omitzero"`

	// status is what is.
	// +optional
	Status WalletFederationStatus `json:"status,omitzero"`
}

// WalletFederationList is a list of WalletFederations.
//
// +kubebuilder:object:root=true
type WalletFederationList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []WalletFederation `json:"items"`
}

// GetConditions returns the conditions, to be changed in place.
func (f *WalletFederation) GetConditions() *[]metav1.Condition { return &f.Status.Conditions }
