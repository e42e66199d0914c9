package broker_test

import (
	"math/big"
	"net/http"
	"strings"
	"testing"

	"github.com/litentry/wallet-federation/internal/brokerconfig"
	"github.com/litentry/wallet-federation/internal/wallet"
)

func refusedStarts(t *testing.T) map[string]refused {
	t.Helper()
	f := newFixture(t)
	good := `{"address":"` + alice + `","chain_id":1}`
	cases := map[string]refused{
		"two Content-Types": {want: badMedia, send: func(t *testing.T) answer {
			t.Helper()
			return f.send(t, http.MethodPost, startPath, good, "Content-Type", "application/json", "Content-Type", "application/json")
		}},
		"a compressed body": {want: badMedia, send: func(t *testing.T) answer {
			t.Helper()
			return f.send(t, http.MethodPost, startPath, good, "Content-Type", "application/json", "Content-Encoding", "gzip")
		}},
	}
	for name, c := range map[string]struct {
		body, contentType string
		want              refusedWith
	}{
		"no body":                           {"", "application/json", badRequest},
		"null":                              {"null", "application/json", badRequest},
		"a list":                            {"[" + good + "]", "application/json", badRequest},
		"a string":                          {`"` + alice + `"`, "application/json", badRequest},
		"cut short":                         {good[:20], "application/json", badRequest},
		"two objects":                       {good + good, "application/json", badRequest},
		"trailing data":                     {good + "x", "application/json", badRequest},
		"an unknown member":                 {`{"address":"` + alice + `","chain_id":1,"domain":"evil.example"}`, "application/json", badRequest},
		"a member twice":                    {`{"address":"` + alice + `","address":"` + alice + `","chain_id":1}`, "application/json", badRequest},
		"a member in another case":          {`{"Address":"` + alice + `","chain_id":1}`, "application/json", badRequest},
		"invalid UTF-8":                     {"{\"address\":\"\xff\",\"chain_id\":1}", "application/json", badRequest},
		"a chain in quotes":                 {`{"address":"` + alice + `","chain_id":"1"}`, "application/json", badRequest},
		"a negative chain":                  {`{"address":"` + alice + `","chain_id":-1}`, "application/json", badRequest},
		"a chain with a fraction":           {`{"address":"` + alice + `","chain_id":1.5}`, "application/json", badRequest},
		"a chain beyond 64 bits":            {`{"address":"` + alice + `","chain_id":18446744073709551616}`, "application/json", badRequest},
		"no chain":                          {`{"address":"` + alice + `"}`, "application/json", badChain},
		"another chain":                     {`{"address":"` + alice + `","chain_id":5}`, "application/json", badChain},
		"no address":                        {`{"chain_id":1}`, "application/json", badAddress},
		"an address that is null":           {`{"address":null,"chain_id":1}`, "application/json", badAddress},
		"an address with a wrong checksum":  {`{"address":"0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed","chain_id":1}`, "application/json", badAddress},
		"an address without its prefix":     {`{"address":"` + alice[2:] + `","chain_id":1}`, "application/json", badAddress},
		"an address a digit short":          {`{"address":"` + alice[:41] + `","chain_id":1}`, "application/json", badAddress},
		"an address with a line of its own": {`{"address":"` + alice + `\nStatement","chain_id":1}`, "application/json", badAddress},
		"an address with a Cyrillic letter": {`{"address":"0x5` + "\u0430" + alice[5:] + `","chain_id":1}`, "application/json", badAddress},
		"an ENS name":                       {`{"address":"alice.eth","chain_id":1}`, "application/json", badAddress},
		"no Content-Type":                   {good, "", badMedia},
		"a form":                            {"address=" + alice, "application/x-www-form-urlencoded", badMedia},
		"plain text":                        {good, "text/plain", badMedia},
		"JSON of another kind":              {good, "application/ld+json", badMedia},
		"another charset":                   {good, "application/json; charset=utf-16", badMedia},
		"a parameter nobody defined":        {good, "application/json; profile=x", badMedia},
		"a Content-Type that is malformed":  {good, "application/json;;", badMedia},
		"4 KiB and a byte":                  {good + strings.Repeat(" ", 4097-len(good)), "application/json", tooLarge},
		"a byte order mark":                 {"\ufeff" + good, "application/json", badRequest},
		"nested 1,000 deep":                 {strings.Repeat(`{"address":`, 370), "application/json", badRequest},
		"a member twice, once escaped":      {`{"address":"` + alice + `","addr\u0065ss":"` + alice + `","chain_id":1}`, "application/json", badRequest},
		"a comment":                         {"/**/" + good, "application/json", badRequest},
		"a chain with an exponent":          {`{"address":"` + alice + `","chain_id":1e0}`, "application/json", badRequest},
		"a chain of minus nothing":          {`{"address":"` + alice + `","chain_id":-0}`, "application/json", badRequest},
		"a chain with a leading zero":       {`{"address":"` + alice + `","chain_id":01}`, "application/json", badRequest},
		"chain zero":                        {`{"address":"` + alice + `","chain_id":0}`, "application/json", badChain},
		"an address with a NUL":             {`{"address":"` + alice + `\u0000","chain_id":1}`, "application/json", badAddress},
		"an address with half a surrogate":  {`{"address":"` + alice + `\ud800","chain_id":1}`, "application/json", badAddress},
		"an address with CRLF":              {`{"address":"` + alice + `\r\nURI: https://evil.example","chain_id":1}`, "application/json", badAddress},
		"an address with an unseen space":   {`{"address":"` + alice + "\u200b" + `","chain_id":1}`, "application/json", badAddress},
		"an address with 0X":                {`{"address":"0X` + alice[2:] + `","chain_id":1}`, "application/json", badAddress},
		"an address in full-width digits":   {`{"address":"` + "\uff10x" + alice[2:] + `","chain_id":1}`, "application/json", badAddress},
		"an address of 4,000 digits":        {`{"address":"0x` + strings.Repeat("a", 4000) + `","chain_id":1}`, "application/json", badAddress},
		"bytes":                             {good, "application/octet-stream", badMedia},
		"a list of media types":             {good, "application/json, application/json", badMedia},
		"a body without end":                {`{"address":"` + strings.Repeat("a", 1<<20), "application/json", tooLarge},
	} {
		cases[name] = refused{want: c.want, send: func(t *testing.T) answer {
			t.Helper()
			return f.send(t, http.MethodPost, startPath, c.body, "Content-Type", c.contentType)
		}}
	}
	return cases
}

// corrupt returns a signature with one thing about it changed.
func corrupt(t *testing.T, signature string, change func(r, s, v string) string) string {
	t.Helper()
	return change(signature[2:66], signature[66:130], signature[130:])
}

// order is that of the curve (SEC 2, secp256k1).
const order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"

func highS(t *testing.T, s string) string {
	t.Helper()
	all, _ := new(big.Int).SetString(order, 16)
	n, ok := new(big.Int).SetString(s, 16)
	if !ok {
		t.Fatal("not a number")
	}
	text := n.Sub(all, n).Text(16)
	return strings.Repeat("0", 64-len(text)) + text
}

func otherV(v string) string {
	if v == "1b" {
		return "1c"
	}
	return "1b"
}

// refusedSignatures are by, or over, something else than the wallet and the
// message. Nobody but the wallet can spend the wallet's challenge: after each it is
// still good.
func refusedSignatures(t *testing.T) map[string]refused {
	t.Helper()
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
	cases := map[string]refused{}
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
		"over CRLF throughout":          func(_ *testing.T, m string) string { return key.SignPersonal(strings.ReplaceAll(m, "\n", "\r\n")) },
		"over a trailing CR":            func(_ *testing.T, m string) string { return key.SignPersonal(m + "\r") },
		"over resources": func(_ *testing.T, m string) string {
			return key.SignPersonal(m + "\nResources:\n- https://evil.example")
		},
		"over a time to begin":          func(_ *testing.T, m string) string { return key.SignPersonal(m + "\nNot Before: 2026-01-02T03:04:05Z") },
		"over no expiration":            edit("\nExpiration Time: 2026-01-02T03:09:05Z", ""),
		"over a subdomain":              edit("broker.example.org wants", "a.broker.example.org wants"),
		"over the domain and a port":    edit("broker.example.org wants", "broker.example.org:443 wants"),
		"over the domain and a dot":     edit("broker.example.org wants", "broker.example.org. wants"),
		"over the domain in upper case": edit("broker.example.org wants", "BROKER.EXAMPLE.ORG wants"),
		"over an unseen space":          edit("broker.example.org wants", "broker.example.org\u200b wants"),
		"over a no-break space":         edit("broker.example.org wants", "broker.example.org\u00a0wants"),
		"over text from right to left":  edit("Sign in to see", "\u202eSign in to see"),
		"over a homoglyph statement":    edit("Sign in to see", "Sign in to s\u0435e"),
		"over another statement":        edit("Sign in to see your bots.", "Sign in."),
		"over no statement":             edit("\nSign in to see your bots.\n", ""),
		"over a user in the URI":        edit("URI: https://broker", "URI: https://user@broker"),
		"over a full-width version":     edit("Version: 1", "Version: \uff11"),
		"over a chain with a zero":      edit("Chain ID: 1", "Chain ID: 01"),
		"over two chains":               edit("Chain ID: 1", "Chain ID: 1\nChain ID: 1"),
		"over two nonces":               edit("Nonce: ", "Nonce: AAAAAAAA\nNonce: "),
		"over another's address":        edit(key.Address().Checksum(), wallet.Address(alice).Checksum()),
		"the wrong recovery id, as 0/1": mangle(func(r, s, v string) string { return "0x" + r + s + map[string]string{"1b": "01", "1c": "00"}[v] }),
		"a recovery id of 29":           mangle(func(r, s, _ string) string { return "0x" + r + s + "1d" }),
		"a recovery id of 255":          mangle(func(r, s, _ string) string { return "0x" + r + s + "ff" }),
		"r of zero":                     mangle(func(_, s, v string) string { return "0x" + strings.Repeat("0", 64) + s + v }),
		"s of zero":                     mangle(func(r, _, v string) string { return "0x" + r + strings.Repeat("0", 64) + v }),
		"r of the order":                mangle(func(_, s, v string) string { return "0x" + order + s + v }),
		"s of the order":                mangle(func(r, _, v string) string { return "0x" + r + order + v }),
		"r beyond the field":            mangle(func(_, s, v string) string { return "0x" + strings.Repeat("f", 64) + s + v }),
		"in DER":                        mangle(func(r, s, _ string) string { return "0x30440220" + r + "0220" + s }),
		"with 0X":                       mangle(func(r, s, v string) string { return "0X" + r + s + v }),
		"with a line feed after":        mangle(func(r, s, v string) string { return "0x" + r + s + v + `\n` }),
		"with a space before":           mangle(func(r, s, v string) string { return " 0x" + r + s + v }),
		"with a NUL after":              mangle(func(r, s, v string) string { return "0x" + r + s + v + `\u0000` }),
		"with a Cyrillic digit":         mangle(func(r, s, v string) string { return "0x\u0430" + r[2:] + s + v }),
		"of 3,600 digits":               mangle(func(r, s, v string) string { return "0x" + r + s + v + strings.Repeat("0", 3600) }),
		"an ERC-1271 or 6492 wrapper":   func(*testing.T, string) string { return "0x" + strings.Repeat("6492", 400) },
	} {
		s := f.start(t, string(key.Address()))
		cases[name] = refused{
			want: badSignIn,
			send: func(t *testing.T) answer { t.Helper(); return f.verify(t, s.handle, sign(t, s.message)) },
			then: func(t *testing.T) { t.Helper(); f.verify(t, s.handle, key.SignPersonal(s.message)).members(t) },
		}
	}
	return cases
}

// refusedVerifications are good signatures that come with something else.
func refusedVerifications(t *testing.T) map[string]refused {
	t.Helper()
	f := newFixture(t)
	key := newKey(t)
	s := f.start(t, string(key.Address()))
	signature := key.SignPersonal(s.message)
	other := f.start(t, alice)
	foreign := newFixture(t, func(c *brokerconfig.Config) { c.Issuer = "https://other.example.org" }).start(t, string(key.Address()))
	used := f.start(t, string(key.Address()))
	usedSignature := key.SignPersonal(used.message)
	f.verify(t, used.handle, usedSignature).members(t)
	body := func(handle, signature string) string {
		return `{"request_id":"` + handle + `","signature":"` + signature + `"}`
	}
	cases := map[string]refused{}
	for name, c := range map[string]struct {
		body string
		want refusedWith
	}{
		"a handle of nobody":         {`{"request_id":"AAAAAAAAAAAAAAAAAAAAAAAAAA","signature":"` + signature + `"}`, badSignIn},
		"no handle":                  {`{"signature":"` + signature + `"}`, badSignIn},
		"a handle in lower case":     {`{"request_id":"` + strings.ToLower(s.handle) + `x","signature":"` + signature + `"}`, badSignIn},
		"the nonce for the handle":   {`{"request_id":"` + s.message[strings.Index(s.message, "Nonce: ")+7:][:26] + `","signature":"` + signature + `"}`, badSignIn},
		"a replay":                   {body(used.handle, usedSignature), badSignIn},
		"nothing in it":              {`{}`, badSignIn},
		"no signature":               {`{"request_id":"` + s.handle + `"}`, badSignIn},
		"null for both":              {`{"request_id":null,"signature":null}`, badSignIn},
		"a handle of 3,000 letters":  {body(strings.Repeat("A", 3000), signature), badSignIn},
		"a handle that is a number":  {`{"request_id":1,"signature":"` + signature + `"}`, badRequest},
		"a member in another case":   {`{"Request_ID":"` + s.handle + `","signature":"` + signature + `"}`, badRequest},
		"a signature twice, escaped": {`{"request_id":"` + s.handle + `","signature":"","sign\u0061ture":"` + signature + `"}`, badRequest},
		"invalid UTF-8":              {body(s.handle, signature+"\xff"), badRequest},
		"half a surrogate":           {body(s.handle, signature+`\udc00`), badSignIn},
		"a byte order mark":          {"\ufeff" + body(s.handle, signature), badRequest},
		"nested 400 deep":            {`{"request_id":` + strings.Repeat("[", 400) + strings.Repeat("]", 400) + `}`, badRequest},
		"no JSON":                    {"request_id=" + s.handle + "&signature=" + signature, badRequest},
		"a message of one's own":     {`{"request_id":"` + s.handle + `","signature":"` + signature + `","message":"x"}`, badRequest},
		"an address of one's own":    {`{"request_id":"` + s.handle + `","signature":"` + signature + `","address":"` + alice + `"}`, badRequest},
		"two signatures":             {`{"request_id":"` + s.handle + `","signature":"","signature":"` + signature + `"}`, badRequest},
		"a signature that is a list": {`{"request_id":"` + s.handle + `","signature":["` + signature + `"]}`, badRequest},
		"trailing data":              {`{"request_id":"` + s.handle + `","signature":"` + signature + `"}{}`, badRequest},
		"more than 4 KiB":            {`{"request_id":"` + s.handle + `","signature":"` + signature + strings.Repeat("0", 4096) + `"}`, tooLarge},
	} {
		cases[name] = refused{want: c.want, send: func(t *testing.T) answer { t.Helper(); return f.post(t, verifyPath, c.body) }}
	}
	for name, handle := range map[string]string{
		"another wallet's":        other.handle,
		"another issuer's":        foreign.handle,
		"cut short":               s.handle[:len(s.handle)-1],
		"with a character more":   s.handle + "A",
		"with padding":            s.handle + "=",
		"its first half twice":    s.handle[:len(s.handle)/2] + s.handle[:len(s.handle)/2],
		"another's MAC":           s.handle[:len(s.handle)-40] + other.handle[len(other.handle)-40:],
		"in lower case":           strings.ToLower(s.handle),
		"in standard base64":      strings.NewReplacer("-", "+", "_", "/").Replace(s.handle) + " ",
		"with a line feed inside": s.handle[:10] + `\n` + s.handle[10:],
		"empty":                   "",
		"of zeros":                strings.Repeat("A", len(s.handle)),
	} {
		cases["a handle, "+name] = refused{want: badSignIn, send: func(t *testing.T) answer { t.Helper(); return f.verify(t, handle, signature) }}
	}
	return cases
}
