// Package siwe is Sign-In with Ethereum (EIP-4361): the message that a wallet
// signs, its grammar, and the comparison with what the verifier expects.
//
// Parsing follows the ABNF of the EIP and the RFC 3986 rules it imports, byte
// by byte over bounded ASCII. A signature is always checked over the text that
// was signed, never over what [Message.String] would write for a parsed one:
// the grammar has several spellings for one time or address. The package must
// not check signatures (package wallet does), remember nonces or resolve
// contract accounts.
package siwe
