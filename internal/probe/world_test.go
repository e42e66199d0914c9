package probe

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/litentry/wallet-federation/broker"
	"github.com/litentry/wallet-federation/internal/brokerconfig"
	"github.com/litentry/wallet-federation/internal/document"
	"github.com/litentry/wallet-federation/internal/localaws"
	bearer "github.com/litentry/wallet-federation/internal/session"
	"github.com/litentry/wallet-federation/internal/signingkey"
	"github.com/litentry/wallet-federation/internal/token"
	"github.com/litentry/wallet-federation/internal/wallet"
)

const (
	roleName   = "agentkeys-user-bots"
	roleARN    = "arn:aws:iam::123456789012:role/" + roleName
	bucketName = "agentkeys-vault"
)

// world is a healthy federation on the stand-in: a broker, a provider, a role and
// a bucket, with the documents that the operator would write.
type world struct {
	aws         *localaws.Server
	broker      *broker.Server
	door        *swappable
	settings    *brokerconfig.Config
	keys        *signingkey.Set
	sessionKeys *bearer.KeySet
	iam         *iam.Client
	s3          *s3.Client
	federation  document.Federation
	bucket      document.Bucket
	config      Config
	fault       atomic.Pointer[func(localaws.Call) *localaws.Fault]
}

// swappable is a handler that can be put in place, and replaced, while it serves.
type swappable struct{ handler atomic.Pointer[http.Handler] }

func (s *swappable) set(handler http.Handler) { s.handler.Store(&handler) }

func (s *swappable) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	(*s.handler.Load()).ServeHTTP(w, r)
}

func newWorld(t *testing.T, change ...func(*world)) *world {
	t.Helper()
	w := &world{door: &swappable{}, bucket: document.Bucket{
		Name: bucketName, Prefix: "bots/",
		Access: []document.Access{document.AccessList, document.AccessRead, document.AccessWrite, document.AccessDelete},
	}}
	for _, c := range change {
		c(w)
	}
	w.startBroker(t)
	w.startAWS(t)
	w.federate(t)
	return w
}

func (w *world) startBroker(t *testing.T) {
	t.Helper()
	listener := httptest.NewServer(w.door)
	t.Cleanup(listener.Close)
	keys, err := signingkey.New(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	w.keys, w.sessionKeys = keys, bearer.NewKeySet(time.Now())
	w.config = Config{
		IssuerURL: listener.URL,
		Token: token.Profile{
			Issuer: listener.URL, Audience: token.DefaultAudience, SubjectPrefix: token.DefaultSubjectPrefix,
			WalletTagKey: token.DefaultWalletTagKey, Lifetime: token.DefaultLifetime,
		},
		Key:     keys.Active(),
		RoleARN: roleARN,
		Buckets: []document.Bucket{w.bucket},
		Region:  "us-east-1",
	}
	for i := range w.config.Wallets {
		if w.config.Wallets[i], err = wallet.GenerateKey(); err != nil {
			t.Fatal(err)
		}
	}
	w.settings = &brokerconfig.Config{
		Issuer: listener.URL,
		Token: brokerconfig.Token{
			Audience: token.DefaultAudience, LifetimeSeconds: 300,
			SubjectPrefix: token.DefaultSubjectPrefix, WalletTagKey: token.DefaultWalletTagKey,
		},
		Session:   brokerconfig.Session{LifetimeSeconds: 3600},
		Login:     brokerconfig.Login{ChainIDs: []uint64{1}},
		Admission: brokerconfig.Admission{Mode: "AllowList", ProbeWallets: []wallet.Address{w.config.Wallets[0].Address(), w.config.Wallets[1].Address()}},
		Roles:     []string{roleARN},
		Limits:    brokerconfig.Default().Limits,
	}
	w.broker, err = broker.New(broker.Options{State: w.state(w.settings)})
	if err != nil {
		t.Fatal(err)
	}
	w.door.set(w.broker)
}

// state is what the broker answers from, with the given settings.
func (w *world) state(settings *brokerconfig.Config) broker.State {
	return broker.State{Config: settings, Keys: w.keys, SessionKeys: w.sessionKeys}
}

func (w *world) startAWS(t *testing.T) {
	t.Helper()
	server, err := localaws.New(localaws.Options{Fault: func(call localaws.Call) *localaws.Fault {
		if fault := w.fault.Load(); fault != nil {
			return (*fault)(call)
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(server)
	t.Cleanup(listener.Close)
	w.aws, w.config.EndpointURL = server, listener.URL
	administrator := aws.Config{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(listener.URL),
		Credentials:  credentials.NewStaticCredentialsProvider("localaws", "localaws", ""),
	}
	w.iam = iam.NewFromConfig(administrator)
	w.s3 = s3.NewFromConfig(administrator, func(o *s3.Options) { o.UsePathStyle = true })
}

// federate registers the issuer and writes the documents.
func (w *world) federate(t *testing.T) {
	t.Helper()
	provider, err := w.iam.CreateOpenIDConnectProvider(t.Context(), &iam.CreateOpenIDConnectProviderInput{
		Url: aws.String(w.config.IssuerURL), ClientIDList: []string{token.DefaultAudience},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.federation = document.Federation{
		Partition: "aws", RoleARN: roleARN, ProviderARN: aws.ToString(provider.OpenIDConnectProviderArn),
		IssuerURL: w.config.IssuerURL, Audience: token.DefaultAudience,
		SubjectPrefix: token.DefaultSubjectPrefix, WalletTagKey: token.DefaultWalletTagKey,
	}
	trust, err := w.federation.TrustPolicy()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.iam.CreateRole(t.Context(), &iam.CreateRoleInput{
		RoleName: aws.String(roleName), AssumeRolePolicyDocument: aws.String(string(trust)),
	}); err != nil {
		t.Fatal(err)
	}
	w.addBucket(t, w.bucket)
}

// addBucket makes a bucket with the statements of the federation.
func (w *world) addBucket(t *testing.T, bucket document.Bucket) {
	t.Helper()
	if _, err := w.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(bucket.Name)}); err != nil {
		t.Fatal(err)
	}
	w.putStatements(t, bucket, w.statements(t, bucket))
}

func (w *world) statements(t *testing.T, bucket document.Bucket) []document.Statement {
	t.Helper()
	statements, err := w.federation.BucketStatements(bucket)
	if err != nil {
		t.Fatal(err)
	}
	return statements
}

// putStatements writes a policy of these statements alone.
func (w *world) putStatements(t *testing.T, bucket document.Bucket, statements []document.Statement) {
	t.Helper()
	policy, _, err := document.MergeBucketPolicy(nil, w.federation.SidPrefix(), statements)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.s3.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{
		Bucket: aws.String(bucket.Name), Policy: aws.String(string(policy)),
	}); err != nil {
		t.Fatal(err)
	}
}

// editBucketPolicy writes the policy with each of our statements changed; one
// for which change is false is left out.
func (w *world) editBucketPolicy(t *testing.T, change func(purpose string, s *document.Statement) bool) {
	t.Helper()
	var edited []document.Statement
	for _, statement := range w.statements(t, w.bucket) {
		if change(strings.TrimPrefix(statement.Sid, string(w.federation.SidPrefix())), &statement) {
			edited = append(edited, statement)
		}
	}
	w.putStatements(t, w.bucket, edited)
}

// strip takes out of the bucket's policy our statements whose purpose begins so.
func (w *world) strip(t *testing.T, purpose string) {
	t.Helper()
	w.editBucketPolicy(t, func(p string, _ *document.Statement) bool { return !strings.HasPrefix(p, purpose) })
}

// editTrust writes the trust policy with the conditions of each statement changed.
func (w *world) editTrust(t *testing.T, change func(conditions map[string]map[string]any)) {
	t.Helper()
	policy, err := w.federation.TrustPolicy()
	if err != nil {
		t.Fatal(err)
	}
	var trust struct {
		Version   string
		Statement []struct {
			Effect, Action string
			Principal      map[string]string
			Condition      map[string]map[string]any `json:",omitempty"`
		}
	}
	if err := json.Unmarshal(policy, &trust); err != nil {
		t.Fatal(err)
	}
	for _, statement := range trust.Statement {
		change(statement.Condition)
		maps.DeleteFunc(statement.Condition, func(_ string, keys map[string]any) bool { return len(keys) == 0 })
	}
	edited, err := json.Marshal(trust)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.iam.UpdateAssumeRolePolicy(t.Context(), &iam.UpdateAssumeRolePolicyInput{
		RoleName: aws.String(roleName), PolicyDocument: aws.String(string(edited)),
	}); err != nil {
		t.Fatal(err)
	}
}

// allowEverything attaches a policy to the role that allows all of S3.
func (w *world) allowEverything(t *testing.T) {
	t.Helper()
	const everything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`
	if _, err := w.iam.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{
		RoleName: aws.String(roleName), PolicyName: aws.String("broad"), PolicyDocument: aws.String(everything),
	}); err != nil {
		t.Fatal(err)
	}
}

// addStatement appends a statement of others to the bucket's policy.
func (w *world) addStatement(t *testing.T, statement document.Statement) {
	t.Helper()
	current, err := w.s3.GetBucketPolicy(t.Context(), &s3.GetBucketPolicyInput{Bucket: aws.String(bucketName)})
	if err != nil {
		t.Fatal(err)
	}
	policy, _, err := document.MergeBucketPolicy([]byte(aws.ToString(current.Policy)), document.SidPrefix(statement.Sid), []document.Statement{statement})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.s3.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{
		Bucket: aws.String(bucketName), Policy: aws.String(string(policy)),
	}); err != nil {
		t.Fatal(err)
	}
}

// breakCalls lets calls of AWS fail.
func (w *world) breakCalls(fault func(localaws.Call) *localaws.Fault) { w.fault.Store(&fault) }

// theirs is a statement of others that allows the role everything in the bucket.
func theirs() document.Statement {
	return document.Statement{
		Sid: "Theirs", Effect: "Allow", Principal: document.Principal{AWS: roleARN},
		Action:   document.Strings{"s3:*"},
		Resource: document.Strings{"arn:aws:s3:::" + bucketName, "arn:aws:s3:::" + bucketName + "/*"},
	}
}

// remint changes the JWTs that the broker mints, by the wallet they are for.
func (w *world) remint(t *testing.T, change func(wallet.Address, string) string) {
	t.Helper()
	w.door.set(http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		if !strings.HasSuffix(request.URL.Path, "/v1/mint-oidc-jwt") {
			w.broker.ServeHTTP(writer, request)
			return
		}
		recorder := httptest.NewRecorder()
		w.broker.ServeHTTP(recorder, request)
		var minted map[string]any
		if err := json.Unmarshal(recorder.Body.Bytes(), &minted); err != nil {
			http.Error(writer, "unreadable", http.StatusInternalServerError)
			return
		}
		address, _ := minted["wallet"].(string)
		jwt, _ := minted["jwt"].(string)
		minted["jwt"] = change(wallet.Address(address), jwt)
		_ = json.NewEncoder(writer).Encode(minted)
	}))
}

// signed is a token of a wallet, with its claims changed.
func (w *world) signed(t *testing.T, address wallet.Address, change func(claims map[string]any)) string {
	t.Helper()
	claims := w.config.Token.Claims(address, []string{roleARN}, time.Now(), "jti")
	change(claims)
	jwt, err := token.Sign(w.keys.Active(), claims)
	if err != nil {
		t.Error(err) // not Fatal: brokers mint in goroutines of their own
	}
	return jwt
}

// objects are the keys of the bucket, as its owner sees them.
func (w *world) objects(t *testing.T) []string {
	t.Helper()
	output, err := w.s3.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(bucketName)})
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, object := range output.Contents {
		keys = append(keys, aws.ToString(object.Key))
	}
	return keys
}
