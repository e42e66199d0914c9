package awsapi

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/middleware"
	"github.com/prometheus/client_golang/prometheus"
)

// callTimeout bounds one attempt at one call; the SDK makes up to three.
const callTimeout = 10 * time.Second

// Credentials are static credentials of an account.
type Credentials struct {
	AccessKeyID, SecretAccessKey, SessionToken string
}

// String hides the credentials.
func (Credentials) String() string { return "[credentials]" }

// GoString hides the credentials.
func (Credentials) GoString() string { return "[credentials]" }

// Config says how an account is reached. Two equal Configs reach the same account.
type Config struct {
	// Region is the region of the STS endpoint and of the buckets.
	Region string
	// EndpointURL replaces the endpoints of all services; empty for AWS itself.
	EndpointURL string
	// Credentials are the credentials to use; the zero value means the SDK's
	// default chain: environment, IRSA, Pod Identity, instance profile.
	Credentials Credentials
}

// Identity is who the operator is in an account.
type Identity struct {
	// Partition is aws, aws-us-gov or aws-cn.
	Partition string
	// AccountID is the account's twelve digits.
	AccountID string
	// ARN is the caller's.
	ARN string
}

// Account is an AWS account as the operator reaches it.
type Account struct {
	iam *iam.Client
	sts *sts.Client
	s3  *s3.Client

	credentials aws.CredentialsProvider

	mu       sync.Mutex
	identity Identity
}

// Identity asks STS who the caller is, once. Credentials that cannot be had are
// an error of class BadCredentials.
func (a *Account) Identity(ctx context.Context) (Identity, error) {
	a.mu.Lock()
	identity := a.identity
	a.mu.Unlock()
	if identity.AccountID != "" {
		return identity, nil
	}
	if _, err := a.credentials.Retrieve(ctx); ctx.Err() != nil {
		return Identity{}, ctx.Err()
	} else if err != nil {
		return Identity{}, &Error{Operation: "credentials:Retrieve", Class: BadCredentials, err: err}
	}
	out, err := a.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return Identity{}, err
	}
	caller, err := arn.Parse(aws.ToString(out.Arn))
	if err != nil {
		return Identity{}, fmt.Errorf("reading the caller's ARN: %w", err)
	}
	identity = Identity{Partition: caller.Partition, AccountID: aws.ToString(out.Account), ARN: aws.ToString(out.Arn)}
	a.mu.Lock()
	a.identity = identity
	a.mu.Unlock()
	return identity, nil
}

// Accounts keeps one Account per Config, so that connections, and what the
// account answered about itself, are shared by all reconciles.
type Accounts struct {
	calls *prometheus.CounterVec
	http  *awshttp.BuildableClient

	mu       sync.Mutex
	accounts map[Config]*Account
}

// NewAccounts returns an empty set of accounts. Every call to AWS is counted in
// wallet_federation_aws_calls_total, registered with registerer.
func NewAccounts(registerer prometheus.Registerer) (*Accounts, error) {
	calls := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "wallet_federation_aws_calls_total",
		Help: "Calls to AWS by service, operation and error code (empty for success).",
	}, []string{"service", "operation", "code"})
	if err := registerer.Register(calls); err != nil {
		return nil, fmt.Errorf("registering metrics: %w", err)
	}
	return &Accounts{
		calls:    calls,
		http:     awshttp.NewBuildableClient().WithTimeout(callTimeout),
		accounts: map[Config]*Account{},
	}, nil
}

// maxAccounts bounds the set: a rotated credential leaves an Account behind.
const maxAccounts = 256

// Open returns the account that cfg reaches. It makes no call to AWS.
func (a *Accounts) Open(ctx context.Context, cfg Config) (*Account, error) {
	a.mu.Lock()
	account, ok := a.accounts[cfg]
	a.mu.Unlock()
	if ok {
		return account, nil
	}
	options := []func(*config.LoadOptions) error{
		config.WithRegion(cfg.Region),
		config.WithHTTPClient(a.http),
		config.WithAPIOptions([]func(*middleware.Stack) error{a.observe}),
	}
	if cfg.EndpointURL != "" {
		options = append(options, config.WithBaseEndpoint(cfg.EndpointURL))
	}
	if c := cfg.Credentials; c != (Credentials{}) {
		options = append(options, config.WithCredentialsProvider(
			credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken)))
	}
	loaded, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("configuring the AWS SDK: %w", err)
	}
	account = &Account{
		iam: iam.NewFromConfig(loaded),
		sts: sts.NewFromConfig(loaded),
		s3:  s3.NewFromConfig(loaded, func(o *s3.Options) { o.UsePathStyle = cfg.EndpointURL != "" }),

		credentials: loaded.Credentials,
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.accounts) >= maxAccounts {
		clear(a.accounts)
	}
	a.accounts[cfg] = account
	return account, nil
}

// observe adds a middleware that counts every call and names every error.
func (a *Accounts) observe(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("wallet-federation/observe",
		func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			out, metadata, err := next.HandleInitialize(ctx, in)
			service, operation := strings.ToLower(middleware.GetServiceID(ctx)), middleware.GetOperationName(ctx)
			code := ""
			if err != nil {
				err = wrap(service+":"+operation, err)
				code = errorCode(err)
			}
			a.calls.WithLabelValues(service, operation, code).Inc()
			return out, metadata, err
		}), middleware.Before)
}
