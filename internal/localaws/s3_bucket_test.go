package localaws_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/litentry/wallet-federation/internal/localaws"
)

func TestBucketsComeAndGo(t *testing.T) {
	t.Parallel()
	w := newS3World(t)
	ctx, bucket := t.Context(), aws.String("a-bucket")
	_, err := w.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String("key")})
	wantCode(t, err, "NoSuchBucket")
	create := &s3.CreateBucketInput{Bucket: bucket, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: "eu-west-1"}}
	_, err = w.s3.CreateBucket(ctx, create)
	wantCode(t, err, "")
	_, err = w.s3.CreateBucket(ctx, create)
	wantCode(t, err, "BucketAlreadyOwnedByYou")
	_, err = w.s3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("A_Bucket")})
	wantCode(t, err, "InvalidBucketName")
	_, err = w.s3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(shared)})
	wantCode(t, err, "") // us-east-1 says yes again
	location, err := w.s3.GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: bucket})
	if err != nil || location.LocationConstraint != "eu-west-1" {
		t.Errorf("location %+v, error %v", location, err)
	}
	head, err := w.s3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: bucket})
	if err != nil || *head.BucketRegion != "eu-west-1" {
		t.Errorf("head %+v, error %v", head, err)
	}
	w.putIn(t, *bucket, "key", "x")
	_, err = w.s3.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: bucket})
	wantCode(t, err, "BucketNotEmpty")
	_, err = w.s3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: aws.String("key")})
	wantCode(t, err, "")
	_, err = w.s3.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: bucket})
	wantCode(t, err, "")
	buckets, err := w.s3.ListBuckets(ctx, &s3.ListBucketsInput{})
	if err != nil || len(buckets.Buckets) != 1 || *buckets.Buckets[0].Name != shared {
		t.Errorf("buckets %+v, error %v", buckets, err)
	}
}

func TestBucketPolicyComesBackAsItWasSent(t *testing.T) {
	t.Parallel()
	w := newS3World(t)
	ctx := t.Context()
	role := w.role(t, "reader", trustOf(rootARN))
	const foreign = `{ "Sid":"foreign",	"Effect":"Deny", "Principal":"*", "Action":["s3:GetObject"],
		"Resource":"arn:aws:s3:::shared-bucket/*", "Condition":{"StringEquals":{"aws:PrincipalTag/<&>":["a","b"]}} }`
	document := func(principal, account string) string {
		return "\n{\"Version\" : \"2012-10-17\", \"Statement\":[" + foreign + `,{"Effect":"Allow","Principal":{"AWS":["` + principal + `","` + account + `"]},` +
			`"Action":"s3:GetObject","Resource":"arn:aws:s3:::shared-bucket/*","Condition":{"ArnEquals":{"aws:PrincipalArn":"` + role + `"}}}]}`
	}
	stored := func() string {
		out, err := w.s3.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: aws.String(shared)})
		if err != nil {
			t.Fatal(err)
		}
		return *out.Policy
	}
	_, err := w.s3.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: aws.String(shared), Policy: aws.String(document(role, account))})
	wantCode(t, err, "")
	if got, want := stored(), document(role, rootARN); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	created, err := w.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("reader")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.iam.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: aws.String("reader")}); err != nil {
		t.Fatal(err)
	}
	if got, want := stored(), document(*created.Role.RoleId, rootARN); got != want {
		t.Errorf("after the role is deleted got\n%s\nwant\n%s", got, want)
	}
	w.role(t, "reader", trustOf(rootARN))
	if got, want := stored(), document(*created.Role.RoleId, rootARN); got != want {
		t.Errorf("after another role has the name got\n%s\nwant\n%s", got, want)
	}
	_, err = w.s3.DeleteBucketPolicy(ctx, &s3.DeleteBucketPolicyInput{Bucket: aws.String(shared)})
	wantCode(t, err, "")
	_, err = w.s3.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: aws.String(shared)})
	wantCode(t, err, "NoSuchBucketPolicy")
}

func TestGrantToARoleEndsWithTheRole(t *testing.T) {
	t.Parallel()
	w := newS3World(t)
	w.put(t, "key", "x")
	role := w.role(t, "reader", trustOf(rootARN))
	w.setPolicy(t, `{"Effect":"Allow","Principal":{"AWS":"`+role+`"},"Action":"s3:GetObject","Resource":"`+bucketARN("/*")+`"}`)
	_, err := s3.NewFromConfig(w.as(w.assume(t, role))).GetObject(t.Context(), get("key"))
	wantCode(t, err, "")
	if _, err := w.iam.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: aws.String("reader")}); err != nil {
		t.Fatal(err)
	}
	w.role(t, "reader", trustOf(rootARN))
	_, err = s3.NewFromConfig(w.as(w.assume(t, role))).GetObject(t.Context(), get("key"))
	wantCode(t, err, "AccessDenied")
}

func TestPublicAccess(t *testing.T) {
	t.Parallel()
	w := newS3World(t)
	ctx := t.Context()
	w.put(t, "key", "x")
	public := `{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"` + bucketARN("/*") + `"}`
	_, err := w.s3.PutBucketPolicy(ctx, policyInput(public))
	wantRefusal(t, err, "AccessDenied", "BlockPublicPolicy") // a new bucket blocks public policies
	_, err = w.s3.PutPublicAccessBlock(ctx, &s3.PutPublicAccessBlockInput{Bucket: aws.String(shared), PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{}})
	wantCode(t, err, "InvalidRequest")
	_, err = w.s3.DeletePublicAccessBlock(ctx, &s3.DeletePublicAccessBlockInput{Bucket: aws.String(shared)})
	wantCode(t, err, "")
	_, err = w.s3.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: aws.String(shared)})
	wantCode(t, err, "NoSuchPublicAccessBlockConfiguration")
	w.setPolicy(t, public)
	status, err := w.s3.GetBucketPolicyStatus(ctx, &s3.GetBucketPolicyStatusInput{Bucket: aws.String(shared)})
	if err != nil || !*status.PolicyStatus.IsPublic {
		t.Errorf("status %+v, error %v", status, err)
	}
	anybody := s3.NewFromConfig(w.config("", "", ""), func(o *s3.Options) { o.Credentials = aws.AnonymousCredentials{} })
	if got := read(t, anybody, get("key")); got != "x" {
		t.Errorf("read %q", got)
	}
	_, err = anybody.ListObjectsV2(ctx, list(""))
	wantCode(t, err, "AccessDenied")
	_, err = w.s3.PutPublicAccessBlock(ctx, &s3.PutPublicAccessBlockInput{
		Bucket: aws.String(shared), PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{RestrictPublicBuckets: aws.Bool(true)},
	})
	wantCode(t, err, "")
	_, err = anybody.GetObject(ctx, get("key"))
	wantCode(t, err, "AccessDenied")
	block, err := w.s3.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: aws.String(shared)})
	if err != nil || *block.PublicAccessBlockConfiguration.BlockPublicPolicy || !*block.PublicAccessBlockConfiguration.RestrictPublicBuckets {
		t.Errorf("settings %+v, error %v", block, err)
	}
}

func TestACLsAreOff(t *testing.T) {
	t.Parallel()
	w := newS3World(t)
	ctx, bucket, key := t.Context(), aws.String(shared), aws.String("key")
	put := func(acl types.ObjectCannedACL) error {
		_, err := w.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: key, ACL: acl})
		return err
	}
	wantCode(t, put("public-read"), "AccessControlListNotSupported")
	wantCode(t, put("bucket-owner-full-control"), "")
	_, err := w.s3.PutObjectAcl(ctx, &s3.PutObjectAclInput{Bucket: bucket, Key: key, ACL: "public-read"})
	wantCode(t, err, "AccessControlListNotSupported")
	acl, err := w.s3.GetObjectAcl(ctx, &s3.GetObjectAclInput{Bucket: bucket, Key: key})
	if err != nil || len(acl.Grants) != 1 || acl.Grants[0].Permission != types.PermissionFullControl {
		t.Errorf("ACL %+v, error %v", acl, err)
	}
	client := w.session(t, "writer", policyOf(grant("s3:PutObject", bucketARN("/*"))))
	_, err = client.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: key, ACL: "bucket-owner-full-control"})
	wantRefusal(t, err, "AccessDenied", "s3:PutObjectAcl")
	controls := &types.OwnershipControls{Rules: []types.OwnershipControlsRule{{ObjectOwnership: "ObjectWriter"}}}
	_, err = w.s3.PutBucketOwnershipControls(ctx, &s3.PutBucketOwnershipControlsInput{Bucket: bucket, OwnershipControls: controls})
	wantCode(t, err, "")
	wantCode(t, put("private"), "")
	wantRefusal(t, put("public-read"), "AccessDenied", "BlockPublicAcls")
	_, err = w.s3.DeleteBucketOwnershipControls(ctx, &s3.DeleteBucketOwnershipControlsInput{Bucket: bucket})
	wantCode(t, err, "")
	_, err = w.s3.GetBucketOwnershipControls(ctx, &s3.GetBucketOwnershipControlsInput{Bucket: bucket})
	wantCode(t, err, "OwnershipControlsNotFoundError")
}

func TestExpectedBucketOwner(t *testing.T) {
	t.Parallel()
	w := newS3World(t)
	w.put(t, "key", "x")
	input := get("key")
	input.ExpectedBucketOwner = aws.String("111122223333")
	_, err := w.s3.GetObject(t.Context(), input)
	wantCode(t, err, "AccessDenied")
	input.ExpectedBucketOwner = aws.String(account)
	_, err = w.s3.GetObject(t.Context(), input)
	wantCode(t, err, "")
}

func TestVirtualHostStyle(t *testing.T) {
	t.Parallel()
	w := newS3World(t)
	w.put(t, "a/key", "x")
	// No name server need know the names below localhost.
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", strings.TrimPrefix(w.url, "http://"))
	}
	for _, endpoint := range []string{"http://localhost", "http://s3.localhost", "http://s3.us-east-1.localhost"} {
		t.Run(endpoint, func(t *testing.T) {
			t.Parallel()
			client := s3.NewFromConfig(w.config("localaws", "localaws", ""), func(o *s3.Options) {
				o.BaseEndpoint = &endpoint
				o.HTTPClient = &http.Client{Transport: &http.Transport{DialContext: dial}}
			})
			if got := read(t, client, get("a/key")); got != "x" {
				t.Errorf("read %q", got)
			}
			listed, err := client.ListObjectsV2(t.Context(), list("a/"))
			if err != nil || len(listed.Contents) != 1 {
				t.Errorf("listed %+v, error %v", listed, err)
			}
		})
	}
}

func TestCallsAreRecorded(t *testing.T) {
	t.Parallel()
	w := newS3World(t)
	w.server.ResetCalls()
	w.put(t, "key", "x")
	_, err := w.s3.GetObject(t.Context(), get("nothing"))
	wantCode(t, err, "NoSuchKey")
	want := map[localaws.Call]int{
		{Service: "s3", Operation: "PutObject", Principal: adminARN, Write: true}:       1,
		{Service: "s3", Operation: "GetObject", Principal: adminARN, Code: "NoSuchKey"}: 1,
	}
	got := w.server.CallCounts()
	for call, count := range want {
		if got[call] != count {
			t.Errorf("%+v was counted %d times, want %d; all are %+v", call, got[call], count, got)
		}
	}
}

func TestAnswerOfAnEffectCanBeLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *localaws.Options) {
		o.Fault = func(c localaws.Call) *localaws.Fault {
			if c.Action() != "s3:PutBucketPolicy" {
				return nil
			}
			return &localaws.Fault{Code: "InternalError", Status: http.StatusInternalServerError, AfterEffect: true}
		}
	})
	client := s3.NewFromConfig(w.config("localaws", "localaws", ""))
	_, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(shared)})
	wantCode(t, err, "")
	_, err = client.PutBucketPolicy(t.Context(), policyInput(`{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"`+bucketARN("/*")+`"}`))
	wantCode(t, err, "InternalError")
	_, err = client.GetBucketPolicy(t.Context(), &s3.GetBucketPolicyInput{Bucket: aws.String(shared)})
	wantCode(t, err, "")
}

func TestAnEmptyListCountsItsKeys(t *testing.T) {
	t.Parallel()
	w := newS3World(t)
	listed, err := w.s3.ListObjectsV2(t.Context(), list("nothing/"))
	if err != nil {
		t.Fatal(err)
	}
	if listed.KeyCount == nil || *listed.KeyCount != 0 {
		t.Errorf("KeyCount is %v, want 0", listed.KeyCount)
	}
	w.put(t, "something", "here")
	if listed, err = w.s3.ListObjectsV2(t.Context(), list("something")); err != nil {
		t.Fatal(err)
	}
	if listed.KeyCount == nil || *listed.KeyCount != 1 {
		t.Errorf("KeyCount is %v, want 1", listed.KeyCount)
	}
}
