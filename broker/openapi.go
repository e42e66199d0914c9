package broker

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

const openAPIPath = "/openapi.json"

// openAPI is the description of the HTTP API (OpenAPI 3.1), with the two URLs
// below in place of the issuer's.
//
//go:embed openapi.json
var openAPI string

// The placeholders in openAPI.
const (
	openAPIIssuer = "https://issuer.invalid/path"
	openAPIOrigin = "https://issuer.invalid"
)

// newOpenAPI returns the description for one issuer, whose URL is where clients
// find it, and whose origin is where its health is.
func newOpenAPI(issuer string, parsed *url.URL) (document, error) {
	filled := strings.NewReplacer(openAPIIssuer, issuer, openAPIOrigin, parsed.Scheme+"://"+parsed.Host).Replace(openAPI)
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(filled)); err != nil {
		return document{}, fmt.Errorf("preparing OpenAPI document: %w", err)
	}
	return newDocument(compact.Bytes()), nil
}
