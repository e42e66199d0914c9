package broker_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"

	"github.com/litentry/wallet-federation/broker"
	"github.com/litentry/wallet-federation/internal/brokerconfig"
	"github.com/litentry/wallet-federation/internal/session"
	"github.com/litentry/wallet-federation/internal/signingkey"
	"github.com/litentry/wallet-federation/internal/wallet"
)

// process is a broker that runs from its command line, with TLS.
type process struct {
	*mountedFiles
	address string
	pairs   []map[string][]byte
	log     *buffer
}

// mountedFiles are the volumes of a broker's Pod.
type mountedFiles struct {
	configMap, keySecret, sessionSecret, tlsSecret, lists *volume
}

const listName = "bots"

func newProcess(t *testing.T, config *brokerconfig.Config, keys *signingkey.Set, sessions *session.KeySet, pairs []map[string][]byte) *process {
	t.Helper()
	p := &process{pairs: pairs, log: &buffer{}, mountedFiles: &mountedFiles{
		lists:     newVolume(t, map[string][]byte{listName: {}}),
		keySecret: newVolume(t, keysFile(t, keys)), sessionSecret: newVolume(t, sessionFile(t, sessions)),
		tlsSecret: newVolume(t, pairs[0]),
	}}
	config.Admission.Directories = []string{p.lists.dir}
	p.configMap = newVolume(t, configFile(t, config))
	command, err := broker.ParseCommand([]string{
		"--config", p.configMap.path(brokerconfig.DataKey), "--keys", p.keySecret.path(signingkey.DataKey),
		"--session-keys", p.sessionSecret.path(session.DataKey), "--listen", "127.0.0.1:0",
		"--tls-cert", p.tlsSecret.path(certName), "--tls-key", p.tlsSecret.path(keyName), "--shutdown-delay", "0s",
	}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	command.ReloadInterval = time.Millisecond
	listening := make(chan string, 1)
	command.Listen = func(ctx context.Context, address string) (net.Listener, error) {
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
		if err == nil {
			listening <- listener.Addr().String()
		}
		return listener, err
	}
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- command.Run(ctx, slog.New(slog.NewJSONHandler(p.log, nil))) }()
	t.Cleanup(func() {
		stop()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
	select {
	case p.address = <-listening:
	case err := <-stopped:
		stopped <- err
		t.Fatal(err)
	}
	return p
}

// user signs in and mints for ever, and checks each token with the keys that are
// served meanwhile.
type user struct {
	client *http.Client
	base   string
	key    *wallet.Key
	rounds atomic.Int64
	tokens int
}

func (u *user) send(ctx context.Context, method, path, bearer string, body any) (map[string]any, []byte, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return nil, nil, err
	}
	request, err := http.NewRequestWithContext(ctx, method, u.base+path, bytes.NewReader(data))
	if err != nil {
		return nil, nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	if bearer != "" {
		request.Header.Set("Authorization", "Bearer "+bearer)
	}
	response, err := u.client.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("%s answered %s %s: %w", path, response.Status, answer, err)
	}
	members := map[string]any{}
	return members, answer, json.Unmarshal(answer, &members)
}

func (u *user) fetchKeys(ctx context.Context) (jwk.Set, error) {
	_, data, err := u.send(ctx, http.MethodGet, jwksPath, "", nil)
	if err != nil {
		return nil, err
	}
	return jwk.Parse(data)
}

// verifies reports whether one of the keys signed a token.
func verifies(token []byte, keys jwk.Set) bool {
	_, err := jws.Verify(token, jws.WithKeySet(keys, jws.WithRequireKid(true)))
	return err == nil
}

// round is one sign-in and some mints.
func (u *user) round(ctx context.Context) error {
	started, _, err := u.send(ctx, http.MethodPost, startPath, "", map[string]any{"address": u.key.Address(), "chain_id": 1})
	if err != nil {
		return err
	}
	signature := u.key.SignPersonal(started["siwe_message"].(string))
	verified, _, err := u.send(ctx, http.MethodPost, verifyPath, "", map[string]any{"request_id": started["request_id"], "signature": signature})
	if err != nil {
		return err
	}
	for range 5 {
		before, err := u.fetchKeys(ctx)
		if err != nil {
			return err
		}
		minted, _, err := u.send(ctx, http.MethodPost, mintPath, verified["session_jwt"].(string), map[string]any{"role_arn": role})
		if err != nil {
			return err
		}
		// Those who verify keep the keys for a while: a key that signs has been
		// served before.
		if !verifies([]byte(minted["jwt"].(string)), before) {
			return errors.New("the keys that were served before do not verify the token")
		}
		u.tokens++
	}
	u.rounds.Add(1)
	return nil
}

// Everything that is mounted changes while clients on all cores sign in and
// mint: no request fails, and no token is beyond the keys that are served.
func TestEverythingIsReloadedUnderLoadWithoutAFailedRequest(t *testing.T) {
	t.Parallel()
	const steps = 9
	config, keys, sessions := newConfig(), newKeys(t), session.NewKeySet(epoch)
	config.Admission.Mode = brokerconfig.AllowList
	users := make([]*user, 2*runtime.GOMAXPROCS(0))
	for i := range users {
		users[i] = &user{key: newKey(t)}
		config.Admission.Wallets = append(config.Admission.Wallets, users[i].key.Address())
	}
	pairs := make([]map[string][]byte, steps+1)
	for i := range pairs {
		pairs[i] = newPair(t, int64(i+1))
	}
	p := newProcess(t, config, keys, sessions, pairs)

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var group sync.WaitGroup
	for i, u := range users {
		u.client, u.base = secureClient(t, i%2 == 0, pairs...), "https://"+p.address
		group.Go(func() {
			defer stop()
			for ctx.Err() == nil {
				if err := u.round(context.WithoutCancel(ctx)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	// A step is over when every client has begun and ended a round since the
	// broker took it, so that no session outlives its key.
	settle := func() {
		t.Helper()
		for _, u := range users {
			begun := u.rounds.Load()
			eventually(t, "every client ends two rounds", func() bool { return u.rounds.Load() >= begun+2 || ctx.Err() != nil })
		}
	}
	settle()
	for step := range steps {
		keys = nextKeys(t, keys, step)
		sessions, _ = sessions.Rotate(session.Schedule{Interval: 1, PublishAhead: 1, RetireAfter: 1}, epoch.Add(time.Duration(step)*time.Hour))
		p.change(t, config, keys, sessions, step)
		settle()
	}
	stop()
	group.Wait()
	tokens := 0
	for _, u := range users {
		tokens += u.tokens
	}
	t.Logf("%d tokens", tokens)
	if strings.Contains(p.log.String(), `"outcome":"refused"`) {
		t.Error("the log tells of refusals")
	}
}

// nextKeys takes the next step of a rotation: a key is announced, then it signs,
// then the one before it is gone.
func nextKeys(t *testing.T, keys *signingkey.Set, step int) *signingkey.Set {
	t.Helper()
	var err error
	switch at := epoch.Add(time.Duration(step) * time.Hour); step % 3 {
	case 0:
		keys, err = keys.Announce(at)
	case 1:
		keys, err = keys.Activate(at)
	case 2:
		keys, err = keys.Remove(keys.Keys()[0].ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// change swaps all volumes and waits until the broker has taken them.
func (p *process) change(t *testing.T, config *brokerconfig.Config, keys *signingkey.Set, sessions *session.KeySet, step int) {
	t.Helper()
	next := *config
	next.Token.LifetimeSeconds = 300 + step
	next.Limits.Client = brokerconfig.Rate{PerSecond: 1e6, Burst: 1e6 - step}
	next.Revocations = []brokerconfig.Revocation{{Wallet: alice, Before: epoch.Add(time.Duration(step) * time.Hour)}}
	if step%2 == 0 {
		next.Roles = []string{role}
	}
	var list bytes.Buffer
	for range step {
		fmt.Fprintln(&list, newKey(t).Address())
	}
	p.lists.update(t, map[string][]byte{listName: list.Bytes()})
	p.configMap.update(t, configFile(t, &next))
	p.keySecret.update(t, keysFile(t, keys))
	p.sessionSecret.update(t, sessionFile(t, sessions))
	p.tlsSecret.update(t, p.pairs[step+1])
	taken := []string{
		fmt.Sprintf(`"kid":%q,"session_kid":%q,"roles":%d,"admitted":%d`, keys.Active().ID, sessions.Active().ID, len(next.Roles), step),
		fmt.Sprintf(`"serial":"%x"`, step+2),
	}
	eventually(t, "the broker has loaded all files", func() bool {
		log := p.log.String()
		return !slices.ContainsFunc(taken, func(line string) bool { return !strings.Contains(log, line) })
	})
}
