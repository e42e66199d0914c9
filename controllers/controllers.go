package controllers

import (
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	"github.com/litentry/wallet-federation/controllers/oidcissuer"
	"github.com/litentry/wallet-federation/controllers/walletfederation"
	"github.com/litentry/wallet-federation/internal/account"
	"github.com/litentry/wallet-federation/internal/awsapi"
	"github.com/litentry/wallet-federation/internal/event"
)

// Options are the settings of all controllers.
type Options struct {
	// BrokerImage is the broker's image where an OIDCIssuer names none.
	BrokerImage string
	// Resync is the time between looks at a settled object: within it drift is found.
	Resync time.Duration
	// Registerer takes the metrics.
	Registerer prometheus.Registerer
}

// Scheme returns a scheme with every type that the controllers use.
func Scheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("registering Kubernetes types: %w", err)
	}
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("registering our types: %w", err)
	}
	return scheme, nil
}

// CacheOptions keeps in the cache only what the operator made.
func CacheOptions() cache.Options {
	ours := cache.ByObject{Label: labels.SelectorFromSet(labels.Set{v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue})}
	return cache.Options{ByObject: map[client.Object]cache.ByObject{
		&corev1.Secret{}:                ours,
		&corev1.ConfigMap{}:             ours,
		&corev1.Service{}:               ours,
		&appsv1.Deployment{}:            ours,
		&policyv1.PodDisruptionBudget{}: ours,
	}}
}

// ClientOptions reads Secrets from the API server: they have no business in a
// cache, and credentials that a user just repaired must be seen.
func ClientOptions() client.Options {
	return client.Options{Cache: &client.CacheOptions{DisableFor: []client.Object{&corev1.Secret{}}}}
}

// Pace lets a client ask the API server as often as four workers of two
// controllers do at their busiest. The default of 20 requests a second is spent
// on a dozen objects, whose Secrets are not cached.
func Pace(config *rest.Config) { config.QPS, config.Burst = 100, 200 }

// Setup registers every controller with a manager.
func Setup(mgr ctrl.Manager, options Options) error {
	accounts, err := awsapi.NewAccounts(options.Registerer)
	if err != nil {
		return err
	}
	opener := &account.Opener{Reader: mgr.GetClient(), Accounts: accounts}
	issuers := &oidcissuer.Reconciler{
		Client: mgr.GetClient(), Accounts: opener, HTTPClient: &http.Client{}, Events: event.Recorder{EventRecorder: mgr.GetEventRecorder("oidcissuer")},
		BrokerImage: options.BrokerImage, Resync: options.Resync, Now: time.Now,
	}
	if err := issuers.SetupWithManager(mgr); err != nil {
		return fmt.Errorf("setting up the OIDCIssuer controller: %w", err)
	}
	federations := &walletfederation.Reconciler{
		Client: mgr.GetClient(), Accounts: opener, HTTPClient: &http.Client{}, Events: event.Recorder{EventRecorder: mgr.GetEventRecorder("walletfederation")},
		Resync: options.Resync, Backoff: walletfederation.NewBackoff(), Now: time.Now,
	}
	if err := federations.SetupWithManager(mgr); err != nil {
		return fmt.Errorf("setting up the WalletFederation controller: %w", err)
	}
	return nil
}
