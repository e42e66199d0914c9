package document

import (
	"fmt"
	"slices"
)

// Bucket-level actions that the guard does not deny outright: the lists are
// judged by their prefix, and the location shows nothing of any wallet.
const (
	listBucket         = "s3:ListBucket"
	listBucketVersions = "s3:ListBucketVersions"
	getBucketLocation  = "s3:GetBucketLocation"
)

// BucketStatements are the federation's statements in the policy of b: what a
// wallet may do below its own prefix, the guard that keeps it there whatever
// else is attached to the role, and what was revoked. They are the same for the
// same input, and, revocations aside, of the same size for any number of wallets.
func (f Federation) BucketStatements(b Bucket) ([]Statement, error) {
	if err := f.validateRole(); err != nil {
		return nil, fmt.Errorf("making bucket statements: %w", err)
	}
	if err := b.validate(); err != nil {
		return nil, fmt.Errorf("making bucket statements: %w", err)
	}
	revocations, err := f.revocations(b)
	if err != nil {
		return nil, fmt.Errorf("making bucket statements: %w", err)
	}
	return slices.Concat(f.allows(b), f.guard(b), revocations), nil
}

// allows name the role itself as principal, so that they stay limited by
// permissions boundaries and session policies.
func (f Federation) allows(b Bucket) []Statement {
	role := Principal{AWS: f.RoleARN}
	var statements []Statement
	if b.Allows(AccessList) {
		statements = append(statements, Statement{
			Sid: f.sid("AllowList"), Effect: effectAllow, Principal: role,
			Action: Strings{listBucket}, Resource: Strings{f.bucketARN(b)},
			Condition: Conditions{"StringLike": {"s3:prefix": {f.ownPrefix(b) + "*"}}},
		})
	}
	objects := []struct {
		access          Access
		purpose, action string
	}{
		{AccessRead, "AllowRead", "s3:GetObject"},
		{AccessWrite, "AllowWrite", "s3:PutObject"},
		{AccessDelete, "AllowDelete", "s3:DeleteObject"},
	}
	for _, object := range objects {
		if !b.Allows(object.access) {
			continue
		}
		statements = append(statements, Statement{
			Sid: f.sid(object.purpose), Effect: effectAllow, Principal: role,
			Action: Strings{object.action}, Resource: Strings{f.ownObjects(b)},
		})
	}
	return statements
}

// guard denies the role's sessions all that is not theirs, even where the role
// itself allows s3:*. In one account an Allow from either side is enough, and
// only a Deny wins.
func (f Federation) guard(b Bucket) []Statement {
	return []Statement{
		f.denyBadTag(b),
		f.denyForeignObjects(b),
		f.denyForeignLists(b),
		f.denyBucketActions(b),
		f.denyACLWrites(b),
		f.denyAccessPoints(b),
	}
}

// denyBadTag needs no Null: a missing key and an empty value both match a
// negated operator.
func (f Federation) denyBadTag(b Bucket) Statement {
	statement := f.deny("DenyBadTag")
	statement.Action = Strings{"s3:*"}
	statement.Resource = f.everything(b)
	statement.Condition["StringNotLike"] = map[string]Strings{"aws:PrincipalTag/" + f.WalletTagKey: {walletPattern}}
	return statement
}

// denyForeignObjects covers versions, tags, ACLs, parts and both ends of a copy:
// every action on anything but the bucket itself and the wallet's own keys.
func (f Federation) denyForeignObjects(b Bucket) Statement {
	statement := f.deny("DenyForeignObjects")
	statement.Action = Strings{"s3:*"}
	statement.NotResource = Strings{f.bucketARN(b), f.ownObjects(b)}
	return statement
}

// denyForeignLists has no Null and no IfExists, so that a list without a prefix
// is denied too.
func (f Federation) denyForeignLists(b Bucket) Statement {
	statement := f.deny("DenyForeignLists")
	statement.Action = Strings{listBucket, listBucketVersions}
	statement.Resource = Strings{f.bucketARN(b)}
	statement.Condition["StringNotLike"] = map[string]Strings{"s3:prefix": {f.ownPrefix(b) + "*"}}
	return statement
}

// denyBucketActions leaves out the lists, which have their own statement.
// ListBucketMultipartUploads is among the denied: it knows no s3:prefix and
// would show other wallets' keys.
func (f Federation) denyBucketActions(b Bucket) Statement {
	statement := f.deny("DenyBucketActions")
	statement.NotAction = Strings{listBucket, listBucketVersions, getBucketLocation}
	statement.Resource = Strings{f.bucketARN(b)}
	return statement
}

// denyACLWrites also denies a PutObject with an ACL in its headers, which needs
// the same permission.
func (f Federation) denyACLWrites(b Bucket) Statement {
	statement := f.deny("DenyACLWrites")
	statement.Action = Strings{"s3:PutObjectAcl", "s3:PutObjectVersionAcl"}
	statement.Resource = Strings{f.bucketARN(b) + "/*"}
	return statement
}

// denyAccessPoints denies every access point, because none is declared.
func (f Federation) denyAccessPoints(b Bucket) Statement {
	statement := f.deny("DenyAccessPoints")
	statement.Action = Strings{"s3:*"}
	statement.Resource = f.everything(b)
	statement.Condition["Null"] = map[string]Strings{"s3:DataAccessPointArn": {"false"}}
	return statement
}

// deny begins a Deny for the role's sessions. The role is a condition and not
// the principal: a role principal is stored as the role's unique id, and such a
// Deny stops matching, silently, when the role is deleted and made again.
func (f Federation) deny(purpose string) Statement {
	return Statement{
		Sid:       f.sid(purpose),
		Effect:    effectDeny,
		Principal: Principal{Everyone: true},
		Condition: Conditions{"ArnEquals": {"aws:PrincipalArn": {f.RoleARN}}},
	}
}

// everything is the bucket and all of its objects.
func (f Federation) everything(b Bucket) Strings {
	return Strings{f.bucketARN(b), f.bucketARN(b) + "/*"}
}

func (f Federation) bucketARN(b Bucket) string {
	return "arn:" + f.Partition + ":s3:::" + b.Name
}

// ownPrefix ends with a slash, so that no wallet's prefix begins another's.
func (f Federation) ownPrefix(b Bucket) string {
	return b.Prefix + "${aws:PrincipalTag/" + f.WalletTagKey + "}/"
}

func (f Federation) ownObjects(b Bucket) string {
	return f.bucketARN(b) + "/" + f.ownPrefix(b) + "*"
}
