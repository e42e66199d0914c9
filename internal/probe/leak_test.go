package probe

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/litentry/wallet-federation/internal/document"
	"github.com/litentry/wallet-federation/internal/localaws"
	"github.com/litentry/wallet-federation/internal/token"
	"github.com/litentry/wallet-federation/internal/wallet"
)

const requestTag = "aws:RequestTag/" + token.DefaultWalletTagKey

// sabotage changes a healthy federation behind the operator's back.
type sabotage func(t *testing.T, w *world)

// unguarded makes the role all-powerful and strips statements of the guard.
func unguarded(purpose string) sabotage {
	return func(t *testing.T, w *world) {
		t.Helper()
		w.allowEverything(t)
		w.strip(t, purpose)
	}
}

// trusting changes the conditions of the trust policy.
func trusting(change func(conditions map[string]map[string]any)) sabotage {
	return func(t *testing.T, w *world) { t.Helper(); w.editTrust(t, change) }
}

func withoutBucketPolicy(t *testing.T, w *world) {
	t.Helper()
	w.allowEverything(t)
	if _, err := w.s3.DeleteBucketPolicy(t.Context(), &s3.DeleteBucketPolicyInput{Bucket: aws.String(bucketName)}); err != nil {
		t.Fatal(err)
	}
}

// listWithoutSlash lets the wallet list whatever begins like its own prefix.
func listWithoutSlash(t *testing.T, w *world) {
	t.Helper()
	w.editBucketPolicy(t, func(purpose string, s *document.Statement) bool {
		if purpose == "AllowList" {
			s.Condition["StringLike"]["s3:prefix"] = document.Strings{"bots/${aws:PrincipalTag/agentkeys_user_wallet}*"}
		}
		return !strings.HasPrefix(purpose, "Deny")
	})
}

// guardThatMissesTheEmptyPrefix is how AWS's own walkthrough leaks.
func guardThatMissesTheEmptyPrefix(t *testing.T, w *world) {
	t.Helper()
	w.allowEverything(t)
	w.editBucketPolicy(t, func(purpose string, s *document.Statement) bool {
		if purpose == "DenyForeignLists" {
			s.Condition["StringNotEquals"] = map[string]document.Strings{"s3:prefix": {""}}
		}
		return true
	})
}

func statementOfOthers(t *testing.T, w *world) {
	t.Helper()
	w.strip(t, "Deny")
	w.addStatement(t, theirs())
}

func secondAudience(t *testing.T, w *world) {
	t.Helper()
	w.editTrust(t, func(conditions map[string]map[string]any) { delete(conditions, "StringEquals") })
	if _, err := w.iam.AddClientIDToOpenIDConnectProvider(t.Context(), &iam.AddClientIDToOpenIDConnectProviderInput{
		OpenIDConnectProviderArn: aws.String(w.federation.ProviderARN), ClientID: aws.String(nobody),
	}); err != nil {
		t.Fatal(err)
	}
}

// swappedTags makes the broker mint, for either wallet, the other's tag.
func swappedTags(t *testing.T, w *world) {
	t.Helper()
	w.remint(t, func(address wallet.Address, _ string) string {
		other := w.config.Wallets[0].Address()
		if other == address {
			other = w.config.Wallets[1].Address()
		}
		return w.signed(t, other, func(map[string]any) {})
	})
}

// publicBucket opens the bucket to everybody, which no guard of a role sees.
func publicBucket(t *testing.T, w *world) {
	t.Helper()
	if _, err := w.s3.DeletePublicAccessBlock(t.Context(), &s3.DeletePublicAccessBlockInput{Bucket: aws.String(bucketName)}); err != nil {
		t.Fatal(err)
	}
	everyone := theirs()
	everyone.Principal = document.Principal{Everyone: true}
	everyone.Action = document.Strings{"s3:GetObject", "s3:ListBucket"}
	w.addStatement(t, everyone)
}

func TestSabotageIsALeakThatNamesTheCase(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		sabotage sabotage
		leaks    []string
		// andMore says that other cases leak as well.
		andMore bool
	}{
		"s3:* on the role and no guard": {
			sabotage: unguarded("Deny"), andMore: true,
			leaks: []string{"list foreign prefix", "get foreign object", "put foreign object", "delete foreign objects by the list", "get bucket policy", "put ACL on own object"},
		},
		"s3:* on the role and no bucket policy": {
			sabotage: withoutBucketPolicy, andMore: true,
			leaks: []string{"list foreign prefix", "get foreign object"},
		},
		"s3:* on the role and no guard of objects": {
			sabotage: unguarded("DenyForeignObjects"),
			leaks: []string{
				"get foreign object", "get a range of foreign object", "head foreign object", "get foreign object by a presigned URL",
				"get attributes of foreign object", "get tags of foreign object", "get ACL of foreign object", "put tags on foreign object",
				"put foreign object", "copy foreign object to own prefix", "copy own object to foreign prefix",
				"begin multipart upload of foreign object", "delete foreign object", "delete foreign objects by the list",
			},
		},
		"s3:* on the role and no guard of lists": {
			sabotage: unguarded("DenyForeignLists"),
			leaks: []string{
				"list foreign prefix", "list foreign prefix with the old API", "list below foreign prefix", "list own prefix without its slash",
				"list foreign prefix without its slash", "list sibling prefix that begins like own", "list prefix that own begins with",
				"list own prefix in upper case", "list with an empty prefix", "list without a prefix", "list without a prefix, with the old API",
				"list with a delimiter and no prefix", "list versions of foreign prefix", "list versions without a prefix", "head bucket",
			},
		},
		"s3:* on the role and no guard of bucket actions": {
			sabotage: unguarded("DenyBucketActions"),
			leaks:    []string{"list multipart uploads of foreign prefix", "list multipart uploads without a prefix", "get bucket policy", "get bucket ACL", "get bucket versioning"},
		},
		"s3:* on the role and no guard of ACLs": {
			sabotage: unguarded("DenyACLWrites"),
			leaks:    []string{"put ACL on own object"},
		},
		"s3:* on the role and a guard that misses the empty prefix": {
			sabotage: guardThatMissesTheEmptyPrefix,
			leaks: []string{
				"list with an empty prefix", "list without a prefix", "list without a prefix, with the old API",
				"list with a delimiter and no prefix", "list versions without a prefix",
			},
		},
		"no guard, and a list that ends without its slash": {
			sabotage: listWithoutSlash,
			leaks:    []string{"list own prefix without its slash", "list sibling prefix that begins like own"},
		},
		"no guard, and a statement of others": {
			sabotage: statementOfOthers, andMore: true,
			leaks: []string{"list foreign prefix", "get foreign object"},
		},
		"a trust policy without conditions": {
			sabotage: trusting(func(conditions map[string]map[string]any) { clear(conditions) }),
			leaks: []string{
				"token of a subject that is no wallet", "token without tags", "token with an empty wallet tag", "token with another tag instead",
				"token with another tag besides", "token with a slash in the wallet tag", "token pinned to no role",
			},
		},
		"a trust policy that refuses nothing but the empty tag": {
			sabotage: trusting(func(conditions map[string]map[string]any) {
				delete(conditions["StringLike"], requestTag)
				delete(conditions, "Null")
				conditions["StringNotEquals"] = map[string]any{requestTag: ""}
			}),
			leaks: []string{"token without tags", "token with a slash in the wallet tag"},
		},
		"a trust policy for any tags": {
			sabotage: trusting(func(conditions map[string]map[string]any) { delete(conditions, "ForAllValues:StringEquals") }),
			leaks:    []string{"token with another tag besides"},
		},
		"a trust policy for any subject": {
			sabotage: trusting(func(conditions map[string]map[string]any) {
				conditions["StringLike"] = map[string]any{requestTag: conditions["StringLike"][requestTag]}
			}),
			leaks: []string{"token of a subject that is no wallet"},
		},
		"a trust policy without the role pin": {
			sabotage: trusting(func(conditions map[string]map[string]any) { delete(conditions, "Bool") }),
			leaks:    []string{"token pinned to no role"},
		},
		"a trust policy and a provider for any audience": {
			sabotage: secondAudience,
			leaks:    []string{"token for another audience"},
		},
		"a bucket that somebody opened to everybody": {
			sabotage: publicBucket,
			leaks:    []string{"list foreign prefix without credentials", "get foreign object without credentials"},
		},
		"a broker that mints the other wallet's tag": {
			sabotage: swappedTags, andMore: true,
			leaks: []string{"list foreign prefix", "list below foreign prefix"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			test.sabotage(t, w)
			report := mustRun(t, w)
			if report.Passed() {
				t.Error("the report passed")
			}
			leaks := names(report.Leaks())
			for _, want := range test.leaks {
				if !slices.Contains(leaks, want) {
					t.Errorf("%q did not leak", want)
				}
			}
			if !test.andMore && len(leaks) != len(test.leaks) {
				t.Errorf("leaks = %q, want %q and no other", leaks, test.leaks)
			}
		})
	}
}

func TestWhatIsTakenFromWalletsIsBlockedAndNoLeak(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		sabotage   sabotage
		blocked    []string
		incomplete bool
	}{
		"nobody may read": {
			sabotage: func(t *testing.T, w *world) { t.Helper(); w.strip(t, "AllowRead") },
			blocked:  []string{"get own object", "head own object", "get own object by a presigned URL", "copy own object to own prefix"},
		},
		"nobody may write": {
			sabotage: func(t *testing.T, w *world) { t.Helper(); w.strip(t, "AllowWrite") },
			blocked:  []string{"put own object", "put own object, as the second wallet"},
		},
		"nobody is trusted": {
			sabotage: trusting(func(conditions map[string]map[string]any) {
				conditions["StringEquals"] = map[string]any{"aws:PrincipalAccount": "999999999999"}
			}),
			blocked: []string{"token of the first wallet", "token of the second wallet"}, incomplete: true,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			test.sabotage(t, w)
			report := mustRun(t, w)
			if leaks := report.Leaks(); len(leaks) > 0 || report.Passed() {
				t.Errorf("passed: %v, leaks = %q", report.Passed(), names(leaks))
			}
			if blocked := names(report.Blocked()); !slices.Equal(blocked, test.blocked) {
				t.Errorf("blocked = %q, want %q", blocked, test.blocked)
			}
			if incomplete := report.Incomplete != ""; incomplete != test.incomplete {
				t.Errorf("incomplete = %q", report.Incomplete)
			}
		})
	}
}

func TestLeakIsNotForgottenWhenTheLookFailsLater(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.editTrust(t, func(conditions map[string]map[string]any) { delete(conditions, "Bool") })
	w.breakCalls(func(call localaws.Call) *localaws.Fault {
		if call.Operation == "GetBucketVersioning" {
			return &localaws.Fault{Code: "InvalidRequest", Status: 400}
		}
		return nil
	})
	report := mustRun(t, w)
	if leaks := names(report.Leaks()); !slices.Contains(leaks, "token pinned to no role") || report.Passed() {
		t.Errorf("passed: %v, leaks = %q", report.Passed(), leaks)
	}
	if !strings.Contains(report.Incomplete, "get bucket versioning") {
		t.Errorf("incomplete = %q, want the case that has no answer", report.Incomplete)
	}
}
