package walletfederation

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	"github.com/litentry/wallet-federation/internal/account"
)

// resolve finds the issuer and opens the account, and sets IssuerReady. It
// reports whether the pass can go on.
func (p *pass) resolve(ctx context.Context) (bool, error) {
	name := p.federation.Spec.IssuerRef.Name
	issuer := &v1alpha1.OIDCIssuer{}
	err := p.Client.Get(ctx, client.ObjectKey{Namespace: p.federation.Namespace, Name: name}, issuer)
	if apierrors.IsNotFound(err) {
		p.False(v1alpha1.ConditionIssuerReady, v1alpha1.ReasonIssuerNotFound, "There is no OIDCIssuer %q in namespace %q", name, p.federation.Namespace)
		return false, nil // The watch on OIDCIssuers wakes us.
	}
	if err != nil {
		p.Unknown(v1alpha1.ConditionIssuerReady, v1alpha1.ReasonAPIError, "%v", err)
		return false, fmt.Errorf("reading the issuer: %w", err)
	}
	p.issuer = issuer
	if p.account = accountSpec(issuer, p.federation.Spec.Account); p.account == nil {
		p.False(v1alpha1.ConditionIssuerReady, v1alpha1.ReasonAccountNotFound, "OIDCIssuer %q has no account %q", name, p.federation.Spec.Account)
		return false, nil
	}
	p.aws, p.identity, err = p.Accounts.Open(ctx, p.federation.Namespace, p.account)
	if err != nil {
		return false, p.reject(v1alpha1.ConditionIssuerReady, err)
	}
	// The provider's ARN is in the issuer's status once the account knows it;
	// the trust policy must not name a provider that is not there.
	if providerARN(issuer, p.account.Name) == "" || issuer.Status.ActiveKeyID == "" {
		p.False(v1alpha1.ConditionIssuerReady, v1alpha1.ReasonIssuerNotReady,
			"OIDCIssuer %q has no signing key or is not registered in account %q yet; see its conditions", name, p.account.Name)
		return false, nil
	}
	p.True(v1alpha1.ConditionIssuerReady, v1alpha1.ReasonIssuerReady, "OIDCIssuer %q is registered in account %s", name, p.identity.AccountID)
	return true, nil
}

// reject sets a condition for an error of AWS and returns what Reconcile must
// return: the error if it may pass, nil if the user must act.
func (p *pass) reject(conditionType string, err error) error {
	status, reason := account.Judge(err)
	if status == metav1.ConditionFalse {
		p.False(conditionType, reason, "%v", err)
		p.requeueWithin(retryInterval)
		return nil
	}
	p.Unknown(conditionType, reason, "%v", err)
	return err
}

func accountSpec(issuer *v1alpha1.OIDCIssuer, name string) *v1alpha1.AccountSpec {
	for i := range issuer.Spec.Accounts {
		if issuer.Spec.Accounts[i].Name == name {
			return &issuer.Spec.Accounts[i]
		}
	}
	return nil
}

func providerARN(issuer *v1alpha1.OIDCIssuer, account string) string {
	for _, status := range issuer.Status.Accounts {
		if status.Name == account {
			return status.ProviderARN
		}
	}
	return ""
}
