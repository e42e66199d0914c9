package challenge

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/redis/go-redis/v9"
)

// evicting is the code of the error by which a script of ours refuses a Redis.
const evicting = "EVICTION"

// unavailable returns an error that says what is wrong with Redis.
func unavailable(err error) error {
	reason, fault := diagnose(err)
	return &unavailableError{reason, "Redis " + fault}
}

func diagnose(err error) (Reason, string) {
	var (
		answer      redis.Error
		network     net.Error
		unknown     *net.DNSError
		certificate *tls.CertificateVerificationError
		errno       syscall.Errno
	)
	switch {
	case errors.As(err, &answer):
		code, _, _ := strings.Cut(answer.Error(), " ")
		return diagnoseAnswer(code)
	case errors.As(err, &unknown):
		return Unreachable, "has a name that does not resolve"
	case errors.As(err, &certificate):
		return Untrusted, "has a certificate that is not trusted"
	case errors.As(err, &errno):
		return Unreachable, "cannot be reached: " + errno.Error()
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, redis.ErrPoolTimeout), errors.As(err, &network) && network.Timeout():
		return Timeout, fmt.Sprintf("did not answer in %s", redisTimeout)
	case errors.Is(err, io.EOF):
		return Unreachable, "closed the connection"
	case errors.Is(err, redis.ErrClosed):
		return Stopped, "is no longer used"
	default:
		return NotRedis, "does not answer as Redis does"
	}
}

// diagnoseAnswer goes by the code of an error that Redis answered with.
func diagnoseAnswer(code string) (Reason, string) {
	fault := "answered " + code
	switch code {
	case evicting:
		return Evicting, "may evict used nonces: set its maxmemory-policy to noeviction"
	case "NOAUTH", "WRONGPASS":
		return LoginRefused, fault
	case "NOPERM":
		return NotPermitted, fault
	case "READONLY", "MASTERDOWN":
		return Replica, fault
	case "LOADING":
		return Restarting, fault
	case "OOM":
		return Full, fault
	default:
		return Unknown, fault
	}
}
