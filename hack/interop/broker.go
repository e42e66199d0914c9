package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/litentry/wallet-federation/internal/brokerconfig"
	"github.com/litentry/wallet-federation/internal/session"
	"github.com/litentry/wallet-federation/internal/signingkey"
	"github.com/litentry/wallet-federation/internal/wallet"
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
func startBroker(ctx context.Context, folder, path string, outcast wallet.Address) (*process, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	b := &process{issuer: "https://" + address + path}
	files, err := os.MkdirTemp(folder, "broker-")
	if err != nil {
		return nil, err
	}
	if err := writeFiles(files, b.issuer, outcast); err != nil {
		return nil, err
	}
	if b.log, err = os.Create(filepath.Join(files, "log")); err != nil { //nolint:gosec // a folder of our own
		return nil, err
	}
	b.command = exec.CommandContext(ctx, filepath.Join(folder, "broker"), //nolint:gosec // the same
		"--config="+filepath.Join(files, brokerconfig.DataKey), "--keys="+filepath.Join(files, signingkey.DataKey),
		"--session-keys="+filepath.Join(files, session.DataKey), "--listen="+address, "--shutdown-delay=0s",
		"--tls-cert="+filepath.Join(folder, "tls.crt"), "--tls-key="+filepath.Join(folder, "tls.key"))
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

// writeFiles writes what the operator mounts.
func writeFiles(folder, issuer string, outcast wallet.Address) error {
	config := brokerconfig.Default()
	config.Issuer, config.Admission.Mode = issuer, brokerconfig.Open
	config.Roles = []string{role, role + "-too"}
	config.Revocations = []brokerconfig.Revocation{{Wallet: outcast, Before: time.Now().Add(24 * time.Hour).Truncate(time.Second)}}
	keys, err := signingkey.New(time.Now())
	if err != nil {
		return err
	}
	for name, marshal := range map[string]func() ([]byte, error){
		brokerconfig.DataKey: config.Marshal,
		signingkey.DataKey:   keys.Marshal,
		session.DataKey:      session.NewKeySet(time.Now()).Marshal,
	} {
		data, err := marshal()
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// writeCertificate makes one for loopback, which is its own authority.
func writeCertificate(folder string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "interop"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(folder, "tls.crt"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600),
		os.WriteFile(filepath.Join(folder, "tls.key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
}

func freeAddress(ctx context.Context) (string, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}
