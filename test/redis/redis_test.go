package redis_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/litentry/wallet-federation/test/redis"
)

// do sends one command and returns the first line of the answer.
func do(t *testing.T, server *redis.Server, command string) (string, error) {
	t.Helper()
	var dialer net.Dialer
	connection, err := dialer.DialContext(t.Context(), "unix", strings.TrimPrefix(server.URL(), "unix://"))
	if err != nil {
		return "", err
	}
	defer func() { _ = connection.Close() }()
	if err := connection.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := connection.Write([]byte(command + "\r\n")); err != nil {
		return "", err
	}
	answer := make([]byte, 64)
	n, err := connection.Read(answer)
	line, _, _ := strings.Cut(string(answer[:n]), "\r\n")
	return line, err
}

func expect(t *testing.T, server *redis.Server, command, want string) {
	t.Helper()
	if got, err := do(t, server, command); err != nil || got != want {
		t.Errorf("%s: %q, %v, want %q", command, got, err, want)
	}
}

func TestServerIsKilledAndRestarted(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		arguments []string
		kept      string
	}{
		"without its data": {nil, "$-1"},
		"with its data":    {[]string{"--appendonly", "yes"}, "$1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redis.Start(t, test.arguments...)
			expect(t, server, "SET key 1", "+OK")
			server.Kill()
			if answer, err := do(t, server, "PING"); err == nil {
				t.Errorf("it answers %q after it was killed", answer)
			}
			server.Restart()
			expect(t, server, "GET key", test.kept)
		})
	}
}

func TestServersAreApart(t *testing.T) {
	t.Parallel()
	one, other := redis.Start(t), redis.Start(t)
	expect(t, one, "SET key 1", "+OK")
	expect(t, other, "EXISTS key", ":0")
}
