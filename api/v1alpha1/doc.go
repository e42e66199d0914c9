// Package v1alpha1 is the contract of the operator: the custom resources
// OIDCIssuer and WalletFederation of the group federation.litentry.org.
//
// It holds types, their validation (CEL and schema markers) and the names of
// conditions and reasons. It imports apimachinery and nothing else, so that
// clients can use it without the operator's dependencies.
//
// +kubebuilder:object:generate=true
// +groupName=federation.litentry.org
package v1alpha1
