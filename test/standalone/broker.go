package standalone

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/litentry/wallet-federation/internal/brokerconfig"
	"github.com/litentry/wallet-federation/internal/session"
	"github.com/litentry/wallet-federation/internal/signingkey"
)

// Build compiles the broker as it is shipped into a folder, and returns its path.
// It is run from the root of the module.
func Build(ctx context.Context, folder string) (string, error) {
	binary := filepath.Join(folder, "broker")
	command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, "./cmd/broker") //nolint:gosec // The caller's own folder.
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the broker: %w: %s", err, output)
	}
	return binary, nil
}

// Secret is the Secret with the keys as it is mounted.
func Secret(keys *signingkey.Set, sessions *session.KeySet) (map[string][]byte, error) {
	signing, err := keys.Marshal()
	if err != nil {
		return nil, err
	}
	bearers, err := sessions.Marshal()
	return map[string][]byte{signingkey.DataKey: signing, session.DataKey: bearers}, err
}

// Prepare writes into a folder all that a broker runs from, with new keys, and
// returns the flags that say so.
func Prepare(folder string, config *brokerconfig.Config, pair *Pair) ([]string, error) {
	configured, err := config.Marshal()
	if err != nil {
		return nil, err
	}
	keys, err := signingkey.New(time.Now())
	if err != nil {
		return nil, err
	}
	secret, err := Secret(keys, session.NewKeySet(time.Now()))
	if err != nil {
		return nil, err
	}
	for _, files := range []map[string][]byte{secret, pair.Files(), {brokerconfig.DataKey: configured}} {
		for name, data := range files {
			err = errors.Join(err, os.WriteFile(filepath.Join(folder, name), data, 0o600))
		}
	}
	return Flags(folder, folder, folder), err
}

// Flags tell a broker in which folders its configuration, its keys and its
// certificate are.
func Flags(config, secret, pair string) []string {
	return []string{
		"--config=" + filepath.Join(config, brokerconfig.DataKey),
		"--keys=" + filepath.Join(secret, signingkey.DataKey),
		"--session-keys=" + filepath.Join(secret, session.DataKey),
		"--tls-cert=" + filepath.Join(pair, CertificateName),
		"--tls-key=" + filepath.Join(pair, KeyName),
	}
}

// FreeAddress is one of 127.0.0.1 that nobody listened at a moment ago.
func FreeAddress(ctx context.Context) (string, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}
