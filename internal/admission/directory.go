package admission

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	// maxBytes bounds all files together: MaxWallets addresses with a line end
	// each, twice.
	maxBytes = 20 << 20
	// mostLooks is how often a look is begun anew because the kubelet swapped a
	// directory meanwhile, which it does once a minute at most.
	mostLooks = 3
)

// Load returns one list of all files in the directories. As the kubelet mounts a
// ConfigMap, each of its keys is a file, and names that begin with a dot are the
// kubelet's own. What is read belongs together: not half of it is of a ConfigMap
// as it was before. Errors name the file and the line.
func Load(directories []string) (*List, error) {
	return load(directories, strict)
}

// Salvage is Load that leaves out every file, and directory, that cannot be read
// as a whole. The list is always one; the error names the first that is left out.
func Salvage(directories []string) (*List, error) {
	var first error
	list, err := load(directories, func(bad error) error {
		first = cmp.Or(first, bad)
		return nil
	})
	if err != nil {
		return &List{}, err
	}
	if first != nil {
		err = fmt.Errorf("reading admission lists: %w", first)
	}
	return list, err
}

// strict gives up at the first error.
func strict(err error) error { return err }

func load(directories []string, failed func(error) error) (*List, error) {
	var wallets []address
	err := look(directories, func() error {
		wallets = wallets[:0]
		return eachFile(directories, func(path string, file io.Reader) error {
			more, err := parse(file, wallets)
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			wallets = more
			return nil
		}, failed)
	})
	if err != nil {
		return nil, fmt.Errorf("reading admission lists: %w", err)
	}
	return newList(wallets)
}

// Digest returns 32 bytes that tell whether Load would read something else than
// before: a hash of the files' paths and contents. It takes no memory that
// depends on their size.
func Digest(directories []string) ([]byte, error) {
	var digest []byte
	err := look(directories, func() error {
		all := sha256.New()
		err := eachFile(directories, func(path string, file io.Reader) error {
			content := sha256.New()
			if _, err := io.Copy(content, file); err != nil {
				return err
			}
			name := sha256.Sum256([]byte(path))
			all.Write(name[:])
			all.Write(content.Sum(nil))
			return nil
		}, strict)
		digest = all.Sum(nil)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading admission lists: %w", err)
	}
	return digest, nil
}

// look reads, once more if a directory was swapped meanwhile. What is read then
// need not belong together, and files may have gone.
func look(directories []string, read func() error) error {
	for range mostLooks {
		before := versions(directories)
		err := read()
		if slices.Equal(before, versions(directories)) {
			return err
		}
	}
	return errors.New("the directories do not stay the same for long enough")
}

// versions returns what the kubelet's link of each directory points to.
func versions(directories []string) []string {
	targets := make([]string, 0, len(directories))
	for _, directory := range directories {
		target, _ := os.Readlink(filepath.Join(directory, "..data")) // other directories have none
		targets = append(targets, target)
	}
	return targets
}

// eachFile visits the files of the directories, which may hold maxBytes in all. It
// goes on after an error unless failed returns one.
func eachFile(directories []string, visit func(path string, file io.Reader) error, failed func(error) error) error {
	left := &io.LimitedReader{N: maxBytes + 1}
	for _, directory := range directories {
		entries, err := os.ReadDir(directory)
		if err != nil {
			if err := failed(err); err != nil {
				return err
			}
			continue
		}
		for _, entry := range entries {
			if strings.HasPrefix(entry.Name(), ".") {
				continue
			}
			if err := visitFile(filepath.Join(directory, entry.Name()), left, visit); err != nil {
				if err := failed(err); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func visitFile(path string, left *io.LimitedReader, visit func(path string, file io.Reader) error) error {
	// Opening a named pipe would wait for its other end.
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file", path)
	}
	file, err := os.Open(path) //nolint:gosec // The path is the operator's, not a request's.
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	left.R = file
	err = visit(path, left)
	if left.N <= 0 {
		return fmt.Errorf("the lists hold more than %d bytes", maxBytes)
	}
	return err
}
