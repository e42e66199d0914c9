package awsapi

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// Provider is an IAM OIDC provider.
type Provider struct {
	// URL is the issuer without its scheme, as IAM returns it.
	URL string
	// Audiences are the client ids that the provider accepts.
	Audiences []string
	// Tags are the provider's tags.
	Tags map[string]string
}

// ProviderARN returns the ARN that IAM gives the provider of an issuer URL.
func (i Identity) ProviderARN(issuerURL string) string {
	return fmt.Sprintf("arn:%s:iam::%s:oidc-provider/%s", i.Partition, i.AccountID, withoutScheme(issuerURL))
}

// withoutScheme returns the form in which IAM keeps and compares issuer URLs.
func withoutScheme(issuerURL string) string {
	_, rest, _ := strings.Cut(issuerURL, "://")
	return rest
}

// Provider reads a provider. An absent one is an error of class NotFound.
func (a *Account) Provider(ctx context.Context, providerARN string) (*Provider, error) {
	out, err := a.iam.GetOpenIDConnectProvider(ctx, &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: &providerARN})
	if err != nil {
		return nil, err
	}
	return &Provider{URL: aws.ToString(out.Url), Audiences: out.ClientIDList, Tags: tagMap(out.Tags)}, nil
}

// CreateProvider registers an issuer for one audience. It sends no thumbprint:
// AWS trusts public CAs, and a placeholder would only stand in the way of others.
func (a *Account) CreateProvider(ctx context.Context, issuerURL, audience string, tags map[string]string) error {
	_, err := a.iam.CreateOpenIDConnectProvider(ctx, &iam.CreateOpenIDConnectProviderInput{
		Url: &issuerURL, ClientIDList: []string{audience}, Tags: tagList(tags),
	})
	return err
}

// AddAudience makes a provider accept one more audience.
func (a *Account) AddAudience(ctx context.Context, providerARN, audience string) error {
	_, err := a.iam.AddClientIDToOpenIDConnectProvider(ctx, &iam.AddClientIDToOpenIDConnectProviderInput{
		OpenIDConnectProviderArn: &providerARN, ClientID: &audience,
	})
	return err
}

// DeleteProvider deletes a provider; an absent one is a success.
func (a *Account) DeleteProvider(ctx context.Context, providerARN string) error {
	_, err := a.iam.DeleteOpenIDConnectProvider(ctx, &iam.DeleteOpenIDConnectProviderInput{OpenIDConnectProviderArn: &providerARN})
	if Is(err, NotFound) {
		return nil
	}
	return err
}

func tagMap(tags []types.Tag) map[string]string {
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		m[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return m
}

func tagList(tags map[string]string) []types.Tag {
	list := make([]types.Tag, 0, len(tags))
	for k, v := range tags {
		list = append(list, types.Tag{Key: aws.String(k), Value: aws.String(v)})
	}
	return list
}
