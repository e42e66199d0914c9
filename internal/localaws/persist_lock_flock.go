//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package localaws

import (
	"errors"
	"os"
	"syscall"
)

// lockFile locks the file for as long as it is open. The lock ends with the
// process, however that ends.
func lockFile(file *os.File) error {
	err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errors.New("another server uses it")
	}
	return err
}
