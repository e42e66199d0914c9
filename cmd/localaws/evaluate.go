package main

import (
	"flag"
	"fmt"
	"io"

	"github.com/litentry/wallet-federation/internal/policycase"
)

// evaluateHelp is what evaluate --help says above its flags.
const evaluateHelp = `Usage: localaws evaluate [--account id] < cases

Reads cases from standard input, one JSON object a line, and answers each with
one JSON object a line: what would AWS say to this request under these policies,
and why? Nothing is served and nothing is called.

A case has the members

  id         returned with the answer
  policies   identity, session, boundary: lists of policies of the caller;
             resource: the bucket policy, or the trust policy of a role
  principal  type: user, assumed-role, root, anonymous, "bucket owner",
             administrator, web-identity, or none to ask IAM's policy simulator;
             arn, role_arn, session_name, account, tags, unique_id, provider_arn
  request    action and resource, or an operation and its params:
             {"operation":"GetObject","params":{"Bucket":"b","Key":"k"}};
             context: condition keys, context_types: their types;
             public_access_block, delete_marker: the state of bucket and object
  acl        object_ownership, object_acl, ignore_public_acls

Other members beside these describe the case and are ignored, the outcome that a
recording notes above all, with two exceptions: an evidence that begins with
"simulator" asks for the answer of IAM's policy simulator, and in the rows of a
recording, those with a source_file, the words "wrong ExpectedBucketOwner" and
"-marker" in the name stand for what others say in params.ExpectedBucketOwner
and request.delete_marker.
Condition keys that neither the case tells nor the request implies are absent.
Buckets, objects, users and roles that are named are taken to exist.

An answer has the members

  id        of the case
  decision  allow, deny, error, or unsupported if the case does not tell enough
  code      Success, AccessDenied or another code of AWS (of a HEAD: its status);
            Success also for a denial by the simulator, which answers the asker;
            InvalidCase for a line that is no case
  reason    the statement that decided, the condition that failed, what is wrong

The exit status is 0 whatever the answers are, unless reading or writing fails.

  echo '{"id":"1","policies":{"identity":[]},"principal":{"type":"user"},
  "request":{"action":"s3:GetObject","resource":"arn:aws:s3:::b/k"}}' |
  tr -d '\n' | localaws evaluate

Flags:
`

// evaluate answers the cases that come on stdin.
func evaluate(args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	set := flag.NewFlagSet("localaws evaluate", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.Usage = func() { fmt.Fprintln(stderr, "localaws evaluate --help tells more") }
	account := set.String("account", policycase.DefaultAccount, "12-digit account `id` that owns the buckets, and the callers of whom a case tells no account")
	help := set.Bool("help", false, "show this text")
	if err := set.Parse(args); err != nil {
		return errUsage
	}
	if *help {
		fmt.Fprint(stdout, evaluateHelp)
		set.SetOutput(stdout)
		set.PrintDefaults()
		return nil
	}
	if set.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", set.Arg(0))
	}
	evaluator, err := policycase.New(*account)
	if err != nil {
		return fmt.Errorf("reading --account: %w", err)
	}
	return evaluator.Run(stdin, stdout)
}
