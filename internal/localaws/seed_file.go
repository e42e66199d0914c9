package localaws

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/litentry/wallet-federation/internal/strictjson"
)

// maxSeed is the size of a seed in bytes.
const maxSeed = 1 << 20

// seed is a seed file that has been read.
type seed struct {
	providers []seedProvider
	policies  []seedPolicy
	roles     []seedRole
	buckets   []seedBucket
}

// seedProvider is an IAM OpenID Connect provider.
type seedProvider struct {
	URL         string            `json:"url"`
	Audiences   []string          `json:"audiences"`
	Thumbprints []string          `json:"thumbprints"`
	Tags        map[string]string `json:"tags"`
}

// seedPolicy is a customer managed policy.
type seedPolicy struct {
	Name        string            `json:"name"`
	Path        *string           `json:"path"`
	Description *string           `json:"description"`
	Document    json.RawMessage   `json:"document"`
	Tags        map[string]string `json:"tags"`
}

// seedRole is a role. Policies are attached, and bound it, by their ARNs.
type seedRole struct {
	Name                string                     `json:"name"`
	Path                *string                    `json:"path"`
	Description         *string                    `json:"description"`
	TrustPolicy         json.RawMessage            `json:"trustPolicy"`
	InlinePolicies      map[string]json.RawMessage `json:"inlinePolicies"`
	AttachedPolicies    []string                   `json:"attachedPolicies"`
	PermissionsBoundary *string                    `json:"permissionsBoundary"`
	MaxSessionSeconds   *int                       `json:"maxSessionSeconds"`
	Tags                map[string]string          `json:"tags"`
}

// seedBucket is a bucket with its objects. What is left out has AWS's default.
type seedBucket struct {
	Name              string                 `json:"name"`
	Region            string                 `json:"region"`
	Ownership         string                 `json:"ownership"`
	Versioning        string                 `json:"versioning"`
	PublicAccessBlock *seedPublicAccessBlock `json:"publicAccessBlock"`
	Policy            json.RawMessage        `json:"policy"`
	Objects           []seedObject           `json:"objects"`
}

// seedPublicAccessBlock is Block Public Access. What is left out is off.
type seedPublicAccessBlock struct {
	XMLName               xml.Name `json:"-" xml:"PublicAccessBlockConfiguration"`
	BlockPublicAcls       *bool    `json:"blockPublicAcls"`
	IgnorePublicAcls      *bool    `json:"ignorePublicAcls"`
	BlockPublicPolicy     *bool    `json:"blockPublicPolicy"`
	RestrictPublicBuckets *bool    `json:"restrictPublicBuckets"`
}

// seedObject is an object whose body is a text.
type seedObject struct {
	Key     string            `json:"key"`
	Content string            `json:"content"`
	Tags    map[string]string `json:"tags"`
}

// readSeed reads a seed strictly: one document of YAML or JSON, without a field
// that is not known, or anything described twice.
func readSeed(r io.Reader) (*seed, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxSeed+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxSeed {
		return nil, fmt.Errorf("it is larger than %d bytes", maxSeed)
	}
	if severalDocuments(data) {
		return nil, errors.New("it has more than one document")
	}
	encoded, err := yaml.YAMLToJSONStrict(data)
	if err != nil {
		return nil, err
	}
	var file struct {
		Providers       []json.RawMessage `json:"providers"`
		ManagedPolicies []json.RawMessage `json:"managedPolicies"`
		Roles           []json.RawMessage `json:"roles"`
		Buckets         []json.RawMessage `json:"buckets"`
	}
	if err := strictjson.Unmarshal(encoded, &file); err != nil {
		return nil, err
	}
	result := &seed{}
	if result.providers, err = readEntries("providers", file.Providers, func(p seedProvider) string { return p.URL }); err != nil {
		return nil, err
	}
	if result.policies, err = readEntries("managedPolicies", file.ManagedPolicies, func(p seedPolicy) string { return strings.ToLower(p.Name) }); err != nil {
		return nil, err
	}
	if result.roles, err = readEntries("roles", file.Roles, func(r seedRole) string { return strings.ToLower(r.Name) }); err != nil {
		return nil, err
	}
	if result.buckets, err = readEntries("buckets", file.Buckets, func(b seedBucket) string { return b.Name }); err != nil {
		return nil, err
	}
	for i := range result.buckets {
		if err := checkIdentities(at("buckets", i)+".objects", result.buckets[i].Objects, func(o seedObject) string { return o.Key }); err != nil {
			return nil, err
		}
	}
	return result, nil
}

// severalDocuments tells whether something follows the end of the first YAML
// document. The parser would leave it out without a word.
func severalDocuments(data []byte) bool {
	begun, ended := false, false
	for line := range bytes.Lines(data) {
		text := strings.TrimRight(string(line), " \t\r\n")
		switch {
		case text == "---" || strings.HasPrefix(text, "--- ") || text == "...":
			ended = begun
		case text == "" || strings.HasPrefix(text, "#") || strings.HasPrefix(text, "%"):
		case ended:
			return true
		default:
			begun = true
		}
	}
	return false
}

// readEntries reads the entries of one list. Each must have an identity of its own.
func readEntries[T any](list string, encoded []json.RawMessage, identity func(T) string) ([]T, error) {
	entries := make([]T, len(encoded))
	for i := range encoded {
		if err := strictjson.Unmarshal(encoded[i], &entries[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", at(list, i), err)
		}
	}
	return entries, checkIdentities(list, entries, identity)
}

func checkIdentities[T any](list string, entries []T, identity func(T) string) error {
	seen := map[string]int{}
	for i, entry := range entries {
		id := identity(entry)
		if id == "" {
			return fmt.Errorf("%s: it has no name", at(list, i))
		}
		if first, twice := seen[id]; twice {
			return fmt.Errorf("%s: %q is described by %s already", at(list, i), id, at(list, first))
		}
		seen[id] = i
	}
	return nil
}
