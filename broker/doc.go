// Package broker is the HTTP service that lets a wallet sign in and hands out
// the JWTs that AWS STS exchanges for a session.
//
//	GET  /.well-known/openid-configuration   discovery (OpenID Connect Discovery 1.0)
//	GET  /.well-known/oauth-authorization-server
//	                                         the same as OAuth metadata (RFC 8414)
//	GET  /.well-known/jwks.json              public keys (RFC 7517)
//	GET  /openapi.json                       this API (OpenAPI 3.1)
//	POST /v1/auth/wallet/start               {"address","chain_id"} -> {"request_id","siwe_message","nonce","expires_at"}
//	POST /v1/auth/wallet/verify              {"request_id","signature"} -> {"session_jwt","wallet","expires_at"}
//	POST /v1/mint-oidc-jwt                   bearer, optional {"role_arn"} -> {"jwt","wallet","expiration"}
//	POST /oauth2/token                       the same as token exchange (RFC 8693), in form encoding
//	GET  /healthz, /readyz                   liveness, readiness
//
// All but the last two are below the path of the issuer URL, if it has one; the
// OAuth metadata is also where RFC 8414 has it, before that path. Times in answers
// are seconds since the epoch. Errors are
// {"error":"<stable code>","message":"<for people>"}, at the token endpoint
// {"error","error_description"} (RFC 6749, section 5.2).
//
// A session speaks for exactly one wallet, which its holder proved to control:
// the only way to a session is a signature over a message that this server
// composed, and the bearer is signed with a key and a scheme (HS256) of its
// own, so that it and a minted JWT (ES256) can never be taken for each other.
//
// Where a session's bearer is taken, the token of a trusted issuer is too, if any
// is configured; see package trustedissuer. One function authenticates, and one
// mints. The token endpoint is for public clients: it refuses client secrets and
// Authorization headers, which it could not check, ignores client_id and unknown
// parameters, and takes no scope but openid, because what it issues would not be
// what any other asks for.
// What is POSTed is limited for each client address and, once a wallet is
// proven, for each wallet: beyond that the answer is 429 with Retry-After. What
// machines fetch, discovery, keys and health, is not.
//
// Requests share one immutable snapshot of configuration and keys, which
// [Server.Reload] swaps as a whole; no lock is held while anything is signed
// or verified. The package must not know Kubernetes or AWS APIs, take the
// issuer from a request, or let a key, bearer, JWT, nonce or signature reach a
// log or an error.
package broker
