package v1alpha1

// Conditions have positive polarity. Unknown means not looked yet, or the look
// failed; False means looked, and it is not so. Reasons are also the reasons of
// the events that tell of a change.

// ConditionReady is True when every other condition of the object is.
//
// Possible reasons for it to be True: Ready.
// Possible reasons for it to be False: NotReady, Deleting, DeletionBlocked.
// Possible reasons for it to be Unknown: Progressing.
const (
	ConditionReady = "Ready"

	ReasonReady       = "Ready"
	ReasonNotReady    = "NotReady"
	ReasonProgressing = "Progressing"
	ReasonDeleting    = "Deleting"
)

// Reasons that any condition may carry.
const (
	// ReasonPending says that this generation has not been looked at yet.
	ReasonPending = "Pending"
	// ReasonAWSError says that AWS refused or failed a call; the message names
	// the operation, the error code and the request id.
	ReasonAWSError = "AWSError"
	// ReasonCredentialsInvalid says that AWS does not accept the account's credentials.
	ReasonCredentialsInvalid = "CredentialsInvalid"
	// ReasonCredentialsMissing says that the account's credentials Secret is absent or incomplete.
	ReasonCredentialsMissing = "CredentialsMissing"
	// ReasonSuspended says that a difference was found and left alone, because the object is suspended.
	ReasonSuspended = "Suspended"
	// ReasonObserved says that a difference was found and left alone, because the object only observes.
	ReasonObserved = "Observed"
	// ReasonAPIError says that the Kubernetes API refused or failed a call.
	ReasonAPIError = "APIError"
)

// ConditionSigningKeyReady tells whether the issuer's signing keys can be used.
//
// Possible reasons for it to be True: KeyActive.
// Possible reasons for it to be False: KeySecretDamaged.
const (
	ConditionSigningKeyReady = "SigningKeyReady"

	ReasonKeyActive        = "KeyActive"
	ReasonKeySecretDamaged = "KeySecretDamaged"
)

// ConditionBrokerAvailable tells whether the broker's Deployment serves.
//
// Possible reasons for it to be True: BrokerAvailable.
// Possible reasons for it to be False: BrokerUnavailable, BrokerStuck, ConfigInvalid.
const (
	ConditionBrokerAvailable = "BrokerAvailable"

	ReasonBrokerAvailable   = "BrokerAvailable"
	ReasonBrokerUnavailable = "BrokerUnavailable"
	// ReasonBrokerStuck says that the Deployment serves as it was before its last
	// change, and does not come up as it is now.
	ReasonBrokerStuck = "BrokerStuck"
	// ReasonConfigInvalid says that what the spec asks for, or a Secret that it
	// refers to, is nothing that a broker can run from; the message names the field.
	ReasonConfigInvalid = "ConfigInvalid"
)

// ConditionDiscoveryPublished tells whether the documents fetched through the
// issuer URL are the ones that belong to this issuer.
//
// Possible reasons for it to be True: Published.
// Possible reasons for it to be False: KeyNotPublished, DocumentInvalid.
// Possible reasons for it to be Unknown: Unreachable.
const (
	ConditionDiscoveryPublished = "DiscoveryPublished"

	ReasonPublished       = "Published"
	ReasonKeyNotPublished = "KeyNotPublished"
	ReasonDocumentInvalid = "DocumentInvalid"
	ReasonUnreachable     = "Unreachable"
)

// ConditionProviderRegistered tells whether every account knows the issuer as
// an IAM OIDC provider.
//
// Possible reasons for it to be True: Registered.
// Possible reasons for it to be False: CredentialsInvalid, CredentialsMissing, AWSError.
// Possible reasons for it to be Unknown: AWSError.
const (
	ConditionProviderRegistered = "ProviderRegistered"

	ReasonRegistered = "Registered"
)

// ReasonInUse says that an OIDCIssuer is being deleted while WalletFederations
// still refer to it. It is a reason of Ready and of events.
const ReasonInUse = "InUse"

// ReasonPlainHTTP is the reason of the event that says that an issuer URL is
// good for a stand-in only: AWS itself takes https without a port and nothing else.
const ReasonPlainHTTP = "PlainHTTP"

// ConditionIssuerReady tells whether the federation's issuer and account can be used.
//
// Possible reasons for it to be True: IssuerReady.
// Possible reasons for it to be False: IssuerNotFound, IssuerNotReady, AccountNotFound,
// CredentialsInvalid, CredentialsMissing.
const (
	ConditionIssuerReady = "IssuerReady"

	ReasonIssuerReady     = "IssuerReady"
	ReasonIssuerNotFound  = "IssuerNotFound"
	ReasonIssuerNotReady  = "IssuerNotReady"
	ReasonAccountNotFound = "AccountNotFound"
)

// ConditionBucketPoliciesApplied tells whether the policy of every bucket
// carries our statements, and ours alone under our Sids.
//
// Possible reasons for it to be True: Applied.
// Possible reasons for it to be False: BucketNotFound, BucketElsewhere, BucketForbidden, PolicyInvalid,
// PolicyTooLarge, SidTaken, PrefixClaimed, WaitingForRole, Suspended, Observed, AWSError, CredentialsInvalid.
// Possible reasons for it to be Unknown: AWSError, APIError.
const (
	ConditionBucketPoliciesApplied = "BucketPoliciesApplied"

	ReasonApplied        = "Applied"
	ReasonBucketNotFound = "BucketNotFound"
	ReasonPolicyInvalid  = "PolicyInvalid"
	ReasonPolicyTooLarge = "PolicyTooLarge"
	// ReasonBucketElsewhere says that the bucket is in another region, or belongs to another account.
	ReasonBucketElsewhere = "BucketElsewhere"
	// ReasonBucketForbidden says that the operator may not read or write the bucket's policy.
	ReasonBucketForbidden = "BucketForbidden"
	// ReasonSidTaken says that a statement of somebody else has a Sid of ours.
	ReasonSidTaken = "SidTaken"
	// ReasonPrefixClaimed says that an earlier federation, in this namespace or
	// another, gives out the same prefix of the bucket to the wallets of another
	// issuer or under another tag, or that one of the two prefixes lies within a
	// wallet's own prefix of the other.
	ReasonPrefixClaimed = "PrefixClaimed"
)

// ConditionBucketsHardened tells whether every bucket blocks public access and
// has no ACLs. The isolation does not depend on it, so Ready does not either.
//
// Possible reasons for it to be True: Hardened.
// Possible reasons for it to be False: NotHardened, AWSError, CredentialsInvalid.
// Possible reasons for it to be Unknown: AWSError.
const (
	ConditionBucketsHardened = "BucketsHardened"

	ReasonHardened    = "Hardened"
	ReasonNotHardened = "NotHardened"
)

// ConditionRoleConfined tells whether the role's own policies stay within what
// the federation gives: a broad grant voids the isolation of every bucket that
// has no guard, because IAM is a union of allows.
//
// Possible reasons for it to be True: Confined.
// Possible reasons for it to be False: BroadGrant, WalletTagOnRole, RoleNotFound, RoleClaimed,
// PolicyInvalid, OriginalsDamaged, AWSError, CredentialsInvalid.
// Possible reasons for it to be Unknown: AWSError.
const (
	ConditionRoleConfined = "RoleConfined"

	ReasonConfined        = "Confined"
	ReasonBroadGrant      = "BroadGrant"
	ReasonWalletTagOnRole = "WalletTagOnRole"
	// ReasonOriginalsDamaged says that the Secret with the original documents
	// cannot be read, or is about another role: nothing is written without it.
	ReasonOriginalsDamaged = "OriginalsDamaged"
	ReasonRoleNotFound     = "RoleNotFound"
	ReasonRoleClaimed      = "RoleClaimed"
)

// ConditionTrustPolicyApplied tells whether the role's trust policy is ours. It
// is written last, so that no session exists before the buckets are guarded.
//
// Possible reasons for it to be True: Applied.
// Possible reasons for it to be False: WaitingForBuckets, WaitingForRole, RoleNotFound, RoleClaimed,
// WalletTagOnRole, PolicyTooLarge, Suspended, AWSError, CredentialsInvalid.
// Possible reasons for it to be Unknown: AWSError.
const (
	ConditionTrustPolicyApplied = "TrustPolicyApplied"

	ReasonWaitingForBuckets = "WaitingForBuckets"
	ReasonWaitingForRole    = "WaitingForRole"
)

// ConditionIsolationVerified tells whether two wallets were tried against the
// documents in force now and could not reach each other.
//
// Possible reasons for it to be True: Isolated.
// Possible reasons for it to be False: IsolationBroken, AccessDenied.
// Possible reasons for it to be Unknown: DocumentsChanged, DocumentsNotApplied, NotConfined, ProbeFailed, Propagating, Revoked.
const (
	ConditionIsolationVerified = "IsolationVerified"

	// ReasonIsolated says that everything was answered as it must be.
	ReasonIsolated = "Isolated"
	// ReasonIsolationBroken says that something that must be denied was allowed.
	ReasonIsolationBroken = "IsolationBroken"
	// ReasonAccessDenied says that nothing leaked, but a wallet was denied what is its own.
	ReasonAccessDenied = "AccessDenied"
	// ReasonDocumentsChanged says that the documents in force are not the ones that were proven.
	ReasonDocumentsChanged = "DocumentsChanged"
	// ReasonDocumentsNotApplied says that there is nothing to prove yet.
	ReasonDocumentsNotApplied = "DocumentsNotApplied"
	// ReasonNotConfined says that the probe saw no leak, but the documents are not
	// those that keep wallets apart: the analysis and the probe must agree.
	ReasonNotConfined = "NotConfined"
	// ReasonProbeFailed says that the look failed; it says nothing about the isolation.
	ReasonProbeFailed = "ProbeFailed"
	// ReasonPropagating says that documents were just written and AWS does not act on them yet.
	ReasonPropagating = "Propagating"
	// ReasonRevoked says that everybody's sessions are revoked until a time to
	// come, so that there is nothing to prove.
	ReasonRevoked = "Revoked"
)

// Reasons of events that belong to no condition.
const (
	// ReasonDriftRepaired says that a document had been changed by somebody else and was put right.
	ReasonDriftRepaired = "DriftRepaired"
	// ReasonDocumentWritten says that a document was written.
	ReasonDocumentWritten = "DocumentWritten"
	// ReasonGrantRemoved says that a broad grant was taken out of the role.
	ReasonGrantRemoved = "GrantRemoved"
	// ReasonDifferent says how AWS differs from what it must be, where nothing is written.
	ReasonDifferent = "Different"
	// ReasonRestored says that an original document was put back.
	ReasonRestored = "Restored"
	// ReasonNotRestored says that an original document was not put back, and why.
	ReasonNotRestored = "NotRestored"
	// ReasonDeletionBlocked says why an object that is being deleted stays.
	ReasonDeletionBlocked = "DeletionBlocked"
	// ReasonKeyCreated says that a signing key was made.
	ReasonKeyCreated = "KeyCreated"
	// ReasonSessionKeyPending says that a session key was made, which will sign.
	ReasonSessionKeyPending = "SessionKeyPending"
	// ReasonSessionKeyActive says that a session key signs now.
	ReasonSessionKeyActive = "SessionKeyActive"
	// ReasonSessionKeyRetiring says that a session key signs no more.
	ReasonSessionKeyRetiring = "SessionKeyRetiring"
	// ReasonSessionKeyRemoved says that a session key is gone.
	ReasonSessionKeyRemoved = "SessionKeyRemoved"
)
