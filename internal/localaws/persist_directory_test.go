package localaws_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/litentry/wallet-federation/internal/localaws"
)

// A copy of the directory is what a server that is killed leaves behind.
func TestDirectoryOpensAfterEveryWrite(t *testing.T) {
	t.Parallel()
	directory := newDirectory(t)
	w := keptWorld(t, directory)
	_, err := w.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(shared)})
	wantCode(t, err, "")
	for _, body := range []string{"one", "two", "", "three"} {
		w.put(t, "object", body)
		left := newDirectory(t)
		if err := os.CopyFS(left, os.DirFS(directory)); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(left, 0o700); err != nil { //nolint:gosec // a directory
			t.Fatal(err)
		}
		other := keptWorld(t, left)
		if got := read(t, other.s3, get("object")); got != body {
			t.Errorf("a copy of the directory has the object %q, want %q", got, body)
		}
	}
}

func TestDirectoryRefusals(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		spoil   func(t *testing.T, directory string)
		options localaws.Options
		want    string
	}{
		"another account":   {options: localaws.Options{Account: "210987654321"}, want: "account 123456789012"},
		"another partition": {options: localaws.Options{Partition: "aws-cn"}, want: "partition aws,"},
		"a newer format":    {spoil: replace("account.jsonl", "format 1,", "format 2,"), want: "use the version that wrote it"},
		"another file":      {spoil: replace("account.jsonl", "^", "hello "), want: "damaged"},
		"a changed role":    {spoil: replace("account.jsonl", `"name":"reader"`, `"name":"writer"`), want: "checksum"},
		"an emptied journal": {spoil: func(t *testing.T, directory string) {
			t.Helper()
			write(t, filepath.Join(directory, "account.jsonl"), "")
		}, want: "damaged"},
		"no journal": {spoil: func(t *testing.T, directory string) {
			t.Helper()
			if err := os.Remove(filepath.Join(directory, "account.jsonl")); err != nil {
				t.Fatal(err)
			}
		}, want: "no account.jsonl"},
		"a changed body": {spoil: func(t *testing.T, directory string) {
			t.Helper()
			write(t, filepath.Join(directory, "objects", "1"), "Versioning")
		}, want: "body is damaged"},
		"a lost body": {spoil: func(t *testing.T, directory string) {
			t.Helper()
			if err := os.Remove(filepath.Join(directory, "objects", "1")); err != nil {
				t.Fatal(err)
			}
		}, want: "reading its body"},
		"open to others": {spoil: func(t *testing.T, directory string) {
			t.Helper()
			if err := os.Chmod(directory, 0o750); err != nil { //nolint:gosec // the point of the case
				t.Fatal(err)
			}
		}, want: "others can use it"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			directory := newDirectory(t)
			w := keptWorld(t, directory)
			w.fill(t, newIssuer(t))
			if err := w.server.Close(); err != nil {
				t.Fatal(err)
			}
			if test.spoil != nil {
				test.spoil(t, directory)
			}
			before := contents(t, directory)
			test.options.Directory = directory
			_, err := localaws.New(test.options)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), directory) {
				t.Errorf("error %v, want the directory and %q in it", err, test.want)
			}
			if diff := cmp.Diff(before, contents(t, directory)); diff != "" {
				t.Errorf("a directory that is refused is changed (-before +after):\n%s", diff)
			}
		})
	}
}

// replace changes a file of a directory.
func replace(name, pattern, by string) func(*testing.T, string) {
	return func(t *testing.T, directory string) {
		t.Helper()
		path := filepath.Join(directory, name)
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		changed := regexp.MustCompile(pattern).ReplaceAllString(string(content), by)
		if changed == string(content) {
			t.Fatalf("there is no %s in %s", pattern, name)
		}
		write(t, path, changed)
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// contents reads all files of a directory.
func contents(t *testing.T, directory string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := fs.WalkDir(os.DirFS(directory), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(filepath.Join(directory, path))
		found[path] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestDirectoryBelongsToOneServer(t *testing.T) {
	t.Parallel()
	directory := newDirectory(t)
	w := keptWorld(t, directory)
	_, err := localaws.New(localaws.Options{Directory: directory})
	if err == nil || !strings.Contains(err.Error(), "another server uses it") {
		t.Errorf("a second server: error %v", err)
	}
	if err := w.server.Close(); err != nil {
		t.Fatal(err)
	}
	second := keptWorld(t, directory)
	_, err = w.iam.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String("late"), AssumeRolePolicyDocument: aws.String(trustOf(rootARN))})
	wantCode(t, err, "InternalFailure")
	_, err = second.iam.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("late")})
	wantCode(t, err, "NoSuchEntity")
}

func TestDirectoryIsPrivate(t *testing.T) {
	t.Parallel()
	directory := newDirectory(t)
	keptWorld(t, directory).fill(t, newIssuer(t))
	err := filepath.WalkDir(directory, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if mode := info.Mode().Perm(); mode&0o077 != 0 {
			t.Errorf("others can use %s: %#o", path, mode)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// Close twice, and Close of what is in memory only, do no harm.
func TestClose(t *testing.T) {
	t.Parallel()
	for name, directory := range map[string]string{"in memory": "", "in a directory": newDirectory(t)} {
		s, err := localaws.New(localaws.Options{Directory: directory})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(s.Close(), s.Close()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
