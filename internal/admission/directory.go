package admission

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// maxFileBytes bounds a file: MaxWallets addresses with a line end each, twice.
const maxFileBytes = 20 << 20

// Read returns the content of every list in the directories, by path. As the
// kubelet mounts a ConfigMap, each of its keys is a file, and names that begin
// with a dot are its own business.
func Read(directories []string) (map[string][]byte, error) {
	contents := make(map[string][]byte)
	for _, directory := range directories {
		entries, err := os.ReadDir(directory)
		if err != nil {
			return nil, fmt.Errorf("reading admission lists: %w", err)
		}
		for _, entry := range entries {
			if strings.HasPrefix(entry.Name(), ".") {
				continue
			}
			path := filepath.Join(directory, entry.Name())
			if contents[path], err = readFile(path); err != nil {
				return nil, fmt.Errorf("reading admission lists: %w", err)
			}
		}
	}
	return contents, nil
}

func readFile(path string) ([]byte, error) {
	file, err := os.Open(path) //nolint:gosec // The path is the operator's, not a request's.
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, maxFileBytes+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFileBytes {
		return nil, fmt.Errorf("%s: %w", path, errTooLarge)
	}
	return data, nil
}

// ParseAll returns one list of the contents that [Read] returned.
func ParseAll(contents map[string][]byte) (*List, error) {
	lists := make([]*List, 0, len(contents))
	for path, text := range contents {
		list, err := Parse(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		lists = append(lists, list)
	}
	return Join(lists...)
}
