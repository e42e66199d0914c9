// Package document makes the AWS documents of a federation (the role's trust
// policy and the statements in bucket policies) and merges them with what other
// people keep in the same policies.
//
// Everything here is a pure function from values to bytes: it does not call
// AWS, does not read a clock, and decides nothing about whether a document is
// safe in company with others (package confinement and the isolation probe do).
//
// A statement of ours is known by its Sid: "WalletFederation", eight hex digits
// of the SHA-256 of the role's ARN, and the statement's purpose. Every other
// statement belongs to somebody else: it keeps its bytes and its place. A policy
// that cannot be read, or that uses an element unknown here, is refused with a
// [RefusedError] and never rewritten.
package document
