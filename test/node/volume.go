package node

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// current is the link that kubelet swaps; the files of a volume are links through it.
const current = "..data"

// layOut makes a volume hold data. All files change at once: readers see the old
// files or the new ones, never a mixture.
func layOut(dir string, data map[string][]byte) error {
	if same(dir, data) {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	before, err := os.Readlink(filepath.Join(dir, current))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	next, err := os.MkdirTemp(dir, "..version-")
	if err != nil {
		return err
	}
	for name, content := range data {
		if err := os.WriteFile(filepath.Join(next, name), content, 0o600); err != nil {
			return err
		}
		link := filepath.Join(dir, name)
		if err := os.Symlink(filepath.Join(current, name), link); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	swap := next + ".link"
	if err := os.Symlink(filepath.Base(next), swap); err != nil {
		return err
	}
	if err := os.Rename(swap, filepath.Join(dir, current)); err != nil {
		return err
	}
	if before == "" {
		return nil
	}
	return os.RemoveAll(filepath.Join(dir, before))
}

// same reports whether a volume holds data already.
func same(dir string, data map[string][]byte) bool {
	for name, content := range data {
		held, err := os.ReadFile(filepath.Join(dir, current, name)) //nolint:gosec // Our own folder.
		if err != nil || !bytes.Equal(held, content) {
			return false
		}
	}
	entries, err := os.ReadDir(filepath.Join(dir, current))
	return err == nil && len(entries) == len(data)
}
