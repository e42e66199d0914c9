package main

import (
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
	"os"
	"path/filepath"
	"time"
)

const (
	// certificateLifetime is short of the 825 days that some clients put up with.
	certificateLifetime = 365 * 24 * time.Hour
	// certificateReserve is how long a certificate that is kept must still be good.
	certificateReserve = 30 * 24 * time.Hour
	// clockReserve dates a certificate back, for clients whose clock is behind.
	clockReserve = time.Hour
)

// identity is how the server shows itself: in plain HTTP or with a certificate.
type identity struct {
	config *tls.Config // nil for plain HTTP
	bundle string      // file of the CA, if it is ours
	scrap  string      // directory to be removed in the end; empty for none
}

// identity loads or makes what the flags ask for.
func (f *flags) identity(address net.Addr) (*identity, error) {
	switch {
	case f.cert != "":
		pair, err := tls.LoadX509KeyPair(f.cert, f.key)
		if err != nil {
			return nil, fmt.Errorf("loading --tls-cert and --tls-key: %w", err)
		}
		return &identity{config: serverConfig(pair)}, nil
	case f.selfSigned:
		return selfSigned(f.options.Directory, address)
	default:
		return &identity{}, nil
	}
}

// serverConfig speaks HTTP/1.1 only, as AWS's endpoints for these services do.
func serverConfig(pair tls.Certificate) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
}

// wrap puts TLS over a listener.
func (i *identity) wrap(listener net.Listener) net.Listener {
	if i.config == nil {
		return listener
	}
	return tls.NewListener(listener, i.config)
}

func (i *identity) remove() error {
	if i.scrap == "" {
		return nil
	}
	return os.RemoveAll(i.scrap)
}

// selfSigned takes the certificate that is kept in the directory and is good for
// the address, or makes one. Without a directory it is made in one of its own.
func selfSigned(directory string, address net.Addr) (_ *identity, err error) {
	id := &identity{}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("making a certificate: %w", err), id.remove())
		}
	}()
	if directory == "" {
		if directory, err = os.MkdirTemp("", "localaws-"); err != nil {
			return nil, err
		}
		id.scrap = directory
	}
	if directory, err = filepath.Abs(directory); err != nil {
		return nil, err
	}
	files := newCertificateFiles(directory)
	id.bundle = files.ca
	names := certificateNames(address)
	pair, err := files.load(names, time.Now())
	if err != nil {
		if err := files.make(names, time.Now()); err != nil {
			return nil, err
		}
		if pair, err = files.load(names, time.Now()); err != nil {
			return nil, err
		}
	}
	id.config = serverConfig(pair)
	return id, nil
}

// names are what a certificate is for.
type names struct {
	dns       []string
	addresses []net.IP
}

// certificateNames are localhost, the buckets below it, and the address.
func certificateNames(address net.Addr) names {
	n := names{
		dns:       []string{"localhost", "*.localhost", "*.s3.localhost"},
		addresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	if tcp, ok := address.(*net.TCPAddr); ok && !tcp.IP.IsUnspecified() {
		n.addresses = append(n.addresses, tcp.IP)
	}
	return n
}

// certificateFiles are where a certificate is kept, in PEM.
type certificateFiles struct {
	dir, ca, cert, key string
}

func newCertificateFiles(directory string) certificateFiles {
	dir := filepath.Join(directory, "tls")
	return certificateFiles{dir, filepath.Join(dir, "ca.pem"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
}

// load reads a certificate that is good for the names and for a while.
func (f certificateFiles) load(n names, now time.Time) (tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return tls.Certificate{}, err
	}
	ca, err := os.ReadFile(f.ca)
	if err != nil {
		return tls.Certificate{}, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	for _, name := range append(textOf(n.addresses), n.dns...) {
		options := x509.VerifyOptions{Roots: roots, DNSName: name, CurrentTime: now.Add(certificateReserve)}
		if _, err := pair.Leaf.Verify(options); err != nil {
			return tls.Certificate{}, err
		}
	}
	return pair, nil
}

func textOf(addresses []net.IP) []string {
	texts := make([]string, len(addresses))
	for i, address := range addresses {
		texts[i] = address.String()
	}
	return texts
}

// make writes a new CA and a certificate of it. The CA's key is kept nowhere, so
// that whoever trusts the CA trusts this certificate and no other.
func (f certificateFiles) make(n names, now time.Time) error {
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	ca, err := sign(&x509.Certificate{
		Subject:               pkix.Name{CommonName: "localaws CA of " + now.UTC().Format(time.RFC3339)},
		KeyUsage:              x509.KeyUsageCertSign,
		BasicConstraintsValid: true, IsCA: true, MaxPathLenZero: true,
	}, nil, &caKey.PublicKey, caKey, now)
	if err != nil {
		return err
	}
	leaf, err := sign(&x509.Certificate{
		Subject:     pkix.Name{CommonName: "localaws"},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    n.dns, IPAddresses: n.addresses,
	}, ca, &key.PublicKey, caKey, now)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return err
	}
	return errors.Join(
		writePEM(f.ca, "CERTIFICATE", ca.Raw),
		writePEM(f.cert, "CERTIFICATE", leaf.Raw),
		writePEM(f.key, "PRIVATE KEY", secret),
	)
}

// sign completes a certificate and signs it; a nil parent is itself.
func sign(template, parent *x509.Certificate, public *ecdsa.PublicKey, signer *ecdsa.PrivateKey, now time.Time) (*x509.Certificate, error) {
	const serialBits = 120 // positive, and within the 20 bytes that RFC 5280 gives
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), serialBits))
	if err != nil {
		return nil, err
	}
	template.SerialNumber, template.NotBefore, template.NotAfter = serial, now.Add(-clockReserve), now.Add(certificateLifetime)
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, signer)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

func writePEM(path, kind string, der []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
