package main

import (
	"context"
	"fmt"
	"time"

	"github.com/litentry/wallet-federation/internal/session"
	"github.com/litentry/wallet-federation/internal/wallet"
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

// rotate takes the session keys through their states, as the operator does: the
// next key is believed everywhere before it signs anywhere. Replicas see each
// step at different times.
func (t *trial) rotate(ctx context.Context) error {
	t.traffic.tally.enter(rotation)
	schedule := session.Schedule{Interval: time.Hour, PublishAhead: time.Hour, RetireAfter: 24 * time.Hour}
	for range t.o.rotations {
		// The first step adds a Pending key, the second makes it Active.
		for range 2 {
			active := t.deployment.sessions.Active().Since
			for _, key := range t.deployment.sessions.Keys() {
				active = later(active, key.Since)
			}
			t.deployment.sessions, _ = t.deployment.sessions.Rotate(schedule, active.Add(schedule.Interval))
			if err := t.publish(ctx); err != nil {
				return err
			}
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

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// publish swaps the volume with the keys, and returns when all replicas have
// taken it.
func (t *trial) publish(ctx context.Context) error {
	content, err := t.deployment.secret()
	if err != nil {
		return err
	}
	const part = `part="session keys"`
	taken := make([]float64, len(t.deployment.replicas))
	for i, r := range t.deployment.replicas {
		if taken[i], err = r.reloads(ctx, part); err != nil {
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
		err := eventually(ctx, r.name+" has taken the session keys", func() bool {
			now, err := r.reloads(ctx, part)
			return err == nil && now > taken[i]
		})
		if err != nil {
			return err
		}
		t.rotated.swaps++
	}
	return nil
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
