// Command differential makes random requests with policies, decides them with
// internal/policy, and writes one case a line for judge.mjs, which decides them
// with an outside simulator of IAM and shows where the two differ. See README.md.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"

	"github.com/litentry/wallet-federation/internal/policy"
)

func main() {
	count := flag.Int("n", 20_000, "how many cases")
	seed := flag.Uint64("seed", 1, "seed of the cases")
	flag.Parse()
	if err := run(os.Stdout, *count, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "differential:", err)
		os.Exit(1)
	}
}

func run(w io.Writer, count int, seed uint64) error {
	//nolint:gosec // The cases are to be the same again for the same seed.
	g := generator{rand.New(rand.NewPCG(seed, 0))}
	out := bufio.NewWriter(w)
	encoder := json.NewEncoder(out)
	for range count {
		c, err := g.next()
		if err != nil {
			return err
		}
		if err := c.decide(); err != nil {
			return err
		}
		if err := encoder.Encode(c); err != nil {
			return err
		}
	}
	return out.Flush()
}

type documents []json.RawMessage

// testCase is a request with all policies that speak about it, and our decision.
type testCase struct {
	Class   string         `json:"class"`
	Known   string         `json:"known,omitempty"` // why the simulator may differ
	Caller  string         `json:"caller"`
	Action  string         `json:"action"`
	Target  string         `json:"target"`
	Context map[string]any `json:"context"`

	Identity documents `json:"identity"`
	Boundary documents `json:"boundary"`
	Session  documents `json:"session"`
	Resource documents `json:"resource"`

	Ours   string `json:"ours"`
	Reason string `json:"reason"`

	principal *policy.Principal
	tags      map[string]string
	kind      policy.Kind // of Resource
}

// decide decides the case, and puts what describes the principal into its context.
func (c *testCase) decide() error {
	var failure error
	parse := func(kind policy.Kind, texts documents) (list []policy.Policy) {
		for _, text := range texts {
			document, err := policy.Parse(kind, text)
			if err != nil {
				failure = fmt.Errorf("parsing %s: %w", text, err)
			}
			list = append(list, policy.Policy{Name: "policy", Document: document})
		}
		return list
	}
	policies := policy.Policies{Identity: parse(policy.Identity, c.Identity), Session: parse(policy.Session, c.Session)}
	if list := parse(policy.Identity, c.Boundary); len(list) > 0 {
		policies.Boundary = &list[0]
	}
	if list := parse(c.kind, c.Resource); len(list) > 0 {
		policies.Resource = &list[0]
	}
	if failure != nil {
		return failure
	}
	d := policies.Evaluate(&policy.Request{
		Principal: c.principal, Action: c.Action, Resource: c.Target, ResourceAccount: home, Context: c.requestContext(),
	})
	c.Ours = [...]string{
		policy.Allow: "Allowed", policy.ExplicitDeny: "ExplicitlyDenied", policy.ImplicitDeny: "ImplicitlyDenied",
	}[d.Outcome]
	c.Reason = d.Explain()
	return nil
}

// requestContext completes c.Context, and returns it as the evaluator takes it.
func (c *testCase) requestContext() policy.Context {
	ctx := policy.Context{}
	c.principal.AddTo(ctx, c.tags)
	for key, value := range ctx {
		c.Context[key] = value.Strings()[0]
	}
	for key, value := range c.Context {
		switch v := value.(type) {
		case string:
			ctx.Set(key, v)
		case []string:
			ctx.SetList(key, v...)
		}
	}
	return ctx
}
