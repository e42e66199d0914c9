// Package environment starts a real etcd and kube-apiserver with the project's
// CRDs for tests.
//
// It is imported by tests and the demo only, never by what is shipped. It knows
// nothing of controllers and of AWS, and it downloads nothing: the binaries are
// those of KUBEBUILDER_ASSETS, or those that "make kubernetes" built.
package environment
