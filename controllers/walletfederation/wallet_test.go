package walletfederation_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	brokerclient "github.com/litentry/wallet-federation/broker/client"
	"github.com/litentry/wallet-federation/internal/wallet"
)

// session is S3 as a wallet reaches it with one session, which is bought with
// the first call.
type session struct {
	s3     *s3.Client
	bucket string
	// prefix is the wallet's own.
	prefix string
}

// tokens gives the SDK a fresh JWT of a wallet.
type tokens struct {
	ctx    context.Context
	broker *brokerclient.Client
	key    *wallet.Key
}

func (t *tokens) GetIdentityToken() ([]byte, error) {
	bearer, err := t.broker.SignIn(t.ctx, brokerclient.KeySigner(t.key))
	if err != nil {
		return nil, err
	}
	token, err := t.broker.Mint(t.ctx, bearer, "")
	return []byte(token.JWT), err
}

func newKey() *wallet.Key {
	GinkgoHelper()
	key, err := wallet.GenerateKey()
	Expect(err).NotTo(HaveOccurred())
	return key
}

// session buys a session of the federation's role for a wallet.
func (w *world) session(ctx context.Context, key *wallet.Key) *session {
	GinkgoHelper()
	broker, err := brokerclient.New(w.issuer.Spec.IssuerURL, nil)
	Expect(err).NotTo(HaveOccurred())
	anonymous := sts.New(sts.Options{Region: "us-east-1", BaseEndpoint: &h.CloudURL})
	provider := stscreds.NewWebIdentityRoleProvider(anonymous, w.federation.Status.RoleARN, &tokens{ctx: ctx, broker: broker, key: key})
	return &session{
		bucket: w.name, prefix: "bots/" + string(key.Address()) + "/",
		s3: s3.New(s3.Options{
			Region: "us-east-1", BaseEndpoint: &h.CloudURL, UsePathStyle: true, Credentials: aws.NewCredentialsCache(provider),
		}),
	}
}

// put, get and list try what a wallet may do below its own prefix. They return
// the error code, or nothing.
func (s *session) put(ctx context.Context) string {
	_, err := s.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: &s.bucket, Key: aws.String(s.prefix + "x"), Body: strings.NewReader("mine")})
	return codeOf(err)
}

func (s *session) get(ctx context.Context) string {
	out, err := s.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.bucket, Key: aws.String(s.prefix + "x")})
	if err == nil {
		err = out.Body.Close()
	}
	return codeOf(err)
}

func (s *session) list(ctx context.Context) string {
	_, err := s.s3.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: &s.prefix})
	return codeOf(err)
}

func codeOf(err error) string {
	if err == nil {
		return ""
	}
	if answer, ok := errors.AsType[smithy.APIError](err); ok {
		return answer.ErrorCode()
	}
	return fmt.Sprint(err)
}
