package localaws_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"
)

const allUsersURI = "http://acs.amazonaws.com/groups/global/AllUsers"

// newACLWorld is a world whose bucket takes ACLs, public ones too.
func newACLWorld(t *testing.T) *s3World {
	t.Helper()
	w := newS3World(t)
	w.setOwnership(t, "ObjectWriter")
	w.setPublicAccess(t, types.PublicAccessBlockConfiguration{BlockPublicAcls: aws.Bool(false)})
	return w
}

func (w *s3World) setOwnership(t *testing.T, ownership types.ObjectOwnership) {
	t.Helper()
	controls := &types.OwnershipControls{Rules: []types.OwnershipControlsRule{{ObjectOwnership: ownership}}}
	_, err := w.s3.PutBucketOwnershipControls(t.Context(), &s3.PutBucketOwnershipControlsInput{Bucket: aws.String(shared), OwnershipControls: controls})
	wantCode(t, err, "")
}

func (w *s3World) setPublicAccess(t *testing.T, block types.PublicAccessBlockConfiguration) {
	t.Helper()
	_, err := w.s3.PutPublicAccessBlock(t.Context(), &s3.PutPublicAccessBlockInput{Bucket: aws.String(shared), PublicAccessBlockConfiguration: &block})
	wantCode(t, err, "")
}

func (w *s3World) anonymous() *s3.Client {
	return s3.NewFromConfig(w.config("", "", ""), func(o *s3.Options) { o.Credentials = aws.AnonymousCredentials{} })
}

func (w *s3World) putWithACL(t *testing.T, key string, acl types.ObjectCannedACL) {
	t.Helper()
	_, err := w.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(shared), Key: &key, ACL: acl})
	wantCode(t, err, "")
}

func TestCannedACLsOfObjects(t *testing.T) {
	t.Parallel()
	const denied = "AccessDenied"
	tests := map[types.ObjectCannedACL]struct{ anybody, anyAccount string }{
		"private":                   {denied, denied},
		"public-read":               {"", ""},
		"public-read-write":         {"", ""},
		"authenticated-read":        {denied, ""},
		"bucket-owner-read":         {denied, denied},
		"bucket-owner-full-control": {denied, denied},
	}
	w := newACLWorld(t)
	session := w.session(t, "nothing", "")
	for acl, test := range tests {
		t.Run(string(acl), func(t *testing.T) {
			t.Parallel()
			w.putWithACL(t, string(acl), acl)
			_, err := w.anonymous().GetObject(t.Context(), get(string(acl)))
			wantCode(t, err, test.anybody)
			_, err = session.GetObject(t.Context(), get(string(acl)))
			wantCode(t, err, test.anyAccount)
			_, err = session.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(shared), Key: aws.String(string(acl))})
			wantCode(t, err, denied) // to write an object is up to the bucket
		})
	}
	_, err := w.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(shared), Key: aws.String("x"), ACL: "for-friends"})
	wantCode(t, err, "InvalidArgument")
	_, err = w.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(shared), Key: aws.String("x"), ACL: "aws-exec-read"})
	wantCode(t, err, "NotImplemented")
}

func TestWhatOutweighsAPublicACL(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*testing.T, *s3World){
		"an explicit deny of the bucket policy": func(t *testing.T, w *s3World) {
			t.Helper()
			w.setPolicy(t, `{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"`+bucketARN("/*")+`"}`)
		},
		"that public ACLs are ignored": func(t *testing.T, w *s3World) {
			t.Helper()
			w.setPublicAccess(t, types.PublicAccessBlockConfiguration{IgnorePublicAcls: aws.Bool(true)})
		},
		"that ACLs are off": func(t *testing.T, w *s3World) {
			t.Helper()
			w.setOwnership(t, "BucketOwnerEnforced")
		},
		"a private ACL after it": func(t *testing.T, w *s3World) {
			t.Helper()
			_, err := w.s3.PutObjectAcl(t.Context(), &s3.PutObjectAclInput{Bucket: aws.String(shared), Key: aws.String("key"), ACL: "private"})
			wantCode(t, err, "")
		},
		"a new object in its place": func(t *testing.T, w *s3World) {
			t.Helper()
			w.put(t, "key", "new")
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newACLWorld(t)
			w.putWithACL(t, "key", "public-read")
			_, err := w.anonymous().GetObject(t.Context(), get("key"))
			wantCode(t, err, "")
			change(t, w)
			_, err = w.anonymous().GetObject(t.Context(), get("key"))
			wantCode(t, err, "AccessDenied")
		})
	}
}

func TestACLsOfBuckets(t *testing.T) {
	t.Parallel()
	w := newACLWorld(t)
	ctx, bucket, anybody := t.Context(), aws.String(shared), w.anonymous()
	_, err := w.s3.PutBucketAcl(ctx, &s3.PutBucketAclInput{Bucket: bucket, ACL: "public-read"})
	wantCode(t, err, "")
	_, err = anybody.ListObjectsV2(ctx, list(""))
	wantCode(t, err, "")
	_, err = anybody.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: aws.String("key")})
	wantCode(t, err, "AccessDenied")
	_, err = w.s3.PutBucketAcl(ctx, &s3.PutBucketAclInput{Bucket: bucket, ACL: "public-read-write"})
	wantCode(t, err, "")
	_, err = anybody.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: aws.String("key")})
	wantCode(t, err, "")
	_, err = anybody.GetBucketAcl(ctx, &s3.GetBucketAclInput{Bucket: bucket})
	wantCode(t, err, "AccessDenied")
	controls := &types.OwnershipControls{Rules: []types.OwnershipControlsRule{{ObjectOwnership: "BucketOwnerEnforced"}}}
	_, err = w.s3.PutBucketOwnershipControls(ctx, &s3.PutBucketOwnershipControlsInput{Bucket: bucket, OwnershipControls: controls})
	wantCode(t, err, "InvalidBucketAclWithObjectOwnership")
}

func TestACLsOfNewBuckets(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		input     s3.CreateBucketInput
		code      string
		ownership types.ObjectOwnership
	}{
		"none":                       {ownership: "BucketOwnerEnforced"},
		"private":                    {input: s3.CreateBucketInput{ACL: "private"}, ownership: "BucketOwnerPreferred"},
		"private, with ACLs off":     {input: s3.CreateBucketInput{ACL: "private", ObjectOwnership: "BucketOwnerEnforced"}, ownership: "BucketOwnerEnforced"},
		"public":                     {input: s3.CreateBucketInput{ACL: "public-read"}, code: "InvalidBucketAclWithObjectOwnership"},
		"public, with ACLs":          {input: s3.CreateBucketInput{ACL: "public-read", ObjectOwnership: "ObjectWriter"}, code: "InvalidBucketAclWithBlockPublicAccessError"},
		"for logs, with ACLs":        {input: s3.CreateBucketInput{ACL: "log-delivery-write", ObjectOwnership: "ObjectWriter"}, ownership: "ObjectWriter"},
		"an ownership that is none":  {input: s3.CreateBucketInput{ObjectOwnership: "Nobody"}, code: "InvalidArgument"},
		"a grant by header and name": {input: s3.CreateBucketInput{ACL: "private", GrantRead: aws.String("uri=" + allUsersURI), ObjectOwnership: "ObjectWriter"}, code: "InvalidRequest"},
	}
	w := newS3World(t)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bucket := strings.NewReplacer(" ", "-", ",", "").Replace("acl-" + strings.ToLower(name))
			test.input.Bucket = &bucket
			_, err := w.s3.CreateBucket(t.Context(), &test.input)
			wantCode(t, err, test.code)
			if test.code != "" {
				return
			}
			controls, err := w.s3.GetBucketOwnershipControls(t.Context(), &s3.GetBucketOwnershipControlsInput{Bucket: &bucket})
			wantCode(t, err, "")
			if got := controls.OwnershipControls.Rules[0].ObjectOwnership; got != test.ownership {
				t.Errorf("object ownership %s, want %s", got, test.ownership)
			}
		})
	}
}

func TestPublicACLsAreBlocked(t *testing.T) {
	t.Parallel()
	w := newS3World(t)
	w.setOwnership(t, "BucketOwnerPreferred")
	w.put(t, "key", "x")
	ctx, bucket, key := t.Context(), aws.String(shared), aws.String("key")
	everybody := aws.String("uri=" + allUsersURI)
	for name, call := range map[string]func() error{
		"an upload": func() error {
			_, err := w.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: key, ACL: "authenticated-read"})
			return err
		},
		"a copy": func() error {
			_, err := w.s3.CopyObject(ctx, &s3.CopyObjectInput{Bucket: bucket, Key: aws.String("copy"), CopySource: aws.String(shared + "/key"), GrantRead: everybody})
			return err
		},
		"an upload in parts": func() error {
			_, err := w.s3.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: bucket, Key: key, ACL: "public-read"})
			return err
		},
		"the ACL of an object": func() error {
			_, err := w.s3.PutObjectAcl(ctx, &s3.PutObjectAclInput{Bucket: bucket, Key: key, ACL: "public-read"})
			return err
		},
		"the ACL of the bucket": func() error {
			_, err := w.s3.PutBucketAcl(ctx, &s3.PutBucketAclInput{Bucket: bucket, GrantWrite: everybody})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) { wantRefusal(t, call(), "AccessDenied", "BlockPublicAcls") })
	}
}

func TestACLsComeBackAsTheyWereSet(t *testing.T) {
	t.Parallel()
	w := newACLWorld(t)
	ctx, bucket, key := t.Context(), aws.String(shared), aws.String("key")
	w.put(t, "key", "x")
	shown := func() []string {
		acl, err := w.s3.GetObjectAcl(ctx, &s3.GetObjectAclInput{Bucket: bucket, Key: key})
		wantCode(t, err, "")
		var grants []string
		for _, g := range acl.Grants {
			grantee := aws.ToString(g.Grantee.URI)
			if aws.ToString(g.Grantee.ID) == *acl.Owner.ID {
				grantee = "owner"
			}
			grants = append(grants, fmt.Sprintf("%s %s %s", g.Grantee.Type, grantee, g.Permission))
		}
		return grants
	}
	want := func(grants ...string) {
		t.Helper()
		if diff := cmp.Diff(grants, shown()); diff != "" {
			t.Errorf("ACL (-want +got):\n%s", diff)
		}
	}
	want("CanonicalUser owner FULL_CONTROL")
	_, err := w.s3.PutObjectAcl(ctx, &s3.PutObjectAclInput{Bucket: bucket, Key: key, GrantReadACP: aws.String("uri=" + allUsersURI)})
	wantCode(t, err, "")
	want("Group " + allUsersURI + " READ_ACP")
	_, err = w.anonymous().GetObjectAcl(ctx, &s3.GetObjectAclInput{Bucket: bucket, Key: key})
	wantCode(t, err, "")
	acl, err := w.s3.GetBucketAcl(ctx, &s3.GetBucketAclInput{Bucket: bucket})
	wantCode(t, err, "")
	document := &types.AccessControlPolicy{Owner: acl.Owner, Grants: []types.Grant{
		{Permission: "FULL_CONTROL", Grantee: &types.Grantee{Type: "CanonicalUser", ID: acl.Owner.ID}},
		{Permission: "READ", Grantee: &types.Grantee{Type: "Group", URI: aws.String(allUsersURI)}},
	}}
	_, err = w.s3.PutObjectAcl(ctx, &s3.PutObjectAclInput{Bucket: bucket, Key: key, AccessControlPolicy: document})
	wantCode(t, err, "")
	want("CanonicalUser owner FULL_CONTROL", "Group "+allUsersURI+" READ")
	document.Grants[0].Grantee.ID = aws.String("nobody")
	_, err = w.s3.PutObjectAcl(ctx, &s3.PutObjectAclInput{Bucket: bucket, Key: key, AccessControlPolicy: document})
	wantCode(t, err, "InvalidArgument")
	_, err = w.s3.PutObjectAcl(ctx, &s3.PutObjectAclInput{Bucket: bucket, Key: key})
	wantCode(t, err, "MissingSecurityHeader")
	w.setOwnership(t, "BucketOwnerEnforced")
	want("CanonicalUser owner FULL_CONTROL")
}

func TestACLsAreConditionKeys(t *testing.T) {
	t.Parallel()
	w := newACLWorld(t)
	ctx, bucket, key := t.Context(), aws.String(shared), aws.String("key")
	only := func(action string) string {
		return fmt.Sprintf(`{"Effect":"Allow","Action":%q,"Resource":%q,"Condition":{"StringEquals":{"s3:x-amz-acl":"public-read"}}}`, action, bucketARN("/*"))
	}
	client := w.session(t, "publisher", policyOf(only("s3:PutObject"), only("s3:PutObjectAcl")))
	for acl, code := range map[types.ObjectCannedACL]string{"public-read": "", "private": "AccessDenied", "": "AccessDenied"} {
		_, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: key, ACL: acl})
		wantCode(t, err, code)
	}
	for acl, code := range map[types.ObjectCannedACL]string{"public-read": "", "private": "AccessDenied"} {
		_, err := client.PutObjectAcl(ctx, &s3.PutObjectAclInput{Bucket: bucket, Key: key, ACL: acl})
		wantCode(t, err, code)
	}
	writer := w.session(t, "writer", policyOf(grant("s3:PutObject", bucketARN("/*"))))
	_, err := writer.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: key, GrantRead: aws.String("uri=" + allUsersURI)})
	wantRefusal(t, err, "AccessDenied", "s3:PutObjectAcl")
}
