package broker_test

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// description is the OpenAPI document as far as the tests read it.
type description struct {
	document map[string]any
	schemas  *jsonschema.Compiler
	mu       sync.Mutex // a compiler is not safe for concurrent use
}

// described is the document as it is in the repository.
var described = sync.OnceValues(func() (*description, error) {
	data, err := os.ReadFile("openapi.json")
	if err != nil {
		return nil, err
	}
	return newDescription(string(data))
})

func newDescription(data string) (*description, error) {
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(data))
	if err != nil {
		return nil, err
	}
	root, ok := document.(map[string]any)
	if !ok {
		return nil, errors.New("the description is no object")
	}
	// The dialect of OpenAPI 3.1 is JSON Schema 2020-12 and a few annotations.
	d := &description{document: root, schemas: jsonschema.NewCompiler()}
	d.schemas.DefaultDraft(jsonschema.Draft2020)
	return d, d.schemas.AddResource("file:///openapi.json", document)
}

// at returns what is at a path of names, following references on the way; nil
// if there is nothing.
func (d *description) at(names ...string) (value map[string]any, pointer string) {
	value = d.document
	for _, name := range names {
		next, ok := value[name].(map[string]any)
		if !ok {
			return nil, ""
		}
		pointer += "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
		value = next
		if reference, ok := value["$ref"].(string); ok {
			value, pointer = d.at(strings.Split(strings.TrimPrefix(reference, "#/"), "/")...)
		}
	}
	return value, pointer
}

// validate compares a value with the schema at a pointer.
func (d *description) validate(pointer string, value any) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	schema, err := d.schemas.Compile("file:///openapi.json#" + pointer)
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

// response returns the description of an answer. What no operation describes are
// the answers to paths and methods that there are not.
func (d *description) response(method, path string, status int) (value map[string]any, pointer string) {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	code := strconv.Itoa(status)
	if value, pointer = d.at("paths", path, strings.ToLower(method), "responses", code); value != nil {
		return value, pointer
	}
	known, _ := d.at("paths", path)
	switch {
	case known == nil && status == http.StatusNotFound:
		return d.at("components", "responses", "NotFound")
	case path == "/oauth2/token" && method != http.MethodPost && status == http.StatusMethodNotAllowed:
		return d.at("components", "responses", "OAuthMethodNotAllowed")
	case known != nil && known[strings.ToLower(method)] == nil && status == http.StatusMethodNotAllowed:
		return d.at("components", "responses", "MethodNotAllowed")
	case path == "/v1/mint-aws-creds":
		return d.at("paths", path, "post", "responses", code)
	default:
		return nil, ""
	}
}

// check compares a request that was taken, and its answer, with the document.
func (d *description) check(method, path, contentType, body string, got answer) error {
	response, pointer := d.response(method, path, got.status)
	if response == nil {
		return fmt.Errorf("the document does not know that %s %s can answer %d", method, path, got.status)
	}
	if err := d.checkHeaders(response, got.header); err != nil {
		return err
	}
	if _, hasContent := response["content"]; hasContent && method != http.MethodHead {
		content, at := d.at(append(split(pointer), "content", got.header.Get("Content-Type"), "schema")...)
		if content == nil {
			return fmt.Errorf("%s %s answers %d as %q", method, path, got.status, got.header.Get("Content-Type"))
		}
		if err := d.validateJSON(at, got.body); err != nil {
			return fmt.Errorf("%s %s answers %d with %s: %w", method, path, got.status, got.body, err)
		}
	}
	if got.status != http.StatusOK || body == "" {
		return nil
	}
	mediaType, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return err
	}
	_, at := d.at("paths", path, strings.ToLower(method), "requestBody", "content", mediaType, "schema")
	if mediaType == "application/x-www-form-urlencoded" {
		return d.validateForm(at, body)
	}
	if err := d.validateJSON(at, body); err != nil {
		return fmt.Errorf("%s %s took %s: %w", method, path, body, err)
	}
	return nil
}

func split(pointer string) []string {
	names := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, name := range names {
		names[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
	}
	return names
}

func (d *description) checkHeaders(response map[string]any, got http.Header) error {
	headers, _ := response["headers"].(map[string]any)
	for _, name := range []string{"Retry-After", "WWW-Authenticate", "Allow"} {
		if got.Get(name) != "" && headers[name] == nil {
			return fmt.Errorf("the document does not know that the answer has %s", name)
		}
	}
	for name, value := range headers {
		header, _ := value.(map[string]any)
		if reference, ok := header["$ref"].(string); ok {
			header, _ = d.at(strings.Split(strings.TrimPrefix(reference, "#/"), "/")...)
		}
		text := got.Get(name)
		if header["required"] == true && text == "" {
			return fmt.Errorf("the answer has no %s", name)
		}
		schema, _ := header["schema"].(map[string]any)
		if want, ok := schema["const"].(string); ok && text != "" && text != want {
			return fmt.Errorf("%s is %q, want %q", name, text, want)
		}
		if seconds, err := strconv.Atoi(text); schema["type"] == "integer" && text != "" && (err != nil || seconds < 1) {
			return fmt.Errorf("%s is %q, want a number", name, text)
		}
	}
	return nil
}

func (d *description) validateJSON(pointer, text string) error {
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return err
	}
	return d.validate(pointer, value)
}

func (d *description) validateForm(pointer, text string) error {
	form, err := url.ParseQuery(text)
	if err != nil {
		return err
	}
	value := make(map[string]any, len(form))
	for name, values := range form {
		if values[0] != "" {
			value[name] = values[0]
		}
	}
	return d.validate(pointer, value)
}

// operations returns each path with its methods.
func (d *description) operations() map[string][]string {
	found := map[string][]string{}
	paths, _ := d.at("paths")
	for path, item := range paths {
		members, _ := item.(map[string]any)
		for method := range members {
			if method != "servers" {
				found[path] = append(found[path], strings.ToUpper(method))
			}
		}
		slices.Sort(found[path])
	}
	return found
}

// checkDescribed fails the test if an answer is not as the document says. Every
// answer that the fixture gets goes through it.
func checkDescribed(t testing.TB, issuerURL, method, target, contentType, body string, got answer) {
	t.Helper()
	d, err := described()
	if err != nil {
		t.Fatal(err)
	}
	issuer, err := url.Parse(issuerURL)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	path := u.EscapedPath()
	if below, found := strings.CutPrefix(path, issuer.Path); found {
		path = below
	} else if metadata, found := strings.CutSuffix(path, issuer.Path); found && strings.HasPrefix(path, "/.well-known/") {
		path = metadata // RFC 8414, section 3
	} else if path != "/healthz" && path != "/readyz" {
		path = "/outside/the/issuer"
	}
	if err := d.check(method, path, contentType, body, got); err != nil {
		t.Errorf("not as openapi.json says: %v", err)
	}
}
