package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// LoginSpec says how callers prove a wallet and which wallets are admitted.
type LoginSpec struct {
	// admission says which wallets may have a session at all.
	// +required
	Admission AdmissionSpec `json:"admission,omitzero"`

	// chainIDs are the EIP-155 chain ids for which a wallet may sign in.
	// +optional
	// +kubebuilder:default={1}
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:Minimum=1
	// +kubebuilder:validation:items:Maximum=9007199254740991
	ChainIDs []int64 `json:"chainIDs,omitempty"`

	// statement is shown to the person who signs in, as part of the message that
	// the wallet signs (EIP-4361): letters, digits, spaces and the reserved
	// characters of RFC 3986, on one line.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9 ._~:/?#\[\]@!$&'()*+,;=-]+$`
	Statement string `json:"statement,omitempty"`

	// sessionLifetime is how long a session bearer is good for, from 1m to 24h:
	// so often a wallet signs.
	// +optional
	// +kubebuilder:default="1h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^([0-9]+([.][0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1m') && duration(self) <= duration('24h')",message="sessionLifetime must be from 1m to 24h"
	SessionLifetime metav1.Duration `json:"sessionLifetime,omitzero"`

	// sessionKeyRotation says when the key that signs session bearers is replaced.
	// Sessions outlive the change: the old key is believed until the last bearer
	// that it signed has expired.
	// +optional
	// +kubebuilder:default={}
	SessionKeyRotation KeyRotationSpec `json:"sessionKeyRotation,omitzero"`

	// trustedIssuers are OpenID Connect issuers whose tokens prove a wallet as a
	// signature of the wallet does. Whoever runs one can sign in as any wallet
	// that is admitted.
	// +optional
	// +listType=map
	// +listMapKey=issuerURL
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	TrustedIssuers []TrustedIssuer `json:"trustedIssuers,omitempty"`

	// revocations end sessions before their time. They take effect without a
	// restart, as soon as the kubelet has updated the broker's files.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=1000
	Revocations []Revocation `json:"revocations,omitempty"`

	// rateLimits bound how often callers may sign in and mint. Each replica of
	// the broker counts for itself.
	// +optional
	// +kubebuilder:default={}
	RateLimits RateLimitsSpec `json:"rateLimits,omitzero"`
}

// AdmissionMode says which wallets may have a session.
// +kubebuilder:validation:Enum=Open;AllowList
type AdmissionMode string

// The admission modes.
const (
	// AdmissionOpen admits every wallet: anyone on the internet can then fill a
	// prefix of the buckets.
	AdmissionOpen AdmissionMode = "Open"
	// AdmissionAllowList admits the listed wallets only.
	AdmissionAllowList AdmissionMode = "AllowList"
)

// AdmissionSpec says which wallets may have a session. The operator's own probe
// wallets are always admitted.
//
// +kubebuilder:validation:XValidation:rule="self.mode == 'AllowList' || !has(self.wallets)",message="wallets is for the mode AllowList only",fieldPath=".wallets"
// +kubebuilder:validation:XValidation:rule="self.mode == 'AllowList' || !has(self.configMapRefs)",message="configMapRefs is for the mode AllowList only",fieldPath=".configMapRefs"
type AdmissionSpec struct {
	// mode is a choice to be made, not a default: Open lets anyone sign in. With
	// AllowList and nobody listed, nobody but the probe signs in.
	// +required
	Mode AdmissionMode `json:"mode,omitempty"`

	// wallets are the addresses admitted in the mode AllowList, in lower case.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=1000
	// +kubebuilder:validation:items:MinLength=42
	// +kubebuilder:validation:items:MaxLength=42
	// +kubebuilder:validation:items:Pattern=`^0x[0-9a-f]{40}$`
	Wallets []string `json:"wallets,omitempty"`

	// configMapRefs name ConfigMaps in this namespace whose wallets are admitted,
	// too. Every key of them holds a list: one address a line, in lower case or
	// with its checksum (EIP-55); empty lines and lines that begin with # are
	// skipped. Together they hold at most 200,000 wallets. A change of a list
	// takes effect without a restart, and a malformed list is not taken: the last
	// good ones serve on. A broker that starts admits nobody by a malformed list,
	// and does not start as long as one of the ConfigMaps is absent.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	ConfigMapRefs []ConfigMapReference `json:"configMapRefs,omitempty"`
}

// RotationPolicy says whether a key is replaced.
// +kubebuilder:validation:Enum=Periodic;Never
type RotationPolicy string

// The rotation policies.
const (
	// RotationPeriodic replaces a key that has signed for the interval.
	RotationPeriodic RotationPolicy = "Periodic"
	// RotationNever leaves a key as it is.
	RotationNever RotationPolicy = "Never"
)

// KeyRotationSpec says when a key is replaced.
type KeyRotationSpec struct {
	// policy is Periodic or Never.
	// +optional
	// +kubebuilder:default=Periodic
	Policy RotationPolicy `json:"policy,omitempty"`

	// interval is how long a key signs under the policy Periodic, from 1h to
	// 8760h (a year).
	// +optional
	// +kubebuilder:default="720h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^([0-9]+([.][0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1h') && duration(self) <= duration('8760h')",message="interval must be from 1h to 8760h"
	Interval metav1.Duration `json:"interval,omitzero"`
}

// SignatureAlgorithm is a JWS algorithm with a public key (RFC 7518, section
// 3.1; RFC 8037).
// +kubebuilder:validation:Enum=RS256;RS384;RS512;PS256;PS384;PS512;ES256;ES384;ES512;EdDSA
type SignatureAlgorithm string

// TrustedIssuer is an OpenID Connect issuer that is believed about wallets.
type TrustedIssuer struct {
	// issuerURL is its URL and, byte for byte, the iss claim of its tokens. It is
	// https, without a user, a query and a fragment; http is for a loopback
	// address, with a stand-in. The broker reads its keys from public addresses
	// only, whatever its name resolves to, so that nobody can make the broker a
	// way into its network: an issuer at a private address, such as 10.0.0.0/8
	// or that of a Service in the cluster, is refused by design.
	// +required
	// +kubebuilder:validation:MinLength=8
	// +kubebuilder:validation:MaxLength=255
	// +kubebuilder:validation:XValidation:rule="self.matches('^https://[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?([.][A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*(:[0-9]{1,5})?(/[A-Za-z0-9._~:@!$&*+,;=-]*)*$') || self.matches('^http://(127([.](25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3}|[[]::1[]])(:[0-9]{1,5})?(/[A-Za-z0-9._~:@!$&*+,;=-]*)*$')",message="issuerURL must be https:// and a host name, optionally a port, and a path; http:// is for loopback addresses"
	IssuerURL string `json:"issuerURL,omitempty"`

	// audiences are what the aud claim of a token must name one of. They keep a
	// token that was made for another service from being used here.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=255
	// +kubebuilder:validation:items:Pattern=`^[!#-\[\]-~]+$`
	Audiences []string `json:"audiences,omitempty"`

	// walletClaim is the claim that holds the wallet's address as a string.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9_.:/=+@-]+$`
	WalletClaim string `json:"walletClaim,omitempty"`

	// algorithms are those that its tokens may be signed with.
	// +optional
	// +kubebuilder:default={RS256,ES256}
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=10
	Algorithms []SignatureAlgorithm `json:"algorithms,omitempty"`
}

// Revocation ends the sessions of a wallet, and refuses the tokens of trusted
// issuers for it, that were issued before a time.
type Revocation struct {
	// wallet is whose, in lower case. Without it, everybody's sessions end.
	// +optional
	// +kubebuilder:validation:MinLength=42
	// +kubebuilder:validation:MaxLength=42
	// +kubebuilder:validation:Pattern=`^0x[0-9a-f]{40}$`
	Wallet string `json:"wallet,omitempty"`

	// before is the time, in whole seconds. A time to come keeps the wallet out
	// until then.
	// +required
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Format=date-time
	// +kubebuilder:validation:MaxLength=25
	// +kubebuilder:validation:Pattern=`^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})$`
	// +kubebuilder:validation:XValidation:rule="self > timestamp('1970-01-01T00:00:00Z') && self < timestamp('9999-01-01T00:00:00Z')",message="before must be a time after 1970 and before the year 9999"
	Before *metav1.Time `json:"before,omitempty"`
}

// RateLimitsSpec bounds how often callers may sign in and mint. The published
// documents and the health of the broker are not limited.
type RateLimitsSpec struct {
	// perClient is for each client address: an IPv4 address or an IPv6 /64
	// network. Behind a proxy, spec.broker.trustedProxies must name it, or all
	// clients count as one.
	// +optional
	// +kubebuilder:default={perSecond:"50",burst:200}
	PerClient *RateLimit `json:"perClient,omitempty"`

	// perWallet is for each wallet that has proved itself.
	// +optional
	// +kubebuilder:default={perSecond:"10",burst:50}
	PerWallet *RateLimit `json:"perWallet,omitempty"`
}

// RateLimit is a token bucket.
type RateLimit struct {
	// perSecond is how many requests a second are let through in the long run,
	// as a quantity: 50, or 100m for one in ten seconds. 0 lifts the limit.
	// +required
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="type(self) == int ? self >= 0 && self <= 1000000 : isQuantity(self) && quantity(self).compareTo(quantity('0')) >= 0 && quantity(self).compareTo(quantity('1M')) <= 0",message="perSecond must be from 0 to 1M"
	PerSecond *resource.Quantity `json:"perSecond,omitempty"`

	// burst is how many are let through at once.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	Burst int32 `json:"burst,omitempty"`
}
