package challenge_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/litentry/wallet-federation/internal/challenge"
	"github.com/litentry/wallet-federation/test/redis"
)

const password = "correct-horse"

// withPassword returns the URL of a server for a user.
func withPassword(server *redis.Server, user, password string) string {
	return strings.Replace(server.URL(), "unix://", "unix://"+user+":"+password+"@", 1)
}

// user returns the arguments of a server with the user broker, who may do so much.
func user(rules ...string) []string {
	return append([]string{"--user", "broker", "on", ">" + password}, rules...)
}

func TestRedisURLs(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"redis://localhost", "redis://localhost:6380/3", "redis://:" + password + "@10.0.0.1:6379",
		"rediss://user:" + password + "@redis.example.org:6379/0", "rediss://[::1]:6379", "unix:///run/redis.sock",
	} {
		if err := challenge.NewRedis(issuer, time.Now).Connect(url); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestRedisURLsThatAreRefusedAreNotShown(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{
		"nothing":                            "",
		"a host alone":                       password + ".example.org",
		"another scheme":                     "https://:" + password + "@redis",
		"a control character":                "redis://:" + password + "\x00@redis",
		"a percent sign in the password":     "redis://:%zz" + password + "@redis",
		"a number sign in the password":      "redis://:a#" + password + "@redis",
		"a question mark in the password":    "redis://:a?" + password + "@redis",
		"a port that is none":                "redis://:" + password + "@redis:port",
		"a database that is none":            "redis://:" + password + "@redis/zero",
		"two databases":                      "redis://:" + password + "@redis/0/1",
		"options":                            "redis://:" + password + "@redis?read_timeout=1h",
		"an end to the check of certificate": "rediss://:" + password + "@redis?skip_verify=true",
		"a query of nothing":                 "redis://:" + password + "@redis?",
		"a socket without a path":            "unix://:" + password + "@",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := challenge.NewRedis(issuer, time.Now).Connect(url)
			if err == nil {
				t.Fatal("it was taken")
			}
			if strings.Contains(err.Error(), password) || strings.Contains(err.Error(), "zero") {
				t.Errorf("the error shows it: %v", err)
			}
		})
	}
}

// Not parallel: the client library has one log for the process.
func TestClientLibraryLogsNothing(t *testing.T) {
	var log recorder
	goredis.SetLogger(&log)
	store := newRedis(t, "redis://:"+password+"@127.0.0.1:1", time.Now)
	_ = away(t, store)
	if log.lines.Load() > 0 {
		t.Errorf("it logged %d lines", log.lines.Load())
	}
}

type recorder struct{ lines atomic.Int32 }

func (r *recorder) Printf(context.Context, string, ...any) { r.lines.Add(1) }

func TestRedisThatCannotBeUsedIsUnavailableForAReason(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		arguments      []string
		user, password string
		reason         string
		class          challenge.Reason
	}{
		"another password":     {[]string{"--requirepass", password}, "", "wrong-" + password, "WRONGPASS", challenge.LoginRefused},
		"no password":          {[]string{"--requirepass", password}, "", "", "NOAUTH", challenge.LoginRefused},
		"another user":         {[]string{"--requirepass", password}, "somebody", password, "WRONGPASS", challenge.LoginRefused},
		"a user without GET":   {user("~*", "+eval", "+evalsha", "+info", "+set"), "broker", password, "answered", challenge.Unknown},
		"a user of other keys": {user("~other:*", "+eval", "+evalsha", "+info", "+get", "+set"), "broker", password, "NOPERM", challenge.NotPermitted},
		"a Redis that evicts":  {[]string{"--maxmemory", "100mb", "--maxmemory-policy", "volatile-lru"}, "", "", "maxmemory-policy", challenge.Evicting},
		"a replica":            {[]string{"--replicaof", "127.0.0.1 1"}, "", "", "READONLY", challenge.Replica},
		"no memory left":       {[]string{"--maxmemory", "1", "--maxmemory-policy", "noeviction"}, "", "", "OOM", challenge.Full},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redis.Start(t, test.arguments...)
			url := server.URL()
			if test.password != "" {
				url = withPassword(server, test.user, test.password)
			}
			err := away(t, newRedis(t, url, time.Now))
			if !strings.Contains(err.Error(), test.reason) {
				t.Errorf("%v does not say %s", err, test.reason)
			}
			if got := challenge.ReasonOf(err); got != test.class {
				t.Errorf("the reason is %s, want %s", got, test.class)
			}
			if strings.Contains(err.Error(), password) || strings.Contains(err.Error(), "/") {
				t.Errorf("the error holds the password or the address: %v", err)
			}
		})
	}
}

func TestRedisThatCanBeUsed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		arguments []string
		user      string
	}{
		"with a password":                          {[]string{"--requirepass", password}, ""},
		"as a user who may do no more than needed": {user("~{wallet-federation:*", "+eval", "+evalsha", "+info", "+get", "+set"), "broker"},
		"with bounded memory and no eviction":      {[]string{"--requirepass", password, "--maxmemory", "100mb", "--maxmemory-policy", "noeviction"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redis.Start(t, test.arguments...)
			clock := newClock()
			store := newRedis(t, withPassword(server, test.user, password), clock.Now)
			wantUse(t, store, available(t, store, challenge.Epoch{}), challenge.NewNonce(), clock.Now().Add(lifetime), true)
		})
	}
}

func TestSomethingElseThanRedisIsUnavailable(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer, reason string
	}{
		"it closes the connection": {"", "closed the connection"},
		"it speaks HTTP":           {"HTTP/1.1 400 Bad Request\r\n\r\n", "does not answer as Redis does"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			listener := serve(t, func(connection net.Conn) {
				_, _ = connection.Read(make([]byte, 1024))
				_, _ = io.WriteString(connection, test.answer)
			})
			if err := away(t, newRedis(t, "redis://:"+password+"@"+listener.Addr().String(), time.Now)); !strings.Contains(err.Error(), test.reason) {
				t.Errorf("%v does not say %s", err, test.reason)
			}
		})
	}
}

func TestRedisOverTLS(t *testing.T) {
	t.Parallel()
	server := redis.Start(t, "--requirepass", password)
	certificate, roots := newCertificate(t)
	var received atomic.Int64
	listener := serve(t, func(connection net.Conn) {
		secured := tls.Server(connection, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
		received.Add(forward(t, secured, server))
	})
	url := "rediss://:" + password + "@" + listener.Addr().String()

	t.Run("with a certificate that is not trusted", func(t *testing.T) {
		store := newRedis(t, url, time.Now)
		eventually(t, "the certificate is not trusted", func() bool { return challenge.ReasonOf(away(t, store)) == challenge.Untrusted })
		if received.Load() > 0 {
			t.Error("something was sent")
		}
	})
	t.Run("with a certificate that is trusted", func(t *testing.T) {
		store := connected(t, url, time.Now)
		store.Trust(roots)
		run(t, store)
		wantUse(t, store, available(t, store, challenge.Epoch{}), challenge.NewNonce(), time.Now().Add(lifetime), true)
	})
}

// serve handles connections until the test ends.
func serve(t *testing.T, handle func(net.Conn)) net.Listener {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer func() { _ = connection.Close() }()
				handle(connection)
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		all.Wait()
	})
	return listener
}

// forward joins a connection with one to the server and returns how much came in.
func forward(t *testing.T, connection net.Conn, server *redis.Server) int64 {
	t.Helper()
	var dialer net.Dialer
	behind, err := dialer.DialContext(context.WithoutCancel(t.Context()), "unix", strings.TrimPrefix(server.URL(), "unix://"))
	if err != nil {
		return 0
	}
	var answers sync.WaitGroup
	answers.Go(func() { _, _ = io.Copy(connection, behind) })
	n, _ := io.Copy(behind, connection)
	_ = behind.Close()
	answers.Wait()
	return n
}

// newCertificate returns a certificate for 127.0.0.1, and what trusts it.
func newCertificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}, roots
}
