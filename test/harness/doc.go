// Package harness is the world that controller tests live in: a real API server,
// localaws in this process, and brokers in this process that run from exactly
// what their Deployments mount.
//
// It holds no second fake of anything: what it prepares it prepares through the
// API of Kubernetes and the SDK of AWS.
package harness
