package broker

import (
	"encoding/hex"
	"net/http"
	"net/netip"
	"time"

	"github.com/litentry/wallet-federation/internal/brokerconfig"
	"github.com/litentry/wallet-federation/internal/ratelimit"
	"github.com/litentry/wallet-federation/internal/wallet"
)

const (
	// limitedKeys is how many clients, and how many wallets, are told apart at
	// the same time. Their buckets take some 7 MiB each when all are in use.
	limitedKeys = 1 << 16
	// maxUnderWay bounds the requests that are read and answered at the same
	// time: over HTTP/2 the number of connections does not.
	maxUnderWay = 2048
)

// limits are how often callers may ask, and how often each has.
type limits struct {
	config  brokerconfig.Limits
	clients *ratelimit.Table[clientKey]
	wallets *ratelimit.Table[walletKey]
}

// newLimits returns the limits of a configuration, after others or nil. A table
// lives as long as its rate: a reload of anything else must not hand out bursts
// anew. With another rate it begins anew, which only who configures can cause,
// rather than weighing old debts by new rates.
func newLimits(config brokerconfig.Limits, previous *limits) *limits {
	if previous == nil {
		previous = &limits{}
	}
	next := *previous
	next.config = config
	if config.Client != previous.config.Client {
		next.clients = newTable[clientKey](config.Client)
	}
	if config.Wallet != previous.config.Wallet {
		next.wallets = newTable[walletKey](config.Wallet)
	}
	return &next
}

// newTable returns nil, which limits nothing, for a limit that is lifted.
func newTable[K comparable](limit brokerconfig.Rate) *ratelimit.Table[K] {
	if limit.PerSecond == 0 {
		return nil
	}
	return ratelimit.New[K](limit.PerSecond, limit.Burst, limitedKeys)
}

// clientKey is an IPv4 address in IPv6 form, or the first half of an IPv6
// address: the smallest network that is given to one customer (RFC 6177).
type clientKey [16]byte

func newClientKey(address netip.Addr) clientKey {
	key := address.As16()
	if address.Is6() {
		clear(key[8:])
	}
	return key
}

// walletKey is an address of 20 bytes as it is.
type walletKey [20]byte

// newWalletKey takes an address that is canonical, as every proven one is.
func newWalletKey(w wallet.Address) (key walletKey) {
	_, _ = hex.Decode(key[:], []byte(w[2:]))
	return key
}

// takeClient counts one request of a client.
func (l *limits) takeClient(client netip.Addr, now time.Time) *failure {
	return failRateLimited("address", l.clients.Take(newClientKey(client), now))
}

// takeWallet counts one request of a wallet that proved itself: otherwise anyone
// could use up the share of any.
func (l *limits) takeWallet(w wallet.Address, now time.Time) *failure {
	return failRateLimited("wallet", l.wallets.Take(newWalletKey(w), now))
}

// mayWallet is takeWallet that counts nothing; chargeWallet counts what it let
// through.
func (l *limits) mayWallet(w wallet.Address, now time.Time) *failure {
	return failRateLimited("wallet", l.wallets.Wait(newWalletKey(w), now))
}

func (l *limits) chargeWallet(w wallet.Address, now time.Time) {
	l.wallets.Charge(newWalletKey(w), now)
}

// failRateLimited tells a caller to wait; without a wait it is nil.
func failRateLimited(whose string, wait time.Duration) *failure {
	if wait <= 0 {
		return nil
	}
	return &failure{
		Status: http.StatusTooManyRequests, Code: "rate_limited",
		Message:    "too many requests of this " + whose + "; the Retry-After header says in how many seconds to try again",
		retryAfter: int((wait + time.Second - 1) / time.Second),
	}
}

// limited passes on the requests that their clients may make. It refuses the
// others before anything of them is read, with refuse, for each path has its
// own form of errors. It leaves no audit record: nothing was exchanged, and a
// flood must not fill the log.
func (s *Server) limited(handle http.HandlerFunc, refuse func(http.ResponseWriter, *failure)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		defer s.underWay.Add(-1)
		if s.underWay.Add(1) > maxUnderWay {
			refuse(w, failOverloaded)
			return
		}
		if refused := s.current.Load().limits.takeClient(s.client(r), s.now()); refused != nil {
			refuse(w, refused)
			return
		}
		handle(w, r)
	}
}

// client returns the address of who made a request.
func (s *Server) client(r *http.Request) netip.Addr {
	return clientAddress(r, s.current.Load().limits.config.TrustedProxies)
}
