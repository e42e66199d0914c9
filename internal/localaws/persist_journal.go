package localaws

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/litentry/wallet-federation/internal/strictjson"
)

const (
	// journalFormat is the version of the format that is written and read. A
	// change that older programs would misread takes the next number. One that
	// adds a member to a record does not need to: they refuse unknown members.
	journalFormat = 1
	// journalHeader begins a journal, and tells how many bytes of it are
	// certainly on disk. Its length is fixed.
	journalHeader = "localaws account, format %d, %020d bytes\n"
	// smallJournal is how long a journal may grow, in bytes, before it is worth
	// the while to write it anew. A larger one may double.
	smallJournal = 16 << 20
	// changesPerLine bounds the lines of a journal that is written anew.
	changesPerLine = 1000
)

var (
	headerPattern = regexp.MustCompile(`^localaws account, format (\d+), (\d{20}) bytes\n`)
	checksums     = crc32.MakeTable(crc32.Castagnoli)
	errDamaged    = errors.New(journalName + " is damaged")
)

// change is one entity that has changed.
type change struct {
	Kind  string          `json:"kind"`
	ID    string          `json:"id"`
	Value json.RawMessage `json:"value,omitempty"` // absent if it is gone
}

// newChange encodes an entity as its record.
func newChange(kind, id string, record any) (change, error) {
	value, err := json.Marshal(record)
	if err != nil {
		return change{}, fmt.Errorf("encoding %s %q: %w", kind, id, err)
	}
	return change{Kind: kind, ID: id, Value: value}, nil
}

// records are the entities of one kind, by id.
type records map[string]json.RawMessage

// journal is a file of lines, each a checksum and a list of changes.
type journal struct {
	file  *os.File
	path  string
	first change // the account
	size  int64  // of what is complete
	limit int64  // the size from which it is to be written anew
	torn  bool   // there may be more than size bytes in the file
}

// createJournal makes a journal with some changes in it, of which the first tells
// about the account. It is at path once it is installed.
func createJournal(path string, changes []change) (*journal, error) {
	file, err := os.OpenFile(path+newSuffix, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600) //nolint:gosec // the user names the directory
	if err != nil {
		return nil, fmt.Errorf("making a journal: %w", err)
	}
	j := &journal{file: file, path: path, first: changes[0], size: headerSize()}
	if err := j.fill(changes); err != nil {
		return nil, errors.Join(fmt.Errorf("making a journal: %w", err), file.Close(), os.Remove(path+newSuffix))
	}
	j.limit = max(smallJournal, 2*j.size)
	return j, nil
}

// install puts a new journal in the place of the one before it. If that fails,
// nothing can be appended to it.
func (j *journal) install() error {
	err := os.Rename(j.path+newSuffix, j.path)
	if err == nil {
		err = syncDirectory(filepath.Dir(j.path))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("installing a journal: %w", err), j.file.Close())
	}
	return nil
}

// fill writes a new journal.
func (j *journal) fill(changes []change) error {
	for len(changes) > 0 {
		n := min(len(changes), changesPerLine)
		if err := j.write(changes[:n]); err != nil {
			return err
		}
		changes = changes[n:]
	}
	if err := j.writeHeader(); err != nil {
		return err
	}
	return j.file.Sync()
}

// mend cuts off what an attempt to append has left. It comes before the bodies
// that such a line may name are written anew.
func (j *journal) mend() error {
	if !j.torn {
		return nil
	}
	if err := j.file.Truncate(j.size); err != nil {
		return fmt.Errorf("mending the journal: %w", err)
	}
	j.torn = false
	return nil
}

// append adds a line of changes that take effect together, and returns when it
// is on disk.
func (j *journal) append(changes []change) error {
	j.torn = true
	size := j.size
	err := j.write(changes)
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		j.size = size
		return fmt.Errorf("writing the journal: %w", err)
	}
	j.torn = false
	// After the line is on disk: the header never tells of more than there is.
	return j.writeHeader()
}

func (j *journal) write(changes []change) error {
	encoded, err := json.Marshal(changes)
	if err != nil {
		return err
	}
	line := fmt.Appendf(nil, "%08x %s\n", crc32.Checksum(encoded, checksums), encoded)
	n, err := j.file.WriteAt(line, j.size)
	j.size += int64(n)
	return err
}

func (j *journal) writeHeader() error {
	_, err := j.file.WriteAt(fmt.Appendf(nil, journalHeader, journalFormat, j.size), 0)
	return err
}

func (j *journal) close() error { return j.file.Close() }

func headerSize() int64 { return int64(len(fmt.Sprintf(journalHeader, journalFormat, 0))) }

// openJournal opens a journal and reads what it keeps. What an interrupted write
// has left at its end is cut off.
func openJournal(path string) (*journal, map[string]records, error) {
	data, err := os.ReadFile(path) //nolint:gosec // the user names the directory
	if err != nil {
		return nil, nil, fmt.Errorf("reading the journal: %w", err)
	}
	changes, size, err := parseJournal(data)
	if err != nil {
		return nil, nil, err
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0) //nolint:gosec // the user names the directory
	if err != nil {
		return nil, nil, fmt.Errorf("opening the journal: %w", err)
	}
	j := &journal{file: file, path: path, first: changes[0], size: size, torn: true}
	kept := map[string]records{}
	for _, c := range changes {
		if kept[c.Kind] == nil {
			kept[c.Kind] = records{}
		}
		if c.Value == nil {
			delete(kept[c.Kind], c.ID)
		} else {
			kept[c.Kind][c.ID] = c.Value
		}
	}
	for _, entities := range kept {
		for _, value := range entities {
			j.limit += 2 * int64(len(value))
		}
	}
	j.limit = max(smallJournal, j.limit)
	return j, kept, nil
}

// parseJournal reads all changes, and how far they go. Of the bytes that the
// header vouches for, each must be right; behind them, a write may have been
// interrupted.
func parseJournal(data []byte) ([]change, int64, error) {
	header := headerPattern.FindSubmatch(data)
	if header == nil {
		return nil, 0, fmt.Errorf("%w: it does not begin as a journal of localaws does", errDamaged)
	}
	if format := string(header[1]); format != strconv.Itoa(journalFormat) {
		return nil, 0, fmt.Errorf("%s is of format %s, and this localaws reads format %d only: use the version that wrote it", journalName, format, journalFormat)
	}
	vouched, err := strconv.Atoi(string(header[2]))
	if err != nil || vouched > len(data) {
		return nil, 0, fmt.Errorf("%w: it has been cut short", errDamaged)
	}
	var changes []change
	offset := len(header[0])
	for offset < len(data) {
		more, length, err := parseLine(data[offset:])
		if err != nil && offset < vouched {
			return nil, 0, fmt.Errorf("%w at byte %d: %w", errDamaged, offset, err)
		}
		if err != nil {
			break
		}
		changes = append(changes, more...)
		offset += length
	}
	if len(changes) == 0 {
		return nil, 0, fmt.Errorf("%w: it keeps nothing", errDamaged)
	}
	return changes, int64(offset), nil
}

// parseLine reads the line that data begins with.
func parseLine(data []byte) ([]change, int, error) {
	end := bytes.IndexByte(data, '\n')
	if end < 0 {
		return nil, 0, errors.New("a line does not end")
	}
	checksum, encoded, _ := bytes.Cut(data[:end], []byte(" "))
	if string(checksum) != fmt.Sprintf("%08x", crc32.Checksum(encoded, checksums)) {
		return nil, 0, errors.New("a checksum is wrong")
	}
	var changes []change
	if err := strictjson.Unmarshal(encoded, &changes); err != nil {
		return nil, 0, err
	}
	return changes, end + 1, nil
}

// syncDirectory makes sure that the names of new files are on disk.
func syncDirectory(path string) error {
	dir, err := os.Open(path) //nolint:gosec // the user names the directory
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
