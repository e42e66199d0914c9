package siwe_test

import (
	"errors"
	"testing"
	"time"

	"github.com/litentry/wallet-federation/internal/siwe"
)

func TestVerify(t *testing.T) {
	t.Parallel()
	issued := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, c := range map[string]struct {
		message func(*siwe.Message)
		want    func(*siwe.Expectation)
		err     error
	}{
		"everything as expected":             {},
		"scheme given and right":             {message: func(m *siwe.Message) { m.Scheme = "https" }},
		"scheme given and wrong":             {message: func(m *siwe.Message) { m.Scheme = "http" }, err: siwe.ErrDomain},
		"another domain":                     {message: func(m *siwe.Message) { m.Domain = "example.net" }, err: siwe.ErrDomain},
		"the domain with a port":             {message: func(m *siwe.Message) { m.Domain += ":443" }, err: siwe.ErrDomain},
		"the domain in another case":         {message: func(m *siwe.Message) { m.Domain = "Example.com" }, err: siwe.ErrDomain},
		"a user before the domain":           {message: func(m *siwe.Message) { m.Domain = "a@" + m.Domain }, err: siwe.ErrDomain},
		"another URI":                        {message: func(m *siwe.Message) { m.URI += "/" }, err: siwe.ErrURI},
		"another wallet":                     {want: func(e *siwe.Expectation) { e.Address = "0x" }, err: siwe.ErrAddress},
		"a chain that is not allowed":        {message: func(m *siwe.Message) { m.ChainID = 5 }, err: siwe.ErrChain},
		"the second allowed chain":           {message: func(m *siwe.Message) { m.ChainID = 10 }},
		"no chain allowed":                   {want: func(e *siwe.Expectation) { e.ChainIDs = nil }, err: siwe.ErrChain},
		"another nonce":                      {message: func(m *siwe.Message) { m.Nonce += "x" }, err: siwe.ErrNonce},
		"issued now":                         {want: func(e *siwe.Expectation) { e.Now = issued }},
		"issued a second ahead":              {want: func(e *siwe.Expectation) { e.Now = issued.Add(-time.Second) }, err: siwe.ErrFuture},
		"issued ahead, within tolerance":     {want: func(e *siwe.Expectation) { e.Now, e.Tolerance = issued.Add(-time.Second), time.Second }},
		"before its not-before":              {message: func(m *siwe.Message) { m.NotBefore = issued.Add(2 * time.Minute) }, err: siwe.ErrFuture},
		"at its not-before":                  {message: func(m *siwe.Message) { m.NotBefore = issued.Add(time.Minute) }},
		"a second before it expires":         {want: func(e *siwe.Expectation) { e.Now = issued.Add(5*time.Minute - time.Second) }},
		"the second it expires":              {want: func(e *siwe.Expectation) { e.Now = issued.Add(5 * time.Minute) }, err: siwe.ErrExpired},
		"expired, within tolerance":          {want: func(e *siwe.Expectation) { e.Now, e.Tolerance = issued.Add(5*time.Minute), time.Second }},
		"long after, and it never expires":   {message: func(m *siwe.Message) { m.ExpirationTime = time.Time{} }, want: func(e *siwe.Expectation) { e.Now = issued.AddDate(1, 0, 0) }},
		"expired before it was even issued":  {message: func(m *siwe.Message) { m.ExpirationTime = issued.Add(-time.Hour) }, err: siwe.ErrExpired},
		"a fraction of a second past expiry": {want: func(e *siwe.Expectation) { e.Now = issued.Add(5*time.Minute + 1) }, err: siwe.ErrExpired},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			message := exampleOrg()
			message.IssuedAt, message.ExpirationTime = issued, issued.Add(5*time.Minute)
			want := siwe.Expectation{
				Scheme: "https", Domain: "example.com", URI: message.URI, Address: message.Address,
				Nonce: message.Nonce, ChainIDs: []uint64{1, 10}, Now: issued.Add(time.Minute),
			}
			if c.message != nil {
				c.message(message)
			}
			if c.want != nil {
				c.want(&want)
			}
			if err := message.Verify(want); !errors.Is(err, c.err) {
				t.Errorf("got %v, want %v", err, c.err)
			}
		})
	}
}
