package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/litentry/wallet-federation/broker/client"
	"github.com/litentry/wallet-federation/internal/brokerconfig"
	"github.com/litentry/wallet-federation/internal/session"
	"github.com/litentry/wallet-federation/internal/signingkey"
	"github.com/litentry/wallet-federation/internal/wallet"
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
	if b.address, err = freeAddress(ctx); err != nil {
		return err
	}
	b.issuer = "https://" + b.address
	trusted, err := b.writeCertificate()
	if err != nil {
		return err
	}
	if err := b.writeFiles(); err != nil {
		return err
	}
	binary := filepath.Join(b.folder, "broker")
	if output, err := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/broker").CombinedOutput(); err != nil { //nolint:gosec // a folder of our own
		return fmt.Errorf("building the broker: %w: %s", err, output)
	}
	if b.log, err = os.Create(b.path("log")); err != nil {
		return err
	}
	b.process = exec.CommandContext(ctx, binary, //nolint:gosec // the same
		"--config="+b.path(brokerconfig.DataKey), "--keys="+b.path(signingkey.DataKey), "--session-keys="+b.path(session.DataKey),
		"--listen="+b.address, "--metrics-listen=127.0.0.1:0", "--tls-cert="+b.path("tls.crt"), "--tls-key="+b.path("tls.key"))
	b.process.Stdout, b.process.Stderr = b.log, b.log
	if err := b.process.Start(); err != nil {
		return err
	}
	b.tls = &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}
	b.client = &http.Client{Transport: &http.Transport{TLSClientConfig: b.tls}}
	if err := b.get("/readyz").wait(ctx); err != nil {
		return fmt.Errorf("waiting for the broker, whose log is %s: %w", b.path("log"), err)
	}
	return b.signIn(ctx)
}

func (b *brokerSide) path(name string) string { return filepath.Join(b.folder, name) }

// writeCertificate makes one for loopback, and returns whom to trust for it.
func (b *brokerSide) writeCertificate() (*x509.CertPool, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "bench"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(certificate)
	return trusted, errors.Join(
		os.WriteFile(b.path("tls.crt"), certificate, 0o600),
		os.WriteFile(b.path("tls.key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
}

// writeFiles writes what the operator mounts. The limits are on, and far away:
// one client and one wallet stand for thousands.
func (b *brokerSide) writeFiles() error {
	config := brokerconfig.Default()
	config.Issuer, config.Admission.Mode = b.issuer, brokerconfig.Open
	config.Roles = []string{"arn:aws:iam::123456789012:role/bots"}
	config.Session.LifetimeSeconds = 86_400
	far := brokerconfig.Rate{PerSecond: 1_000_000, Burst: 1_000_000}
	config.Limits.Client, config.Limits.Wallet = far, far
	keys, err := signingkey.New(time.Now())
	if err != nil {
		return err
	}
	for name, write := range map[string]func() ([]byte, error){
		brokerconfig.DataKey: config.Marshal,
		signingkey.DataKey:   keys.Marshal,
		session.DataKey:      session.NewKeySet(time.Now()).Marshal,
	} {
		data, err := write()
		if err != nil {
			return err
		}
		if err := os.WriteFile(b.path(name), data, 0o600); err != nil {
			return err
		}
	}
	return nil
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

func freeAddress(ctx context.Context) (string, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}
