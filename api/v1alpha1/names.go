package v1alpha1

// ManagedByLabel and ManagedByValue mark every object that the operator makes.
const (
	ManagedByLabel = "app.kubernetes.io/managed-by"
	ManagedByValue = "wallet-federation"
)

// Finalizer keeps an object until its AWS side is put in order.
const Finalizer = "federation.litentry.org/finalizer"

// ReconcileAnnotation asks, with any new value, for a look at everything at once
// and for a new proof.
const ReconcileAnnotation = "federation.litentry.org/reconcile"

// SigningKeySecretName names the Secret with the keys that sign JWTs.
func (i *OIDCIssuer) SigningKeySecretName() string { return i.Name + "-signing-keys" }

// SessionKeySecretName names the Secret with the keys that sign session bearers.
func (i *OIDCIssuer) SessionKeySecretName() string { return i.Name + "-session-key" }

// ProbeWalletSecretName names the Secret with the operator's two probe wallets.
func (i *OIDCIssuer) ProbeWalletSecretName() string { return i.Name + "-probe-wallets" }

// BrokerName names the broker's Deployment, Service, ConfigMap and PodDisruptionBudget.
func (i *OIDCIssuer) BrokerName() string { return i.Name + "-broker" }

// EvidenceConfigMapName names the ConfigMap with every case of the last proof.
func (f *WalletFederation) EvidenceConfigMapName() string { return f.Name + "-isolation-evidence" }

// OriginalsSecretName names the Secret with the documents as they were before
// the federation changed them.
func (f *WalletFederation) OriginalsSecretName() string { return f.Name + "-originals" }
