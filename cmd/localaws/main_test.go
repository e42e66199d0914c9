package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// patience bounds what a test waits for.
const patience = 10 * time.Second

// TestMain takes the variables away by which SDKs are told of another AWS: they
// win over a profile.
func TestMain(m *testing.M) {
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "AWS_") {
			if err := os.Unsetenv(name); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		}
	}
	os.Exit(m.Run())
}

// command is localaws while it runs.
type command struct {
	endpoint string
	output   string // what it printed when it was ready
	stop     context.CancelFunc
	ended    chan error
}

// environment answers for variables as os.Getenv does.
func environment(variables map[string]string) func(string) string {
	return func(name string) string { return variables[name] }
}

// start runs the command until it is ready; it is stopped when the test ends.
func start(t *testing.T, variables map[string]string, args ...string) *command {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	output, stdout := io.Pipe()
	c := &command{stop: stop, ended: make(chan error, 1)}
	go func() {
		err := run(ctx, append([]string{"--listen", "127.0.0.1:0"}, args...), environment(variables), stdout, io.Discard)
		_ = stdout.CloseWithError(errors.Join(err, io.EOF))
		c.ended <- err
	}()
	t.Cleanup(func() {
		stop()
		select {
		case err := <-c.ended:
			if err != nil {
				t.Errorf("it ended with %v", err)
			}
		case <-time.After(patience):
			t.Error("it does not stop")
		}
	})
	lines := bufio.NewReader(output)
	ready, err := lines.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	rest := make([]byte, lines.Buffered()) // it is all printed at once
	if _, err := io.ReadFull(lines, rest); err != nil {
		t.Fatal(err)
	}
	c.output = ready + string(rest)
	_, address, found := strings.Cut(ready, "localaws is ready: AWS_ENDPOINT_URL=")
	if c.endpoint, _, _ = strings.Cut(address, " "); !found {
		t.Fatalf("the line does not say where: %q", ready)
	}
	return c
}

// wait stops the command and returns how it ended.
func (c *command) wait(t *testing.T) error {
	t.Helper()
	c.stop()
	select {
	case err := <-c.ended:
		c.ended <- err // for the end of the test
		return err
	case <-time.After(patience):
		return errors.New("it does not stop")
	}
}

// ask sends a request and returns the status and the body.
func (c *command) ask(ctx context.Context, t *testing.T, method, path, secret, body string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, method, c.endpoint+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if secret != "" {
		request.Header.Set("Authorization", "Bearer "+secret)
	}
	response, err := new(http.Client).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(answer)
}

// profile writes what the command printed for ~/.aws/config to a file.
func (c *command) profile(t *testing.T, more string) string {
	t.Helper()
	_, profile, found := strings.Cut(c.output, "[profile localaws]")
	if !found {
		t.Fatalf("no profile in %q", c.output)
	}
	file := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(file, []byte("[profile localaws]"+profile+more), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// identityBy calls STS with a profile as a user's SDK does, and nothing else.
func identityBy(t *testing.T, file string) (string, error) {
	t.Helper()
	loaded, err := config.LoadDefaultConfig(t.Context(),
		config.WithSharedConfigProfile("localaws"), config.WithSharedConfigFiles([]string{file}), config.WithSharedCredentialsFiles(nil))
	if err != nil {
		t.Fatal(err)
	}
	out, err := sts.NewFromConfig(loaded).GetCallerIdentity(t.Context(), nil)
	if err != nil {
		return "", err
	}
	return *out.Arn, nil
}

const administrator = "arn:aws:iam::210987654321:user/localaws"

func TestProfileConnectsAnSDK(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args      []string
		variables map[string]string
		more      string // what the user adds to the profile
	}{
		"plain":           {nil, nil, ""},
		"TLS":             {[]string{"--tls-self-signed"}, nil, ""},
		"own credentials": {nil, map[string]string{accessKeyVariable: "AKIAEXAMPLE", secretVariable: "hidden+secret"}, "aws_secret_access_key = hidden+secret\n"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t, test.variables, append(test.args, "--account", "210987654321")...)
			if strings.Contains(c.output, "hidden") {
				t.Errorf("the secret is printed: %s", c.output)
			}
			if arn, err := identityBy(t, c.profile(t, test.more)); err != nil || arn != administrator {
				t.Errorf("%q, %v; want %q", arn, err, administrator)
			}
		})
	}
}

func TestServesUntilStopped(t *testing.T) {
	t.Parallel()
	c := start(t, nil)
	status, _ := c.ask(t.Context(), t, http.MethodGet, "/?Action=GetCallerIdentity&Version=2011-06-15", "", "")
	if status != http.StatusForbidden {
		t.Errorf("an unsigned call is answered with %d, want 403", status)
	}
	if err := c.wait(t); err != nil {
		t.Errorf("stopping: %v", err)
	}
}

func TestStoppingLetsHungCallsGo(t *testing.T) {
	t.Parallel()
	c := start(t, nil)
	if status, body := c.ask(t.Context(), t, http.MethodPost, "/_localaws/faults", "localaws", `{"kind":"hang"}`); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	hung := make(chan int, 1)
	go func() {
		status, _ := c.ask(t.Context(), t, http.MethodGet, "/bucket", "", "")
		hung <- status
	}()
	until(t, "the call hangs", func() bool {
		_, body := c.ask(t.Context(), t, http.MethodGet, "/_localaws/faults", "localaws", "")
		return strings.Contains(body, `"broken": 1`)
	})
	if err := c.wait(t); err != nil {
		t.Errorf("stopping: %v", err)
	}
	if status := <-hung; status != http.StatusInternalServerError {
		t.Errorf("the call that hung is answered with %d, want 500", status)
	}
}

// until polls a condition.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

func TestStoppingLetsCallsFinish(t *testing.T) {
	t.Parallel()
	c := start(t, nil)
	address := strings.TrimPrefix(c.endpoint, "http://")
	connection, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	const form = "Action=GetCallerIdentity&Version=2011-06-15"
	fmt.Fprintf(connection, "POST / HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", address, len(form))
	answer := bufio.NewReader(connection)
	if line, err := answer.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("%q, %v; want that it reads the call", line, err)
	}
	c.stop()
	until(t, "it takes no more connections", func() bool {
		another, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
		if err == nil {
			_ = another.Close()
		}
		return err != nil
	})
	fmt.Fprint(connection, form)
	rest, err := io.ReadAll(answer)
	if err != nil || !bytes.Contains(rest, []byte("MissingAuthenticationToken")) {
		t.Errorf("%q, %v; want the answer to the call", rest, err)
	}
	if err := c.wait(t); err != nil {
		t.Errorf("stopping: %v", err)
	}
}

func TestCommandLineRefusals(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args      []string
		variables map[string]string
		want      string
	}{
		"every interface":                {[]string{"--listen", ":0"}, nil, "--allow-remote"},
		"every interface, IPv4":          {[]string{"--listen", "0.0.0.0:0"}, nil, "--allow-remote"},
		"every interface, IPv6":          {[]string{"--listen", "[::]:0"}, nil, "--allow-remote"},
		"every interface, IPv4 in IPv6":  {[]string{"--listen", "[::ffff:0.0.0.0]:0"}, nil, "--allow-remote"},
		"every interface, with TLS":      {[]string{"--listen", ":0", "--tls-self-signed"}, nil, "--allow-remote"},
		"a public address":               {[]string{"--listen", "192.0.2.1:0"}, nil, "--allow-remote"},
		"no port":                        {[]string{"--listen", "127.0.0.1"}, nil, "--listen"},
		"an argument":                    {[]string{"serve"}, nil, `"serve"`},
		"an account of 3":                {[]string{"--account", "123"}, nil, "12 digits"},
		"an unknown flag":                {[]string{"--port", "1"}, nil, errUsage.Error()},
		"a secret on the command line":   {[]string{"--secret-access-key", "x"}, nil, errUsage.Error()},
		"a certificate without its key":  {[]string{"--tls-cert", "cert.pem"}, nil, "--tls-key"},
		"a certificate that is missing":  {[]string{"--listen", "127.0.0.1:0", "--tls-cert", "no.pem", "--tls-key", "no.pem"}, nil, "--tls-cert"},
		"two certificates":               {[]string{"--tls-self-signed", "--tls-cert", "cert.pem", "--tls-key", "key.pem"}, nil, "choose"},
		"an access key without secret":   {nil, map[string]string{accessKeyVariable: "AKIAEXAMPLE"}, secretVariable},
		"a secret without access key":    {nil, map[string]string{secretVariable: "secret"}, accessKeyVariable},
		"a root key without its secret":  {nil, map[string]string{rootKeyVariable: "AKIAEXAMPLE"}, rootSecretVariable},
		"a directory that cannot be one": {[]string{"--listen", "127.0.0.1:0", "--tls-self-signed", "--dir", "/dev/null"}, nil, "/dev/null"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			err := run(ctx, test.args, environment(test.variables), io.Discard, io.Discard)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q in it", err, test.want)
			}
		})
	}
}

// A name is worth what it resolves to.
func TestPermit(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		address  string
		resolved string
		remote   bool
		valid    bool
	}{
		"localhost":                         {"localhost:1", "127.0.0.1", false, true},
		"localhost, IPv6":                   {"localhost:1", "::1", false, true},
		"another loopback address":          {"127.8.0.1:1", "127.8.0.1", false, true},
		"localhost that is another machine": {"localhost:1", "192.0.2.1", false, false},
		"localhost that is every interface": {"localhost:1", "0.0.0.0", false, false},
		"no host":                           {":1", "", false, false},
		"no host, on request":               {":1", "", true, true},
		"a link-local address":              {"[fe80::1]:1", "fe80::1", false, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := permit(test.address, &net.TCPAddr{IP: net.ParseIP(test.resolved), Port: 1}, test.remote)
			if (err == nil) != test.valid {
				t.Errorf("error %v, want valid: %v", err, test.valid)
			}
		})
	}
}

func TestRemoteAddressOnRequest(t *testing.T) {
	t.Parallel()
	listener, err := listen(t.Context(), "0.0.0.0:0", true)
	if err != nil {
		t.Fatal(err)
	}
	if got := endpoint(listener.Addr(), false); !strings.HasPrefix(got, "http://127.0.0.1:") {
		t.Errorf("endpoint %s is none that a client can be pointed at", got)
	}
	if err := listener.Close(); err != nil {
		t.Error(err)
	}
}

func TestHelpTellsEveryFlag(t *testing.T) {
	t.Parallel()
	for _, spelling := range []string{"-h", "-help", "--help"} {
		var stdout bytes.Buffer
		if err := run(t.Context(), []string{spelling}, environment(nil), &stdout, io.Discard); err != nil || stdout.String() != usage {
			t.Errorf("%s: %v, %q", spelling, err, stdout.String())
		}
	}
	told := map[string]bool{"h": true} // short for help
	for _, match := range regexp.MustCompile(`(?m)^  --([a-z-]+)`).FindAllStringSubmatch(usage, -1) {
		told[match[1]] = true
	}
	new(flags).set().VisitAll(func(f *flag.Flag) {
		if !told[f.Name] {
			t.Errorf("--%s is not told", f.Name)
		}
		delete(told, f.Name)
	})
	for name := range told {
		t.Errorf("there is no --%s", name)
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	var stdout bytes.Buffer
	if err := run(t.Context(), []string{"--version"}, environment(nil), &stdout, io.Discard); err != nil || !strings.HasPrefix(stdout.String(), "localaws ") {
		t.Errorf("%v, %q", err, stdout.String())
	}
}
