package localaws

import (
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"time"
)

// Options configures a Server. The zero value is usable.
type Options struct {
	// Account is the 12-digit account id; default 123456789012.
	Account string
	// Partition is aws (the default), aws-us-gov or aws-cn.
	Partition string
	// Region is reported in condition keys and buckets; default us-east-1.
	Region string
	// AccessKeyID and SecretAccessKey are the administrator's credentials;
	// both default to "localaws".
	AccessKeyID     string
	SecretAccessKey string
	// RootAccessKeyID and RootSecretAccessKey are the credentials of the
	// account's root user.
	RootAccessKeyID     string
	RootSecretAccessKey string
	// Directory, if set, keeps the account: New takes up what is there, and every
	// write is on disk before it is answered. Only the parts of uploads that were
	// never completed are lost with the process. It is made if it does not exist.
	// It belongs to one server at a time, until Close, and holds credentials:
	// others must not be able to read it.
	Directory string
	// Lag is for how long IAM goes on showing what was there before a change, as
	// AWS does; default 0: a change is in force at once.
	Lag time.Duration
	// IAMRate is how many calls per second IAM takes from the account before it
	// answers Throttling; default 0: any number.
	IAMRate float64
	// HTTPClient fetches the discovery document and key set of an OpenID
	// Connect issuer. The default gives up after 5 seconds.
	HTTPClient *http.Client
	// JWKSCache is how long an issuer's keys are used once they were fetched. A
	// key that is added meanwhile is unknown, and one that is taken away is
	// still good. The default, 0, fetches them for every token, as AWS was
	// observed to do.
	JWKSCache time.Duration
	// Now is the clock; default time.Now.
	Now func() time.Time
	// Logger receives a debug record for each call, and the reason of each
	// refusal; default discards.
	Logger *slog.Logger
	// Fault, if set, is asked before every call and may break it; what it lets
	// pass is up to the rules of AddFault. It is called from many goroutines at
	// once.
	Fault func(Call) *Fault
}

// jwksTimeout bounds the look-up of an issuer's keys. AWS gives an identity
// provider about five seconds before it answers IDPCommunicationError.
const jwksTimeout = 5 * time.Second

var (
	accountPattern   = regexp.MustCompile(`^\d{12}$`)
	accessKeyPattern = regexp.MustCompile(`^[\w-]{1,128}$`)
)

func (o *Options) complete() error {
	setDefault(&o.Account, "123456789012")
	setDefault(&o.Partition, "aws")
	setDefault(&o.Region, "us-east-1")
	setDefault(&o.AccessKeyID, "localaws")
	setDefault(&o.SecretAccessKey, "localaws")
	if o.HTTPClient == nil {
		o.HTTPClient = &http.Client{Timeout: jwksTimeout}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if !accountPattern.MatchString(o.Account) {
		return fmt.Errorf("account %q is not 12 digits", o.Account)
	}
	if !regionPattern.MatchString(o.Region) {
		return fmt.Errorf("region %q is not the name of one, such as us-east-1", o.Region)
	}
	// A signature names the access key in a list with slashes and commas.
	if !accessKeyPattern.MatchString(o.AccessKeyID) {
		return fmt.Errorf("access key id %q is not 1 to 128 letters, digits, _ and -", o.AccessKeyID)
	}
	if o.JWKSCache < 0 {
		return fmt.Errorf("JWKS cache lifetime %s is negative", o.JWKSCache)
	}
	switch o.Partition {
	case "aws", "aws-us-gov", "aws-cn":
		return nil
	default:
		return fmt.Errorf("partition %q is not one of aws, aws-us-gov, aws-cn", o.Partition)
	}
}

func setDefault(field *string, value string) {
	if *field == "" {
		*field = value
	}
}
