package localaws

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// The names in a directory that keeps an account.
const (
	lockName    = "lock"          // locked by the server that uses the directory
	journalName = "account.jsonl" // what the account is, but for the bodies of objects
	bodiesName  = "objects"       // a file for the body of each version of an object
	newSuffix   = ".new"          // of a journal that is not yet complete
)

var errClosed = errors.New("the server is closed")

// keeper keeps an account in a directory.
//
// Everything but the bodies of objects is in a journal: a write appends one line
// with the entities that it changed, so that it costs what it changes, and takes
// effect wholly or not at all. A server that is killed leaves at most an
// unfinished last line, about which nobody has been told. Every line has a
// checksum. Bodies are written, to a file of their own, before the line that
// names them.
//
// Two other ways were considered. A JSON file for each entity cannot change two
// of them at once, and a role must not be without the policy that it refers to.
// A database (go.etcd.io/bbolt) has transactions and a lock, but it maps its
// pages into memory and trusts them, so that a damaged file crashes the process
// instead of being refused.
//
// Values in memory are replaced and never changed, and so what a write changed is
// found by comparing pointers with those that were kept last. No operation has to
// say what it changes, and none can forget to.
type keeper struct {
	dir    string
	logger *slog.Logger
	lock   *os.File

	mu      sync.Mutex // serializes saving; taken before Server.mu and storage.mu
	journal *journal
	account []table // IAM and STS, under Server.mu
	storage []table // S3, under storage.mu
	closed  bool

	// behind tells that memory has what could not be saved.
	behind atomic.Bool
}

// table keeps one kind of entity.
type table interface {
	// collect notes what in memory differs from what is kept.
	collect(s *Server)
	// changes encodes what collect noted, and writes bodies.
	changes() ([]change, error)
	// adopt takes what collect noted for kept.
	adopt() error
	// all encodes everything that is kept.
	all() ([]change, error)
	// restore puts the entities that were kept into memory.
	restore(s *Server, records records) error
	// name is the kind of the table's changes.
	name() string
}

// openKeeper takes the directory for this server, and fills the server with the
// account that is kept there; an empty directory keeps an empty account. The
// server must be new.
func openKeeper(dir string, s *Server) (*keeper, error) {
	k := &keeper{dir: dir, logger: s.options.Logger, account: accountTables(), storage: storageTables(filepath.Join(dir, bodiesName))}
	if err := k.open(s); err != nil {
		return nil, errors.Join(fmt.Errorf("opening directory %s: %w", dir, err), k.release())
	}
	return k, nil
}

func (k *keeper) open(s *Server) error {
	if err := k.takeDirectory(); err != nil {
		return err
	}
	path := filepath.Join(k.dir, journalName)
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = k.begin(path, s)
	}
	if err != nil {
		return err
	}
	var kept map[string]records
	if k.journal, kept, err = openJournal(path); err != nil {
		return err
	}
	if err := restoreAccount(s, kept[accountKind]); err != nil {
		return err
	}
	delete(kept, accountKind)
	for _, t := range slices.Concat(k.account, k.storage) {
		if err := t.restore(s, kept[t.name()]); err != nil {
			return err
		}
		delete(kept, t.name())
	}
	for kind := range kept {
		return fmt.Errorf("it keeps entities of the unknown kind %q", kind)
	}
	s.state.forgetExpired(s.options.Now().Add(-expiredKept))
	return s.state.checkReferences()
}

// takeDirectory makes the directory, unless it exists, and locks it.
func (k *keeper) takeDirectory() error {
	if err := os.MkdirAll(k.dir, 0o700); err != nil {
		return err
	}
	info, err := os.Stat(k.dir)
	if err != nil {
		return err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		return fmt.Errorf("others can use it (mode %#o), and it holds credentials: name a directory that does not exist yet, or chmod it to 0700", mode)
	}
	if k.lock, err = os.OpenFile(filepath.Join(k.dir, lockName), os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return err
	}
	if err := lockFile(k.lock); err != nil {
		return fmt.Errorf("locking it: %w", err)
	}
	return os.MkdirAll(filepath.Join(k.dir, bodiesName), 0o700)
}

// begin starts to keep an account in an empty directory.
func (k *keeper) begin(path string, s *Server) error {
	bodies, err := os.ReadDir(filepath.Join(k.dir, bodiesName))
	if err != nil {
		return err
	}
	if len(bodies) > 0 {
		return fmt.Errorf("there are objects in it, but no %s", journalName)
	}
	account, err := s.accountChange()
	if err != nil {
		return err
	}
	created, err := createJournal(path, []change{account})
	if err != nil {
		return err
	}
	return errors.Join(created.install(), created.close())
}

// Close saves what has not been saved, and releases the directory. A server
// without a directory has nothing to close. The server must not be used
// afterwards: what it is asked to change is answered with an error.
func (s *Server) Close() error {
	if s.keeper == nil {
		return nil
	}
	err := s.keeper.save(s)
	if errors.Is(err, errClosed) {
		return nil
	}
	return errors.Join(err, s.keeper.release())
}

// release closes what is open; the second time it does nothing.
func (k *keeper) release() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return nil
	}
	k.closed = true
	var err error
	if k.journal != nil {
		err = k.journal.close()
	}
	if k.lock != nil {
		err = errors.Join(err, unlockFile(k.lock), k.lock.Close())
	}
	return err
}

// keep saves what an operation changed, before it is answered. What failed is
// answered with failure, unless saving fails: it may have found what another
// operation has changed and not yet saved.
//
// Sessions are kept too, though the operations that begin one are no writes.
// As long as memory has what could not be saved, nothing is answered but the
// error, so that no answer rests on what a restart would take back.
func (s *Server) keep(call Call, failure *apiError) *apiError {
	if s.keeper == nil || !call.Write && call.Service != "sts" && !s.keeper.behind.Load() {
		return failure
	}
	err := s.keeper.save(s)
	if err == nil {
		return failure
	}
	s.options.Logger.Error("The account could not be saved", "directory", s.keeper.dir, "error", err)
	if call.Service == "s3" {
		return newError(http.StatusInternalServerError, "InternalError", "We encountered an internal error. Please try again.")
	}
	return internalFailure("The change could not be saved.")
}

// save writes what has changed since it was called last. When it returns without
// an error, all that was in memory when it was called is on disk.
func (k *keeper) save(s *Server) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	tables := k.collect(s)
	changed, err := k.write(tables)
	k.behind.Store(err != nil)
	if err != nil || !changed {
		return err
	}
	for _, t := range tables {
		if err := t.adopt(); err != nil {
			k.logger.Warn("A file that is no longer needed stays", "error", err)
		}
	}
	if k.journal.size > k.journal.limit {
		if err := k.compact(); err != nil {
			k.logger.Warn("The journal could not be made smaller", "error", err)
		}
	}
	return nil
}

// write writes what the tables have collected, if it is anything.
func (k *keeper) write(tables []table) (changed bool, err error) {
	if k.closed { // and the directory may be another server's
		return false, errClosed
	}
	if err := k.journal.mend(); err != nil {
		return false, err
	}
	var changes []change
	for _, t := range tables {
		more, err := t.changes()
		if err != nil {
			return false, err
		}
		changes = append(changes, more...)
	}
	if len(changes) == 0 {
		return false, nil
	}
	return true, k.journal.append(changes)
}

// collect notes what has changed. S3 comes first: its policies name roles, and
// so what is kept of it may not be newer than what is kept of IAM.
func (k *keeper) collect(s *Server) []table {
	k.collectStorage(s)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range k.account {
		t.collect(s)
	}
	return slices.Concat(k.account, k.storage)
}

func (k *keeper) collectStorage(s *Server) {
	s.storage.mu.Lock()
	defer s.storage.mu.Unlock()
	s.storage.objects.mu.RLock()
	defer s.storage.objects.mu.RUnlock()
	for _, t := range k.storage {
		t.collect(s)
	}
}

// compact replaces the journal by one of what is kept now.
func (k *keeper) compact() error {
	changes := []change{k.journal.first}
	for _, t := range slices.Concat(k.account, k.storage) {
		more, err := t.all()
		if err != nil {
			return err
		}
		changes = append(changes, more...)
	}
	smaller, err := createJournal(filepath.Join(k.dir, journalName), changes)
	if err != nil {
		return err
	}
	// From here on the old journal may no longer be the one that a restart
	// finds: either the new one takes its place, or nothing more is saved.
	err = errors.Join(smaller.install(), k.journal.close())
	k.journal = smaller
	return err
}
