package broker

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/litentry/wallet-federation/internal/brokerconfig"
	"github.com/litentry/wallet-federation/internal/discovery"
	"github.com/litentry/wallet-federation/internal/signingkey"
)

// Paths of the API, below the issuer URL.
const (
	startPath        = "/v1/auth/wallet/start"
	verifyPath       = "/v1/auth/wallet/verify"
	mintPath         = "/v1/mint-oidc-jwt"
	mintAWSCredsPath = "/v1/mint-aws-creds"
)

// Options are what a server needs. All but Now and Logger are required.
type Options struct {
	// Config is the issuer's configuration; it must be valid.
	Config *brokerconfig.Config
	// Keys are the issuer's signing keys.
	Keys *signingkey.Set
	// SessionKey signs session bearers: 32 to 1024 random bytes, the same in
	// every replica of one broker and used for nothing else.
	SessionKey SessionKey
	// Now is the clock. Default time.Now.
	Now func() time.Time
	// Logger takes audit records and faults. Default: none.
	Logger *slog.Logger
}

// Server is the broker of one issuer. It is an [http.Handler] and safe for
// concurrent use.
type Server struct {
	issuer     string
	now        func() time.Time
	logger     *slog.Logger
	sessions   sessionCodec
	challenges *challengeStore
	routes     map[string]http.Handler
	current    atomic.Pointer[snapshot]
}

// New returns a server for the issuer of the configuration.
func New(options Options) (*Server, error) {
	if options.Config == nil || options.Keys == nil {
		return nil, errors.New("creating broker: configuration and keys are required")
	}
	sessions, err := newSessionCodec(options.SessionKey, options.Config.Issuer)
	if err != nil {
		return nil, fmt.Errorf("creating broker: %w", err)
	}
	s := &Server{
		issuer:     options.Config.Issuer,
		now:        options.Now,
		logger:     options.Logger,
		sessions:   sessions,
		challenges: newChallengeStore(maxChallenges),
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.logger == nil {
		s.logger = slog.New(slog.DiscardHandler)
	}
	if err := s.Reload(options.Config, options.Keys); err != nil {
		return nil, fmt.Errorf("creating broker: %w", err)
	}
	if s.routes, err = s.newRoutes(); err != nil {
		return nil, fmt.Errorf("creating broker: %w", err)
	}
	return s, nil
}

// Reload makes the server go on with another configuration and other keys.
// Requests under way finish with those they began with. On an error nothing
// changes. The issuer cannot change: sessions and messages are bound to it.
func (s *Server) Reload(config *brokerconfig.Config, keys *signingkey.Set) error {
	if config.Issuer != s.issuer {
		return fmt.Errorf("the issuer cannot change while the broker runs: it is %s", s.issuer)
	}
	next, err := newSnapshot(config, keys)
	if err != nil {
		return err
	}
	s.current.Store(next)
	return nil
}

// ServeHTTP answers one request. A path has one spelling: with a second one,
// percent-encoded, a caller could walk around the rules of a proxy in front.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	handler, found := s.routes[r.URL.EscapedPath()]
	if !found {
		writeFailure(w, failNotFound)
		return
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
	return map[string]http.Handler{
		"/healthz":                         get(s.healthz),
		"/readyz":                          get(s.readyz),
		base + discovery.ConfigurationPath: get(s.discovery),
		base + discovery.JWKSPath:          get(s.jwks),
		base + startPath:                   post(s.start),
		base + verifyPath:                  post(s.verify),
		base + mintPath:                    post(s.mint),
		base + mintAWSCredsPath:            http.HandlerFunc(mintAWSCreds),
	}, nil
}
