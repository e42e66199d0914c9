package trustedissuer

import (
	"net/netip"
	"testing"
)

func TestGuard(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]struct{ public, onLoopback bool }{
		"8.8.8.8":                {true, true},
		"172.32.0.1":             {true, true},
		"100.128.0.1":            {true, true},
		"::ffff:8.8.8.8":         {true, true},
		"2606:4700::1111":        {true, true},
		"2a00:1450:4001:830::1":  {true, true},
		"64:ff9b::808:808":       {true, true},
		"127.0.0.1":              {false, true},
		"127.255.255.254":        {false, true},
		"::1":                    {false, true},
		"::ffff:127.0.0.1":       {false, true},
		"0.0.0.0":                {},
		"0.1.2.3":                {},
		"10.0.0.1":               {},
		"100.64.0.1":             {},
		"100.127.255.255":        {},
		"169.254.169.254":        {},
		"169.254.170.2":          {},
		"172.16.0.1":             {},
		"172.31.255.255":         {},
		"192.0.0.192":            {},
		"192.0.2.1":              {},
		"192.168.0.1":            {},
		"198.18.0.1":             {},
		"198.51.100.1":           {},
		"203.0.113.1":            {},
		"224.0.0.1":              {},
		"239.255.255.250":        {},
		"240.0.0.1":              {},
		"255.255.255.255":        {},
		"::":                     {},
		"::7f00:1":               {},
		"::ffff:10.0.0.1":        {},
		"::ffff:169.254.169.254": {},
		"::ffff:0:7f00:1":        {},
		"64:ff9b::a9fe:a9fe":     {},
		"64:ff9b::7f00:1":        {},
		"64:ff9b:1::808:808":     {},
		"100::1":                 {},
		"2001::1":                {},
		"2001:db8::1":            {},
		"2002:7f00:1::1":         {},
		"3fff::1":                {},
		"fc00::1":                {},
		"fd00:ec2::254":          {},
		"fe80::1":                {},
		"fe80::1%eth0":           {},
		"fec0::1":                {},
		"ff02::1":                {},
	} {
		target := netip.AddrPortFrom(netip.MustParseAddr(address), 443).String()
		if err := (&guard{}).check(t.Context(), "tcp", target, nil); (err == nil) != want.public {
			t.Errorf("%s: %v", address, err)
		}
		if err := (&guard{loopback: true}).check(t.Context(), "tcp", target, nil); (err == nil) != want.onLoopback {
			t.Errorf("%s of an issuer on loopback: %v", address, err)
		}
	}
	for _, odd := range []string{"", "example.com:443", "8.8.8.8", "8.8.8.8:https"} {
		if err := (&guard{loopback: true}).check(t.Context(), "tcp", odd, nil); err == nil {
			t.Errorf("%q was taken", odd)
		}
	}
}

func TestOnLoopback(t *testing.T) {
	t.Parallel()
	for issuer, want := range map[string]bool{
		"http://127.0.0.1:8080":          true,
		"https://127.1.2.3/realms/a":     true,
		"http://[::1]:8080":              true,
		"https://[::ffff:127.0.0.1]":     true,
		"https://localhost:8443":         true,
		"https://localhost.example.com":  false,
		"https://127.0.0.1.example.com":  false,
		"https://example.com/127.0.0.1":  false,
		"https://127.0.0.1@example.com/": false,
		"https://10.0.0.1":               false,
		"https://2130706433":             false,
		"://":                            false,
	} {
		if got := onLoopback(issuer); got != want {
			t.Errorf("%s: %v", issuer, got)
		}
	}
}
