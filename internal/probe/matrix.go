package probe

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/litentry/wallet-federation/internal/document"
)

// operation is one case that the first wallet tries in every bucket.
type operation struct {
	name     string
	group    string
	expected Verdict
	// needs is the access without which the answer would show nothing of the
	// isolation: where it is not given, the case is left out.
	needs []document.Access
	// seeded says that the case needs the wallets' objects.
	seeded bool
	head   bool
	do     func(ctx context.Context, t *target) answer
}

const (
	list    = document.AccessList
	read    = document.AccessRead
	write   = document.AccessWrite
	deletes = document.AccessDelete
)

// matrix is everything that a wallet tries in a bucket, besides putting its own
// object. Denials are tried whatever the access: what the bucket's policy does
// not give, the role may.
var matrix = []operation{
	{name: "list own prefix", group: GroupList, expected: Allowed, needs: []document.Access{list}, do: listing((*target).ownPrefix)},
	{name: "list own prefix with the old API", group: GroupList, expected: Allowed, needs: []document.Access{list}, do: oldListing((*target).ownPrefix)},
	{name: "list below own prefix", group: GroupList, expected: Allowed, needs: []document.Access{list}, do: listing((*target).ownFolder)},
	{name: "list foreign prefix", group: GroupList, expected: Denied, do: listing((*target).foreignPrefix)},
	{name: "list foreign prefix with the old API", group: GroupList, expected: Denied, do: oldListing((*target).foreignPrefix)},
	{name: "list below foreign prefix", group: GroupList, expected: Denied, do: listing((*target).foreignFolder)},
	{name: "list own prefix without its slash", group: GroupList, expected: Denied, do: listing((*target).ownWithoutSlash)},
	{name: "list foreign prefix without its slash", group: GroupList, expected: Denied, do: listing((*target).foreignWithoutSlash)},
	{name: "list sibling prefix that begins like own", group: GroupList, expected: Denied, do: listing((*target).sibling)},
	{name: "list prefix that own begins with", group: GroupList, expected: Denied, do: listing((*target).beginning)},
	{name: "list own prefix in upper case", group: GroupList, expected: Denied, do: listing((*target).upperCase)},
	{name: "list with an empty prefix", group: GroupList, expected: Denied, do: listing((*target).empty)},
	{name: "list without a prefix", group: GroupList, expected: Denied, do: listing((*target).none)},
	{name: "list without a prefix, with the old API", group: GroupList, expected: Denied, do: oldListing((*target).none)},
	{name: "list with a delimiter and no prefix", group: GroupList, expected: Denied, do: delimited},
	{name: "list versions of foreign prefix", group: GroupList, expected: Denied, do: versions((*target).foreignPrefix)},
	{name: "list versions without a prefix", group: GroupList, expected: Denied, do: versions((*target).none)},
	{name: "list multipart uploads of foreign prefix", group: GroupList, expected: Denied, do: uploads((*target).foreignPrefix)},
	{name: "list multipart uploads without a prefix", group: GroupList, expected: Denied, do: uploads((*target).none)},
	{name: "list foreign prefix without credentials", group: GroupList, expected: Denied, do: anonymously(listing((*target).foreignPrefix))},

	{name: "get own object", group: GroupObject, expected: Allowed, needs: []document.Access{read}, seeded: true, do: getting((*target).ownSeed)},
	{name: "head own object", group: GroupObject, expected: Allowed, needs: []document.Access{read}, seeded: true, head: true, do: heading((*target).ownSeed)},
	{name: "get own object by a presigned URL", group: GroupObject, expected: Allowed, needs: []document.Access{read}, seeded: true, do: presigned((*target).ownSeed)},
	{name: "copy own object to own prefix", group: GroupObject, expected: Allowed, needs: []document.Access{read, write}, seeded: true, do: copying((*target).ownSeed, (*target).ownCopy)},
	{name: "delete own object", group: GroupObject, expected: Allowed, needs: []document.Access{deletes}, do: deleting((*target).ownDelete)},
	{name: "delete own objects by the list", group: GroupObject, expected: Allowed, needs: []document.Access{deletes}, do: deletingMany((*target).ownDelete)},
	{name: "get foreign object", group: GroupObject, expected: Denied, do: getting((*target).foreignSeed)},
	{name: "get a range of foreign object", group: GroupObject, expected: Denied, do: gettingRange((*target).foreignSeed)},
	{name: "head foreign object", group: GroupObject, expected: Denied, head: true, do: heading((*target).foreignSeed)},
	{name: "get foreign object by a presigned URL", group: GroupObject, expected: Denied, do: presigned((*target).foreignSeed)},
	{name: "get foreign object without credentials", group: GroupObject, expected: Denied, do: anonymously(getting((*target).foreignSeed))},
	{name: "get attributes of foreign object", group: GroupObject, expected: Denied, do: gettingAttributes((*target).foreignSeed)},
	{name: "get tags of foreign object", group: GroupObject, expected: Denied, do: gettingTags((*target).foreignSeed)},
	{name: "get ACL of foreign object", group: GroupObject, expected: Denied, do: gettingACL((*target).foreignSeed)},
	{name: "put tags on foreign object", group: GroupObject, expected: Denied, do: puttingTags((*target).foreignSeed)},
	{name: "put foreign object", group: GroupObject, expected: Denied, do: putting((*target).foreignPut)},
	{name: "copy foreign object to own prefix", group: GroupObject, expected: Denied, needs: []document.Access{write}, do: copying((*target).foreignSeed, (*target).ownStolen)},
	{name: "copy own object to foreign prefix", group: GroupObject, expected: Denied, needs: []document.Access{read, write}, seeded: true, do: copying((*target).ownSeed, (*target).foreignCopy)},
	{name: "begin multipart upload of foreign object", group: GroupObject, expected: Denied, do: uploading((*target).foreignUpload)},
	{name: "delete foreign object", group: GroupObject, expected: Denied, do: deleting((*target).foreignDelete)},
	{name: "delete foreign objects by the list", group: GroupObject, expected: Denied, do: deletingMany((*target).foreignDelete)},
	{name: "put ACL on own object", group: GroupObject, expected: Denied, do: puttingACL((*target).ownSeed)},

	{name: "head bucket", group: GroupBucket, expected: Denied, head: true, do: headBucket},
	{name: "get bucket policy", group: GroupBucket, expected: Denied, do: getBucketPolicy},
	{name: "get bucket ACL", group: GroupBucket, expected: Denied, do: getBucketACL},
	{name: "get bucket versioning", group: GroupBucket, expected: Denied, do: getBucketVersioning},
}

// tries are the cases that mean something in this bucket.
func (t *target) tries() []try {
	var tries []try
	for i := range matrix {
		o := &matrix[i]
		if !t.fits(o) {
			continue
		}
		answers := &s3Answers
		if o.head {
			answers = &headAnswers
		}
		tries = append(tries, try{
			Case:    Case{Name: o.name, Group: o.group, Bucket: t.bucket.Name, Expected: o.expected},
			answers: answers,
			do:      func(ctx context.Context) answer { return o.do(ctx, t) },
		})
	}
	return tries
}

func (t *target) fits(o *operation) bool {
	for _, access := range o.needs {
		if !t.bucket.Allows(access) {
			return false
		}
	}
	return t.seeded || !o.seeded
}

// Prefixes that are listed. None is a prefix that is not sent at all.

func (t *target) ownPrefix() *string     { return aws.String(t.prefix(t.own)) }
func (t *target) ownFolder() *string     { return aws.String(t.prefix(t.own) + folder) }
func (t *target) foreignPrefix() *string { return aws.String(t.prefix(t.foreign)) }
func (t *target) foreignFolder() *string { return aws.String(t.prefix(t.foreign) + folder) }
func (t *target) sibling() *string       { return aws.String(t.bucket.Prefix + string(t.own.wallet) + "0/") }
func (t *target) beginning() *string     { return aws.String(t.bucket.Prefix + string(t.own.wallet)[:4]) }
func (t *target) empty() *string         { return aws.String("") }
func (t *target) none() *string          { return nil }

func (t *target) ownWithoutSlash() *string {
	return aws.String(strings.TrimSuffix(t.prefix(t.own), "/"))
}

func (t *target) foreignWithoutSlash() *string {
	return aws.String(strings.TrimSuffix(t.prefix(t.foreign), "/"))
}

// upperCase keeps the 0x, as the checksummed form of an address does.
func (t *target) upperCase() *string {
	return aws.String(t.bucket.Prefix + "0x" + strings.ToUpper(string(t.own.wallet)[2:]) + "/")
}

// Keys that are touched.

func (t *target) ownSeed() *string       { return t.key(t.own, seedObject) }
func (t *target) ownCopy() *string       { return t.key(t.own, copyObject) }
func (t *target) ownStolen() *string     { return t.key(t.own, stolenObject) }
func (t *target) ownDelete() *string     { return t.key(t.own, deleteObject) }
func (t *target) foreignSeed() *string   { return t.key(t.foreign, seedObject) }
func (t *target) foreignPut() *string    { return t.key(t.foreign, putObject) }
func (t *target) foreignCopy() *string   { return t.key(t.foreign, copyObject) }
func (t *target) foreignUpload() *string { return t.key(t.foreign, uploadObject) }
func (t *target) foreignDelete() *string { return t.key(t.foreign, deleteObject) }
