package document

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// walletPattern matches a wallet address in a condition: "0x" and forty
// characters. The tag's exact grammar is the broker's to keep; the pattern
// keeps out the empty tag, and any tag whose length gives it away.
const walletPattern = "0x????????????????????????????????????????"

var (
	partitionForm = regexp.MustCompile(`^aws(-[a-z]+)*$`)
	// A path of IAM may hold * and ?, which ArnEquals would read as wildcards.
	roleForm     = regexp.MustCompile(`^arn:(aws[a-z-]*):iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+$`)
	providerForm = regexp.MustCompile(`^arn:(aws[a-z-]*):iam::[0-9]{12}:oidc-provider/(.+)$`)
	audienceForm = regexp.MustCompile(`^[A-Za-z0-9._:/@+=,-]{1,255}$`)
	subjectForm  = regexp.MustCompile(`^[A-Za-z0-9._:/-]{1,64}$`)
	tagKeyForm   = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)
	issuerForm   = regexp.MustCompile(`^https?://[A-Za-z0-9._~:/-]+$`)
	bucketForm   = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	prefixForm   = regexp.MustCompile(`^([A-Za-z0-9_.=+@-]+/)*$`)
)

// Federation is what the documents of one role depend on.
type Federation struct {
	// Partition is the AWS partition of the account, such as "aws" or "aws-us-gov".
	Partition string
	// RoleARN is the role that wallets assume, with its path.
	RoleARN string
	// ProviderARN is the IAM OIDC provider of the issuer.
	ProviderARN string
	// IssuerURL is the iss claim, byte for byte.
	IssuerURL string
	// Audience is the aud claim.
	Audience string
	// SubjectPrefix stands before the wallet in the sub claim.
	SubjectPrefix string
	// WalletTagKey is the session tag that carries the wallet.
	WalletTagKey string
	// Revocations are those whose sessions may still live.
	Revocations []Revocation
}

// Access is something that a wallet may do below its own prefix.
type Access string

// What a wallet may do below its own prefix.
const (
	AccessList   Access = "List"
	AccessRead   Access = "Read"
	AccessWrite  Access = "Write"
	AccessDelete Access = "Delete"
)

// Bucket is a bucket in which every wallet has a prefix of its own.
type Bucket struct {
	Name string
	// Prefix stands before the wallet in every key; it is empty or ends with a slash.
	Prefix string
	Access []Access
}

// Allows says whether a is among the bucket's access.
func (b Bucket) Allows(a Access) bool { return slices.Contains(b.Access, a) }

// SidPrefix begins the Sid of every statement of one federation and of no other.
type SidPrefix string

// SidPrefix is "WalletFederation" and eight hex digits of the SHA-256 of the
// role's ARN, so that federations of several clusters can share a bucket.
func (f Federation) SidPrefix() SidPrefix { return sidPrefixOf(f.RoleARN) }

func sidPrefixOf(roleARN string) SidPrefix {
	sum := sha256.Sum256([]byte(roleARN))
	return SidPrefix("WalletFederation" + hex.EncodeToString(sum[:4]))
}

func (f Federation) sid(purpose string) string { return string(f.SidPrefix()) + purpose }

// issuerKey is the issuer as it appears in condition keys and provider ARNs:
// without the scheme.
func (f Federation) issuerKey() string {
	_, rest, _ := strings.Cut(f.IssuerURL, "://")
	return rest
}

// validateRole checks what every document depends on. The forms keep out
// wildcards and variables: none of these values may be read as a pattern.
func (f Federation) validateRole() error {
	if !partitionForm.MatchString(f.Partition) {
		return fmt.Errorf("partition %q is not the name of an AWS partition", f.Partition)
	}
	role := roleForm.FindStringSubmatch(f.RoleARN)
	if role == nil || role[1] != f.Partition {
		return fmt.Errorf("role ARN %q is not that of an IAM role in partition %s, or has characters that policies read as wildcards", f.RoleARN, f.Partition)
	}
	if !tagKeyForm.MatchString(f.WalletTagKey) {
		return fmt.Errorf("wallet tag key %q must be 1 to 64 letters, digits or _ . -", f.WalletTagKey)
	}
	return nil
}

func (f Federation) validateIssuer() error {
	if !issuerForm.MatchString(f.IssuerURL) {
		return fmt.Errorf("issuer %q is not an http(s) URL of plain characters", f.IssuerURL)
	}
	provider := providerForm.FindStringSubmatch(f.ProviderARN)
	if provider == nil || provider[1] != f.Partition || provider[2] != f.issuerKey() {
		return fmt.Errorf("provider ARN %q is not that of issuer %q in partition %s", f.ProviderARN, f.IssuerURL, f.Partition)
	}
	if !audienceForm.MatchString(f.Audience) {
		return fmt.Errorf("audience %q must be 1 to 255 plain characters", f.Audience)
	}
	if !subjectForm.MatchString(f.SubjectPrefix) {
		return fmt.Errorf("subject prefix %q must be 1 to 64 plain characters", f.SubjectPrefix)
	}
	return nil
}

func (b Bucket) validate() error {
	if !bucketForm.MatchString(b.Name) {
		return fmt.Errorf("bucket name %q is not one of S3", b.Name)
	}
	if !prefixForm.MatchString(b.Prefix) || strings.Contains(b.Prefix, "..") {
		return fmt.Errorf("bucket %s: prefix %q must be empty or plain segments that each end with a slash", b.Name, b.Prefix)
	}
	if len(b.Access) == 0 {
		return fmt.Errorf("bucket %s: no access asked for", b.Name)
	}
	for _, access := range b.Access {
		switch access {
		case AccessList, AccessRead, AccessWrite, AccessDelete:
		default:
			return fmt.Errorf("bucket %s: access %q is not known", b.Name, access)
		}
	}
	return nil
}
