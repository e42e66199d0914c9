package broker_test

import (
	"encoding/json"
	"maps"
	"testing"
)

// refused is a request that is refused, and the answer to it.
type refused struct {
	send func(t *testing.T) answer
	want refusedWith
	// then checks what has to hold afterwards; nil for nothing.
	then func(t *testing.T)
}

// refusedWith is an answer, byte by byte; headers are those beside the ones that every
// answer has.
type refusedWith struct {
	status  int
	body    string
	headers map[string]string
}

var (
	challenged = map[string]string{"Www-Authenticate": "Bearer"}
	uncached   = map[string]string{"Pragma": "no-cache"}
)

// The refusals, in the words that callers get. Whatever may tell an attacker which
// part failed has one for all.
var (
	badRequest = refusedWith{400, `{"error":"invalid_request","message":"the body is not one JSON object with exactly the members that this path takes"}`, nil}
	badAddress = refusedWith{400, `{"error":"invalid_address","message":"address is not 0x and 40 hexadecimal digits, or is in mixed case with a wrong EIP-55 checksum"}`, nil}
	badChain   = refusedWith{400, `{"error":"unsupported_chain","message":"chain_id is not one that this issuer takes"}`, nil}
	badRole    = refusedWith{400, `{"error":"invalid_role","message":"role_arn is not a role that this issuer mints for"}`, nil}
	badSignIn  = refusedWith{401, `{"error":"sign_in_failed","message":"the request is unknown, expired or used, or the signature is not the wallet's over its message; start again"}`, challenged}
	badBearer  = refusedWith{401, `{"error":"unauthorized","message":"a valid session bearer is required; sign in at /v1/auth/wallet/start"}`, challenged}
	tooLarge   = refusedWith{413, `{"error":"request_too_large","message":"the body is larger than this path takes"}`, nil}
	badMedia   = refusedWith{415, `{"error":"unsupported_media_type","message":"send the body as Content-Type: application/json, in UTF-8, without Content-Encoding"}`, nil}

	oauthBadMedia       = refusedWith{415, `{"error":"invalid_request","error_description":"send the parameters as Content-Type: application/x-www-form-urlencoded, in UTF-8, without Content-Encoding"}`, uncached}
	oauthBadForm        = refusedWith{400, `{"error":"invalid_request","error_description":"the body is not a form in UTF-8 with each parameter once"}`, uncached}
	oauthNoGrant        = refusedWith{400, `{"error":"invalid_request","error_description":"grant_type is missing"}`, uncached}
	oauthBadGrant       = refusedWith{400, `{"error":"unsupported_grant_type","error_description":"grant_type is not urn:ietf:params:oauth:grant-type:token-exchange"}`, uncached}
	oauthNoSubject      = refusedWith{400, `{"error":"invalid_request","error_description":"subject_token or subject_token_type is missing"}`, uncached}
	oauthBadSubjectType = refusedWith{400, `{"error":"invalid_request","error_description":"subject_token_type is not the one of an access token, JWT or ID token"}`, uncached}
	oauthBadSubject     = refusedWith{400, `{"error":"invalid_request","error_description":"subject_token is neither a valid session nor a valid token of a trusted issuer"}`, uncached}
	oauthActor          = refusedWith{400, `{"error":"invalid_request","error_description":"nobody acts for another here: leave actor_token and actor_token_type out"}`, uncached}
	oauthBadWish        = refusedWith{400, `{"error":"invalid_request","error_description":"requested_token_type is not urn:ietf:params:oauth:token-type:jwt"}`, uncached}
	oauthBadScope       = refusedWith{400, `{"error":"invalid_scope","error_description":"there is no scope but openid"}`, uncached}
	oauthBadAudience    = refusedWith{400, `{"error":"invalid_target","error_description":"audience is not the one that this issuer mints for"}`, uncached}
	oauthManyTargets    = refusedWith{400, `{"error":"invalid_target","error_description":"a token is for one resource and one audience"}`, uncached}
	oauthBadRole        = refusedWith{400, `{"error":"invalid_target","error_description":"the role is not one that this issuer mints for"}`, uncached}
	oauthTwoRoles       = refusedWith{400, `{"error":"invalid_request","error_description":"resource and role_arn name different roles"}`, uncached}
	oauthTooLarge       = refusedWith{413, `{"error":"invalid_request","error_description":"the body is larger than this path takes"}`, uncached}
	oauthBadClient      = refusedWith{401, `{"error":"invalid_client","error_description":"clients do not authenticate here: send no Authorization header, client_secret or client_assertion"}`, map[string]string{"Pragma": "no-cache", "Www-Authenticate": "Bearer"}}
)

// minCorpus is how many refusals there are at least.
const minCorpus = 350

// TestCorpusOfRefusals sends every request that must be refused, each through the
// whole handler, and checks the whole answer.
func TestCorpusOfRefusals(t *testing.T) {
	t.Parallel()
	total := 0
	for group, corpus := range map[string]func(*testing.T) map[string]refused{
		"start":     refusedStarts,
		"signature": refusedSignatures,
		"verify":    refusedVerifications,
		"bearer":    refusedBearers,
		"token":     refusedTokens,
		"mint":      refusedMints,
		"exchange":  refusedExchanges,
	} {
		cases := corpus(t)
		total += len(cases)
		t.Logf("%d of %s", len(cases), group)
		for name, c := range cases {
			t.Run(group+": "+name, func(t *testing.T) {
				t.Parallel()
				c.check(t)
			})
		}
	}
	if total < minCorpus {
		t.Errorf("the corpus has %d requests, want %d at least", total, minCorpus)
	}
}

func (c refused) check(t *testing.T) {
	t.Helper()
	got := c.send(t)
	if got.status != c.want.status || got.body != c.want.body {
		t.Errorf("got %d %s\nwant %d %s", got.status, got.body, c.want.status, c.want.body)
	}
	headers := map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
	maps.Copy(headers, c.want.headers)
	for name, values := range got.header {
		if len(values) != 1 || headers[name] != values[0] {
			t.Errorf("the header %s is %q, want %q", name, values, headers[name])
		}
		delete(headers, name)
	}
	if len(headers) > 0 {
		t.Errorf("headers are missing: %v", headers)
	}
	if !json.Valid([]byte(got.body)) {
		t.Error("the body is not JSON")
	}
	if c.then != nil {
		c.then(t)
	}
}
