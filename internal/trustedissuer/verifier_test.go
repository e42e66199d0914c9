package trustedissuer_test

import (
	"crypto/elliptic"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"

	"github.com/litentry/wallet-federation/internal/brokerconfig"
	"github.com/litentry/wallet-federation/internal/trustedissuer"
	"github.com/litentry/wallet-federation/internal/wallet"
)

func TestVerifyTakesATokenOfATrustedIssuer(t *testing.T) {
	t.Parallel()
	key := newES256(t, "k")
	p := newProvider(t, key.public)
	v := p.verifier(&clock{now: epoch})
	now := epoch.Unix()
	for name, c := range map[string]struct {
		header, claims map[string]any
		issuedAt       int64
		id             string
	}{
		"as it usually is":              {nil, nil, now, "a-token"},
		"no typ":                        {map[string]any{"typ": absent{}}, nil, now, "a-token"},
		"typ of an access token":        {map[string]any{"typ": "at+jwt"}, nil, now, "a-token"},
		"typ in another case":           {map[string]any{"typ": "jwt"}, nil, now, "a-token"},
		"typ as a whole media type":     {map[string]any{"typ": "application/at+JWT"}, nil, now, "a-token"},
		"no kid, one key":               {map[string]any{"kid": absent{}}, nil, now, "a-token"},
		"headers that nobody knows":     {map[string]any{"x": []int{1}, "jku": "https://evil.example"}, nil, now, "a-token"},
		"an audience list of one":       {nil, map[string]any{"aud": []string{audience}}, now, "a-token"},
		"another of our audiences":      {nil, map[string]any{"aud": "agents"}, now, "a-token"},
		"several audiences with an azp": {nil, map[string]any{"aud": []string{"x", audience}, "azp": "agents"}, now, "a-token"},
		"one audience, another azp":     {nil, map[string]any{"azp": "app"}, now, "a-token"},
		"a clock a minute ahead":        {nil, map[string]any{"iat": now + 60, "nbf": now + 60}, now + 60, "a-token"},
		"times with fractions":          {nil, map[string]any{"iat": float64(now) - 0.5, "exp": float64(now) + 1.5}, now - 1, "a-token"},
		"almost expired":                {nil, map[string]any{"iat": now - 60, "exp": now + 1}, now - 60, "a-token"},
		"good for a day":                {nil, map[string]any{"exp": now + 86400}, now, "a-token"},
		"no jti":                        {nil, map[string]any{"jti": absent{}}, now, ""},
		"a jti too long for a record":   {nil, map[string]any{"jti": strings.Repeat("a", 129)}, now, ""},
		"a jti with a line break":       {nil, map[string]any{"jti": "a\nb"}, now, ""},
		"a wallet in upper case":        {nil, map[string]any{claim: "0x" + strings.ToUpper(alice[2:])}, now, "a-token"},
		"a wallet with its checksum":    {nil, map[string]any{claim: wallet.Address(alice).Checksum()}, now, "a-token"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := v.Verify(t.Context(), key.sign(t, key.header(c.header), p.claims(c.claims)))
			if err != nil {
				t.Fatal(err)
			}
			want := trustedissuer.Identity{Issuer: p.URL, Wallet: alice, IssuedAt: c.issuedAt, ID: c.id}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestVerifyTakesEveryAlgorithmThatIsAgreedOn(t *testing.T) {
	t.Parallel()
	weak := newRSA(t, "rsa", 2048).private
	var signers []*signer
	for _, algorithm := range []jwa.SignatureAlgorithm{jwa.RS256, jwa.RS384, jwa.RS512, jwa.PS256, jwa.PS384, jwa.PS512} {
		signers = append(signers, newSigner(t, "rsa", algorithm, weak))
	}
	signers = append(signers, newES256(t, "p256"), newEC(t, "p384", jwa.ES384, elliptic.P384()), newEC(t, "p521", jwa.ES512, elliptic.P521()), newEdDSA(t, "ed"))
	p := newProvider(t, signers[0].public, signers[6].public, signers[7].public, signers[8].public, signers[9].public)
	options := p.options(&clock{now: epoch})
	for _, by := range signers {
		trusted := p.trusted()
		for _, allowed := range brokerconfig.SignatureAlgorithms {
			trusted.Algorithms = []string{allowed}
			_, err := trustedissuer.New(options).With([]brokerconfig.TrustedIssuer{trusted}).Verify(t.Context(), p.token(t, by))
			if (err == nil) != (allowed == by.algorithm.String()) {
				t.Errorf("a token with %s where %s is allowed: %v", by.algorithm, allowed, err)
			}
		}
	}
}

// refused is a token and why it is not taken.
type refused struct {
	token string
	want  trustedissuer.Refusal
}

func TestVerifyRefusesHeaders(t *testing.T) {
	t.Parallel()
	key, rsaKey, other := newES256(t, "k"), newRSA(t, "r", 2048), newES256(t, "k")
	p := newProvider(t, key.public, rsaKey.public)
	header := func(change map[string]any) string { return key.sign(t, key.header(change), p.claims(nil)) }
	mac := func(algorithm jwa.SignatureAlgorithm, secret string) string {
		forger := signer{id: "k", algorithm: algorithm, private: []byte(secret)}
		return forger.sign(t, forger.header(nil), p.claims(nil))
	}
	claims := encode(marshal(t, p.claims(nil)))
	none := encode(`{"alg":"none","kid":"k"}`) + "." + claims + "."
	good := p.token(t, key)
	end := strings.LastIndexByte(good, '.')
	p.refuses(t, map[string]refused{
		"alg none, no signature":            {none, trustedissuer.Malformed},
		"alg none, a signature":             {none + good[end+1:], trustedissuer.WrongAlgorithm},
		"alg NoNe":                          {header(map[string]any{"alg": "NoNe"}), trustedissuer.WrongAlgorithm},
		"no alg":                            {header(map[string]any{"alg": absent{}}), trustedissuer.Malformed},
		"alg that is a list":                {header(map[string]any{"alg": []string{"ES256"}}), trustedissuer.Malformed},
		"alg in lower case":                 {header(map[string]any{"alg": "es256"}), trustedissuer.WrongAlgorithm},
		"alg ES384 with a P-256 key":        {header(map[string]any{"alg": "ES384"}), trustedissuer.WrongAlgorithm},
		"alg RS256 with a P-256 key":        {header(map[string]any{"alg": "RS256"}), trustedissuer.UnknownKey},
		"alg ES256 with an RSA key":         {header(map[string]any{"kid": "r"}), trustedissuer.UnknownKey},
		"alg PS256, which is not agreed on": {newSigner(t, "r", jwa.PS256, rsaKey.private).sign(t, map[string]any{"alg": "PS256", "kid": "r"}, p.claims(nil)), trustedissuer.WrongAlgorithm},
		"HS256 with the keys as the secret": {mac(jwa.HS256, marshal(t, map[string]any{"keys": []jwk.Key{key.public, rsaKey.public}})), trustedissuer.WrongAlgorithm},
		"HS256 with the key as the secret":  {mac(jwa.HS256, marshal(t, key.public)), trustedissuer.WrongAlgorithm},
		"HS512 with an empty secret":        {mac(jwa.HS512, " "), trustedissuer.WrongAlgorithm},
		"no kid among several keys":         {header(map[string]any{"kid": absent{}}), trustedissuer.UnknownKey},
		"an empty kid":                      {header(map[string]any{"kid": ""}), trustedissuer.Malformed},
		"a kid that is a number":            {header(map[string]any{"kid": 1}), trustedissuer.Malformed},
		"a kid that is a path":              {header(map[string]any{"kid": "../../dev/null"}), trustedissuer.UnknownKey},
		"a kid in another case":             {header(map[string]any{"kid": "K"}), trustedissuer.UnknownKey},
		"a kid with a NUL":                  {header(map[string]any{"kid": "k\x00"}), trustedissuer.UnknownKey},
		"the kid of another key":            {other.sign(t, other.header(nil), p.claims(nil)), trustedissuer.Forged},
		"a jwk of one's own":                {other.sign(t, other.header(map[string]any{"jwk": other.public}), p.claims(nil)), trustedissuer.Forged},
		"a jwk of one's own, no kid":        {other.sign(t, other.header(map[string]any{"jwk": other.public, "kid": absent{}}), p.claims(nil)), trustedissuer.UnknownKey},
		"a jku of one's own":                {other.sign(t, other.header(map[string]any{"jku": "https://evil.example/jwks"}), p.claims(nil)), trustedissuer.Forged},
		"crit":                              {header(map[string]any{"crit": []string{"exp"}, "exp": 1}), trustedissuer.WrongType},
		"crit with b64":                     {header(map[string]any{"crit": []string{"b64"}, "b64": false}), trustedissuer.WrongType},
		"an empty crit":                     {header(map[string]any{"crit": []string{}}), trustedissuer.WrongType},
		"crit that is null":                 {header(map[string]any{"crit": nil}), trustedissuer.WrongType},
		"typ of a logout token":             {header(map[string]any{"typ": "logout+jwt"}), trustedissuer.WrongType},
		"typ of our sessions":               {header(map[string]any{"typ": "wallet-session+jwt"}), trustedissuer.WrongType},
		"typ that is a number":              {header(map[string]any{"typ": 1}), trustedissuer.WrongType},
		"an empty typ":                      {header(map[string]any{"typ": ""}), trustedissuer.WrongType},
		"alg twice":                         {key.signText(t, `{"alg":"none","alg":"ES256","kid":"k"}`, marshal(t, p.claims(nil))), trustedissuer.Malformed},
		"kid twice, once escaped":           {key.signText(t, `{"alg":"ES256","kid":"x","k\u0069d":"k"}`, marshal(t, p.claims(nil))), trustedissuer.Malformed},
		"alg in another case of its name":   {key.signText(t, `{"Alg":"ES256","kid":"k"}`, marshal(t, p.claims(nil))), trustedissuer.Malformed},
		"a header that is a list":           {key.signText(t, `[]`, marshal(t, p.claims(nil))), trustedissuer.Malformed},
		"a header that is null":             {key.signText(t, `null`, marshal(t, p.claims(nil))), trustedissuer.Malformed},
		"two headers":                       {key.signText(t, `{"alg":"ES256","kid":"k"}{}`, marshal(t, p.claims(nil))), trustedissuer.Malformed},
		"a header in invalid UTF-8":         {key.signText(t, "{\"alg\":\"ES256\",\"kid\":\"k\xff\"}", marshal(t, p.claims(nil))), trustedissuer.Malformed},
	})
}

func TestVerifyRefusesForms(t *testing.T) {
	t.Parallel()
	key := newES256(t, "k")
	p := newProvider(t, key.public)
	good := p.token(t, key)
	end := strings.LastIndexByte(good, '.')
	header, claims := encode(marshal(t, key.header(nil))), encode(marshal(t, p.claims(nil)))
	p.refuses(t, map[string]refused{
		"nothing":                         {"", trustedissuer.Malformed},
		"two dots":                        {"..", trustedissuer.Malformed},
		"two parts":                       {good[:end], trustedissuer.Malformed},
		"four parts":                      {good + ".", trustedissuer.Malformed},
		"five parts, as if encrypted":     {good + "..", trustedissuer.Malformed},
		"no signature":                    {good[:end+1], trustedissuer.Malformed},
		"a signature cut short":           {good[:len(good)-2], trustedissuer.Forged},
		"a signature with more after it":  {good + "AAAA", trustedissuer.Forged},
		"a signature of zeros":            {good[:end+1] + encode(strings.Repeat("\x00", 64)), trustedissuer.Forged},
		"a signature in ASN.1":            {good[:end+1] + encode("\x30\x06\x02\x01\x01\x02\x01\x01"), trustedissuer.Forged},
		"a signature in padded base64":    {good + "==", trustedissuer.Malformed},
		"a signature in other spare bits": {respell(good), trustedissuer.Malformed},
		"a line break in the signature":   {good[:len(good)-2] + "\n" + good[len(good)-2:], trustedissuer.Malformed},
		"a line break in the claims":      {key.signSegments(t, header, claims[:4]+"\r\n"+claims[4:]), trustedissuer.Malformed},
		"claims in padded base64":         {key.signSegments(t, header, claims+"="), trustedissuer.Malformed},
		"claims in the other base64":      {key.signSegments(t, header, claims+"+/"), trustedissuer.Malformed},
		"a space before":                  {" " + good, trustedissuer.Malformed},
		"a space after":                   {good + " ", trustedissuer.Malformed},
		"other claims, same signature":    {header + "." + encode(marshal(t, p.claims(map[string]any{"sub": "other"}))) + good[end:], trustedissuer.Forged},
		"more than 16 KiB":                {key.sign(t, key.header(nil), p.claims(map[string]any{"x": strings.Repeat("a", 12<<10)})), trustedissuer.Malformed},
		"claims that are null":            {key.signText(t, marshal(t, key.header(nil)), "null"), trustedissuer.Malformed},
		"claims that are a text":          {key.signText(t, marshal(t, key.header(nil)), `"x"`), trustedissuer.Malformed},
		"the JSON form of a token":        {`{"payload":"` + claims + `","signatures":[]}`, trustedissuer.Malformed},
	})
}

func TestVerifyRefusesClaims(t *testing.T) {
	t.Parallel()
	key := newES256(t, "k")
	p := newProvider(t, key.public)
	now := epoch.Unix()
	claims := func(change map[string]any) string { return key.sign(t, key.header(nil), p.claims(change)) }
	one := func(name string, value any) string { return claims(map[string]any{name: value}) }
	// added has a member more at the end of the claims, which may be there before.
	added := func(member string) string {
		return key.signText(t, marshal(t, key.header(nil)), strings.TrimSuffix(marshal(t, p.claims(nil)), "}")+","+member+"}")
	}
	p.refuses(t, map[string]refused{
		"no iss":                              {one("iss", absent{}), trustedissuer.Malformed},
		"iss that is a list":                  {one("iss", []string{p.URL}), trustedissuer.Malformed},
		"another issuer":                      {one("iss", "https://evil.example"), trustedissuer.UnknownIssuer},
		"iss with a slash after it":           {one("iss", p.URL+"/"), trustedissuer.UnknownIssuer},
		"iss in another case":                 {one("iss", strings.ToUpper(p.URL)), trustedissuer.UnknownIssuer},
		"iss by http":                         {one("iss", strings.Replace(p.URL, "https", "http", 1)), trustedissuer.UnknownIssuer},
		"iss that is longer":                  {one("iss", p.URL+".evil.example"), trustedissuer.UnknownIssuer},
		"iss in another case of its name":     {claims(map[string]any{"iss": absent{}, "ISS": p.URL}), trustedissuer.Malformed},
		"iss twice":                           {added(`"iss":"` + p.URL + `"`), trustedissuer.Malformed},
		"the wallet twice":                    {added(`"` + claim + `":"` + alice + `"`), trustedissuer.Malformed},
		"the wallet twice, once escaped":      {added(`"https:\/\/example.com\/wallet":"` + alice + `"`), trustedissuer.Malformed},
		"exp twice":                           {added(`"exp":9999999999`), trustedissuer.Malformed},
		"a claim twice further down":          {added(`"x":{"a":1,"a":2}`), trustedissuer.Malformed},
		"invalid UTF-8":                       {added("\"x\":\"\xff\""), trustedissuer.Malformed},
		"claims and more":                     {key.signText(t, marshal(t, key.header(nil)), marshal(t, p.claims(nil))+"{}"), trustedissuer.Malformed},
		"no aud":                              {one("aud", absent{}), trustedissuer.WrongAudience},
		"another aud":                         {one("aud", "sts.amazonaws.com"), trustedissuer.WrongAudience},
		"aud in another case":                 {one("aud", "Wallets"), trustedissuer.WrongAudience},
		"an empty aud":                        {one("aud", ""), trustedissuer.WrongAudience},
		"an empty list for aud":               {one("aud", []string{}), trustedissuer.WrongAudience},
		"aud that is a number":                {one("aud", 1), trustedissuer.Malformed},
		"aud with a number in it":             {one("aud", []any{audience, 1}), trustedissuer.Malformed},
		"aud that is an object":               {one("aud", map[string]any{audience: true}), trustedissuer.Malformed},
		"65 audiences":                        {one("aud", strings.Split(strings.Repeat(audience+",", 65), ",")[:65]), trustedissuer.Malformed},
		"several audiences, no azp":           {one("aud", []string{audience, "x"}), trustedissuer.WrongAudience},
		"several audiences, another azp":      {claims(map[string]any{"aud": []string{audience, "x"}, "azp": "x"}), trustedissuer.WrongAudience},
		"azp that is a list":                  {one("azp", []string{audience}), trustedissuer.Malformed},
		"no iat":                              {one("iat", absent{}), trustedissuer.WrongTimes},
		"no exp":                              {one("exp", absent{}), trustedissuer.WrongTimes},
		"good for a day and a second":         {one("exp", now+86401), trustedissuer.WrongTimes},
		"over before it began":                {claims(map[string]any{"iat": now + 50, "exp": now + 50}), trustedissuer.WrongTimes},
		"expired":                             {claims(map[string]any{"iat": now - 60, "exp": now}), trustedissuer.Expired},
		"expired by a fraction":               {claims(map[string]any{"iat": now - 60, "exp": float64(now) + 0.9}), trustedissuer.Expired},
		"not valid yet":                       {one("nbf", now+61), trustedissuer.NotYetValid},
		"issued in the future":                {one("iat", now+61), trustedissuer.NotYetValid},
		"exp in milliseconds":                 {one("exp", now*1000), trustedissuer.Malformed},
		"exp in quotes":                       {one("exp", "9999999999"), trustedissuer.Malformed},
		"exp that is null":                    {one("exp", nil), trustedissuer.Malformed},
		"exp beyond every number":             {added(`"x":1e400`), trustedissuer.Malformed},
		"iat below zero":                      {one("iat", -1), trustedissuer.Malformed},
		"iat of minus a half":                 {one("iat", -0.5), trustedissuer.Malformed},
		"nbf that is true":                    {one("nbf", true), trustedissuer.Malformed},
		"nbf that is huge":                    {one("nbf", 1e300), trustedissuer.Malformed},
		"jti that is a number":                {one("jti", 1), trustedissuer.Malformed},
		"no wallet":                           {one(claim, absent{}), trustedissuer.NoWallet},
		"a wallet list":                       {one(claim, []string{alice}), trustedissuer.NoWallet},
		"an empty wallet":                     {one(claim, ""), trustedissuer.NoWallet},
		"a wallet without 0x":                 {one(claim, alice[2:]), trustedissuer.NoWallet},
		"a wallet with a wrong checksum":      {one(claim, "0x5AAeb6053f3e94c9b9a09f33669435e7ef1beaed"), trustedissuer.NoWallet},
		"a wallet that is a path":             {one(claim, alice+"/../"), trustedissuer.NoWallet},
		"a wallet with a space":               {one(claim, " "+alice), trustedissuer.NoWallet},
		"a wallet with a letter like another": {one(claim, "0x5\u0430aeb6053f3e94c9b9a09f33669435e7ef1beaed"[:43]), trustedissuer.NoWallet},
		"a wallet further down":               {claims(map[string]any{claim: absent{}, "x": map[string]any{claim: alice}}), trustedissuer.NoWallet},
	})
}

// refuses checks that a provider's tokens are refused, and that what they were
// made from is not.
func (p *provider) refuses(t *testing.T, tokens map[string]refused) {
	t.Helper()
	v := p.verifier(&clock{now: epoch})
	for name, c := range tokens {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := v.Verify(t.Context(), c.token)
			if err != c.want { //nolint:errorlint // It is to be the word itself, which a record takes.
				t.Errorf("got %v, want %v", err, c.want)
			}
			if got.Wallet != "" || got.IssuedAt != 0 || got.ID != "" || got.Issuer != "" && got.Issuer != p.URL {
				t.Errorf("beside the refusal it says %+v", got)
			}
		})
	}
}

// respell changes only the bits of the last character that encode nothing.
func respell(token string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, token[len(token)-1])
	return token[:len(token)-1] + alphabet[last^1:][:1]
}

func TestKeysThatAreNotUsed(t *testing.T) {
	t.Parallel()
	key, weak := newES256(t, "k"), newRSA(t, "k", 1024)
	private, err := jwk.FromRaw(key.private)
	if err != nil {
		t.Fatal(err)
	}
	if err := private.Set(jwk.KeyIDKey, "k"); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		by   *signer
		keys []jwk.Key
	}{
		"none at all":                   {key, nil},
		"for encryption":                {key, []jwk.Key{key.with(t, jwk.KeyUsageKey, "enc")}},
		"for other operations":          {key, []jwk.Key{key.with(t, jwk.KeyOpsKey, jwk.KeyOperationList{jwk.KeyOpEncrypt})}},
		"for another algorithm":         {key, []jwk.Key{key.with(t, jwk.AlgorithmKey, jwa.ES384)}},
		"private":                       {key, []jwk.Key{private}},
		"of 1024 bits":                  {weak, []jwk.Key{weak.public}},
		"two of the same id":            {key, []jwk.Key{key.public, newES256(t, "k").public}},
		"without an id, and one is not": {key, []jwk.Key{newSigner(t, "", jwa.ES256, key.private).public}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t, c.keys...)
			_, err := p.verifier(&clock{now: epoch}).Verify(t.Context(), p.token(t, c.by))
			if !errors.Is(err, trustedissuer.UnknownKey) {
				t.Errorf("got %v", err)
			}
		})
	}
	// Other keys do not matter, nor what says that a key is for signatures.
	encryption := newRSA(t, "k", 2048).with(t, jwk.KeyUsageKey, "enc")
	verify := key.with(t, jwk.KeyOpsKey, jwk.KeyOperationList{jwk.KeyOpVerify})
	p := newProvider(t, encryption, verify, newRSA(t, "k", 2048).public)
	if _, err := p.verifier(&clock{now: epoch}).Verify(t.Context(), p.token(t, key)); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestNobodyIsTrustedUnlessConfigured(t *testing.T) {
	t.Parallel()
	key := newES256(t, "k")
	p := newProvider(t, key.public)
	v := trustedissuer.New(p.options(&clock{now: epoch}))
	if _, err := v.Verify(t.Context(), p.token(t, key)); !errors.Is(err, trustedissuer.UnknownIssuer) || v.Trusts() {
		t.Errorf("got %v, %v", err, v.Trusts())
	}
	v = v.With([]brokerconfig.TrustedIssuer{p.trusted()})
	if _, err := v.Verify(t.Context(), p.token(t, key)); err != nil || !v.Trusts() {
		t.Errorf("got %v, %v", err, v.Trusts())
	}
	v = v.With(nil)
	if _, err := v.Verify(t.Context(), p.token(t, key)); !errors.Is(err, trustedissuer.UnknownIssuer) || v.Trusts() {
		t.Errorf("got %v, %v", err, v.Trusts())
	}
}

func FuzzVerify(f *testing.F) {
	key := newES256(f, "k")
	p := newProvider(f, key.public)
	v := p.verifier(&clock{now: epoch})
	good := p.token(f, key)
	f.Add(good)
	f.Add(key.sign(f, key.header(map[string]any{"crit": []string{"b64"}}), p.claims(nil)))
	f.Add(key.signText(f, `{"alg":"none","kid":"k"}`, marshal(f, p.claims(nil))))
	f.Add("..")
	f.Add("")
	f.Fuzz(func(t *testing.T, token string) {
		got, err := v.Verify(t.Context(), token)
		// Nobody can guess the key: nothing else is taken.
		if _, isRefusal := errors.AsType[trustedissuer.Refusal](err); !isRefusal && token != good {
			t.Errorf("%q: %+v, %v", token, got, err)
		}
	})
}

// FuzzClaims signs whatever it is given, as an issuer would that lets its users
// choose what it signs.
func FuzzClaims(f *testing.F) {
	key := newES256(f, "k")
	p := newProvider(f, key.public)
	v := p.verifier(&clock{now: epoch})
	header := marshal(f, key.header(nil))
	for _, change := range []map[string]any{nil, {"aud": []string{audience, "x"}, "azp": "agents"}, {"exp": 1e9, "iat": -1.5}, {claim: "x"}} {
		f.Add(header, strings.ReplaceAll(marshal(f, p.claims(change)), p.URL, "URL"))
	}
	f.Add(`{"alg":"none"}`, `{"iss":"URL","iss":"URL"}`)
	f.Fuzz(func(t *testing.T, header, payload string) {
		payload = strings.ReplaceAll(payload, "URL", p.URL)
		got, err := v.Verify(t.Context(), key.signText(t, header, payload))
		if _, isRefusal := errors.AsType[trustedissuer.Refusal](err); isRefusal {
			return
		}
		var claims map[string]any
		if err := json.Unmarshal([]byte(payload), &claims); err != nil {
			t.Fatalf("%s was taken: %v", payload, err)
		}
		expires, _ := claims["exp"].(float64)
		named, _ := claims[claim].(string)
		if err != nil || claims["iss"] != p.URL || expires <= float64(epoch.Unix()) || !strings.EqualFold(named, string(got.Wallet)) {
			t.Errorf("%s %s: %+v, %v", header, payload, got, err)
		}
	})
}
