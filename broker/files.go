package broker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/litentry/wallet-federation/internal/admission"
	"github.com/litentry/wallet-federation/internal/brokerconfig"
	"github.com/litentry/wallet-federation/internal/challenge"
	"github.com/litentry/wallet-federation/internal/session"
	"github.com/litentry/wallet-federation/internal/signingkey"
)

// Files are the paths of the mounted files that a broker runs from. The
// configuration names further directories, of admission lists.
type Files struct {
	// Config is the configuration, see package brokerconfig.
	Config string
	// Keys are the signing keys, see package signingkey.
	Keys string
	// SessionKeys are the session keys, see package session.
	SessionKeys string
}

// The parts of what is mounted, as errors, metrics and readyz name them.
const (
	partConfig      = "configuration"
	partKeys        = "signing keys"
	partSessionKeys = "session keys"
	partLists       = "admission lists"
	partRedis       = "Redis URL"
	partCertificate = "certificate"
	// partTogether is all of them: each may be good, and they may not agree.
	partTogether = "all together"
)

// Source is where a server's state comes from. It looks at the content of the
// files, by the same path each time, because kubelet replaces a mounted volume
// by swapping a symbolic link above them. Each part of the state is taken by
// itself: what is wrong with one file does not hold up another.
type Source struct {
	logger   *slog.Logger
	config   watched[*brokerconfig.Config]
	keys     watched[*signingkey.Set]
	sessions watched[*session.KeySet]
	admitted watched[*admission.List]
	// incomplete is whether admitted lacks lists that were bad at the start.
	incomplete bool
	shared     *sharedStore // nil without
	// without is what was wrong at the start with parts that a broker does
	// without.
	without []fault
}

// fault is what is wrong with one part of the state.
type fault struct {
	part string
	err  error
}

// NewSource reads all files once. Every one of them has to be good but the
// admission lists, which other people may write than those who run the broker:
// nobody is admitted by one that is bad until it is mended, and everybody else is
// served. A broker that did not start would take the issuer's keys away, and with
// them all access, from all other wallets.
func NewSource(files Files, logger *slog.Logger) (*Source, error) {
	s := &Source{logger: logger}
	s.config = watched[*brokerconfig.Config]{name: partConfig, parse: s.parseConfig, read: func() ([]byte, error) {
		return readFile(files.Config, brokerconfig.MaxBytes)
	}}
	s.keys = watched[*signingkey.Set]{name: partKeys, parse: signingkey.Parse, read: func() ([]byte, error) {
		return readFile(files.Keys, signingkey.MaxBytes)
	}}
	s.sessions = watched[*session.KeySet]{name: partSessionKeys, parse: session.ParseKeySet, read: func() ([]byte, error) {
		return readFile(files.SessionKeys, session.MaxBytes)
	}}
	s.admitted = watched[*admission.List]{name: partLists, parse: s.loadLists, read: func() ([]byte, error) {
		return admission.Digest(s.config.value.Admission.Directories)
	}}
	for _, part := range []part{&s.config, &s.keys, &s.sessions} {
		if _, err := part.look(); err != nil {
			return nil, err
		}
	}
	s.begin(&s.admitted)
	if s.admitted.value == nil {
		var err error // which was reported already
		s.admitted.value, err = admission.Salvage(s.config.value.Admission.Directories)
		s.incomplete = err != nil
	}
	return s, nil
}

// Share makes the source look after where a store is, by a file with the URL of
// Redis. There has to be a file. If it cannot be used yet, nobody can sign in
// until it can: a broker mints and publishes its keys without.
func (s *Source) Share(store *challenge.Redis, file string) error {
	if _, err := readFile(file, maxRedisURL); err != nil {
		return fmt.Errorf("reading %s: %w", partRedis, err)
	}
	s.shared = newSharedStore(store, file)
	s.begin(s.shared)
	return nil
}

// begin takes a part that a broker can start without.
func (s *Source) begin(part part) {
	if _, err := part.look(); err != nil {
		s.without = append(s.without, fault{part.label(), err})
	}
}

// parseConfig refuses what the server would: by then the rest of the state could
// no longer be told from it.
func (s *Source) parseConfig(data []byte) (*brokerconfig.Config, error) {
	config, err := brokerconfig.Parse(data)
	if err != nil {
		return nil, err
	}
	if running := s.config.value; running != nil {
		return config, sameIssuer(running.Issuer, config.Issuer)
	}
	return config, nil
}

// part is one part of the state, whatever its type.
type part interface {
	// look reports whether there is another good value, and an error once for
	// everything bad that it sees.
	look() (bool, error)
	label() string
}

// parts are all of them. The configuration is first: it names the directories.
func (s *Source) parts() []part {
	parts := []part{&s.config, &s.keys, &s.sessions, &s.admitted}
	if s.shared != nil {
		parts = append(parts, s.shared)
	}
	return parts
}

// loadLists reads the lists again: there is too much of them to be kept just to
// be compared.
func (s *Source) loadLists([]byte) (*admission.List, error) {
	list, err := admission.Load(s.config.value.Admission.Directories)
	if err == nil {
		s.incomplete = false
	}
	return list, err
}

// State returns what was read last and was good.
func (s *Source) State() State {
	return State{Config: s.config.value, Keys: s.keys.value, SessionKeys: s.sessions.value, Admitted: s.admitted.value, Incomplete: s.incomplete}
}

// Watch looks at the files every interval until ctx ends and reloads the server
// when their content has changed. A file that cannot be read or is not valid is
// reported once for each content, and the server goes on with what it had of it.
func (s *Source) Watch(ctx context.Context, server *Server, interval time.Duration) {
	s.logLoaded(ctx)
	for _, f := range s.without {
		server.noteReload(f.part, f.err)
		s.logger.ErrorContext(ctx, "started without a part of the files", "part", f.part, "error", f.err)
	}
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			s.reloadIfChanged(ctx, server)
		}
	}
}

func (s *Source) reloadIfChanged(ctx context.Context, server *Server) {
	changed := false
	for _, part := range s.parts() {
		news, err := part.look()
		if news || err != nil {
			server.noteReload(part.label(), err)
		}
		if err != nil {
			s.logger.ErrorContext(ctx, "reload refused, going on as before", "error", err)
		}
		changed = changed || news
	}
	if !changed {
		return
	}
	err := server.Reload(s.State())
	server.noteReload(partTogether, err)
	if err != nil {
		s.logger.ErrorContext(ctx, "reload refused, going on as before", "error", err)
		return
	}
	s.logLoaded(ctx)
}

func (s *Source) logLoaded(ctx context.Context) {
	state := s.State()
	s.logger.InfoContext(ctx, "loaded", "kid", state.Keys.Active().ID, "session_kid", state.SessionKeys.Active().ID,
		"roles", len(state.Config.Roles), "admitted", state.Admitted.Len())
}

// watched is one part of the state, and the fingerprint of what was last seen
// of it, good or bad.
type watched[T any] struct {
	name  string
	read  func() ([]byte, error)
	parse func([]byte) (T, error)

	seen  string
	value T
}

func (w *watched[T]) label() string { return w.name }

func (w *watched[T]) look() (bool, error) {
	data, err := w.read()
	if err != nil {
		return false, w.complain(err.Error(), err)
	}
	digest := sha256.Sum256(data)
	fingerprint := hex.EncodeToString(digest[:])
	if fingerprint == w.seen {
		return false, nil
	}
	value, err := w.parse(data)
	if err != nil {
		return false, w.complain(fingerprint, err)
	}
	w.seen, w.value = fingerprint, value
	return true, nil
}

func (w *watched[T]) complain(seen string, err error) error {
	if seen == w.seen {
		return nil
	}
	w.seen = seen
	return fmt.Errorf("reading %s: %w", w.name, err)
}

// readFile reads a file of at most limit bytes.
func readFile(path string, limit int64) ([]byte, error) {
	file, err := os.Open(path) //nolint:gosec // The path is the operator's flag, not a request's.
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, limit)
	}
	return data, nil
}
