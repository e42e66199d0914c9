package main

import (
	"context"
	"fmt"
	"time"

	"github.com/litentry/wallet-federation/internal/session"
	"github.com/litentry/wallet-federation/internal/signingkey"
	"github.com/litentry/wallet-federation/internal/wallet"
	"github.com/litentry/wallet-federation/test/standalone"
)

// stagger is how much later each replica sees what changed.
const stagger = 900 * time.Millisecond

// trial is one run: what serves, who asks, and what was seen.
type trial struct {
	o          options
	deployment *deployment
	traffic    *traffic
	// holder is the wallet for what the trial does by itself.
	holder *wallet.Key

	before, after []sample
	hostileFor    time.Duration
	outage        outageSeen
	rotated       rotationSeen
	replaced      replacementSeen
	lists         listsSeen
	challenges    challengesSeen
	// internal are the answers with status 500.
	internal float64
}

func newTrial(ctx context.Context, o options) (*trial, error) {
	keys, wallets, err := newKeys(1 + numberOfAttackers + o.users)
	if err != nil {
		return nil, err
	}
	s, err := deploy(ctx, o.http2, wallets)
	if err != nil {
		return nil, err
	}
	return &trial{o: o, deployment: s, traffic: newTraffic(s, keys[1:]), holder: keys[0]}, nil
}

// perform goes through the phases. The admission lists are measured beside them:
// that is a process of its own, and takes as long.
func (t *trial) perform(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	listed := make(chan error, 1)
	go func() { listed <- t.reloadLists(ctx) }()
	err := t.phases(ctx)
	if err != nil {
		cancel()
	}
	if failed := <-listed; err == nil {
		err = failed
	}
	if err == nil {
		err = t.openChallenges(ctx)
	}
	return err
}

func (t *trial) phases(ctx context.Context) error {
	t.traffic.tally.enter(warmUp)
	users := gather(ctx, t.traffic.users)
	err := wait(ctx, t.o.warmUp)
	users.dismiss()
	if err != nil {
		return err
	}
	if t.before, err = t.idle(ctx, nil); err != nil {
		return err
	}
	if err := t.underLoad(ctx); err != nil {
		return err
	}
	t.after, err = t.idle(ctx, t.before)
	return err
}

// underLoad is all that happens while everyone asks.
func (t *trial) underLoad(ctx context.Context) error {
	t.traffic.tally.enter(fullLoad)
	begun := time.Now()
	users, attackers := gather(ctx, t.traffic.users), gather(ctx, t.traffic.attackers)
	defer func() {
		users.dismiss()
		attackers.dismiss()
		t.hostileFor = time.Since(begun)
	}()
	if err := wait(ctx, t.o.load); err != nil {
		return err
	}
	for _, phase := range []func(context.Context) error{t.loseRedis, t.regainRedis, t.rotate, t.replace} {
		if err := phase(ctx); err != nil {
			return err
		}
	}
	return t.countInternal(ctx, t.deployment.replicas...)
}

// rotationSeen is what became of the rotations.
type rotationSeen struct {
	done int
	// swaps are the changed files that replicas took.
	swaps int
}

// rotate takes the keys of both kinds through their states, as the operator does:
// the next key is known everywhere before it signs anywhere. Replicas see each
// step at different times. The time for which verifiers keep the JWKS passes at
// once.
func (t *trial) rotate(ctx context.Context) error {
	t.traffic.tally.enter(rotation)
	schedule := session.Schedule{Interval: time.Hour, PublishAhead: time.Hour, RetireAfter: 24 * time.Hour}
	for range t.o.rotations {
		for _, step := range []func(time.Time) (*signingkey.Set, error){t.deployment.keys.Announce, t.activate} {
			var err error
			if t.deployment.keys, err = step(time.Now()); err != nil {
				return err
			}
			// The first step adds a Pending key, the second makes it Active.
			active := t.deployment.sessions.Active().Since
			for _, key := range t.deployment.sessions.Keys() {
				active = later(active, key.Since)
			}
			t.deployment.sessions, _ = t.deployment.sessions.Rotate(schedule, active.Add(schedule.Interval))
			if err := t.publish(ctx); err != nil {
				return err
			}
			t.traffic.verifier.expire()
			if err := wait(ctx, t.o.rotation); err != nil {
				return err
			}
		}
		if err := t.traffic.everyoneSignsIn(ctx, "after a rotation"); err != nil {
			return err
		}
		t.rotated.done++
	}
	return nil
}

// activate makes the key sign that was announced, and makes room for the next: the
// tokens of those before are not kept for so long here.
func (t *trial) activate(now time.Time) (*signingkey.Set, error) {
	keys := t.deployment.keys
	for _, key := range keys.Keys() {
		if key.State != signingkey.Retiring {
			continue
		}
		var err error
		if keys, err = keys.Remove(key.ID); err != nil {
			return nil, err
		}
	}
	return keys.Activate(now)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// publish swaps the volume with the keys, and returns when all replicas have
// taken it.
func (t *trial) publish(ctx context.Context) error {
	content, err := standalone.Secret(t.deployment.keys, t.deployment.sessions)
	if err != nil {
		return err
	}
	taken := make([]float64, len(t.deployment.replicas))
	for i, r := range t.deployment.replicas {
		if taken[i], err = r.keyReloads(ctx); err != nil {
			return err
		}
	}
	for _, r := range t.deployment.replicas {
		if err := r.mounts.secret.swap(content); err != nil {
			return err
		}
		if err := wait(ctx, stagger); err != nil {
			return err
		}
	}
	for i, r := range t.deployment.replicas {
		err := eventually(ctx, r.name+" has taken the keys of both kinds", func() bool {
			now, err := r.keyReloads(ctx)
			return err == nil && now == taken[i]+2
		})
		if err != nil {
			return err
		}
		t.rotated.swaps += 2
	}
	return nil
}

// keyReloads returns how often keys were taken, of either kind.
func (r *replica) keyReloads(ctx context.Context) (float64, error) {
	sessions, err := r.reloads(ctx, `part="session keys"`)
	if err != nil {
		return 0, err
	}
	signing, err := r.reloads(ctx, `part="signing keys"`)
	return sessions + signing, err
}

// reloads returns how often a part of the state was taken.
func (r *replica) reloads(ctx context.Context, part string) (float64, error) {
	values, err := r.scrape(ctx)
	if err != nil {
		return 0, err
	}
	return values.sum(seriesReloads, part, `outcome="ok"`), nil
}

// countInternal adds up answers that must not be.
func (t *trial) countInternal(ctx context.Context, of ...*replica) error {
	for _, r := range of {
		values, err := r.scrape(ctx)
		if err != nil {
			return fmt.Errorf("reading metrics: %w", err)
		}
		t.internal += values.sum(seriesRequests, `status="500"`) + values.sum(seriesRequests, `status="other"`) +
			values.sum(seriesReloads, `outcome="refused"`)
	}
	return nil
}
