package oidcissuer

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	"github.com/litentry/wallet-federation/internal/probewallet"
	"github.com/litentry/wallet-federation/internal/signingkey"
)

// secrets is what the issuer's Secrets hold.
type secrets struct {
	keys   *signingkey.Set
	probes probewallet.Pair
}

// ensureSecrets reads the issuer's Secrets, makes the ones that are absent, and
// sets SigningKeyReady. It returns nil if any of them cannot be used.
func (p *pass) ensureSecrets(ctx context.Context) (*secrets, error) {
	keys, err := ensureSecret(ctx, p, p.issuer.SigningKeySecretName(), p.newSigningKeys, parseSigningKeys)
	if err != nil {
		return nil, err
	}
	sessions, err := ensureSecret(ctx, p, p.issuer.SessionKeySecretName(), p.newSessionKeys, parseSessionKeys)
	if err != nil {
		return nil, err
	}
	probes, err := ensureSecret(ctx, p, p.issuer.ProbeWalletSecretName(), newProbeWallets, probewallet.Parse)
	if err != nil || keys == nil || sessions == nil || probes == nil {
		return nil, err
	}
	if err := p.rotateSessionKeys(ctx, sessions); err != nil {
		p.Unknown(v1alpha1.ConditionSigningKeyReady, v1alpha1.ReasonAPIError, "%v", err)
		return nil, err
	}
	p.issuer.Status.ActiveKeyID = keys.value.Active().ID
	p.True(v1alpha1.ConditionSigningKeyReady, v1alpha1.ReasonKeyActive, "Key %s signs", p.issuer.Status.ActiveKeyID)
	return &secrets{keys: keys.value, probes: probes.value}, nil
}

// held is what a Secret holds, beside the Secret as it was read.
type held[T any] struct {
	secret *corev1.Secret
	value  T
}

// ensureSecret reads a Secret, or makes it if it is absent. A Secret that cannot
// be read is a condition, and nil is returned: it is never written over, because
// it may be all that is left of a key.
func ensureSecret[T any](ctx context.Context, p *pass, name string, create func() (map[string][]byte, error), parse func(map[string][]byte) (T, error)) (*held[T], error) {
	secret := &corev1.Secret{}
	err := p.Client.Get(ctx, client.ObjectKey{Namespace: p.issuer.Namespace, Name: name}, secret)
	if apierrors.IsNotFound(err) {
		secret, err = p.createSecret(ctx, name, create)
	}
	if err != nil {
		p.Unknown(v1alpha1.ConditionSigningKeyReady, v1alpha1.ReasonAPIError, "Secret %q: %v", name, err)
		return nil, fmt.Errorf("ensuring Secret %q: %w", name, err)
	}
	value, err := parse(secret.Data)
	if err != nil {
		p.False(v1alpha1.ConditionSigningKeyReady, v1alpha1.ReasonKeySecretDamaged,
			"Secret %q cannot be used: %v. Restore it from a backup, or delete it to have a new one made; what the old one signed is void then", name, err)
		p.requeueWithin(pollInterval)
		return nil, nil
	}
	return &held[T]{secret: secret, value: value}, nil
}

func (p *pass) createSecret(ctx context.Context, name string, create func() (map[string][]byte, error)) (*corev1.Secret, error) {
	data, err := create()
	if err != nil {
		return nil, err
	}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: p.issuer.Namespace, Name: name,
			Labels: map[string]string{v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue},
		},
		Data: data,
	}
	if err := controllerutil.SetControllerReference(p.issuer, secret, p.Client.Scheme()); err != nil {
		return nil, fmt.Errorf("setting the owner: %w", err)
	}
	// Another manager may have been faster: then this fails, and the next pass
	// reads what that one made. The set of keys never forks.
	if err := p.Client.Create(ctx, secret); err != nil {
		return nil, err
	}
	p.Events.Tell(p.issuer, corev1.EventTypeNormal, v1alpha1.ReasonKeyCreated, "Create", fmt.Sprintf("Made Secret %q", name))
	return secret, nil
}

func (p *pass) newSigningKeys() (map[string][]byte, error) {
	keys, err := signingkey.New(p.Now())
	if err != nil {
		return nil, err
	}
	document, err := keys.Marshal()
	if err != nil {
		return nil, err
	}
	return map[string][]byte{signingkey.DataKey: document}, nil
}

func parseSigningKeys(data map[string][]byte) (*signingkey.Set, error) {
	return signingkey.Parse(data[signingkey.DataKey])
}

func newProbeWallets() (map[string][]byte, error) {
	pair, err := probewallet.New()
	if err != nil {
		return nil, err
	}
	return pair.Marshal(), nil
}
