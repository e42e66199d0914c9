package broker_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/litentry/wallet-federation/broker"
)

const (
	certName = "tls.crt"
	keyName  = "tls.key"
)

// newPair is what a Secret of type kubernetes.io/tls holds: a certificate for
// the loopback address that is its own authority.
func newPair(t testing.TB, serial int64) map[string][]byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: fmt.Sprint("broker ", serial)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		certName: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}),
		keyName:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
	}
}

// secured is a broker that serves TLS from a mounted Secret.
type secured struct {
	*fixture
	address string
	secret  *volume
}

func newSecured(t *testing.T, pair map[string][]byte) *secured {
	t.Helper()
	s := &secured{fixture: newFixture(t), secret: newVolume(t, pair)}
	certificate, err := broker.NewCertificate(s.secret.path(certName), s.secret.path(keyName), slog.New(slog.NewJSONHandler(s.log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.address = listener.Addr().String()
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() { certificate.Watch(ctx, s.server, time.Millisecond) })
	group.Go(func() {
		if err := s.server.Serve(ctx, listener, broker.Serving{Certificate: certificate}); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { stop(); group.Wait() })
	return s
}

// secureClient trusts the certificates of some pairs.
func secureClient(t testing.TB, keepAlive bool, pairs ...map[string][]byte) *http.Client {
	t.Helper()
	pool := x509.NewCertPool()
	for _, pair := range pairs {
		if !pool.AppendCertsFromPEM(pair[certName]) {
			t.Fatal("not a certificate")
		}
	}
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: pool},
		ForceAttemptHTTP2: true, DisableKeepAlives: !keepAlive,
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 20 * time.Second}
}

// get returns the status, the protocol and the serial of the certificate.
func get(ctx context.Context, client *http.Client, url string) (status int, protocol string, serial int64, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, "", 0, err
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, "", 0, err
	}
	defer func() { _ = response.Body.Close() }()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, response.Proto, response.TLS.PeerCertificates[0].SerialNumber.Int64(), err
}

func (s *secured) serial(t *testing.T, client *http.Client) int64 {
	t.Helper()
	_, _, serial, err := get(t.Context(), client, "https://"+s.address+"/healthz")
	if err != nil {
		t.Fatal(err)
	}
	return serial
}

func TestACertificateIsRotatedUnderLoadWithoutAFailedRequest(t *testing.T) {
	t.Parallel()
	const rotations = 20
	pairs := make([]map[string][]byte, rotations)
	for i := range pairs {
		pairs[i] = newPair(t, int64(i+1))
	}
	s := newSecured(t, pairs[0])
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var answered atomic.Int64
	var group sync.WaitGroup
	for n := range 2 * runtime.GOMAXPROCS(0) {
		client := secureClient(t, n%2 == 0, pairs...)
		group.Go(func() {
			for ctx.Err() == nil {
				status, _, _, err := get(context.WithoutCancel(ctx), client, "https://"+s.address+jwksPath)
				if err != nil || status != http.StatusOK {
					t.Errorf("a request failed: %d, %v", status, err)
					return
				}
				answered.Add(1)
			}
		})
	}
	fresh := secureClient(t, false, pairs...)
	for i, pair := range pairs[1:] {
		s.secret.update(t, pair)
		eventually(t, "the next certificate is shown", func() bool { return s.serial(t, fresh) == int64(i+2) })
	}
	stop()
	group.Wait()
	if answered.Load() < rotations || strings.Contains(s.log.String(), "refused") {
		t.Errorf("%d requests were answered; log:\n%s", answered.Load(), s.log.String())
	}
}

func TestABadPairIsReportedOnceAndTheOldOneIsShown(t *testing.T) {
	t.Parallel()
	first, second := newPair(t, 1), newPair(t, 2)
	s := newSecured(t, first)
	client := secureClient(t, false, first, second)
	const refused = `"msg":"reload refused, going on as before"`
	for name, bad := range map[string]map[string][]byte{
		"the key of another":  {certName: second[certName], keyName: first[keyName]},
		"no PEM":              {certName: []byte("nothing"), keyName: first[keyName]},
		"empty files":         {certName: {}, keyName: {}},
		"an endless file":     {certName: bytes.Repeat(first[certName], 1000), keyName: first[keyName]},
		"certificate and key": {certName: first[keyName], keyName: first[certName]},
	} {
		before := strings.Count(s.log.String(), refused)
		s.secret.update(t, bad)
		eventually(t, "it is reported: "+name, func() bool { return strings.Count(s.log.String(), refused) == before+1 })
		if serial := s.serial(t, client); serial != 1 {
			t.Errorf("%s: certificate %d is shown", name, serial)
		}
		if got := strings.Count(s.log.String(), refused); got != before+1 {
			t.Errorf("%s: reported %d times", name, got-before)
		}
	}
	if strings.Contains(s.log.String(), "PRIVATE KEY") {
		t.Error("the log shows a key")
	}
	if got := s.value(t, "reloads_total", "outcome=refused", "part=certificate"); got != 5 {
		t.Errorf("%v refusals were counted, want 5", got)
	}
	if got := s.check(t, "configuration"); got != "stale" {
		t.Errorf("readyz calls the configuration %s", got)
	}
	s.secret.update(t, second)
	eventually(t, "a good pair is shown again", func() bool { return s.serial(t, client) == 2 })
	eventually(t, "it is counted", func() bool { return s.value(t, "reloads_total", "outcome=ok", "part=certificate") == 1 })
	if got := s.check(t, "configuration"); got != "ok" {
		t.Errorf("readyz calls the configuration %s", got)
	}
}

func TestTLSVersionsAndProtocols(t *testing.T) {
	t.Parallel()
	pair := newPair(t, 1)
	s := newSecured(t, pair)
	_, protocol, _, err := get(t.Context(), secureClient(t, true, pair), "https://"+s.address+"/healthz")
	if err != nil || protocol != "HTTP/2.0" {
		t.Errorf("got %s, %v, want HTTP/2.0", protocol, err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pair[certName])
	for version, good := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		asked := false
		dialer := tls.Dialer{Config: &tls.Config{
			RootCAs: pool, MinVersion: version, MaxVersion: version,
			GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				asked = true
				return &tls.Certificate{}, nil
			},
		}}
		connection, err := dialer.DialContext(t.Context(), "tcp", s.address)
		if (err == nil) != good {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
		if err == nil {
			_ = connection.Close()
		}
		if asked {
			t.Errorf("%s: the client was asked for a certificate", tls.VersionName(version))
		}
	}
}

func TestPlainHTTPGetsNoAnswerOverTLS(t *testing.T) {
	t.Parallel()
	s := newSecured(t, newPair(t, 1))
	client := http.Client{Timeout: 20 * time.Second}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.address+jwksPath, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusBadRequest {
		t.Errorf("got %s", response.Status)
	}
}

func TestNewCertificateRefuses(t *testing.T) {
	t.Parallel()
	pair, other := newPair(t, 1), newPair(t, 2)
	secret := newVolume(t, map[string][]byte{certName: pair[certName], keyName: pair[keyName], "other.key": other[keyName]})
	missing := filepath.Join(t.TempDir(), "missing")
	for name, files := range map[string][2]string{
		"no certificate":     {missing, secret.path(keyName)},
		"no key":             {secret.path(certName), missing},
		"the key of another": {secret.path(certName), secret.path("other.key")},
		"an endless key":     {secret.path(certName), "/dev/zero"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := broker.NewCertificate(files[0], files[1], slog.New(slog.DiscardHandler))
			if err == nil || !strings.Contains(err.Error(), "reading TLS certificate") || strings.Contains(err.Error(), "PRIVATE") {
				t.Errorf("got %v", err)
			}
		})
	}
}
