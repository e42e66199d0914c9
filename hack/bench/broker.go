package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/litentry/wallet-federation/broker/client"
	"github.com/litentry/wallet-federation/internal/brokerconfig"
	"github.com/litentry/wallet-federation/internal/wallet"
	"github.com/litentry/wallet-federation/test/standalone"
)

// brokerSide is a broker process with a session.
type brokerSide struct {
	process *exec.Cmd
	client  *http.Client
	tls     *tls.Config
	address string
	issuer  string
	bearer  string
	folder  string
	log     *os.File
}

func startBroker(ctx context.Context) (*brokerSide, error) {
	folder, err := os.MkdirTemp("", "bench-broker-")
	if err != nil {
		return nil, err
	}
	b := &brokerSide{folder: folder}
	if err := b.start(ctx); err != nil {
		return nil, errors.Join(err, b.stop())
	}
	return b, nil
}

func (b *brokerSide) start(ctx context.Context) error {
	var err error
	if b.address, err = standalone.FreeAddress(ctx); err != nil {
		return err
	}
	b.issuer = "https://" + b.address
	pair, err := standalone.NewPair()
	if err != nil {
		return err
	}
	flags, err := standalone.Prepare(b.folder, b.configuration(), pair)
	if err != nil {
		return err
	}
	binary, err := standalone.Build(ctx, b.folder)
	if err != nil {
		return err
	}
	if b.log, err = os.Create(b.path("log")); err != nil {
		return err
	}
	b.process = exec.CommandContext(ctx, binary, append(flags, "--listen="+b.address, "--metrics-listen=127.0.0.1:0")...) //nolint:gosec // a folder of our own
	b.process.Stdout, b.process.Stderr = b.log, b.log
	if err := b.process.Start(); err != nil {
		return err
	}
	b.tls = &tls.Config{RootCAs: pair.Roots, MinVersion: tls.VersionTLS12}
	b.client = &http.Client{Transport: &http.Transport{TLSClientConfig: b.tls}}
	if err := b.get("/readyz").wait(ctx); err != nil {
		return fmt.Errorf("waiting for the broker, whose log is %s: %w", b.path("log"), err)
	}
	return b.signIn(ctx)
}

func (b *brokerSide) path(name string) string { return filepath.Join(b.folder, name) }

// configuration has the limits on, and far away: one client and one wallet stand
// for thousands.
func (b *brokerSide) configuration() *brokerconfig.Config {
	config := brokerconfig.Default()
	config.Issuer, config.Admission.Mode = b.issuer, brokerconfig.Open
	config.Roles = []string{"arn:aws:iam::123456789012:role/bots"}
	config.Session.LifetimeSeconds = 86_400
	far := brokerconfig.Rate{PerSecond: 1_000_000, Burst: 1_000_000}
	config.Limits.Client, config.Limits.Wallet = far, far
	return config
}

func (b *brokerSide) signIn(ctx context.Context) error {
	key, err := wallet.GenerateKey()
	if err != nil {
		return err
	}
	speaker, err := client.New(b.issuer, b.client)
	if err != nil {
		return err
	}
	signedIn, err := speaker.SignIn(ctx, client.KeySigner(key))
	if err != nil {
		return fmt.Errorf("signing in: %w", err)
	}
	b.bearer = signedIn.Bearer
	return nil
}

func (b *brokerSide) mint() *target { return b.mintAt(b.address) }

// mintAt is the same request to another server with the same certificate.
func (b *brokerSide) mintAt(address string) *target {
	return &target{address: address, tls: b.tls, want: http.StatusOK, request: []byte("POST /v1/mint-oidc-jwt HTTP/1.1\r\nHost: " + address +
		"\r\nAuthorization: Bearer " + b.bearer + "\r\nContent-Length: 0\r\n\r\n")}
}

func (b *brokerSide) get(path string) *target {
	return &target{address: b.address, tls: b.tls, want: http.StatusOK, request: []byte("GET " + path + " HTTP/1.1\r\nHost: " + b.address + "\r\n\r\n")}
}

func (b *brokerSide) stop() error {
	var err error
	if b.process != nil && b.process.Process != nil {
		err = errors.Join(b.process.Process.Signal(syscall.SIGTERM), b.process.Wait())
	}
	if b.log != nil {
		err = errors.Join(err, b.log.Close())
	}
	return errors.Join(err, os.RemoveAll(b.folder))
}
