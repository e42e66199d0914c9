package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"

	"github.com/litentry/wallet-federation/internal/discovery"
	"github.com/litentry/wallet-federation/internal/token"
	"github.com/litentry/wallet-federation/internal/wallet"
)

// verifier verifies JWTs as AWS STS does: with keys that it keeps for as long as
// it was told it may, and no longer looking for those that it does not know.
type verifier struct {
	caller *caller
	issuer string

	mu    sync.Mutex
	keys  jwk.Set
	age   time.Duration
	until time.Time
	loads int
}

// claims are those that count.
type claims struct {
	Issuer    string   `json:"iss"`
	Subject   string   `json:"sub"`
	Audience  string   `json:"aud"`
	ExpiresAt int64    `json:"exp"`
	Wallet    string   `json:"agentkeys_user_wallet"`
	Roles     []string `json:"https://aws.amazon.com/roles"`
	Tags      struct {
		Principal  map[string][]string `json:"principal_tags"`
		Transitive []string            `json:"transitive_tag_keys"`
	} `json:"https://aws.amazon.com/tags"`
}

// verify checks a JWT's signature and that it speaks for a wallet.
func (v *verifier) verify(ctx context.Context, jwt string, of wallet.Address) error {
	keys, err := v.load(ctx)
	if err != nil {
		return fmt.Errorf("reading the JWKS: %w", err)
	}
	payload, err := jws.Verify([]byte(jwt), jws.WithKeySet(keys, jws.WithRequireKid(true)))
	if err != nil {
		return errors.New("the keys that were served do not verify it")
	}
	var c claims
	if err := json.Unmarshal(payload, &c); err != nil {
		return errors.New("its payload is no JSON")
	}
	tag := c.Tags.Principal[token.DefaultWalletTagKey]
	if c.Issuer != v.issuer || c.Audience != token.DefaultAudience || c.ExpiresAt <= time.Now().Unix() ||
		c.Subject != token.DefaultSubjectPrefix+string(of) || c.Wallet != string(of) ||
		len(tag) != 1 || tag[0] != string(of) || len(c.Tags.Transitive) != 1 || len(c.Roles) != 1 || c.Roles[0] != role {
		return errors.New("its claims are not those of the wallet")
	}
	return nil
}

// load returns the keys, asking for them only when their time is over.
func (v *verifier) load(ctx context.Context) (jwk.Set, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := time.Now()
	if now.Before(v.until) {
		return v.keys, nil
	}
	got, err := v.caller.get(ctx, discovery.JWKSPath)
	if err != nil {
		return nil, err
	}
	if got.status != http.StatusOK {
		return nil, got.failure("JWKS")
	}
	age, err := maxAge(got.header.Get("Cache-Control"))
	if err != nil {
		return nil, err
	}
	if v.keys, err = jwk.Parse(got.body); err != nil {
		return nil, err
	}
	v.age, v.until, v.loads = age, now.Add(age), v.loads+1
	return v.keys, nil
}

// expire lets the time pass for which the keys may be kept.
func (v *verifier) expire() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.until = time.Time{}
}

// cached says how long the keys were kept, and how often they were read.
func (v *verifier) cached() (age time.Duration, loads int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.age, v.loads
}

func maxAge(cacheControl string) (time.Duration, error) {
	for directive := range strings.SplitSeq(cacheControl, ",") {
		if seconds, found := strings.CutPrefix(strings.TrimSpace(directive), "max-age="); found {
			n, err := strconv.ParseUint(seconds, 10, 31)
			return time.Duration(n) * time.Second, err
		}
	}
	return 0, fmt.Errorf("no max-age in Cache-Control: %q", cacheControl)
}
