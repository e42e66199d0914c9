package document

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDifferencesNameWhatWasStripped(t *testing.T) {
	t.Parallel()

	sid := string(testFederation().SidPrefix())
	full := ours(t, foreign+",", "")
	guard, err := marshal(testStatements(t)[5])
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		current string
		remove  bool
		want    []string
	}{
		"nothing":               {current: full},
		"a statement of others": {current: ours(t, "", ","+foreign)},
		"the guard was stripped": {
			current: strings.Replace(full, ","+string(guard), "", 1),
			want:    []string{"statement " + sid + "DenyForeignObjects is missing"},
		},
		"the guard was weakened": {
			current: strings.Replace(full, string(guard), strings.Replace(string(guard), `"s3:*"`, `"s3:GetObject"`, 1), 1),
			want:    []string{"statement " + sid + "DenyForeignObjects was changed: Action"},
		},
		"the guard was made an allow for all": {
			current: strings.Replace(full, string(guard), `{"Sid":"`+sid+`DenyForeignObjects","Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::agentkeys-vault/*"}`, 1),
			want:    []string{"statement " + sid + "DenyForeignObjects was changed: Effect, Resource, NotResource, Condition"},
		},
		"a statement of ours that we never wrote": {
			current: strings.Replace(full, sid+"AllowList", sid+"AllowLost", 1),
			want:    []string{`statement "` + sid + `AllowLost" is not wanted`, "statement " + sid + "AllowList is missing"},
		},
		"the same Sid twice": {
			current: ours(t, string(guard)+",", ""),
			want:    []string{"statement " + sid + "DenyForeignObjects is there twice"},
		},
		"somebody else under our Sid": {
			current: strings.Replace(full, string(guard), strings.Replace(squatter(sid), "AllowRead", "DenyForeignObjects", 1), 1),
			want:    []string{"statement " + sid + "DenyForeignObjects has a Sid of ours and is about another principal", "statement " + sid + "DenyForeignObjects is missing"},
		},
		"a version that has no variables": {
			current: strings.Replace(full, "2012-10-17", "2008-10-17", 1),
			want:    []string{"the policy's version is 2008-10-17, in which variables do not work"},
		},
		"no policy to remove from": {remove: true},
		"left behind after removal": {
			current: `{"Version":"2008-10-17","Statement":[` + string(guard) + `]}`,
			remove:  true,
			want:    []string{`statement "` + sid + `DenyForeignObjects" is not wanted`},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			desired := testStatements(t)
			if test.remove {
				desired = nil
			}
			got, err := Differences([]byte(test.current), testFederation().SidPrefix(), desired)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("differences (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDifferencesOfABucketWithoutAPolicyAreAllStatements(t *testing.T) {
	t.Parallel()

	desired := testStatements(t)
	got, err := Differences(nil, testFederation().SidPrefix(), desired)
	if err != nil || len(got) != len(desired) {
		t.Errorf("%d differences, %v, want one for each of the %d statements", len(got), err, len(desired))
	}
}

func TestTrustDifferencesTellOfEveryStatementThatIsNotOurs(t *testing.T) {
	t.Parallel()

	sid := string(testFederation().SidPrefix())
	policy, err := testFederation().TrustPolicy()
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		current string
		want    []string
	}{
		"ours":             {current: string(policy)},
		"ours with an Id":  {current: strings.Replace(string(policy), "{", `{"Id":"x",`, 1)},
		"no pin to a role": {current: strings.Replace(string(policy), `"Bool":{"sts:RoleAuthorizedByIdp":"true"},`, "", 1), want: []string{"statement " + sid + "AssumeRole was changed: Condition"}},
		"a second principal": {
			current: strings.Replace(string(policy), `"Statement":[`, `"Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"},`, 1),
			want:    []string{`statement "Statement[0]" is not wanted`},
		},
		"the old version": {
			current: strings.Replace(string(policy), "2012-10-17", "2008-10-17", 1),
			want:    []string{"the policy's version is 2008-10-17, in which variables do not work"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := testFederation().TrustDifferences([]byte(test.current))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("differences (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDifferencesRefuseWhatCannotBeRead(t *testing.T) {
	t.Parallel()

	if _, err := Differences([]byte(`{`), testFederation().SidPrefix(), nil); err == nil {
		t.Error("a bucket policy that is no JSON was read")
	}
	if _, err := testFederation().TrustDifferences([]byte(`{`)); err == nil {
		t.Error("a trust policy that is no JSON was read")
	}
}
