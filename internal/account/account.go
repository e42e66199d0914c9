package account

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	"github.com/litentry/wallet-federation/internal/awsapi"
)

// The keys of a credentials Secret, named as in an AWS credentials file.
const (
	accessKeyID     = "aws_access_key_id"
	secretAccessKey = "aws_secret_access_key"
	sessionToken    = "aws_session_token"
)

// ErrCredentials says that the credentials Secret is absent or incomplete.
var ErrCredentials = errors.New("credentials Secret cannot be used")

// Opener opens accounts.
type Opener struct {
	// Reader reads Secrets.
	Reader client.Reader
	// Accounts keeps the clients.
	Accounts *awsapi.Accounts
}

// Open returns the account with the identity that its credentials have there.
func (o *Opener) Open(ctx context.Context, namespace string, spec *v1alpha1.AccountSpec) (*awsapi.Account, awsapi.Identity, error) {
	cfg := awsapi.Config{Region: spec.Region, EndpointURL: spec.EndpointURL}
	if spec.EndpointURL != "" && spec.CredentialsSecretRef == nil {
		return nil, awsapi.Identity{}, fmt.Errorf("%w: an account with an endpointURL needs a credentialsSecretRef: the manager's own credentials go to AWS alone", ErrCredentials)
	}
	if ref := spec.CredentialsSecretRef; ref != nil {
		credentials, err := o.credentials(ctx, client.ObjectKey{Namespace: namespace, Name: ref.Name})
		if err != nil {
			return nil, awsapi.Identity{}, err
		}
		cfg.Credentials = credentials
	}
	opened, err := o.Accounts.Open(ctx, cfg)
	if err != nil {
		return nil, awsapi.Identity{}, err
	}
	identity, err := opened.Identity(ctx)
	if awsapi.Is(err, awsapi.BadCredentials) {
		return nil, awsapi.Identity{}, fmt.Errorf("AWS does not accept %s: %w", source(spec), err)
	}
	if err != nil {
		return nil, awsapi.Identity{}, err
	}
	return opened, identity, nil
}

// source says, for people, where an account's credentials come from.
func source(spec *v1alpha1.AccountSpec) string {
	if ref := spec.CredentialsSecretRef; ref != nil {
		return fmt.Sprintf("the credentials in Secret %q", ref.Name)
	}
	return "the manager's own credentials (set up IRSA or Pod Identity for its ServiceAccount, or name a Secret in credentialsSecretRef)"
}

func (o *Opener) credentials(ctx context.Context, key client.ObjectKey) (awsapi.Credentials, error) {
	secret := &corev1.Secret{}
	if err := o.Reader.Get(ctx, key, secret); apierrors.IsNotFound(err) {
		return awsapi.Credentials{}, fmt.Errorf("%w: create the Secret %q with the keys %s and %s", ErrCredentials, key.Name, accessKeyID, secretAccessKey)
	} else if err != nil {
		return awsapi.Credentials{}, fmt.Errorf("reading Secret %q: %w", key.Name, err)
	}
	for _, name := range []string{accessKeyID, secretAccessKey} {
		if len(secret.Data[name]) == 0 {
			return awsapi.Credentials{}, fmt.Errorf("%w: Secret %q has no key %q", ErrCredentials, key.Name, name)
		}
	}
	return awsapi.Credentials{
		AccessKeyID:     string(secret.Data[accessKeyID]),
		SecretAccessKey: string(secret.Data[secretAccessKey]),
		SessionToken:    string(secret.Data[sessionToken]),
	}, nil
}

// Judge says what an error of Open, or of a call to the account, means for a
// condition: False with a reason if the user must act, Unknown if it may pass.
func Judge(err error) (status metav1.ConditionStatus, reason string) {
	if errors.Is(err, ErrCredentials) {
		return metav1.ConditionFalse, v1alpha1.ReasonCredentialsMissing
	}
	switch awsapi.ClassOf(err) {
	case awsapi.BadCredentials:
		return metav1.ConditionFalse, v1alpha1.ReasonCredentialsInvalid
	case awsapi.Refused, awsapi.Invalid, awsapi.NotFound, awsapi.Exists, awsapi.Elsewhere, awsapi.Malformed:
		return metav1.ConditionFalse, v1alpha1.ReasonAWSError
	case awsapi.Transient:
	}
	return metav1.ConditionUnknown, v1alpha1.ReasonAWSError
}
