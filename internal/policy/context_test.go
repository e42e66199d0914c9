package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPrincipalsDescribeThemselves(t *testing.T) {
	t.Parallel()
	web := &Principal{Type: WebIdentity, ProviderARN: provider, Account: home}
	federated := testSession(home)
	federated.ProviderARN = provider
	for name, c := range map[string]struct {
		who  *Principal
		want map[string]string
	}{
		"a user": {testUser(home), map[string]string{
			"aws:principalarn": "arn:aws:iam::123456789012:user/team/u", "aws:principalaccount": home, "aws:principaltype": "User",
			"aws:userid": "AIDAEXAMPLEEXAMPLE", "aws:username": "u", "aws:principaltag/team": "Blue",
		}},
		"a session": {testSession(home), map[string]string{
			"aws:principalarn": "arn:aws:iam::123456789012:role/team/r", "aws:principalaccount": home, "aws:principaltype": "AssumedRole",
			"aws:userid": "AROAEXAMPLEEXAMPLE:s", "aws:principaltag/team": "Blue",
		}},
		"a session bought with a web identity": {federated, map[string]string{
			"aws:principalarn": "arn:aws:iam::123456789012:role/team/r", "aws:principalaccount": home, "aws:principaltype": "AssumedRole",
			"aws:userid": "AROAEXAMPLEEXAMPLE:s", "aws:principaltag/team": "Blue", "aws:federatedprovider": provider,
		}},
		"the root": {testRoot(home), map[string]string{
			"aws:principalarn": "arn:aws:iam::123456789012:root", "aws:principalaccount": home, "aws:principaltype": "Account",
			"aws:userid": home, "aws:principaltag/team": "Blue",
		}},
		"a web identity has neither ARN nor tags": {web, map[string]string{
			"aws:principalaccount": home, "aws:principaltype": "User", "aws:userid": provider,
		}},
		"an anonymous caller": {&Principal{Type: Anonymous}, map[string]string{
			"aws:principalaccount": "anonymous", "aws:principaltype": "Anonymous", "aws:userid": "anonymous",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := Context{}
			for key, value := range c.want {
				want.Set(key, value)
			}
			got := Context{}
			c.who.AddTo(got, map[string]string{"Team": "Blue"})
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(Value{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTagsThatDifferInCaseAreAlwaysTheSameOne(t *testing.T) {
	t.Parallel()
	for range 50 {
		ctx := Context{}
		testSession(home).AddTo(ctx, map[string]string{"team": "lower", "Team": "title", "TEAM": "upper"})
		if v, _ := ctx.lookup("aws:principaltag/team"); v.single != "lower" {
			t.Fatalf("the tag is %q", v.Strings())
		}
	}
}
