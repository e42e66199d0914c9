package signingkey_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/litentry/wallet-federation/internal/signingkey"
)

// life is what a set says of its keys.
func life(set *signingkey.Set) map[string]string {
	said := map[string]string{}
	for _, key := range set.Keys() {
		said[key.ID] = string(key.State) + " since " + key.Since.Format(time.RFC3339)
	}
	return said
}

func step(t *testing.T, take func() (*signingkey.Set, error)) *signingkey.Set {
	t.Helper()
	set, err := take()
	if err != nil {
		t.Fatal(err)
	}
	stored, err := set.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return mustParse(t, string(stored))
}

func TestAKeyIsAnnouncedThenSignsThenRetiresThenIsGone(t *testing.T) {
	t.Parallel()
	at := func(hours int) time.Time { return created.Add(time.Duration(hours) * time.Hour) }
	first := mustNew(t)
	old := first.Active().ID

	announced := step(t, func() (*signingkey.Set, error) { return first.Announce(at(1)) })
	fresh := announced.Pending().ID
	if announced.Active().ID != old {
		t.Error("a key signs that is only Pending")
	}
	active := step(t, func() (*signingkey.Set, error) { return announced.Activate(at(2)) })
	want := map[string]string{old: "Retiring since 2026-01-02T05:04:05Z", fresh: "Active since 2026-01-02T05:04:05Z"}
	if diff := cmp.Diff(want, life(active)); diff != "" {
		t.Error(diff)
	}
	if !active.Active().CreatedAt.Equal(at(1)) {
		t.Errorf("the key was created at %s", active.Active().CreatedAt)
	}
	third := step(t, func() (*signingkey.Set, error) { return active.Announce(at(3)) })
	left := step(t, func() (*signingkey.Set, error) { return third.Remove(old) })
	want = map[string]string{fresh: "Active since 2026-01-02T05:04:05Z", third.Pending().ID: "Pending since 2026-01-02T06:04:05Z"}
	if diff := cmp.Diff(want, life(left)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]string{old: "Active since 2026-01-02T03:04:05Z"}, life(first)); diff != "" {
		t.Errorf("a step changed the set that it began with: %s", diff)
	}
}

func TestStepsThatCannotBeTakenAreRefused(t *testing.T) {
	t.Parallel()
	first := mustNew(t)
	announced := step(t, func() (*signingkey.Set, error) { return first.Announce(created) })
	active := step(t, func() (*signingkey.Set, error) { return announced.Activate(created) })
	full := step(t, func() (*signingkey.Set, error) { return active.Announce(created) })
	full = step(t, func() (*signingkey.Set, error) { return full.Activate(created) })
	for name, c := range map[string]struct {
		take func() (*signingkey.Set, error)
		want error
	}{
		"a second Pending key":            {func() (*signingkey.Set, error) { return announced.Announce(created) }, signingkey.ErrPending},
		"a fourth key":                    {func() (*signingkey.Set, error) { return full.Announce(created) }, signingkey.ErrFull},
		"activating without Pending key":  {func() (*signingkey.Set, error) { return first.Activate(created) }, signingkey.ErrNoPending},
		"removing the key that signs now": {func() (*signingkey.Set, error) { return active.Remove(active.Active().ID) }, signingkey.ErrInUse},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := c.take(); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}
