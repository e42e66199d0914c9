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
	// account's root user; both default to "localaws-root". No policy of a
	// bucket keeps the root user from reading, replacing and deleting it.
	RootAccessKeyID     string
	RootSecretAccessKey string
	// Directory, if set, keeps the account: New takes up what is there, and every
	// write is on disk before it is answered. Only the parts of uploads that were
	// never completed are lost with the process. It is made if it does not exist.
	// It belongs to one server at a time, until Close, and holds credentials:
	// others must not be able to read it.
	Directory string
	// Lag is how long a change of IAM's roles, users, providers and managed
	// policies is unseen by reads, by the judgement of calls and by the look-up
	// of the principals that policies name. Writes see it at once, and access
	// keys and new sessions do not lag. Default 0; at most an hour.
	Lag time.Duration
	// IAMRate and STSRate are how many calls a second the whole account may
	// make to the service, with a burst of the same number rounded up; a call
	// beyond it is answered with Throttling. 0 is no limit. STS calls that carry
	// no signature count as well.
	IAMRate float64
	STSRate float64
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
	setDefault(&o.RootAccessKeyID, "localaws-root")
	setDefault(&o.RootSecretAccessKey, "localaws-root")
	if o.HTTPClient == nil {
		o.HTTPClient = &http.Client{Timeout: jwksTimeout}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.RootAccessKeyID == o.AccessKeyID {
		return fmt.Errorf("the administrator and the root user have the same access key id %q", o.AccessKeyID)
	}
	if o.Lag < 0 || o.Lag > maxLag {
		return fmt.Errorf("lag %v is not between 0 and %v", o.Lag, maxLag)
	}
	for service, calls := range map[string]float64{"IAM": o.IAMRate, "STS": o.STSRate} {
		if !(calls >= 0 && calls <= maxRate) { // so written, NaN fails
			return fmt.Errorf("%s rate %v is not between 0 and %v calls a second", service, calls, float64(maxRate))
		}
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
