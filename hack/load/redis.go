package main

import (
	"context"
	"net/http"
)

// freshChallenges is how many are signed and kept over the outage.
const freshChallenges = 30

// outageSeen is what is known of Redis being away.
type outageSeen struct {
	// named and recovered are how many replicas said so in /readyz.
	named, recovered int
	used, unused     []signed
}

// loseRedis kills Redis, and waits until every replica says so.
func (t *trial) loseRedis(ctx context.Context) error {
	keeper := t.traffic.from(t.deployment, nth(honest, 0xff10))
	for range freshChallenges {
		s, got, err := begin(ctx, keeper, t.holder)
		if err == nil && got.status == http.StatusOK {
			t.outage.unused = append(t.outage.unused, s)
		}
	}
	t.traffic.redisState.change()
	t.deployment.redis.Kill()
	t.traffic.redisState.change()
	t.traffic.tally.enter(outage)
	t.outage.used = t.traffic.spent.take()
	err := eventually(ctx, "every replica is ready, and says that Redis is away", func() bool { return t.deployment.all(ctx, "unavailable") })
	if err != nil {
		return err
	}
	t.outage.named = len(t.deployment.replicas)
	return wait(ctx, t.o.outage)
}

// regainRedis starts Redis, without what it knew. What was used before must not
// be good again, and neither must what was begun before.
func (t *trial) regainRedis(ctx context.Context) error {
	t.traffic.tally.enter(recovery)
	t.traffic.redisState.change()
	if err := t.deployment.redis.Restart(); err != nil {
		return err
	}
	err := eventually(ctx, "every replica is ready, and says that Redis is back", func() bool { return t.deployment.all(ctx, "ok") })
	if err != nil {
		return err
	}
	t.traffic.redisState.change()
	t.outage.recovered = len(t.deployment.replicas)
	if err := t.traffic.everyoneSignsIn(ctx, "after Redis came back"); err != nil {
		return err
	}
	t.tryAgain(ctx, replayLost, t.outage.used)
	t.tryAgain(ctx, unused, t.outage.unused)
	return wait(ctx, t.o.recovery)
}

// tryAgain sends challenges that must be refused, a few from each of some
// addresses, so that it is not the limit that refuses them.
func (t *trial) tryAgain(ctx context.Context, d action, challenges []signed) {
	for i, s := range challenges {
		a := attacker{caller: t.traffic.from(t.deployment, nth(hostile, 0x0200+i/100)), tally: t.traffic.tally}
		got, err := s.finish(ctx, a.caller)
		a.expect(d, got, err, http.StatusUnauthorized)
		a.close()
	}
}
