// Package signingkey holds an issuer's ES256 signing keys and the format in
// which they are stored.
//
// The format is one JSON document, kept under [DataKey] in the issuer's Secret
// and mounted as a file of that name:
//
//	{"keys": [{
//	  "state": "Active",
//	  "createdAt": "2026-01-02T03:04:05Z",
//	  "since": "2026-01-02T03:04:05Z",
//	  "jwk": {"kty": "EC", "crv": "P-256", "x": "...", "y": "...", "d": "...",
//	          "use": "sig", "alg": "ES256", "kid": "<RFC 7638 thumbprint>"}
//	}]}
//
// Each jwk has exactly these members (RFC 7517, RFC 7518 section 6.2); key_ops
// is refused, because AWS STS rejects a key that carries it. Exactly one key is
// Active: that one signs. At most one is Pending: it signs next. Those that signed
// before are Retiring. Every key of the set is published. The time since says when
// a key came into its state.
//
// The package must not decide when a key changes state, read files or talk to
// Kubernetes, and private keys leave it only through [Set.Marshal].
package signingkey
