package localaws_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
)

// TestSessionsEndWithTheirRole has a bucket policy that grants to the role and to
// the session by name: without it, a session whose role has no policies any more
// could do nothing anyhow.
func TestSessionsEndWithTheirRole(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*testing.T, *world)
		list   string // the code of ListObjectsV2
		ask    string // and of GetCallerIdentity
	}{
		"the role is there":      {func(*testing.T, *world) {}, "", ""},
		"the role was deleted":   {deleteWallets, "InvalidAccessKeyId", "InvalidClientTokenId"},
		"the role was made anew": {remakeWallets, "InvalidAccessKeyId", "InvalidClientTokenId"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			session := grantedSession(t, w)
			test.change(t, w)
			wantCode(t, w.listVault(t, session), test.list)
			_, err := sts.NewFromConfig(w.as(session)).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
			wantCode(t, err, test.ask)
		})
	}
}

func TestSessionsOutliveTheirRoleByTheLag(t *testing.T) {
	t.Parallel()
	w := newLaggingWorld(t)
	createWallets(t, w)
	w.pass(lag)
	session := w.assume(t, walletsARN)
	deleteWallets(t, w)
	w.pass(lag - 1)
	_, err := sts.NewFromConfig(w.as(session)).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	wantCode(t, err, "")
	w.pass(1)
	_, err = sts.NewFromConfig(w.as(session)).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	wantCode(t, err, "InvalidClientTokenId")
}

// grantedSession is a session of the role wallets, which a bucket policy names
// twice.
func grantedSession(t *testing.T, w *world) *ststypes.Credentials {
	t.Helper()
	makeBucket(t, w)
	createWallets(t, w)
	_, err := w.buckets().PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: aws.String("vault"), Policy: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["` + walletsARN + `","` + walletsSessionARN + `"]},` +
			`"Action":"s3:ListBucket","Resource":"arn:aws:s3:::vault"}]}`,
	)})
	wantCode(t, err, "")
	return w.assume(t, walletsARN)
}

// walletsSessionARN is that of what assume makes.
const walletsSessionARN = "arn:aws:sts::" + account + ":assumed-role/wallets/session"

func remakeWallets(t *testing.T, w *world) {
	t.Helper()
	deleteWallets(t, w)
	createWallets(t, w)
}

func (w *world) listVault(t *testing.T, session *ststypes.Credentials) error {
	t.Helper()
	client := s3.NewFromConfig(w.as(session), func(o *s3.Options) { o.UsePathStyle = true })
	_, err := client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("vault")})
	return err
}
