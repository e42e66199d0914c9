//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package localaws

import (
	"errors"
	"os"
	"syscall"
)

// lockFile locks the file until unlockFile, or the end of the process, however
// that ends.
func lockFile(file *os.File) error {
	err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errors.New("another server uses it")
	}
	return err
}

// unlockFile does what closing the file would do, but for a process that has just
// been forked and still has the file open.
func unlockFile(file *os.File) error {
	return syscall.Flock(int(file.Fd()), syscall.LOCK_UN)
}
