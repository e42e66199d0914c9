package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/litentry/wallet-federation/internal/brokerconfig"
	"github.com/litentry/wallet-federation/internal/session"
	"github.com/litentry/wallet-federation/internal/signingkey"
	"github.com/litentry/wallet-federation/internal/wallet"
	"github.com/litentry/wallet-federation/test/redis"
	"github.com/litentry/wallet-federation/test/standalone"
)

const (
	replicas = 3
	role     = "arn:aws:iam::123456789012:role/bots"
)

// deployment is everything that runs, but for the callers.
type deployment struct {
	folder   string
	binary   string
	issuer   string
	tls      *standalone.Pair
	keys     *signingkey.Set
	sessions *session.KeySet
	redis    *redis.Process
	replicas []*replica
	proxy    *proxy
}

// deploy starts Redis, the replicas and the proxy. Its wallets are admitted.
func deploy(ctx context.Context, http2 bool, wallets []wallet.Address) (_ *deployment, err error) {
	s := &deployment{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close(true))
		}
	}()
	if s.folder, err = os.MkdirTemp("", "load-"); err != nil {
		return nil, err
	}
	if s.binary, err = standalone.Build(ctx, s.folder); err != nil {
		return nil, err
	}
	if s.tls, err = standalone.NewPair(); err != nil {
		return nil, err
	}
	if s.keys, err = signingkey.New(time.Now()); err != nil {
		return nil, err
	}
	s.sessions = session.NewKeySet(time.Now())
	if s.redis, err = redis.Launch(); err != nil {
		return nil, err
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.issuer = "https://" + listener.Addr().String()
	if err := s.startReplicas(ctx, wallets); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	s.proxy = newProxy(ctx, listener, s.tls.Certificate, s.tls.Roots, s.replicas, http2)
	return s, nil
}

func (s *deployment) startReplicas(ctx context.Context, wallets []wallet.Address) error {
	for i := range replicas {
		name := fmt.Sprintf("replica-%d", i)
		lists, err := newVolume(filepath.Join(s.folder, name+"-lists"), list(wallets))
		if err != nil {
			return err
		}
		r, err := s.newReplica(name, lists.dir)
		if err != nil {
			return err
		}
		if r.mounts.redis, err = newVolume(filepath.Join(s.folder, name+"-redis"), files{urlName: []byte(s.redis.URL() + "\n")}); err != nil {
			return err
		}
		s.replicas = append(s.replicas, r)
		if err := r.start(ctx); err != nil {
			return err
		}
	}
	return eventually(ctx, "every replica is ready and knows Redis", func() bool { return s.all(ctx, "ok") })
}

// all reports whether every replica is ready and says so much of its nonces.
func (s *deployment) all(ctx context.Context, nonces string) bool {
	for _, r := range s.replicas {
		said, err := r.ready(ctx)
		if err != nil || said.code != 200 || said.Checks["nonce_store"] != nonces {
			return false
		}
	}
	return true
}

// rest closes the connections to the replicas that nobody uses. Of those that are
// looked at by several at once there are several.
func (s *deployment) rest() {
	s.proxy.rest()
	for _, r := range s.replicas {
		r.at.Load().direct.close()
	}
}

// newReplica prepares what a replica runs from. It admits the wallets that are
// listed in a directory.
func (s *deployment) newReplica(name, lists string) (*replica, error) {
	config := brokerconfig.Default()
	config.Issuer, config.Roles = s.issuer, []string{role}
	config.Admission = brokerconfig.Admission{Mode: brokerconfig.AllowList, Directories: []string{lists}}
	config.Limits.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	configured, err := config.Marshal()
	if err != nil {
		return nil, err
	}
	secret, err := standalone.Secret(s.keys, s.sessions)
	if err != nil {
		return nil, err
	}
	r := &replica{name: name, binary: s.binary, roots: s.tls.Roots}
	if r.journal, err = newJournal(filepath.Join(s.folder, name+".log")); err != nil {
		return nil, err
	}
	for _, mount := range []struct {
		volume  **volume
		name    string
		content files
	}{
		{&r.mounts.config, "config", files{brokerconfig.DataKey: configured}},
		{&r.mounts.secret, "secret", secret},
		{&r.mounts.tls, "tls", s.tls.Files()},
	} {
		if *mount.volume, err = newVolume(filepath.Join(s.folder, name+"-"+mount.name), mount.content); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// close ends everything.
func (s *deployment) close(keepLogs bool) error {
	var errs []error
	if s.proxy != nil {
		errs = append(errs, s.proxy.close())
	}
	for _, r := range s.replicas {
		errs = append(errs, r.stop(), r.journal.close())
	}
	if s.redis != nil {
		errs = append(errs, s.redis.Close())
	}
	if !keepLogs {
		errs = append(errs, os.RemoveAll(s.folder))
	}
	return errors.Join(errs...)
}

// list is the volume of an admission list.
func list(wallets []wallet.Address) files {
	var text strings.Builder
	for _, w := range wallets {
		text.WriteString(string(w) + "\n")
	}
	return files{listName: []byte(text.String())}
}
