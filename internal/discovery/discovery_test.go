package discovery_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/litentry/wallet-federation/internal/discovery"
	"github.com/litentry/wallet-federation/internal/signingkey"
)

func TestParseIssuer(t *testing.T) {
	t.Parallel()
	for issuer, good := range map[string]bool{
		"https://broker.example.org":                       true,
		"https://broker.example.org/issuers/a-1_~.x":       true,
		"https://broker.example.org:8443":                  true,
		"http://127.0.0.1:8080":                            true,
		"http://[::1]:8080":                                true,
		"https://" + strings.Repeat("a", 247):              true,
		"https://" + strings.Repeat("a", 248):              false,
		"":                                                 false,
		"broker.example.org":                               false,
		"//broker.example.org":                             false,
		"https://":                                         false,
		"https://:8080":                                    false,
		"https://broker.example.org:":                      false,
		"https://broker.example.org:http":                  false,
		"https://broker.example.org/":                      false,
		"https://broker.example.org/a/":                    false,
		"https://broker.example.org/a//b":                  false,
		"https://broker.example.org/a/../b":                false,
		"https://Broker.example.org":                       false,
		"HTTPS://broker.example.org":                       false,
		"ftp://broker.example.org":                         false,
		"https://user@broker.example.org":                  false,
		"https://broker.example.org?x=1":                   false,
		"https://broker.example.org?":                      false,
		"https://broker.example.org#x":                     false,
		"https://broker.example.org#":                      false,
		"https://broker.example.org/a%20b":                 false,
		"https://broker.example.org/a b":                   false,
		"https://broker.example.org\n":                     false,
		"https://br\u043eker.example.org":                  false,
		"https:broker.example.org":                         false,
		"https:///path":                                    false,
		"https://broker.example.org/.well-known/../secret": false,
		"https://broker.example.org/[a]":                   false,
		"https://broker]":                                  false,
		"https://broker]:8443":                             false,
		"https://[127.0.0.1]":                              false,
	} {
		parsed, err := discovery.ParseIssuer(issuer)
		if (err == nil) != good {
			t.Errorf("ParseIssuer(%q) = %v", issuer, err)
		}
		if err != nil && (!errors.Is(err, discovery.ErrIssuer) || parsed != nil) {
			t.Errorf("ParseIssuer(%q) = %v, %v, want ErrIssuer alone", issuer, parsed, err)
		}
	}
}

func TestDocumentHasExactlyTheseMembers(t *testing.T) {
	t.Parallel()
	data, err := json.Marshal(discovery.New("https://broker.example.org/a"))
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"issuer":                                "https://broker.example.org/a",
		"jwks_uri":                              "https://broker.example.org/a/.well-known/jwks.json",
		"response_types_supported":              []any{"id_token"},
		"subject_types_supported":               []any{"public"},
		"id_token_signing_alg_values_supported": []any{"ES256"},
		"scopes_supported":                      []any{"openid"},
		"claims_supported":                      []any{"iss", "sub", "aud", "iat", "nbf", "exp", "jti"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// issuer is a server whose answers a test spoils.
type issuer struct {
	*httptest.Server
	mux *http.ServeMux
}

func newIssuer(t *testing.T, start func(http.Handler) *httptest.Server) *issuer {
	t.Helper()
	mux := http.NewServeMux()
	server := start(mux)
	t.Cleanup(server.Close)
	return &issuer{server, mux}
}

// answer serves a fixed body; URL in it stands for the issuer.
func (i *issuer) answer(path, body string) {
	body = strings.ReplaceAll(body, "URL", i.URL)
	i.mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })
}

const goodDocument = `{"issuer":"URL","jwks_uri":"URL/.well-known/jwks.json","unknown":1}`

func goodKeys(t *testing.T) (jwks, kid string) {
	t.Helper()
	set, err := signingkey.New(time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	data, err := set.JWKS()
	if err != nil {
		t.Fatal(err)
	}
	return string(data), set.Active().ID
}

func TestFetchReadsAnIssuer(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(http.Handler) *httptest.Server{
		"over http":  httptest.NewServer,
		"over https": httptest.NewTLSServer,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newIssuer(t, start)
			jwks, kid := goodKeys(t)
			i.answer(discovery.ConfigurationPath, goodDocument)
			i.answer(discovery.JWKSPath, jwks)
			document, keys, err := discovery.Fetch(t.Context(), i.Client(), i.URL)
			if err != nil {
				t.Fatal(err)
			}
			if document.Issuer != i.URL || document.JWKSURI != i.URL+discovery.JWKSPath {
				t.Errorf("got %+v", document)
			}
			if _, found := keys.LookupKeyID(kid); !found || keys.Len() != 1 {
				t.Errorf("got %d keys, without %s among them", keys.Len(), kid)
			}
		})
	}
}

func TestFetchLeavesOutKeysThatItDoesNotUnderstand(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, httptest.NewServer)
	jwks, kid := goodKeys(t)
	i.answer(discovery.ConfigurationPath, goodDocument)
	i.answer(discovery.JWKSPath, strings.Replace(jwks, "[", `[{"kty":"PQC","kid":"new"},`, 1))
	_, keys, err := discovery.Fetch(t.Context(), i.Client(), i.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, found := keys.LookupKeyID(kid); !found {
		t.Error("the key that it does understand is gone too")
	}
}

func TestFetchFollowsARedirectOnTheSameHost(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, httptest.NewServer)
	jwks, _ := goodKeys(t)
	i.mux.Handle(discovery.ConfigurationPath, http.RedirectHandler("/moved", http.StatusFound))
	i.answer("/moved", goodDocument)
	i.answer(discovery.JWKSPath, jwks)
	if _, _, err := discovery.Fetch(t.Context(), i.Client(), i.URL); err != nil {
		t.Error(err)
	}
}

func TestFetchRefuses(t *testing.T) {
	t.Parallel()
	jwks, _ := goodKeys(t)
	for name, c := range map[string]struct {
		document, jwks string
		tls            bool
		reason         string
	}{
		"a document of another issuer":         {document: `{"issuer":"https://evil.example","jwks_uri":"URL/.well-known/jwks.json"}`, reason: "its issuer is another"},
		"an issuer with a slash more":          {document: `{"issuer":"URL/","jwks_uri":"URL/.well-known/jwks.json"}`, reason: "its issuer is another"},
		"an issuer in another case":            {document: `{"Issuer":"URL","jwks_uri":"URL/.well-known/jwks.json"}`, reason: "its issuer is another"},
		"a second issuer in another case":      {document: `{"issuer":"https://evil.example","ISSUER":"URL","jwks_uri":"URL/.well-known/jwks.json"}`, reason: "its issuer is another"},
		"a jwks_uri in another case":           {document: `{"issuer":"URL","JWKS_URI":"URL/.well-known/jwks.json"}`, reason: "not an absolute URL"},
		"a JWKS whose keys are in upper case":  {jwks: strings.Replace(jwks, `"keys"`, `"KEYS"`, 1), reason: "no keys member"},
		"no issuer":                            {document: `{"jwks_uri":"URL/.well-known/jwks.json"}`, reason: "its issuer is another"},
		"a document that is no JSON":           {document: `<html>`, reason: "reading discovery document"},
		"a document of 64 KiB and more":        {document: `{"issuer":"URL","x":"` + strings.Repeat("a", 64<<10) + `"}`, reason: "more than 65536 bytes"},
		"no jwks_uri":                          {document: `{"issuer":"URL"}`, reason: "not an absolute URL"},
		"a relative jwks_uri":                  {document: `{"issuer":"URL","jwks_uri":"/.well-known/jwks.json"}`, reason: "not an absolute URL"},
		"a jwks_uri with a password":           {document: `{"issuer":"URL","jwks_uri":"https://a:b@c.example"}`, reason: "not an absolute URL"},
		"a jwks_uri that is a file":            {document: `{"issuer":"URL","jwks_uri":"file://host/etc/passwd"}`, reason: "not https"},
		"a plain jwks_uri of an https issuer":  {document: `{"issuer":"URL","jwks_uri":"http://c.example/keys"}`, tls: true, reason: "not https"},
		"a JWKS that is no JSON":               {jwks: "nope", reason: "reading JWKS"},
		"a JWKS that is a bare key":            {jwks: strings.TrimSuffix(strings.TrimPrefix(jwks, `{"keys":[`), `]}`), reason: "no keys member"},
		"a JWKS of more than a MiB":            {jwks: jwks + strings.Repeat(" ", 1<<20), reason: "more than 1048576 bytes"},
		"a JWKS whose keys are not a list":     {jwks: `{"keys":{}}`, reason: "reading JWKS"},
		"a document that is only a JSON list ": {document: `[]`, reason: "reading discovery document"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := httptest.NewServer
			if c.tls {
				start = httptest.NewTLSServer
			}
			i := newIssuer(t, start)
			if c.document == "" {
				c.document = goodDocument
			}
			if c.jwks == "" {
				c.jwks = jwks
			}
			i.answer(discovery.ConfigurationPath, c.document)
			i.answer(discovery.JWKSPath, c.jwks)
			_, _, err := discovery.Fetch(t.Context(), i.Client(), i.URL)
			if err == nil || !strings.Contains(err.Error(), c.reason) {
				t.Fatalf("got %v, want it to say %q", err, c.reason)
			}
			if errors.Is(err, discovery.ErrUnavailable) {
				t.Error("the error claims that another attempt may help")
			}
		})
	}
}

func TestFetchRefusesRedirectsElsewhere(t *testing.T) {
	t.Parallel()
	jwks, _ := goodKeys(t)
	for name, path := range map[string]string{"of the document": discovery.ConfigurationPath, "of the keys": discovery.JWKSPath} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			elsewhere := newIssuer(t, httptest.NewServer)
			i := newIssuer(t, httptest.NewServer)
			// The other host would serve what passes every other check.
			elsewhere.answer(discovery.JWKSPath, jwks)
			elsewhere.answer(discovery.ConfigurationPath, strings.ReplaceAll(goodDocument, "URL", i.URL))
			i.mux.Handle(path, http.RedirectHandler(elsewhere.URL+path, http.StatusFound))
			if path == discovery.JWKSPath {
				i.answer(discovery.ConfigurationPath, goodDocument)
			} else {
				i.answer(discovery.JWKSPath, jwks)
			}
			_, _, err := discovery.Fetch(t.Context(), i.Client(), i.URL)
			if err == nil || !strings.Contains(err.Error(), "redirected to another host") || errors.Is(err, discovery.ErrUnavailable) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestFetchRefusesARedirectLoop(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, httptest.NewServer)
	i.mux.Handle(discovery.ConfigurationPath, http.RedirectHandler(discovery.ConfigurationPath, http.StatusFound))
	if _, _, err := discovery.Fetch(t.Context(), i.Client(), i.URL); err == nil || !strings.Contains(err.Error(), "redirected too often") {
		t.Errorf("got %v", err)
	}
}

func TestFetchTellsWhatMayPassFromWhatWillNot(t *testing.T) {
	t.Parallel()
	for status, passes := range map[int]bool{500: true, 502: true, 503: true, 429: true, 404: false, 403: false, 204: false} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			i := newIssuer(t, httptest.NewServer)
			i.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
			_, _, err := discovery.Fetch(t.Context(), i.Client(), i.URL)
			if err == nil || errors.Is(err, discovery.ErrUnavailable) != passes {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("nobody listens", func(t *testing.T) {
		t.Parallel()
		listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address := listener.Addr().String()
		if err := listener.Close(); err != nil {
			t.Fatal(err)
		}
		if _, _, err := discovery.Fetch(t.Context(), nil, "http://"+address); !errors.Is(err, discovery.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("not an issuer", func(t *testing.T) {
		t.Parallel()
		if _, _, err := discovery.Fetch(t.Context(), nil, "http://127.0.0.1/"); !errors.Is(err, discovery.ErrIssuer) {
			t.Errorf("got %v", err)
		}
	})
}

func TestFetchDoesNotChangeTheCallersClient(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, httptest.NewServer)
	client := i.Client()
	_, _, _ = discovery.Fetch(t.Context(), client, i.URL)
	if client.CheckRedirect != nil {
		t.Error("the client's CheckRedirect was set")
	}
}

// TestReadTakesIssuersThatAreNotOurs has URLs that AWS takes and ParseIssuer
// does not, and keys that another host serves.
func TestReadTakesIssuersThatAreNotOurs(t *testing.T) {
	t.Parallel()
	keys := newIssuer(t, httptest.NewServer)
	keys.answer("/keys", `{"keys":[]}`)
	for name, c := range map[string]struct{ issuer, document string }{
		"a slash at the end":      {"/", "/"},
		"a slash after a path":    {"/tenant/", "/tenant/"},
		"upper case in the path":  {"/Tenant/V2.0", "/Tenant/V2.0/"},
		"an escape in the path":   {"/a%2Fb", "/a%2Fb/"},
		"a path that looks unfit": {"/a;b=c", "/a;b=c/"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newIssuer(t, httptest.NewServer)
			var asked string
			i.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
				asked = r.URL.EscapedPath()
				_, _ = fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, i.URL+c.issuer, keys.URL+"/keys")
			})
			document, data, err := discovery.Read(t.Context(), i.Client(), i.URL+c.issuer)
			if err != nil {
				t.Fatal(err)
			}
			if want := strings.TrimSuffix(c.document, "/") + discovery.ConfigurationPath; asked != want {
				t.Errorf("asked for %s, want %s", asked, want)
			}
			if document.Issuer != i.URL+c.issuer || string(data) != `{"keys":[]}` {
				t.Errorf("got %+v and %s", document, data)
			}
		})
	}
}
