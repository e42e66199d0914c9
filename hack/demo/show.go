package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/litentry/wallet-federation/api/v1alpha1"
)

// patience is how long one thing may take; most take a few seconds.
const patience = 90 * time.Second

func say(format string, arguments ...any) {
	fmt.Printf(format+"\n", arguments...) //nolint:forbidigo // The terminal is where the story is told.
}

func heading(title string) {
	say("")
	say("== %s", title)
}

// step does one thing and tells how long it took.
func step(title string, do func() error) error {
	started := time.Now()
	if err := do(); err != nil {
		return fmt.Errorf("%s: %w", title, err)
	}
	say("  %-72s %5.1f s", title, time.Since(started).Seconds())
	return nil
}

// eventually waits until done reports true, and tells what it sees meanwhile,
// each time that is something new.
func eventually(ctx context.Context, what string, done func() (bool, string)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	started, last := time.Now(), ""
	for {
		reached, seen := done()
		if seen != last && seen != "" {
			say("  %5.1f s  %s", time.Since(started).Seconds(), shorten(seen, 150))
			last = seen
		}
		if reached {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting until %s: %w; last seen: %s", what, ctx.Err(), last)
		case <-ticker.C:
		}
	}
}

func shorten(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit-3], "") + "..."
}

// verdict is one line about where a federation stands: the proof if there is
// one, else the first thing that is in its way.
func verdict(federation *v1alpha1.WalletFederation) string {
	for _, condition := range federation.Status.Conditions {
		if condition.Status == "True" && condition.Type != v1alpha1.ConditionIsolationVerified {
			continue
		}
		return fmt.Sprintf("%s=%s (%s) %s", condition.Type, condition.Status, condition.Reason, condition.Message)
	}
	return "nothing is known yet"
}

func printCondition(federation *v1alpha1.WalletFederation, conditionType string) {
	condition := meta.FindStatusCondition(federation.Status.Conditions, conditionType)
	if condition == nil {
		return
	}
	say("  %s=%s (%s)", condition.Type, condition.Status, condition.Reason)
	say("      %s", condition.Message)
}

func printFailures(federation *v1alpha1.WalletFederation) {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	for _, failure := range federation.Status.Isolation.Failures {
		_, _ = fmt.Fprintf(table, "  %s\texpected %s\tobserved %s\trequest %s\n", failure.Name, failure.Expected, failure.Observed, failure.RequestID)
	}
	_ = table.Flush()
}

// printEvidence prints the table of what was tried.
func (s *stack) printEvidence(ctx context.Context) error {
	report, err := s.evidence(ctx)
	if err != nil {
		return err
	}
	if len(report.Cases) == 0 {
		return errors.New("the evidence has no cases")
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "  \tCASE\tEXPECTED\tOBSERVED\tANSWER")
	for _, c := range report.Cases {
		mark := "ok"
		if c.Expected != c.Observed {
			mark = "WRONG"
		}
		_, _ = fmt.Fprintf(table, "  %s\t%s\t%s\t%s\t%s\n", mark, c.Name, c.Expected, c.Observed, c.Code)
	}
	return table.Flush()
}

// printRepairs prints the events that tell what was put right. Events are written
// behind the operator's back, so they may come a moment later than the proof.
func (s *stack) printRepairs(ctx context.Context) error {
	var repairs []string
	err := eventually(ctx, "events tell of the repair", func() (bool, string) {
		var err error
		repairs, err = s.repairs(ctx)
		return err == nil && len(repairs) > 0, ""
	})
	if err != nil {
		return err
	}
	say("")
	say("Its events tell what was put right:")
	for _, repair := range repairs {
		say("  %s", repair)
	}
	return nil
}

func (s *stack) repairs(ctx context.Context) ([]string, error) {
	var list eventsv1.EventList
	if err := s.Client.List(ctx, &list, client.InNamespace(namespace)); err != nil {
		return nil, err
	}
	slices.SortFunc(list.Items, func(a, b eventsv1.Event) int { return a.EventTime.Compare(b.EventTime.Time) })
	var repairs []string
	for i := range list.Items {
		if event := &list.Items[i]; event.Reason == v1alpha1.ReasonDriftRepaired || event.Reason == v1alpha1.ReasonGrantRemoved {
			repairs = append(repairs, event.Reason+"  "+event.Note)
		}
	}
	return repairs, nil
}

// printUsage tells how to talk to what is running.
func (s *stack) printUsage() {
	say(`
  # the operator
  export KUBECONFIG=%[1]s
  %[9]s get oidcissuers,walletfederations
  %[9]s describe walletfederation %[3]s
  %[9]s get configmap %[3]s-isolation-evidence -o jsonpath='{.data.evidence\.json}'

  # the cloud, as its administrator
  export AWS_ENDPOINT_URL=http://%[4]s AWS_DEFAULT_REGION=us-east-1
  AWS_ACCESS_KEY_ID=localaws AWS_SECRET_ACCESS_KEY=localaws aws s3api get-bucket-policy --bucket %[5]s

  # the cloud, as a wallet: the AWS SDKs and the aws command line trade the JWT at STS by themselves
  %[2]s/wallet-token --new-key %[6]s/wallet.key
  %[2]s/wallet-token --issuer http://%[7]s --key %[6]s/wallet.key > %[6]s/wallet.jwt
  export AWS_WEB_IDENTITY_TOKEN_FILE=%[6]s/wallet.jwt AWS_ROLE_ARN=arn:aws:iam::123456789012:role/%[8]s
  export AWS_ROLE_SESSION_NAME=$(%[2]s/wallet-token --address --key %[6]s/wallet.key)   # keeps the aws command line from mixing up wallets in its cache
  aws s3api list-objects-v2 --bucket %[5]s --prefix "bots/$AWS_ROLE_SESSION_NAME/"   # allowed
  aws s3api list-objects-v2 --bucket %[5]s --prefix "bots/0xdeadbeef/"                # AccessDenied`,
		s.kubeconfig(), s.bin, federationName, localawsAddress, bucketName, s.dir, brokerAddress, roleName, filepath.Join(s.Assets, "kubectl"))
}
