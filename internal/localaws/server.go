package localaws

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"sync"

	"golang.org/x/time/rate"

	"github.com/litentry/wallet-federation/internal/policy"
)

// Server is the stand-in for one AWS account. It is an http.Handler that serves
// IAM, STS and S3 on one endpoint, and is safe for concurrent use.
type Server struct {
	options             Options
	administratorAccess policy.Policy
	budgets             map[string]*rate.Limiter // by service; none is no limit
	calls               callLog
	faults              *faultRules
	issuerKeys          *keySource
	storage             *storage
	keeper              *keeper // nil if the account lives in memory only

	mu    sync.Mutex // guards state; never held while the network is used
	state accountState
}

// New makes a server for the account that Options.Directory keeps. Without a
// directory, or in a new one, the account is empty: no roles, no providers, no
// buckets, and the policies of AWS's that are listed in builtin.go. The error
// names the option that is wrong, or what is wrong with the directory.
func New(options Options) (*Server, error) {
	if err := options.complete(); err != nil {
		return nil, fmt.Errorf("checking options: %w", err)
	}
	s := &Server{
		options:    options,
		budgets:    newBudgets(&options),
		faults:     newFaultRules(),
		issuerKeys: newKeySource(&options),
		state:      newAccountState(),
		storage:    newStorage(options.Now),
	}
	if err := s.addBuiltinPolicies(); err != nil {
		return nil, err
	}
	if options.Directory != "" {
		var err error
		if s.keeper, err = openKeeper(options.Directory, s); err != nil {
			return nil, err
		}
	}
	s.addAdministrator()
	s.settle()
	if s.keeper != nil {
		if err := s.keeper.save(s); err != nil {
			return nil, errors.Join(fmt.Errorf("saving the administrator: %w", err), s.keeper.release())
		}
	}
	return s, nil
}

// ServeHTTP routes a request to the service that it was signed for. What is not
// signed is S3, except a form that calls an action, which is STS. Paths below
// /_localaws/ are no AWS service's; see serveAdmin.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if isAdmin(r) {
		s.serveAdmin(w, r)
		return
	}
	switch serviceOf(r) {
	case "iam":
		s.serveQuery(w, r, &iamAPI)
	case "sts":
		s.serveQuery(w, r, &stsAPI)
	default:
		s.serveStorage(w, r)
	}
}

func (s *Server) serveStorage(w http.ResponseWriter, r *http.Request) {
	continueEmpty(w, r)
	c, failure := s.authenticate(r)
	if failure == nil && s.expired(c) {
		failure = newError(http.StatusBadRequest, "ExpiredToken", "The provided token has expired.")
	}
	if failure != nil {
		q, _ := s.readS3(r, anonymous())
		s.record(s.s3Call(q), failure)
		writeS3Error(w, r, failure)
		return
	}
	s.serveS3(w, r, c)
}

// serviceOf reads the service from the credential scope of the signature,
// AKID/20260131/us-east-1/sts/aws4_request. The signature is checked later,
// with this service in it.
func serviceOf(r *http.Request) string {
	scope := r.URL.Query().Get("X-Amz-Credential")
	if header := r.Header.Get("Authorization"); header != "" {
		_, scope, _ = strings.Cut(header, "Credential=")
		scope, _, _ = strings.Cut(scope, ",")
	}
	if parts := strings.Split(scope, "/"); len(parts) >= 4 {
		return parts[len(parts)-2]
	}
	if scope == "" && callsAction(r) {
		return "sts"
	}
	return "s3"
}

// callsAction recognizes the Query protocol in an unsigned request. S3 knows
// neither a form posted to the root nor a parameter called Action.
func callsAction(r *http.Request) bool {
	if r.URL.Path != "/" && r.URL.Path != "" {
		return false
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	isForm := err == nil && media == "application/x-www-form-urlencoded"
	return r.URL.Query().Has("Action") || (r.Method == http.MethodPost && isForm)
}
