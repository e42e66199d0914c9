package probe

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/litentry/wallet-federation/internal/document"
)

func mustRun(t *testing.T, w *world) *Report {
	t.Helper()
	report, err := Run(t.Context(), w.config)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func names(cases []Case) []string {
	var names []string
	for _, c := range cases {
		names = append(names, c.Name)
	}
	return names
}

func withAccess(access ...document.Access) func(*world) {
	return func(w *world) { w.bucket.Access = access }
}

func TestHealthyFederationPasses(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		access  []document.Access
		prepare func(t *testing.T, w *world)
		cases   int
	}{
		"with every access":    {access: []document.Access{list, read, write, deletes}, cases: 68},
		"with List alone":      {access: []document.Access{list}, cases: 58},
		"with Read alone":      {access: []document.Access{read}, cases: 55},
		"with Write alone":     {access: []document.Access{write}, cases: 58},
		"with Read and Write":  {access: []document.Access{read, write}, cases: 63},
		"with Delete alone":    {access: []document.Access{deletes}, cases: 57},
		"with Read and Delete": {access: []document.Access{read, deletes}, cases: 57},
		"with everything allowed by the role, which the guard denies": {
			access:  []document.Access{list, read, write, deletes},
			prepare: func(t *testing.T, w *world) { t.Helper(); w.allowEverything(t) },
			cases:   68,
		},
		"with everything allowed by a statement of others, which the guard denies": {
			access: []document.Access{list, read, write, deletes},
			prepare: func(t *testing.T, w *world) {
				t.Helper()
				w.addStatement(t, theirs())
			},
			cases: 68,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, withAccess(test.access...))
			if test.prepare != nil {
				test.prepare(t, w)
			}
			report := mustRun(t, w)
			for _, c := range append(report.Leaks(), report.Blocked()...) {
				t.Errorf("wrong answer: %+v", c)
			}
			if !report.Passed() || len(report.Cases) != test.cases {
				t.Errorf("passed: %v, with %d cases, want %d", report.Passed(), len(report.Cases), test.cases)
			}
		})
	}
}

func TestEveryCaseIsToldApart(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	seen := map[string]bool{}
	for _, c := range mustRun(t, w).Cases {
		if seen[c.Name] {
			t.Errorf("case %q is there twice", c.Name)
		}
		seen[c.Name] = true
		if c.RequestID == "" || (c.Code == "") == (c.Observed == Denied) {
			t.Errorf("case %+v has no request id, or a code that does not fit", c)
		}
	}
}

func TestRunIsQuick(t *testing.T) {
	t.Parallel()

	report := mustRun(t, newWorld(t))
	if took := report.FinishedAt.Sub(report.StartedAt); took > 5*time.Second {
		t.Errorf("a run took %v, want less than 5 s", took)
	}
}

func TestEveryBucketIsTried(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	second := document.Bucket{Name: "second-bucket", Access: w.bucket.Access}
	w.addBucket(t, second)
	w.config.Buckets = append(w.config.Buckets, second)
	report := mustRun(t, w)
	count := map[string]int{}
	for _, c := range report.Cases {
		count[c.Bucket]++
	}
	if diff := cmp.Diff(map[string]int{"": 20, bucketName: 48, "second-bucket": 48}, count); diff != "" || !report.Passed() {
		t.Errorf("passed: %v, cases by bucket (-want +got):\n%s", report.Passed(), diff)
	}
}

func TestProbeLeavesNothingBehind(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	report := mustRun(t, w)
	if keys := w.objects(t); len(keys) > 0 || len(report.Leftovers) > 0 {
		t.Errorf("objects %q are left, and the report tells of %q", keys, report.Leftovers)
	}
}

func TestProbeWithoutDeleteLeavesTheSameFewObjects(t *testing.T) {
	t.Parallel()

	w := newWorld(t, withAccess(list, read, write))
	var before []string
	for range 2 {
		report := mustRun(t, w)
		keys := w.objects(t)
		if len(keys) != 3 || (before != nil && !slices.Equal(before, keys)) {
			t.Errorf("objects %q are left, after %q", keys, before)
		}
		for _, key := range keys {
			if !slices.Contains(report.Leftovers, bucketName+"/"+key) {
				t.Errorf("the report does not tell of %q", key)
			}
		}
		before = keys
	}
}

func TestProbeDamagesNothingWhereEverythingIsOpen(t *testing.T) {
	t.Parallel()

	w := newWorld(t, withAccess(list, read, write))
	precious := "bots/" + string(w.config.Wallets[1].Address()) + "/precious"
	if _, err := w.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(bucketName), Key: aws.String(precious)}); err != nil {
		t.Fatal(err)
	}
	w.allowEverything(t)
	w.strip(t, "Deny")
	if leaks := mustRun(t, w).Leaks(); len(leaks) < 30 {
		t.Errorf("%d leaks, want nearly every case: %q", len(leaks), names(leaks))
	}
	keys := w.objects(t)
	if !slices.Contains(keys, precious) {
		t.Error("an object of the second wallet's is gone")
	}
	for _, key := range keys {
		if key != precious && !strings.Contains(key, "/"+folder) {
			t.Errorf("the probe wrote %q, outside of its folder", key)
		}
	}
	uploads, err := w.s3.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: aws.String(bucketName)})
	if err != nil || len(uploads.Uploads) > 0 {
		t.Errorf("%d uploads are left, %v", len(uploads.Uploads), err)
	}
}

func TestConfigThatProvesNothingIsRefused(t *testing.T) {
	t.Parallel()

	for name, change := range map[string]func(*Config){
		"no issuer":           func(c *Config) { c.IssuerURL = "" },
		"tokens of another":   func(c *Config) { c.Token.Issuer = "https://other.example.com" },
		"no key":              func(c *Config) { c.Key = nil },
		"no role":             func(c *Config) { c.RoleARN = "" },
		"no bucket":           func(c *Config) { c.Buckets = nil },
		"no wallet":           func(c *Config) { c.Wallets[1] = nil },
		"one wallet, doubled": func(c *Config) { c.Wallets[1] = c.Wallets[0] },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			change(&w.config)
			if report, err := Run(t.Context(), w.config); err == nil || report != nil {
				t.Errorf("Run = %v, %v, want an error", report, err)
			}
		})
	}
}
