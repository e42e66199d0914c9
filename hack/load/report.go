package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/litentry/wallet-federation/internal/discovery"
)

// row is one line of the table.
type row struct {
	what, counted string
	holds         bool
}

func failures(rows []row) int {
	failed := 0
	for _, r := range rows {
		if !r.holds {
			failed++
		}
	}
	return failed
}

func printTable(out io.Writer, rows []row) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, err := fmt.Fprintln(table, "CHECKED\tCOUNTED\tHOLDS")
	for _, r := range rows {
		if err == nil {
			_, err = fmt.Fprintf(table, "%s\t%s\t%s\n", r.what, r.counted, map[bool]string{true: "yes", false: "NO"}[r.holds])
		}
	}
	if err != nil {
		return err
	}
	return table.Flush()
}

// printFigures prints what depends on the machine, and decides nothing.
func (t *trial) printFigures(out io.Writer, took time.Duration) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\nfor the record, of a machine that also runs callers, proxy and Redis, in %s:\n", took.Round(time.Second))
	for _, phase := range []phase{warmUp, fullLoad, outage, recovery, rotation, restart} {
		scores := t.traffic.tally
		fmt.Fprintf(&b, "%-12s  mints %6d, p50 %8s, p99 %8s;  exchanges %6d;  sign-ins %5d, put off %d\n", phase, scores.of(mint, phase).good,
			scores.quantile(phase, 0.5), scores.quantile(phase, 0.99), scores.of(exchange, phase).good, scores.of(signIn, phase).good, scores.of(signIn, phase).putOff)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// judge makes the table of what was seen.
func (t *trial) judge() []row {
	rows := t.judgeCallers()
	rows = append(rows, t.judgeRedis()...)
	rows = append(rows, t.judgeAttackers()...)
	rows = append(rows, t.judgeChanges()...)
	rows = append(rows, t.judgeLogs()...)
	return append(rows, t.judgeMemory()...)
}

// honestly judges something that must never fail.
func (t *trial) honestly(what string, d action, phases ...phase) row {
	s := t.traffic.tally.of(d, phases...)
	counted := fmt.Sprintf("%d, %d failed", s.good, s.bad)
	if err := t.traffic.tally.why(d); err != nil && s.bad > 0 {
		counted += fmt.Sprintf(" (%s)", err)
	}
	return row{what, counted, s.good > 0 && s.bad == 0}
}

func (t *trial) judgeCallers() []row {
	age, loads := t.traffic.verifier.cached()
	cut, first := t.deployment.proxy.unanswered()
	signIns := t.honestly("sign-ins are granted, or put off by 503 with Retry-After", signIn)
	across := t.traffic.tally.noted(acrossReplicas)
	signIns.counted = fmt.Sprintf("%s, %d across two replicas", signIns.counted, across)
	signIns.holds = signIns.holds && across > 0
	unanswered := row{"every request of an honest caller has an answer", fmt.Sprintf("%d without", cut), cut == 0}
	if first != nil {
		unanswered.counted += fmt.Sprintf(" (%s)", first)
	}
	return []row{
		signIns,
		t.honestly("mints succeed, in all phases", mint),
		t.honestly("token exchanges succeed, in all phases", exchange),
		t.honestly("JWKS and discovery are served, in all phases", fetch),
		t.honestly(fmt.Sprintf("JWTs verify with a JWKS cached for its %s, read %d times", age, loads), verifyJWT),
		unanswered,
	}
}

func (t *trial) judgeRedis() []row {
	scores, n := t.traffic.tally, len(t.deployment.replicas)
	refused := scores.of(signIn, outage)
	rows := []row{
		{"without Redis /readyz is 200 and names it", fmt.Sprintf("%d of %d replicas", t.outage.named, n), t.outage.named == n},
		{"without Redis sign-ins are 503 with Retry-After", fmt.Sprintf("%d, %d otherwise", refused.putOff, refused.bad), refused.putOff > 0 && refused.bad == 0},
		t.honestly("without Redis mints go on", mint, outage),
		t.honestly("without Redis exchanges go on", exchange, outage),
		t.honestly("without Redis JWKS and discovery go on", fetch, outage),
		{"with a Redis that forgot all, /readyz is ok again", fmt.Sprintf("%d of %d replicas", t.outage.recovered, n), t.outage.recovered == n},
		t.honestly("with it sign-ins go on, of every user", signIn, recovery),
	}
	return append(rows,
		t.refused("nonces from before the kill are used up", replayLost),
		t.refused("challenges from before the kill are void", unused))
}

// refused judges something that must never succeed.
func (t *trial) refused(what string, d action) row {
	s := t.traffic.tally.of(d)
	counted := fmt.Sprintf("%d tries, %d put off, %d wrong", s.good+s.bad, s.putOff, s.bad)
	if err := t.traffic.tally.why(d); err != nil {
		counted += fmt.Sprintf(" (%s)", err)
	}
	return row{what, counted, s.good > 0 && s.bad == 0}
}

func (t *trial) judgeAttackers() []row {
	flooded := t.refused("a flood is refused with 429 and Retry-After", flood)
	let, most := t.traffic.let.Load(), t.floodBound()
	if s := t.traffic.tally.of(flood); s.good == 0 && s.bad == 0 && let > 0 && let <= most {
		flooded.counted, flooded.holds = "none: this machine is too slow to flood it", true
	}
	return []row{
		t.refused(fmt.Sprintf("a nonce used %d times at once is good once", atOnce), spend),
		t.refused("a nonce used before is refused with 401", replay),
		t.refused("forged signatures are refused with 401, and use up nothing", forge),
		t.refused("bearers that are none are refused", impersonate),
		t.refused("wallets that are not admitted are refused with 403", intrude),
		t.refused("bodies that are too large or odd are refused", stuff),
		t.refused("slow clients are hung up on", dawdle),
		flooded,
		{"a flood gets through only as the limits allow", fmt.Sprintf("%d, at most %d", let, most), let <= most},
	}
}

// floodBound is how many requests the limits let through: of each address, at
// each replica and the one that replaces one.
func (t *trial) floodBound() int64 {
	const burst, perSecond = 200, 50 // by default
	each := burst + perSecond*(t.hostileFor.Seconds()+1)
	return int64(each * flooders * (replicas + 1))
}

func (t *trial) judgeChanges() []row {
	scores := t.traffic.tally
	swaps := 4 * t.o.rotations * len(t.deployment.replicas)
	active := t.deployment.sessions.Active().ID
	next, kept := 0, 0
	for _, u := range t.traffic.users {
		switch signer := u.signer.Load(); {
		case signer == nil:
		case *signer == active:
			next++
		case u.keeps:
			kept++
		}
	}
	r := t.replaced
	held := row{"a replica told to stop finishes what is under way", fmt.Sprintf("%d of %d requests", r.finished, r.held), r.done && r.held > 0 && r.finished == r.held}
	if r.first != nil {
		held.counted += fmt.Sprintf(" (%s)", r.first)
	}
	bad := int64(0)
	for _, d := range []action{signIn, mint, exchange, fetch, verifyJWT} {
		bad += scores.of(d, rotation, restart).bad
	}
	return []row{
		{"signing and session keys are rotated, at each replica at another time", fmt.Sprintf("%d rotations, %d of %d files taken", t.rotated.done, t.rotated.swaps, swaps), t.rotated.done == t.o.rotations && t.rotated.swaps == swaps},
		{"new sessions are of the new key, old ones go on", fmt.Sprintf("%d users, %d users", next, kept), next > 0 && (kept > 0 || t.o.rotations == 0)},
		held,
		{"nobody notices a rotation or a replacement", fmt.Sprintf("%d failures", bad), bad == 0 && r.done},
	}
}

func (t *trial) judgeLogs() []row {
	var rows []row
	counts := map[string]int64{}
	clean := row{"logs are JSON without panics, and hold nothing like a JWT", "", true}
	for _, r := range t.deployment.replicas {
		for _, what := range []string{auditMint, auditExchange, auditSignIn} {
			counts[what] += r.journal.count(what)
		}
		leaked, odd := r.journal.faults()
		if leaked != "" || odd != "" {
			clean.holds = false
			clean.counted = "see " + r.journal.path
		}
	}
	// One of the requests that were held is a mint, and did not go through the proxy.
	held := int64(min(t.replaced.finished, 1))
	for _, of := range []struct {
		what, audited string
		answered      int64
	}{
		{"mint", auditMint, t.deployment.proxy.answers(mintPath) + held},
		{"exchange", auditExchange, t.deployment.proxy.answers(discovery.TokenPath)},
		{"sign-in", auditSignIn, t.deployment.proxy.answers(verifyPath)},
	} {
		rows = append(rows, row{
			"every " + of.what + " has its audit record", fmt.Sprintf("%d answers, %d records", of.answered, counts[of.audited]),
			of.answered > 0 && of.answered == counts[of.audited],
		})
	}
	return append(rows, clean,
		row{"no answer is 500, no file is refused", fmt.Sprintf("%.0f", t.internal), t.internal == 0})
}

func (t *trial) judgeMemory() []row {
	var rows []row
	for i, before := range t.before {
		name := t.deployment.replicas[i].name
		rows = append(rows, row{name + ": idle RSS is under 40 MiB", mib(before.rss), before.rss < maxIdleRSS})
		if i >= len(t.after) {
			continue
		}
		after := t.after[i]
		rows = append(rows,
			row{name + ": goroutines are back", fmt.Sprintf("%.0f to %.0f, then %.0f to %.0f", before.goroutines, before.mostGoroutines, after.goroutines, after.mostGoroutines), after.goroutines <= before.mostGoroutines},
			row{name + ": heap has grown by less than 4 MiB", fmt.Sprintf("%s, then %s (RSS %s)", mib(before.heap), mib(after.heap), mib(after.rss)), after.heap < before.heap+maxHeapGrowth})
	}
	l, c := t.lists, t.challenges
	first := row{"the first of them is still good then", "yes", c.open > 0 && c.first == nil}
	if !first.holds {
		first.counted = fmt.Sprint(c.first)
	}
	return append(rows,
		row{
			fmt.Sprintf("a list of %d wallets reloaded %d times: RSS grows by less than 16 MiB", t.o.wallets, l.reloads),
			mib(l.before) + ", then " + mib(l.after), l.reloads == t.o.reloads && l.after < l.before+maxListGrowth,
		},
		row{
			fmt.Sprintf("%d outstanding challenges, of as many addresses: RSS grows by less than 64 MiB", c.open),
			mib(c.before) + ", then " + mib(c.after), c.open > 0 && c.after < c.before+maxChallengesRSS,
		},
		first)
}

func mib(bytes float64) string { return fmt.Sprintf("%.1f MiB", bytes/mebibyte) }
