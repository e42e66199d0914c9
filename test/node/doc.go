// Package node does for the broker's Deployment what a cluster's Deployment
// controller and kubelet would do: it lays the mounted Secrets and ConfigMaps out
// as files, runs the container's command over them, follows their changes with
// the kubelet's symbolic-link swap, and reports readiness.
//
// It runs exactly what the Deployment says, so that the demo and the tests go
// through the same manifest as a cluster. It is no kubelet: it knows one
// container, two kinds of volumes, and no isolation.
package node
