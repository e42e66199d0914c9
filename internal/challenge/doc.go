// Package challenge is what a broker remembers of the messages it asked wallets
// to sign: next to nothing.
//
// A challenge travels with the client. Its handle, the request id, holds the
// fields of the message and a MAC over them, so that asking for a million of
// them costs the broker no memory and displaces nobody's. What is remembered is
// each nonce that a good signature has used, until its challenge would have
// expired: in memory for a single replica ([Memory]), in Redis for several
// ([Redis]). A store that cannot tell answers with an error, and the sign-in
// fails: what is not known to be unused is used. A store that may have forgotten
// something begins a new [Epoch], and challenges of the old one are void.
//
// The package must not know HTTP, compose or verify messages, or let a handle
// or nonce reach an error.
package challenge
