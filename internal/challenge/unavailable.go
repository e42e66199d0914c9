package challenge

import "errors"

// ErrUnavailable marks the errors that another attempt may cure.
var ErrUnavailable = errors.New("the nonce store is unavailable")

// Reason is why a store cannot tell: one of a fixed set of words, none of which
// says where the store is or what was sent to it.
type Reason string

// The reasons.
const (
	// Unconfigured: there is no usable URL of Redis.
	Unconfigured Reason = "unconfigured"
	// Unchecked: nobody has looked yet, for the broker has just started.
	Unchecked Reason = "unchecked"
	// Unreachable: there is no connection, or it broke.
	Unreachable Reason = "unreachable"
	// Timeout: there is no answer in time.
	Timeout Reason = "timeout"
	// Untrusted: the certificate is not one to believe.
	Untrusted Reason = "untrusted_certificate"
	// LoginRefused: user or password are wrong or missing.
	LoginRefused Reason = "login_refused"
	// NotPermitted: the user may not use the commands or the keys.
	NotPermitted Reason = "not_permitted"
	// Replica: it takes no writes, as a replica does, or has lost its master.
	Replica Reason = "replica"
	// Restarting: it is loading its data.
	Restarting Reason = "restarting"
	// Full: it has no memory left for used nonces.
	Full Reason = "full"
	// Evicting: it may forget used nonces for want of memory.
	Evicting Reason = "may_evict"
	// NotRedis: what answers does not speak as Redis does.
	NotRedis Reason = "not_redis"
	// Damaged: it holds something else than the store wrote.
	Damaged Reason = "damaged"
	// Stopped: the store has ended.
	Stopped Reason = "stopped"
	// Unknown: any other.
	Unknown Reason = "unknown"
)

// ReasonOf returns the reason of an error that wraps [ErrUnavailable].
func ReasonOf(err error) Reason {
	if known, ok := errors.AsType[*unavailableError](err); ok {
		return known.reason
	}
	return Unknown
}

// unavailableError says in our own words what is wrong with a store: those of
// the client of Redis and of Redis hold addresses, and what was sent.
type unavailableError struct {
	reason Reason
	text   string
}

// Error implements error.
func (e *unavailableError) Error() string { return ErrUnavailable.Error() + ": " + e.text }

// Unwrap makes it an [ErrUnavailable].
func (*unavailableError) Unwrap() error { return ErrUnavailable }
