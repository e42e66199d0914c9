package broker_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/litentry/wallet-federation/broker"
	"github.com/litentry/wallet-federation/internal/brokerconfig"
	"github.com/litentry/wallet-federation/internal/challenge"
	"github.com/litentry/wallet-federation/internal/session"
	"github.com/litentry/wallet-federation/internal/signingkey"
)

// volume is a directory as kubelet mounts it: the visible names are links into
// ..data, which is a link to a dated directory and is replaced by a rename.
type volume struct {
	dir     string
	version int
}

func newVolume(t *testing.T, files map[string][]byte) *volume {
	t.Helper()
	v := &volume{dir: t.TempDir()}
	v.update(t, files)
	for name := range files {
		if err := os.Symlink(filepath.Join("..data", name), v.path(name)); err != nil {
			t.Fatal(err)
		}
	}
	return v
}

func (v *volume) path(name string) string { return filepath.Join(v.dir, name) }

func (v *volume) dated() string { return "..2026_01_02." + strconv.Itoa(v.version) }

func (v *volume) update(t *testing.T, files map[string][]byte) {
	t.Helper()
	previous := v.dated()
	v.version++
	dated := v.dated()
	if err := os.Mkdir(v.path(dated), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(v.dir, dated, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(dated, v.path("..data_tmp")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(v.path("..data_tmp"), v.path("..data")); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(v.path(previous)); err != nil {
		t.Fatal(err)
	}
}

func configFile(t *testing.T, config *brokerconfig.Config) map[string][]byte {
	t.Helper()
	data, err := config.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{brokerconfig.DataKey: data}
}

func keysFile(t *testing.T, keys *signingkey.Set) map[string][]byte {
	t.Helper()
	data, err := keys.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{signingkey.DataKey: data}
}

func sessionFile(t *testing.T, keys *session.KeySet) map[string][]byte {
	t.Helper()
	data, err := keys.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{session.DataKey: data}
}

// mounted is a broker that runs from files.
type mounted struct {
	*fixture
	files                               broker.Files
	configMap, keySecret, sessionSecret *volume
	redisSecret                         *volume // nil for a single replica
}

func newMounted(t *testing.T) *mounted {
	t.Helper()
	return mount(t, nil)
}

// mount runs a broker from files, one of which may hold the URL of a Redis.
func mount(t *testing.T, redisSecret *volume) *mounted {
	t.Helper()
	return mountWith(t, redisSecret, func(*brokerconfig.Config) {})
}

// mountWith is mount with a configuration that the test has changed.
func mountWith(t *testing.T, redisSecret *volume, change func(*brokerconfig.Config)) *mounted {
	t.Helper()
	m := &mounted{fixture: &fixture{config: newConfig(), keys: newKeys(t), log: &buffer{}}, redisSecret: redisSecret}
	change(m.config)
	m.configMap, m.keySecret = newVolume(t, configFile(t, m.config)), newVolume(t, keysFile(t, m.keys))
	m.sessionSecret = newVolume(t, sessionFile(t, sessionKeys(t)))
	m.files = broker.Files{
		Config:      m.configMap.path(brokerconfig.DataKey),
		Keys:        m.keySecret.path(signingkey.DataKey),
		SessionKeys: m.sessionSecret.path(session.DataKey),
	}
	m.run(t)
	return m
}

// remount runs another broker from the same files.
func remount(t *testing.T, of *mounted) *mounted {
	t.Helper()
	again, copied := *of, *of.fixture
	again.fixture = &copied
	again.run(t)
	return &again
}

// run runs a broker from the files until the test ends.
func (m *mounted) run(t *testing.T) {
	t.Helper()
	logger := slog.New(slog.NewJSONHandler(m.log, nil))
	source, err := broker.NewSource(m.files, logger)
	if err != nil {
		t.Fatal(err)
	}
	options := broker.Options{State: source.State(), Logger: logger}
	ctx, stop := context.WithCancel(t.Context())
	var beside sync.WaitGroup
	t.Cleanup(func() { stop(); beside.Wait() })
	if m.redisSecret != nil {
		store := challenge.NewRedis(m.config.Issuer, time.Now)
		options.Nonces = store
		if err := source.Share(store, m.redisSecret.path(redisURLName)); err != nil {
			t.Fatal(err)
		}
		beside.Go(func() { store.Run(ctx) })
	}
	if m.server, err = broker.New(options); err != nil {
		t.Fatal(err)
	}
	server := m.server
	beside.Go(func() { source.Watch(ctx, server, time.Millisecond) })
}

// eventually polls for at most ten seconds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	poll := time.NewTicker(time.Millisecond)
	defer poll.Stop()
	for !holds() {
		select {
		case <-poll.C:
		case <-deadline.C:
			t.Fatalf("in ten seconds it did not happen that %s", what)
		}
	}
}

func (m *mounted) servedKeys(t *testing.T) string {
	t.Helper()
	return m.send(t, http.MethodGet, jwksPath, "").body
}

// count returns how many log lines have a message.
func (m *mounted) count(message string) int {
	return strings.Count(m.log.String(), `"msg":"`+message+`"`)
}

func TestAMountedKeyOrConfigurationTakesEffectWhenKubeletSwapsTheVolume(t *testing.T) {
	t.Parallel()
	m := newMounted(t)
	bearer := m.signIn(t, newKey(t))
	next := newKeys(t)
	m.keySecret.update(t, keysFile(t, next))
	eventually(t, "the new key is served", func() bool { return strings.Contains(m.servedKeys(t), next.Active().ID) })
	if kid := headerOf(t, m.mint(t, bearer, "").text(t, "jwt"))["kid"]; kid != next.Active().ID {
		t.Errorf("a mint after the swap is signed by %v", kid)
	}

	config := newConfig()
	config.Roles = nil
	m.configMap.update(t, configFile(t, config))
	eventually(t, "the roles are gone", func() bool { return m.mint(t, bearer, "").status == http.StatusServiceUnavailable })
}

func TestABadMountedFileIsReportedAndTheOldServesOn(t *testing.T) {
	t.Parallel()
	m := newMounted(t)
	bearer := m.signIn(t, newKey(t))
	before := m.servedKeys(t)
	const refused = "reload refused, going on as before"

	m.keySecret.update(t, map[string][]byte{signingkey.DataKey: []byte(`{"keys":[]}`)})
	eventually(t, "the bad keys are reported", func() bool { return m.count(refused) == 1 })
	if m.servedKeys(t) != before {
		t.Error("the served keys changed")
	}
	m.mint(t, bearer, "").members(t)

	other := newConfig()
	other.Issuer = "https://other.example.org"
	m.keySecret.update(t, keysFile(t, m.keys))
	m.configMap.update(t, configFile(t, other))
	eventually(t, "the other issuer is reported", func() bool {
		return strings.Contains(m.log.String(), "the issuer cannot change")
	})
	m.mint(t, bearer, "").members(t)
	m.configMap.update(t, configFile(t, m.config))
	next := newKeys(t)
	m.keySecret.update(t, keysFile(t, next))
	eventually(t, "the repaired files are served", func() bool { return strings.Contains(m.servedKeys(t), next.Active().ID) })
}

func TestAMissingMountedFileIsReportedAndTheOldServesOn(t *testing.T) {
	t.Parallel()
	m := newMounted(t)
	if err := os.Remove(m.files.Keys); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the missing file is reported", func() bool { return m.count("reload refused, going on as before") == 1 })
	m.mint(t, m.signIn(t, newKey(t)), "").members(t)
}

func TestNewSourceRefuses(t *testing.T) {
	t.Parallel()
	good := newMounted(t).files
	write := func(data string) string {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, c := range map[string]struct {
		spoil  func(*broker.Files)
		reason string
	}{
		"no configuration file":    {func(f *broker.Files) { f.Config += ".missing" }, "reading configuration"},
		"no key file":              {func(f *broker.Files) { f.Keys += ".missing" }, "reading signing keys"},
		"no session key file":      {func(f *broker.Files) { f.SessionKeys += ".missing" }, "reading session keys"},
		"a directory":              {func(f *broker.Files) { f.Config = filepath.Dir(f.Config) }, "reading configuration"},
		"a bad configuration":      {func(f *broker.Files) { f.Config = write("{}") }, "parsing broker configuration"},
		"bad keys":                 {func(f *broker.Files) { f.Keys = write("{}") }, "parsing signing keys"},
		"bad session keys":         {func(f *broker.Files) { f.SessionKeys = write(`{"keys":["hunter2"]}`) }, "parsing session keys"},
		"an endless session key":   {func(f *broker.Files) { f.SessionKeys = "/dev/zero" }, "larger than 16384 bytes"},
		"an endless configuration": {func(f *broker.Files) { f.Config = "/dev/zero" }, "larger than 1048576 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := good
			c.spoil(&files)
			_, err := broker.NewSource(files, slog.New(slog.DiscardHandler))
			if err == nil || !strings.Contains(err.Error(), c.reason) {
				t.Errorf("got %v, want it to say %q", err, c.reason)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Error("the error shows the key")
			}
		})
	}
}

func TestTheLogOfALoadNamesTheKey(t *testing.T) {
	t.Parallel()
	m := newMounted(t)
	eventually(t, "the load is logged", func() bool { return m.count("loaded") > 0 })
	line, _, _ := strings.Cut(m.log.String(), "\n")
	var record map[string]any
	if err := json.Unmarshal([]byte(line), &record); err != nil {
		t.Fatal(err)
	}
	if record["kid"] != m.keys.Active().ID || record["roles"] != float64(2) {
		t.Errorf("got %s", line)
	}
}
