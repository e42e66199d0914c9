package localaws

import (
	"cmp"
	"crypto/md5" //nolint:gosec // S3 defines the entity tag of an object as its MD5.
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/litentry/wallet-federation/internal/strictjson"
)

// objectTable keeps the versions of objects. Each has a number, which is its id
// and the name of the file with its body; the versions of one object have their
// numbers in the order of their age.
type objectTable struct {
	directory string
	last      uint64 // the highest number that was ever kept
	next      uint64 // the highest number that is pending
	kept      map[objectID][]keptVersion
	pending   map[objectID][]keptVersion // empty for what is gone
}

// objectID names an object.
type objectID struct{ bucket, key string }

// keptVersion is a version with its number.
type keptVersion struct {
	number uint64
	object *storedObject
}

func (t *objectTable) name() string { return objectKind }

func (t *objectTable) collect(s *Server) {
	t.pending, t.next = map[objectID][]keptVersion{}, t.last
	found := 0
	for name, b := range s.storage.objects.buckets {
		for key, versions := range b.objects {
			id := objectID{name, key}
			kept := t.kept[id]
			if kept != nil {
				found++
			}
			if !sameVersions(kept, versions) {
				t.pending[id] = t.number(kept, versions)
			}
		}
	}
	if found == len(t.kept) {
		return // nothing is gone
	}
	for id := range t.kept {
		if b := s.storage.objects.buckets[id.bucket]; b == nil || b.objects[id.key] == nil {
			t.pending[id] = nil
		}
	}
}

func sameVersions(kept []keptVersion, versions []*storedObject) bool {
	return slices.EqualFunc(kept, versions, func(k keptVersion, o *storedObject) bool { return k.object == o })
}

// number gives numbers to the versions of an object. One keeps the number that
// it has, unless it comes behind a higher one now.
func (t *objectTable) number(kept []keptVersion, versions []*storedObject) []keptVersion {
	numbered := make([]keptVersion, 0, len(versions))
	for _, o := range versions {
		i := slices.IndexFunc(kept, func(k keptVersion) bool { return k.object.version == o.version })
		if i >= 0 && sameBody(kept[i].object, o) {
			numbered = append(numbered, keptVersion{number: kept[i].number, object: o})
			kept = kept[i+1:] // what is left has higher numbers
			continue
		}
		t.next++
		numbered = append(numbered, keptVersion{number: t.next, object: o})
		kept = nil
	}
	return numbered
}

// sameBody tells whether two values share their body, as they do if only tags
// have changed. A body in memory is never written to.
func sameBody(a, b *storedObject) bool {
	return len(a.body) == len(b.body) && (len(a.body) == 0 || &a.body[0] == &b.body[0])
}

func (t *objectTable) changes() ([]change, error) {
	var changes []change
	bodies := false
	for id, versions := range t.pending {
		for _, k := range versions {
			old, isKept := findVersion(t.kept[id], k.number)
			if isKept && old.object == k.object {
				continue
			}
			if !isKept && len(k.object.body) > 0 {
				bodies = true
				if err := writeSynced(t.path(k.number), k.object.body); err != nil {
					return nil, fmt.Errorf("writing the body of an object: %w", err)
				}
			}
			c, err := encodeObject(id, k)
			if err != nil {
				return nil, err
			}
			changes = append(changes, c)
		}
		for _, gone := range t.dropped(id) {
			changes = append(changes, change{Kind: objectKind, ID: formatNumber(gone.number)})
		}
	}
	if bodies {
		return changes, syncDirectory(t.directory)
	}
	return changes, nil
}

// dropped are the versions of a pending object that were kept and are no more.
func (t *objectTable) dropped(id objectID) []keptVersion {
	return slices.DeleteFunc(slices.Clone(t.kept[id]), func(old keptVersion) bool {
		_, stays := findVersion(t.pending[id], old.number)
		return stays
	})
}

// findVersion finds a version by its number.
func findVersion(versions []keptVersion, number uint64) (keptVersion, bool) {
	i, found := slices.BinarySearchFunc(versions, number, func(k keptVersion, n uint64) int { return cmp.Compare(k.number, n) })
	if !found {
		return keptVersion{}, false
	}
	return versions[i], true
}

func (t *objectTable) all() ([]change, error) {
	var changes []change
	for id, versions := range t.kept {
		for _, k := range versions {
			c, err := encodeObject(id, k)
			if err != nil {
				return nil, err
			}
			changes = append(changes, c)
		}
	}
	return changes, nil
}

// adopt also removes the bodies of versions that are gone.
func (t *objectTable) adopt() error {
	t.last = t.next
	var failed error
	for id, versions := range t.pending {
		for _, gone := range t.dropped(id) {
			if err := os.Remove(t.path(gone.number)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				failed = err
			}
		}
		if len(versions) == 0 {
			delete(t.kept, id)
		} else {
			t.kept[id] = versions
		}
	}
	return failed
}

func (t *objectTable) path(number uint64) string {
	return filepath.Join(t.directory, formatNumber(number))
}

func formatNumber(number uint64) string { return strconv.FormatUint(number, 10) }

// writeSynced writes a file that is on disk when it returns.
func writeSynced(path string, data []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) //nolint:gosec // the user names the directory
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// objectRecord is a version of an object. What a client may have sent in other
// encodings than UTF-8 is kept in base64.
type objectRecord struct {
	Bucket   string            `json:"bucket"`
	Key      []byte            `json:"key"`
	Version  string            `json:"version"`
	Marker   bool              `json:"marker"`
	Size     int               `json:"size"` // of the body, in bytes
	CRC32C   uint32            `json:"crc32c"`
	MD5      []byte            `json:"md5"`
	Metadata map[string][]byte `json:"metadata"`
	Modified time.Time         `json:"modified"`
	Checksum checksum          `json:"checksum"`
	Parts    []objectPart      `json:"parts,omitempty"`
	Grants   []aclGrant        `json:"grants,omitempty"`
}

func encodeObject(id objectID, k keptVersion) (change, error) {
	o := k.object
	record := objectRecord{
		Bucket: id.bucket, Key: []byte(o.key), Version: o.version, Marker: o.marker, Modified: o.modified,
		Size: len(o.body), CRC32C: crc32.Checksum(o.body, checksums), MD5: o.hash[:],
		Checksum: o.checksum, Parts: o.parts, Grants: o.grants,
	}
	if o.metadata != nil {
		record.Metadata = make(map[string][]byte, len(o.metadata))
	}
	for name, value := range o.metadata {
		record.Metadata[name] = []byte(value)
	}
	return newChange(objectKind, formatNumber(k.number), record)
}

func decodeObject(record *objectRecord, body []byte) (*storedObject, error) {
	o := &storedObject{
		key: string(record.Key), version: record.Version, marker: record.Marker, modified: record.Modified, body: body,
		checksum: record.Checksum, parts: record.Parts, grants: record.Grants,
	}
	if len(body) != record.Size || crc32.Checksum(body, checksums) != record.CRC32C {
		return nil, errors.New("its body is damaged")
	}
	if len(record.MD5) != md5.Size {
		return nil, errors.New("its MD5 is damaged")
	}
	copy(o.hash[:], record.MD5)
	if record.Metadata != nil {
		o.metadata = make(map[string]string, len(record.Metadata))
	}
	for name, value := range record.Metadata {
		o.metadata[name] = string(value)
	}
	return o, nil
}

// restore also removes bodies that no version names: an interrupted write has
// left them.
func (t *objectTable) restore(s *Server, kept records) error {
	byNumber := make(map[uint64]json.RawMessage, len(kept))
	for id, value := range kept {
		number, err := strconv.ParseUint(id, 10, 64)
		if err != nil {
			return fmt.Errorf("reading %s %q: it has no number", objectKind, id)
		}
		byNumber[number] = value
	}
	for _, number := range slices.Sorted(maps.Keys(byNumber)) {
		if err := t.restoreVersion(s, number, byNumber[number]); err != nil {
			return fmt.Errorf("reading %s %d: %w", objectKind, number, err)
		}
		t.last = number
	}
	return t.removeOrphans(kept)
}

func (t *objectTable) restoreVersion(s *Server, number uint64, value json.RawMessage) error {
	var record objectRecord
	if err := strictjson.Unmarshal(value, &record); err != nil {
		return err
	}
	b := s.storage.objects.buckets[record.Bucket]
	if b == nil {
		return fmt.Errorf("its bucket %q does not exist", record.Bucket)
	}
	var body []byte
	if record.Size > 0 {
		var err error
		if body, err = os.ReadFile(t.path(number)); err != nil {
			return fmt.Errorf("reading its body: %w", err)
		}
	}
	o, err := decodeObject(&record, body)
	if err != nil {
		return err
	}
	b.objects[o.key] = append(b.objects[o.key], o)
	id := objectID{record.Bucket, o.key}
	t.kept[id] = append(t.kept[id], keptVersion{number: number, object: o})
	return nil
}

func (t *objectTable) removeOrphans(kept records) error {
	files, err := os.ReadDir(t.directory)
	if err != nil {
		return err
	}
	for _, file := range files {
		if kept[file.Name()] != nil {
			continue
		}
		if err := os.Remove(filepath.Join(t.directory, file.Name())); err != nil {
			return fmt.Errorf("removing a body that belongs to no object: %w", err)
		}
	}
	return nil
}
