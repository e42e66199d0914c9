package probe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/litentry/wallet-federation/internal/document"
	"github.com/litentry/wallet-federation/internal/signingkey"
	"github.com/litentry/wallet-federation/internal/token"
	"github.com/litentry/wallet-federation/internal/wallet"
)

const (
	// timeout bounds a run, cleanup aside.
	timeout = 2 * time.Minute
	// cleanupTimeout bounds the removal of the run's objects.
	cleanupTimeout = 20 * time.Second
	// concurrency is how many calls are under way at once: gentle on the
	// account's budget, and fast enough.
	concurrency = 4
)

// Config is what a run needs.
type Config struct {
	// IssuerURL is where the broker is reached, as everybody reaches it.
	IssuerURL string
	// ChainID is the EIP-155 chain that sign-ins name; zero for the client's default.
	ChainID uint64
	// Token is the profile of the issuer's tokens.
	Token token.Profile
	// Key is the issuer's active key.
	Key *signingkey.Key
	// RoleARN is the role that wallets assume.
	RoleARN string
	// Buckets are the buckets of the federation, as desired.
	Buckets []document.Bucket
	// Region is that of STS and of the buckets.
	Region string
	// EndpointURL replaces the endpoints of STS and S3; empty for AWS itself.
	EndpointURL string
	// Wallets are two wallets that the issuer always admits.
	Wallets [2]*wallet.Key
	// HTTPClient reaches the broker and AWS; nil for a default.
	HTTPClient *http.Client
	// Now is the clock; nil for time.Now.
	Now func() time.Time
}

func (c *Config) validate() error {
	switch {
	case c.IssuerURL == "" || c.Token.Issuer != c.IssuerURL:
		return errors.New("the issuer URL is empty or not the tokens' issuer")
	case c.Key == nil:
		return errors.New("there is no signing key")
	case c.RoleARN == "" || c.Region == "":
		return errors.New("the role or the region is missing")
	case len(c.Buckets) == 0:
		return errors.New("there is no bucket")
	case c.Wallets[0] == nil || c.Wallets[1] == nil || c.Wallets[0].Address() == c.Wallets[1].Address():
		return errors.New("there must be two different wallets")
	}
	return nil
}

// Run tries everything once. The error is a [*LookError] when it could not look.
// When it could not look to the end but saw a leak before, there is no error:
// the report has the cases until then and says that it is incomplete.
func Run(ctx context.Context, config Config) (*Report, error) {
	if err := config.validate(); err != nil {
		return nil, fmt.Errorf("preparing isolation probe: %w", err)
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()

	r := &run{config: config, endpoints: newEndpoints(&config)}
	report := &Report{StartedAt: config.Now(), KeyID: config.Key.ID, RoleARN: config.RoleARN}
	err := r.run(ctx, report)
	report.FinishedAt = config.Now()
	if err == nil {
		return report, nil
	}
	if len(report.Leaks()) > 0 {
		report.Incomplete = err.Error()
		return report, nil
	}
	return nil, err
}

// run is the state of one run.
type run struct {
	config    Config
	endpoints *endpoints
	wallets   [2]*session
}

func (r *run) run(ctx context.Context, report *Report) error {
	admitted, err := r.enter(ctx, report)
	if err != nil || !admitted {
		return err
	}
	tries, err := r.tokenTries()
	if err != nil {
		return err
	}
	targets := make([]*target, 0, len(r.config.Buckets))
	for _, bucket := range r.config.Buckets {
		targets = append(targets, newTarget(bucket, r.wallets, r.endpoints.stranger()))
	}
	defer func() { report.Leftovers = cleanUp(ctx, targets) }()
	for _, t := range targets {
		if err := t.seed(ctx, report); err != nil {
			return err
		}
		tries = append(tries, t.tries()...)
	}
	return tryAll(ctx, report, tries)
}

// try is a case that was not answered yet.
type try struct {
	Case
	answers *expectation
	do      func(ctx context.Context) answer
}

// tryAll adds every case to the report, in their order, and stops at the first
// that has no answer.
func tryAll(ctx context.Context, report *Report, tries []try) error {
	cases := make([]*Case, len(tries))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(concurrency)
	for i := range tries {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return lookError(tries[i].step(), err)
			}
			answered, err := tries[i].run(ctx)
			if err != nil {
				return err
			}
			cases[i] = answered
			return nil
		})
	}
	err := group.Wait()
	for _, c := range cases {
		if c != nil {
			report.Cases = append(report.Cases, *c)
		}
	}
	return err
}

func (t *try) run(ctx context.Context) (*Case, error) {
	given := t.do(ctx)
	verdict, err := t.answers.judge(given)
	if err != nil {
		return nil, lookError(t.step(), err)
	}
	answered := t.Case
	answered.Observed, answered.Code, answered.RequestID = verdict, given.code, given.requestID
	return &answered, nil
}

func (t *try) step() string {
	if t.Bucket == "" {
		return t.Name
	}
	return t.Bucket + ": " + t.Name
}
