package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func readFile(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// Who trusts the CA once need not do it again after a restart.
func TestCertificateIsKept(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "account")
	first := start(t, nil, "--tls-self-signed", "--dir", dir, "--account", "210987654321")
	ca := readFile(t, filepath.Join(dir, "tls", "ca.pem"))
	if err := first.wait(t); err != nil {
		t.Fatal(err)
	}
	second := start(t, nil, "--tls-self-signed", "--dir", dir, "--account", "210987654321")
	if readFile(t, filepath.Join(dir, "tls", "ca.pem")) != ca {
		t.Error("the CA is another one after a restart")
	}
	if arn, err := identityBy(t, first.profileOf(t, second)); err != nil || arn != administrator {
		t.Errorf("%q, %v; want %q", arn, err, administrator)
	}
	info, err := os.Stat(filepath.Join(dir, "tls", "key.pem"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's mode is %v, %v; want that only its owner reads it", info.Mode(), err)
	}
}

// profileOf is the profile that the first printed, with the port of the second.
func (c *command) profileOf(t *testing.T, second *command) string {
	t.Helper()
	moved := &command{output: strings.ReplaceAll(c.output, c.endpoint, second.endpoint)}
	return moved.profile(t, "")
}

func TestCertificateIsMadeAnewWhenItIsDue(t *testing.T) {
	t.Parallel()
	now := time.Now()
	local := certificateNames(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	tests := map[string]struct {
		change func(*testing.T, certificateFiles)
		names  names
		at     time.Time
		valid  bool
	}{
		"good":                {nil, local, now, true},
		"good for a month":    {nil, local, now.Add(334 * 24 * time.Hour), true},
		"near its end":        {nil, local, now.Add(336 * 24 * time.Hour), false},
		"for another address": {nil, certificateNames(&net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)}), now, false},
		"of another CA": {func(t *testing.T, f certificateFiles) {
			t.Helper()
			other := newCertificateFiles(t.TempDir())
			if err := other.make(local, now); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(other.ca, f.ca); err != nil {
				t.Fatal(err)
			}
		}, local, now, false},
		"without its key": {func(t *testing.T, f certificateFiles) {
			t.Helper()
			if err := os.Remove(f.key); err != nil {
				t.Fatal(err)
			}
		}, local, now, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := newCertificateFiles(t.TempDir())
			if err := files.make(local, now); err != nil {
				t.Fatal(err)
			}
			if test.change != nil {
				test.change(t, files)
			}
			if _, err := files.load(test.names, test.at); (err == nil) != test.valid {
				t.Errorf("error %v, want valid: %v", err, test.valid)
			}
		})
	}
}

func TestCertificateOfOnesOwn(t *testing.T) {
	t.Parallel()
	files := newCertificateFiles(t.TempDir())
	if err := files.make(certificateNames(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}), time.Now()); err != nil {
		t.Fatal(err)
	}
	c := start(t, nil, "--tls-cert", files.cert, "--tls-key", files.key, "--account", "210987654321")
	if strings.Contains(c.output, "AWS_CA_BUNDLE") {
		t.Errorf("a CA is printed that is not ours: %s", c.output)
	}
	_, err := identityBy(t, c.profile(t, ""))
	if err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("error %v, want that the certificate is not trusted", err)
	}
	arn, err := identityBy(t, c.profile(t, "ca_bundle = "+files.ca+"\n"))
	if err != nil || arn != administrator {
		t.Errorf("%q, %v; want %q", arn, err, administrator)
	}
}

func TestCertificateWithoutADirectoryLeavesNothing(t *testing.T) {
	t.Parallel()
	c := start(t, nil, "--tls-self-signed")
	_, bundle, _ := strings.Cut(c.output, "AWS_CA_BUNDLE=")
	bundle, _, _ = strings.Cut(bundle, "\n")
	readFile(t, bundle)
	if err := c.wait(t); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Dir(filepath.Dir(bundle))); !os.IsNotExist(err) {
		t.Errorf("its directory is still there: %v", err)
	}
}

func TestQuote(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/tmp/a-1/ca.pem": "/tmp/a-1/ca.pem",
		"/tmp/a b/ca.pem": "'/tmp/a b/ca.pem'",
		"/tmp/it's":       `'/tmp/it'\''s'`,
	} {
		if got := quote(path); got != want {
			t.Errorf("%s is quoted as %s, want %s", path, got, want)
		}
	}
}
