package main

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/litentry/wallet-federation/internal/session"
	"github.com/litentry/wallet-federation/internal/wallet"
)

// emptyTrial is one that saw nothing.
func emptyTrial() *trial {
	return &trial{
		o: options{rotations: 1, reloads: 1, wallets: 1},
		deployment: &deployment{
			proxy: &proxy{granted: map[string]int64{}}, sessions: session.NewKeySet(time.Now()),
			replicas: []*replica{{name: "replica-0", journal: &journal{counts: map[string]int64{}}}},
		},
		traffic: &traffic{tally: newTally(), verifier: &verifier{}},
	}
}

func TestATrialThatSawNothingShowsNothing(t *testing.T) {
	t.Parallel()
	// They hold of a service that does nothing.
	empty := map[string]bool{
		"every request of an honest caller has an answer":           true,
		"a flood gets through only as the limits allow":             true,
		"logs are JSON without panics, and hold nothing like a JWT": true,
		"no answer is 500, no file is refused":                      true,
	}
	for _, r := range emptyTrial().judge() {
		if r.holds != empty[r.what] {
			t.Errorf("%s: %v", r.what, r.holds)
		}
	}
}

func TestOneWrongAnswerIsEnough(t *testing.T) {
	t.Parallel()
	for _, wrong := range []action{
		signIn, mint, exchange, fetch, verifyJWT, spend, replay, replayLost, unused, forge, impersonate, intrude, stuff, flood, dawdle,
	} {
		t.Run(string(wrong), func(t *testing.T) {
			t.Parallel()
			trial := emptyTrial()
			trial.traffic.tally.enter(outage)
			trial.traffic.tally.add(wrong, score{good: 1000, putOff: 1})
			before := failures(trial.judge())
			trial.traffic.tally.bad(wrong, errors.New("the reason"))
			rows := trial.judge()
			if failures(rows) <= before {
				t.Error("everything holds as before")
			}
			var table strings.Builder
			if err := printTable(&table, rows); err != nil || !strings.Contains(table.String(), "the reason") {
				t.Errorf("the table does not say why: %v\n%s", err, &table)
			}
		})
	}
}

func TestASignInWithoutRedisIsWrong(t *testing.T) {
	t.Parallel()
	state := &redisState{}
	number := state.number.Load()
	if was, lasts := state.since(number); was != there || !lasts {
		t.Errorf("at first: %d, %v", was, lasts)
	}
	for _, want := range []int64{leaving, away, returning, there} {
		before := state.number.Load()
		state.change()
		if _, lasts := state.since(before); lasts {
			t.Error("a change was not noticed")
		}
		if was, lasts := state.since(state.number.Load()); was != want || !lasts {
			t.Errorf("%d, %v, want %d", was, lasts, want)
		}
	}
}

func TestReadings(t *testing.T) {
	t.Parallel()
	values, err := parseReadings([]byte("# HELP a b\ngo_goroutines 12\nx_total{status=\"500\",route=\"a b\"} 2\nx_total{status=\"200\"} 1e+06\nx_totals 7\n"))
	if err != nil {
		t.Fatal(err)
	}
	got := []float64{values[seriesGoroutines], values.sum("x_total"), values.sum("x_total", `status="500"`), values.sum("y")}
	if diff := cmp.Diff([]float64{12, 1_000_002, 2, 0}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, text := range []string{"go_goroutines", "go_goroutines many"} {
		if _, err := parseReadings([]byte(text)); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}

func TestJournalCountsAndSeesWhatMustNotBe(t *testing.T) {
	t.Parallel()
	j, err := newJournal(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.close() })
	listening := j.begin()
	write := func(text string) {
		t.Helper()
		if _, err := j.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	write(`{"msg":"serving metrics","address":"m"}` + "\n" + `{"msg":"listening","addr`)
	write(`ess":"a"}` + "\n")
	if got := <-listening; got != (addresses{api: "a", metrics: "m"}) {
		t.Errorf("%+v", got)
	}
	write(`{"msg":"audit","event":"mint","outcome":"ok"}` + "\n" + `{"msg":"audit","event":"mint","outcome":"refused"}` + "\n")
	if got := j.count(auditMint); got != 1 {
		t.Errorf("%d mints", got)
	}
	if leaked, odd := j.faults(); leaked+odd != "" {
		t.Errorf("%q, %q", leaked, odd)
	}
	write(`{"msg":"audit","bearer":"eyJhbGciOi"}` + "\n" + "goroutine 1 [running]:\n")
	if leaked, odd := j.faults(); leaked == "" || odd == "" {
		t.Errorf("%q, %q", leaked, odd)
	}
}

func TestTheTwinOfASignatureIsAnotherOfTheSameKey(t *testing.T) {
	t.Parallel()
	key, err := wallet.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	signature := key.SignPersonal("message")
	other := twin(signature)
	if other == signature || twin(other) != signature {
		t.Errorf("%s, %s", signature, other)
	}
	if _, err := wallet.RecoverPersonal("message", other); !errors.Is(err, wallet.ErrSignature) {
		t.Errorf("%v", err)
	}
}

func TestMaxAge(t *testing.T) {
	t.Parallel()
	if got, err := maxAge("public, max-age=300"); err != nil || got != 5*time.Minute {
		t.Errorf("%s, %v", got, err)
	}
	for _, header := range []string{"", "no-store", "max-age=soon", "max-age=-1"} {
		if _, err := maxAge(header); err == nil {
			t.Errorf("%q has an age", header)
		}
	}
}

func TestVolumeIsSwappedAtOnce(t *testing.T) {
	t.Parallel()
	v, err := newVolume(filepath.Join(t.TempDir(), "v"), files{"a": []byte("1")})
	if err != nil {
		t.Fatal(err)
	}
	if err := v.swap(files{"a": []byte("2")}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(v.path("a"))
	if err != nil || string(got) != "2" {
		t.Errorf("%q, %v", got, err)
	}
	left, err := os.ReadDir(v.dir)
	if err != nil || len(left) != 3 {
		t.Errorf("%v, %v: want the name, ..data and one version", left, err)
	}
}

func TestWhatIsAllowedToAnAttacker(t *testing.T) {
	t.Parallel()
	wait := http.Header{"Retry-After": {"1"}}
	for name, c := range map[string]struct {
		got  answer
		want score
	}{
		"refused as it must":         {answer{status: 401}, score{good: 1}},
		"too many, with a time":      {answer{status: 429, header: wait}, score{putOff: 1}},
		"too many, without a time":   {answer{status: 429}, score{bad: 1}},
		"away, with a time":          {answer{status: 503, header: wait}, score{putOff: 1}},
		"granted":                    {answer{status: 200}, score{bad: 1}},
		"refused in another way":     {answer{status: 400}, score{bad: 1}},
		"an error inside the broker": {answer{status: 500}, score{bad: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := attacker{tally: newTally()}
			a.tally.enter(fullLoad)
			a.expect(forge, c.got, nil, http.StatusUnauthorized)
			if got := a.tally.of(forge); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}
