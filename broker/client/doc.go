// Package client calls a broker: it signs a wallet in and mints the JWTs that
// AWS STS exchanges for a session.
//
// A [Client] makes single calls; it neither retries nor keeps a session. A
// [Source] does both, and keeps a JWT fresh for as long as a program runs. A
// wallet is whatever implements [Signer], so that keys can stay in hardware.
// Before a message is given to the wallet it is parsed and checked to be a
// sign-in of that wallet to this issuer and nothing else. The package must not
// log, follow redirects with a bearer, or show a bearer or JWT when its types are
// printed.
package client
