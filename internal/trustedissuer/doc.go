// Package trustedissuer verifies the tokens of OpenID Connect issuers that are
// believed about wallets: a token that one of them signed for us, and that names
// a wallet in the agreed claim, proves that wallet as its own signature would.
//
// The token chooses among the configured issuers and nothing else: where keys
// are read, which algorithms count, which audience and which claim are all the
// configuration's. Whatever is unusual (an algorithm that was not agreed on, a
// claim given twice, a header that must be understood, a lifetime of days) is
// refused; a claim or header that says nothing to us is ignored.
//
// Keys are read by OpenID Connect discovery when they are needed, once for all
// that wait for them, and kept. An issuer, or who answers for its name, must not
// make the broker a way into its network: connections go to public addresses
// only, unless the configured issuer is itself on the loopback interface.
//
// The package must not decide which wallets are admitted, log, or let a token
// reach an error.
package trustedissuer
