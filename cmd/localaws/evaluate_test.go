package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/litentry/wallet-federation/internal/policycase"
)

// evaluateCase is a request for an object by a user who may read what resource
// says.
func evaluateCase(id, resource, principal string) string {
	return `{"id":"` + id + `","name":"a case","policies":{"identity":[{"Version":"2012-10-17","Statement":[{"Sid":"Read",` +
		`"Effect":"Allow","Action":"s3:GetObject","Resource":"` + resource + `"}]}]},"principal":` + principal +
		`,"request":{"operation":"GetObject","params":{"Bucket":"bucket","Key":"key"}}}`
}

func TestEvaluateAnswersEachLine(t *testing.T) {
	t.Parallel()
	const user = `{"type":"user"}`
	in := strings.Join([]string{
		evaluateCase("may", "arn:aws:s3:::bucket/*", user),
		"",
		evaluateCase("may not", "arn:aws:s3:::other/*", user),
		`{"id":"no case"`,
		`{"id":"half a case","policies":null,"principal":{"type":"user"}}`,
		evaluateCase("unknown", "arn:aws:s3:::bucket/*", `{"type":"a machine"}`),
		evaluateCase("of another account", "arn:aws:s3:::bucket/*", `{"type":"user","arn":"arn:aws:iam::123456789012:user/u"}`),
		evaluateCase("last, without a line break", "arn:aws:s3:::bucket/*", user),
	}, "\n")
	var stdout, stderr bytes.Buffer
	if err := evaluate([]string{"--account", "210987654321"}, strings.NewReader(in), &stdout, &stderr); err != nil {
		t.Fatal(err)
	}
	type answer struct{ ID, Decision, Code string }
	want := []answer{
		{"may", "allow", "Success"},
		{"may not", "deny", "AccessDenied"},
		{"", "error", "InvalidCase"},
		{"half a case", "error", "InvalidCase"},
		{"unknown", "unsupported", ""},
		{"of another account", "deny", "AccessDenied"},
		{"last, without a line break", "allow", "Success"},
	}
	var got []answer
	for line := range strings.Lines(stdout.String()) {
		var d policycase.Decision
		if err := json.Unmarshal([]byte(line), &d); err != nil {
			t.Fatal(err)
		}
		if d.Reason == "" {
			t.Errorf("%s gives no reason", line)
		}
		got = append(got, answer{d.ID, d.Decision, d.Code})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if stderr.Len() > 0 {
		t.Errorf("stderr: %s", &stderr)
	}
}

func TestEvaluateAnswersBeforeTheNextLineComes(t *testing.T) {
	t.Parallel()
	in, cases := io.Pipe()
	answers, out := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := evaluate(nil, in, out, io.Discard)
		_ = out.Close()
		done <- err
	}()
	lines := bufio.NewScanner(answers)
	for _, id := range []string{"first", "second"} {
		if _, err := io.WriteString(cases, evaluateCase(id, "arn:aws:s3:::bucket/*", `{"type":"user"}`)+"\n"); err != nil {
			t.Fatal(err)
		}
		if !lines.Scan() || !strings.Contains(lines.Text(), id) {
			t.Fatalf("answered %q to the %s line", lines.Text(), id)
		}
	}
	_ = cases.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestEvaluateCommandLine(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args           []string
		stdout, stderr string
		failure        string
	}{
		"help":                  {[]string{"--help"}, "unsupported", "", ""},
		"a flag that is none":   {[]string{"--color"}, "", "--help tells more", "usage"},
		"an account too short":  {[]string{"--account", "1"}, "", "", "12 digits"},
		"an argument":           {[]string{"cases.json"}, "", "", `unexpected argument "cases.json"`},
		"nothing, and no cases": {nil, "", "", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			err := evaluate(test.args, strings.NewReader(""), &stdout, &stderr)
			if failed := err != nil; failed != (test.failure != "") || failed && !strings.Contains(err.Error(), test.failure) {
				t.Errorf("%v, want %q", err, test.failure)
			}
			if !strings.Contains(stdout.String(), test.stdout) || test.stdout == "" && stdout.Len() > 0 {
				t.Errorf("stdout: %q, want %q", &stdout, test.stdout)
			}
			if !strings.Contains(stderr.String(), test.stderr) {
				t.Errorf("stderr: %q, want %q", &stderr, test.stderr)
			}
		})
	}
}

// brokenPipe is a reader or writer that fails.
type brokenPipe struct{}

var errBroken = errors.New("broken pipe")

func (brokenPipe) Read([]byte) (int, error)  { return 0, errBroken }
func (brokenPipe) Write([]byte) (int, error) { return 0, errBroken }

func TestEvaluateFailsIfItCannotReadOrWrite(t *testing.T) {
	t.Parallel()
	err := evaluate(nil, brokenPipe{}, io.Discard, io.Discard)
	if !errors.Is(err, errBroken) || !strings.Contains(err.Error(), "reading") {
		t.Errorf("a broken input: %v", err)
	}
	line := evaluateCase("1", "*", `{"type":"user"}`) + "\n"
	err = evaluate(nil, strings.NewReader(strings.Repeat(line, 1000)), brokenPipe{}, io.Discard)
	if !errors.Is(err, errBroken) || !strings.Contains(err.Error(), "writing") {
		t.Errorf("a broken output: %v", err)
	}
}

func TestTheExampleInTheHelpWorks(t *testing.T) {
	t.Parallel()
	_, example, ok := strings.Cut(evaluateHelp, "echo '")
	example, _, ok2 := strings.Cut(example, "'")
	if !ok || !ok2 {
		t.Fatal("there is no example")
	}
	var stdout bytes.Buffer
	if err := evaluate(nil, strings.NewReader(strings.ReplaceAll(example, "\n", "")), &stdout, io.Discard); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(stdout.String(), `"id":"1","decision":"deny","code":"AccessDenied"`) {
		t.Errorf("answered %s", &stdout)
	}
}
