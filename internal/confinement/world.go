package confinement

import (
	"fmt"
	"strings"

	"github.com/litentry/wallet-federation/internal/document"
	"github.com/litentry/wallet-federation/internal/policy"
)

// Wallets that stand for all: any statement that tells two wallets apart by name
// is found through the names in it.
const (
	ownWallet     = "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"
	foreignWallet = "0xfb6916095ca1df60bb79ce92ce3ea74c37c5d359"
	otherBucket   = "wallet-federation-any-other-bucket"
)

// world is what requests are made in: one session of the role, for ownWallet.
type world struct {
	partition string
	session   *policy.Principal
	tagKey    string
	buckets   map[string]document.Bucket // by ARN
	order     []string                   // ARNs of buckets
}

func newWorld(roleARN string, buckets []document.Bucket, tagKey string) (*world, error) {
	parts := strings.SplitN(roleARN, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "iam" || !strings.HasPrefix(parts[5], "role/") {
		return nil, fmt.Errorf("%q is not the ARN of a role", roleARN)
	}
	partition, account := parts[1], parts[4]
	name := parts[5][strings.LastIndexByte(parts[5], '/')+1:]
	w := &world{
		partition: partition,
		tagKey:    tagKey,
		buckets:   map[string]document.Bucket{},
		session: &policy.Principal{
			Type:        policy.AssumedRole,
			ARN:         "arn:" + partition + ":sts::" + account + ":assumed-role/" + name + "/wallet",
			RoleARN:     roleARN,
			UniqueID:    "AROAWALLETFEDERATION1",
			Account:     account,
			SessionName: "wallet",
		},
	}
	for _, bucket := range buckets {
		arn := w.bucketARN(bucket.Name)
		w.buckets[arn] = bucket
		w.order = append(w.order, arn)
	}
	return w, nil
}

func (w *world) bucketARN(name string) string { return "arn:" + w.partition + ":s3:::" + name }

// request is something that a wallet's session may try.
type request struct {
	action, resource string
	// prefix is s3:prefix; nil when the request has none.
	prefix *string
}

func (w *world) evaluation(r *request) *policy.Request {
	context := policy.Context{}
	w.session.AddTo(context, map[string]string{w.tagKey: ownWallet})
	if r.prefix != nil {
		context.Set("s3:prefix", *r.prefix)
	}
	return &policy.Request{Principal: w.session, Action: r.action, Resource: r.resource, Context: context}
}

// isConfined says whether a request is one that a wallet may be granted: below
// its own prefix, or the location of a managed bucket.
func (w *world) isConfined(r *request) bool {
	if bucket, ok := w.buckets[r.resource]; ok {
		switch strings.ToLower(r.action) {
		case "s3:getbucketlocation":
			return true
		case "s3:listbucket", "s3:listbucketversions":
			return r.prefix != nil && strings.HasPrefix(*r.prefix, bucket.Prefix+ownWallet+"/")
		}
		return false
	}
	for arn, bucket := range w.buckets {
		if strings.HasPrefix(r.resource, arn+"/"+bucket.Prefix+ownWallet+"/") {
			return true
		}
	}
	return false
}
