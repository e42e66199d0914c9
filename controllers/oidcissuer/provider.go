package oidcissuer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	"github.com/litentry/wallet-federation/internal/account"
	"github.com/litentry/wallet-federation/internal/awsapi"
)

// ownerTag marks the providers that we made, with the UID of the issuer they
// were made for: those alone are deleted with it.
const ownerTag = "federation.litentry.org/oidcissuer"

// ensureProviders registers the issuer in every account and sets
// ProviderRegistered. An account that fails does not keep the others waiting.
func (p *pass) ensureProviders(ctx context.Context) error {
	var errs []error
	var failures []string
	status, reason := metav1.ConditionTrue, v1alpha1.ReasonRegistered
	accounts := make([]v1alpha1.AccountStatus, 0, len(p.issuer.Spec.Accounts))
	for i := range p.issuer.Spec.Accounts {
		spec := &p.issuer.Spec.Accounts[i]
		registered, err := p.ensureProvider(ctx, spec)
		if err == nil {
			accounts = append(accounts, registered)
			continue
		}
		// A look that failed unregisters nothing.
		accounts = append(accounts, lastSeen(p.issuer, spec.Name))
		failures = append(failures, fmt.Sprintf("account %q: %v", spec.Name, err))
		judged, why := account.Judge(err)
		if judged == metav1.ConditionUnknown {
			errs = append(errs, err)
		}
		if status != metav1.ConditionFalse {
			status, reason = judged, why
		}
	}
	p.issuer.Status.Accounts = accounts
	message := strings.Join(failures, "; ")
	switch status {
	case metav1.ConditionTrue:
		p.True(v1alpha1.ConditionProviderRegistered, reason, "Registered in %d of %d accounts", len(accounts), len(accounts))
	case metav1.ConditionFalse:
		p.False(v1alpha1.ConditionProviderRegistered, reason, "%s", message)
		// The remedy lies outside of the cluster: nothing wakes us.
		p.requeueWithin(pollInterval)
	case metav1.ConditionUnknown:
		p.Unknown(v1alpha1.ConditionProviderRegistered, reason, "%s", message)
	}
	return errors.Join(errs...)
}

// lastSeen is what the status says of an account.
func lastSeen(issuer *v1alpha1.OIDCIssuer, name string) v1alpha1.AccountStatus {
	for _, account := range issuer.Status.Accounts {
		if account.Name == name {
			return account
		}
	}
	return v1alpha1.AccountStatus{Name: name}
}

// ensureProvider registers the issuer in one account: an absent provider is made,
// an existing one is adopted and accepts our audience beside those it has.
func (p *pass) ensureProvider(ctx context.Context, spec *v1alpha1.AccountSpec) (v1alpha1.AccountStatus, error) {
	status := v1alpha1.AccountStatus{Name: spec.Name}
	aws, identity, err := p.Accounts.Open(ctx, p.issuer.Namespace, spec)
	if err != nil {
		return status, err
	}
	status.AccountID = identity.AccountID
	providerARN := identity.ProviderARN(p.issuer.Spec.IssuerURL)
	audience := p.issuer.Spec.Token.Audience

	provider, err := aws.Provider(ctx, providerARN)
	switch {
	case awsapi.Is(err, awsapi.NotFound):
		tags := map[string]string{ownerTag: string(p.issuer.UID)}
		if err := aws.CreateProvider(ctx, p.issuer.Spec.IssuerURL, audience, tags); err != nil {
			return status, err
		}
		p.Events.Tell(p.issuer, corev1.EventTypeNormal, v1alpha1.ReasonRegistered, "Register", "Made "+providerARN)
		if strings.HasPrefix(p.issuer.Spec.IssuerURL, "http://") {
			p.Events.Tell(p.issuer, corev1.EventTypeWarning, v1alpha1.ReasonPlainHTTP, "Register",
				"The issuer is plain http: good for a stand-in, AWS itself takes https alone")
		}
	case err != nil:
		return status, err
	case !slices.Contains(provider.Audiences, audience):
		if err := aws.AddAudience(ctx, providerARN, audience); err != nil {
			return status, err
		}
	}
	status.ProviderARN = providerARN
	return status, nil
}

// deleteProviders deletes the providers that were made for the issuer. One that
// was adopted stays as it is.
func (r *Reconciler) deleteProviders(ctx context.Context, issuer *v1alpha1.OIDCIssuer) error {
	var errs []error
	for i := range issuer.Spec.Accounts {
		if err := r.deleteProvider(ctx, issuer, &issuer.Spec.Accounts[i]); err != nil {
			errs = append(errs, fmt.Errorf("account %q: %w", issuer.Spec.Accounts[i].Name, err))
		}
	}
	return errors.Join(errs...)
}

func (r *Reconciler) deleteProvider(ctx context.Context, issuer *v1alpha1.OIDCIssuer, spec *v1alpha1.AccountSpec) error {
	if lastSeen(issuer, spec.Name).ProviderARN == "" {
		return nil // Never registered: the account may never have let us in.
	}
	aws, identity, err := r.Accounts.Open(ctx, issuer.Namespace, spec)
	if err != nil {
		return err
	}
	providerARN := identity.ProviderARN(issuer.Spec.IssuerURL)
	provider, err := aws.Provider(ctx, providerARN)
	if awsapi.Is(err, awsapi.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if provider.Tags[ownerTag] != string(issuer.UID) {
		return nil
	}
	return aws.DeleteProvider(ctx, providerARN)
}
