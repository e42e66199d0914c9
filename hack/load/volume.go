package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// volume is a directory as the kubelet mounts a Secret or ConfigMap: the visible
// names are links into ..data, itself a link, which is swapped at once.
type volume struct {
	dir     string
	version int
}

// files are what a volume holds, by name.
type files = map[string][]byte

// newVolume makes the directory.
func newVolume(dir string, content files) (*volume, error) {
	v := &volume{dir: dir}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	if err := v.swap(content); err != nil {
		return nil, err
	}
	for name := range content {
		if err := os.Symlink(filepath.Join("..data", name), v.path(name)); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func (v *volume) path(name string) string { return filepath.Join(v.dir, name) }

func (v *volume) dated() string { return v.path(fmt.Sprintf("..version_%d", v.version)) }

// swap replaces the files by others of the same names.
func (v *volume) swap(content files) error {
	previous := v.dated()
	v.version++
	if err := os.Mkdir(v.dated(), 0o700); err != nil {
		return err
	}
	for name, data := range content {
		if err := os.WriteFile(filepath.Join(v.dated(), name), data, 0o600); err != nil {
			return err
		}
	}
	next := v.path("..data_tmp")
	return errors.Join(
		os.Symlink(filepath.Base(v.dated()), next),
		os.Rename(next, v.path("..data")),
		os.RemoveAll(previous))
}
