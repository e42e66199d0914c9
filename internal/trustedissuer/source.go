package trustedissuer

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/litentry/wallet-federation/internal/discovery"
)

const (
	// refreshAfter is the age at which keys are read again before they are used,
	// and so how long a key counts after its issuer withdrew it.
	refreshAfter = 5 * time.Minute
	// maxAge is the age up to which keys are used when they cannot be read again.
	maxAge = time.Hour
	// minInterval is between two times that keys are read, so that tokens with
	// made-up key ids do not make the broker a nuisance to the issuer.
	minInterval = 30 * time.Second
	// RetryAfter is how long an issuer that failed is not asked again.
	RetryAfter = 10 * time.Second
	// defaultTimeout is how long a request waits for an issuer: it has to be
	// answered itself.
	defaultTimeout = 5 * time.Second
)

// keySource reads the keys of one issuer and keeps them.
type keySource struct {
	issuer  string
	options *Options
	client  *http.Client
	flight  singleflight.Group

	mu    sync.Mutex // guards state; never held while the network is used
	state keyState
}

// keyState is what is known of an issuer's keys.
type keyState struct {
	set    keySet
	readAt time.Time // zero if they never were
	again  time.Time // not to be read before
	failed error     // of the last attempt
}

func newKeySource(issuer string, options *Options) *keySource {
	return &keySource{issuer: issuer, options: options, client: newClient(issuer, options)}
}

// find returns the key of a token. Keys that are old, or without the one that is
// looked for, are read again first, but not too often; while that fails, old
// ones serve on for a while. The error is UnknownKey or wraps [ErrUnavailable].
func (k *keySource) find(ctx context.Context, id, algorithm string) (publicKey, error) {
	state := k.load()
	key, found := state.set.find(id, algorithm)
	if found && k.age(state) < refreshAfter {
		return key, nil
	}
	if !k.options.Now().Before(state.again) {
		if err := k.refresh(ctx); err != nil {
			return publicKey{}, err
		}
		state = k.load()
		key, found = state.set.find(id, algorithm)
	}
	switch {
	case k.age(state) >= maxAge, !found && state.failed != nil:
		return publicKey{}, fmt.Errorf("%w: %w", ErrUnavailable, state.failed)
	case !found:
		return publicKey{}, UnknownKey
	default:
		return key, nil
	}
}

func (k *keySource) load() keyState {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.state
}

// age is that of keys; without any it is beyond every bound.
func (k *keySource) age(state keyState) time.Duration {
	return k.options.Now().Sub(state.readAt)
}

// refresh reads the keys, once for all that ask meanwhile. Whether it could is
// in the state after; the error is of a caller who does not wait for that.
func (k *keySource) refresh(ctx context.Context) error {
	// Others wait for it too, so it does not end with the first of them.
	reading := context.WithoutCancel(ctx)
	done := k.flight.DoChan("", func() (any, error) {
		k.read(reading)
		return nil, nil
	})
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
	}
}

// read asks the issuer, unless another did since the caller looked.
func (k *keySource) read(ctx context.Context) {
	if k.options.Now().Before(k.load().again) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, k.options.Timeout)
	defer cancel()
	set, err := k.fetch(ctx)
	if err != nil {
		k.options.Report(k.issuer, err)
	}
	now := k.options.Now()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.state.failed = err; err != nil {
		k.state.again = now.Add(RetryAfter)
		return
	}
	k.state.set, k.state.readAt, k.state.again = set, now, now.Add(minInterval)
}

func (k *keySource) fetch(ctx context.Context) (keySet, error) {
	_, data, err := discovery.Read(ctx, k.client, k.issuer)
	if err != nil {
		return nil, err
	}
	set, err := parseKeySet(data)
	if err != nil {
		return nil, fmt.Errorf("reading JWKS of %s: %w", k.issuer, err)
	}
	return set, nil
}
