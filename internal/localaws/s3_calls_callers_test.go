package localaws_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// caller is a client of who made the recorded call.
func (st *stage) caller(t *testing.T) *s3.Client {
	t.Helper()
	switch kind := st.row.Principal.Type; {
	case kind == "anonymous":
		return s3.NewFromConfig(st.config("", "", ""), func(o *s3.Options) { o.Credentials = aws.AnonymousCredentials{} })
	case strings.HasPrefix(kind, "owner account"), strings.HasPrefix(kind, "bucket owner"), len(st.policies.Identity) > 0 && st.policies.Identity[0] == '"':
		return st.admin
	}
	if st.row.Principal.Type == "user" {
		return s3.NewFromConfig(st.userConfig(t))
	}
	config := st.sessionConfig(t)
	if strings.HasSuffix(st.row.Principal.Type, "another account") {
		listener := httptest.NewServer(st.server.ForeignHandler(otherAccount))
		t.Cleanup(listener.Close)
		config.BaseEndpoint = &listener.URL
	}
	return s3.NewFromConfig(config)
}

// recordedName is that of a user, a role or a session that has none in the row.
const recordedName = "recorded"

// userConfig makes the row's user, with its policies and an access key.
func (st *stage) userConfig(t *testing.T) aws.Config {
	t.Helper()
	name := aws.String(recordedName)
	_, err := st.iam.CreateUser(t.Context(), &iam.CreateUserInput{UserName: name})
	wantCode(t, err, "")
	for _, document := range st.identity(t) {
		_, err := st.iam.PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{UserName: name, PolicyName: name, PolicyDocument: &document})
		wantCode(t, err, "")
	}
	if boundary := st.boundary(t); boundary != nil {
		_, err = st.iam.PutUserPermissionsBoundary(t.Context(), &iam.PutUserPermissionsBoundaryInput{UserName: name, PermissionsBoundary: boundary})
		wantCode(t, err, "")
	}
	key, err := st.iam.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: name})
	wantCode(t, err, "")
	return st.config(*key.AccessKey.AccessKeyId, *key.AccessKey.SecretAccessKey, "")
}

// identity are the identity policies of the row.
func (st *stage) identity(t *testing.T) []string {
	t.Helper()
	var documents []json.RawMessage
	if err := json.Unmarshal(st.policies.Identity, &documents); err != nil {
		t.Fatal(err)
	}
	texts := make([]string, len(documents))
	for i, document := range documents {
		texts[i] = string(document)
	}
	return texts
}

// boundary makes the row's permissions boundary; nil if it has none.
func (st *stage) boundary(t *testing.T) *string {
	t.Helper()
	if len(st.policies.Boundary) == 0 {
		return nil
	}
	out, err := st.iam.CreatePolicy(t.Context(), &iam.CreatePolicyInput{
		PolicyName: aws.String("boundary"), PolicyDocument: aws.String(string(st.policies.Boundary[0])),
	})
	wantCode(t, err, "")
	return out.Policy.Arn
}

// sessionConfig makes the row's role, with its policies, and assumes it.
func (st *stage) sessionConfig(t *testing.T) aws.Config {
	t.Helper()
	orRecorded := func(name string) string {
		if name == "" {
			return recordedName
		}
		return name
	}
	name := orRecorded(st.row.Principal.RoleARN[strings.LastIndexByte(st.row.Principal.RoleARN, '/')+1:])
	role := st.role(t, name, trustOf(rootARN))
	for _, document := range st.identity(t) {
		st.allow(t, name, document)
	}
	if boundary := st.boundary(t); boundary != nil {
		_, err := st.iam.PutRolePermissionsBoundary(t.Context(), &iam.PutRolePermissionsBoundaryInput{RoleName: &name, PermissionsBoundary: boundary})
		wantCode(t, err, "")
	}
	input := &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String(orRecorded(st.row.Principal.SessionName))}
	for _, document := range st.policies.Session {
		input.Policy = aws.String(string(document))
	}
	out, err := st.sts.AssumeRole(t.Context(), input)
	wantCode(t, err, "")
	return st.as(out.Credentials)
}
