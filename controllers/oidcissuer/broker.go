package oidcissuer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	appsapply "k8s.io/client-go/applyconfigurations/apps/v1"
	coreapply "k8s.io/client-go/applyconfigurations/core/v1"
	policyapply "k8s.io/client-go/applyconfigurations/policy/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/litentry/wallet-federation/api/v1alpha1"
)

// ensureBroker applies the broker's ConfigMap and workload and sets
// BrokerAvailable.
func (p *pass) ensureBroker(ctx context.Context, s *secrets) error {
	problem, err := p.applyConfig(ctx, s)
	switch {
	case err != nil:
		p.Unknown(v1alpha1.ConditionBrokerAvailable, v1alpha1.ReasonAPIError, "%v", err)
		return err
	case problem != nil:
		p.False(v1alpha1.ConditionBrokerAvailable, v1alpha1.ReasonConfigInvalid, "%v. The broker goes on as it was", problem)
		// The remedy may be a Secret of the user's: nothing wakes us.
		p.requeueWithin(pollInterval)
		return nil
	}
	deployment := &appsv1.Deployment{}
	err = errors.Join(
		apply(ctx, p, &corev1.Service{}, p.service(), coreapply.ExtractService),
		apply(ctx, p, &policyv1.PodDisruptionBudget{}, p.disruptionBudget(), policyapply.ExtractPodDisruptionBudget),
		apply(ctx, p, deployment, p.deployment(), appsapply.ExtractDeployment),
	)
	if err != nil {
		p.Unknown(v1alpha1.ConditionBrokerAvailable, v1alpha1.ReasonAPIError, "%v", err)
		return err
	}
	p.judgeDeployment(deployment)
	return nil
}

// applyConfig applies the broker's configuration, and checks what the workload
// mounts besides. A problem is the user's to solve; it names the field.
func (p *pass) applyConfig(ctx context.Context, s *secrets) (problem, err error) {
	roles, err := p.roles(ctx)
	if err != nil {
		return nil, err
	}
	config, problem := brokerConfig(&p.issuer.Spec, roles, s.probes.Addresses())
	if problem != nil {
		return problem, nil
	}
	// Revocations are in it: it waits for nothing else.
	if err := apply(ctx, p, &corev1.ConfigMap{}, p.configMap(config), coreapply.ExtractConfigMap); err != nil {
		return nil, err
	}
	return p.checkSecrets(ctx)
}

// checkSecrets looks at the user's Secrets that the broker needs to start. A
// Deployment that refers to one that is no good would never come up.
func (p *pass) checkSecrets(ctx context.Context) (problem, err error) {
	broker := &p.issuer.Spec.Broker
	if broker.TLS != nil {
		data, problem, err := p.readSecret(ctx, "spec.broker.tls.secretRef", broker.TLS.SecretRef.Name, corev1.TLSCertKey, corev1.TLSPrivateKeyKey)
		if problem != nil || err != nil {
			return problem, err
		}
		if _, problem := tls.X509KeyPair(data[corev1.TLSCertKey], data[corev1.TLSPrivateKeyKey]); problem != nil {
			return fmt.Errorf("spec.broker.tls.secretRef: Secret %q: %w", broker.TLS.SecretRef.Name, problem), nil
		}
	}
	if broker.Redis != nil {
		ref := broker.Redis.URLSecretRef
		_, problem, err := p.readSecret(ctx, "spec.broker.redis.urlSecretRef", ref.Name, ref.Key)
		return problem, err
	}
	return nil, nil
}

// readSecret reads a Secret that a field refers to, and requires keys in it.
func (p *pass) readSecret(ctx context.Context, field, name string, keys ...string) (data map[string][]byte, problem, err error) {
	secret := &corev1.Secret{}
	err = p.Client.Get(ctx, client.ObjectKey{Namespace: p.issuer.Namespace, Name: name}, secret)
	if apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("%s: there is no Secret %q", field, name), nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: reading Secret %q: %w", field, name, err)
	}
	for _, key := range keys {
		if len(secret.Data[key]) == 0 {
			return nil, fmt.Errorf("%s: Secret %q has nothing under the key %q", field, name, key), nil
		}
	}
	return secret.Data, nil, nil
}

// judgeDeployment sets BrokerAvailable.
func (p *pass) judgeDeployment(deployment *appsv1.Deployment) {
	status := deployment.Status
	if status.ObservedGeneration < deployment.Generation || status.AvailableReplicas == 0 {
		p.False(v1alpha1.ConditionBrokerAvailable, v1alpha1.ReasonBrokerUnavailable,
			"Deployment %q has no available replica of its current generation", p.issuer.BrokerName())
		return
	}
	for _, c := range status.Conditions {
		if c.Type == appsv1.DeploymentProgressing && c.Status == corev1.ConditionFalse {
			p.False(v1alpha1.ConditionBrokerAvailable, v1alpha1.ReasonBrokerStuck,
				"Deployment %q does not come up as it is now, and its former replicas serve on: %s", p.issuer.BrokerName(), c.Message)
			return
		}
	}
	p.True(v1alpha1.ConditionBrokerAvailable, v1alpha1.ReasonBrokerAvailable,
		"Deployment %q has %d of %d replicas available", p.issuer.BrokerName(), status.AvailableReplicas, p.replicas())
}

// federationsOf lists the WalletFederations that refer to an issuer.
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
