package localaws_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/google/go-cmp/cmp"
)

func TestCallerIdentity(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin, err := w.sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{adminARN, account}, []string{*admin.Arn, *admin.Account}); diff != "" {
		t.Errorf("administrator (-want +got):\n%s", diff)
	}
	role := w.role(t, "reader", trustOf(rootARN))
	session, err := sts.NewFromConfig(w.as(w.assume(t, role))).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil {
		t.Fatal(err)
	}
	if want := "arn:aws:sts::" + account + ":assumed-role/reader/session"; *session.Arn != want {
		t.Errorf("session is %s, want %s", *session.Arn, want)
	}
	if !strings.HasPrefix(*session.UserId, "AROA") || !strings.HasSuffix(*session.UserId, ":session") {
		t.Errorf("user id %s is not the role's id and the session's name", *session.UserId)
	}
}

func TestWhoMayAssumeARole(t *testing.T) {
	t.Parallel()
	const mayAssume = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:*","Resource":"*"}]}`
	const mayNot = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"sts:AssumeRole","Resource":"*"}]}`
	caller := "arn:aws:iam::" + account + ":role/caller"
	tests := map[string]struct {
		permissions string // of the calling role
		trust       string // of the called role
		code        string
	}{
		"trusted by name":                          {"", trustOf(caller), ""},
		"trusted by name, denied to itself":        {mayNot, trustOf(caller), "AccessDenied"},
		"account trusted, permitted":               {mayAssume, trustOf(rootARN), ""},
		"account trusted, not permitted":           {"", trustOf(rootARN), "AccessDenied"},
		"another trusted, permitted":               {mayAssume, trustOf(adminARN), "AccessDenied"},
		"another account trusted":                  {mayAssume, trustOf("999999999999"), "AccessDenied"},
		"trusted by name, the trust policy denies": {mayAssume, denyTrust(caller), "AccessDenied"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			from := w.role(t, "caller", trustOf(rootARN))
			if test.permissions != "" {
				w.allow(t, "caller", test.permissions)
			}
			to := w.role(t, "called", test.trust)
			_, err := sts.NewFromConfig(w.as(w.assume(t, from))).AssumeRole(t.Context(), &sts.AssumeRoleInput{
				RoleArn: &to, RoleSessionName: aws.String("next"),
			})
			wantCode(t, err, test.code)
		})
	}
}

func denyTrust(principal string) string {
	allow := trustOf(principal)
	deny := strings.Replace(strings.TrimSuffix(strings.TrimPrefix(allow, `{"Version":"2012-10-17","Statement":[`), `]}`), "Allow", "Deny", 1)
	return strings.Replace(allow, `]}]}`, `]},`+deny+`]}`, 1)
}

// TestDeletedRoleIsAnotherPrincipal holds unique ids to their purpose: the role
// that is created again under the same name has none of the old one's rights.
func TestDeletedRoleIsAnotherPrincipal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	caller := w.role(t, "caller", trustOf(rootARN))
	called := w.role(t, "called", trustOf(caller))
	if _, err := w.iam.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: aws.String("caller")}); err != nil {
		t.Fatal(err)
	}
	trust := func() string { return w.trustPolicy(t, "called") }
	if !strings.Contains(trust(), `"AROA`) {
		t.Errorf("the trust policy does not show the deleted role by its id: %s", trust())
	}
	w.role(t, "caller", trustOf(rootARN))
	w.allow(t, "caller", allowAll)
	if !strings.Contains(trust(), `"AROA`) {
		t.Errorf("the trust policy takes the new role for the old one: %s", trust())
	}
	in := &sts.AssumeRoleInput{RoleArn: &called, RoleSessionName: aws.String("next")}
	_, err := sts.NewFromConfig(w.as(w.assume(t, caller))).AssumeRole(t.Context(), in)
	wantCode(t, err, "AccessDenied")
}

func TestRoleChaining(t *testing.T) {
	t.Parallel()
	in := func(role string, change func(*sts.AssumeRoleInput)) *sts.AssumeRoleInput {
		in := &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("chained")}
		change(in)
		return in
	}
	tests := map[string]struct {
		trust  string // of the second role
		change func(*sts.AssumeRoleInput)
		code   string
	}{
		"transitive tags are handed down":    {trustOf(rootARN), func(*sts.AssumeRoleInput) {}, ""},
		"inherited tags need a permission":   {strings.Replace(trustOf(rootARN), `,"sts:TagSession"`, "", 1), func(*sts.AssumeRoleInput) {}, "AccessDenied"},
		"more than an hour":                  {trustOf(rootARN), func(in *sts.AssumeRoleInput) { in.DurationSeconds = aws.Int32(3601) }, "ValidationError"},
		"a transitive tag cannot be changed": {trustOf(rootARN), func(in *sts.AssumeRoleInput) { in.Tags = []ststypes.Tag{stsTag("WALLET", "0xbb")} }, "InvalidParameterValue"},
		"an identity cannot be changed":      {trustOf(rootARN), func(in *sts.AssumeRoleInput) { in.SourceIdentity = aws.String("mallory") }, "AccessDenied"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			first := w.role(t, "first", trustOf(rootARN))
			w.allow(t, "first", allowAll)
			second := w.role(t, "second", test.trust)
			// Only the wallet named in the tag may read roles.
			w.allow(t, "second", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:*","Resource":"*",`+
				`"Condition":{"StringEquals":{"aws:PrincipalTag/wallet":"0xaa"},"Null":{"aws:PrincipalTag/team":"true"}}}]}`)
			out, err := w.sts.AssumeRole(t.Context(), &sts.AssumeRoleInput{
				RoleArn: &first, RoleSessionName: aws.String("session"), SourceIdentity: aws.String("alice"),
				Tags: []ststypes.Tag{stsTag("wallet", "0xaa"), stsTag("team", "x")}, TransitiveTagKeys: []string{"wallet"},
			})
			if err != nil {
				t.Fatal(err)
			}
			chained, err := sts.NewFromConfig(w.as(out.Credentials)).AssumeRole(t.Context(), in(second, test.change))
			wantCode(t, err, test.code)
			if err != nil {
				return
			}
			if got := aws.ToString(chained.SourceIdentity); got != "alice" {
				t.Errorf("source identity is %q, want alice", got)
			}
			_, err = iam.NewFromConfig(w.as(chained.Credentials)).ListRoles(t.Context(), &iam.ListRolesInput{})
			wantCode(t, err, "")
		})
	}
}

func TestExternalID(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	trust := strings.Replace(trustOf(rootARN), `"Effect"`, `"Condition":{"StringEquals":{"sts:ExternalId":"secret"}},"Effect"`, 1)
	role := w.role(t, "called", trust)
	for id, code := range map[string]string{"secret": "", "guess": "AccessDenied"} {
		_, err := w.sts.AssumeRole(t.Context(), &sts.AssumeRoleInput{
			RoleArn: &role, RoleSessionName: aws.String("session"), ExternalId: &id,
		})
		wantCode(t, err, code)
	}
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	session := w.as(w.assume(t, w.role(t, "reader", trustOf(rootARN))))
	identify := func(after time.Duration) error {
		w.elapsed.Store(int64(after))
		client := sts.NewFromConfig(session, func(o *sts.Options) { o.HTTPSignerV4 = signerAt(w.now.Add(after)) })
		_, err := client.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
		return err
	}
	wantCode(t, identify(time.Hour-time.Second), "")
	wantCode(t, identify(time.Hour), "ExpiredToken")
}

// TestPermissionsToTagAndToNameTheSource asks of both sides, as far as AWS does:
// a role that trusts the account leaves the rest to the caller's own policies.
func TestPermissionsToTagAndToNameTheSource(t *testing.T) {
	t.Parallel()
	const assume, tag, name = `"sts:AssumeRole"`, `"sts:TagSession"`, `"sts:SetSourceIdentity"`
	document := func(principal string, actions ...string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` + principal + `"Action":[` + strings.Join(actions, ",") + `]}]}`
	}
	account := func(actions ...string) string { return document(`"Principal":{"AWS":"`+rootARN+`"},`, actions...) }
	caller := func(actions ...string) string { return document(`"Resource":"*",`, actions...) }
	tagged := func(in *sts.AssumeRoleInput) { in.Tags = []ststypes.Tag{stsTag("wallet", "0xaa")} }
	named := func(in *sts.AssumeRoleInput) { in.SourceIdentity = aws.String("alice") }
	tests := map[string]struct {
		trust, permissions string
		change             func(*sts.AssumeRoleInput)
		denied             string
	}{
		"neither is asked for":             {account(assume), caller(assume), func(*sts.AssumeRoleInput) {}, ""},
		"tags":                             {account(assume, tag), caller(assume, tag), tagged, ""},
		"tags that the role does not take": {account(assume), caller(assume, tag), tagged, "sts:TagSession"},
		"tags that the caller may not set": {account(assume, tag), caller(assume), tagged, "sts:TagSession"},
		"source":                           {account(assume, name), caller(assume, name), named, ""},
		"source that the role rejects":     {account(assume), caller(assume, name), named, "sts:SetSourceIdentity"},
		"source that the caller may not":   {account(assume, name), caller(assume), named, "sts:SetSourceIdentity"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			from := w.role(t, "caller", trustOf(rootARN))
			w.allow(t, "caller", test.permissions)
			to := w.role(t, "called", test.trust)
			in := &sts.AssumeRoleInput{RoleArn: &to, RoleSessionName: aws.String("next")}
			test.change(in)
			_, err := sts.NewFromConfig(w.as(w.assume(t, from))).AssumeRole(t.Context(), in)
			if test.denied == "" {
				wantCode(t, err, "")
				return
			}
			wantRefusal(t, err, "AccessDenied", "is not authorized to perform: "+test.denied+" on resource: "+to)
		})
	}
}

// TestTagsOfAToken goes three roles down: a transitive tag comes along and stays
// what the token said, and another does not.
func TestTagsOfAToken(t *testing.T) {
	t.Parallel()
	f := newFederation(t)
	f.allow(t, "wallets", allowAll)
	out, err := f.buy(t, map[string]any{"https://aws.amazon.com/tags": map[string]any{
		"principal_tags": map[string]any{"wallet": []string{wallet}, "team": []string{"x"}}, "transitive_tag_keys": []string{"wallet"},
	}})
	wantCode(t, err, "")
	session := out.Credentials
	for _, name := range []string{"second", "third"} {
		role := f.world.role(t, name, trustOf(rootARN))
		f.allow(t, name, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*",`+
			`"Condition":{"StringEquals":{"aws:PrincipalTag/wallet":"`+wallet+`"},"Null":{"aws:PrincipalTag/team":"true"}}}]}`)
		client := sts.NewFromConfig(f.as(session))
		in := &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("chained"), Tags: []ststypes.Tag{stsTag("Wallet", "0xbb")}}
		_, err := client.AssumeRole(t.Context(), in)
		wantRefusal(t, err, "InvalidParameterValue", "conflicts with a transitive tag key from the calling session")
		in.Tags, in.DurationSeconds = nil, aws.Int32(3601)
		_, err = client.AssumeRole(t.Context(), in)
		wantRefusal(t, err, "ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
		in.DurationSeconds = nil
		chained, err := client.AssumeRole(t.Context(), in)
		wantCode(t, err, "")
		session = chained.Credentials
		if !f.mayListRoles(t, session) {
			t.Errorf("the session of role %s does not carry the token's tag alone", name)
		}
	}
}

func TestSessionTagsOfAssumeRole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	role := w.role(t, "called", trustOf(rootARN))
	tests := map[string]struct {
		tags          []ststypes.Tag
		transitive    []string
		code, message string
	}{
		"one":                        {[]ststypes.Tag{stsTag("k", "v")}, []string{"K"}, "", ""},
		"transitive key untagged":    {nil, []string{"k"}, "InvalidParameterValue", "The specified transitive tag key must be included in the requested tags."},
		"keys that differ by case":   {[]ststypes.Tag{stsTag("k", "v"), stsTag("K", "v")}, nil, "InvalidParameterValue", "Duplicate tag keys found. Please note that Tag keys are case insensitive."},
		"wildcard":                   {[]ststypes.Tag{stsTag("k", "*")}, nil, "ValidationError", "Value '*' at 'tags.1.member.value' failed to satisfy constraint"},
		"reserved key":               {[]ststypes.Tag{stsTag("AWS:k", "v")}, nil, "InvalidParameterValue", "reserved"},
		"51 tags":                    {slices.Repeat([]ststypes.Tag{stsTag("k", "v")}, 51), nil, "ValidationError", "less than or equal to 50"},
		"51 transitive keys":         {[]ststypes.Tag{stsTag("k", "v")}, slices.Repeat([]string{"k"}, 51), "ValidationError", "'transitiveTagKeys' failed to satisfy constraint: Member must have length less than or equal to 50"},
		"transitive key of no chars": {[]ststypes.Tag{stsTag("k", "v")}, []string{""}, "ValidationError", "'transitiveTagKeys.1.member' failed"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := w.sts.AssumeRole(t.Context(), &sts.AssumeRoleInput{
				RoleArn: &role, RoleSessionName: aws.String("session"), Tags: test.tags, TransitiveTagKeys: test.transitive,
			})
			wantRefusal(t, err, test.code, test.message)
			if err == nil && out.PackedPolicySize == nil { //nolint:staticcheck // it tells that tags were packed
				t.Error("the answer does not tell how full the session is")
			}
		})
	}
}
