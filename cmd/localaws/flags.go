package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"

	"github.com/litentry/wallet-federation/internal/localaws"
)

// usage is what --help prints.
const usage = `localaws stands in for IAM, STS and S3 of one AWS account, on one endpoint.

  localaws [flags]
  localaws evaluate [flags] < cases    what would AWS decide, and why? Serves nothing

It says when it is ready, and how to point a client at it. It is not AWS, and
not for production: see docs/localaws.md.

Where it listens
  --listen ADDRESS       host:port; port 0 picks a free one (127.0.0.1:4566)
  --allow-remote         let other machines reach ADDRESS; they can do everything
  --tls-self-signed      serve https for localhost and ADDRESS, with a
                         certificate made for it; the CA to trust is printed
  --tls-cert FILE        serve https with a certificate of your own (PEM)
  --tls-key FILE         and its key

What account it is
  --account ID           12 digits (123456789012)
  --partition NAME       aws, aws-us-gov or aws-cn (aws)
  --region NAME          (us-east-1)
  --seed FILE            roles, policies, buckets and objects to begin with, in
                         YAML or JSON; what exists already is left as it is
  --dir DIRECTORY        keep everything there; without it, a restart forgets

How AWS behaves
  --lag DURATION         how long IAM shows what was before a change, 5s (0s)
  --iam-rate NUMBER      calls a second that IAM takes before it throttles (any)
  --sts-rate NUMBER      the same for STS (any)
  --jwks-cache DURATION  how long keys of an issuer are kept, 5m (0s: never)

  --debug                log every call, and why one was refused, to standard error
  --version
  --help

Environment variables
  LOCALAWS_ACCESS_KEY_ID, LOCALAWS_SECRET_ACCESS_KEY
                         the administrator's credentials (localaws, localaws)
  LOCALAWS_ROOT_ACCESS_KEY_ID, LOCALAWS_ROOT_SECRET_ACCESS_KEY
                         the root user's (localaws-root, localaws-root)
`

// The environment variables that hold credentials: a command line can be read
// by everybody on the machine.
const (
	accessKeyVariable  = "LOCALAWS_ACCESS_KEY_ID"
	secretVariable     = "LOCALAWS_SECRET_ACCESS_KEY"
	rootKeyVariable    = "LOCALAWS_ROOT_ACCESS_KEY_ID"
	rootSecretVariable = "LOCALAWS_ROOT_SECRET_ACCESS_KEY"
)

// errUsage is a command line that the flag package has complained about already.
var errUsage = errors.New("usage")

// flags are the command line, and what the environment adds.
type flags struct {
	listen      string
	allowRemote bool
	selfSigned  bool
	cert, key   string // files
	seed        string // file
	help        bool
	version     bool
	debug       bool
	options     localaws.Options
}

func parseFlags(args []string, getenv func(string) string, stderr io.Writer) (*flags, error) {
	f := &flags{}
	set := f.set()
	set.SetOutput(stderr)
	set.Usage = func() { _, _ = io.WriteString(stderr, "Run localaws --help to see what there is.\n") }
	if err := set.Parse(args); err != nil {
		return nil, errUsage
	}
	if set.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", set.Arg(0))
	}
	if (f.cert == "") != (f.key == "") {
		return nil, errors.New("--tls-cert and --tls-key need each other")
	}
	if f.selfSigned && f.cert != "" {
		return nil, errors.New("--tls-self-signed makes a certificate, and --tls-cert brings one: choose")
	}
	level := slog.LevelWarn
	if f.debug {
		level = slog.LevelDebug
	}
	f.options.Logger = slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
	return f, f.readCredentials(getenv)
}

// set declares the flags; usage describes them.
func (f *flags) set() *flag.FlagSet {
	set := flag.NewFlagSet("localaws", flag.ContinueOnError)
	set.StringVar(&f.listen, "listen", "127.0.0.1:4566", "")
	set.BoolVar(&f.allowRemote, "allow-remote", false, "")
	set.BoolVar(&f.selfSigned, "tls-self-signed", false, "")
	set.StringVar(&f.cert, "tls-cert", "", "")
	set.StringVar(&f.key, "tls-key", "", "")
	set.StringVar(&f.options.Account, "account", "123456789012", "")
	set.StringVar(&f.options.Partition, "partition", "aws", "")
	set.StringVar(&f.options.Region, "region", "us-east-1", "")
	set.StringVar(&f.options.Directory, "dir", "", "")
	set.StringVar(&f.seed, "seed", "", "")
	set.DurationVar(&f.options.Lag, "lag", 0, "")
	set.Float64Var(&f.options.IAMRate, "iam-rate", 0, "")
	set.Float64Var(&f.options.STSRate, "sts-rate", 0, "")
	set.DurationVar(&f.options.JWKSCache, "jwks-cache", 0, "")
	set.BoolVar(&f.debug, "debug", false, "")
	set.BoolVar(&f.version, "version", false, "")
	set.BoolVar(&f.help, "help", false, "")
	set.BoolVar(&f.help, "h", false, "")
	return set
}

// readCredentials takes credentials from the environment, two by two.
func (f *flags) readCredentials(getenv func(string) string) error {
	o := &f.options
	o.AccessKeyID, o.SecretAccessKey = getenv(accessKeyVariable), getenv(secretVariable)
	o.RootAccessKeyID, o.RootSecretAccessKey = getenv(rootKeyVariable), getenv(rootSecretVariable)
	if (o.AccessKeyID == "") != (o.SecretAccessKey == "") {
		return fmt.Errorf("%s and %s need each other", accessKeyVariable, secretVariable)
	}
	if (o.RootAccessKeyID == "") != (o.RootSecretAccessKey == "") {
		return fmt.Errorf("%s and %s need each other", rootKeyVariable, rootSecretVariable)
	}
	return nil
}
