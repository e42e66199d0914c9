package document

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// walletForm is a wallet as the tag carries it.
var walletForm = regexp.MustCompile(`^0x[0-9a-f]{40}$`)

// Revocation ends sessions before their time.
type Revocation struct {
	// Wallet is whose sessions end; empty for everybody's.
	Wallet string
	// Before is when the sessions that end were issued: before it. Whole seconds,
	// as aws:TokenIssueTime has them.
	Before time.Time
}

func (r Revocation) validate() error {
	if r.Wallet != "" && !walletForm.MatchString(r.Wallet) {
		return fmt.Errorf("revoked wallet %q is not a lower-case address", r.Wallet)
	}
	if year := r.Before.UTC().Year(); r.Before.Nanosecond() != 0 || year < 1970 || year > 9999 {
		return fmt.Errorf("revocation before %s is not a time in whole seconds from 1970 to 9999", r.Before)
	}
	return nil
}

// revocations deny everything to sessions that were issued before a time: one
// statement for each time, with the wallets that have it. Of several revocations
// of a wallet the latest says it all, and one of everybody those that are not
// later, so that the statements are as few as can be.
//
// A session cannot prolong itself past its revocation: what it issues anew would
// be issued later, but the trust policy takes tokens alone, and no role.
func (f Federation) revocations(b Bucket) ([]Statement, error) {
	latest := map[string]time.Time{}
	for _, revocation := range f.Revocations {
		if err := revocation.validate(); err != nil {
			return nil, err
		}
		if before := time.Unix(revocation.Before.Unix(), 0).UTC(); before.After(latest[revocation.Wallet]) {
			latest[revocation.Wallet] = before
		}
	}
	everybody := latest[""]
	wallets := map[time.Time][]string{}
	for wallet, before := range latest {
		if wallet == "" || before.After(everybody) {
			wallets[before] = append(wallets[before], wallet)
		}
	}
	var statements []Statement
	for _, before := range slices.SortedFunc(maps.Keys(wallets), time.Time.Compare) {
		slices.Sort(wallets[before])
		statements = append(statements, f.revoke(b, before, wallets[before]))
	}
	return statements, nil
}

// IsRevocation says whether a statement of the owner's ends sessions, by its Sid.
func (o SidPrefix) IsRevocation(sid string) bool {
	return strings.HasPrefix(sid, string(o)+revokePurpose)
}

// revokePurpose begins the purpose of the statements that end sessions.
const revokePurpose = "Revoke"

// revoke denies everything to the sessions of wallets; a single empty wallet
// stands for everybody.
func (f Federation) revoke(b Bucket, before time.Time, wallets []string) Statement {
	// The time in the Sid lets a statement be found again whatever becomes of it.
	statement := f.deny(revokePurpose + before.Format("20060102T150405Z"))
	statement.Action = Strings{"s3:*"}
	statement.Resource = f.everything(b)
	statement.Condition["DateLessThan"] = map[string]Strings{"aws:TokenIssueTime": {before.Format(time.RFC3339)}}
	if wallets[0] != "" {
		statement.Condition["StringEquals"] = map[string]Strings{"aws:PrincipalTag/" + f.WalletTagKey: wallets}
	}
	return statement
}
