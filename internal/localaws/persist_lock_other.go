//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package localaws

import (
	"errors"
	"os"
	"runtime"
)

// lockFile refuses: without a lock, two servers would spoil each other's account.
func lockFile(*os.File) error {
	return errors.New("keeping an account is not supported on " + runtime.GOOS)
}

func unlockFile(*os.File) error { return nil }
