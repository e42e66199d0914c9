package localaws_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"
)

// recording is a row of testdata/sts-*.json, as sts-conventions.json explains.
type recording struct {
	Name         string
	Header       map[string]any `json:"header_full"`
	Alg          string
	ClaimsChange struct {
		Set       map[string]any
		Remove    []string
		Duplicate *struct{ Name, First, Last string } `json:"duplicate_member"`
	} `json:"claims_change"`
	JWKSChange *struct {
		ReplaceKeys []map[string]any `json:"replace_keys"`
	} `json:"jwks_change"`
	TrustChange *json.RawMessage `json:"trust_change"`
	Request     struct {
		DurationSeconds *int32
		ProviderID      *string `json:"ProviderId"`
	}
	Outcome     string
	Message     *string
	MessageForm string `json:"message_form"`
	Output      *struct {
		SubjectFromWebIdentityToken string
		Audience                    string
		SourceIdentity              *string
		Provider                    string
		PackedPolicySize            int32
		ExpirationDelta             *float64 `json:"expiration_delta_s"`
	}
}

// minRecordings is how many rows must be replayed at the least.
const minRecordings = 70

func TestRecordings(t *testing.T) {
	t.Parallel()
	replayed := 0
	for _, file := range []string{"sts-claims.json", "sts-keys.json"} {
		data, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		var rows []recording
		if err := json.Unmarshal(data, &rows); err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			if row.TrustChange != nil && string(*row.TrustChange) != "null" {
				t.Logf("skipped %s/%s: a changed trust policy is not expressed in this file", file, row.Name)
				continue
			}
			replayed++
			t.Run(file+"/"+row.Name, func(t *testing.T) {
				t.Parallel()
				replay(t, &row)
			})
		}
	}
	t.Logf("%d recordings replayed", replayed)
	if replayed < minRecordings {
		t.Errorf("replayed %d recordings, want at least %d", replayed, minRecordings)
	}
}

func replay(t *testing.T, row *recording) {
	t.Helper()
	w, i := newWorld(t), newIssuer(t)
	providerARN := w.provider(t, i)
	roleARN := w.role(t, "probe", federatedTrust(providerARN, "{}"))
	if row.JWKSChange != nil {
		i.jwks.Store(recordedKeys(t, row.JWKSChange.ReplaceKeys))
	}
	payload, claims := row.payload(t, i, w.now)
	out, err := w.sts.AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{
		RoleArn:          &roleARN,
		RoleSessionName:  aws.String("oidc-probe"),
		WebIdentityToken: aws.String(signToken(t, row.Header, payload, row.Alg)),
		DurationSeconds:  row.Request.DurationSeconds,
		ProviderId:       row.Request.ProviderID,
	})
	if row.Outcome != "ok" {
		message := wantCode(t, err, row.Outcome)
		if diff := cmp.Diff(row.message(claims, w.now), message); diff != "" {
			t.Errorf("message (-AWS +ours):\n%s", diff)
		}
		return
	}
	wantCode(t, err, "")
	row.checkOutput(t, out, providerARN, w.now)
}

func (row *recording) checkOutput(t *testing.T, out *sts.AssumeRoleWithWebIdentityOutput, providerARN string, now time.Time) {
	t.Helper()
	type answer struct {
		Subject, Audience, SourceIdentity, Provider string
		Packed                                      int32
		Lifetime                                    time.Duration
	}
	want := answer{
		Subject:        row.Output.SubjectFromWebIdentityToken,
		Audience:       row.Output.Audience,
		SourceIdentity: aws.ToString(row.Output.SourceIdentity),
		Provider:       strings.ReplaceAll(row.Output.Provider, "{provider_arn}", providerARN),
		Packed:         row.Output.PackedPolicySize,
		Lifetime:       time.Hour,
	}
	if row.Output.ExpirationDelta != nil {
		want.Lifetime = time.Duration(*row.Output.ExpirationDelta) * time.Second
	}
	got := answer{
		Subject:        aws.ToString(out.SubjectFromWebIdentityToken),
		Audience:       aws.ToString(out.Audience),
		SourceIdentity: aws.ToString(out.SourceIdentity),
		Provider:       aws.ToString(out.Provider),
		Packed:         aws.ToInt32(out.PackedPolicySize), //nolint:staticcheck // it is what was recorded
		Lifetime:       out.Credentials.Expiration.Sub(now.Truncate(time.Second)),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answer (-AWS +ours):\n%s", diff)
	}
}

// message is AWS's message, with the clock of the replay in it.
func (row *recording) message(claims map[string]any, now time.Time) string {
	form := row.MessageForm
	if form == "" {
		return aws.ToString(row.Message)
	}
	replacements := []string{
		"{server_now-300}", strconv.FormatInt(now.Unix()-300, 10),
		"{server_now+300}", strconv.FormatInt(now.Unix()+300, 10),
	}
	for _, name := range []string{"iat", "nbf", "exp"} {
		replacements = append(replacements, "{"+name+"}", fmt.Sprint(claims[name]))
	}
	return strings.NewReplacer(replacements...).Replace(form)
}

// payload is the token's payload, and the claims in it.
func (row *recording) payload(t *testing.T, i *issuer, now time.Time) ([]byte, map[string]any) {
	t.Helper()
	claims := i.claimsAt(now)
	for name, value := range row.ClaimsChange.Set {
		claims[name] = recordedValue(value, now)
	}
	for _, name := range row.ClaimsChange.Remove {
		delete(claims, name)
	}
	payload := mustJSON(t, claims)
	if d := row.ClaimsChange.Duplicate; d != nil {
		payload = strings.TrimSuffix(payload, "}") + fmt.Sprintf(",%q:%q}", d.Name, d.Last)
	}
	return []byte(payload), claims
}

// recordedValue puts the time into {"$now": -24, "as": "string"}.
func recordedValue(value any, now time.Time) any {
	object, ok := value.(map[string]any)
	offset, isTime := object["$now"].(float64)
	if !ok || !isTime {
		return value
	}
	at := json.Number(strconv.FormatFloat(float64(now.Unix())+offset, 'f', -1, 64))
	if object["as"] == "string" {
		return at.String()
	}
	return at
}

// recordedKeys makes the key set of a row.
func recordedKeys(t *testing.T, replacements []map[string]any) []map[string]any {
	t.Helper()
	var keys []map[string]any
	for _, given := range replacements {
		count := 1
		if _, repeated := given["repeat"]; repeated {
			count = 100
		}
		for n := range count {
			keys = append(keys, recordedKey(t, given, n))
		}
	}
	return keys
}

func recordedKey(t *testing.T, given map[string]any, n int) map[string]any {
	t.Helper()
	alg := "RS256"
	if given["key"] == "ec-p256" {
		alg = "ES256"
	}
	key := map[string]any{}
	for name, value := range publicJWK(t, alg) {
		switch name {
		case "kid", "alg", "use":
		default:
			key[name] = value
		}
	}
	if modulus, ok := key["n"].(string); ok && given["key"] == "rsa-wrong-modulus" {
		key["n"] = modulus[:len(modulus)-4] + "AAAA"
	}
	maps.Copy(key, given)
	if _, ok := given["x5c"]; ok {
		key["x5c"] = []string{certificate(t)}
	}
	if kid, ok := given["kid"].(string); ok {
		key["kid"] = strings.ReplaceAll(kid, "{i}", strconv.Itoa(n))
	}
	omitted, _ := given["omit"].([]any)
	for _, name := range omitted {
		delete(key, name.(string)) //nolint:forcetypeassert // the file is ours
	}
	for _, name := range []string{"key", "detail", "repeat", "omit"} {
		delete(key, name)
	}
	return key
}
