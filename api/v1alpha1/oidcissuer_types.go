package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// OIDCIssuerSpec describes an OpenID Connect issuer for wallets: its URL, its
// tokens, how callers sign in, and the AWS accounts that trust it.
//
// AWS takes an issuer of https without a port and nothing else. A stand-in for
// AWS takes more, so plain http and a port are allowed where every account
// overrides its endpoint.
//
// +kubebuilder:validation:XValidation:rule="self.accounts.all(a, has(a.endpointURL)) || self.issuerURL.matches('^https://[^/:]+(/.*)?$')",message="issuerURL must be https and without a port, unless every account sets endpointURL (a stand-in for AWS)",fieldPath=".issuerURL"
// +kubebuilder:validation:XValidation:rule="!has(self.login.trustedIssuers) || self.login.trustedIssuers.all(t, t.issuerURL != self.issuerURL)",message="trustedIssuers must not hold the issuer itself: a JWT would then renew itself for ever",fieldPath=".login.trustedIssuers"
type OIDCIssuerSpec struct {
	// issuerURL is the public URL of the broker and, byte for byte, the iss
	// claim of its tokens. It is lower-case in scheme and host and has no query,
	// no fragment, no user and no trailing slash.
	// +required
	// +kubebuilder:validation:MinLength=8
	// +kubebuilder:validation:MaxLength=255
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="issuerURL is immutable: tokens and IAM providers carry it"
	// +kubebuilder:validation:XValidation:rule="self.matches('^https?://')",message="issuerURL must start with https:// (http:// is for a stand-in for AWS)"
	// +kubebuilder:validation:XValidation:rule="!self.endsWith('/')",message="issuerURL must not end with a slash: AWS compares it byte for byte"
	// +kubebuilder:validation:XValidation:rule="!self.contains('?') && !self.contains('#') && !self.contains('@')",message="issuerURL must not have a query, a fragment or a user"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^[a-z]+://[^/]*[A-Z]')",message="issuerURL must have a lower-case host"
	// +kubebuilder:validation:XValidation:rule="self.matches('^https?://[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?([.][A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*(:[0-9]+)?(/[A-Za-z0-9._~-]+)*/?([?#].*)?$') || self.contains('@')",message="issuerURL must be a host name, optionally a port, and a path of unreserved characters"
	// +kubebuilder:validation:XValidation:rule="!self.matches('/[.][.]?(/|$)')",message="issuerURL must not have the path segments . and .."
	// +kubebuilder:validation:XValidation:rule="!self.matches('^[a-z]+://[^/]*:(0|[0-9]{6,})') && (!isURL(self) || url(self).getPort() == '' || int(url(self).getPort()) <= 65535)",message="issuerURL must have a port from 1 to 65535, if any"
	IssuerURL string `json:"issuerURL,omitempty"`

	// token describes the JWTs that the broker mints.
	// +optional
	// +kubebuilder:default={}
	Token TokenSpec `json:"token,omitzero"`

	// login says how callers prove a wallet and which wallets are admitted.
	// +required
	Login LoginSpec `json:"login,omitzero"`

	// broker describes the workload that serves the issuer.
	// +optional
	// +kubebuilder:default={}
	Broker BrokerSpec `json:"broker,omitzero"`

	// accounts are the AWS accounts in which the issuer is registered as an IAM
	// OIDC provider.
	// +required
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=20
	Accounts []AccountSpec `json:"accounts,omitempty"`
}

// TokenSpec describes the JWTs that the broker mints.
type TokenSpec struct {
	// audience is the aud claim and the client id of the IAM OIDC provider.
	// +optional
	// +kubebuilder:default="sts.amazonaws.com"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9._:/@+=,-]+$`
	Audience string `json:"audience,omitempty"`

	// lifetime is how long a JWT is good for, from 1m to 1h. It does not bound
	// the AWS session that the JWT buys: the role's maximum session duration does.
	// +optional
	// +kubebuilder:default="5m"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^([0-9]+([.][0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1m') && duration(self) <= duration('1h')",message="lifetime must be from 1m to 1h"
	Lifetime metav1.Duration `json:"lifetime,omitzero"`

	// subjectPrefix stands before the wallet in the sub claim.
	// +optional
	// +kubebuilder:default="agentkeys:agent:"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9._:/-]+$`
	SubjectPrefix string `json:"subjectPrefix,omitempty"`

	// walletTagKey is the session tag, and the claim, that carries the wallet.
	// It is immutable: the policies of every federation name it.
	// +optional
	// +kubebuilder:default="agentkeys_user_wallet"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9_.-]+$`
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="walletTagKey is immutable: policies name it"
	// +kubebuilder:validation:XValidation:rule="!self.lowerAscii().startsWith('aws')",message="walletTagKey must not start with aws: AWS reserves it"
	// +kubebuilder:validation:XValidation:rule="!(self in ['iss', 'sub', 'aud', 'azp', 'amr', 'exp', 'nbf', 'iat', 'jti'])",message="walletTagKey must not be a claim that has a meaning of its own"
	WalletTagKey string `json:"walletTagKey,omitempty"`
}

// AccountSpec is an AWS account, as the operator reaches it.
//
// +kubebuilder:validation:XValidation:rule="!has(self.endpointURL) || has(self.credentialsSecretRef)",message="credentialsSecretRef is required with endpointURL: the manager's own credentials go to AWS alone",fieldPath=".credentialsSecretRef"
type AccountSpec struct {
	// name is what WalletFederations call the account.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`
	Name string `json:"name,omitempty"`

	// region is the region of the STS endpoint and of the buckets.
	// +required
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^[a-z]{2,}(-[a-z]+)+-[0-9]+$`
	Region string `json:"region,omitempty"`

	// credentialsSecretRef names a Secret in this namespace with the keys
	// aws_access_key_id, aws_secret_access_key and, optionally,
	// aws_session_token. Without it the manager's own credentials are used.
	// +optional
	CredentialsSecretRef *SecretReference `json:"credentialsSecretRef,omitempty"`

	// endpointURL replaces the endpoints of IAM, STS and S3, as AWS_ENDPOINT_URL
	// does. It is for stand-ins such as localaws.
	// +optional
	// +kubebuilder:validation:MinLength=8
	// +kubebuilder:validation:MaxLength=255
	// +kubebuilder:validation:Pattern=`^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?$`
	EndpointURL string `json:"endpointURL,omitempty"`
}

// SecretReference names a Secret in the same namespace.
type SecretReference struct {
	// name is the name of the Secret.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([a-z0-9-]*[a-z0-9])?([.][a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`
	Name string `json:"name,omitempty"`
}

// SecretKeyReference names one value of a Secret in the same namespace.
type SecretKeyReference struct {
	// name is the name of the Secret.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([a-z0-9-]*[a-z0-9])?([.][a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`
	Name string `json:"name,omitempty"`

	// key is the key of the value in the Secret.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9_-][A-Za-z0-9._-]*$`
	Key string `json:"key,omitempty"`
}

// ConfigMapReference names a ConfigMap in the same namespace.
type ConfigMapReference struct {
	// name is the name of the ConfigMap.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([a-z0-9-]*[a-z0-9])?([.][a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`
	Name string `json:"name,omitempty"`
}

// OIDCIssuerStatus is what the operator saw last.
type OIDCIssuerStatus struct {
	// conditions are SigningKeyReady, BrokerAvailable, DiscoveryPublished,
	// ProviderRegistered and, of all of them, Ready.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// activeKeyID is the kid of the key that signs: its RFC 7638 thumbprint.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	ActiveKeyID string `json:"activeKeyID,omitempty"`

	// jwksURL is where the public keys are served.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	JWKSURL string `json:"jwksURL,omitempty"`

	// accounts tells, per account, what the issuer is called there.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=20
	Accounts []AccountStatus `json:"accounts,omitempty"`
}

// AccountStatus is an account in which the issuer is registered.
type AccountStatus struct {
	// name is the account's name in the spec.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name,omitempty"`

	// accountID is the account's twelve digits.
	// +optional
	// +kubebuilder:validation:MaxLength=12
	AccountID string `json:"accountID,omitempty"`

	// providerARN is the ARN of the IAM OIDC provider.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	ProviderARN string `json:"providerARN,omitempty"`
}

// OIDCIssuer is an OpenID Connect issuer for wallets, with the broker that
// serves it and the AWS accounts that trust it.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories=wallet-federation
// +kubebuilder:printcolumn:name="URL",type=string,JSONPath=`.spec.issuerURL`
// +kubebuilder:printcolumn:name="Active Key",type=string,JSONPath=`.status.activeKeyID`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 48",message="metadata.name must be at most 48 characters: objects made for the issuer are named after it"
// +kubebuilder:validation:XValidation:rule="self.metadata.name.matches('^[a-z][a-z0-9-]*$')",message="metadata.name must start with a letter and have no dots: the broker's Service is named after it"
type OIDCIssuer struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the object's name, namespace and bookkeeping.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec is what is wanted.
	// +required
	Spec OIDCIssuerSpec `json:"spec,omitzero"`

	// status is what is.
	// +optional
	Status OIDCIssuerStatus `json:"status,omitzero"`
}

// OIDCIssuerList is a list of OIDCIssuers.
//
// +kubebuilder:object:root=true
type OIDCIssuerList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []OIDCIssuer `json:"items"`
}

// GetConditions returns the conditions, to be changed in place.
func (i *OIDCIssuer) GetConditions() *[]metav1.Condition { return &i.Status.Conditions }
