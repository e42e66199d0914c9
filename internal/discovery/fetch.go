package discovery

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"
	"sigs.k8s.io/json"
)

const (
	// fetchTimeout bounds both requests together. AWS STS wants an issuer to
	// answer well under 5 seconds.
	fetchTimeout     = 10 * time.Second
	maxDocumentBytes = 64 << 10
	maxJWKSBytes     = 1 << 20
	maxRedirects     = 3
)

// ErrUnavailable marks the errors of [Fetch] that another attempt may cure: the
// issuer could not be reached, did not answer in time, or answered 5xx or 429.
var ErrUnavailable = errors.New("issuer unavailable")

var errRedirect = errors.New("redirected")

// Fetch reads the discovery document and the keys of an issuer through client,
// as [Read] does, where the issuer's URL passes [ParseIssuer]. Keys of a kind
// that is not understood are left out (RFC 7517, section 5).
func Fetch(ctx context.Context, client *http.Client, issuer string) (*Document, jwk.Set, error) {
	if _, err := ParseIssuer(issuer); err != nil {
		return nil, nil, err
	}
	document, data, err := Read(ctx, client, issuer)
	if err != nil {
		return nil, nil, err
	}
	keys, err := parseJWKS(data)
	if err != nil {
		return nil, nil, fmt.Errorf("reading JWKS of %s: %w", issuer, err)
	}
	return document, keys, nil
}

// Read reads the discovery document of an issuer and what its jwks_uri serves,
// which is not parsed. Whether the issuer's URL is one to ask is for the caller
// to judge: [ParseIssuer] takes fewer than AWS does.
//
// It trusts nothing in the answers that it can check: the document's issuer must
// be the one asked for, byte for byte; jwks_uri must be https (http only where
// the issuer is), on any host; a redirect must stay on its scheme and host; a
// document is at most 64 KiB, a JWKS at most 1 MiB; both requests together take
// at most 10 seconds. Errors that may pass wrap [ErrUnavailable].
func Read(ctx context.Context, client *http.Client, issuer string) (*Document, []byte, error) {
	base, err := url.Parse(issuer)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: not a URL", ErrIssuer)
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	client = confined(client)

	// A slash at the end is the issuer's, but not the document's (OpenID Connect
	// Discovery 1.0, section 4).
	data, err := get(ctx, client, strings.TrimSuffix(issuer, "/")+ConfigurationPath, maxDocumentBytes)
	if err != nil {
		return nil, nil, fmt.Errorf("fetching discovery document: %w", err)
	}
	document, err := parseDocument(data, base, issuer)
	if err != nil {
		return nil, nil, fmt.Errorf("reading discovery document of %s: %w", issuer, err)
	}
	data, err = get(ctx, client, document.JWKSURI, maxJWKSBytes)
	if err != nil {
		return nil, nil, fmt.Errorf("fetching JWKS: %w", err)
	}
	return document, data, nil
}

func parseDocument(data []byte, base *url.URL, issuer string) (*Document, error) {
	var document Document
	// encoding/json would take a member in another case, which STS does not see.
	if err := json.UnmarshalCaseSensitivePreserveInts(data, &document); err != nil {
		return nil, err
	}
	if document.Issuer != issuer {
		return nil, errors.New("its issuer is another")
	}
	keys, err := url.Parse(document.JWKSURI)
	if err != nil || keys.Host == "" || keys.User != nil {
		return nil, errors.New("jwks_uri is not an absolute URL")
	}
	if keys.Scheme != "https" && (keys.Scheme != "http" || base.Scheme != "http") {
		return nil, errors.New("jwks_uri is not https")
	}
	return &document, nil
}

func parseJWKS(data []byte) (jwk.Set, error) {
	// jwk.Parse takes a bare key for a set of one; STS does not.
	var shape struct {
		Keys []any `json:"keys"`
	}
	if err := json.UnmarshalCaseSensitivePreserveInts(data, &shape); err != nil {
		return nil, err
	}
	if shape.Keys == nil {
		return nil, errors.New("it has no keys member")
	}
	return jwk.Parse(data, jwk.WithIgnoreParseError(true))
}

// confined returns a copy of client that follows redirects only to the scheme
// and host it was sent to: an issuer's name must not vouch for another's keys.
func confined(client *http.Client) *http.Client {
	copied := http.Client{}
	if client != nil {
		copied = *client
	}
	copied.Jar = nil
	copied.CheckRedirect = func(next *http.Request, via []*http.Request) error {
		first := via[0].URL
		if next.URL.Scheme != first.Scheme || !strings.EqualFold(next.URL.Host, first.Host) {
			return fmt.Errorf("%w to another host", errRedirect)
		}
		if len(via) > maxRedirects {
			return fmt.Errorf("%w too often", errRedirect)
		}
		return nil
	}
	return &copied
}

func get(ctx context.Context, client *http.Client, target string, limit int64) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, http.NoBody)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	response, err := client.Do(request)
	if errors.Is(err, errRedirect) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer func() { _ = response.Body.Close() }()
	switch {
	case response.StatusCode >= http.StatusInternalServerError, response.StatusCode == http.StatusTooManyRequests:
		return nil, fmt.Errorf("%w: %s answered %s", ErrUnavailable, target, response.Status)
	case response.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s answered %s", target, response.Status)
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("%w: reading %s: %w", ErrUnavailable, target, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s answered more than %d bytes", target, limit)
	}
	return data, nil
}
