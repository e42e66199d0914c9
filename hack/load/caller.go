package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/litentry/wallet-federation/internal/discovery"
)

// Paths of the API.
const (
	startPath  = "/v1/auth/wallet/start"
	verifyPath = "/v1/auth/wallet/verify"
	mintPath   = "/v1/mint-oidc-jwt"
)

const (
	typeJSON = "application/json"
	typeForm = "application/x-www-form-urlencoded"
	// answerTimeout is longer than the broker lets anything take.
	answerTimeout = 30 * time.Second
	maxAnswer     = 1 << 20
)

// caller asks from an address of its own.
type caller struct {
	base string
	http *http.Client
}

func newCaller(base string, roots *x509.CertPool, source netip.Addr) *caller {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: source.AsSlice()}, Timeout: answerTimeout}
	transport := &http.Transport{
		DialContext: dialer.DialContext, MaxIdleConnsPerHost: 64, DisableCompression: true,
		TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
	}
	return &caller{base: base, http: &http.Client{Transport: transport, Timeout: answerTimeout}}
}

func (c *caller) close() { c.http.CloseIdleConnections() }

// answer is one response, read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) decode(into any) error {
	if err := json.Unmarshal(a.body, into); err != nil {
		return fmt.Errorf("the answer is not the JSON that was expected: %w", err)
	}
	return nil
}

// failure describes an answer that should be another. It shows nothing of an
// answer that may hold a token.
func (a answer) failure(what string) error {
	if a.status == http.StatusOK {
		return fmt.Errorf("%s: status 200", what)
	}
	return fmt.Errorf("%s: status %d: %.300s", what, a.status, a.body)
}

// comeBack reports whether the answer is 503 and says when to try again.
func (a answer) comeBack() bool {
	return a.status == http.StatusServiceUnavailable && a.header.Get("Retry-After") != ""
}

// replica is which one answered, as the proxy says.
func (a answer) replica() string { return a.header.Get(replicaHeader) }

func (c *caller) get(ctx context.Context, path string) (answer, error) {
	return c.send(ctx, http.MethodGet, path, nil, nil)
}

func (c *caller) postJSON(ctx context.Context, path, bearer string, body any) (answer, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return answer{}, err
	}
	header := http.Header{"Content-Type": {typeJSON}}
	if bearer != "" {
		header.Set("Authorization", "Bearer "+bearer)
	}
	return c.send(ctx, http.MethodPost, path, header, bytes.NewReader(data))
}

// exchange asks the token endpoint for a JWT.
func (c *caller) exchange(ctx context.Context, bearer, role string) (answer, error) {
	form := url.Values{
		"grant_type":         {discovery.GrantTypeTokenExchange},
		"subject_token_type": {"urn:ietf:params:oauth:token-type:jwt"},
		"subject_token":      {bearer}, "resource": {role},
	}
	return c.send(ctx, http.MethodPost, discovery.TokenPath, http.Header{"Content-Type": {typeForm}}, bytes.NewReader([]byte(form.Encode())))
}

// send makes a request. Told to stop, it finishes those that it has begun: what
// we cut off ourselves says nothing of the broker.
func (c *caller) send(ctx context.Context, method, path string, header http.Header, body io.Reader) (answer, error) {
	request, err := http.NewRequestWithContext(context.WithoutCancel(ctx), method, c.base+path, body)
	if err != nil {
		return answer{}, err
	}
	maps.Copy(request.Header, header)
	response, err := c.http.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	return answer{status: response.StatusCode, header: response.Header, body: data}, err
}
