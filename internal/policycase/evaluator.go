package policycase

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/litentry/wallet-federation/internal/policy"
)

const (
	// MaxLine is the size in bytes of the longest line that Run reads.
	MaxLine = 1 << 20

	// DefaultAccount is the account that the recordings of AWS are about.
	DefaultAccount = "123456789012"
	// Another account, for cases that only say that it is another one.
	otherAccount, anotherAccount = "111122223333", "444455556666"
)

// Evaluator answers cases, each by itself. It may be used by several goroutines.
type Evaluator struct {
	account, other string
	placeholders   *strings.Replacer
	publicRead     *policy.Policy
	administrator  []policy.Policy
	cache          documentCache
}

// New returns an evaluator for which buckets, and callers of whom a case says
// nothing else, belong to the account.
func New(account string) (*Evaluator, error) {
	if !accountPattern.MatchString(account) {
		return nil, fmt.Errorf("account %q does not have 12 digits", account)
	}
	e := &Evaluator{account: account, other: otherAccount}
	if account == otherAccount {
		e.other = anotherAccount
	}
	e.placeholders = strings.NewReplacer(
		placeholderAccount, e.account,
		placeholderOther, e.other,
		placeholderKey, "arn:aws:kms:us-east-1:"+e.account+":key/00000000-0000-4000-8000-000000000000",
	)
	document, err := policy.Parse(policy.Bucket, []byte(aclPolicy))
	if err != nil {
		return nil, fmt.Errorf("reading what a public ACL grants: %w", err)
	}
	e.publicRead = &policy.Policy{Name: "object ACL", Document: document}
	if document, err = policy.Parse(policy.Identity, []byte(administratorAccess)); err != nil {
		return nil, fmt.Errorf("reading what an administrator may do: %w", err)
	}
	e.administrator = []policy.Policy{{Name: "AdministratorAccess", Document: document}}
	return e, nil
}

// Evaluate answers one line. It answers lines that are no case, too.
func (e *Evaluator) Evaluate(line []byte) Decision {
	o, err := e.readLine(line)
	if err != nil {
		return decisionOf("", err)
	}
	id, err := o.scalar("id")
	if err != nil {
		return decisionOf("", err)
	}
	c, err := e.readCase(&o)
	if err != nil {
		return decisionOf(id, err)
	}
	d, err := e.decide(c)
	if err != nil {
		return decisionOf(id, err)
	}
	d.ID = id
	return d
}

// Run answers each line of in by a line on out until in ends; blank lines are
// passed over. Answers are written out whenever the next line has yet to come,
// so that a conversation is possible. The error is one of reading or writing.
func (e *Evaluator) Run(in io.Reader, out io.Writer) error {
	answers := bufio.NewWriter(out)
	lines := bufio.NewReaderSize(&flushingReader{in: in, out: answers}, 64<<10)
	encoder := json.NewEncoder(answers)
	encoder.SetEscapeHTML(false)
	for {
		line, tooLong, readErr := readLine(lines)
		ended := errors.Is(readErr, io.EOF)
		if readErr == nil || ended {
			if err := e.answer(encoder, line, tooLong); err != nil {
				return fmt.Errorf("writing decisions: %w", err)
			}
		}
		if readErr == nil {
			continue
		}
		if err := answers.Flush(); err != nil {
			return fmt.Errorf("writing decisions: %w", err)
		}
		if !ended {
			return fmt.Errorf("reading cases: %w", readErr)
		}
		return nil
	}
}

// answer writes the answer to a line, unless it is blank.
func (e *Evaluator) answer(out *json.Encoder, line []byte, tooLong bool) error {
	switch {
	case tooLong:
		return out.Encode(decisionOf("", invalid("", "the line is longer than %d bytes", MaxLine)))
	case len(bytes.TrimSpace(line)) == 0:
		return nil
	default:
		return out.Encode(e.Evaluate(line))
	}
}

// readLine reads a line of at most MaxLine bytes. A longer one it reads to its
// end and returns in part. The last line may come with io.EOF.
func readLine(r *bufio.Reader) (line []byte, tooLong bool, err error) {
	line, err = r.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return line, false, err
	}
	whole := bytes.Clone(line)
	for errors.Is(err, bufio.ErrBufferFull) {
		line, err = r.ReadSlice('\n')
		if tooLong = tooLong || len(whole)+len(line) > MaxLine+len("\n"); !tooLong {
			whole = append(whole, line...)
		}
	}
	return whole, tooLong, err
}

// flushingReader writes out what is there before it waits for more.
type flushingReader struct {
	in  io.Reader
	out *bufio.Writer
}

// Read implements io.Reader.
func (f *flushingReader) Read(p []byte) (int, error) {
	if err := f.out.Flush(); err != nil {
		return 0, err
	}
	return f.in.Read(p)
}
