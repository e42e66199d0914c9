package document

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/litentry/wallet-federation/internal/bucketpolicy"
	"github.com/litentry/wallet-federation/internal/policy"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func revoking(revocations ...Revocation) Federation {
	f := testFederation()
	f.Revocations = revocations
	return f
}

// testRevocations are two of one time, one of everybody before that, one that
// this one covers, and one of a wallet that has a later one.
func testRevocations() []Revocation {
	third := "0x3333333333333333333333333333333333333333"
	return []Revocation{
		{Wallet: foreignWallet, Before: noon},
		{Wallet: ownWallet, Before: noon.In(time.FixedZone("elsewhere", 3600))},
		{Wallet: ownWallet, Before: noon.Add(-time.Minute)},
		{Before: noon.Add(-time.Hour)},
		{Wallet: third, Before: noon.Add(-2 * time.Hour)},
	}
}

func policyOf(t *testing.T, f Federation) []byte {
	t.Helper()
	statements, err := f.BucketStatements(testBucket())
	if err != nil {
		t.Fatal(err)
	}
	policy, _, err := MergeBucketPolicy(nil, f.SidPrefix(), statements)
	if err != nil {
		t.Fatal(err)
	}
	return policy
}

func TestRevocationsEndTheSessionsThatWereIssuedBefore(t *testing.T) {
	t.Parallel()

	third := "0x3333333333333333333333333333333333333333"
	revoked := policyOf(t, revoking(testRevocations()...))
	tests := map[string]struct {
		wallet string
		issued time.Time
		want   bool
	}{
		"issued before it":                                {ownWallet, noon.Add(-time.Second), false},
		"issued at its very second":                       {ownWallet, noon, true},
		"issued after it":                                 {ownWallet, noon.Add(time.Second), true},
		"of another wallet of the same time":              {foreignWallet, noon.Add(-time.Second), false},
		"of a wallet that none names":                     {third, noon.Add(-time.Second), true},
		"of a wallet that none names, before everybody's": {third, noon.Add(-time.Hour - time.Second), false},
		"issued two days before it":                       {ownWallet, noon.Add(-48 * time.Hour), false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key := vaultARN + "/bots/" + test.wallet + "/x"
			context := map[string]string{"aws:TokenIssueTime": test.issued.Format(time.RFC3339)}
			for what, asked := range map[string]access{
				"get":  {action: "s3:GetObject", resource: key, tag: &test.wallet, context: context},
				"list": {action: "s3:ListBucket", resource: vaultARN, tag: &test.wallet, context: map[string]string{"aws:TokenIssueTime": context["aws:TokenIssueTime"], "s3:prefix": "bots/" + test.wallet + "/"}},
			} {
				for _, broad := range []bool{false, true} {
					if got := asked.decide(t, revoked, broad); got != test.want {
						t.Errorf("%s with a broad role %t is allowed: %t, want %t", what, broad, got, test.want)
					}
				}
			}
		})
	}
}

func TestRevocationsAreAsFewStatementsAsCanBe(t *testing.T) {
	t.Parallel()

	statements, err := revoking(testRevocations()...).revocations(testBucket())
	if err != nil {
		t.Fatal(err)
	}
	if len(statements) != 2 {
		t.Errorf("there are %d statements, want one for everybody and one for noon", len(statements))
	}
}

func TestTheOrderOfRevocationsMakesNoDifference(t *testing.T) {
	t.Parallel()

	r := testRevocations()
	if !bytes.Equal(policyOf(t, revoking(r...)), policyOf(t, revoking(r[4], r[2], r[0], r[3], r[1]))) {
		t.Error("the documents differ")
	}
}

func TestARevocationThatIsTakenOutLeavesTheRest(t *testing.T) {
	t.Parallel()

	f := testFederation()
	settled := policyOf(t, f)
	desired, err := f.BucketStatements(testBucket())
	if err != nil {
		t.Fatal(err)
	}
	merged, changed, err := MergeBucketPolicy(policyOf(t, revoking(testRevocations()...)), f.SidPrefix(), desired)
	if err != nil || !changed || !bytes.Equal(merged, settled) {
		t.Errorf("merged is %s, changed %t, %v", merged, changed, err)
	}
}

func TestRevocationsThatCouldOpenADocumentAreRefused(t *testing.T) {
	t.Parallel()

	tests := map[string]Revocation{
		"a wallet that is a pattern":     {Wallet: "0x*", Before: noon},
		"a wallet in upper case":         {Wallet: strings.ToUpper(ownWallet), Before: noon},
		"a time in parts of a second":    {Wallet: ownWallet, Before: noon.Add(time.Millisecond)},
		"a time that was forgotten":      {Wallet: ownWallet},
		"a time that no policy can hold": {Wallet: ownWallet, Before: noon.AddDate(9000, 0, 0)},
	}
	for name, revocation := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := revoking(revocation).BucketStatements(testBucket()); err == nil {
				t.Error("it was taken")
			}
		})
	}
}

func TestTooManyRevocationsAreRefusedWithTheFigure(t *testing.T) {
	t.Parallel()

	var many []Revocation
	for i := range 100 {
		many = append(many, Revocation{Wallet: fmt.Sprintf("0x%040x", i), Before: noon.Add(time.Duration(i) * time.Second)})
	}
	f := revoking(many...)
	desired, err := f.BucketStatements(testBucket())
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = MergeBucketPolicy(nil, f.SidPrefix(), desired)
	if !errors.Is(err, ErrTooLarge) || !strings.Contains(err.Error(), "limit of 20480") {
		t.Errorf("error = %v, want ErrTooLarge with the figures", err)
	}
	// The same wallets fit when they are revoked together.
	for i := range many {
		many[i].Before = noon
	}
	policyOf(t, revoking(many...))
}

func TestOurPoliciesAreNotPublicAndS3TakesThem(t *testing.T) {
	t.Parallel()

	admitted, err := bucketpolicy.Admit(vaultARN, policyOf(t, revoking(testRevocations()...)))
	if err != nil {
		t.Fatal(err)
	}
	if bucketpolicy.IsPublic(admitted) {
		t.Error("BlockPublicPolicy would refuse it")
	}
	if _, err := policy.Parse(policy.Bucket, policyOf(t, testFederation())); err != nil {
		t.Error(err)
	}
}
