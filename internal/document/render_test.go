package document

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRemoveStatementsKeepsTheRestByteForByte(t *testing.T) {
	t.Parallel()

	const a, b, c = `{ "Sid":"a" }`, `{"Sid":"b","Effect":"Allow"}`, `{"Effect":"Deny"}`
	const policy = "{\n  \"Statement\": [\n    " + a + ",\n    " + b + " ,\n    " + c + "\n  ],\n  \"Version\": \"2012-10-17\"\n}\n"
	tests := map[string]struct {
		policy  string
		drop    func(index int, sid string) bool
		want    string
		removed int
	}{
		"none":                           {policy, func(int, string) bool { return false }, policy, 0},
		"the first":                      {policy, func(index int, _ string) bool { return index == 0 }, "{\n  \"Statement\": [\n    " + b + " ,\n    " + c + "\n  ],\n  \"Version\": \"2012-10-17\"\n}\n", 1},
		"by Sid":                         {policy, func(_ int, sid string) bool { return sid == "b" }, "{\n  \"Statement\": [\n    " + a + " ,\n    " + c + "\n  ],\n  \"Version\": \"2012-10-17\"\n}\n", 1},
		"the last":                       {policy, func(index int, _ string) bool { return index == 2 }, "{\n  \"Statement\": [\n    " + a + ",\n    " + b + "\n  ],\n  \"Version\": \"2012-10-17\"\n}\n", 1},
		"all":                            {policy, func(int, string) bool { return true }, "", 3},
		"the only one, which is no list": {`{"Statement":` + a + `}`, func(int, string) bool { return true }, "", 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rest, removed, err := RemoveStatements([]byte(test.policy), test.drop)
			if err != nil || removed != test.removed {
				t.Errorf("removed = %d, %v, want %d", removed, err, test.removed)
			}
			if diff := cmp.Diff(test.want, string(rest)); diff != "" {
				t.Errorf("the rest (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRemoveStatementsRefusesWhatItCannotRead(t *testing.T) {
	t.Parallel()

	if _, _, err := RemoveStatements([]byte(`{"Statement":[{"X":1}]}`), func(int, string) bool { return true }); err == nil {
		t.Error("a policy with an unknown element was rewritten")
	}
}
