package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func testStatements(t *testing.T) []Statement {
	t.Helper()
	statements, err := testFederation().BucketStatements(testBucket())
	if err != nil {
		t.Fatal(err)
	}
	return statements
}

// ours is a policy of our statements and of the given raw ones before and after.
func ours(t *testing.T, before, after string) string {
	t.Helper()
	var raws []string
	for _, statement := range testStatements(t) {
		raw, err := marshal(statement)
		if err != nil {
			t.Fatal(err)
		}
		raws = append(raws, string(raw))
	}
	return `{"Version":"2012-10-17","Statement":[` + before + strings.Join(raws, ",") + after + `]}`
}

const foreign = `{ "Sid" : "Théirs", "Effect":"Allow","Principal":{"AWS":["arn:aws:iam::999988887777:root"]},"Action":["s3:GetObject"],"Resource":"arn:aws:s3:::agentkeys-vault/public/<a>&b/*" }`

func TestMerge(t *testing.T) {
	t.Parallel()

	sid := string(testFederation().SidPrefix())
	first, err := marshal(testStatements(t)[0])
	if err != nil {
		t.Fatal(err)
	}
	full := ours(t, "", "")
	inner := strings.TrimSuffix(strings.TrimPrefix(full, `{"Version":"2012-10-17","Statement":[`), "]}")
	stale := `{"Sid":"` + sid + `AllowEverything","Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::agentkeys-vault/*"}`
	broadened := strings.Replace(full, `"StringNotLike":{"s3:prefix"`, `"StringNotLikeIfExists":{"s3:prefix"`, 1)

	tests := map[string]struct {
		current string
		remove  bool
		want    string // empty: nothing is left
		changed bool
	}{
		"a bucket without a policy":                        {current: "", want: full, changed: true},
		"a policy of others alone, written over lines":     {current: "{\n \"Id\": \"x\",\n \"Version\": \"2012-10-17\",\n \"Statement\": [\n  " + foreign + "\n ]\n}\n", want: "{\n \"Id\": \"x\",\n \"Version\": \"2012-10-17\",\n \"Statement\": [\n  " + foreign + "," + inner + "\n ]\n}\n", changed: true},
		"a single statement that is no list":               {current: `{"Statement":` + foreign + `,"Version":"2012-10-17"}`, want: `{"Statement":[` + foreign + `,` + inner + `],"Version":"2012-10-17"}`, changed: true},
		"an empty list":                                    {current: `{"Version":"2012-10-17","Statement":[]}`, want: full, changed: true},
		"a settled policy":                                 {current: full, want: full},
		"a settled policy between others":                  {current: ours(t, foreign+" ,\n", ","+foreign), want: ours(t, foreign+" ,\n", ","+foreign)},
		"a stale statement of ours":                        {current: ours(t, stale+", ", ","+foreign), want: strings.Replace(ours(t, "", ","+foreign), "[{", "[ {", 1), changed: true},
		"a statement of ours that is there twice":          {current: ours(t, "", ","+string(first)), want: full, changed: true},
		"a statement of ours that was weakened":            {current: broadened, want: full, changed: true},
		"a statement of ours that cannot be understood":    {current: strings.Replace(full, `"Action":"s3:ListBucket"`, `"Action":{"s3:ListBucket":1}`, 1), want: full, changed: true},
		"a policy without a version":                       {current: `{"Statement":[` + foreign + `]}`, want: `{"Version":"2012-10-17","Statement":[` + foreign + `,` + inner + `]}`, changed: true},
		"a policy of the old version":                      {current: `{"Statement":[` + foreign + `], "Version" : "2008-10-17"}`, want: `{"Statement":[` + foreign + `,` + inner + `], "Version" : "2012-10-17"}`, changed: true},
		"our statements whose version somebody lowered":    {current: strings.Replace(full, "2012-10-17", "2008-10-17", 1), want: full, changed: true},
		"removal from no policy":                           {current: "", remove: true, want: ""},
		"removal of all there is":                          {current: full, remove: true, want: "", changed: true},
		"removal from among others":                        {current: ours(t, foreign+",", "\n,"+foreign), remove: true, want: `{"Version":"2012-10-17","Statement":[` + foreign + "\n," + foreign + `]}`, changed: true},
		"removal where nothing of ours is":                 {current: `{"Statement": ` + foreign + `}`, remove: true, want: `{"Statement": ` + foreign + `}`},
		"removal from a policy of the old version":         {current: `{"Version":"2008-10-17","Statement":[` + foreign + `,` + string(first) + `]}`, remove: true, want: `{"Version":"2008-10-17","Statement":[` + foreign + `]}`, changed: true},
		"removal leaves a statement that took a Sid of us": {current: `{"Version":"2012-10-17","Statement":[` + squatter(sid) + `,` + string(first) + `]}`, remove: true, want: `{"Version":"2012-10-17","Statement":[` + squatter(sid) + `]}`, changed: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			desired := testStatements(t)
			if test.remove {
				desired = nil
			}
			merged, changed, err := MergeBucketPolicy([]byte(test.current), testFederation().SidPrefix(), desired)
			if err != nil {
				t.Fatal(err)
			}
			if changed != test.changed {
				t.Errorf("changed = %v, want %v", changed, test.changed)
			}
			if diff := cmp.Diff(test.want, string(merged)); diff != "" {
				t.Errorf("merged policy (-want +got):\n%s", diff)
			}
		})
	}
}

func squatter(sidPrefix string) string {
	return `{"Sid":"` + sidPrefix + `AllowRead","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/somebody-else"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::agentkeys-vault/*"}`
}

func TestPoliciesThatMayNotBeRewrittenAreRefusedWithThePlace(t *testing.T) {
	t.Parallel()

	sid := string(testFederation().SidPrefix())
	literal := `{"Sid":"Theirs","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::agentkeys-vault/\u0024{name}/*"}`
	tests := map[string]struct{ current, where, reason string }{
		"text that is not JSON":                       {`{"Statement":[}`, "byte 15", "not JSON"},
		"two documents":                               {`{"Statement":[]}{}`, "byte 17", "not JSON"},
		"bytes that are not UTF-8":                    {"{\"Statement\":[],\"Id\":\"\xff\"}", "document", "UTF-8"},
		"a list":                                      {`[]`, "document", "not a JSON object"},
		"a policy without statements":                 {`{"Version":"2012-10-17"}`, "document", "no Statement"},
		"a top-level element that is unknown":         {`{"Statement":[],"Comment":"x"}`, "document", `"Comment" is not known`},
		"an element in another case":                  {`{"statement":[]}`, "document", `"statement" is not known`},
		"a top-level element that is there twice":     {`{"Statement":[],"Statement":[]}`, "document", `"Statement" is there twice`},
		"a version of the future":                     {`{"Version":"2030-01-01","Statement":[]}`, "Version", "only versions"},
		"a statement that is a string":                {`{"Statement":["x"]}`, "Statement[0]", "not a JSON object"},
		"statements that are null":                    {`{"Statement":null}`, "Statement", "not a JSON object"},
		"a statement's element that is unknown":       {`{"Statement":[` + foreign + `,{"Effect":"Deny","Reason":"x"}]}`, "Statement[1]", `"Reason" is not known`},
		"a statement's element that is there twice":   {`{"Statement":[{"Effect":"Deny","Effect":"Allow"}]}`, "Statement[0]", `"Effect" is there twice`},
		"a Sid that is a number":                      {`{"Statement":[{"Sid":7}]}`, "Statement[0].Sid", "not a string"},
		"a Sid that is null":                          {`{"Statement":[{"Sid":null}]}`, "Statement[0].Sid", "not a string"},
		"a literal that a newer version would expand": {`{"Statement":[` + literal + `]}`, "Statement[0]", "2008-10-17"},
		"somebody else under a Sid of ours":           {`{"Version":"2012-10-17","Statement":[` + squatter(sid) + `]}`, "Statement[0]", sid + "AllowRead"},
		"more than any policy has":                    {strings.Repeat(" ", maxCurrent) + `{"Statement":[]}`, "document", "bytes"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			merged, changed, err := MergeBucketPolicy([]byte(test.current), testFederation().SidPrefix(), testStatements(t))
			if merged != nil || changed {
				t.Errorf("merged = %q, changed = %v with an error", merged, changed)
			}
			refused, ok := errors.AsType[*RefusedError](err)
			if !ok {
				t.Fatalf("error = %v, want a RefusedError", err)
			}
			if refused.Where != test.where || !strings.Contains(refused.Reason, test.reason) {
				t.Errorf("refused at %q: %q, want %q: %q", refused.Where, refused.Reason, test.where, test.reason)
			}
		})
	}
}

func TestMergeOverTheLimitIsRefusedWithTheFigure(t *testing.T) {
	t.Parallel()

	statement := func(size int) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"` + strings.Repeat("x", size) + `"}]}`
	}
	desired := testStatements(t)
	_, _, err := MergeBucketPolicy([]byte(statement(20000)), testFederation().SidPrefix(), desired)
	if !errors.Is(err, ErrTooLarge) || !strings.Contains(err.Error(), "limit of 20480") {
		t.Errorf("error = %v, want ErrTooLarge with the figures", err)
	}
	spaced := strings.ReplaceAll(statement(10000), `,"`, strings.Repeat(" ", 5000)+`,"`)
	if _, _, err := MergeBucketPolicy([]byte(spaced), testFederation().SidPrefix(), desired); err != nil {
		t.Errorf("a policy that is large only for its spaces was refused: %v", err)
	}
}

func TestDesiredStatementsThatWouldNotBeFoundAgainAreRefused(t *testing.T) {
	t.Parallel()

	desired := testStatements(t)
	for name, bad := range map[string][]Statement{
		"a Sid of somebody else": {{Sid: "Mine", Effect: effectDeny, Principal: Principal{Everyone: true}}},
		"a Sid that is twice":    {desired[0], desired[0]},
	} {
		if _, _, err := MergeBucketPolicy([]byte(ours(t, "", "")), testFederation().SidPrefix(), bad); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

// TestMergeKeepsWhatOthersWrote merges into policies of random statements, ours
// among them in random states, and then lets a second federation do the same.
func TestMergeKeepsWhatOthersWrote(t *testing.T) {
	t.Parallel()

	second := testFederation()
	second.RoleARN = "arn:aws:iam::123456789012:role/second"
	secondStatements, err := second.BucketStatements(Bucket{Name: "agentkeys-vault", Prefix: "people/", Access: []Access{AccessList}})
	if err != nil {
		t.Fatal(err)
	}
	desired := testStatements(t)
	for seed := range uint64(120) {
		random := rand.New(rand.NewPCG(seed, 7))
		current := randomPolicy(t, random, append(slices.Clone(desired), secondStatements...))
		others := foreignStatements(t, current)

		merged := settle(t, current, testFederation().SidPrefix(), desired)
		merged = settle(t, merged, second.SidPrefix(), secondStatements)
		if again, changed, err := MergeBucketPolicy(merged, testFederation().SidPrefix(), desired); err != nil || changed {
			t.Fatalf("seed %d: the second federation undid the first: changed = %v, err = %v\n%s", seed, changed, err, again)
		}
		if diff := cmp.Diff(others, foreignStatements(t, merged)); diff != "" {
			t.Fatalf("seed %d: statements of others (-before +after):\n%s", seed, diff)
		}

		rest := settle(t, settle(t, merged, testFederation().SidPrefix(), nil), second.SidPrefix(), nil)
		if diff := cmp.Diff(others, foreignStatements(t, rest)); diff != "" {
			t.Fatalf("seed %d: statements of others after removal (-before +after):\n%s", seed, diff)
		}
		if len(others) == 0 && rest != nil {
			t.Fatalf("seed %d: %s is left, want no policy", seed, rest)
		}
	}
}

// settle merges, and fails unless merging again changes nothing and
// [Differences] agrees.
func settle(t *testing.T, current []byte, owner SidPrefix, desired []Statement) []byte {
	t.Helper()
	before, err := Differences(current, owner, desired)
	if err != nil {
		t.Fatalf("telling differences of %s: %v", current, err)
	}
	merged, changed, err := MergeBucketPolicy(current, owner, desired)
	if err != nil {
		t.Fatalf("merging into %s: %v", current, err)
	}
	if changed != (len(before) > 0) {
		t.Fatalf("changed = %v, and the differences are %q\n%s", changed, before, current)
	}
	again, changed, err := MergeBucketPolicy(merged, owner, desired)
	if err != nil || changed || !bytes.Equal(again, merged) {
		t.Fatalf("a merged policy is not settled: changed = %v, err = %v\n%s", changed, err, again)
	}
	if after, err := Differences(merged, owner, desired); err != nil || len(after) > 0 {
		t.Fatalf("differences after the merge: %q, %v", after, err)
	}
	return merged
}

// foreignStatements are the raw statements of a policy that no federation owns.
func foreignStatements(t *testing.T, policy []byte) []string {
	t.Helper()
	if policy == nil {
		return nil
	}
	var document struct{ Statement json.RawMessage }
	if err := json.Unmarshal(policy, &document); err != nil {
		t.Fatalf("reading %s: %v", policy, err)
	}
	var raws []json.RawMessage
	if err := json.Unmarshal(document.Statement, &raws); err != nil {
		raws = []json.RawMessage{document.Statement}
	}
	var others []string
	for _, raw := range raws {
		var statement struct{ Sid string }
		if err := json.Unmarshal(raw, &statement); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(statement.Sid, "WalletFederation") {
			others = append(others, string(raw))
		}
	}
	return others
}

func randomPolicy(t *testing.T, random *rand.Rand, owned []Statement) []byte {
	t.Helper()
	space := func() string { return []string{"", " ", "\n\t"}[random.IntN(3)] }
	var raws []string
	for i := range random.IntN(5) {
		raws = append(raws, fmt.Sprintf(`{%s"Sid":%s"Theirs%d","Effect":"Deny","Principal":"*","Action":["s3:Get*",%s"s3:x%d"],"Resource":"é\u00e9<&"%s}`,
			space(), space(), i, space(), random.IntN(100), space()))
	}
	for _, statement := range owned {
		if random.IntN(3) == 0 {
			raws = append(raws, randomVariant(t, random, statement))
		}
	}
	random.Shuffle(len(raws), func(i, j int) { raws[i], raws[j] = raws[j], raws[i] })
	statements := `[` + space() + strings.Join(raws, space()+","+space()) + space() + `]`
	if len(raws) == 1 && random.IntN(2) == 0 {
		statements = raws[0]
	}
	members := []string{`"Statement":` + space() + statements}
	switch random.IntN(4) {
	case 0:
	case 1:
		members = append(members, `"Version":"2008-10-17"`)
	default:
		members = append(members, `"Version":"2012-10-17"`)
	}
	if random.IntN(2) == 0 {
		members = append(members, `"Id": "somebody's"`)
	}
	random.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	return []byte(space() + `{` + space() + strings.Join(members, space()+",") + space() + `}` + space())
}

// randomVariant is a statement of ours as somebody may have left it.
func randomVariant(t *testing.T, random *rand.Rand, statement Statement) string {
	t.Helper()
	switch random.IntN(4) {
	case 0:
		statement.Condition = nil
	case 1:
		statement.Effect = effectAllow
	case 2:
		statement.Sid += "Stale"
	}
	raw, err := marshal(statement)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func FuzzMergeNeverLosesStatements(f *testing.F) {
	f.Add([]byte(`{"Statement":[` + foreign + `]}`))
	f.Add([]byte(`{"Version":"2012-10-17","Id":"x","Statement":{"Effect":"Deny"}}`))
	f.Fuzz(func(t *testing.T, current []byte) {
		merged, _, err := MergeBucketPolicy(current, testFederation().SidPrefix(), testStatements(t))
		if err != nil {
			return
		}
		if !json.Valid(merged) {
			t.Fatalf("merged policy is not JSON: %s", merged)
		}
		if len(bytes.TrimSpace(current)) == 0 {
			return
		}
		if diff := cmp.Diff(foreignStatements(t, current), foreignStatements(t, merged)); diff != "" {
			t.Fatalf("statements of others (-before +after):\n%s", diff)
		}
	})
}
