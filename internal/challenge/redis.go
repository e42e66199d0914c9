package challenge

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
)

const (
	// redisTimeout is how long a sign-in waits for Redis.
	redisTimeout = 500 * time.Millisecond
	// redisInterval is how often Redis is looked at.
	redisInterval = time.Second
	// redisConnections bounds the connections of one replica. A sign-in needs
	// one for the time of one round trip.
	redisConnections = 16
	// redisBuffer is more than a command or an answer of ours has bytes.
	redisBuffer = 4 << 10
	// redisMargin is how much longer than asked Redis remembers: what the clocks
	// of two replicas may differ.
	redisMargin = time.Minute
)

// The scripts run in Redis, each as one step. An epoch is bound to the process
// of Redis (its run_id): another process, be it the same Redis restarted or a
// replica of it that was promoted, may lack the latest nonces even though it
// kept the epoch, as a snapshot from before does.
var (
	// begin returns the epoch (KEYS[1]), which is ARGV[1] if one has to begin. It
	// always writes, so that a Redis that takes no writes shows.
	begin = redis.NewScript(`
local memory = redis.call('INFO', 'memory')
if not string.find(memory, 'maxmemory:0%c') and not string.find(memory, 'maxmemory_policy:noeviction') then
	return redis.error_reply('` + evicting + ` of used nonces is possible')
end
local process = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local stored = redis.call('GET', KEYS[1])
if not stored or string.sub(stored, #ARGV[1] + 1) ~= process then stored = ARGV[1] .. process end
redis.call('SET', KEYS[1], stored)
return string.sub(stored, 1, #ARGV[1])`)

	// use marks a nonce (KEYS[2]) as used for ARGV[2] milliseconds if the epoch
	// is ARGV[1]: 1 if it was not used before.
	use = redis.NewScript(`
local process = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
if redis.call('GET', KEYS[1]) ~= ARGV[1] .. process then return 0 end
if redis.call('SET', KEYS[2], 1, 'NX', 'PX', ARGV[2]) then return 1 end
return 0`)

	// used is 1 if the nonce (KEYS[2]) was used or the epoch is not ARGV[1].
	used = redis.NewScript(`
local process = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
if redis.call('GET', KEYS[1]) ~= ARGV[1] .. process or redis.call('GET', KEYS[2]) then return 1 end
return 0`)
)

// Redis is the store that several replicas share. It keeps its epoch beside the
// nonces: a Redis that was emptied, or restarted, or replaced by its replica,
// begins a new one. A Redis that may evict keys for want of memory is not used.
//
// One thing it cannot see: a clock of the machine of Redis that jumps ahead,
// which ends the time of keys early.
//
// The user of Redis needs the commands EVAL, EVALSHA, INFO, GET and SET on the
// keys {wallet-federation:*.
type Redis struct {
	prefix string
	now    func() time.Time
	found  atomic.Pointer[finding]

	mu sync.RWMutex
	// current is nil before there is a good URL, and after the end.
	current *connection
	ended   bool
}

// finding is what a look at Redis found: an epoch or an error.
type finding struct {
	epoch Epoch
	err   error
}

// NewRedis returns a store for one issuer. It is unavailable until
// [Redis.Connect] says where it is and [Redis.Run] looks there. The client
// library's own log, which is one for the process and would show addresses, is
// switched off.
func NewRedis(issuer string, now func() time.Time) *Redis {
	logging.Disable()
	// The braces keep the keys of one issuer together in a cluster.
	r := &Redis{prefix: "{wallet-federation:" + issuer + "}:", now: now}
	r.found.Store(&finding{err: &unavailableError{Unconfigured, "no usable URL of Redis is known"}})
	return r
}

// Epoch implements [Store]: it says what the last look at Redis found.
func (r *Redis) Epoch() (Epoch, error) {
	found := r.found.Load()
	return found.epoch, found.err
}

// Use implements [Store]. While the last look found no Redis it does not try.
func (r *Redis) Use(ctx context.Context, epoch Epoch, nonce Nonce, until time.Time) (bool, error) {
	left := until.Sub(r.now())
	if left <= 0 {
		return false, nil
	}
	return r.ask(ctx, use, nonce, epoch[:], (left + redisMargin).Milliseconds())
}

// Used implements [Store], as Use does.
func (r *Redis) Used(ctx context.Context, epoch Epoch, nonce Nonce) (bool, error) {
	return r.ask(ctx, used, nonce, epoch[:])
}

// run asks a question about a nonce.
func (r *Redis) ask(ctx context.Context, script *redis.Script, nonce Nonce, arguments ...any) (bool, error) {
	if _, err := r.Epoch(); err != nil {
		return false, err
	}
	in := r.borrow()
	if in == nil {
		return false, unavailable(redis.ErrClosed)
	}
	defer in.users.Done()
	// A caller who goes away must not pass for a Redis that does not answer.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), redisTimeout)
	defer cancel()
	keys := []string{r.epochKey(), r.prefix + "used:" + nonce.String()}
	answer, err := script.Run(ctx, in.client, keys, arguments...).Bool()
	if err != nil {
		return false, unavailable(err)
	}
	return answer, nil
}

func (r *Redis) epochKey() string { return r.prefix + "epoch" }

// Run looks at Redis every second until ctx ends, so that [Redis.Epoch] knows,
// and then closes the connections: ctx must outlast the sign-ins.
func (r *Redis) Run(ctx context.Context) {
	ticker := time.NewTicker(redisInterval)
	defer ticker.Stop()
	defer r.end()
	for {
		r.look(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// look learns the epoch.
func (r *Redis) look(ctx context.Context) {
	in := r.borrow()
	if in == nil {
		return
	}
	defer in.users.Done()
	found := r.lookAt(ctx, in)
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.current == in { // what was found elsewhere meanwhile is newer
		r.found.Store(found)
	}
}

// lookAt asks a Redis for its epoch, and begins one where that is due.
func (r *Redis) lookAt(ctx context.Context, of *connection) *finding {
	ctx, cancel := context.WithTimeout(ctx, redisTimeout)
	defer cancel()
	next := newEpoch()
	stored, err := begin.Run(ctx, of.client, []string{r.epochKey()}, next[:]).Text()
	switch {
	case err != nil:
		return &finding{err: unavailable(err)}
	case len(stored) != epochBytes:
		return &finding{err: &unavailableError{Damaged, "its epoch in Redis is damaged"}}
	default:
		return &finding{epoch: Epoch([]byte(stored))}
	}
}
