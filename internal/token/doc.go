// Package token builds the JWT that AWS STS exchanges for a session: which
// claims speak for a wallet, and how they are signed.
//
// [Profile.Claims] with [Sign] is the definition and serves whoever makes a few
// tokens, forged ones included; [Minter] writes the same token from a template
// for the service that makes many. The package must not authenticate anyone,
// choose roles, or keep or log a token.
package token
