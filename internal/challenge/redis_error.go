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

// unavailable returns an error that says what is wrong with Redis in our own
// words: those of the client and of Redis hold addresses, and what was sent.
func unavailable(err error) error {
	return fmt.Errorf("%w: Redis %s", ErrUnavailable, fault(err))
}

func fault(err error) string {
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
		if code == evicting {
			return "may evict used nonces: set its maxmemory-policy to noeviction"
		}
		return "answered " + code
	case errors.As(err, &unknown):
		return "has a name that does not resolve"
	case errors.As(err, &certificate):
		return "has a certificate that is not trusted"
	case errors.As(err, &errno):
		return "cannot be reached: " + errno.Error()
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, redis.ErrPoolTimeout), errors.As(err, &network) && network.Timeout():
		return fmt.Sprintf("did not answer in %s", redisTimeout)
	case errors.Is(err, io.EOF):
		return "closed the connection"
	case errors.Is(err, redis.ErrClosed):
		return "is no longer used"
	default:
		return "does not answer as Redis does"
	}
}
