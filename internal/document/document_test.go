package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

func testFederation() Federation {
	return Federation{
		Partition:     "aws",
		RoleARN:       "arn:aws:iam::123456789012:role/agentkeys-user-bots",
		ProviderARN:   "arn:aws:iam::123456789012:oidc-provider/broker.litentry.org",
		IssuerURL:     "https://broker.litentry.org",
		Audience:      "sts.amazonaws.com",
		SubjectPrefix: "agentkeys:agent:",
		WalletTagKey:  "agentkeys_user_wallet",
	}
}

func testBucket() Bucket {
	return Bucket{
		Name:   "agentkeys-vault",
		Prefix: "bots/",
		Access: []Access{AccessList, AccessRead, AccessWrite, AccessDelete},
	}
}

func TestDocumentsAreThoseThatWereReviewed(t *testing.T) {
	t.Parallel()

	gov := Federation{
		Partition:     "aws-us-gov",
		RoleARN:       "arn:aws-us-gov:iam::210987654321:role/wallets/reader",
		ProviderARN:   "arn:aws-us-gov:iam::210987654321:oidc-provider/id.example.com/wallets",
		IssuerURL:     "https://id.example.com/wallets",
		Audience:      "sts.amazonaws.com",
		SubjectPrefix: "wallet/",
		WalletTagKey:  "wallet",
	}
	bucketPolicy := func(f Federation, b Bucket) func() ([]byte, error) {
		return func() ([]byte, error) {
			statements, err := f.BucketStatements(b)
			if err != nil {
				return nil, err
			}
			policy, _, err := MergeBucketPolicy(nil, f.SidPrefix(), statements)
			return policy, err
		}
	}
	allows := func(access ...Access) func() ([]byte, error) {
		return func() ([]byte, error) {
			bucket := testBucket()
			bucket.Access = access
			return marshalPolicy(testFederation().allows(bucket))
		}
	}
	tests := map[string]func() ([]byte, error){
		"trust.json":          testFederation().TrustPolicy,
		"trust-govcloud.json": gov.TrustPolicy,
		"allow-list.json":     allows(AccessList),
		"allow-read.json":     allows(AccessRead),
		"allow-write.json":    allows(AccessWrite),
		"allow-delete.json":   allows(AccessDelete),
		"guard.json":          func() ([]byte, error) { return marshalPolicy(testFederation().guard(testBucket())) },
		"revocations.json": func() ([]byte, error) {
			statements, err := revoking(testRevocations()...).revocations(testBucket())
			if err != nil {
				return nil, err
			}
			return marshalPolicy(statements)
		},
		"bucket.json":          bucketPolicy(testFederation(), testBucket()),
		"bucket-govcloud.json": bucketPolicy(gov, Bucket{Name: "reports.example.com", Access: []Access{AccessRead, AccessList}}),
	}
	for file, document := range tests {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			got, err := document()
			if err != nil {
				t.Fatal(err)
			}
			compareGolden(t, file, got)
		})
	}
}

// compareGolden compares minified JSON with an indented file.
func compareGolden(t *testing.T, file string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", file)
	if *update {
		var indented bytes.Buffer
		if err := json.Indent(&indented, got, "", "  "); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(indented.Bytes(), '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := json.Compact(&want, golden); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.String(), string(got)); diff != "" {
		t.Errorf("the document differs from %s (-want +got):\n%s", path, diff)
	}
}

func TestDocumentsDoNotDependOnTheOrderOfAccess(t *testing.T) {
	t.Parallel()

	forwards, backwards := testBucket(), testBucket()
	backwards.Access = []Access{AccessDelete, AccessWrite, AccessRead, AccessList}
	want, err := testFederation().BucketStatements(forwards)
	if err != nil {
		t.Fatal(err)
	}
	got, err := testFederation().BucketStatements(backwards)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("statements differ (-want +got):\n%s", diff)
	}
}

func TestSidsBelongToOneRole(t *testing.T) {
	t.Parallel()

	other := testFederation()
	other.RoleARN = "arn:aws:iam::123456789012:role/another"
	statements, err := testFederation().BucketStatements(testBucket())
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range statements {
		if !testFederation().SidPrefix().owns(statement.Sid) || other.SidPrefix().owns(statement.Sid) {
			t.Errorf("Sid %q is not of its own federation alone", statement.Sid)
		}
		if !familyForm.MatchString(statement.Sid) {
			t.Errorf("Sid %q is not recognised by federations of other clusters", statement.Sid)
		}
	}
}

func TestFederationsThatCouldOpenADocumentAreRefused(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		change func(f *Federation, b *Bucket)
		want   string
	}{
		"partition that is none":           {func(f *Federation, _ *Bucket) { f.Partition = "azure" }, "partition"},
		"role of another partition":        {func(f *Federation, _ *Bucket) { f.Partition = "aws-cn" }, "role ARN"},
		"role with a wildcard in its path": {func(f *Federation, _ *Bucket) { f.RoleARN = "arn:aws:iam::123456789012:role/*/r" }, "role ARN"},
		"role that is a user":              {func(f *Federation, _ *Bucket) { f.RoleARN = "arn:aws:iam::123456789012:user/u" }, "role ARN"},
		"provider of another issuer":       {func(f *Federation, _ *Bucket) { f.IssuerURL = "https://other.example.com" }, "provider ARN"},
		"provider of another partition": {func(f *Federation, _ *Bucket) {
			f.ProviderARN = "arn:aws-cn:iam::123456789012:oidc-provider/broker.litentry.org"
		}, "provider ARN"},
		"subject prefix with a wildcard":        {func(f *Federation, _ *Bucket) { f.SubjectPrefix = "agent*" }, "subject prefix"},
		"subject prefix that is empty":          {func(f *Federation, _ *Bucket) { f.SubjectPrefix = "" }, "subject prefix"},
		"audience that is a variable":           {func(f *Federation, _ *Bucket) { f.Audience = "${aws:userid}" }, "audience"},
		"tag key that closes the variable":      {func(f *Federation, _ *Bucket) { f.WalletTagKey = "wallet}*${" }, "wallet tag key"},
		"tag key that is empty":                 {func(f *Federation, _ *Bucket) { f.WalletTagKey = "" }, "wallet tag key"},
		"bucket name with a wildcard":           {func(_ *Federation, b *Bucket) { b.Name = "vault-*" }, "bucket name"},
		"prefix without a slash at its end":     {func(_ *Federation, b *Bucket) { b.Prefix = "bots" }, "prefix"},
		"prefix with a wildcard":                {func(_ *Federation, b *Bucket) { b.Prefix = "bots*/" }, "prefix"},
		"prefix that begins with a slash":       {func(_ *Federation, b *Bucket) { b.Prefix = "/bots/" }, "prefix"},
		"prefix that climbs":                    {func(_ *Federation, b *Bucket) { b.Prefix = "bots/../" }, "prefix"},
		"prefix with a trick of a second line":  {func(_ *Federation, b *Bucket) { b.Prefix = "bots/\n" }, "prefix"},
		"bucket without any access":             {func(_ *Federation, b *Bucket) { b.Access = nil }, "no access"},
		"bucket with an access that is unknown": {func(_ *Federation, b *Bucket) { b.Access = []Access{"Admin"} }, "Admin"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, b := testFederation(), testBucket()
			test.change(&f, &b)
			_, trustErr := f.TrustPolicy()
			_, bucketErr := f.BucketStatements(b)
			if err := errors.Join(trustErr, bucketErr); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error = %v, want one that names %q", err, test.want)
			}
		})
	}
}

func TestTrustPolicyOverTheQuotaIsRefusedWithTheFigure(t *testing.T) {
	t.Parallel()

	f := testFederation()
	f.IssuerURL = "https://broker.litentry.org/" + strings.Repeat("x", 300)
	f.ProviderARN = "arn:aws:iam::123456789012:oidc-provider/" + f.issuerKey()
	_, err := f.TrustPolicy()
	if !errors.Is(err, ErrTooLarge) || !strings.Contains(err.Error(), "limit of 2048") {
		t.Errorf("error = %v, want ErrTooLarge with the figures", err)
	}
}

func TestPrincipalIsNeverEveryoneByForgetting(t *testing.T) {
	t.Parallel()

	for name, principal := range map[string]Principal{
		"none":           {},
		"two":            {AWS: "arn:aws:iam::123456789012:role/r", Federated: "p"},
		"everyone and a": {Everyone: true, AWS: "arn:aws:iam::123456789012:role/r"},
	} {
		if text, err := json.Marshal(principal); err == nil {
			t.Errorf("principal of %s was written as %s, want an error", name, text)
		}
	}
}
