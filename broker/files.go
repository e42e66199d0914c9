package broker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/litentry/wallet-federation/internal/brokerconfig"
	"github.com/litentry/wallet-federation/internal/signingkey"
)

// Files are the paths of the mounted files that a broker runs from.
type Files struct {
	// Config is the configuration, see package brokerconfig.
	Config string
	// Keys are the signing keys, see package signingkey.
	Keys string
	// SessionKey is the session key: 32 to 1024 bytes, taken as they are.
	SessionKey string
}

// Open reads all three files and returns a server that runs from them.
func (f Files) Open(logger *slog.Logger) (*Server, error) {
	contents, err := f.read()
	if err != nil {
		return nil, err
	}
	config, keys, err := contents.parse()
	if err != nil {
		return nil, err
	}
	sessionKey, err := readFile(f.SessionKey, maxSessionKey)
	if err != nil {
		return nil, fmt.Errorf("reading session key: %w", err)
	}
	return New(Options{Config: config, Keys: keys, SessionKey: sessionKey, Logger: logger})
}

// Watch reads the configuration and the keys every interval until ctx ends and
// reloads the server when their content has changed. It looks at the content,
// by the same path each time, because kubelet replaces a mounted volume by
// swapping a symbolic link above the files. A file that cannot be read or is
// not valid is reported once for each content, and the server goes on as it was.
func (f Files) Watch(ctx context.Context, server *Server, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	// The first look reloads what Open read a moment ago, or what has changed since.
	seen := ""
	for {
		seen = f.reloadIfChanged(ctx, server, seen)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// reloadIfChanged returns the fingerprint of what it saw.
func (f Files) reloadIfChanged(ctx context.Context, server *Server, seen string) string {
	contents, err := f.read()
	if err != nil {
		if seen != err.Error() {
			server.logger.ErrorContext(ctx, "reload failed, going on as before", "error", err)
		}
		return err.Error()
	}
	fingerprint := contents.fingerprint()
	if fingerprint == seen {
		return seen
	}
	config, keys, err := contents.parse()
	if err == nil {
		err = server.Reload(config, keys)
	}
	if err != nil {
		server.logger.ErrorContext(ctx, "reload refused, going on as before", "error", err)
		return fingerprint
	}
	server.logger.InfoContext(ctx, "loaded", "kid", keys.Active().ID, "roles", len(config.Roles))
	return fingerprint
}

// contents are the bytes of the files that can change while the broker runs.
type contents struct {
	config, keys []byte
}

func (f Files) read() (*contents, error) {
	config, err := readFile(f.Config, brokerconfig.MaxBytes)
	if err != nil {
		return nil, fmt.Errorf("reading configuration: %w", err)
	}
	keys, err := readFile(f.Keys, signingkey.MaxBytes)
	if err != nil {
		return nil, fmt.Errorf("reading signing keys: %w", err)
	}
	return &contents{config: config, keys: keys}, nil
}

func (c *contents) parse() (*brokerconfig.Config, *signingkey.Set, error) {
	config, err := brokerconfig.Parse(c.config)
	if err != nil {
		return nil, nil, err
	}
	keys, err := signingkey.Parse(c.keys)
	if err != nil {
		return nil, nil, err
	}
	return config, keys, nil
}

func (c *contents) fingerprint() string {
	config, keys := sha256.Sum256(c.config), sha256.Sum256(c.keys)
	return hex.EncodeToString(config[:]) + hex.EncodeToString(keys[:])
}

// readFile reads a file of at most limit bytes.
func readFile(path string, limit int64) ([]byte, error) {
	file, err := os.Open(path) //nolint:gosec // The path is the operator's flag, not a request's.
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, limit)
	}
	return data, nil
}
