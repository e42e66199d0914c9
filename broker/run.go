package broker

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/litentry/wallet-federation/internal/challenge"
)

const (
	// defaultReloadInterval is how soon a changed file takes effect, after the
	// kubelet's own delay of up to a minute. Reading a few files costs next to
	// nothing.
	defaultReloadInterval = 2 * time.Second
	// defaultShutdownDelay is about what Kubernetes needs to take a replica that
	// it stops out of every proxy's list.
	defaultShutdownDelay = 5 * time.Second
	maxShutdownDelay     = 5 * time.Minute
)

// Command is the broker as a process: what its command line says.
type Command struct {
	// Files are what it runs from.
	Files Files
	// Address is where it listens, host:port.
	Address string
	// CertFile and KeyFile are the certificate and its key for TLS; both empty
	// for plain HTTP.
	CertFile, KeyFile string
	// ShutdownDelay is how long it goes on serving after it was told to stop.
	ShutdownDelay time.Duration
	// MetricsAddress is where it serves metrics and health, host:port; empty for
	// nowhere.
	MetricsAddress string
	// RedisURLFile is a file with the URL of the Redis that the replicas share;
	// empty for a single replica.
	RedisURLFile string
	// ReloadInterval is how often it looks at its files.
	ReloadInterval time.Duration
	// Listen opens the address. Default: the network's.
	Listen func(ctx context.Context, address string) (net.Listener, error)
}

// ParseCommand reads a command line. What is wrong with it is an error; what
// --help asks for is written to stderr.
func ParseCommand(arguments []string, stderr io.Writer) (*Command, error) {
	c := &Command{ReloadInterval: defaultReloadInterval, Listen: listenTCP}
	flags := flag.NewFlagSet("broker", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&c.Files.Config, "config", "", "`file` with the configuration (config.json), reloaded when it changes")
	flags.StringVar(&c.Files.Keys, "keys", "", "`file` with the signing keys (keys.json), reloaded when it changes")
	flags.StringVar(&c.Files.SessionKeys, "session-keys", "", "`file` with the session keys (session-keys.json), reloaded when it changes")
	flags.StringVar(&c.Address, "listen", ":8080", "`address` to listen on, host:port")
	flags.StringVar(&c.CertFile, "tls-cert", "", "`file` with the certificate chain (tls.crt), reloaded when it changes; without it HTTP is plain, for a proxy in front")
	flags.StringVar(&c.KeyFile, "tls-key", "", "`file` with the key of the certificate (tls.key), reloaded when it changes")
	flags.DurationVar(&c.ShutdownDelay, "shutdown-delay", defaultShutdownDelay, "how long to go on serving, as not ready, after being told to stop, until proxies have noticed")
	flags.StringVar(&c.MetricsAddress, "metrics-listen", "", "`address` for /metrics, /healthz and /readyz, host:port, for those who run the broker; default: none")
	flags.StringVar(&c.RedisURLFile, "redis-url-file", "", "`file` with the URL of the Redis that several replicas share, reloaded when it changes; without it there must be only one")
	if err := flags.Parse(arguments); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if c.Files.Config == "" || c.Files.Keys == "" || c.Files.SessionKeys == "" {
		return nil, errors.New("--config, --keys and --session-keys are required")
	}
	return c, c.check()
}

func (c *Command) check() error {
	if (c.CertFile == "") != (c.KeyFile == "") {
		return errors.New("--tls-cert and --tls-key go together")
	}
	if c.ShutdownDelay < 0 || c.ShutdownDelay > maxShutdownDelay {
		return fmt.Errorf("--shutdown-delay is not between 0s and %s", maxShutdownDelay)
	}
	return nil
}

func listenTCP(ctx context.Context, address string) (net.Listener, error) {
	var config net.ListenConfig
	return config.Listen(ctx, "tcp", address)
}

// Run serves until ctx ends.
func (c *Command) Run(ctx context.Context, logger *slog.Logger) error {
	source, err := NewSource(c.Files, logger)
	if err != nil {
		return err
	}
	options := Options{State: source.State(), Logger: logger}
	var shared *challenge.Redis
	if c.RedisURLFile != "" {
		shared = challenge.NewRedis(options.Config.Issuer, time.Now)
		options.Nonces = shared
		if err := source.Share(shared, c.RedisURLFile); err != nil {
			return err
		}
	}
	tracing, err := NewTracing(ctx, logger)
	if err != nil {
		return err
	}
	if tracing != nil {
		options.Tracing = tracing
		defer func() {
			if err := shutdownTracing(ctx, tracing); err != nil {
				logger.WarnContext(ctx, "the last traces were not delivered", "error", err)
			}
		}()
	}
	server, err := New(options)
	if err != nil {
		return err
	}
	serving := Serving{ShutdownDelay: c.ShutdownDelay}
	if c.CertFile != "" {
		if serving.Certificate, err = NewCertificate(c.CertFile, c.KeyFile, logger); err != nil {
			return err
		}
	}
	listener, err := c.Listen(ctx, c.Address)
	if err != nil {
		return err
	}
	stopMonitor, err := c.monitor(ctx, server)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer stopMonitor()
	// What runs beside the server is needed until the last request is answered.
	servedCtx, served := context.WithCancel(context.WithoutCancel(ctx))
	var beside sync.WaitGroup
	beside.Go(func() { source.Watch(servedCtx, server, c.ReloadInterval) })
	if serving.Certificate != nil {
		beside.Go(func() { serving.Certificate.Watch(servedCtx, server, c.ReloadInterval) })
	}
	if shared != nil {
		beside.Go(func() { shared.Run(servedCtx) })
	}
	logger.InfoContext(ctx, "listening", "address", listener.Addr().String())
	err = server.Serve(ctx, listener, serving)
	served()
	beside.Wait()
	return err
}

// monitor serves metrics until it is told to stop, which is after the last
// request was answered.
func (c *Command) monitor(ctx context.Context, server *Server) (stop func(), err error) {
	if c.MetricsAddress == "" {
		return func() {}, nil
	}
	listener, err := c.Listen(ctx, c.MetricsAddress)
	if err != nil {
		return nil, fmt.Errorf("listening for metrics: %w", err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	server.logger.InfoContext(ctx, "serving metrics", "address", listener.Addr().String())
	var done sync.WaitGroup
	done.Go(func() {
		if err := server.ServeMonitor(ctx, listener); err != nil {
			server.logger.ErrorContext(ctx, "metrics are not served any more", "error", err)
		}
	})
	return func() { cancel(); done.Wait() }, nil
}
