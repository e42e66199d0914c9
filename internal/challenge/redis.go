package challenge

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// redisTimeout is how long a sign-in waits for Redis.
	redisTimeout = 500 * time.Millisecond
	// redisInterval is how often Redis is looked at between sign-ins.
	redisInterval = time.Second
)

// use marks a nonce (KEYS[2]) as used for ARGV[2] milliseconds, if the epoch
// (KEYS[1]) is ARGV[1], in one step: 1 if it was not used before.
var use = redis.NewScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if redis.call('SET', KEYS[2], 1, 'NX', 'PX', ARGV[2]) then return 1 end
return 0`)

// Redis is the store that several replicas share. It keeps its epoch beside the
// nonces: a Redis that was emptied, or restarted without its data, has lost that
// too, and a new one begins.
//
// Two things it cannot see: a failover to a replica that had not yet received
// the latest nonces, and nonces evicted for want of memory. Use a maxmemory-policy
// of noeviction.
type Redis struct {
	client   *redis.Client
	epochKey string
	prefix   string
	now      func() time.Time
	epoch    atomic.Pointer[Epoch] // nil while Redis does not answer
}

// NewRedis returns a store in the Redis of a URL, such as
// rediss://user:password@host:6379/0, for one issuer. It does not connect before
// [Redis.Run] does. The error leaves the URL out: it holds the password.
func NewRedis(url, issuer string, now func() time.Time) (*Redis, error) {
	options, err := redis.ParseURL(url)
	if err != nil {
		return nil, errors.New("the Redis URL is not of the form redis[s]://[user[:password]@]host[:port][/database]")
	}
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = redisTimeout, redisTimeout, redisTimeout
	options.PoolTimeout = redisTimeout
	options.ContextTimeoutEnabled = true
	options.MaxRetries = 1
	// The braces keep the keys of one issuer together in a cluster.
	prefix := "{wallet-federation:" + issuer + "}:"
	return &Redis{client: redis.NewClient(options), epochKey: prefix + "epoch", prefix: prefix + "used:", now: now}, nil
}

// Epoch implements [Store]: it says what the last look at Redis found.
func (r *Redis) Epoch() (Epoch, error) {
	if epoch := r.epoch.Load(); epoch != nil {
		return *epoch, nil
	}
	return Epoch{}, ErrUnavailable
}

// Use implements [Store].
func (r *Redis) Use(ctx context.Context, epoch Epoch, nonce Nonce, until time.Time) (bool, error) {
	// A caller who goes away must not pass for a Redis that does not answer.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), redisTimeout)
	defer cancel()
	// A second more than needed: the clocks of Redis and ours may differ a little.
	left := max(until.Sub(r.now()), 0) + time.Second
	first, err := use.Run(ctx, r.client, []string{r.epochKey, r.prefix + nonce.String()}, epoch[:], left.Milliseconds()).Bool()
	if err != nil {
		r.epoch.Store(nil)
		return false, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return first, nil
}

// Run looks at Redis every second until ctx ends, so that [Redis.Epoch] knows,
// and then closes the connections.
func (r *Redis) Run(ctx context.Context) {
	ticker := time.NewTicker(redisInterval)
	defer ticker.Stop()
	for {
		r.look(ctx)
		select {
		case <-ctx.Done():
			_ = r.client.Close()
			return
		case <-ticker.C:
		}
	}
}

// look reads the epoch, and begins one where there is none.
func (r *Redis) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, redisTimeout)
	defer cancel()
	begin := newEpoch()
	err := r.client.SetNX(ctx, r.epochKey, begin[:], 0).Err()
	if err != nil {
		r.epoch.Store(nil)
		return
	}
	stored, err := r.client.Get(ctx, r.epochKey).Bytes()
	if err != nil || len(stored) != epochBytes {
		r.epoch.Store(nil)
		return
	}
	epoch := Epoch(stored)
	r.epoch.Store(&epoch)
}
