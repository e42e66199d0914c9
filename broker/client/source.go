package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

const (
	// DefaultMargin is how long before it expires a token is replaced.
	DefaultMargin = time.Minute

	// sessionMargin is how long before it expires a session is not used any more:
	// no longer than a request takes, for one that is refused is replaced too.
	sessionMargin = 10 * time.Second
	// usableMargin is how long a token that could not be replaced must have left
	// to be handed out all the same.
	usableMargin = 10 * time.Second
	// refreshTimeout bounds a replacement with all its tries.
	refreshTimeout = time.Minute
)

// SourceOptions are what a source need not be told.
type SourceOptions struct {
	// RoleARN is the role to pin the tokens to. Default: every role of the issuer.
	RoleARN string
	// Margin is how long before it expires a token is replaced, but never before
	// half of its life is over. Default [DefaultMargin].
	Margin time.Duration
}

// Source keeps a JWT of one wallet fresh. It is safe for concurrent use, and any
// number of callers cause one sign-in and one mint.
//
// What the broker answers with 429 or 503, and what the network loses, is tried
// again after as long as the broker asks for, or with exponential backoff, with
// jitter, four times at most and as long as the wait is short. What fails then is
// remembered, so that callers in a loop do not become a flood.
type Source struct {
	client *Client
	signer Signer
	role   string
	margin time.Duration

	flights singleflight.Group

	mu      sync.Mutex
	session Session
	token   Token
	// replaceAt is when the token is due to be replaced.
	replaceAt time.Time
	// failure is what came of the last try, and stands until retryAt.
	failure error
	retryAt time.Time
}

// NewSource returns a source of tokens of the signer's wallet. It asks the broker
// nothing before the first [Source.Token].
func NewSource(c *Client, signer Signer, options SourceOptions) *Source {
	margin := options.Margin
	if margin <= 0 {
		margin = DefaultMargin
	}
	return &Source{client: c, signer: signer, role: options.RoleARN, margin: margin}
}

// Token returns a token with at least the margin left, from memory if there is
// one. If there is not and none can be had, it returns one that still has some
// seconds. It waits no longer than ctx allows; a replacement under way goes on
// for whoever else wants it, for a minute at most. A refusal is an [*Error].
func (s *Source) Token(ctx context.Context) (Token, error) {
	if token, fresh := s.fresh(); fresh {
		return token, nil
	}
	done := s.flights.DoChan("", func() (any, error) { return s.refresh(context.WithoutCancel(ctx)) })
	select {
	case <-ctx.Done():
		return Token{}, ctx.Err()
	case result := <-done:
		token, _ := result.Val.(Token)
		return token, result.Err
	}
}

// GetIdentityToken is [Source.Token] as the AWS SDK for Go asks for it:
// stscreds.NewWebIdentityRoleProvider takes a source as it is.
func (s *Source) GetIdentityToken() ([]byte, error) {
	token, err := s.Token(context.Background())
	return []byte(token.JWT), err
}

func (s *Source) fresh() (Token, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token, s.client.now().Before(s.replaceAt)
}

// refresh is called by one goroutine at a time.
func (s *Source) refresh(ctx context.Context) (Token, error) {
	// One that waited for the last flight may begin another just after it.
	if token, fresh := s.fresh(); fresh {
		return token, nil
	}
	ctx, cancel := context.WithTimeout(ctx, refreshTimeout)
	defer cancel()
	err := s.lastFailure()
	if err == nil {
		err = s.replace(ctx)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil && (!retryable(err) || s.client.now().Add(usableMargin).After(s.token.Expiration)) {
		return Token{}, err
	}
	return s.token, nil
}

func (s *Source) lastFailure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client.now().Before(s.retryAt) {
		return s.failure
	}
	return nil
}

// replace gets another token, or leaves a failure.
func (s *Source) replace(ctx context.Context) error {
	for attempt := 1; ; attempt++ {
		token, err := s.mint(ctx)
		if err == nil {
			return s.keep(token)
		}
		delay := backoff(err, attempt)
		if !retryable(err) || attempt == maxAttempts || delay > maxDelay || s.usable() {
			s.mu.Lock()
			s.failure, s.retryAt = err, s.client.now().Add(delay)
			s.mu.Unlock()
			return err
		}
		if sleep(ctx, delay) != nil {
			return err
		}
	}
}

// usable reports whether there is a token to go on with: then nobody is made to
// wait for another.
func (s *Source) usable() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.client.now().Add(usableMargin).Before(s.token.Expiration)
}

func (s *Source) keep(token Token) error {
	now := s.client.now()
	life := token.Expiration.Sub(now)
	if life <= 0 {
		return fmt.Errorf("minting at %s: %w", s.client.issuer, errors.New("the token has expired already: is the clock right?"))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token, s.replaceAt, s.failure = token, token.Expiration.Add(-min(s.margin, life/2)), nil
	return nil
}

// mint signs in if there is no session, and again if the broker does not believe
// the one there is: its keys may have changed, or the session been revoked.
func (s *Source) mint(ctx context.Context) (Token, error) {
	s.mu.Lock()
	session := s.session
	s.mu.Unlock()
	if session.Bearer != "" && s.client.now().Add(sessionMargin).Before(session.ExpiresAt) {
		token, err := s.client.Mint(ctx, session, s.role)
		if refusal, ok := errors.AsType[*Error](err); !ok || refusal.Status != http.StatusUnauthorized {
			return token, err
		}
	}
	session, err := s.client.SignIn(ctx, s.signer)
	if err != nil {
		return Token{}, err
	}
	s.mu.Lock()
	s.session = session
	s.mu.Unlock()
	return s.client.Mint(ctx, session, s.role)
}

// retryable reports whether the same request may be answered better soon: the
// broker said so, or it could not be asked.
func retryable(err error) bool {
	if refusal, ok := errors.AsType[*Error](err); ok {
		switch refusal.Status {
		case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return true
		default:
			return false
		}
	}
	_, network := errors.AsType[*url.Error](err)
	return network
}
