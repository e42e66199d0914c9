package admission_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/litentry/wallet-federation/internal/admission"
)

// write writes a file of a directory.
func write(t testing.TB, directory, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(directory, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// mount makes a directory hold files as the kubelet does: each is a link into
// ..data, which is a link to a directory of this version, swapped at once.
func mount(t testing.TB, directory, version string, files map[string]string) {
	t.Helper()
	if err := os.Mkdir(filepath.Join(directory, version), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		write(t, filepath.Join(directory, version), name, text)
		_ = os.Symlink(filepath.Join("..data", name), filepath.Join(directory, name)) // it may be there
	}
	link := filepath.Join(directory, "..data")
	old, _ := os.Readlink(link) // there is none at first
	if err := os.Symlink(version, link+"_tmp"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(link+"_tmp", link); err != nil {
		t.Fatal(err)
	}
	if old != "" {
		if err := os.RemoveAll(filepath.Join(directory, old)); err != nil {
			t.Fatal(err)
		}
	}
}

func load(t testing.TB, directories ...string) *admission.List {
	t.Helper()
	list, err := admission.Load(directories)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func digest(t testing.TB, directories ...string) string {
	t.Helper()
	sum, err := admission.Digest(directories)
	if err != nil {
		t.Fatal(err)
	}
	if len(sum) != 32 {
		t.Fatalf("the digest has %d bytes", len(sum))
	}
	return string(sum)
}

func TestSalvageLeavesOutWhatIsBadAsAWhole(t *testing.T) {
	t.Parallel()
	one, other, missing := t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "missing")
	write(t, one, "a", alice+"\n")
	write(t, one, "b", nth(1).String()+"\nvitalik.eth\n"+nth(2).String())
	write(t, one, "c", bob+"\n")
	write(t, other, "a", nth(3).String())
	list, err := admission.Salvage([]string{one, missing, other})
	if err == nil || !strings.Contains(err.Error(), filepath.Join(one, "b")+": line 2") {
		t.Errorf("the error does not name the file and the line: %v", err)
	}
	if list.Len() != 3 || !list.Contains(alice) || !list.Contains(bob) || !list.Contains(nth(3)) {
		t.Errorf("%d wallets, want those of the three good files", list.Len())
	}
	if list, err := admission.Salvage([]string{other}); err != nil || list.Len() != 1 {
		t.Errorf("with good files alone: %d wallets, %v", list.Len(), err)
	}
	if list, err := admission.Salvage([]string{missing}); err == nil || list.Len() != 0 {
		t.Errorf("with nothing good: %d wallets, %v", list.Len(), err)
	}
}

func TestSalvageOfTooMuchIsAnEmptyList(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	var text bytes.Buffer
	for i := range admission.MaxWallets + 1 {
		text.WriteString(nth(i).String() + "\n")
	}
	write(t, directory, "a", text.String())
	if list, err := admission.Salvage([]string{directory}); err == nil || list.Len() != 0 {
		t.Errorf("%d wallets, %v", list.Len(), err)
	}
}

func TestLoadJoinsTheFilesOfAllDirectories(t *testing.T) {
	t.Parallel()
	one, other, empty := t.TempDir(), t.TempDir(), t.TempDir()
	write(t, one, "a.txt", alice+"\n")
	write(t, one, "b.txt", nth(1).String()+"\n")
	write(t, other, "a.txt", bob+"\n"+aliceChecksum)
	write(t, other, ".hidden", "no list")
	list := load(t, one, other, empty)
	if list.Len() != 3 || !list.Contains(alice) || !list.Contains(bob) || !list.Contains(nth(1)) {
		t.Errorf("%d wallets", list.Len())
	}
	if load(t).Len() != 0 || load(t, empty).Len() != 0 {
		t.Error("nothing is something")
	}
}

func TestLoadReadsWhatTheKubeletMounts(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	mount(t, directory, "..2026_01", map[string]string{"bots": alice, "people": bob})
	before := digest(t, directory)
	if list := load(t, directory); list.Len() != 2 {
		t.Errorf("%d wallets", list.Len())
	}
	mount(t, directory, "..2026_02", map[string]string{"bots": alice, "people": nth(1).String()})
	if list := load(t, directory); list.Len() != 2 || list.Contains(bob) || !list.Contains(nth(1)) {
		t.Errorf("%d wallets, or an old one", list.Len())
	}
	if digest(t, directory) == before {
		t.Error("the digest is the same")
	}
	mount(t, directory, "..2026_03", map[string]string{"bots": alice, "people": bob})
	if digest(t, directory) != before {
		t.Error("the digest of the same files is another")
	}
}

// A wallet that moves from one file to another is on every list that is read.
func TestLoadReadsNoHalfOfAChange(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	padding := string(text(300))
	versions := []map[string]string{
		{"a": alice + "\n" + padding, "b": padding + bob},
		{"a": padding + nth(-1).String(), "b": padding + alice},
	}
	mount(t, directory, "..0", versions[0])
	stop, done := make(chan struct{}), make(chan struct{})
	var swapping sync.WaitGroup
	swapping.Go(func() {
		defer close(done)
		for i := 1; i < 200; i++ {
			mount(t, directory, ".."+strings.Repeat("x", i), versions[i%2])
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	read := 0
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		list, err := admission.Load([]string{directory})
		if err != nil {
			if !strings.Contains(err.Error(), "do not stay the same") {
				t.Error(err)
			}
			continue
		}
		read++
		if list.Len() != 302 || !list.Contains(alice) {
			t.Errorf("%d wallets, half of a change", list.Len())
		}
	}
	close(stop)
	swapping.Wait()
	if read == 0 {
		t.Error("nothing was ever read")
	}
}

func TestDigestTellsChangesApart(t *testing.T) {
	t.Parallel()
	directory := t.TempDir() // its path is part of the digest
	seen := map[string]string{}
	for name, files := range map[string]map[string]string{
		"nothing":                 {},
		"an empty file":           {"a": ""},
		"an empty file, renamed":  {"b": ""},
		"two empty files":         {"a": "", "b": ""},
		"a wallet":                {"a": alice},
		"a wallet in another":     {"b": alice},
		"another wallet":          {"a": bob},
		"two in one file":         {"a": alice + "\n" + bob},
		"two in two files":        {"a": alice, "b": bob},
		"two in two files, other": {"a": bob, "b": alice},
		"a comment":               {"a": "#" + alice},
	} {
		for file, text := range files {
			write(t, directory, file, text)
		}
		got := digest(t, directory)
		if other, found := seen[got]; found {
			t.Errorf("%s and %s have the same digest", name, other)
		}
		seen[got] = name
		if digest(t, directory) != got {
			t.Errorf("%s: it is another each time", name)
		}
		for file := range files {
			if err := os.Remove(filepath.Join(directory, file)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		prepare func(t *testing.T, directory string)
		reason  string
		digests bool // the digest does not read the lines
	}{
		"a directory that is not there": {func(t *testing.T, directory string) {
			t.Helper()
			if err := os.Remove(directory); err != nil {
				t.Fatal(err)
			}
		}, "no such file", false},
		"a directory within": {func(t *testing.T, directory string) {
			t.Helper()
			if err := os.Mkdir(filepath.Join(directory, "more"), 0o700); err != nil {
				t.Fatal(err)
			}
		}, "more is not a file", false},
		"a named pipe": {func(t *testing.T, directory string) {
			t.Helper()
			if err := syscall.Mkfifo(filepath.Join(directory, "pipe"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "pipe is not a file", false},
		"a link to nothing": {func(t *testing.T, directory string) {
			t.Helper()
			if err := os.Symlink("nothing", filepath.Join(directory, "link")); err != nil {
				t.Fatal(err)
			}
		}, "link", false},
		"a bad line": {func(t *testing.T, directory string) {
			t.Helper()
			write(t, directory, "bots", alice+"\n"+alice+"0\n")
		}, "bots: line 2", true},
		"a byte order mark": {func(t *testing.T, directory string) {
			t.Helper()
			write(t, directory, "bots", "\ufeff"+alice)
		}, "bots: line 1: begins with a byte order mark", true},
		"too many wallets in all": {func(t *testing.T, directory string) {
			t.Helper()
			write(t, directory, "a", string(text(admission.MaxWallets)))
			write(t, directory, "b", alice)
		}, "more than 200000 wallets", true},
		"too many bytes in all": {func(t *testing.T, directory string) {
			t.Helper()
			for _, name := range []string{"a", "b", "c"} {
				write(t, directory, name, strings.Repeat("#\n", 7<<19))
			}
		}, "bytes", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			directory := filepath.Join(t.TempDir(), "list")
			if err := os.Mkdir(directory, 0o700); err != nil {
				t.Fatal(err)
			}
			test.prepare(t, directory)
			if list, err := admission.Load([]string{directory}); err == nil || list != nil || !strings.Contains(err.Error(), test.reason) {
				t.Errorf("%v does not say %s", err, test.reason)
			}
			if _, err := admission.Digest([]string{directory}); (err == nil) != test.digests {
				t.Errorf("the digest: %v", err)
			}
		})
	}
}

func BenchmarkDigest100000(b *testing.B) {
	directory := b.TempDir()
	write(b, directory, "bots", string(bytes.TrimSpace(text(100_000))))
	b.ReportAllocs()
	for b.Loop() {
		digest(b, directory)
	}
}
