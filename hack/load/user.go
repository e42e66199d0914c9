package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/litentry/wallet-federation/internal/discovery"
	"github.com/litentry/wallet-federation/internal/wallet"
)

var (
	// honest is the network of honest callers, hostile that of attackers.
	honest  = netip.MustParsePrefix("127.1.0.0/16")
	hostile = netip.MustParsePrefix("127.2.0.0/16")
)

const (
	// userRate is how often a second a user asks: below what a wallet may, even if
	// all of it meets the one replica that is left.
	userRate = 9
	// requestsOfSignIn are start and verify.
	requestsOfSignIn = 2
	// keeperEvery is how many users there are to one that never signs in again.
	keeperEvery = 4
)

// nth is an address of a network.
func nth(network netip.Prefix, n int) netip.Addr {
	b := network.Addr().As4()
	b[2], b[3] = byte(n>>8), byte(n) //nolint:gosec // The last two bytes of n.
	return netip.AddrFrom4(b).Next() // not the network's own
}

// redisState says whether Redis is there. Each change has the next number, so that
// an action that saw one number from beginning to end saw one state.
type redisState struct{ number atomic.Int64 }

// The states, in their order.
const (
	there = iota
	leaving
	away
	returning
	numberOfStates
)

func (r *redisState) change() { r.number.Add(1) }

// since returns the state that has that number, and whether it lasts.
func (r *redisState) since(number int64) (state int64, lasts bool) {
	return number % numberOfStates, r.number.Load() == number
}

// user is an honest caller with a wallet.
type user struct {
	*caller
	key        *wallet.Key
	tally      *tally
	redisState *redisState
	verifier   *verifier
	pace       *rate.Limiter
	// keeps is whether the first session is kept for ever.
	keeps  bool
	bearer string
	// signedIn is how often it signed in; by whom its latest bearer is signed.
	signedIn atomic.Int64
	signer   atomic.Pointer[string]
}

// round is one sign-in, if there is need, and what a session is for.
func (u *user) round(ctx context.Context) {
	if u.bearer == "" || !u.keeps {
		if u.wait(ctx, requestsOfSignIn) {
			return
		}
		u.signIn(ctx)
	}
	if u.bearer == "" {
		return
	}
	steps := []func(context.Context){u.mint, u.exchange, u.jwks, u.mint, u.exchange, u.discovery}
	for _, step := range steps {
		if u.wait(ctx, 1) {
			return
		}
		step(ctx)
	}
}

// wait waits until the user may make so many requests, and reports whether it is
// time to stop.
func (u *user) wait(ctx context.Context, requests int) (stop bool) {
	return u.pace.WaitN(ctx, requests) != nil
}

// signIn signs in and counts whether it ended as it has to.
func (u *user) signIn(ctx context.Context) {
	number := u.redisState.number.Load()
	bearer, refused, err := u.prove(ctx)
	state, lasts := u.redisState.since(number)
	switch {
	case err != nil:
		u.tally.bad(signIn, err)
		return
	case bearer == "" && !refused.comeBack():
		u.tally.bad(signIn, refused.failure("signing in"))
		return
	case lasts && state == away && bearer != "":
		u.tally.bad(signIn, errors.New("signed in although Redis was away"))
		return
	case bearer == "":
		u.tally.putOff(signIn)
		return
	}
	u.tally.good(signIn)
	u.bearer = bearer
	signer := keyID(bearer)
	u.signer.Store(&signer)
	u.signedIn.Add(1)
}

// prove returns a bearer, or the answer that refused it.
func (u *user) prove(ctx context.Context) (string, answer, error) {
	signed, got, err := begin(ctx, u.caller, u.key)
	if err != nil || got.status != http.StatusOK {
		return "", got, err
	}
	finished, err := signed.finish(ctx, u.caller)
	if err != nil || finished.status != http.StatusOK {
		return "", finished, err
	}
	if got.replica() != finished.replica() {
		u.tally.note(acrossReplicas)
	}
	var verified struct {
		SessionJWT string         `json:"session_jwt"`
		Wallet     wallet.Address `json:"wallet"`
	}
	if err := finished.decode(&verified); err != nil {
		return "", finished, err
	}
	if verified.Wallet != u.key.Address() || verified.SessionJWT == "" {
		return "", finished, errors.New("the session is not the wallet's")
	}
	return verified.SessionJWT, finished, nil
}

// acrossReplicas counts sign-ins that began at one replica and ended at another.
const acrossReplicas = "across replicas"

// signed is a challenge that was signed.
type signed struct {
	RequestID string `json:"request_id"`
	Signature string `json:"signature"`
	message   string
}

// begin asks for a challenge and signs it. Without an error the answer says
// whether there is one.
func begin(ctx context.Context, c *caller, key *wallet.Key) (signed, answer, error) {
	var challenge struct {
		RequestID   string `json:"request_id"`
		SIWEMessage string `json:"siwe_message"`
	}
	got, err := c.postJSON(ctx, startPath, "", map[string]any{"address": key.Address(), "chain_id": 1})
	if err != nil || got.status != http.StatusOK {
		return signed{}, got, err
	}
	if err := got.decode(&challenge); err != nil {
		return signed{}, got, err
	}
	return signed{challenge.RequestID, key.SignPersonal(challenge.SIWEMessage), challenge.SIWEMessage}, got, nil
}

// finish exchanges the signature for a session.
func (s signed) finish(ctx context.Context, c *caller) (answer, error) {
	return c.postJSON(ctx, verifyPath, "", s)
}

func (u *user) mint(ctx context.Context) {
	begun := time.Now()
	got, err := u.postJSON(ctx, mintPath, u.bearer, map[string]any{"role_arn": role})
	u.tally.minted(time.Since(begun))
	var minted struct {
		JWT string `json:"jwt"`
	}
	if u.ends(mint, got, err, &minted) {
		u.tally.end(verifyJWT, u.verifier.verify(ctx, minted.JWT, u.key.Address()))
	}
}

func (u *user) exchange(ctx context.Context) {
	got, err := u.caller.exchange(ctx, u.bearer, role)
	var minted struct {
		AccessToken string `json:"access_token"`
	}
	if u.ends(exchange, got, err, &minted) {
		u.tally.end(verifyJWT, u.verifier.verify(ctx, minted.AccessToken, u.key.Address()))
	}
}

func (u *user) jwks(ctx context.Context)      { u.document(ctx, discovery.JWKSPath) }
func (u *user) discovery(ctx context.Context) { u.document(ctx, discovery.ConfigurationPath) }

func (u *user) document(ctx context.Context, path string) {
	got, err := u.get(ctx, path)
	u.ends(fetch, got, err, &map[string]any{})
}

// ends counts an action that must be answered by 200 and JSON, whether Redis is
// there or not.
func (u *user) ends(d action, got answer, err error, into any) bool {
	if err == nil && got.status != http.StatusOK {
		err = got.failure(string(d))
	}
	if err == nil {
		err = got.decode(into)
	}
	u.tally.end(d, err)
	return err == nil
}

// keyID returns the kid of a JWT, without verifying anything.
func keyID(jwt string) string {
	first, _, _ := strings.Cut(jwt, ".")
	var header struct {
		KeyID string `json:"kid"`
	}
	raw, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil || json.Unmarshal(raw, &header) != nil {
		return fmt.Sprintf("none: %v", err)
	}
	return header.KeyID
}
