package strictjson_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/litentry/wallet-federation/internal/strictjson"
)

type sample struct {
	Name  string   `json:"name"`
	Count int      `json:"count"`
	Inner inner    `json:"inner"`
	List  []inner  `json:"list"`
	Words []string `json:"words"`
}

type inner struct {
	Deep string `json:"deep"`
}

func TestUnmarshalTakes(t *testing.T) {
	t.Parallel()
	var got sample
	if err := strictjson.Unmarshal([]byte(" {\"name\":\"\u00e9\",\"count\":2,\"list\":[{\"deep\":\"d\"}],\"words\":[\"a\",\"a\"]}\n"), &got); err != nil {
		t.Fatal(err)
	}
	want := sample{Name: "\u00e9", Count: 2, List: []inner{{Deep: "d"}}, Words: []string{"a", "a"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestUnmarshalRefuses(t *testing.T) {
	t.Parallel()
	for name, data := range map[string]string{
		"nothing":                         "",
		"an unknown member":               `{"other":1}`,
		"an unknown member further down":  `{"list":[{"deep":"d","deeper":"e"}]}`,
		"a member in another case":        `{"Name":"a"}`,
		"a member twice":                  `{"name":"a","name":"a"}`,
		"a member twice, once escaped":    `{"name":"a","n\u0061me":"b"}`,
		"a member twice further down":     `{"inner":{"deep":"a","deep":"b"}}`,
		"a second value":                  `{"name":"a"} {"name":"b"}`,
		"a stray bracket":                 `{"name":"a"}}`,
		"a trailing comma":                `{"name":"a",}`,
		"a comment":                       `{"name":"a" /* b */}`,
		"invalid UTF-8":                   "{\"name\":\"\xff\"}",
		"a byte order mark":               "\ufeff{}",
		"a fraction for a whole number":   `{"count":1.5}`,
		"a string for a number":           `{"count":"1"}`,
		"a number beyond its type":        `{"count":1e400}`,
		"a number for a string":           `{"name":1}`,
		"an object cut short":             `{"name":"a"`,
		"a control character in a string": "{\"name\":\"a\nb\"}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got sample
			if err := strictjson.Unmarshal([]byte(data), &got); err == nil {
				t.Errorf("it was taken: %+v", got)
			}
		})
	}
}
