package broker_test

import (
	"math/big"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/litentry/wallet-federation/internal/brokerconfig"
	"github.com/litentry/wallet-federation/internal/wallet"
)

const alice = "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"

func TestStartAnswersWithTheWholeMessage(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	got := f.post(t, startPath, `{"address":"`+alice+`","chain_id":1}`)
	members := got.members(t)
	nonce, _ := members["nonce"].(string)
	want := `broker.example.org wants you to sign in with your Ethereum account:
0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed

Sign in to see your bots.

URI: https://broker.example.org
Version: 1
Chain ID: 1
Nonce: ` + nonce + `
Issued At: 2026-01-02T03:04:05Z
Expiration Time: 2026-01-02T03:09:05Z`
	if diff := cmp.Diff(want, members["siwe_message"]); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
	if members["expires_at"] != float64(epoch.Add(5*time.Minute).Unix()) {
		t.Errorf("expires_at is %v", members["expires_at"])
	}
	handle, _ := members["request_id"].(string)
	if len(handle) < 22 || len(nonce) < 22 || handle == nonce || len(members) != 4 {
		t.Errorf("got %v", members)
	}
	if got.header.Get("Cache-Control") != "no-store" || got.header.Get("Content-Type") != "application/json" {
		t.Errorf("headers: %v", got.header)
	}
	if again := f.start(t, alice); again.handle == handle || strings.Contains(again.message, nonce) {
		t.Error("the second challenge repeats the first")
	}
}

func TestStartTakesEveryHonestSpelling(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *brokerconfig.Config) { c.Login.ChainIDs = []uint64{1, 8453} })
	for name, c := range map[string]struct{ body, contentType string }{
		"lower case":                    {`{"address":"` + alice + `","chain_id":1}`, "application/json"},
		"EIP-55":                        {`{"address":"` + wallet.Address(alice).Checksum() + `","chain_id":1}`, "application/json"},
		"the other chain":               {`{"address":"` + alice + `","chain_id":8453}`, "application/json"},
		"white space":                   {" {\n\"chain_id\" : 1 , \"address\" : \"" + alice + "\" }\n", "application/json"},
		"charset given":                 {`{"address":"` + alice + `","chain_id":1}`, "application/json; charset=utf-8"},
		"media type in upper case":      {`{"address":"` + alice + `","chain_id":1}`, "Application/JSON;charset=UTF-8"},
		"an escape that means the same": {`{"address":"\u0030x` + alice[2:] + `","chain_id":1}`, "application/json"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f.send(t, http.MethodPost, startPath, c.body, "Content-Type", c.contentType).members(t)
		})
	}
}

func TestStartRefuses(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	good := `{"address":"` + alice + `","chain_id":1}`
	for name, c := range map[string]struct {
		body, contentType string
		status            int
		code              string
	}{
		"no body":                           {"", "application/json", 400, "invalid_request"},
		"null":                              {"null", "application/json", 400, "invalid_request"},
		"a list":                            {"[" + good + "]", "application/json", 400, "invalid_request"},
		"a string":                          {`"` + alice + `"`, "application/json", 400, "invalid_request"},
		"cut short":                         {good[:20], "application/json", 400, "invalid_request"},
		"two objects":                       {good + good, "application/json", 400, "invalid_request"},
		"trailing data":                     {good + "x", "application/json", 400, "invalid_request"},
		"an unknown member":                 {`{"address":"` + alice + `","chain_id":1,"domain":"evil.example"}`, "application/json", 400, "invalid_request"},
		"a member twice":                    {`{"address":"` + alice + `","address":"` + alice + `","chain_id":1}`, "application/json", 400, "invalid_request"},
		"a member in another case":          {`{"Address":"` + alice + `","chain_id":1}`, "application/json", 400, "invalid_request"},
		"invalid UTF-8":                     {"{\"address\":\"\xff\",\"chain_id\":1}", "application/json", 400, "invalid_request"},
		"a chain in quotes":                 {`{"address":"` + alice + `","chain_id":"1"}`, "application/json", 400, "invalid_request"},
		"a negative chain":                  {`{"address":"` + alice + `","chain_id":-1}`, "application/json", 400, "invalid_request"},
		"a chain with a fraction":           {`{"address":"` + alice + `","chain_id":1.5}`, "application/json", 400, "invalid_request"},
		"a chain beyond 64 bits":            {`{"address":"` + alice + `","chain_id":18446744073709551616}`, "application/json", 400, "invalid_request"},
		"no chain":                          {`{"address":"` + alice + `"}`, "application/json", 400, "unsupported_chain"},
		"another chain":                     {`{"address":"` + alice + `","chain_id":5}`, "application/json", 400, "unsupported_chain"},
		"no address":                        {`{"chain_id":1}`, "application/json", 400, "invalid_address"},
		"an address that is null":           {`{"address":null,"chain_id":1}`, "application/json", 400, "invalid_address"},
		"an address with a wrong checksum":  {`{"address":"0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed","chain_id":1}`, "application/json", 400, "invalid_address"},
		"an address without its prefix":     {`{"address":"` + alice[2:] + `","chain_id":1}`, "application/json", 400, "invalid_address"},
		"an address a digit short":          {`{"address":"` + alice[:41] + `","chain_id":1}`, "application/json", 400, "invalid_address"},
		"an address with a line of its own": {`{"address":"` + alice + `\nStatement","chain_id":1}`, "application/json", 400, "invalid_address"},
		"an address with a Cyrillic letter": {`{"address":"0x5` + "\u0430" + alice[5:] + `","chain_id":1}`, "application/json", 400, "invalid_address"},
		"an ENS name":                       {`{"address":"alice.eth","chain_id":1}`, "application/json", 400, "invalid_address"},
		"no Content-Type":                   {good, "", 415, "unsupported_media_type"},
		"a form":                            {"address=" + alice, "application/x-www-form-urlencoded", 415, "unsupported_media_type"},
		"plain text":                        {good, "text/plain", 415, "unsupported_media_type"},
		"JSON of another kind":              {good, "application/ld+json", 415, "unsupported_media_type"},
		"another charset":                   {good, "application/json; charset=utf-16", 415, "unsupported_media_type"},
		"a parameter nobody defined":        {good, "application/json; profile=x", 415, "unsupported_media_type"},
		"a Content-Type that is malformed":  {good, "application/json;;", 415, "unsupported_media_type"},
		"4 KiB and a byte":                  {good + strings.Repeat(" ", 4097-len(good)), "application/json", 413, "request_too_large"},
		"a body without end":                {`{"address":"` + strings.Repeat("a", 1<<20), "application/json", 413, "request_too_large"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := f.send(t, http.MethodPost, startPath, c.body, "Content-Type", c.contentType)
			if got.status != c.status || got.code(t) != c.code {
				t.Errorf("got %d %s, want %d %s", got.status, got.body, c.status, c.code)
			}
		})
	}
	t.Run("two Content-Types", func(t *testing.T) {
		t.Parallel()
		got := f.send(t, http.MethodPost, startPath, good, "Content-Type", "application/json", "Content-Type", "application/json")
		if got.status != 415 {
			t.Errorf("got %d %s", got.status, got.body)
		}
	})
	t.Run("a compressed body", func(t *testing.T) {
		t.Parallel()
		got := f.send(t, http.MethodPost, startPath, good, "Content-Type", "application/json", "Content-Encoding", "gzip")
		if got.status != 415 {
			t.Errorf("got %d %s", got.status, got.body)
		}
	})
}

func TestSignInYieldsASessionOfExactlyThatWallet(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	key := newKey(t)
	// The start names the wallet by its checksum, the session in lower case.
	s := f.start(t, key.Address().Checksum())
	got := f.verify(t, s.handle, key.SignPersonal(s.message))
	members := got.members(t)
	if members["wallet"] != string(key.Address()) || members["expires_at"] != float64(epoch.Add(time.Hour).Unix()) || len(members) != 3 {
		t.Errorf("got %v", members)
	}
	if got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("Cache-Control is %q", got.header.Get("Cache-Control"))
	}
}

// corrupt returns a signature with one thing about it changed.
func corrupt(t *testing.T, signature string, change func(r, s, v string) string) string {
	t.Helper()
	return change(signature[2:66], signature[66:130], signature[130:])
}

func highS(t *testing.T, s string) string {
	t.Helper()
	order, _ := new(big.Int).SetString("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16)
	n, ok := new(big.Int).SetString(s, 16)
	if !ok {
		t.Fatal("not a number")
	}
	text := n.Sub(order, n).Text(16)
	return strings.Repeat("0", 64-len(text)) + text
}

func otherV(v string) string {
	if v == "1b" {
		return "1c"
	}
	return "1b"
}

func TestVerifyRefusesEverySignatureButTheWalletsOverTheMessage(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	key := newKey(t)
	edit := func(old, replacement string) func(*testing.T, string) string {
		return func(t *testing.T, message string) string {
			t.Helper()
			if !strings.Contains(message, old) {
				t.Fatalf("the message has no %q", old)
			}
			return key.SignPersonal(strings.Replace(message, old, replacement, 1))
		}
	}
	mangle := func(change func(r, s, v string) string) func(*testing.T, string) string {
		return func(t *testing.T, message string) string {
			t.Helper()
			return corrupt(t, key.SignPersonal(message), change)
		}
	}
	for name, sign := range map[string]func(t *testing.T, message string) string{
		"another wallet's":              func(t *testing.T, m string) string { t.Helper(); return newKey(t).SignPersonal(m) },
		"over another domain":           edit("broker.example.org wants", "evil.example wants"),
		"over a homoglyph domain":       edit("broker.example.org wants", "br\u043eker.example.org wants"),
		"over a domain with a scheme":   edit("broker.example.org wants", "https://broker.example.org wants"),
		"over another URI":              edit("URI: https://broker.example.org", "URI: https://broker.example.org/"),
		"over another version":          edit("Version: 1", "Version: 2"),
		"over another chain":            edit("Chain ID: 1", "Chain ID: 10"),
		"over another nonce":            edit("Nonce: ", "Nonce: A"),
		"over another time of issue":    edit("Issued At: 2026-01-02T03:04:05Z", "Issued At: 2026-01-02T03:04:05.000Z"),
		"over a later expiration":       edit("03:09:05Z", "04:09:05Z"),
		"over the address in lower":     edit(key.Address().Checksum(), string(key.Address())),
		"over CRLF line ends":           edit("\n\nURI", "\r\n\r\nURI"),
		"over a message with a request": edit("Version: 1\n", "Version: 1\nRequest ID: x\n"),
		"over a trailing line feed":     func(_ *testing.T, m string) string { return key.SignPersonal(m + "\n") },
		"over the nonce alone":          func(_ *testing.T, m string) string { return key.SignPersonal(m[strings.Index(m, "Nonce: ")+7:]) },
		"over nothing":                  func(*testing.T, string) string { return key.SignPersonal("") },
		"the high-s twin":               mangle(func(r, s, v string) string { return "0x" + r + highS(t, s) + otherV(v) }),
		"the high-s twin, v kept":       mangle(func(r, s, v string) string { return "0x" + r + highS(t, s) + v }),
		"the wrong recovery id":         mangle(func(r, s, v string) string { return "0x" + r + s + otherV(v) }),
		"a recovery id of EIP-155":      mangle(func(r, s, _ string) string { return "0x" + r + s + "25" }),
		"a recovery id of 2":            mangle(func(r, s, _ string) string { return "0x" + r + s + "02" }),
		"r and s exchanged":             mangle(func(r, s, v string) string { return "0x" + s + r + v }),
		"64 bytes":                      mangle(func(r, s, _ string) string { return "0x" + r + s }),
		"66 bytes":                      mangle(func(r, s, v string) string { return "0x" + r + s + v + "00" }),
		"without its prefix":            mangle(func(r, s, v string) string { return r + s + v }),
		"in base64":                     func(*testing.T, string) string { return "MEUCIQDabc==" },
		"empty":                         func(*testing.T, string) string { return "" },
		"zeros":                         func(*testing.T, string) string { return "0x" + strings.Repeat("0", 130) },
		"an ERC-1271 or 6492 wrapper":   func(*testing.T, string) string { return "0x" + strings.Repeat("6492", 400) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := f.start(t, string(key.Address()))
			got := f.verify(t, s.handle, sign(t, s.message))
			if got.status != http.StatusUnauthorized || got.code(t) != "sign_in_failed" || got.header.Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("got %d %v %s", got.status, got.header, got.body)
			}
			// Nobody but the wallet can spend the wallet's challenge.
			f.verify(t, s.handle, key.SignPersonal(s.message)).members(t)
		})
	}
}

func TestVerifyRefusesHandlesAndBodies(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	key := newKey(t)
	s := f.start(t, string(key.Address()))
	signature := key.SignPersonal(s.message)
	for name, c := range map[string]struct {
		body   string
		status int
		code   string
	}{
		"a handle of nobody":         {`{"request_id":"AAAAAAAAAAAAAAAAAAAAAAAAAA","signature":"` + signature + `"}`, 401, "sign_in_failed"},
		"no handle":                  {`{"signature":"` + signature + `"}`, 401, "sign_in_failed"},
		"a handle in lower case":     {`{"request_id":"` + strings.ToLower(s.handle) + `x","signature":"` + signature + `"}`, 401, "sign_in_failed"},
		"the nonce for the handle":   {`{"request_id":"` + s.message[strings.Index(s.message, "Nonce: ")+7:][:26] + `","signature":"` + signature + `"}`, 401, "sign_in_failed"},
		"a message of one's own":     {`{"request_id":"` + s.handle + `","signature":"` + signature + `","message":"x"}`, 400, "invalid_request"},
		"an address of one's own":    {`{"request_id":"` + s.handle + `","signature":"` + signature + `","address":"` + alice + `"}`, 400, "invalid_request"},
		"two signatures":             {`{"request_id":"` + s.handle + `","signature":"","signature":"` + signature + `"}`, 400, "invalid_request"},
		"a signature that is a list": {`{"request_id":"` + s.handle + `","signature":["` + signature + `"]}`, 400, "invalid_request"},
		"trailing data":              {`{"request_id":"` + s.handle + `","signature":"` + signature + `"}{}`, 400, "invalid_request"},
		"more than 4 KiB":            {`{"request_id":"` + s.handle + `","signature":"` + signature + strings.Repeat("0", 4096) + `"}`, 413, "request_too_large"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := f.post(t, verifyPath, c.body)
			if got.status != c.status || got.code(t) != c.code {
				t.Errorf("got %d %s, want %d %s", got.status, got.body, c.status, c.code)
			}
		})
	}
}

func TestAChallengeIsGoodOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	key := newKey(t)
	s := f.start(t, string(key.Address()))
	signature := key.SignPersonal(s.message)
	f.verify(t, s.handle, signature).members(t)
	if got := f.verify(t, s.handle, signature); got.status != http.StatusUnauthorized || got.code(t) != "sign_in_failed" {
		t.Errorf("the replay got %d %s", got.status, got.body)
	}
}

func TestAChallengeIsGoodOnceForManyAtOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	key := newKey(t)
	s := f.start(t, string(key.Address()))
	signature := key.SignPersonal(s.message)
	var granted atomic.Int32
	var racing sync.WaitGroup
	for range 16 {
		racing.Go(func() {
			if f.verify(t, s.handle, signature).status == http.StatusOK {
				granted.Add(1)
			}
		})
	}
	racing.Wait()
	if granted.Load() != 1 {
		t.Errorf("%d sessions were granted", granted.Load())
	}
}

func TestAChallengeExpires(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	key := newKey(t)
	early, late := f.start(t, string(key.Address())), f.start(t, string(key.Address()))
	// Half a minute more, for replicas whose clocks differ.
	f.clock.advance(5*time.Minute + 29*time.Second)
	f.verify(t, early.handle, key.SignPersonal(early.message)).members(t)
	f.clock.advance(time.Second)
	if got := f.verify(t, late.handle, key.SignPersonal(late.message)); got.status != http.StatusUnauthorized {
		t.Errorf("the expired one got %d %s", got.status, got.body)
	}
}

func TestAChallengeOfAChainThatWasWithdrawnIsRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	key := newKey(t)
	s := f.start(t, string(key.Address()))
	next := newConfig()
	next.Login.ChainIDs = []uint64{10}
	if err := f.reload(t, next, f.keys); err != nil {
		t.Fatal(err)
	}
	if got := f.verify(t, s.handle, key.SignPersonal(s.message)); got.status != http.StatusUnauthorized {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

func TestAdmission(t *testing.T) {
	t.Parallel()
	listed, probe, stranger := newKey(t), newKey(t), newKey(t)
	f := newFixture(t, func(c *brokerconfig.Config) {
		c.Admission = brokerconfig.Admission{
			Mode:         brokerconfig.AllowList,
			Wallets:      []wallet.Address{listed.Address()},
			ProbeWallets: []wallet.Address{probe.Address()},
		}
	})
	f.mint(t, f.signIn(t, listed), "").members(t)
	f.mint(t, f.signIn(t, probe), "").members(t)

	// A stranger gets a challenge like anyone, so that asking tells nothing.
	s := f.start(t, string(stranger.Address()))
	if got := f.verify(t, s.handle, listed.SignPersonal(s.message)); got.status != http.StatusUnauthorized {
		t.Errorf("before the signature is right: %d %s, want 401", got.status, got.body)
	}
	got := f.verify(t, s.handle, stranger.SignPersonal(s.message))
	if got.status != http.StatusForbidden || got.code(t) != "not_admitted" {
		t.Errorf("after the signature is right: %d %s, want 403 not_admitted", got.status, got.body)
	}
	if again := f.verify(t, s.handle, stranger.SignPersonal(s.message)); again.status != http.StatusUnauthorized {
		t.Errorf("the challenge was not used up: %d %s", again.status, again.body)
	}
}

func TestAWalletTakenOffTheListMintsNoMore(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	bearer := f.signIn(t, newKey(t))
	f.mint(t, bearer, "").members(t)
	next := newConfig()
	next.Admission = brokerconfig.Admission{Mode: brokerconfig.AllowList}
	if err := f.reload(t, next, f.keys); err != nil {
		t.Fatal(err)
	}
	if got := f.mint(t, bearer, ""); got.status != http.StatusForbidden || got.code(t) != "not_admitted" {
		t.Errorf("got %d %s", got.status, got.body)
	}
}
