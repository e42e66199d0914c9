// Package wallet knows Ethereum externally owned accounts: their addresses in
// the one canonical spelling that the rest of the project uses, and the
// signatures that prove control of one.
//
// Addresses are lower-case everywhere after [Parse], because AWS compares
// principal tags byte for byte and an EIP-55 spelling would never match a
// lower-case prefix. The package must not talk to a chain, keep state, or let a
// private key reach a log, an error or an encoder by accident.
package wallet
