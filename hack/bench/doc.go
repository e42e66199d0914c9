// Command bench measures the broker as a whole beside what a cluster has for the
// same job: kube-apiserver's TokenRequest, which is how pods get their web
// identity tokens. Both serve TLS on loopback, to the same client, in turns of
// one run, so that what it prints are ratios and not the speed of a machine. The
// machine still weighs in: where system calls are slow, what both spend on them
// makes the ratio smaller. What the broker itself costs is shown by a third side,
// a bare handler of net/http with the same cryptography.
//
//	go run ./hack/bench [--turn 5s] [--turns 3] [--clients 16]
//
// The broker runs as it is shipped, with limits, metrics and the audit log on.
// kube-apiserver runs with a key as clusters are set up with (RSA of 2048 bits)
// and again with a P-256 key, the broker's own kind. It needs `make kubernetes`.
package main
