package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/litentry/wallet-federation/internal/wallet"
)

const (
	// idleFor is how long memory is looked at, every pause. The least of it counts,
	// for the rest is garbage.
	idleFor = 2 * time.Second

	mebibyte = 1 << 20
	// Bounds, of which the first and the last are goals of the broker.
	maxIdleRSS       = 40 * mebibyte
	maxHeapGrowth    = 4 * mebibyte
	maxListGrowth    = 16 * mebibyte
	maxChallengesRSS = 64 * mebibyte
)

// sample is what a process took while nobody asked it anything: the least that
// was seen, and the most of goroutines, some of which come and go.
type sample struct{ goroutines, mostGoroutines, heap, rss float64 }

// idle lets everything rest and returns what each replica takes. If there are
// samples from before, it waits for their goroutines to be gone, and then no
// longer than for anything else.
func (t *trial) idle(ctx context.Context, before []sample) ([]sample, error) {
	t.traffic.rest()
	t.deployment.rest()
	// It takes the replicas a moment to notice.
	if err := wait(ctx, time.Second); err != nil {
		return nil, err
	}
	samples := make([]sample, len(t.deployment.replicas))
	all, ctx := errgroup.WithContext(ctx)
	for i, r := range t.deployment.replicas {
		all.Go(func() (err error) {
			if before != nil {
				// What does not come to be shows in the table.
				_ = eventually(ctx, "the goroutines have ended", func() bool {
					t.deployment.rest()
					values, err := r.scrape(ctx)
					return err == nil && values[seriesGoroutines] <= before[i].mostGoroutines
				})
			}
			samples[i], err = r.least(ctx, t.deployment.rest)
			return err
		})
	}
	return samples, all.Wait()
}

// least looks at a process for a while, and lets go of connections meanwhile.
func (r *replica) least(ctx context.Context, rest func()) (sample, error) {
	var least sample
	for first, end := true, time.Now().Add(idleFor); time.Now().Before(end); first = false {
		rest()
		values, err := r.scrape(ctx)
		if err != nil {
			return sample{}, err
		}
		goroutines, heap, rss := values[seriesGoroutines], values[seriesHeap], values[seriesRSS]
		if first {
			least = sample{goroutines, goroutines, heap, rss}
		}
		least = sample{min(least.goroutines, goroutines), max(least.mostGoroutines, goroutines), min(least.heap, heap), min(least.rss, rss)}
		if err := wait(ctx, pause); err != nil {
			return sample{}, err
		}
	}
	return least, nil
}

// single runs a broker without Redis, which admits what a volume lists, while
// something is done to it.
func (t *trial) single(ctx context.Context, name string, wallets []wallet.Address, do func(*replica, *volume) error) error {
	lists, err := newVolume(filepath.Join(t.deployment.folder, name+"-lists"), list(wallets))
	if err != nil {
		return err
	}
	r, err := t.deployment.newReplica(name, lists.dir)
	if err != nil {
		return err
	}
	if err = r.start(ctx); err == nil {
		err = do(r, lists)
	}
	return errors.Join(err, r.stop(), r.journal.close())
}

// listsSeen is what an admission list takes, in bytes of RSS.
type listsSeen struct {
	reloads       int
	before, after float64
}

// reloadLists reloads a long list again and again, each time with other wallets.
func (t *trial) reloadLists(ctx context.Context) error {
	return t.single(ctx, "lists", madeUp(t.o.wallets), func(r *replica, lists *volume) error {
		before, err := r.least(ctx, t.deployment.rest)
		if err != nil {
			return err
		}
		t.lists.before = before.rss
		for range t.o.reloads {
			taken, err := r.reloads(ctx, `part="admission lists"`)
			if err != nil {
				return err
			}
			if err := lists.swap(list(madeUp(t.o.wallets))); err != nil {
				return err
			}
			err = eventually(ctx, "the list is reloaded", func() bool {
				now, err := r.reloads(ctx, `part="admission lists"`)
				return err == nil && now > taken
			})
			if err != nil {
				return err
			}
			t.lists.reloads++
		}
		after, err := r.least(ctx, t.deployment.rest)
		t.lists.after = after.rss
		return err
	})
}

// madeUp returns wallets that nobody has the keys of.
func madeUp(n int) []wallet.Address {
	wallets := make([]wallet.Address, n)
	raw := make([]byte, 20)
	for i := range wallets {
		for j := range raw {
			raw[j] = byte(rand.Uint32()) //nolint:gosec // Nothing secret depends on it.
		}
		wallets[i] = wallet.Address("0x" + hex.EncodeToString(raw))
	}
	return wallets
}

// challengesSeen is what outstanding challenges take, in bytes of RSS, and
// whether the first of them was still good then.
type challengesSeen struct {
	open          int64
	before, after float64
	first         error
}

// openChallenges asks for very many challenges, each from an address of its own,
// and answers the first when all are open.
func (t *trial) openChallenges(ctx context.Context) error {
	return t.single(ctx, "challenges", []wallet.Address{t.holder.Address()}, func(r *replica, _ *volume) error {
		c := r.at.Load().direct
		first, got, err := begin(ctx, c, t.holder)
		if err != nil || got.status != http.StatusOK {
			return errors.Join(err, got.failure("starting"))
		}
		before, err := r.least(ctx, t.deployment.rest)
		if err != nil {
			return err
		}
		if err := t.flood(ctx, c); err != nil {
			return err
		}
		after, err := r.least(ctx, t.deployment.rest)
		if err != nil {
			return err
		}
		t.challenges.before, t.challenges.after = before.rss, after.rss
		got, err = first.finish(ctx, c)
		if err == nil && got.status != http.StatusOK {
			err = got.failure("the first challenge")
		}
		t.challenges.first = err
		return nil
	})
}

// flood asks on a few connections, as a trusted proxy does.
func (t *trial) flood(ctx context.Context, c *caller) error {
	const connections = 8
	var all errgroup.Group
	share := t.o.challenges / connections
	for i := range connections {
		all.Go(func() error {
			for n := range share {
				if err := ask(ctx, c, t.holder.Address(), i*share+n); err != nil {
					return err
				}
			}
			return nil
		})
	}
	t.challenges.open = int64(share) * connections
	return all.Wait()
}

// ask asks for a challenge from the nth address.
func ask(ctx context.Context, c *caller, of wallet.Address, n int) error {
	from := netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}) //nolint:gosec // Its last three bytes.
	header := http.Header{"Content-Type": {typeJSON}, "X-Forwarded-For": {from.String()}}
	got, err := c.send(ctx, http.MethodPost, startPath, header, strings.NewReader(fmt.Sprintf(`{"address":%q,"chain_id":1}`, of)))
	if err == nil && got.status != http.StatusOK {
		err = got.failure("starting")
	}
	return err
}
