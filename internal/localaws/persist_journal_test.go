package localaws

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/litentry/wallet-federation/internal/policy"
)

func newChanges(ids ...string) []change {
	var changes []change
	for _, id := range ids {
		changes = append(changes, change{Kind: "thing", ID: id, Value: []byte(`{"is":"here"}`)})
	}
	return changes
}

// journalOf is the content of a journal to which the lines were appended.
func journalOf(t *testing.T, lines ...[]change) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), journalName)
	j, err := createJournal(path, newChanges("first"))
	if err != nil {
		t.Fatal(err)
	}
	if err := j.install(); err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		if err := j.append(line); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestDamagedJournalIsRefused(t *testing.T) {
	t.Parallel()
	content := journalOf(t, newChanges("a", "b"), newChanges("c"))
	want, _, err := parseJournal(content)
	if err != nil {
		t.Fatal(err)
	}
	for length := range content {
		if _, _, err := parseJournal(content[:length]); !errors.Is(err, errDamaged) {
			t.Errorf("cut to %d of %d bytes: error %v, want that it is damaged", length, len(content), err)
		}
	}
	for i := range content {
		for bit := range 8 {
			damaged := slices.Clone(content)
			damaged[i] ^= 1 << bit
			// A header that vouches for less than there is does no harm.
			if got, _, err := parseJournal(damaged); err == nil && !cmp.Equal(got, want) {
				t.Errorf("bit %d of byte %d is damaged: it is read as something else", bit, i)
			} else if err == nil && int64(i) >= headerSize() {
				t.Errorf("bit %d of byte %d is damaged: that is not noticed", bit, i)
			}
		}
	}
}

// A write that is interrupted has not been answered.
func TestInterruptedWriteIsForgotten(t *testing.T) {
	t.Parallel()
	before := journalOf(t, newChanges("a"))
	after := journalOf(t, newChanges("a"), newChanges("b", "c"))
	want, size, err := parseJournal(before)
	if err != nil {
		t.Fatal(err)
	}
	line := after[len(before):]
	for length := range line {
		torn := slices.Concat(before, line[:length])
		got, end, err := parseJournal(torn)
		if err != nil || end != size || !cmp.Equal(got, want) {
			t.Fatalf("%d of %d bytes of the next line: %d changes up to byte %d, error %v; want %d up to %d",
				length, len(line), len(got), end, err, len(want), size)
		}
	}
	if got, _, err := parseJournal(slices.Concat(before, line)); err != nil || len(got) != len(want)+2 {
		t.Errorf("the whole line, under the header of before: %d changes, error %v", len(got), err)
	}
}

func TestJournalAfterAnInterruptedWrite(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), journalName)
	torn := append(journalOf(t), bytes.Repeat([]byte("x"), 4096)...)
	if err := os.WriteFile(path, torn, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"a", "b"} {
		j, _, err := openJournal(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(j.mend(), j.append(newChanges(id)), j.close()); err != nil {
			t.Fatal(err)
		}
	}
	j, kept, err := openJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.close(); err != nil {
		t.Error(err)
	}
	if got := len(kept["thing"]); got != 3 {
		t.Errorf("%d things are kept, want first, a and b", got)
	}
}

func TestJournalIsWrittenAnew(t *testing.T) {
	t.Parallel()
	options := Options{Directory: filepath.Join(t.TempDir(), "account")}
	s := mustNew(t, options)
	s.keeper.journal.limit = 4096
	path := filepath.Join(options.Directory, journalName)
	const writes = 100
	for i := range writes {
		if failure := setRole(t, s, "role", strconv.Itoa(i)); failure != nil {
			t.Fatal(failure)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if s.keeper.journal.limit != smallJournal || info.Size() > smallJournal {
		t.Errorf("the journal of %d bytes was not written anew", info.Size())
	}
	mustClose(t, s)
	s = mustNew(t, options)
	defer mustClose(t, s)
	if got := s.state.roles["role"].description; got != strconv.Itoa(writes-1) {
		t.Errorf("the role is %q, want what was written last", got)
	}
}

// setRole makes or replaces a role, in a call.
func setRole(t *testing.T, s *Server, name, description string) *apiError {
	t.Helper()
	trust, err := parseText(policy.Trust, `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"sts:*"}}`)
	if err != nil {
		t.Fatal(err)
	}
	return s.perform(t.Context(), Call{Service: "iam", Write: true}, func() *apiError {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.change(func(d *directory) {
			d.roles[name] = &role{entity: entity{name: name}, description: description, trust: trust}
		})
		return nil
	})
}

// What could not be saved must not be built upon: a role that is seen to be gone
// must not come back.
func TestNothingIsAnsweredWhileSavingFails(t *testing.T) {
	t.Parallel()
	options := Options{Directory: filepath.Join(t.TempDir(), "account")}
	s := mustNew(t, options)
	if failure := setRole(t, s, "kept", "before"); failure != nil {
		t.Fatal(failure)
	}
	good := s.keeper.journal.file
	readOnly, err := os.Open(good.Name())
	if err != nil {
		t.Fatal(err)
	}
	s.keeper.journal.file = readOnly
	if failure := setRole(t, s, "unsaved", ""); failure == nil || failure.code != "InternalFailure" {
		t.Errorf("a write that cannot be saved is answered with %v", failure)
	}
	reading := func(service string) *apiError {
		return s.perform(t.Context(), Call{Service: service}, func() *apiError { return nil })
	}
	if failure := reading("iam"); failure == nil || failure.code != "InternalFailure" {
		t.Errorf("IAM is read while saving fails: %v", failure)
	}
	if failure := reading("s3"); failure == nil || failure.code != "InternalError" {
		t.Errorf("S3 is read while saving fails: %v", failure)
	}
	s.keeper.journal.file = good
	if failure := reading("iam"); failure != nil {
		t.Errorf("IAM is not read once saving works again: %v", failure)
	}
	mustClose(t, s)
	again := mustNew(t, options)
	defer mustClose(t, again)
	if again.state.roles["kept"] == nil || again.state.roles["unsaved"] == nil {
		t.Error("what was saved late is not kept")
	}
	if err := readOnly.Close(); err != nil {
		t.Error(err)
	}
}
