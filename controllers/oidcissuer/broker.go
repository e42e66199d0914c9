package oidcissuer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	appsapply "k8s.io/client-go/applyconfigurations/apps/v1"
	coreapply "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	"github.com/litentry/wallet-federation/internal/brokerconfig"
	"github.com/litentry/wallet-federation/internal/wallet"
)

// ensureBroker applies the broker's ConfigMap, Service and Deployment and sets
// BrokerAvailable.
func (p *pass) ensureBroker(ctx context.Context, s *secrets) error {
	config, err := p.brokerConfig(ctx, s)
	if err != nil {
		p.Unknown(v1alpha1.ConditionBrokerAvailable, v1alpha1.ReasonAPIError, "%v", err)
		return err
	}
	deployment := &appsv1.Deployment{}
	err = errors.Join(
		apply(ctx, p, &corev1.ConfigMap{}, p.configMap(config), coreapply.ExtractConfigMap),
		apply(ctx, p, &corev1.Service{}, p.service(), coreapply.ExtractService),
		apply(ctx, p, deployment, p.deployment(), appsapply.ExtractDeployment),
	)
	if err != nil {
		p.Unknown(v1alpha1.ConditionBrokerAvailable, v1alpha1.ReasonAPIError, "%v", err)
		return err
	}
	status := deployment.Status
	if status.ObservedGeneration < deployment.Generation || status.AvailableReplicas == 0 {
		p.False(v1alpha1.ConditionBrokerAvailable, v1alpha1.ReasonBrokerUnavailable,
			"Deployment %q has no available replica of its current generation", p.issuer.BrokerName())
		return nil
	}
	p.True(v1alpha1.ConditionBrokerAvailable, v1alpha1.ReasonBrokerAvailable,
		"Deployment %q has %d available replicas", p.issuer.BrokerName(), status.AvailableReplicas)
	return nil
}

// brokerConfig is the broker's configuration file: what the spec says, and the
// roles of the issuer's federations, to which tokens are pinned.
func (p *pass) brokerConfig(ctx context.Context, s *secrets) ([]byte, error) {
	federations, err := p.federations(ctx)
	if err != nil {
		return nil, err
	}
	var roles []string
	for i := range federations {
		if arn := federations[i].Status.RoleARN; arn != "" && federations[i].DeletionTimestamp.IsZero() {
			roles = append(roles, arn)
		}
	}
	slices.Sort(roles)
	spec := &p.issuer.Spec
	config := brokerconfig.Default()
	config.Issuer = spec.IssuerURL
	config.Token = brokerconfig.Token{
		Audience:        spec.Token.Audience,
		LifetimeSeconds: int(spec.Token.Lifetime.Seconds()),
		SubjectPrefix:   spec.Token.SubjectPrefix,
		WalletTagKey:    spec.Token.WalletTagKey,
	}
	config.Login.ChainIDs = nil
	for _, id := range spec.Login.ChainIDs {
		config.Login.ChainIDs = append(config.Login.ChainIDs, uint64(max(id, 0)))
	}
	config.Admission = brokerconfig.Admission{
		Mode:         brokerconfig.AdmissionMode(spec.Login.Admission.Mode),
		ProbeWallets: s.probes.Addresses(),
	}
	for _, address := range slices.Sorted(slices.Values(spec.Login.Admission.Wallets)) {
		config.Admission.Wallets = append(config.Admission.Wallets, wallet.Address(address))
	}
	config.Roles = slices.Compact(roles)
	document, err := config.Marshal()
	if err != nil {
		return nil, fmt.Errorf("writing the broker's configuration: %w", err)
	}
	return document, nil
}

// federations lists the WalletFederations that refer to the issuer.
func (p *pass) federations(ctx context.Context) ([]v1alpha1.WalletFederation, error) {
	return federationsOf(ctx, p.Client, p.issuer)
}

func federationsOf(ctx context.Context, reader client.Reader, issuer *v1alpha1.OIDCIssuer) ([]v1alpha1.WalletFederation, error) {
	var list v1alpha1.WalletFederationList
	if err := reader.List(ctx, &list, client.InNamespace(issuer.Namespace)); err != nil {
		return nil, fmt.Errorf("listing WalletFederations: %w", err)
	}
	return slices.DeleteFunc(list.Items, func(f v1alpha1.WalletFederation) bool {
		return f.Spec.IssuerRef.Name != issuer.Name
	}), nil
}

// apply makes an object have the fields that desired names, and reads it into
// live. Fields that others own are left alone, and nothing is written if the
// fields that we own are as desired.
func apply[L client.Object, D interface {
	runtime.ApplyConfiguration
	GetName() *string
}](ctx context.Context, p *pass, live L, desired D, extract func(L, string) (D, error)) error {
	key := client.ObjectKey{Namespace: p.issuer.Namespace, Name: *desired.GetName()}
	err := p.Client.Get(ctx, key, live)
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("reading %s: %w", key.Name, err)
	}
	if err == nil {
		owned, err := extract(live, fieldOwner)
		if err != nil {
			return fmt.Errorf("reading what we own of %s: %w", key.Name, err)
		}
		if equality.Semantic.DeepEqual(owned, desired) {
			return nil
		}
	}
	if err := p.Client.Apply(ctx, desired, client.FieldOwner(fieldOwner), client.ForceOwnership); err != nil {
		return fmt.Errorf("applying %s: %w", key.Name, err)
	}
	// The cache may lag behind; an object it does not have yet has no status either.
	if err := p.Client.Get(ctx, key, live); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("reading %s: %w", key.Name, err)
	}
	return nil
}
