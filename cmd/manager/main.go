// Command manager runs the operator.
package main

import (
	"flag"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/litentry/wallet-federation/controllers"
)

// minResync keeps a typing error from hot-looping on an account's API budget.
const minResync = time.Second

type options struct {
	brokerImage string
	resync      time.Duration
	leaderElect bool
	metricsAddr string
	probeAddr   string
}

func main() {
	var o options
	flag.StringVar(&o.brokerImage, "broker-image", "ghcr.io/litentry/wallet-federation:latest", "the broker's image where an OIDCIssuer names none")
	flag.DurationVar(&o.resync, "resync", 5*time.Minute, "time between looks at a settled object: within it drift in AWS is found")
	flag.BoolVar(&o.leaderElect, "leader-elect", false, "run only one manager at a time")
	flag.StringVar(&o.metricsAddr, "metrics-bind-address", ":8080", "address of /metrics; 0 for none")
	flag.StringVar(&o.probeAddr, "health-probe-bind-address", ":8081", "address of /healthz and /readyz; 0 for none")
	flag.Parse()

	ctrl.SetLogger(logr.FromSlogHandler(slog.NewJSONHandler(os.Stderr, nil)))
	if err := run(o); err != nil {
		slog.Error("manager stopped", "error", err)
		os.Exit(1)
	}
}

func run(o options) error {
	if o.resync < minResync {
		return fmt.Errorf("--resync must be at least %s", minResync)
	}
	scheme, err := controllers.Scheme()
	if err != nil {
		return err
	}
	restConfig, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("finding the API server: %w", err)
	}
	controllers.Pace(restConfig)
	mgr, err := ctrl.NewManager(restConfig, ctrl.Options{
		Scheme:                 scheme,
		Cache:                  controllers.CacheOptions(),
		Client:                 controllers.ClientOptions(),
		Metrics:                metricsserver.Options{BindAddress: o.metricsAddr},
		HealthProbeBindAddress: o.probeAddr,
		LeaderElection:         o.leaderElect,
		LeaderElectionID:       "wallet-federation.federation.litentry.org",
		// The process ends when the lease is lost, so another may take it at once.
		LeaderElectionReleaseOnCancel: true,
	})
	if err != nil {
		return fmt.Errorf("making the manager: %w", err)
	}
	if err := controllers.Setup(mgr, controllers.Options{
		BrokerImage: o.brokerImage, Resync: o.resync, Registerer: metrics.Registry,
	}); err != nil {
		return err
	}
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return err
	}
	if err := mgr.AddReadyzCheck("ping", healthz.Ping); err != nil {
		return err
	}
	return mgr.Start(ctrl.SetupSignalHandler())
}
