package broker

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"
)

const (
	// maxCertificate bounds each of the two files; a chain has some 10 KiB.
	maxCertificate = 256 << 10
	// maxPairReads is how often the files may change while they are read.
	maxPairReads = 3
)

// Certificate is what a server shows to the clients of TLS. It comes from two
// files, and from others at the same paths once they have changed.
type Certificate struct {
	logger  *slog.Logger
	pair    watched[*tls.Certificate]
	current atomic.Pointer[tls.Certificate]
}

// NewCertificate reads a chain and its key, in PEM form, which have to be good
// and fit each other.
func NewCertificate(certFile, keyFile string, logger *slog.Logger) (*Certificate, error) {
	c := &Certificate{logger: logger}
	var certPEM, keyPEM []byte
	c.pair = watched[*tls.Certificate]{
		name: "TLS certificate",
		read: func() (both []byte, err error) {
			certPEM, keyPEM, err = readPair(certFile, keyFile)
			return slices.Concat(certPEM, keyPEM), err
		},
		parse: func([]byte) (*tls.Certificate, error) {
			pair, err := tls.X509KeyPair(certPEM, keyPEM)
			return &pair, err
		},
	}
	if _, err := c.pair.look(); err != nil {
		return nil, err
	}
	c.current.Store(c.pair.value)
	return c, nil
}

// readPair reads two files that belong together. A volume that is swapped
// between the two is read again.
func readPair(certFile, keyFile string) (certPEM, keyPEM []byte, err error) {
	if certPEM, err = readFile(certFile, maxCertificate); err != nil {
		return nil, nil, err
	}
	for range maxPairReads {
		if keyPEM, err = readFile(keyFile, maxCertificate); err != nil {
			return nil, nil, err
		}
		again, err := readFile(certFile, maxCertificate)
		if err != nil {
			return nil, nil, err
		}
		if bytes.Equal(again, certPEM) {
			return certPEM, keyPEM, nil
		}
		certPEM = again
	}
	return nil, nil, errors.New("the files change all the time")
}

// Watch looks at the files every interval until ctx ends. A pair that cannot be
// read or does not fit is reported once for each content, also to the server, and
// the one before is shown on. Connections that are open stay as they are.
func (c *Certificate) Watch(ctx context.Context, server *Server, interval time.Duration) {
	c.logLoaded(ctx)
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			c.reloadIfChanged(ctx, server)
		}
	}
}

func (c *Certificate) reloadIfChanged(ctx context.Context, server *Server) {
	changed, err := c.pair.look()
	if changed || err != nil {
		server.noteReload(partCertificate, err)
	}
	if err != nil {
		c.logger.ErrorContext(ctx, "reload refused, going on as before", "error", err)
	}
	if changed {
		c.current.Store(c.pair.value)
		c.logLoaded(ctx)
	}
}

func (c *Certificate) logLoaded(ctx context.Context) {
	leaf := c.current.Load().Leaf
	c.logger.InfoContext(ctx, "TLS certificate loaded", "serial", fmt.Sprintf("%x", leaf.SerialNumber), "not_after", leaf.NotAfter)
}

// config is the configuration of a server. What it leaves out, such as cipher
// suites and curves, is best left to the standard library.
func (c *Certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current.Load(), nil },
	}
}
