package main

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/litentry/wallet-federation/internal/wallet"
)

const (
	// Numbers of attackers of each kind.
	replayers = 4
	forgers   = 2
	flooders  = 2
	others    = 1
)

// repeater is someone who does something again and again.
type repeater interface{ round(ctx context.Context) }

// crowd is callers at work.
type crowd struct {
	stop context.CancelFunc
	all  sync.WaitGroup
}

// gather lets everyone begin, each again and again, until it is dismissed.
func gather[R repeater](ctx context.Context, callers []R) *crowd {
	ctx, stop := context.WithCancel(ctx)
	c := &crowd{stop: stop}
	for _, one := range callers {
		c.all.Go(func() {
			for ctx.Err() == nil {
				one.round(ctx)
			}
		})
	}
	return c
}

// dismiss returns when everyone has ended what he was doing.
func (c *crowd) dismiss() {
	c.stop()
	c.all.Wait()
}

// paced does something so often a second.
type paced struct {
	repeater

	pace *rate.Limiter
}

func (p paced) round(ctx context.Context) {
	if p.pace.Wait(ctx) == nil {
		p.repeater.round(ctx)
	}
}

// traffic is all callers, and what they share.
type traffic struct {
	tally      *tally
	redisState *redisState
	spent      *spent
	verifier   *verifier
	users      []*user
	attackers  []repeater
	callers    []*caller
	// unwary is an honest wallet that attackers go for.
	unwary *wallet.Key
	// let counts the requests of the flood that got through.
	let atomic.Int64
}

func newKeys(n int) ([]*wallet.Key, []wallet.Address, error) {
	keys, addresses := make([]*wallet.Key, n), make([]wallet.Address, n)
	for i := range n {
		key, err := wallet.GenerateKey()
		if err != nil {
			return nil, nil, err
		}
		keys[i], addresses[i] = key, key.Address()
	}
	return keys, addresses, nil
}

// numberOfAttackers is how many there are with a wallet.
const numberOfAttackers = replayers + forgers + flooders + 3*others

// newTraffic makes as many users as there are keys beyond those of the attackers.
func newTraffic(s *deployment, keys []*wallet.Key) *traffic {
	c := &traffic{tally: newTally(), redisState: &redisState{}, spent: &spent{}, unwary: keys[numberOfAttackers]}
	c.verifier = &verifier{caller: c.from(s, nth(honest, 0xff00)), issuer: s.issuer}
	for i, key := range keys[numberOfAttackers:] {
		c.users = append(c.users, &user{
			caller: c.from(s, nth(honest, i)), key: key, tally: c.tally, redisState: c.redisState, verifier: c.verifier,
			pace: rate.NewLimiter(userRate, requestsOfSignIn), keeps: i%keeperEvery == 0,
		})
	}
	c.addAttackers(s, keys)
	for i, r := range s.replicas {
		for _, d := range newDawdlers(c.tally, r, nth(hostile, 0x0100+i)) {
			c.attackers = append(c.attackers, d)
		}
	}
	return c
}

func (c *traffic) addAttackers(s *deployment, keys []*wallet.Key) {
	next := 0
	add := func(n int, perSecond rate.Limit, recruit func(attacker) repeater) {
		for range n {
			a := attacker{caller: c.from(s, nth(hostile, next)), key: keys[next], tally: c.tally, redisState: c.redisState, spent: c.spent}
			next++
			c.attackers = append(c.attackers, paced{recruit(a), rate.NewLimiter(perSecond, 1)})
		}
	}
	add(replayers, attackRate, func(a attacker) repeater { return &replayer{attacker: a} })
	add(forgers, attackRate, func(a attacker) repeater { return &forger{attacker: a, victim: c.unwary} })
	add(flooders, floodRate/floodWidth, func(a attacker) repeater { return &flooder{attacker: a, let: &c.let} })
	add(others, attackRate, func(a attacker) repeater { return &impostor{attacker: a} })
	add(others, attackRate, func(a attacker) repeater { return &intruder{attacker: a} })
	add(others, attackRate, func(a attacker) repeater { return &glutton{attacker: a} })
}

// from returns a caller of the proxy with an address.
func (c *traffic) from(s *deployment, source netip.Addr) *caller {
	one := newCaller(s.issuer, s.tls.Roots, source)
	c.callers = append(c.callers, one)
	return one
}

// rest closes the connections of everyone.
func (c *traffic) rest() {
	for _, one := range c.callers {
		one.close()
	}
}

// everyoneSignsIn waits until every user that does has signed in once more, so
// that a broker which answers 503 for ever does not pass.
func (c *traffic) everyoneSignsIn(ctx context.Context, why string) error {
	before := make([]int64, len(c.users))
	for i, u := range c.users {
		before[i] = u.signedIn.Load()
	}
	return eventually(ctx, fmt.Sprintf("every user has signed in, %s", why), func() bool {
		for i, u := range c.users {
			if !u.keeps && u.signedIn.Load() == before[i] {
				return false
			}
		}
		return true
	})
}

// wait lets the crowd work.
func wait(ctx context.Context, duration time.Duration) error {
	timer := time.NewTimer(duration)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
