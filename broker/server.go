package broker

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/litentry/wallet-federation/internal/admission"
	"github.com/litentry/wallet-federation/internal/brokerconfig"
	"github.com/litentry/wallet-federation/internal/challenge"
	"github.com/litentry/wallet-federation/internal/discovery"
	"github.com/litentry/wallet-federation/internal/session"
	"github.com/litentry/wallet-federation/internal/signingkey"
	"github.com/litentry/wallet-federation/internal/trustedissuer"
)

// Paths of the API, below the issuer URL.
const (
	startPath        = "/v1/auth/wallet/start"
	verifyPath       = "/v1/auth/wallet/verify"
	mintPath         = "/v1/mint-oidc-jwt"
	mintAWSCredsPath = "/v1/mint-aws-creds"
)

// State is what a server answers from. It can be replaced while it runs.
type State struct {
	// Config is the issuer's configuration; it must be valid.
	Config *brokerconfig.Config
	// Keys are the issuer's signing keys.
	Keys *signingkey.Set
	// SessionKeys sign session bearers, the same in every replica.
	SessionKeys *session.KeySet
	// Admitted are the wallets of the configuration's admission directories;
	// nil for none.
	Admitted *admission.List
	// Incomplete is whether some of the lists could not be read: Admitted is of
	// the others, and a wallet that is admitted nowhere is told to try again.
	Incomplete bool
}

// Options are what a server needs.
type Options struct {
	State
	// Nonces remembers which were used. It must be shared by all replicas.
	// Default: in memory, for a single one.
	Nonces challenge.Store
	// Now is the clock. Default time.Now.
	Now func() time.Time
	// Logger takes audit records and faults. Default: none.
	Logger *slog.Logger
	// Tracing takes a span of each request, but for those of health. Default:
	// none.
	Tracing trace.TracerProvider
}

// Server is the broker of one issuer. It is an [http.Handler] and safe for
// concurrent use.
type Server struct {
	issuer  string
	now     func() time.Time
	logger  *slog.Logger
	auditor *auditor
	metrics *metrics
	tracer  trace.Tracer // nil without tracing
	health  health
	nonces  challenge.Store
	// storeLog bounds how often it is logged that the nonces are unavailable.
	storeLog storeLog
	trusted  *trustedissuer.Verifier // of nobody: what the first snapshot begins with
	routes   map[string]http.Handler
	unknown  http.Handler
	current  atomic.Pointer[snapshot]
	// underWay counts the requests that are read and answered.
	underWay atomic.Int64
	stopping atomic.Bool
}

// New returns a server for the issuer of the configuration.
func New(options Options) (*Server, error) {
	if options.Config == nil {
		return nil, errors.New("creating broker: a configuration is required")
	}
	s := &Server{issuer: options.Config.Issuer, now: options.Now, logger: options.Logger, nonces: options.Nonces}
	if s.now == nil {
		s.now = time.Now
	}
	if s.logger == nil {
		s.logger = slog.New(slog.DiscardHandler)
	}
	if s.nonces == nil {
		s.nonces = challenge.NewMemory(s.now, challengeLifetime+clockTolerance)
	}
	s.trusted = trustedissuer.New(trustedissuer.Options{Now: s.now, Report: s.reportIssuer})
	if options.Tracing != nil {
		s.tracer = options.Tracing.Tracer(tracerName)
	}
	var err error
	if s.metrics, err = newMetrics(s); err != nil {
		return nil, fmt.Errorf("creating broker: %w", err)
	}
	s.auditor = newAuditor(s.logger)
	s.nonces = &observedStore{Store: s.nonces, failures: s.metrics.storeErrors, tracer: s.tracer}
	if err := s.Reload(options.State); err != nil {
		return nil, fmt.Errorf("creating broker: %w", err)
	}
	if s.routes, err = s.newRoutes(); err != nil {
		return nil, fmt.Errorf("creating broker: %w", err)
	}
	return s, nil
}

// Reload makes the server go on with another state. Requests under way finish
// with the one they began with. On an error nothing changes. The issuer cannot
// change: sessions and messages are bound to it.
func (s *Server) Reload(state State) error {
	if state.Config == nil || state.Keys == nil || state.SessionKeys == nil {
		return errors.New("configuration, signing keys and session keys are required")
	}
	if err := sameIssuer(s.issuer, state.Config.Issuer); err != nil {
		return err
	}
	trusted := s.trusted
	if current := s.current.Load(); current != nil {
		trusted = current.trusted
	}
	next, err := newSnapshot(state, trusted)
	if err != nil {
		return err
	}
	var limited *limits
	if current := s.current.Load(); current != nil {
		limited = current.limits
	}
	next.limits = newLimits(state.Config.Limits, limited)
	s.current.Store(next)
	s.metrics.lastReloaded.Set(float64(s.now().Unix()))
	return nil
}

// reportIssuer says why tokens of an issuer are not taken, or soon will not be.
func (s *Server) reportIssuer(issuer string, err error) {
	s.logger.Warn("the keys of a trusted issuer could not be read", "issuer", issuer, "error", err)
}

func sameIssuer(running, wanted string) error {
	if running != wanted {
		return fmt.Errorf("the issuer cannot change while the broker runs: it is %s", running)
	}
	return nil
}

// ServeHTTP answers one request. A path has one spelling: with a second one,
// percent-encoded, a caller could walk around the rules of a proxy in front.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	handler, found := s.routes[r.URL.EscapedPath()]
	if !found {
		handler = s.unknown
	}
	handler.ServeHTTP(w, r)
}

func (s *Server) newRoutes() (map[string]http.Handler, error) {
	issuer, err := discovery.ParseIssuer(s.issuer)
	if err != nil {
		return nil, err
	}
	base := issuer.Path
	get := func(handle http.HandlerFunc) http.Handler { return allow(handle, http.MethodGet, http.MethodHead) }
	post := func(handle http.HandlerFunc) http.Handler { return allow(handle, http.MethodPost) }
	description, err := newOpenAPI(s.issuer, issuer)
	if err != nil {
		return nil, err
	}
	routes := map[string]http.Handler{
		healthPath:                         get(s.healthz),
		readyPath:                          get(s.readyz),
		base + openAPIPath:                 get(description.serve),
		base + discovery.ConfigurationPath: get(s.discovery),
		// RFC 8414 puts the path of an issuer last; some clients put it first.
		discovery.AuthorizationServerPath + base: get(s.discovery),
		base + discovery.AuthorizationServerPath: get(s.discovery),
		base + discovery.JWKSPath:                get(s.jwks),
		base + discovery.TokenPath:               s.limited(s.exchange, writeOAuthFailure),
		base + startPath:                         post(s.limited(s.start, writeFailure)),
		base + verifyPath:                        post(s.limited(s.verify, writeFailure)),
		base + mintPath:                          post(s.limited(s.mint, writeFailure)),
		base + mintAWSCredsPath:                  http.HandlerFunc(mintAWSCreds),
	}
	for path, handler := range routes {
		routes[path] = s.observe(strings.TrimPrefix(path, base), handler)
	}
	s.unknown = s.observe(otherRoute, http.HandlerFunc(notFound))
	return routes, nil
}
