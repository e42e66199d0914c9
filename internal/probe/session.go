package probe

import (
	"context"
	"errors"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go/middleware"

	"github.com/litentry/wallet-federation/broker/client"
	"github.com/litentry/wallet-federation/internal/wallet"
)

const (
	sessionName = "wallet-federation-probe"
	// sessionSeconds is the shortest session that STS gives.
	sessionSeconds = 900
)

// validAnswers: a valid token can be denied by the role's trust policy. Any other
// refusal, of a token that is not yet known for one, says nothing of the policy.
var validAnswers = expectation{denials: []string{"AccessDenied"}, status: http.StatusForbidden}

// session is a wallet that has been let in.
type session struct {
	wallet wallet.Address
	s3     *s3.Client
	http   *http.Client
}

// enter brings both wallets all the way from the broker's door to credentials.
// It is false when STS denies them: there is nothing more to try then, and the
// cases that were denied are in the report.
func (r *run) enter(ctx context.Context, report *Report) (admitted bool, err error) {
	broker, err := client.New(r.config.IssuerURL, r.config.HTTPClient)
	if err != nil {
		return false, lookError("preparing broker client", err)
	}
	if r.config.ChainID != 0 {
		broker.ChainID = r.config.ChainID
	}
	admitted = true
	for i, name := range []string{"token of the first wallet", "token of the second wallet"} {
		jwt, err := r.mint(ctx, broker, r.config.Wallets[i])
		if err != nil {
			return false, err
		}
		var credentials *ststypes.Credentials
		exchange := try{
			Case:    Case{Name: name, Group: GroupToken, Expected: Allowed},
			answers: &validAnswers,
			do: func(ctx context.Context) (given answer) {
				credentials, given = r.endpoints.exchange(ctx, r.config.RoleARN, jwt)
				return given
			},
		}
		answered, err := exchange.run(ctx)
		if err != nil {
			return false, err
		}
		report.Cases = append(report.Cases, *answered)
		if answered.Observed == Denied {
			admitted = false
			report.Incomplete = "STS denied the wallets a session, so that nothing else could be tried"
			continue
		}
		r.wallets[i] = r.endpoints.session(r.config.Wallets[i].Address(), credentials)
	}
	return admitted, nil
}

// mint signs a wallet in and has a token minted, which must be what the issuer
// is configured to mint: otherwise what it shows holds for some other tokens.
func (r *run) mint(ctx context.Context, broker *client.Client, key *wallet.Key) (string, error) {
	signedIn, err := broker.SignIn(ctx, client.KeySigner(key))
	if err != nil {
		return "", lookError("signing a probe wallet in", err)
	}
	minted, err := broker.Mint(ctx, signedIn, r.config.RoleARN)
	if err != nil {
		return "", lookError("minting a token", err)
	}
	if err := r.checkToken(minted.JWT); err != nil {
		return "", &LookError{Step: "checking the broker's token", Reason: ReasonUnexpectedToken, Err: err}
	}
	return minted.JWT, nil
}

// endpoints are the AWS services as the account reaches them.
type endpoints struct {
	region string
	url    string
	http   *http.Client
	sts    *sts.Client
}

func newEndpoints(config *Config) *endpoints {
	e := &endpoints{region: config.Region, url: config.EndpointURL, http: &http.Client{}}
	if config.HTTPClient != nil {
		*e.http = *config.HTTPClient
	}
	// A redirect would be followed with the credentials of this request.
	e.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	e.sts = sts.New(sts.Options{
		Region:       e.region,
		BaseEndpoint: e.baseURL(),
		Credentials:  aws.AnonymousCredentials{},
		HTTPClient:   e.http,
		Retryer:      retry.NewStandard(),
	})
	return e
}

func (e *endpoints) baseURL() *string {
	if e.url == "" {
		return nil
	}
	return aws.String(e.url)
}

// exchange buys a session with a token.
func (e *endpoints) exchange(ctx context.Context, roleARN, jwt string) (*ststypes.Credentials, answer) {
	output, err := e.sts.AssumeRoleWithWebIdentity(ctx, &sts.AssumeRoleWithWebIdentityInput{
		RoleArn:          aws.String(roleARN),
		RoleSessionName:  aws.String(sessionName),
		WebIdentityToken: aws.String(jwt),
		DurationSeconds:  aws.Int32(sessionSeconds),
	})
	if err != nil {
		return nil, answerOf(middleware.Metadata{}, err)
	}
	if output.Credentials == nil {
		return nil, answer{err: errors.New("STS answered without credentials")}
	}
	return output.Credentials, answerOf(output.ResultMetadata, nil)
}

func (e *endpoints) session(address wallet.Address, credentials *ststypes.Credentials) *session {
	value := aws.Credentials{
		AccessKeyID:     aws.ToString(credentials.AccessKeyId),
		SecretAccessKey: aws.ToString(credentials.SecretAccessKey),
		SessionToken:    aws.ToString(credentials.SessionToken),
	}
	return &session{wallet: address, http: e.http, s3: e.storage(aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return value, nil
	}))}
}

// stranger has no credentials, and no wallet.
func (e *endpoints) stranger() *session {
	return &session{http: e.http, s3: e.storage(aws.AnonymousCredentials{})}
}

func (e *endpoints) storage(credentials aws.CredentialsProvider) *s3.Client {
	return s3.New(s3.Options{
		Region:       e.region,
		BaseEndpoint: e.baseURL(),
		UsePathStyle: e.url != "",
		HTTPClient:   e.http,
		Retryer:      retry.NewStandard(),
		Credentials:  credentials,
	})
}
