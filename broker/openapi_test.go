package broker_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/litentry/wallet-federation/internal/brokerconfig"
)

const openAPIPath = "/openapi.json"

func mustDescribe(t *testing.T) *description {
	t.Helper()
	d, err := described()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestTheDescriptionHasEveryRouteAndNoOther(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	served := map[string][]string{}
	for _, path := range f.server.Paths() {
		for _, method := range []string{
			http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, http.MethodTrace,
		} {
			status := f.send(t, method, path, "").status
			// What is gone is gone by any method, and described for the one that
			// clients used.
			if status != http.StatusMethodNotAllowed && (status != http.StatusGone || method == http.MethodPost) {
				served[path] = append(served[path], method)
			}
		}
	}
	described := mustDescribe(t).operations()
	if diff := cmp.Diff(described, served); diff != "" {
		t.Errorf("(-described +served):\n%s", diff)
	}
}

// refusal is an error code and its status, as one schema of errors has it.
type refusal struct{ schema, code, status string }

// failuresOf returns every failure in the package's source, whether or not a
// test knows how to cause it. Those whose status is computed are left out.
func failuresOf(t *testing.T) map[refusal]bool {
	t.Helper()
	paths, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := map[refusal]bool{}
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		schema := "Error"
		ast.Inspect(file, func(n ast.Node) bool {
			if names, ok := n.(*ast.ValueSpec); ok {
				schema = "Error"
				if strings.HasPrefix(names.Names[0].Name, "oauth") {
					schema = "OAuthError"
				}
			}
			if literal, ok := n.(*ast.CompositeLit); ok && !strings.HasSuffix(path, "_test.go") {
				if r := refusalOf(literal); r.code != "" && r.status != "" {
					found[refusal{schema, r.code, r.status}] = true
				}
			}
			return true
		})
	}
	if !found[refusal{"Error", "sign_in_failed", "Unauthorized"}] {
		t.Fatalf("failures were not found: %v", found)
	}
	return found
}

// refusalOf reads a literal of a failure; of anything else it is empty.
func refusalOf(literal *ast.CompositeLit) refusal {
	var r refusal
	if name, ok := literal.Type.(*ast.Ident); !ok || name.Name != "failure" {
		return r
	}
	for _, element := range literal.Elts {
		member, _ := element.(*ast.KeyValueExpr)
		name, _ := member.Key.(*ast.Ident)
		switch value := member.Value.(type) {
		case *ast.BasicLit:
			if name.Name == "Code" {
				r.code = strings.Trim(value.Value, `"`)
			}
		case *ast.SelectorExpr:
			if status, found := strings.CutPrefix(value.Sel.Name, "Status"); found && name.Name == "Status" {
				r.status = status
			}
		}
	}
	return r
}

// refusals returns those of every response in the document.
func (d *description) refusals() map[refusal]bool {
	found := map[refusal]bool{}
	add := func(status string, names ...string) {
		number, _ := strconv.Atoi(status)
		schema, _ := d.at(append(names, "content", "application/json", "schema")...)
		parts, _ := schema["allOf"].([]any)
		if len(parts) != 2 {
			return
		}
		base, _ := parts[0].(map[string]any)["$ref"].(string)
		properties, _ := parts[1].(map[string]any)["properties"].(map[string]any)
		member, _ := properties["error"].(map[string]any)
		codes, _ := member["enum"].([]any)
		for _, code := range codes {
			text, _ := code.(string)
			found[refusal{path.Base(base), text, strings.NewReplacer(" ", "", "-", "").Replace(http.StatusText(number))}] = true
		}
	}
	for path, methods := range d.operations() {
		for _, method := range methods {
			operation := []string{"paths", path, strings.ToLower(method), "responses"}
			responses, _ := d.at(operation...)
			for status := range responses {
				add(status, append(slices.Clone(operation), status)...)
			}
		}
	}
	add("404", "components", "responses", "NotFound")
	add("405", "components", "responses", "MethodNotAllowed")
	add("405", "components", "responses", "OAuthMethodNotAllowed")
	return found
}

func TestTheDescriptionHasEveryFailureAndNoOther(t *testing.T) {
	t.Parallel()
	described, failures := mustDescribe(t).refusals(), failuresOf(t)
	for failure := range failures {
		if !described[failure] {
			t.Errorf("%v is not described", failure)
		}
	}
	for failure := range described {
		if !failures[failure] && failure.schema == "Error" {
			t.Errorf("%v is described, and nothing answers it", failure)
		}
	}
}

func TestTheDescriptionNamesTheIssuer(t *testing.T) {
	t.Parallel()
	for issuerURL, want := range map[string]struct{ path, origin string }{
		issuer:                          {"", issuer},
		"https://example.org/issuers/a": {"/issuers/a", "https://example.org"},
		"http://127.0.0.1:8080":         {"", "http://127.0.0.1:8080"},
	} {
		f := newFixture(t, func(c *brokerconfig.Config) { c.Issuer = issuerURL })
		got := f.send(t, http.MethodGet, want.path+openAPIPath, "")
		var document struct {
			OpenAPI string
			Servers []struct{ URL string }
			Paths   map[string]struct {
				Servers []struct{ URL string }
			}
		}
		if err := json.Unmarshal([]byte(got.body), &document); err != nil {
			t.Fatal(err)
		}
		if document.OpenAPI != "3.1.0" || document.Servers[0].URL != issuerURL || document.Paths["/readyz"].Servers[0].URL != want.origin {
			t.Errorf("%s: got servers %v, health at %v", issuerURL, document.Servers, document.Paths["/readyz"])
		}
		if strings.Contains(got.body, "invalid/") || strings.Contains(got.body, "issuer.invalid") {
			t.Errorf("%s: a placeholder is left", issuerURL)
		}
		if again := f.send(t, http.MethodGet, want.path+openAPIPath, "", "If-None-Match", got.header.Get("ETag")); again.status != http.StatusNotModified {
			t.Errorf("%s: a client that has it got %d", issuerURL, again.status)
		}
	}
}

// Every answer that the fixture gets in any test is compared with the document.
// This is that the comparison can fail.
func TestAnswersThatAreNotDescribedAreFound(t *testing.T) {
	t.Parallel()
	d := mustDescribe(t)
	asJSON := http.Header{"Content-Type": {"application/json"}}
	unauthorized := http.Header{"Content-Type": {"application/json"}, "Www-Authenticate": {"Bearer"}}
	good := answer{status: 401, header: unauthorized, body: `{"error":"unauthorized","message":"m"}`}
	if err := d.check("POST", mintPath, "", "", good); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		method, path, body string
		got                answer
	}{
		"a status":                 {"POST", mintPath, "", answer{402, asJSON, `{}`}},
		"a code":                   {"POST", mintPath, "", answer{401, unauthorized, `{"error":"sign_in_failed","message":"m"}`}},
		"a member too many":        {"POST", mintPath, "", answer{401, unauthorized, `{"error":"unauthorized","message":"m","why":"x"}`}},
		"a header too few":         {"POST", mintPath, "", answer{401, asJSON, good.body}},
		"a header too many":        {"POST", mintPath, "", answer{400, unauthorized, `{"error":"invalid_role","message":"m"}`}},
		"a media type":             {"POST", mintPath, "", answer{401, http.Header{"Content-Type": {"text/html"}, "Www-Authenticate": {"Bearer"}}, good.body}},
		"a path":                   {"GET", "/debug", "", answer{200, asJSON, `{}`}},
		"a method":                 {"PUT", mintPath, "", answer{200, asJSON, `{}`}},
		"a wallet in upper case":   {"POST", verifyPath, "", answer{200, asJSON, `{"session_jwt":"x","wallet":"0xAB","expires_at":1}`}},
		"a request that was taken": {"POST", mintPath, `{"role":"x"}`, answer{200, asJSON, `{"jwt":"a.b.c","wallet":"` + strings.ToLower(alice) + `","expiration":1}`}},
	} {
		if d.check(c.method, c.path, "application/json", c.body, c.got) == nil {
			t.Errorf("%s passed", name)
		}
	}
}
