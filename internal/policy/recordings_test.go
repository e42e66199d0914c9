package policy

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// minReplayed is how many recordings must be replayed: a change that makes rows
// inexpressible in bulk has to lower it in plain sight.
const minReplayed = 109

// recording is a row of testdata/policy.json: what AWS answered once.
type recording struct {
	ID         string          `json:"id"`
	Name       string          `json:"name"`
	Policies   json.RawMessage `json:"policies"`
	Principal  recordedCaller  `json:"principal"`
	Request    recordedRequest `json:"request"`
	ACL        *recordedACL    `json:"acl"`
	Outcome    string          `json:"outcome"`
	Code       any             `json:"code"`
	Note       string          `json:"note"`
	HTTPStatus int             `json:"http_status"`
}

type recordedCaller struct {
	Type        string            `json:"type"`
	ARN         string            `json:"arn"`
	RoleARN     string            `json:"role_arn"`
	Role        string            `json:"role"`
	SessionName string            `json:"session_name"`
	Tags        map[string]string `json:"tags"`
}

type recordedRequest struct {
	Operation    string              `json:"operation"`
	Action       string              `json:"action"`
	Resource     string              `json:"resource"`
	Params       map[string]any      `json:"params"`
	Context      map[string][]string `json:"context"`
	ContextTypes map[string]string   `json:"context_types"`
	Checks       [][2]string         `json:"authorization_checks"`
	BlockPublic  map[string]bool     `json:"public_access_block"`
}

type recordedACL struct {
	Object       string `json:"object_acl"`
	IgnorePublic bool   `json:"ignore_public_acls"`
}

type recordedPolicies struct {
	Identity json.RawMessage   `json:"identity"`
	Boundary []json.RawMessage `json:"boundary"`
	Session  []json.RawMessage `json:"session"`
	Resource json.RawMessage   `json:"resource"`
}

const (
	recordedAccount = "123456789012"
	otherAccount    = "111122223333"
)

func TestRecordingsOfAWSAreReproduced(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/policy.json")
	if err != nil {
		t.Fatal(err)
	}
	var rows []recording
	if err := json.Unmarshal(data, &rows); err != nil {
		t.Fatal(err)
	}
	replayed, skipped := 0, map[string][]string{}
	for _, row := range rows {
		if reason := row.skip(); reason != "" {
			skipped[reason] = append(skipped[reason], row.ID)
			continue
		}
		replayed++
		t.Run(row.ID+" "+row.Name, func(t *testing.T) {
			t.Parallel()
			row.replay(t)
		})
	}
	for reason, ids := range skipped {
		slices.Sort(ids)
		t.Logf("skipped %d: %s: %s", len(ids), reason, strings.Join(ids, " "))
	}
	t.Logf("replayed %d of %d recordings", replayed, len(rows))
	if replayed < minReplayed {
		t.Errorf("only %d recordings were replayed, want at least %d", replayed, minReplayed)
	}
}

// skip returns why a row says nothing about the policy language, or "".
func (r *recording) skip() string {
	switch {
	case r.Code == "ValidationError", strings.HasPrefix(r.Name, "iam-tags/"):
		return "tag validation by IAM, before or after authorization"
	case strings.Contains(r.Name, "composition_same_root_no_identity"),
		strings.Contains(r.Name, "boundary_implicit") && strings.Contains(r.Name, "_root_"):
		return "the simulator takes a grant to the account for one to its users, live AWS does not"
	case r.Request.BlockPublic["RestrictPublicBuckets"], strings.Contains(r.Name, "public-access/pab."),
		r.Request.Operation == "GetPublicAccessBlock", r.Request.Operation == "PutPublicAccessBlock",
		r.Request.Operation == "GetBucketPolicyStatus",
		r.Request.Operation == "PutBucketPolicy" && r.Request.BlockPublic["BlockPublicPolicy"],
		r.Request.Operation == "GetBucketPolicy":
		return "Block Public Access and bucket configuration, which S3 answers"
	case r.ACL != nil && r.ACL.Object == "public-read" && !r.ACL.IgnorePublic:
		return "decided by an object ACL"
	case r.Outcome == "error" && !r.malformed():
		return "S3 answers an error before or after authorization"
	}
	return ""
}

// malformed reports whether AWS refused a policy document for its content.
func (r *recording) malformed() bool {
	return r.Code == "MalformedPolicy" || r.Code == "InvalidInput"
}

func (r *recording) replay(t *testing.T) {
	t.Helper()
	var recorded recordedPolicies
	if err := json.Unmarshal(r.filled(r.Policies), &recorded); err != nil {
		t.Fatal(err)
	}
	if r.Request.Operation == "PutBucketPolicy" || r.malformed() {
		_, err := Parse(Bucket, recorded.Resource)
		if refused := err != nil; refused != r.malformed() {
			t.Errorf("parsing the bucket policy: %v, AWS answered %v", err, r.Code)
		}
		return
	}
	policies := recorded.parse(t)
	caller := r.caller()
	ctx := Context{}
	caller.AddTo(ctx, r.Principal.Tags)
	for key, values := range r.Request.Context {
		if r.Request.ContextTypes[key] == "stringList" {
			ctx.SetList(key, values...)
		} else {
			ctx.Set(key, values[0])
		}
	}
	allowed := true
	var explained []string
	for _, check := range r.checks(t) {
		d := policies.Evaluate(&Request{
			Principal: caller, Action: check[0], Resource: check[1],
			ResourceAccount: r.resourceAccount(caller), Context: ctx,
		})
		allowed = allowed && d.Allowed()
		explained = append(explained, d.Explain())
	}
	if want := r.Outcome == "allow"; allowed != want {
		t.Errorf("allowed = %v, AWS answered %s (%v): %s", allowed, r.Outcome, r.Code, strings.Join(explained, "; "))
	}
}

// filled puts example values in place of the transcript's placeholders.
func (r *recording) filled(raw []byte) []byte {
	return []byte(strings.NewReplacer(
		"${kmsArn}", "arn:aws:kms:us-east-1:123456789012:key/example",
		"${account}", recordedAccount,
		"${otherAccount}", otherAccount,
	).Replace(string(raw)))
}

func (p *recordedPolicies) parse(t *testing.T) *Policies {
	t.Helper()
	policies := &Policies{}
	var identity []json.RawMessage
	if len(p.Identity) > 0 && p.Identity[0] == '"' {
		identity = []json.RawMessage{[]byte(allowAll)} // "bucket owner administrator"
	} else if len(p.Identity) > 0 {
		if err := json.Unmarshal(p.Identity, &identity); err != nil {
			t.Fatal(err)
		}
	}
	for _, document := range identity {
		policies.Identity = append(policies.Identity, parsed(t, Identity, "identity policy", string(document)))
	}
	for _, document := range p.Session {
		policies.Session = append(policies.Session, parsed(t, Identity, "session policy", string(document)))
	}
	for _, document := range p.Boundary {
		boundary := parsed(t, Identity, "permissions boundary", string(document))
		policies.Boundary = &boundary
	}
	if len(p.Resource) > 0 && string(p.Resource) != "null" {
		resource := parsed(t, Bucket, "bucket policy", string(p.Resource))
		policies.Resource = &resource
	}
	return policies
}

// checks returns the actions and resources that the operation needs.
func (r *recording) checks(t *testing.T) [][2]string {
	t.Helper()
	switch {
	case r.Request.Action != "":
		return [][2]string{{r.Request.Action, r.Request.Resource}}
	case len(r.Request.Checks) > 0:
		return r.Request.Checks
	case r.Request.Operation == "GetObject":
		bucket, _ := r.Request.Params["Bucket"].(string)
		key, _ := r.Request.Params["Key"].(string)
		return [][2]string{{"s3:GetObject", "arn:aws:s3:::" + bucket + "/" + key}}
	}
	t.Fatalf("no rule maps operation %q to actions; replay it or skip it with a reason", r.Request.Operation)
	return nil
}

func (r *recording) caller() *Principal {
	p := &Principal{Account: recordedAccount}
	switch kind := r.Principal.Type; {
	case kind == "anonymous":
		return &Principal{Type: Anonymous}
	case strings.HasPrefix(kind, "bucket owner"):
		p.Type, p.ARN = Root, "arn:aws:iam::"+recordedAccount+":root"
	case strings.HasPrefix(kind, "assumed-role"):
		if strings.HasSuffix(kind, "another account") {
			p.Account = otherAccount
		}
		p.Type, p.RoleARN, p.SessionName = AssumedRole, r.Principal.RoleARN, r.Principal.SessionName
		if p.RoleARN == "" {
			p.RoleARN = "arn:aws:iam::" + p.Account + ":role/recorded"
		}
		p.UniqueID = "AROAEXAMPLEEXAMPLE"
		name := p.RoleARN[strings.LastIndex(p.RoleARN, "/")+1:]
		p.ARN = "arn:aws:sts::" + p.Account + ":assumed-role/" + name + "/" + p.SessionName
	default:
		p.Type, p.ARN, p.UniqueID = User, r.Principal.ARN, "AIDAEXAMPLEEXAMPLE"
		if p.ARN == "" {
			p.ARN = "arn:aws:iam::" + recordedAccount + ":user/recorded"
		}
		p.Account = strings.Split(p.ARN, ":")[4]
	}
	return p
}

func (r *recording) resourceAccount(caller *Principal) string {
	if caller.Type == Anonymous || strings.HasSuffix(r.Principal.Type, "another account") {
		return recordedAccount
	}
	return caller.Account
}
