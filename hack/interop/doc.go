// Command interop has clients that nobody here wrote use the broker as it is
// shipped: it builds and starts brokers with TLS and the memory store, and runs
// run.mjs against them, which prints what was tried. See README.md.
//
//	go run ./hack/interop [VECTORS]
//	go run ./hack/interop parse
//
// With the word parse it starts nothing: it answers each line of standard input,
// a sign-in message in JSON, with what package siwe takes it for.
package main
