package standalone

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"time"
)

// The names of a certificate and its key where they are mounted, as in a Secret of
// type kubernetes.io/tls.
const (
	CertificateName = "tls.crt"
	KeyName         = "tls.key"
)

// Pair is a certificate for 127.0.0.1 that is its own authority, good for a day.
type Pair struct {
	Certificate     tls.Certificate
	CertPEM, KeyPEM []byte
	// Roots is whom to trust for it.
	Roots *x509.CertPool
}

// NewPair makes a key and a certificate for it.
func NewPair() (*Pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "standalone broker"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
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
	p := &Pair{
		CertPEM: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		KeyPEM:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
		Roots:   x509.NewCertPool(),
	}
	p.Roots.AppendCertsFromPEM(p.CertPEM)
	p.Certificate, err = tls.X509KeyPair(p.CertPEM, p.KeyPEM)
	return p, err
}

// Files are the pair as it is mounted.
func (p *Pair) Files() map[string][]byte {
	return map[string][]byte{CertificateName: p.CertPEM, KeyName: p.KeyPEM}
}
