package v1alpha1

// BrokerSpec describes the workload that serves the issuer.
//
// +kubebuilder:validation:XValidation:rule="!has(self.replicas) || self.replicas <= 1 || has(self.redis)",message="redis is required with more than one replica: they must agree on which sign-ins were used",fieldPath=".redis"
type BrokerSpec struct {
	// image is the broker's container image; the manager's flag --broker-image
	// is the default.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Image string `json:"image,omitempty"`

	// replicas is how many brokers serve. More than one share what they remember
	// of sign-ins in redis.
	// +optional
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=20
	Replicas int32 `json:"replicas,omitempty"`

	// redis is where replicas remember which sign-ins were used. Without it a
	// single broker remembers them by itself. When Redis does not answer, nobody
	// can sign in; sessions go on.
	// +optional
	Redis *RedisSpec `json:"redis,omitempty"`

	// tls makes the broker serve https. Without it the broker serves plain http
	// and belongs behind a proxy that serves https.
	// +optional
	TLS *TLSSpec `json:"tls,omitempty"`

	// trustedProxies are the networks, such as 10.0.0.0/8, whose X-Forwarded-For
	// header says who the client is. Without any, the client is whoever connects.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=4
	// +kubebuilder:validation:items:MaxLength=43
	// +kubebuilder:validation:items:XValidation:rule="isCIDR(self) && cidr(self).masked() == cidr(self)",message="trustedProxies must be networks with no bit set beyond their mask, such as 10.0.0.0/8 or fd00::/8"
	TrustedProxies []string `json:"trustedProxies,omitempty"`
}

// RedisSpec says where Redis is.
type RedisSpec struct {
	// urlSecretRef names the value of a Secret that is its URL, such as
	// rediss://user:password@host:6379/0. A change of it takes effect without a
	// restart once the Redis that it names can be used; until then brokers stay
	// with the one before.
	// +required
	URLSecretRef SecretKeyReference `json:"urlSecretRef,omitzero"`
}

// TLSSpec says with which certificate the broker serves https.
type TLSSpec struct {
	// secretRef names a Secret of the type kubernetes.io/tls, with the keys
	// tls.crt and tls.key, for the host of issuerURL. A renewed certificate takes
	// effect without a restart.
	// +required
	SecretRef SecretReference `json:"secretRef,omitzero"`
}
