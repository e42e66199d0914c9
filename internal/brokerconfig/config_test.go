package brokerconfig_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/litentry/wallet-federation/internal/brokerconfig"
	"github.com/litentry/wallet-federation/internal/signingkey"
	"github.com/litentry/wallet-federation/internal/token"
	"github.com/litentry/wallet-federation/internal/wallet"
)

const (
	minimal = `{"issuer":"https://broker.example.org","admission":{"mode":"Open"}}`
	alice   = wallet.Address("0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed")
	bob     = wallet.Address("0xfb6916095ca1df60bb79ce92ce3ea74c37c5d359")
	role    = "arn:aws:iam::123456789012:role/bots"
)

func full() *brokerconfig.Config {
	return &brokerconfig.Config{
		Issuer: "http://127.0.0.1:8080/issuers/a",
		Token: brokerconfig.Token{
			Audience: "sts.cn-north-1.amazonaws.com.cn", LifetimeSeconds: 3600,
			SubjectPrefix: "agent/", WalletTagKey: "team:wallet",
		},
		Session: brokerconfig.Session{LifetimeSeconds: 60},
		Login: brokerconfig.Login{
			ChainIDs: []uint64{1, 8453}, Statement: "Sign in to see your bots.",
			TrustedIssuers: []brokerconfig.TrustedIssuer{{
				Issuer: "https://tenant.example.com/", Audiences: []string{"wallets"}, WalletClaim: "https://example.com/wallet", Algorithms: []string{"ES256"},
			}},
		},
		Admission: brokerconfig.Admission{
			Mode: brokerconfig.AllowList, Wallets: []wallet.Address{alice}, Directories: []string{"/etc/broker/admission/a"},
			ProbeWallets: []wallet.Address{bob},
		},
		Roles:       []string{role, "arn:aws-us-gov:iam::123456789012:role/team/a/bots+1"},
		Revocations: []brokerconfig.Revocation{{Wallet: alice, Before: time.Unix(1_767_323_045, 0).UTC()}, {Before: time.Unix(1, 0).UTC()}},
		Limits: brokerconfig.Limits{
			Client: brokerconfig.Rate{PerSecond: 0.5, Burst: 1}, Wallet: brokerconfig.Rate{PerSecond: 0, Burst: 1},
			TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")},
		},
	}
}

func TestParseGivesDefaults(t *testing.T) {
	t.Parallel()
	got, err := brokerconfig.Parse([]byte(minimal))
	if err != nil {
		t.Fatal(err)
	}
	want := &brokerconfig.Config{
		Issuer: "https://broker.example.org",
		Token: brokerconfig.Token{
			Audience: "sts.amazonaws.com", LifetimeSeconds: 300,
			SubjectPrefix: "agentkeys:agent:", WalletTagKey: "agentkeys_user_wallet",
		},
		Session:   brokerconfig.Session{LifetimeSeconds: 3600},
		Login:     brokerconfig.Login{ChainIDs: []uint64{1}},
		Admission: brokerconfig.Admission{Mode: brokerconfig.Open},
		Limits: brokerconfig.Limits{
			Client: brokerconfig.Rate{PerSecond: 50, Burst: 200},
			Wallet: brokerconfig.Rate{PerSecond: 10, Burst: 50},
		},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMarshalRoundTripsAndRepeatsItself(t *testing.T) {
	t.Parallel()
	first, err := full().Marshal()
	if err != nil {
		t.Fatal(err)
	}
	got, err := brokerconfig.Parse(first)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(full(), got, cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	second, err := got.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(first), string(second)); diff != "" {
		t.Errorf("the second writing differs:\n%s", diff)
	}
}

func TestParseReadsChecksummedWallets(t *testing.T) {
	t.Parallel()
	got, err := brokerconfig.Parse([]byte(strings.Replace(minimal, `"Open"`, `"AllowList","wallets":["`+alice.Checksum()+`"]`, 1)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]wallet.Address{alice}, got.Admission.Wallets); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMarshalRefusesWhatParseWould(t *testing.T) {
	t.Parallel()
	if data, err := brokerconfig.Default().Marshal(); err == nil {
		t.Errorf("a configuration without issuer and mode was written: %s", data)
	}
}

func TestProfile(t *testing.T) {
	t.Parallel()
	want := token.Profile{
		Issuer: "http://127.0.0.1:8080/issuers/a", Audience: "sts.cn-north-1.amazonaws.com.cn",
		SubjectPrefix: "agent/", WalletTagKey: "team:wallet", Lifetime: time.Hour,
	}
	if diff := cmp.Diff(want, full().Profile()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	spoil := func(members string) string { return strings.TrimSuffix(minimal, "}") + "," + members + "}" }
	admit := func(members string) string { return strings.Replace(minimal, `"mode":"Open"`, members, 1) }
	trust := func(members string) string { return spoil(`"login":{"trustedIssuers":[{` + members + `}]}`) }
	for name, c := range map[string]struct{ document, reason string }{
		"nothing":                          {"", "JSON"},
		"null":                             {"null", "issuer"},
		"an unknown member":                {spoil(`"colour":"blue"`), `unknown field "colour"`},
		"an unknown member further down":   {spoil(`"token":{"lifetime":"5m"}`), `unknown field "token.lifetime"`},
		"a member in another case":         {spoil(`"Roles":[]`), `unknown field "Roles"`},
		"a member twice":                   {spoil(`"issuer":"https://evil.example"`), `duplicate field "issuer"`},
		"text after the document":          {minimal + "x", "JSON"},
		"more than 1 MiB":                  {minimal + strings.Repeat(" ", brokerconfig.MaxBytes), "more than 1048576 bytes"},
		"no issuer":                        {`{"admission":{"mode":"Open"}}`, "issuer: invalid issuer URL"},
		"an issuer with a trailing slash":  {strings.Replace(minimal, ".org", ".org/", 1), "issuer: invalid issuer URL"},
		"an issuer with another scheme":    {strings.Replace(minimal, "https:", "ftp:", 1), "issuer: invalid issuer URL"},
		"no admission":                     {`{"issuer":"https://broker.example.org"}`, "admission: mode"},
		"an admission mode in lower case":  {admit(`"mode":"open"`), "admission: mode"},
		"open with a list":                 {admit(`"mode":"Open","wallets":["` + string(alice) + `"]`), "admission: mode: Open admits everyone"},
		"a wallet listed twice":            {admit(`"mode":"AllowList","wallets":["` + string(alice) + `","` + alice.Checksum() + `"]`), "admission: wallets: [1]: listed before"},
		"a wallet with a wrong checksum":   {admit(`"mode":"AllowList","wallets":["0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"]`), "EIP-55"},
		"a wallet that is a name":          {admit(`"mode":"AllowList","wallets":["vitalik.eth"]`), "not a wallet address"},
		"too many probe wallets":           {admit(`"mode":"Open","probeWallets":[` + manyWallets(17) + `]`), "admission: probeWallets: more than 16"},
		"too many wallets":                 {admit(`"mode":"AllowList","wallets":[` + manyWallets(10_001) + `]`), "admission: wallets: more than 10000"},
		"no audience":                      {spoil(`"token":{"audience":""}`), "token: audience"},
		"an audience with a space":         {spoil(`"token":{"audience":"a b"}`), "token: audience"},
		"an over-long audience":            {spoil(`"token":{"audience":"` + strings.Repeat("a", 256) + `"}`), "token: audience"},
		"a lifetime of 59 seconds":         {spoil(`"token":{"lifetimeSeconds":59}`), "token: lifetimeSeconds: 59 is not between 60 and 3600"},
		"a lifetime of 3601 seconds":       {spoil(`"token":{"lifetimeSeconds":3601}`), "token: lifetimeSeconds"},
		"a lifetime of zero":               {spoil(`"token":{"lifetimeSeconds":0}`), "token: lifetimeSeconds"},
		"a lifetime with a fraction":       {spoil(`"token":{"lifetimeSeconds":60.5}`), "JSON"},
		"a subject prefix with a wildcard": {spoil(`"token":{"subjectPrefix":"agent*"}`), "token: subjectPrefix"},
		"no subject prefix":                {spoil(`"token":{"subjectPrefix":""}`), "token: subjectPrefix"},
		"a tag key of AWS's own":           {spoil(`"token":{"walletTagKey":"AWS:wallet"}`), "token: walletTagKey"},
		"a tag key that is a claim":        {spoil(`"token":{"walletTagKey":"sub"}`), "token: walletTagKey"},
		"a tag key that is the tags claim": {spoil(`"token":{"walletTagKey":"https://aws.amazon.com/tags"}`), "token: walletTagKey"},
		"a tag key that is a flat tag":     {spoil(`"token":{"walletTagKey":"https://aws.amazon.com/tags/principal_tags/x"}`), "token: walletTagKey"},
		"a tag key that names the source":  {spoil(`"token":{"walletTagKey":"https://aws.amazon.com/source_identity"}`), "token: walletTagKey"},
		"a tag key that STS reads as amr":  {spoil(`"token":{"walletTagKey":"amr"}`), "token: walletTagKey"},
		"a tag key with a quote":           {spoil(`"token":{"walletTagKey":"a\"b"}`), "token: walletTagKey"},
		"an over-long tag key":             {spoil(`"token":{"walletTagKey":"` + strings.Repeat("a", 129) + `"}`), "token: walletTagKey"},
		"a session of 59 seconds":          {spoil(`"session":{"lifetimeSeconds":59}`), "session.lifetimeSeconds"},
		"a session of more than a day":     {spoil(`"session":{"lifetimeSeconds":86401}`), "session.lifetimeSeconds"},
		"no chains":                        {spoil(`"login":{"chainIDs":[]}`), "login: chainIDs"},
		"chain zero":                       {spoil(`"login":{"chainIDs":[0]}`), "login: chainIDs"},
		"a chain twice":                    {spoil(`"login":{"chainIDs":[1,1]}`), "login: chainIDs: [1]: listed before"},
		"a negative chain":                 {spoil(`"login":{"chainIDs":[-1]}`), "JSON"},
		"a statement of two lines":         {spoil(`"login":{"statement":"a\nb"}`), "login: statement"},
		"an over-long statement":           {spoil(`"login":{"statement":"` + strings.Repeat("a", 513) + `"}`), "login: statement"},
		"a role that is a name":            {spoil(`"roles":["bots"]`), "roles: [0]: not the ARN"},
		"a role that is a user":            {spoil(`"roles":["arn:aws:iam::123456789012:user/bots"]`), "roles: [0]: not the ARN"},
		"a role with a wildcard":           {spoil(`"roles":["arn:aws:iam::123456789012:role/*"]`), "roles: [0]: not the ARN"},
		"a role with a line end":           {spoil(`"roles":["` + role + `\n"]`), "roles: [0]: not the ARN"},
		"an empty role":                    {spoil(`"roles":[""]`), "roles: [0]: not the ARN"},
		"a role twice":                     {spoil(`"roles":["` + role + `","` + role + `"]`), "roles: [1]: listed before"},
		"too many roles":                   {spoil(`"roles":[` + manyRoles(51, "") + `]`), "roles: more than 50"},
		"open with directories":            {admit(`"mode":"Open","directories":["/a"]`), "admission: mode: Open admits everyone"},
		"a directory that is relative":     {admit(`"mode":"AllowList","directories":["a"]`), "admission: directories: [0]"},
		"a directory with dots":            {admit(`"mode":"AllowList","directories":["/a/../b"]`), "admission: directories: [0]"},
		"a directory twice":                {admit(`"mode":"AllowList","directories":["/a","/a"]`), "admission: directories: [1]: listed before"},
		"an issuer that trusts itself":     {trust(`"issuer":"https://broker.example.org","audiences":["a"],"walletClaim":"w"`), "login.trustedIssuers: [0].issuer: is this issuer itself"},
		"a trusted issuer over http":       {trust(`"issuer":"http://other.example","audiences":["a"],"walletClaim":"w"`), "login: trustedIssuers: [0]: issuer: want https"},
		"a trusted issuer with a query":    {trust(`"issuer":"https://other.example?x","audiences":["a"],"walletClaim":"w"`), "issuer: want a URL without"},
		"a trusted issuer that is no URL":  {trust(`"issuer":"other","audiences":["a"],"walletClaim":"w"`), "issuer: want a URL"},
		"a trusted issuer of any audience": {trust(`"issuer":"https://other.example","walletClaim":"w"`), "audiences: want 1 to 16"},
		"a trusted issuer without a claim": {trust(`"issuer":"https://other.example","audiences":["a"]`), "walletClaim"},
		"a trusted issuer that uses HS256": {trust(`"issuer":"https://other.example","audiences":["a"],"walletClaim":"w","algorithms":["HS256"]`), "algorithms: [0]"},
		"a trusted issuer that uses none":  {trust(`"issuer":"https://other.example","audiences":["a"],"walletClaim":"w","algorithms":["none"]`), "algorithms: [0]"},
		"a revocation without a time":      {spoil(`"revocations":[{"wallet":"` + string(alice) + `"}]`), "revocations: [0].before"},
		"a revocation of a name":           {spoil(`"revocations":[{"wallet":"bob","before":"2026-01-02T03:04:05Z"}]`), "not a wallet address"},
		"a revocation at half a second":    {spoil(`"revocations":[{"before":"2026-01-02T03:04:05.5Z"}]`), "revocations: [0].before"},
		"a negative rate":                  {spoil(`"limits":{"client":{"perSecond":-1,"burst":1}}`), "limits: client: perSecond"},
		"a rate without a burst":           {spoil(`"limits":{"wallet":{"perSecond":1,"burst":0}}`), "limits: wallet: burst"},
		"a proxy that is an address":       {spoil(`"limits":{"trustedProxies":["10.0.0.1"]}`), "JSON"},
		"a proxy beyond its mask":          {spoil(`"limits":{"trustedProxies":["10.0.0.1/8"]}`), "limits: trustedProxies: [0]"},
		"roles too long for a token":       {spoil(`"roles":[` + manyRoles(20, strings.Repeat("p", 400)+"/") + `]`), "too long for a token"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := brokerconfig.Parse([]byte(c.document))
			if err == nil {
				t.Fatalf("it was taken: %+v", got)
			}
			if !strings.Contains(err.Error(), c.reason) {
				t.Errorf("got %q, want it to say %q", err, c.reason)
			}
		})
	}
}

func manyWallets(n int) string {
	wallets := make([]string, n)
	for i := range wallets {
		wallets[i] = fmt.Sprintf(`"0x%040d"`, i)
	}
	return strings.Join(wallets, ",")
}

func manyRoles(n int, path string) string {
	roles := make([]string, n)
	for i := range roles {
		roles[i] = fmt.Sprintf(`"arn:aws:iam::123456789012:role/%sr%d"`, path, i)
	}
	return strings.Join(roles, ",")
}

func TestTheLongestTokenIsShorterThanSTSAllows(t *testing.T) {
	t.Parallel()
	config := full()
	config.Issuer = "https://" + strings.Repeat("a", 247)
	config.Token = brokerconfig.Token{
		Audience:        strings.Repeat("<", 255),
		LifetimeSeconds: 3600,
		SubjectPrefix:   strings.Repeat("s", 128),
		WalletTagKey:    strings.Repeat("k", 128),
	}
	config.Roles = nil
	for i := range 18 {
		config.Roles = append(config.Roles, fmt.Sprintf("arn:aws:iam::123456789012:role/%s/r%d", strings.Repeat("p", 415), i))
	}
	if err := config.Validate(); err != nil {
		t.Fatal(err)
	}
	set, err := signingkey.New(time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	jwt, err := token.Sign(set.Active(), config.Profile().Claims(alice, config.Roles, time.Unix(2e9, 0), strings.Repeat("J", 26)))
	if err != nil {
		t.Fatal(err)
	}
	if len(jwt) > 20_000 {
		t.Errorf("the token has %d characters, more than STS takes", len(jwt))
	}
}

func FuzzParse(f *testing.F) {
	data, err := full().Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(minimal))
	f.Add([]byte(`{"issuer":"x","admission":{"mode":"AllowList","wallets":["0x"]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		config, err := brokerconfig.Parse(data)
		if err != nil {
			return
		}
		written, err := config.Marshal()
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		again, err := brokerconfig.Parse(written)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		second, err := again.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(written), string(second)); diff != "" {
			t.Errorf("the round trip changes it:\n%s", diff)
		}
	})
}
