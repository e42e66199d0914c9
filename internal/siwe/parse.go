package siwe

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/litentry/wallet-federation/internal/wallet"
)

// Bounds that the EIP leaves open, in bytes.
const (
	// MaxBytes bounds a message.
	MaxBytes = 8 << 10

	minNonce     = 8
	maxNonce     = 128
	maxDomain    = 512
	maxURI       = 2048
	maxTime      = 40
	maxRequestID = 256
	maxResources = 32
)

// ErrSyntax is the error that [Parse] wraps for everything that is no message.
var ErrSyntax = errors.New("not an EIP-4361 message")

// Parse reads a message. It takes what the grammar of the EIP produces, within
// these bounds, and nothing else: printable ASCII and line feeds, at most
// [MaxBytes], the fields in their order, no line before, between or after them.
// An address in mixed case must have its EIP-55 checksum; one in a single case,
// which has none, is taken.
// The error wraps [ErrSyntax] and names the line.
func Parse(text string) (*Message, error) {
	if len(text) > MaxBytes {
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrSyntax, MaxBytes)
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && (r < ' ' || r > '~') }) {
		return nil, fmt.Errorf("%w: a character other than printable ASCII and line feed", ErrSyntax)
	}
	p := &parser{lines: strings.Split(text, "\n")}
	m := &Message{}
	steps := []func(*Message) error{p.opening, p.address, p.statement, p.required, p.optional, p.resources, p.end}
	for _, step := range steps {
		if err := step(m); err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", ErrSyntax, p.next, err)
		}
	}
	return m, nil
}

// parser walks over the lines of a message; next counts those taken.
type parser struct {
	lines []string
	next  int
}

// take returns the next line.
func (p *parser) take() (string, error) {
	if p.next >= len(p.lines) {
		return "", errors.New("the message ends too early")
	}
	p.next++
	return p.lines[p.next-1], nil
}

// field returns what follows the label on the next line.
func (p *parser) field(label string) (string, error) {
	line, err := p.take()
	if err != nil {
		return "", err
	}
	value, found := strings.CutPrefix(line, label)
	if !found {
		return "", fmt.Errorf("want %q", label)
	}
	return value, nil
}

// maybe returns what follows the label if the next line has it.
func (p *parser) maybe(label string) (string, bool) {
	if p.next >= len(p.lines) || !strings.HasPrefix(p.lines[p.next], label) {
		return "", false
	}
	p.next++
	return p.lines[p.next-1][len(label):], true
}

func (p *parser) empty() error {
	line, err := p.take()
	if err == nil && line != "" {
		err = errors.New("want an empty line")
	}
	return err
}

func (p *parser) opening(m *Message) error {
	line, err := p.take()
	if err != nil {
		return err
	}
	origin, found := strings.CutSuffix(line, opening)
	if !found {
		return fmt.Errorf("want a domain and %q", opening)
	}
	if scheme, domain, found := strings.Cut(origin, "://"); found {
		if !isScheme(scheme) {
			return errors.New("the scheme is malformed")
		}
		m.Scheme, origin = scheme, domain
	}
	if len(origin) > maxDomain || !isAuthority(origin) {
		return errors.New("the domain is not an RFC 3986 authority")
	}
	m.Domain = origin
	return nil
}

func (p *parser) address(m *Message) error {
	line, err := p.take()
	if err != nil {
		return err
	}
	m.Address, err = wallet.Parse(line)
	return err
}

// statement reads the empty line before the optional statement and the one
// after it.
func (p *parser) statement(m *Message) error {
	if err := p.empty(); err != nil {
		return err
	}
	line, err := p.take()
	if err != nil || line == "" {
		return err
	}
	if err := CheckStatement(line); err != nil {
		return err
	}
	m.Statement = line
	return p.empty()
}

func (p *parser) required(m *Message) error {
	fields := []struct {
		label string
		set   func(string) error
	}{
		{labelURI, m.setURI},
		{labelVersion, checkVersion},
		{labelChainID, m.setChainID},
		{labelNonce, m.setNonce},
		{labelIssuedAt, func(s string) error { return parseTime(&m.IssuedAt, s) }},
	}
	for _, field := range fields {
		value, err := p.field(field.label)
		if err != nil {
			return err
		}
		if err := field.set(value); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) optional(m *Message) error {
	if value, ok := p.maybe(labelExpirationTime); ok {
		if err := parseTime(&m.ExpirationTime, value); err != nil {
			return err
		}
	}
	if value, ok := p.maybe(labelNotBefore); ok {
		if err := parseTime(&m.NotBefore, value); err != nil {
			return err
		}
	}
	if value, ok := p.maybe(labelRequestID); ok {
		if len(value) > maxRequestID || !isSegment(value) {
			return errors.New("the request id is malformed")
		}
		m.RequestID = value
	}
	return nil
}

func (p *parser) resources(m *Message) error {
	rest, ok := p.maybe(labelResources)
	if !ok {
		return nil
	}
	if rest != "" {
		return fmt.Errorf("%q does not stand alone", labelResources)
	}
	for p.next < len(p.lines) {
		resource, err := p.field(resourceMark)
		if err != nil {
			return err
		}
		if len(m.Resources) == maxResources {
			return fmt.Errorf("more than %d resources", maxResources)
		}
		if len(resource) > maxURI || !isURI(resource) {
			return errors.New("the resource is not an RFC 3986 URI")
		}
		m.Resources = append(m.Resources, resource)
	}
	return nil
}

func (p *parser) end(*Message) error {
	if p.next == len(p.lines) {
		return nil
	}
	p.next++
	return errors.New("a line that does not belong here")
}

func (m *Message) setURI(s string) error {
	if len(s) > maxURI || !isURI(s) {
		return errors.New("not an RFC 3986 URI")
	}
	m.URI = s
	return nil
}

func checkVersion(s string) error {
	if s != Version {
		return errors.New("the version is not 1")
	}
	return nil
}

func (m *Message) setChainID(s string) error {
	var err error
	if m.ChainID, err = strconv.ParseUint(s, 10, 64); err != nil {
		return errors.New("the chain id is not a 64-bit decimal number")
	}
	return nil
}

func (m *Message) setNonce(s string) error {
	if len(s) < minNonce || len(s) > maxNonce || !each(s, isAlphanumeric) {
		return fmt.Errorf("the nonce is not %d to %d letters and digits", minNonce, maxNonce)
	}
	m.Nonce = s
	return nil
}

// parseTime reads an RFC 3339 date-time in capital letters. [time.Parse] lets
// other shapes pass, so the shape is checked first. The time must be within the
// years 2 to 9999 of UTC too: later ones have no such spelling, and year 1 has the
// zero time.
func parseTime(t *time.Time, s string) error {
	if len(s) <= maxTime && isDateTime(s) {
		parsed, err := time.Parse(time.RFC3339, s)
		if year := parsed.UTC().Year(); err == nil && 1 < year && year <= 9999 {
			*t = parsed.UTC()
			return nil
		}
	}
	return errors.New("not an RFC 3339 time")
}
