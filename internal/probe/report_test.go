package probe

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestReportIsTheSameDocumentEachTime(t *testing.T) {
	t.Parallel()

	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.FixedZone("CET", 3600))
	report := &Report{
		StartedAt: start, FinishedAt: start.Add(1500 * time.Millisecond),
		KeyID: "kid", RoleARN: roleARN,
		Cases: []Case{
			{Name: "token without tags", Group: GroupToken, Expected: Denied, Observed: Denied, Code: "AccessDenied", RequestID: "1"},
			{Name: "get foreign object", Group: GroupObject, Bucket: bucketName, Expected: Denied, Observed: Allowed, RequestID: "2"},
		},
		Leftovers: []string{bucketName + "/bots/<x>"},
	}
	const want = `{
  "startedAt": "2026-03-01T11:00:00Z",
  "finishedAt": "2026-03-01T11:00:01.5Z",
  "keyID": "kid",
  "roleARN": "arn:aws:iam::123456789012:role/agentkeys-user-bots",
  "cases": [
    {
      "name": "token without tags",
      "group": "token",
      "expected": "Denied",
      "observed": "Denied",
      "code": "AccessDenied",
      "requestID": "1"
    },
    {
      "name": "get foreign object",
      "group": "object",
      "bucket": "agentkeys-vault",
      "expected": "Denied",
      "observed": "Allowed",
      "requestID": "2"
    }
  ],
  "leftovers": [
    "agentkeys-vault/bots/<x>"
  ]
}
`
	got, err := report.JSON()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("document (-want +got):\n%s", diff)
	}
}

func TestReportPassesOnlyWhenEverythingWasTriedAndRight(t *testing.T) {
	t.Parallel()

	right := Case{Expected: Allowed, Observed: Allowed}
	for name, test := range map[string]struct {
		report Report
		passed bool
	}{
		"all right":  {Report{Cases: []Case{right, {Expected: Denied, Observed: Denied}}}, true},
		"no cases":   {Report{}, false},
		"incomplete": {Report{Cases: []Case{right}, Incomplete: "S3 is down"}, false},
		"a leak":     {Report{Cases: []Case{right, {Expected: Denied, Observed: Allowed}}}, false},
		"blocked":    {Report{Cases: []Case{right, {Expected: Allowed, Observed: Denied}}}, false},
	} {
		if got := test.report.Passed(); got != test.passed {
			t.Errorf("a report with %s: passed = %v, want %v", name, got, test.passed)
		}
	}
}

func TestOnlyTheServicesOwnDenialIsADenial(t *testing.T) {
	t.Parallel()

	refusal := errors.New("refused")
	refused := func(code string, status int) answer {
		return answer{requestID: "id", code: code, status: status, err: refusal}
	}
	tests := map[string]struct {
		answers *expectation
		given   answer
		want    Verdict // empty: no answer
	}{
		"success":                              {&s3Answers, answer{requestID: "id", status: 200}, Allowed},
		"AccessDenied":                         {&s3Answers, refused("AccessDenied", 403), Denied},
		"AccessDenied, with another status":    {&s3Answers, refused("AccessDenied", 400), ""},
		"AccessDenied, without a request id":   {&s3Answers, answer{code: "AccessDenied", status: 403, err: refusal}, ""},
		"403 without a code":                   {&s3Answers, refused("", 403), ""},
		"403 of a wrong signature":             {&s3Answers, refused("SignatureDoesNotMatch", 403), ""},
		"403 of an unknown access key":         {&s3Answers, refused("InvalidAccessKeyId", 403), ""},
		"403 of a clock that is wrong":         {&s3Answers, refused("RequestTimeTooSkewed", 403), ""},
		"403 of a bucket that is private":      {&s3Answers, refused("AllAccessDisabled", 403), ""},
		"a missing object":                     {&s3Answers, refused("NoSuchKey", 404), Allowed},
		"a missing bucket":                     {&s3Answers, refused("NoSuchBucket", 404), ""},
		"ACLs that are off":                    {&s3Answers, refused("AccessControlListNotSupported", 400), Allowed},
		"Forbidden, of GET":                    {&s3Answers, refused("Forbidden", 403), ""},
		"Forbidden, of HEAD":                   {&headAnswers, refused("Forbidden", 403), Denied},
		"NotFound, of HEAD":                    {&headAnswers, refused("NotFound", 404), Allowed},
		"AccessDenied of STS":                  {&validAnswers, refused("AccessDenied", http.StatusForbidden), Denied},
		"InvalidIdentityToken, of a valid one": {&validAnswers, refused("InvalidIdentityToken", 400), ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := test.answers.judge(test.given)
			if got != test.want || (err == nil) != (test.want != "") {
				t.Errorf("verdict = %q, %v, want %q", got, err, test.want)
			}
		})
	}
}
