package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/litentry/wallet-federation/internal/wallet"
)

const (
	// attackRate is how often a second an attacker does something, which is a few
	// requests each time: below what an address may, so that it is not the limit
	// that stops him.
	attackRate = 8
	// atOnce is how often a nonce is used at the same time.
	atOnce = 4
	// keptNonces bounds the used nonces that are kept to be used again.
	keptNonces = 400
)

// attacker asks from an address of its own. His wallet is admitted.
type attacker struct {
	*caller
	key        *wallet.Key
	tally      *tally
	redisState *redisState
	spent      *spent
}

// spent are challenges whose nonces were used.
type spent struct {
	mu   sync.Mutex
	used []signed
}

func (s *spent) keep(one signed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.used) < keptNonces {
		s.used = append(s.used, one)
	}
}

// take returns those that were kept so far, and forgets them.
func (s *spent) take() []signed {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := s.used
	s.used = nil
	return taken
}

// nth returns one of them.
func (s *spent) nth(n int64) (signed, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.used) == 0 {
		return signed{}, false
	}
	return s.used[int(n)%len(s.used)], true
}

// expect counts a action that must be refused with one of some statuses. What the
// limits refuse, or what nobody can decide for want of Redis, was put off.
func (a *attacker) expect(d action, got answer, err error, want ...int) {
	switch {
	case err != nil:
		a.tally.bad(d, err)
	case slices.Contains(want, got.status):
		a.tally.good(d)
	case (got.status == http.StatusTooManyRequests || got.status == http.StatusServiceUnavailable) && got.header.Get("Retry-After") != "":
		a.tally.putOff(d)
	default:
		a.tally.bad(d, got.failure(string(d)))
	}
}

// begin is begin, and false if that was put off.
func (a *attacker) begin(ctx context.Context, d action, c *caller, key *wallet.Key) (signed, bool) {
	s, got, err := begin(ctx, c, key)
	if err != nil || got.status != http.StatusOK {
		a.expect(d, got, err)
		return s, false
	}
	return s, true
}

// replayer uses a nonce several times at once, at several replicas, and then an
// older one.
type replayer struct {
	attacker
	rounds atomic.Int64
}

func (a *replayer) round(ctx context.Context) {
	number := a.redisState.number.Load()
	if s, ok := a.begin(ctx, spend, a.caller, a.key); ok {
		a.spend(ctx, s, number)
	}
	if s, ok := a.spent.nth(a.rounds.Add(1)); ok {
		got, err := s.finish(ctx, a.caller)
		a.expect(replay, got, err, http.StatusUnauthorized)
	}
}

func (a *replayer) spend(ctx context.Context, s signed, number int64) {
	var answers [atOnce]answer
	var errs [atOnce]error
	var all sync.WaitGroup
	for i := range atOnce {
		all.Go(func() { answers[i], errs[i] = s.finish(ctx, a.caller) })
	}
	all.Wait()
	successes, undecided := 0, 0
	for i, got := range answers {
		switch {
		case errs[i] == nil && got.status == http.StatusOK:
			successes++
		case errs[i] != nil || got.status != http.StatusUnauthorized:
			undecided++
		}
	}
	state, lasts := a.redisState.since(number)
	switch {
	case successes > 1:
		a.tally.bad(spend, fmt.Errorf("one nonce was good for %d sessions", successes))
	case lasts && state == away && successes > 0:
		a.tally.bad(spend, fmt.Errorf("a nonce was used although Redis was away"))
	case successes == 0 && undecided == 0:
		a.tally.bad(spend, fmt.Errorf("a good nonce was refused by all"))
	case successes == 0:
		a.tally.putOff(spend)
	default:
		a.tally.good(spend)
		a.spent.keep(s)
	}
}

// forger signs for others, and in ways that are no signatures.
type forger struct {
	attacker
	victim *wallet.Key
	rounds int
}

func (a *forger) round(ctx context.Context) {
	a.rounds++
	if a.rounds%2 == 0 {
		a.forVictim(ctx)
		return
	}
	s, ok := a.begin(ctx, forge, a.caller, a.key)
	if !ok {
		return
	}
	right := s.Signature
	spoilt := []string{
		twin(right), right + "00", right[:130], right[:130] + "05", "0x" + strings.Repeat("0", 130), strings.ToUpper(right),
	}
	s.Signature = spoilt[a.rounds/2%len(spoilt)]
	got, err := s.finish(ctx, a.caller)
	a.expect(forge, got, err, http.StatusUnauthorized)
	// What was refused has used up nothing.
	s.Signature = right
	got, err = s.finish(ctx, a.caller)
	a.expect(forge, got, err, http.StatusOK)
}

// forVictim signs a message of another wallet.
func (a *forger) forVictim(ctx context.Context) {
	s, ok := a.begin(ctx, forge, a.caller, a.victim)
	if !ok {
		return
	}
	s.Signature = a.key.SignPersonal(s.message)
	got, err := s.finish(ctx, a.caller)
	a.expect(forge, got, err, http.StatusUnauthorized)
}

// twin returns the other signature of the same message by the same key: n - s,
// with the other recovery id (EIP-2).
func twin(signature string) string {
	raw, err := hex.DecodeString(signature[2:])
	if err != nil {
		return signature
	}
	order, _ := new(big.Int).SetString("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16)
	order.Sub(order, new(big.Int).SetBytes(raw[32:64])).FillBytes(raw[32:64])
	raw[64] = 27 + 28 - raw[64]
	return "0x" + hex.EncodeToString(raw)
}

// impostor uses bearers that are none, at both doors.
type impostor struct {
	attacker
	bearer, jwt string
	rounds      int
}

func (a *impostor) round(ctx context.Context) {
	if a.bearer == "" && !a.prepare(ctx) {
		return
	}
	header, rest, _ := strings.Cut(a.bearer, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"session+jwt"}`))
	mid := len(signature) / 2
	flipped := signature[:mid] + string(signature[mid]^1) + signature[mid+1:]
	bearers := []string{
		"x", a.jwt, a.bearer + "x", header + "." + payload + ".", none + "." + payload + ".", none + "." + payload + "." + signature,
		header + "." + payload + "." + flipped, rand.Text() + "." + rand.Text() + "." + rand.Text(), strings.Repeat("a", 3000),
	}
	a.rounds++
	bearer := bearers[a.rounds%len(bearers)]
	got, err := a.postJSON(ctx, mintPath, bearer, map[string]any{"role_arn": role})
	a.expect(impersonate, got, err, http.StatusUnauthorized)
	got, err = a.exchange(ctx, bearer, role)
	a.expect(impersonate, got, err, http.StatusBadRequest)
}

// prepare gets a session and a JWT, honestly.
func (a *impostor) prepare(ctx context.Context) bool {
	u := user{caller: a.caller, key: a.key, tally: a.tally}
	bearer, _, err := u.prove(ctx)
	if err != nil || bearer == "" {
		return false
	}
	got, err := a.postJSON(ctx, mintPath, bearer, map[string]any{})
	var minted struct {
		JWT string `json:"jwt"`
	}
	if err != nil || got.status != http.StatusOK || got.decode(&minted) != nil {
		return false
	}
	a.bearer, a.jwt = bearer, minted.JWT
	return true
}

// intruder signs in with wallets that are not admitted.
type intruder struct{ attacker }

func (a *intruder) round(ctx context.Context) {
	key, err := wallet.GenerateKey()
	if err != nil {
		a.tally.bad(intrude, err)
		return
	}
	if s, ok := a.begin(ctx, intrude, a.caller, key); ok {
		got, err := s.finish(ctx, a.caller)
		a.expect(intrude, got, err, http.StatusForbidden)
	}
}

// glutton sends too much, and what is not JSON.
type glutton struct {
	attacker
	rounds int
}

func (a *glutton) round(ctx context.Context) {
	a.rounds++
	long := strings.NewReader(`{"address":"` + strings.Repeat("a", 8<<10) + `"}`)
	endless := io.MultiReader(long, strings.NewReader(strings.Repeat(" ", 1<<20))) // of unknown length
	header := func(mediaType string) http.Header { return http.Header{"Content-Type": {mediaType}} }
	zipped := header(typeJSON)
	zipped.Set("Content-Encoding", "gzip")
	requests := []struct {
		path   string
		header http.Header
		body   io.Reader
		want   int
	}{
		{startPath, header(typeJSON), long, http.StatusRequestEntityTooLarge},
		{verifyPath, header(typeJSON), endless, http.StatusRequestEntityTooLarge},
		{mintPath, header("text/xml"), bytes.NewReader([]byte("<x/>")), http.StatusUnauthorized},
		{startPath, header("text/xml"), bytes.NewReader([]byte("<x/>")), http.StatusUnsupportedMediaType},
		{startPath, zipped, bytes.NewReader([]byte("\x1f\x8b")), http.StatusUnsupportedMediaType},
		{"/oauth2/token", header(typeForm), strings.NewReader("grant_type=" + strings.Repeat("a", 64<<10)), http.StatusRequestEntityTooLarge},
		{startPath, header(typeJSON), strings.NewReader(strings.Repeat("[", 4000)), http.StatusBadRequest},
		{verifyPath, header(typeJSON), strings.NewReader("{\"request_id\":\"\xff\"}"), http.StatusBadRequest},
	}
	r := requests[a.rounds%len(requests)]
	got, err := a.send(ctx, http.MethodPost, r.path, r.header, r.body)
	// A server that has read enough hangs up, and the proxy says so.
	if err == nil && got.status == http.StatusBadGateway && r.want == http.StatusRequestEntityTooLarge {
		a.tally.putOff(stuff)
		return
	}
	a.expect(stuff, got, err, r.want)
}
