package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// replicaHeader names the replica that answered.
	replicaHeader = "X-Replica"
	// lookInterval is how often the proxy asks replicas whether they are ready.
	lookInterval = 200 * time.Millisecond
)

// proxy is what stands before the replicas: it ends TLS, begins it anew, passes
// on who asked in X-Forwarded-For, and gives each request to the next replica
// that is ready. It repeats no request.
type proxy struct {
	replicas []*replica
	server   *http.Server
	behind   *http.Transport
	next     atomic.Uint64
	serving  atomic.Pointer[[]*replica]
	looks    sync.WaitGroup
	stopLook context.CancelFunc

	mu sync.Mutex
	// cut are the requests of honest callers that a replica did not answer.
	cut   int
	first error
	// granted are the requests answered with 200, by path.
	granted map[string]int64
}

// chosen is the key of a request's replica in its context.
type chosen struct{}

func newProxy(ctx context.Context, listener net.Listener, certificate tls.Certificate, roots *x509.CertPool, replicas []*replica, http2 bool) *proxy {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	p := &proxy{replicas: replicas, stopLook: stop, granted: map[string]int64{}, behind: &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		MaxIdleConnsPerHost: 256, ForceAttemptHTTP2: http2, DisableCompression: true,
	}}
	p.look(ctx)
	silent := slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	forward := &httputil.ReverseProxy{
		Transport: p.behind, ErrorLog: silent, ErrorHandler: p.failed,
		Rewrite: func(r *httputil.ProxyRequest) {
			to, _ := r.In.Context().Value(chosen{}).(*replica)
			r.SetURL(&url.URL{Scheme: "https", Host: to.at.Load().address})
			r.Out.Host = r.In.Host
			r.SetXForwarded()
		},
		ModifyResponse: p.answered,
	}
	p.server = &http.Server{
		Handler: p.choose(forward), ErrorLog: silent, ReadHeaderTimeout: answerTimeout,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
	}
	p.looks.Go(func() { p.keepLooking(ctx) })
	go func() { _ = p.server.ServeTLS(listener, "", "") }()
	return p
}

// choose gives each request to the next replica.
func (p *proxy) choose(forward http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		serving := *p.serving.Load()
		if len(serving) == 0 {
			p.failed(w, r, errors.New("no replica is ready"))
			return
		}
		to := serving[p.next.Add(1)%uint64(len(serving))]
		forward.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), chosen{}, to)))
	})
}

// answered says which replica answered.
func (p *proxy) answered(r *http.Response) error {
	to, _ := r.Request.Context().Value(chosen{}).(*replica)
	r.Header.Set(replicaHeader, to.name)
	if r.StatusCode == http.StatusOK {
		p.mu.Lock()
		p.granted[r.Request.URL.Path]++
		p.mu.Unlock()
	}
	return nil
}

// answers returns how many requests for a path were answered with 200.
func (p *proxy) answers(path string) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.granted[path]
}

// failed answers for a replica that did not.
func (p *proxy) failed(w http.ResponseWriter, r *http.Request, err error) {
	if from, _ := netip.ParseAddrPort(r.RemoteAddr); honest.Contains(from.Addr()) {
		p.mu.Lock()
		p.cut++
		if p.first == nil {
			p.first = err
		}
		p.mu.Unlock()
	}
	w.WriteHeader(http.StatusBadGateway)
	_, _ = io.WriteString(w, "the proxy got no answer: "+err.Error())
}

// unanswered returns how many requests of honest callers no replica answered,
// and why the first.
func (p *proxy) unanswered() (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cut, p.first
}

func (p *proxy) keepLooking(ctx context.Context) {
	ticker := time.NewTicker(lookInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			p.look(ctx)
		}
	}
}

// look takes out the replicas that are not ready.
func (p *proxy) look(ctx context.Context) {
	serving := []*replica{}
	for _, r := range p.replicas {
		if r.isReady(ctx) {
			serving = append(serving, r)
		}
	}
	p.serving.Store(&serving)
}

// rest closes the connections that nobody uses.
func (p *proxy) rest() { p.behind.CloseIdleConnections() }

func (p *proxy) close() error {
	p.stopLook()
	p.looks.Wait()
	err := p.server.Close()
	p.rest()
	return err
}
