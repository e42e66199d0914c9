package trustedissuer

import "errors"

// ErrUnavailable marks the errors of tokens that could not be decided on: the
// keys of their issuer cannot be had at the moment.
var ErrUnavailable = errors.New("trusted issuer unavailable")

// Refusal is the error of a token that is not believed: one word that says why,
// for audit records. Callers of the broker see none of them.
type Refusal string

// Every way to be refused.
const (
	// Malformed is no JWT in compact form, or one with a claim of another type
	// than its definition (RFC 7519) or given twice.
	Malformed Refusal = "token_malformed"
	// UnknownIssuer is of an issuer that is not trusted.
	UnknownIssuer Refusal = "token_issuer_unknown"
	// WrongAlgorithm is signed as was not agreed on with the issuer.
	WrongAlgorithm Refusal = "token_algorithm"
	// WrongType is for something else, by its typ, or not to be understood
	// without an extension, by its crit.
	WrongType Refusal = "token_type"
	// WrongAudience is for somebody else.
	WrongAudience Refusal = "token_audience"
	// WrongTimes has no iat or exp, or is good for longer than [MaxLifetime].
	WrongTimes Refusal = "token_times"
	// Expired is past its exp.
	Expired Refusal = "token_expired"
	// NotYetValid is before its nbf or iat.
	NotYetValid Refusal = "token_not_yet_valid"
	// NoWallet does not name a wallet where it should.
	NoWallet Refusal = "token_wallet"
	// UnknownKey names none of the issuer's keys that fits its algorithm.
	UnknownKey Refusal = "token_key_unknown"
	// Forged has a signature that is not the key's.
	Forged Refusal = "token_forged"
)

// Error implements error.
func (r Refusal) Error() string { return string(r) }
