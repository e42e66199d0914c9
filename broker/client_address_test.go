package broker

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

func prefixes(t testing.TB, networks ...string) []netip.Prefix {
	t.Helper()
	var all []netip.Prefix
	for _, network := range networks {
		all = append(all, netip.MustParsePrefix(network))
	}
	return all
}

func TestClientAddress(t *testing.T) {
	t.Parallel()
	const proxy, client = "10.1.2.3:4711", "203.0.113.7"
	for name, c := range map[string]struct {
		connection string
		forwarded  []string
		want       string
	}{
		"a direct connection":              {client + ":9", nil, client},
		"a direct connection over IPv6":    {"[2001:db8::1]:9", nil, "2001:db8::1"},
		"IPv4 in IPv6 form":                {"[::ffff:203.0.113.7]:9", nil, client},
		"a link-local address":             {"[fe80::1%eth0]:9", nil, "fe80::1"},
		"a proxy that says nothing":        {proxy, nil, "10.1.2.3"},
		"a proxy that says who":            {proxy, []string{client}, client},
		"a proxy over IPv6":                {"[fd00::1]:1", []string{client}, client},
		"a proxy in IPv6 form":             {"[::ffff:10.1.2.3]:1", []string{client}, client},
		"two proxies":                      {proxy, []string{client + ", 10.9.9.9"}, client},
		"two proxies, a header each":       {proxy, []string{client, "10.9.9.9"}, client},
		"only proxies":                     {proxy, []string{"10.0.0.1, 10.0.0.2"}, "10.0.0.1"},
		"no blanks":                        {proxy, []string{"192.0.2.1," + client + ",10.0.0.2"}, client},
		"tabs":                             {proxy, []string{"192.0.2.1,\t" + client + "\t"}, client},
		"a port":                           {proxy, []string{client + ":33000"}, client},
		"IPv6":                             {proxy, []string{"2001:db8::1"}, "2001:db8::1"},
		"IPv6 in brackets":                 {proxy, []string{"[2001:db8::1]"}, "2001:db8::1"},
		"IPv6 with a port":                 {proxy, []string{"[2001:db8::1]:443"}, "2001:db8::1"},
		"IPv6 in capitals":                 {proxy, []string{"2001:DB8:0::1"}, "2001:db8::1"},
		"IPv4 in IPv6 form behind a proxy": {proxy, []string{"::ffff:203.0.113.7"}, client},
		"a proxy in IPv6 form behind one":  {proxy, []string{client + ", ::ffff:10.0.0.9"}, client},
		"a connection without an address":  {"@", []string{client}, "invalid IP"},
		"nothing about the connection":     {"", nil, "invalid IP"},

		// Attempts to be somebody else, or somebody new each time.
		"a header without a proxy":            {client + ":9", []string{"192.0.2.1"}, client},
		"a proxy's address without a proxy":   {client + ":9", []string{"10.0.0.1"}, client},
		"a made-up entry before the real":     {proxy, []string{"192.0.2.1, " + client}, client},
		"many made-up entries":                {proxy, []string{strings.Repeat("192.0.2.1, ", 500) + client}, client},
		"a made-up header before the real":    {proxy, []string{"192.0.2.1", client}, client},
		"a made-up proxy before the real":     {proxy, []string{"192.0.2.1, 10.0.0.5, " + client}, client},
		"a comma at the end of what is sent":  {proxy, []string{"192.0.2.1,, " + client}, client},
		"an empty entry that a proxy took on": {proxy, []string{", 10.0.0.2"}, "10.0.0.2"},
		"an empty header":                     {proxy, []string{""}, "10.1.2.3"},
		"a word":                              {proxy, []string{"192.0.2.1, unknown"}, "10.1.2.3"},
		"a word behind two proxies":           {proxy, []string{"192.0.2.1, unknown, 10.0.0.2"}, "10.0.0.2"},
		"a hidden name (RFC 7239)":            {proxy, []string{"_hidden"}, "10.1.2.3"},
		"a quoted address (RFC 7239)":         {proxy, []string{`"[2001:db8::1]"`}, "10.1.2.3"},
		"a whole element (RFC 7239)":          {proxy, []string{"for=203.0.113.7"}, "10.1.2.3"},
		"a host name":                         {proxy, []string{"localhost"}, "10.1.2.3"},
		"a network":                           {proxy, []string{"203.0.113.0/24"}, "10.1.2.3"},
		"octal digits":                        {proxy, []string{"203.0.113.007"}, "10.1.2.3"},
		"one number":                          {proxy, []string{"3405803783"}, "10.1.2.3"},
		"hexadecimal digits":                  {proxy, []string{"0xcb007107"}, "10.1.2.3"},
		"three numbers":                       {proxy, []string{"203.0.113"}, "10.1.2.3"},
		"a number too large":                  {proxy, []string{"203.0.113.256"}, "10.1.2.3"},
		"a port too large":                    {proxy, []string{client + ":65536"}, "10.1.2.3"},
		"a port that is none":                 {proxy, []string{client + ":"}, "10.1.2.3"},
		"a bracket that stays open":           {proxy, []string{"[2001:db8::1"}, "10.1.2.3"},
		"a bracket that was not open":         {proxy, []string{"2001:db8::1]"}, "10.1.2.3"},
		"IPv4 in brackets":                    {proxy, []string{"[203.0.113.7]"}, "10.1.2.3"},
		"full-width digits":                   {proxy, []string{"２０３.0.113.7"}, "10.1.2.3"},
		"a NUL byte":                          {proxy, []string{client + "\x00"}, "10.1.2.3"},
		"a line break":                        {proxy, []string{client + "\r\n10.0.0.1"}, "10.1.2.3"},
		"a zone that changes":                 {proxy, []string{"fe80::1%a"}, "fe80::1"},
		"a zone in brackets":                  {proxy, []string{"[fe80::1%b]"}, "fe80::1"},
		"a zone and a port":                   {proxy, []string{"[fe80::1%c]:1"}, "fe80::1"},
		"a loop of proxies":                   {proxy, []string{client + strings.Repeat(", 10.0.0.2", maxHops)}, "10.0.0.2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &http.Request{RemoteAddr: c.connection, Header: http.Header{}}
			for _, value := range c.forwarded {
				r.Header.Add("X-Forwarded-For", value)
			}
			r.Header.Set("X-Real-Ip", "198.51.100.66")
			r.Header.Set("Forwarded", "for=198.51.100.66")
			if got := clientAddress(r, prefixes(t, "10.0.0.0/8", "fd00::/8")); got.String() != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestWhoSharesALimit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		one, other string
		same       bool
	}{
		"an address and itself":               {"203.0.113.7", "203.0.113.7", true},
		"two IPv4 addresses":                  {"203.0.113.7", "203.0.113.8", false},
		"two of one IPv6 /64 network":         {"2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true},
		"two of neighbouring /64 networks":    {"2001:db8:1:2::1", "2001:db8:1:3::1", false},
		"IPv4 and the IPv6 network of zeroes": {"203.0.113.7", "::1", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			one, other := newClientKey(netip.MustParseAddr(c.one)), newClientKey(netip.MustParseAddr(c.other))
			if (one == other) != c.same {
				t.Errorf("the same is %v, want %v", one == other, c.same)
			}
		})
	}
}

func FuzzClientAddress(f *testing.F) {
	for _, value := range []string{"203.0.113.7", "192.0.2.1, 10.0.0.1", "[2001:db8::1]:443, 10.0.0.1", "fe80::1%x", ",,"} {
		f.Add(value)
	}
	proxies := prefixes(f, "10.0.0.0/8")
	f.Fuzz(func(t *testing.T, sent string) {
		// Whatever a client sends, the proxy adds what it saw.
		r := &http.Request{RemoteAddr: "10.1.2.3:4711", Header: http.Header{"X-Forwarded-For": {sent + ", 203.0.113.7"}}}
		if got := clientAddress(r, proxies); got.String() != "203.0.113.7" {
			t.Errorf("%q: got %s", sent, got)
		}
		// One who connects from a trusted network itself can say anything; the
		// answer is an address nevertheless.
		r.Header["X-Forwarded-For"] = []string{sent}
		if got := clientAddress(r, proxies); !got.IsValid() || got.Zone() != "" || got.Is4In6() {
			t.Errorf("%q: got %s", sent, got)
		}
	})
}
