package document

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestStatementsAboutPrincipalsThatAreGoneAreNamed(t *testing.T) {
	t.Parallel()

	const role, user = "AROAEXAMPLEEXAMPLE123", "AIDAEXAMPLEEXAMPLE123"
	allow := func(sid, principal string) string {
		return `{` + sid + `"Effect":"Allow","Principal":` + principal + `,"Action":"s3:GetObject","Resource":"arn:aws:s3:::agentkeys-vault/*"}`
	}
	settled := ours(t, "", "")
	roleGone := strings.ReplaceAll(settled, `"AWS":"`+testFederation().RoleARN+`"`, `"AWS":"`+role+`"`)
	tests := map[string]struct {
		policy string
		want   []string
	}{
		"no policy":              {"", nil},
		"ours alone":             {settled, nil},
		"ours, of a role gone":   {roleGone, nil},
		"everybody is somebody":  {`{"Statement":` + allow("", `"*"`) + `}`, nil},
		"a role that is gone":    {`{"Statement":` + allow(`"Sid":"Old",`, `{"AWS":"`+role+`"}`) + `}`, []string{`Statement (Sid "Old") names ` + role}},
		"a user among others":    {ours(t, "", ","+allow("", `{"AWS":["arn:aws:iam::999988887777:root","`+user+`"]}`)), []string{`Statement[10] (Sid "none") names ` + user}},
		"an id in the condition": {`{"Statement":{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"StringLike":{"aws:userid":"` + role + `"}}}}`, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Dangling([]byte(test.policy), testFederation().SidPrefix())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("dangling (-want +got):\n%s", diff)
			}
		})
	}
	if _, err := Dangling([]byte("{"), testFederation().SidPrefix()); err == nil {
		t.Error("a policy that cannot be read has no answer")
	}
}

func TestASquatterIsToldApart(t *testing.T) {
	t.Parallel()

	owner := testFederation().SidPrefix()
	_, _, err := MergeBucketPolicy([]byte(`{"Version":"2012-10-17","Statement":`+squatter(string(owner))+`}`), owner, testStatements(t))
	if !errors.Is(err, ErrSidTaken) {
		t.Errorf("error = %v, want ErrSidTaken", err)
	}
	_, _, err = MergeBucketPolicy([]byte(`{"Version":"2012-10-17","Statement":{"Efect":"Allow"}}`), owner, testStatements(t))
	if _, refused := errors.AsType[*RefusedError](err); !refused || errors.Is(err, ErrSidTaken) {
		t.Errorf("error = %v, want a refusal of another kind", err)
	}
}
