package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/litentry/wallet-federation/internal/discovery"
)

const (
	// maxAnswerBytes bounds an answer: a JWT has at most 20,000 characters.
	maxAnswerBytes = 64 << 10
	// requestTimeout bounds one request where ctx does not.
	requestTimeout = 30 * time.Second
)

// Client calls the broker of one issuer. It is safe for concurrent use.
type Client struct {
	// ChainID is the EIP-155 chain that sign-ins name: one that the issuer
	// takes. No chain is asked anything. New sets it to 1, Ethereum's main net.
	ChainID uint64

	issuer string
	url    *url.URL
	http   http.Client
	now    func() time.Time
}

// New returns a client for the broker at the issuer URL, which is also what
// sign-in messages must name. To reach it at another address, give an HTTP
// client whose transport dials there. A nil HTTP client means a default one.
func New(issuer string, httpClient *http.Client) (*Client, error) {
	parsed, err := discovery.ParseIssuer(issuer)
	if err != nil {
		return nil, fmt.Errorf("creating broker client: %w", err)
	}
	c := &Client{ChainID: mainnet, issuer: issuer, url: parsed, now: time.Now}
	if httpClient != nil {
		c.http = *httpClient
	}
	// A bearer or a signature must not follow a redirect to someone else.
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.http.Jar = nil
	return c, nil
}

// post sends body as JSON to a path below the issuer and decodes the answer
// into answer. A refusal is an [*Error]. The bearer may be empty.
func (c *Client) post(ctx context.Context, path, bearer string, body, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	request, err := c.newRequest(ctx, path, bearer, body)
	if err != nil {
		return err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes+1))
	if err != nil {
		return fmt.Errorf("reading answer: %w", err)
	}
	if len(data) > maxAnswerBytes {
		return fmt.Errorf("the answer is larger than %d bytes", maxAnswerBytes)
	}
	if response.StatusCode != http.StatusOK {
		return newError(response, data)
	}
	if err := json.Unmarshal(data, answer); err != nil {
		return errors.New("the answer is not the JSON that was expected")
	}
	return nil
}

func (c *Client) newRequest(ctx context.Context, path, bearer string, body any) (*http.Request, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encoding request: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.issuer+path, bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json")
	if bearer != "" {
		request.Header.Set("Authorization", "Bearer "+bearer)
	}
	return request, nil
}

// Error is a refusal by the broker.
type Error struct {
	// Status is the HTTP status.
	Status int
	// Code is the broker's stable error code; empty if the answer was not the
	// broker's, such as a proxy's.
	Code string
	// Message is for people.
	Message string
	// RetryAfter is how long to wait before another try; zero if the broker did
	// not say, at most 65,535 seconds.
	RetryAfter time.Duration
}

// Error describes the refusal.
func (e *Error) Error() string {
	if e.Code == "" {
		return fmt.Sprintf("broker answered %d %s", e.Status, http.StatusText(e.Status))
	}
	return fmt.Sprintf("broker answered %d %s: %s", e.Status, e.Code, e.Message)
}

func newError(response *http.Response, body []byte) *Error {
	e := &Error{Status: response.StatusCode}
	var answer struct {
		Error   string `json:"error"`
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &answer) == nil {
		e.Code, e.Message = printable(answer.Error, 64), printable(answer.Message, 512)
	}
	if seconds, err := strconv.ParseUint(response.Header.Get("Retry-After"), 10, 16); err == nil {
		e.RetryAfter = time.Duration(seconds) * time.Second
	}
	return e
}

// printable bounds what a server can put into the logs of its callers.
func printable(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
	return s[:min(len(s), limit)]
}
