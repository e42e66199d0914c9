package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/litentry/wallet-federation/internal/brokerconfig"
	"github.com/litentry/wallet-federation/internal/wallet"
	"github.com/litentry/wallet-federation/test/standalone"
)

const (
	// startTimeout is how long a broker may take to begin to serve.
	startTimeout = 10 * time.Second
	// metricsAddress is the one that docs/broker.md has.
	metricsAddress = "127.0.0.1:9090"
)

// process is a broker that runs.
type process struct {
	issuer  string
	command *exec.Cmd
	log     *os.File
}

// startBroker starts one below the path of its issuer. The outcast is a wallet that
// it refuses.
func startBroker(ctx context.Context, folder, path string, pair *standalone.Pair, outcast wallet.Address) (*process, error) {
	address, err := standalone.FreeAddress(ctx)
	if err != nil {
		return nil, err
	}
	b := &process{issuer: "https://" + address + path}
	files, err := os.MkdirTemp(folder, "broker-")
	if err != nil {
		return nil, err
	}
	flags, err := standalone.Prepare(files, configuration(b.issuer, outcast), pair)
	if err != nil {
		return nil, err
	}
	if b.log, err = os.Create(filepath.Join(files, "log")); err != nil { //nolint:gosec // a folder of our own
		return nil, err
	}
	b.command = exec.CommandContext(ctx, filepath.Join(folder, "broker"), append(flags, "--listen="+address, "--shutdown-delay=0s")...) //nolint:gosec // the same
	if path == "" {
		b.command.Args = append(b.command.Args, "--metrics-listen="+metricsAddress)
	}
	b.command.Stdout, b.command.Stderr = b.log, b.log
	if err := b.command.Start(); err != nil {
		return nil, err
	}
	if err := b.wait(ctx); err != nil {
		return nil, errors.Join(err, b.stop())
	}
	return b, nil
}

// wait reads the log until it says that the broker listens.
func (b *process) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		text, err := os.ReadFile(b.log.Name())
		if err != nil || strings.Contains(string(text), `"msg":"listening"`) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for the broker: %w; its log: %s", ctx.Err(), text)
		case <-ticker.C:
		}
	}
}

func (b *process) stop() error {
	return errors.Join(b.command.Process.Signal(syscall.SIGTERM), b.command.Wait(), b.log.Close())
}

// configuration is what the operator would mount.
func configuration(issuer string, outcast wallet.Address) *brokerconfig.Config {
	config := brokerconfig.Default()
	config.Issuer, config.Admission.Mode = issuer, brokerconfig.Open
	config.Roles = []string{role, role + "-too"}
	config.Revocations = []brokerconfig.Revocation{{Wallet: outcast, Before: time.Now().Add(24 * time.Hour).Truncate(time.Second)}}
	return config
}
