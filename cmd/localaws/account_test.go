package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// roles are the names of the account's roles, as an SDK lists them.
func (c *command) roles(t *testing.T) string {
	t.Helper()
	out, err := c.iam().ListRoles(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for i := range out.Roles {
		names = append(names, *out.Roles[i].RoleName)
	}
	return strings.Join(names, " ")
}

func (c *command) iam() *iam.Client {
	return iam.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: &c.endpoint,
		Credentials: credentials.NewStaticCredentialsProvider("localaws", "localaws", ""),
	})
}

const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sts:AssumeRole"}]}`

func TestDirectoryKeepsTheAccount(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "account")
	first := start(t, nil, "--dir", dir)
	_, err := first.iam().CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String("wallets"), AssumeRolePolicyDocument: aws.String(trust)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err = run(ctx, []string{"--listen", "127.0.0.1:0", "--dir", dir}, environment(nil), io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("a second server on the directory: error %v, want one that names it", err)
	}
	if err := first.wait(t); err != nil {
		t.Fatal(err)
	}
	if roles := start(t, nil, "--dir", dir).roles(t); roles != "wallets" {
		t.Errorf("after a restart there are the roles %q, want wallets", roles)
	}
	if roles := start(t, nil).roles(t); roles != "" {
		t.Errorf("without a directory there are the roles %q, want none", roles)
	}
}

func writeSeed(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "seed.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestSeedIsForAFirstStart(t *testing.T) {
	t.Parallel()
	seed := writeSeed(t, "roles:\n- {name: seeded, trustPolicy: "+trust+"}\n")
	dir := filepath.Join(t.TempDir(), "account")
	for range 2 {
		c := start(t, nil, "--dir", dir, "--seed", seed)
		if roles := c.roles(t); roles != "seeded" {
			t.Errorf("there are the roles %q, want seeded", roles)
		}
		if err := c.wait(t); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSeedThatIsRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ seed, want string }{
		"a file that is not there": {filepath.Join(t.TempDir(), "none.yaml"), "opening --seed"},
		"a field that is none":     {writeSeed(t, "rolls: []\n"), `"rolls"`},
		"a role without trust":     {writeSeed(t, "roles:\n- {name: seeded}\n"), "roles[0]"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			err := run(ctx, []string{"--listen", "127.0.0.1:0", "--seed", test.seed}, environment(nil), io.Discard, io.Discard)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q in it", err, test.want)
			}
		})
	}
}
