package admission_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/litentry/wallet-federation/internal/admission"
	"github.com/litentry/wallet-federation/internal/wallet"
)

const (
	alice = "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"
	bob   = "0xfb6916095ca1df60bb79ce92ce3ea74c37c5d359"

	aliceChecksum = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
)

// nth returns one of many wallets, in no order.
func nth(i int) wallet.Address {
	var a [20]byte
	binary.BigEndian.PutUint64(a[:], uint64(i)*0x9e3779b97f4a7c15)
	binary.BigEndian.PutUint64(a[12:], uint64(i))
	return wallet.Address("0x" + hex.EncodeToString(a[:]))
}

// text returns a file of so many wallets.
func text(wallets int) []byte {
	var b bytes.Buffer
	for i := range wallets {
		b.WriteString(nth(i).String())
		b.WriteByte('\n')
	}
	return b.Bytes()
}

func TestParseTakes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text string
		want []wallet.Address
	}{
		"nothing":                      {"", nil},
		"an empty line":                {"\n", nil},
		"a comment":                    {"# " + alice + "\n", nil},
		"a comment behind spaces":      {" \t# bots\n", nil},
		"a comment of other letters":   {"# \u0431\u043e\u0442\u044b \U0001f916\n", nil},
		"one":                          {alice + "\n", []wallet.Address{alice}},
		"one without a line end":       {alice, []wallet.Address{alice}},
		"two":                          {alice + "\n" + bob + "\n", []wallet.Address{alice, bob}},
		"the line ends of Windows":     {"# bots\r\n" + alice + "\r\n\r\n" + bob + "\r\n", []wallet.Address{alice, bob}},
		"spaces around":                {" \t" + alice + " \t\n", []wallet.Address{alice}},
		"a checksum":                   {aliceChecksum + "\n", []wallet.Address{alice}},
		"upper case, without checksum": {"0x" + strings.ToUpper(alice[2:]) + "\n", []wallet.Address{alice}},
		"one several times":            {strings.Repeat(alice+"\n"+aliceChecksum+"\n", 3), []wallet.Address{alice}},
		"the longest line":             {"#" + strings.Repeat("x", 1022) + "\n" + alice, []wallet.Address{alice}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, reader := range []io.Reader{strings.NewReader(test.text), iotest.OneByteReader(strings.NewReader(test.text)), iotest.DataErrReader(strings.NewReader(test.text))} {
				list, err := admission.Parse(reader)
				if err != nil {
					t.Fatal(err)
				}
				if list.Len() != len(test.want) {
					t.Errorf("%d wallets, want %d", list.Len(), len(test.want))
				}
				for _, w := range test.want {
					if !list.Contains(w) {
						t.Errorf("%s is missing", w)
					}
				}
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	const marker = "nobody"
	for name, test := range map[string]struct {
		text, line, reason string
	}{
		"text":                             {alice + "\n" + marker + "\n", "line 2:", "hexadecimal"},
		"a wrong checksum":                 {"0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed\n", "line 1:", "checksum"},
		"a digit too few":                  {"#\n\n" + alice[:41] + "\n", "line 3:", "hexadecimal"},
		"a digit too many":                 {alice + "0\n", "line 1:", "hexadecimal"},
		"two in a line":                    {alice + " " + bob + "\n", "line 1:", "hexadecimal"},
		"two with a comma":                 {alice + "," + bob + "\n", "line 1:", "hexadecimal"},
		"a comma at the end":               {alice + ",\n", "line 1:", "hexadecimal"},
		"a comment behind it":              {alice + " # " + marker + "\n", "line 1:", "hexadecimal"},
		"a name of ENS":                    {marker + ".eth\n", "line 1:", "hexadecimal"},
		"quotes":                           {`"` + alice + `"` + "\n", "line 1:", "hexadecimal"},
		"a list in YAML":                   {"- " + alice + "\n", "line 1:", "hexadecimal"},
		"a list in JSON":                   {`["` + alice + `"]`, "line 1:", "hexadecimal"},
		"an address without 0x":            {alice[2:] + "\n", "line 1:", "hexadecimal"},
		"an address with 0X":               {"0X" + alice[2:] + "\n", "line 1:", "hexadecimal"},
		"a full-width digit":               {alice[:41] + "\uff10\n", "line 1:", "hexadecimal"},
		"a Cyrillic a":                     {"0x5\u0430" + alice[4:] + "\n", "line 1:", "hexadecimal"},
		"a no-break space":                 {alice + "\u00a0\n", "line 1:", "hexadecimal"},
		"a zero-width space":               {"\u200b" + alice + "\n", "line 1:", "hexadecimal"},
		"a byte order mark":                {"\ufeff" + alice + "\n", "line 1:", "byte order mark"},
		"a byte order mark before comment": {"\ufeff# bots\n" + alice + "\n", "line 1:", "byte order mark"},
		"a byte order mark further down":   {alice + "\n\ufeff" + bob + "\n", "line 2:", "hexadecimal"},
		"UTF-16":                           {"\xff\xfe0\x00x\x00", "line 1:", "hexadecimal"},
		"a NUL":                            {alice + "\x00\n", "line 1:", "hexadecimal"},
		"binary":                           {"\x7fELF\x02\x01\x01\x00", "line 1:", "hexadecimal"},
		"the line ends of old Macs":        {alice + "\r" + bob + "\r", "line 1:", "hexadecimal"},
		"a long line":                      {alice + "\n# " + strings.Repeat("x", 1023) + "\n", "line 2:", "longer"},
		"a long line without an end":       {strings.Repeat("0", 1<<20), "line 1:", "longer"},
		"a long line of spaces":            {strings.Repeat(" ", 5000) + alice, "line 1:", "longer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list, err := admission.Parse(strings.NewReader(test.text))
			if err == nil {
				t.Fatalf("it was taken: %d wallets", list.Len())
			}
			if !strings.Contains(err.Error(), test.line) || !strings.Contains(err.Error(), test.reason) {
				t.Errorf("%v does not say %s ... %s", err, test.line, test.reason)
			}
			if strings.Contains(err.Error(), marker) || strings.Contains(err.Error(), alice[2:12]) {
				t.Errorf("the error holds what the file does: %v", err)
			}
		})
	}
}

func TestParseRefusesAFileThatCannotBeRead(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	if _, err := admission.Parse(io.MultiReader(strings.NewReader(alice+"\n"), iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Error(err)
	}
}

func TestListsAreBounded(t *testing.T) {
	t.Parallel()
	list, err := admission.Parse(bytes.NewReader(append(text(admission.MaxWallets), text(10)...)))
	if err != nil {
		t.Fatal(err)
	}
	if list.Len() != admission.MaxWallets {
		t.Errorf("%d wallets", list.Len())
	}
	if _, err := admission.Parse(bytes.NewReader(text(admission.MaxWallets + 1))); err == nil {
		t.Error("one wallet too many was taken")
	}
	wallets := make([]wallet.Address, 0, admission.MaxWallets+1)
	for i := range admission.MaxWallets + 1 {
		wallets = append(wallets, nth(i))
	}
	if _, err := admission.NewList(wallets); err == nil {
		t.Error("one wallet too many was taken")
	}
}

func TestNewListRefusesWhatIsNoAddress(t *testing.T) {
	t.Parallel()
	for _, w := range []string{"", "0x", alice[:41], alice + "0", "1x" + alice[2:], "0x" + strings.Repeat("g", 40)} {
		if _, err := admission.NewList([]wallet.Address{alice, wallet.Address(w)}); !errors.Is(err, wallet.ErrAddress) || !strings.Contains(err.Error(), "[1]") {
			t.Errorf("%q: %v", w, err)
		}
	}
}

func TestListContainsItsWalletsAndNoOthers(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 1))
	for _, size := range []int{0, 1, 2, 3, 1000} {
		wallets := make([]wallet.Address, 0, size)
		for i := range size {
			wallets = append(wallets, nth(2*i))
		}
		random.Shuffle(size, func(i, j int) { wallets[i], wallets[j] = wallets[j], wallets[i] })
		list, err := admission.NewList(wallets)
		if err != nil {
			t.Fatal(err)
		}
		for i := range size + 10 {
			if got, want := list.Contains(nth(2*i)), i < size; got != want {
				t.Errorf("of %d, number %d: %v", size, 2*i, got)
			}
			if list.Contains(nth(2*i + 1)) {
				t.Errorf("of %d, number %d is on the list", size, 2*i+1)
			}
		}
	}
	var empty admission.List
	for _, w := range []wallet.Address{"", "0x", alice, "0x" + wallet.Address(strings.Repeat("0", 40)), alice + "0", "0x" + wallet.Address(strings.Repeat("x", 40))} {
		if empty.Contains(w) {
			t.Errorf("%q is on the empty list", w)
		}
	}
}

// Not parallel: it counts allocations.
func TestContainsTakesNoMemory(t *testing.T) {
	list, err := admission.Parse(bytes.NewReader(text(1000)))
	if err != nil {
		t.Fatal(err)
	}
	on, off := nth(500), nth(5000)
	if taken := testing.AllocsPerRun(100, func() { _, _ = list.Contains(on), list.Contains(off) }); taken > 0 {
		t.Errorf("it allocates %v times", taken)
	}
}

// Not parallel: it measures the heap.
func TestListTakes20BytesAWallet(t *testing.T) {
	const wallets = 100_000
	file := text(wallets)
	before := heap()
	list, err := admission.Parse(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	taken := heap() - before
	runtime.KeepAlive(list)
	runtime.KeepAlive(file)
	t.Logf("%d wallets take %d bytes", list.Len(), taken)
	if most := int64(wallets*20 + 64<<10); taken > most {
		t.Errorf("%d wallets take %d bytes, more than %d", list.Len(), taken, most)
	}
}

// heap returns the bytes in use.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("# bots\r\n" + alice + "\n\n" + aliceChecksum))
	f.Add([]byte("\ufeff" + alice))
	f.Fuzz(func(t *testing.T, text []byte) {
		list, err := admission.Parse(bytes.NewReader(text))
		if err != nil {
			return
		}
		// Every line is an address, a comment or empty, and nothing else is on the list.
		lines := map[wallet.Address]bool{}
		for line := range bytes.Lines(text) {
			entry := strings.Trim(string(line), " \t\r\n")
			if entry == "" || entry[0] == '#' {
				continue
			}
			w, err := wallet.Parse(entry)
			if err != nil || !list.Contains(w) {
				t.Fatalf("%q was taken", line)
			}
			lines[w] = true
		}
		if list.Len() != len(lines) {
			t.Errorf("%d wallets of %d", list.Len(), len(lines))
		}
	})
}

func BenchmarkParse100000(b *testing.B) {
	file := text(100_000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := admission.Parse(bytes.NewReader(file)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkContains(b *testing.B) {
	list, err := admission.Parse(bytes.NewReader(text(100_000)))
	if err != nil {
		b.Fatal(err)
	}
	w := nth(77_777)
	b.ReportAllocs()
	for b.Loop() {
		list.Contains(w)
	}
}
