// Package discovery is OpenID Connect discovery (OpenID Connect Discovery 1.0,
// RFC 7517) as far as AWS STS needs it: the document an issuer publishes, what
// makes an issuer URL acceptable, and a bounded client that reads an issuer as
// STS does.
//
// The package must not cache, retry or verify tokens; the issuer it is asked
// about is never taken from what a server answers.
package discovery
