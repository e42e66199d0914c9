package broker_test

import (
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/litentry/wallet-federation/broker"
	"github.com/litentry/wallet-federation/internal/challenge"
	"github.com/litentry/wallet-federation/test/redis"
)

const redisURLName = "url"

func redisURL(url string) map[string][]byte {
	return map[string][]byte{redisURLName: []byte(url + "\n")}
}

// signsIn reports whether a wallet can sign in.
func (m *mounted) signsIn(t *testing.T) bool {
	t.Helper()
	key := newKey(t)
	got := m.post(t, startPath, `{"address":"`+string(key.Address())+`","chain_id":1}`)
	if got.status != http.StatusOK {
		return false
	}
	return m.verify(t, got.text(t, "request_id"), key.SignPersonal(got.text(t, "siwe_message"))).status == http.StatusOK
}

func (m *mounted) reloads(t *testing.T, outcome string) float64 {
	t.Helper()
	return m.value(t, "reloads_total", "outcome="+outcome, "part=Redis URL")
}

// check returns what readyz says of one check.
func (f *fixture) check(t *testing.T, name string) string {
	t.Helper()
	checks, _ := f.send(t, http.MethodGet, "/readyz", "").members(t)["checks"].(map[string]any)
	status, _ := checks[name].(string)
	return status
}

func TestTheBrokerMovesToTheRedisThatItsFileNames(t *testing.T) {
	t.Parallel()
	first, second := redis.Start(t), redis.Start(t)
	m := mount(t, newVolume(t, redisURL(first.URL())))
	eventually(t, "wallets sign in", func() bool { return m.signsIn(t) })
	m.redisSecret.update(t, redisURL(second.URL()))
	eventually(t, "the other is taken", func() bool { return m.reloads(t, "ok") == 1 })
	first.Kill()
	if !m.signsIn(t) {
		t.Error("nobody can sign in")
	}
}

func TestABadRedisURLIsReportedOnceAndTheOldOneServesOn(t *testing.T) {
	t.Parallel()
	server := redis.Start(t)
	m := mount(t, newVolume(t, redisURL(server.URL())))
	eventually(t, "wallets sign in", func() bool { return m.signsIn(t) })
	const secret = "hunter2"
	for i, bad := range []string{"redis//:" + secret, "", "redis://:" + secret + "@127.0.0.1:1", strings.Repeat(secret, 1000)} {
		m.redisSecret.update(t, redisURL(bad))
		want := float64(i + 1)
		eventually(t, "it is refused", func() bool { return m.reloads(t, "refused") == want })
		for range 5 {
			if !m.signsIn(t) {
				t.Fatalf("%.20s: nobody can sign in", bad)
			}
		}
		if got := m.reloads(t, "refused"); got != want || m.check(t, "configuration") != "stale" {
			t.Errorf("%.20s: refused %v times, configuration is %s", bad, got, m.check(t, "configuration"))
		}
	}
	m.redisSecret.update(t, redisURL(server.URL()))
	eventually(t, "the mended file is taken", func() bool { return m.check(t, "configuration") == "ok" })
	if log := m.log.String(); strings.Contains(log, secret) || strings.Contains(log, server.URL()) {
		t.Errorf("the log shows a URL:\n%s", log)
	}
}

// A password is changed in the Secret before it is in Redis, or after.
func TestARedisThatCannotBeUsedYetIsTriedUntilItCan(t *testing.T) {
	t.Parallel()
	first, second := redis.Start(t), redis.Start(t)
	second.Kill()
	m := mount(t, newVolume(t, redisURL(first.URL())))
	m.redisSecret.update(t, redisURL(second.URL()))
	eventually(t, "the other is refused", func() bool { return m.reloads(t, "refused") == 1 })
	second.Restart()
	eventually(t, "the other is taken", func() bool { return m.reloads(t, "ok") == 1 })
	first.Kill()
	eventually(t, "wallets sign in", func() bool { return m.signsIn(t) })
	if m.check(t, "configuration") != "ok" {
		t.Error("the configuration is still stale")
	}
}

func TestABrokerStartsWithABadRedisURLAndMendsItself(t *testing.T) {
	t.Parallel()
	m := mount(t, newVolume(t, redisURL("redis//hunter2")))
	eventually(t, "it is reported", func() bool { return m.count("started without a part of the state") == 1 })
	if m.signsIn(t) || m.check(t, "nonce_store") != "unavailable" || m.check(t, "configuration") != "stale" {
		t.Error("a wallet signed in, or readyz does not say why not")
	}
	if !strings.Contains(m.servedKeys(t), m.keys.Active().ID) {
		t.Error("the keys are not served")
	}
	m.redisSecret.update(t, redisURL(redis.Start(t).URL()))
	eventually(t, "wallets sign in", func() bool { return m.signsIn(t) })
	if m.check(t, "configuration") != "ok" || strings.Contains(m.log.String(), "hunter2") {
		t.Errorf("the configuration is %s; log:\n%s", m.check(t, "configuration"), m.log.String())
	}
}

func TestThereHasToBeAFileWithTheRedisURL(t *testing.T) {
	t.Parallel()
	source, err := broker.NewSource(newMounted(t).files, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	err = source.Share(challenge.NewRedis(issuer, time.Now), filepath.Join(t.TempDir(), "missing"))
	if err == nil || !strings.Contains(err.Error(), "reading Redis URL") {
		t.Errorf("got %v", err)
	}
}
