package siwe_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/litentry/wallet-federation/internal/siwe"
)

// The examples of EIP-4361, in their order there.
const (
	implicitScheme = `example.com wants you to sign in with your Ethereum account:
0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2

I accept the ExampleOrg Terms of Service: https://example.com/tos

URI: https://example.com/login
Version: 1
Chain ID: 1
Nonce: 32891756
Issued At: 2021-09-30T16:25:24Z
Resources:
- ipfs://bafybeiemxf5abjwjbikoz4mc3a3dla6ual3jsgpdr4cjr3oz3evfyavhwq/
- https://example.com/my-web2-claim.json`

	minimal = `service.org wants you to sign in with your Ethereum account:
0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2


URI: https://service.org/login
Version: 1
Chain ID: 1
Nonce: 32891757
Issued At: 2021-09-30T16:25:24.000Z`

	complete = `https://user@[2001:db8::1]:8443 wants you to sign in with your Ethereum account:
0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2

It's me & you; (50) [a/b]? #1 = $2, *all* ~ +1!

URI: did:key:z6Mk?x=%2F#frag
Version: 1
Chain ID: 18446744073709551615
Nonce: abcdEFGH0123
Issued At: 2021-09-30T18:25:24.5+02:00
Expiration Time: 2021-09-30T16:30:24Z
Not Before: 2021-09-30T16:25:00Z
Request ID: a-b_c:d@e%20f
Resources:`
)

func exampleOrg() *siwe.Message {
	return &siwe.Message{
		Domain:    "example.com",
		Address:   "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2",
		Statement: "I accept the ExampleOrg Terms of Service: https://example.com/tos",
		URI:       "https://example.com/login",
		ChainID:   1,
		Nonce:     "32891756",
		IssuedAt:  time.Date(2021, 9, 30, 16, 25, 24, 0, time.UTC),
		Resources: []string{
			"ipfs://bafybeiemxf5abjwjbikoz4mc3a3dla6ual3jsgpdr4cjr3oz3evfyavhwq/",
			"https://example.com/my-web2-claim.json",
		},
	}
}

func withDomain(scheme, domain string) *siwe.Message {
	m := exampleOrg()
	m.Scheme, m.Domain = scheme, domain
	return m
}

func TestParseReadsEveryField(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		want *siwe.Message
	}{
		"EIP example, implicit scheme": {implicitScheme, exampleOrg()},
		"EIP example, explicit port": {
			strings.Replace(implicitScheme, "example.com wants", "example.com:3388 wants", 1),
			withDomain("", "example.com:3388"),
		},
		"EIP example, explicit scheme": {"https://" + implicitScheme, withDomain("https", "example.com")},
		"nothing optional, address in lower case": {minimal, &siwe.Message{
			Domain:   "service.org",
			Address:  "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2",
			URI:      "https://service.org/login",
			ChainID:  1,
			Nonce:    "32891757",
			IssuedAt: time.Date(2021, 9, 30, 16, 25, 24, 0, time.UTC),
		}},
		"everything, in its odder spellings": {complete, &siwe.Message{
			Scheme:         "https",
			Domain:         "user@[2001:db8::1]:8443",
			Address:        "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2",
			Statement:      "It's me & you; (50) [a/b]? #1 = $2, *all* ~ +1!",
			URI:            "did:key:z6Mk?x=%2F#frag",
			ChainID:        18446744073709551615,
			Nonce:          "abcdEFGH0123",
			IssuedAt:       time.Date(2021, 9, 30, 16, 25, 24, 500_000_000, time.UTC),
			ExpirationTime: time.Date(2021, 9, 30, 16, 30, 24, 0, time.UTC),
			NotBefore:      time.Date(2021, 9, 30, 16, 25, 0, 0, time.UTC),
			RequestID:      "a-b_c:d@e%20f",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := siwe.Parse(c.text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			again, err := siwe.Parse(got.String())
			if err != nil {
				t.Fatalf("what String writes does not parse: %v\n%s", err, got)
			}
			if diff := cmp.Diff(got, again); diff != "" {
				t.Errorf("round trip (-first +second):\n%s", diff)
			}
		})
	}
}

func TestStringWritesTheEIPExampleBack(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(implicitScheme, exampleOrg().String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// full is a message with every optional field, to be spoilt.
const full = `service.org wants you to sign in with your Ethereum account:
0xe5A12547fe4E872D192E3eCecb76F2Ce1aeA4946

I accept the terms

URI: https://service.org/login
Version: 1
Chain ID: 1
Nonce: 12341234
Issued At: 2022-03-17T12:45:13Z
Expiration Time: 2023-03-17T12:45:13Z
Not Before: 2022-03-17T12:45:13Z
Request ID: some_id
Resources:
- https://service.org/login`

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	if _, err := siwe.Parse(full); err != nil {
		t.Fatalf("the message to be spoilt is not good: %v", err)
	}
	for name, c := range map[string]struct{ old, replacement string }{
		"no domain":                           {"service.org wants", " wants"},
		"nothing before wants":                {"service.org wants", "wants"},
		"a space in the domain":               {"service.org wants", "service.org evil.org wants"},
		"a path in the domain":                {"service.org wants", "service.org/x wants"},
		"a Cyrillic homoglyph in the domain":  {"service.org wants", "s\u0435rvice.org wants"},
		"a port that is no number":            {"service.org wants", "service.org:80a wants"},
		"a host that is only a port":          {"service.org wants", ":80 wants"},
		"an IPv6 host without its bracket":    {"service.org wants", "[::1 wants"},
		"an IPv6 host with a zone":            {"service.org wants", "[fe80::1%25eth0] wants"},
		"an IPv4 host in brackets":            {"service.org wants", "[127.0.0.1] wants"},
		"an IP version of the future":         {"service.org wants", "[v1.x] wants"},
		"an IPv6 host of nine groups":         {"service.org wants", "[1:2:3:4:5:6:7:8:9] wants"},
		"an IPv6 host with nothing to elide":  {"service.org wants", "[1:2:3:4::5:6:7:8] wants"},
		"an IPv6 host with an octet of 256":   {"URI: https://service.org/login", "URI: https://[::1.2.3.256]/login"},
		"an IPv6 host with an empty octet":    {"URI: https://service.org/login", "URI: https://[::ffff:1.2..4]/login"},
		"a bad percent-encoding":              {"service.org wants", "service%2.org wants"},
		"an empty scheme":                     {"service.org wants", "://service.org wants"},
		"a scheme that starts with a digit":   {"service.org wants", "1http://service.org wants"},
		"an over-long domain":                 {"service.org wants", strings.Repeat("a", 513) + " wants"},
		"another chain's account":             {"Ethereum account:", "Solana account:"},
		"an opening in another case":          {"wants you", "Wants you"},
		"an opening without its colon":        {"account:\n", "account\n"},
		"no address":                          {"0xe5A12547fe4E872D192E3eCecb76F2Ce1aeA4946\n", ""},
		"an address with a wrong checksum":    {"0xe5A", "0xE5A"},
		"an address with a trailing space":    {"4946\n", "4946 \n"},
		"no line between address and text":    {"4946\n\n", "4946\n"},
		"two lines between address and text":  {"4946\n\n", "4946\n\n\n"},
		"a statement with a line break":       {"accept the", "accept\nthe"},
		"a statement with a percent sign":     {"the terms", "100% of the terms"},
		"a statement with quotes":             {"the terms", "the \"terms\""},
		"a statement with a non-ASCII letter": {"the terms", "the t\u00earms"},
		"a statement with a NUL":              {"the terms", "the\x00terms"},
		"a statement with a tab":              {"the terms", "the\tterms"},
		"a statement with a lone CR":          {"the terms", "the\rterms"},
		"invalid UTF-8 in the statement":      {"the terms", "the \xff terms"},
		"a right-to-left override":            {"the terms", "the \u202eterms"},
		"a statement that is empty":           {"I accept the terms\n", "\n"},
		"no line after the statement":         {"terms\n\n", "terms\n"},
		"two lines after the statement":       {"terms\n\n", "terms\n\n\n"},
		"no URI":                              {"URI: https://service.org/login\n", ""},
		"a URI without a scheme":              {"URI: https://service.org/login", "URI: service.org/login"},
		"a URI with a space":                  {"URI: https://service.org/login", "URI: https://service.org/log in"},
		"a URI with two fragments":            {"URI: https://service.org/login", "URI: https://service.org/#a#b"},
		"a URI with angle brackets":           {"URI: https://service.org/login", "URI: <https://service.org/login>"},
		"a URI with brackets in the path":     {"URI: https://service.org/login", "URI: https://service.org/[x]"},
		"an over-long URI":                    {"URI: https://service.org/login", "URI: https:" + strings.Repeat("a", 2043)},
		"a label in another case":             {"URI: ", "Uri: "},
		"a label without its space":           {"URI: ", "URI:"},
		"a label with two spaces":             {"Nonce: ", "Nonce:  "},
		"version 2":                           {"Version: 1", "Version: 2"},
		"version 01":                          {"Version: 1", "Version: 01"},
		"no version":                          {"Version: 1\n", ""},
		"no chain":                            {"Chain ID: 1\n", ""},
		"an empty chain":                      {"Chain ID: 1", "Chain ID: "},
		"a negative chain":                    {"Chain ID: 1", "Chain ID: -1"},
		"a signed chain":                      {"Chain ID: 1", "Chain ID: +1"},
		"a hexadecimal chain":                 {"Chain ID: 1", "Chain ID: 0x1"},
		"a chain beyond 64 bits":              {"Chain ID: 1", "Chain ID: 18446744073709551616"},
		"a nonce of 7 characters":             {"Nonce: 12341234", "Nonce: 1234123"},
		"a nonce with a hyphen":               {"Nonce: 12341234", "Nonce: 1234-1234"},
		"an over-long nonce":                  {"Nonce: 12341234", "Nonce: " + strings.Repeat("1", 129)},
		"two nonces":                          {"Nonce: 12341234\n", "Nonce: 12341234\nNonce: 43214321\n"},
		"version after chain":                 {"Version: 1\nChain ID: 1", "Chain ID: 1\nVersion: 1"},
		"not before ahead of expiration":      {"Expiration Time: 2023-03-17T12:45:13Z\nNot Before: 2022-03-17T12:45:13Z", "Not Before: 2022-03-17T12:45:13Z\nExpiration Time: 2023-03-17T12:45:13Z"},
		"no time of issue":                    {"Issued At: 2022-03-17T12:45:13Z\n", ""},
		"a time in words":                     {"Issued At: 2022-03-17T12:45:13Z", "Issued At: Wed Oct 05 2011 16:48:00 GMT+0200"},
		"a time without a zone":               {"Issued At: 2022-03-17T12:45:13Z", "Issued At: 2022-03-17T12:45:13"},
		"a time with a space for the T":       {"Issued At: 2022-03-17T", "Issued At: 2022-03-17 "},
		"a time with a comma":                 {"Issued At: 2022-03-17T12:45:13Z", "Issued At: 2022-03-17T12:45:13,5Z"},
		"a time with one digit of hours":      {"Issued At: 2022-03-17T12:", "Issued At: 2022-03-17T2:"},
		"a time with a zone of 99 hours":      {"Issued At: 2022-03-17T12:45:13Z", "Issued At: 2022-03-17T12:45:13+99:00"},
		"a time with a zone without a colon":  {"Issued At: 2022-03-17T12:45:13Z", "Issued At: 2022-03-17T12:45:13+0100"},
		"a time with an empty fraction":       {"Issued At: 2022-03-17T12:45:13Z", "Issued At: 2022-03-17T12:45:13.Z"},
		"the year 1":                          {"Issued At: 2022-03-17T12:45:13Z", "Issued At: 0001-01-01T00:00:00Z"},
		"a year that UTC cannot spell":        {"Issued At: 2022-03-17T12:45:13Z", "Issued At: 9999-12-31T23:59:59-01:00"},
		"the 30th of February":                {"Issued At: 2022-03-17", "Issued At: 2022-02-30"},
		"an endless fraction of a second":     {"Issued At: 2022-03-17T12:45:13Z", "Issued At: 2022-03-17T12:45:13." + strings.Repeat("0", 40) + "Z"},
		"a bad expiration":                    {"Expiration Time: 2023-03-17T12:45:13Z", "Expiration Time: never"},
		"a bad not-before":                    {"Not Before: 2022-03-17T12:45:13Z", "Not Before: "},
		"a request id with a space":           {"Request ID: some_id", "Request ID: some id"},
		"a request id with a slash":           {"Request ID: some_id", "Request ID: some/id"},
		"an over-long request id":             {"Request ID: some_id", "Request ID: " + strings.Repeat("a", 257)},
		"resources on one line":               {"/login\n", "/login - https://x.org\n"},
		"a resource that is no URI":           {"- https://service.org/login", "- _not_a_uri_"},
		"a second resource that is no URI":    {"- https://service.org/login", "- https://service.org/login\n- nope"},
		"a resource without its dash":         {"- https://service.org/login", "https://service.org/login"},
		"text after Resources":                {"Resources:", "Resources: x"},
		"33 resources":                        {"- https://service.org/login", strings.TrimSuffix(strings.Repeat("- a:b\n", 33), "\n")},
		"an over-long resource":               {"- https://service.org/login", "- a:" + strings.Repeat("b", 2048)},
		"a field that nobody knows":           {"Request ID: some_id", "Colour: blue"},
		"an empty line in the middle":         {"Version: 1\n", "Version: 1\n\n"},
		"a line feed at the end":              {"- https://service.org/login", "- https://service.org/login\n"},
		"CRLF line ends":                      {"Version: 1\n", "Version: 1\r\n"},
		"a message more than 8 KiB long":      {"I accept the terms", strings.Repeat("a", 8192)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(full, c.old) {
				t.Fatalf("the message has no %q to replace", c.old)
			}
			// The first occurrence is the one meant, save for the resource.
			text := strings.Replace(full, c.old, c.replacement, 1)
			if got, err := siwe.Parse(text); !errors.Is(err, siwe.ErrSyntax) {
				t.Errorf("got %+v, %v, want ErrSyntax for:\n%s", got, err, text)
			}
		})
	}
}

func TestParseTakesAnAddressInOneCase(t *testing.T) {
	t.Parallel()
	const address = "e5A12547fe4E872D192E3eCecb76F2Ce1aeA4946"
	for _, spelling := range []string{address, strings.ToLower(address), strings.ToUpper(address)} {
		got, err := siwe.Parse(strings.Replace(full, address, spelling, 1))
		if err != nil || got.Address.Checksum() != "0x"+address {
			t.Errorf("%s: %+v, %v", spelling, got, err)
		}
	}
}

func TestParseRefusesTruncatedMessages(t *testing.T) {
	t.Parallel()
	lines := strings.Split(minimal, "\n")
	for n := range lines {
		if got, err := siwe.Parse(strings.Join(lines[:n], "\n")); !errors.Is(err, siwe.ErrSyntax) {
			t.Errorf("the first %d lines parse: %+v, %v", n, got, err)
		}
	}
}

func TestCheckStatement(t *testing.T) {
	t.Parallel()
	for statement, good := range map[string]bool{
		"":                         true,
		"Sign in to see your bots": true,
		"https://a.b/c?d=e#f":      true,
		"50% off":                  false,
		"two\nlines":               false,
		"caf\u00e9":                false,
	} {
		if err := siwe.CheckStatement(statement); (err == nil) != good {
			t.Errorf("CheckStatement(%q) = %v", statement, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{implicitScheme, minimal, complete, full, "https://" + implicitScheme, ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		first, err := siwe.Parse(text)
		if err != nil {
			return
		}
		canonical := first.String()
		second, err := siwe.Parse(canonical)
		if err != nil {
			t.Fatalf("what String writes does not parse: %v\n%s", err, canonical)
		}
		if diff := cmp.Diff(first, second); diff != "" {
			t.Errorf("round trip (-first +second):\n%s", diff)
		}
	})
}
