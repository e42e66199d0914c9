package broker_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
	eventually(t, "wallets sign in there", func() bool { return m.signsIn(t) })
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
		eventually(t, "wallets sign in all the same", func() bool { return m.signsIn(t) })
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
	eventually(t, "it is reported", func() bool { return m.count("started without a part of the files") == 1 })
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

func TestReadinessSaysWhyRedisIsAwayAndNothingElseDoes(t *testing.T) {
	t.Parallel()
	const password = "hunter2"
	server := redis.Start(t, "--requirepass", password)
	with := func(password string) map[string][]byte {
		return redisURL(strings.Replace(server.URL(), "unix://", "unix://:"+password+"@", 1))
	}
	m := mount(t, newVolume(t, with("wrong-"+password)))
	eventually(t, "the login is refused", func() bool { return m.reason(t) == "login_refused" })
	m.redisSecret.update(t, with(password))
	eventually(t, "wallets sign in", func() bool { return m.signsIn(t) })
	if got := m.reason(t); got != "" {
		t.Errorf("there is a reason left: %s", got)
	}
	server.Kill()
	eventually(t, "there is no Redis", func() bool { return m.reason(t) == "unreachable" })
	got := m.post(t, startPath, `{"address":"`+alice+`","chain_id":1}`)
	if got.code(t) != "sign_in_unavailable" || strings.Contains(got.body, "edis") || strings.Contains(got.body, "reach") {
		t.Errorf("a caller is told why: %s", got.body)
	}
	if ready := m.send(t, http.MethodGet, "/readyz", "").body; strings.Contains(ready, password) || strings.Contains(ready, "/redis-") {
		t.Errorf("readyz shows the URL: %s", ready)
	}
	eventually(t, "it is logged", func() bool { return m.reason(t) != "" && strings.Contains(m.log.String(), `"reason":"unreachable"`) })
	if log := m.log.String(); strings.Contains(log, password) {
		t.Errorf("the log shows the password:\n%s", log)
	}
}

// reason returns why readyz says that nobody can sign in.
func (f *fixture) reason(t *testing.T) string {
	t.Helper()
	reasons, _ := f.send(t, http.MethodGet, "/readyz", "").members(t)["reasons"].(map[string]any)
	reason, _ := reasons["nonce_store"].(string)
	return reason
}

func TestAStoreThatIsAwayIsLoggedNowAndThenAndNotPerRequest(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	log := func(o *broker.Options) { o.Logger = slog.New(slog.NewJSONHandler(f.log, nil)) }
	down := f.replica(t, func(o *broker.Options) { o.Nonces = away{}; log(o) })
	lost := f.replica(t, func(o *broker.Options) { o.Nonces = away{epoch: true}; log(o) })
	key := newKey(t)
	s := lost.start(t, string(key.Address()))
	signature := key.SignPersonal(s.message)
	for name, request := range map[string]func(){
		"start":  func() { down.post(t, startPath, `{"address":"`+alice+`","chain_id":1}`) },
		"verify": func() { lost.verify(t, s.handle, signature) },
	} {
		logged := func() int {
			before := strings.Count(f.log.String(), `"msg":"sign-in is not possible"`)
			for range 100 {
				request()
			}
			return strings.Count(f.log.String(), `"msg":"sign-in is not possible"`) - before
		}
		if got := logged(); got != 1 {
			t.Errorf("%s: logged %d times at first, want 1", name, got)
		}
		f.clock.advance(30 * time.Second)
		if got := logged(); got != 1 {
			t.Errorf("%s: logged %d times after 30 seconds, want 1", name, got)
		}
	}
}

func TestTheDescriptionHasEveryReason(t *testing.T) {
	t.Parallel()
	source, err := parser.ParseFile(token.NewFileSet(), "../internal/challenge/unavailable.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var defined []any
	ast.Inspect(source, func(n ast.Node) bool {
		value, ok := n.(*ast.ValueSpec)
		if !ok || len(value.Values) != 1 {
			return true
		}
		typed, named := value.Type.(*ast.Ident)
		word, literal := value.Values[0].(*ast.BasicLit)
		if named && literal && typed.Name == "Reason" {
			defined = append(defined, strings.Trim(word.Value, `"`))
		}
		return true
	})
	described, _ := mustDescribe(t).at("components", "schemas", "Reasons", "properties", "nonce_store")
	if diff := cmp.Diff(described["enum"], any(defined)); diff != "" || len(defined) < 10 {
		t.Errorf("(-described +defined):\n%s", diff)
	}
	documented, err := os.ReadFile("../docs/broker.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, reason := range defined {
		if !strings.Contains(string(documented), fmt.Sprintf("%#q", reason)) {
			t.Errorf("docs/broker.md does not have %s", reason)
		}
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
