package broker_test

import (
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/litentry/wallet-federation/broker"
	"github.com/litentry/wallet-federation/internal/brokerconfig"
	"github.com/litentry/wallet-federation/internal/session"
	"github.com/litentry/wallet-federation/internal/signingkey"
	"github.com/litentry/wallet-federation/internal/wallet"
)

// allowing is a broker that admits one wallet by name, and one by a list that is not
// the only one.
type allowing struct {
	*mounted
	named, listed *wallet.Key
	lists, others *volume
}

// list is the text that names the listed wallet, after other lines.
func (a *allowing) list(lines ...string) map[string][]byte {
	return map[string][]byte{"bots": []byte(strings.Join(append(lines, string(a.listed.Address())), "\n"))}
}

// newAllowing starts it with some lines before the one of the listed wallet.
func newAllowing(t *testing.T, lines ...string) *allowing {
	t.Helper()
	a := &allowing{named: newKey(t), listed: newKey(t)}
	a.lists, a.others = newVolume(t, a.list(lines...)), newVolume(t, map[string][]byte{"others": []byte(alice)})
	a.mounted = mountWith(t, nil, func(c *brokerconfig.Config) {
		c.Admission = brokerconfig.Admission{
			Mode: brokerconfig.AllowList, Wallets: []wallet.Address{a.named.Address()}, Directories: []string{a.lists.dir, a.others.dir},
		}
	})
	return a
}

// door is what a wallet gets that proves itself.
func (a *allowing) door(t *testing.T, key *wallet.Key) answer {
	t.Helper()
	s := a.start(t, string(key.Address()))
	return a.verify(t, s.handle, key.SignPersonal(s.message))
}

// undecided checks that a wallet is told to try again.
func (a answer) undecided(t *testing.T) {
	t.Helper()
	if a.status != http.StatusServiceUnavailable || a.code(t) != "admission_unavailable" || a.header.Get("Retry-After") != "30" {
		t.Errorf("got %d %v %s", a.status, a.header, a.body)
	}
}

func TestABrokerStartsWithABadListAndAdmitsNobodyByIt(t *testing.T) {
	t.Parallel()
	a := newAllowing(t, "vitalik.eth")
	eventually(t, "it is reported", func() bool { return a.count("started without a part of the files") == 1 })
	a.mint(t, a.door(t, a.named).text(t, "session_jwt"), "").members(t)
	if !strings.Contains(a.servedKeys(t), a.keys.Active().ID) {
		t.Error("the keys are not served")
	}
	a.door(t, a.listed).undecided(t)
	a.door(t, newKey(t)).undecided(t)
	// Before the signature is right, nobody is told.
	s := a.start(t, string(a.listed.Address()))
	if got := a.verify(t, s.handle, a.named.SignPersonal(s.message)); got.status != http.StatusUnauthorized {
		t.Errorf("a bad signature got %d %s", got.status, got.body)
	}
	if a.check(t, "admission") != "incomplete" || a.check(t, "configuration") != "stale" {
		t.Error("readyz does not say so")
	}
	if got := a.value(t, "admitted_wallets", "source=lists"); got != 1 {
		t.Errorf("%v wallets are admitted by lists, want the one of the good list", got)
	}
	if got := a.value(t, "reloads_total", "outcome=refused", "part=admission lists"); got != 1 {
		t.Errorf("%v refusals were counted", got)
	}

	a.lists.update(t, a.list())
	eventually(t, "the list is taken", func() bool { return a.check(t, "admission") == "ok" })
	a.mint(t, a.door(t, a.listed).text(t, "session_jwt"), "").members(t)
	if got := a.door(t, newKey(t)); got.status != http.StatusForbidden {
		t.Errorf("a stranger got %d %s", got.status, got.body)
	}
	eventually(t, "all is well", func() bool { return a.check(t, "configuration") == "ok" })

	// From now on there is a last good list.
	a.lists.update(t, a.list("0x"))
	eventually(t, "the bad list is refused", func() bool { return a.check(t, "configuration") == "stale" })
	a.door(t, a.listed).members(t)
	if got := a.check(t, "admission"); got != "ok" {
		t.Errorf("admission is %s", got)
	}
}

// A broker that restarts while its list is bad must not tell clients for good
// that they are out.
func TestASessionOfAListedWalletOutlivesABadList(t *testing.T) {
	t.Parallel()
	a := newAllowing(t)
	bearer := a.door(t, a.listed).text(t, "session_jwt")
	a.lists.update(t, a.list("0x"))
	restarted := *a
	restarted.mounted = remount(t, a.mounted)
	restarted.mint(t, bearer, "").undecided(t)
	form := "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token_type=urn:ietf:params:oauth:token-type:jwt&subject_token=" + bearer
	got := restarted.send(t, http.MethodPost, "/oauth2/token", form, "Content-Type", "application/x-www-form-urlencoded")
	if got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, `"temporarily_unavailable"`) || got.header.Get("Retry-After") != "30" {
		t.Errorf("got %d %s", got.status, got.body)
	}
	a.lists.update(t, a.list())
	eventually(t, "the list is taken", func() bool { return restarted.mint(t, bearer, "").status == http.StatusOK })
}

func TestABrokerStartsWithoutTheDirectoryOfAList(t *testing.T) {
	t.Parallel()
	config := newConfig()
	other := newVolume(t, map[string][]byte{"others": []byte(alice)})
	config.Admission = brokerconfig.Admission{
		Mode: brokerconfig.AllowList, Directories: []string{filepath.Join(t.TempDir(), "missing"), other.dir},
	}
	source, err := broker.NewSource(broker.Files{
		Config:      newVolume(t, configFile(t, config)).path(brokerconfig.DataKey),
		Keys:        newVolume(t, keysFile(t, newKeys(t))).path(signingkey.DataKey),
		SessionKeys: newVolume(t, sessionFile(t, session.NewKeySet(time.Now()))).path(session.DataKey),
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if state := source.State(); !state.Incomplete || !state.Admitted.Contains(alice) {
		t.Errorf("%d wallets are listed, and that is incomplete: %v", state.Admitted.Len(), state.Incomplete)
	}
}
