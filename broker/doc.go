// Package broker is the HTTP service that lets a wallet sign in and hands out
// the JWTs that AWS STS exchanges for a session.
//
//	GET  /.well-known/openid-configuration   discovery (OpenID Connect Discovery 1.0)
//	GET  /.well-known/jwks.json              public keys (RFC 7517)
//	GET  /openapi.json                       this API (OpenAPI 3.1)
//	POST /v1/auth/wallet/start               {"address","chain_id"} -> {"request_id","siwe_message","nonce","expires_at"}
//	POST /v1/auth/wallet/verify              {"request_id","signature"} -> {"session_jwt","wallet","expires_at"}
//	POST /v1/mint-oidc-jwt                   bearer, optional {"role_arn"} -> {"jwt","wallet","expiration"}
//	GET  /healthz, /readyz                   liveness, readiness
//
// All but the last two are below the path of the issuer URL, if it has one.
// Times in answers are seconds since the epoch. Errors are
// {"error":"<stable code>","message":"<for people>"}.
//
// A session speaks for exactly one wallet, which its holder proved to control:
// the only way to a session is a signature over a message that this server
// composed, and the bearer is signed with a key and a scheme (HS256) of its
// own, so that it and a minted JWT (ES256) can never be taken for each other.
//
// Requests share one immutable snapshot of configuration and keys, which
// [Server.Reload] swaps as a whole; no lock is held while anything is signed
// or verified. The package must not know Kubernetes or AWS APIs, take the
// issuer from a request, or let a key, bearer, JWT, nonce or signature reach a
// log or an error.
package broker
