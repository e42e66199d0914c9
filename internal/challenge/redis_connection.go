package challenge

import (
	"context"
	"errors"
	"net/url"
	"sync"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// connection is the client of one URL, and who uses it.
type connection struct {
	client  *redis.Client
	address string
	users   sync.WaitGroup
}

// Connect makes the store go on in the Redis of a URL:
//
//	redis[s]://[[user]:password@]host[:port][/database]
//	unix://[[user]:password@]/path/of/socket
//
// If it is in one already it stays there unless the other can be used: the error
// then wraps [ErrUnavailable], and another attempt may do. The connections that
// are left are closed once nothing uses them, before Connect returns, which takes
// about a second at most. Neither an error nor a log holds anything of the URL: it
// has the password.
func (r *Redis) Connect(address string) error {
	options, err := redisOptions(address)
	if err != nil {
		return err
	}
	r.mu.RLock()
	present := r.current
	r.mu.RUnlock()
	if present != nil && present.address == address {
		return nil
	}
	next := &connection{client: redis.NewClient(options), address: address}
	found := &finding{err: &unavailableError{Unchecked, "Redis was not looked at yet"}}
	if present != nil {
		if found = r.lookAt(context.Background(), next); found.err != nil {
			next.close()
			return found.err
		}
	}
	return r.replace(next, found)
}

// replace begins to use a connection, of which something was found.
func (r *Redis) replace(next *connection, found *finding) error {
	r.mu.Lock()
	if r.ended {
		r.mu.Unlock()
		next.close()
		return unavailable(redis.ErrClosed)
	}
	previous := r.current
	r.current = next
	r.found.Store(found)
	r.mu.Unlock()
	previous.close()
	return nil
}

// end stops using Redis for good.
func (r *Redis) end() {
	r.mu.Lock()
	last := r.current
	r.current, r.ended = nil, true
	r.mu.Unlock()
	last.close()
}

// borrow returns the connection of now, if there is one, which stays open until
// its users are done.
func (r *Redis) borrow() *connection {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.current != nil {
		r.current.users.Add(1)
	}
	return r.current
}

// close waits for the users. There must not be new ones.
func (c *connection) close() {
	if c == nil {
		return
	}
	c.users.Wait()
	_ = c.client.Close()
}

// redisOptions makes of a URL a client that gives up soon and says no more to
// Redis than it is told to.
func redisOptions(address string) (*redis.Options, error) {
	malformed := errors.New("the Redis URL is not of the form redis[s]://[[user]:password@]host[:port][/database] or unix://[[user]:password@]/path")
	parsed, err := url.Parse(address)
	// A query would override the options below, or the check of certificates.
	if err != nil || parsed.RawQuery != "" || parsed.ForceQuery || parsed.Fragment != "" {
		return nil, malformed
	}
	options, err := redis.ParseURL(address)
	if err != nil {
		return nil, malformed
	}
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = redisTimeout, redisTimeout, redisTimeout
	options.PoolTimeout = redisTimeout
	options.ContextTimeoutEnabled = true
	options.DialerRetries = 1
	// A second try would find the nonce used by the first, whose answer was lost.
	options.MaxRetries = -1
	options.PoolSize, options.MaxActiveConns = redisConnections, redisConnections
	options.PipelinePoolSize = -1
	options.ReadBufferSize, options.WriteBufferSize = redisBuffer, redisBuffer
	// RESP3 is for messages that Redis sends of itself.
	options.Protocol = 2
	options.DisableIdentity = true
	options.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return options, nil
}
