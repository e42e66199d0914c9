// Package session is how a broker knows a wallet again: the bearers it hands
// out at sign-in, the keys they are signed with, and the revocations that end
// them early.
//
// A bearer is an HS256 JWT of one fixed form. It and a token that the broker
// mints can never be taken for each other: they differ in algorithm, key,
// header and audience.
//
// Keys are stored as one JSON document, under [DataKey] in the issuer's Secret
// and mounted as a file of that name:
//
//	{"keys": [{"state": "Active", "since": "2026-01-02T03:04:05Z", "key": "<base64url, 32 bytes>"}]}
//
// Replicas read the file at different moments, so a key is Pending first, when
// bearers signed with it are believed, then Active, when it signs, then
// Retiring, until the last bearer it signed has expired. [KeySet.Rotate] makes
// these steps; who calls it owns the clock and the Secret.
//
// The package must not read files, log, or let a key or bearer reach an error.
package session
