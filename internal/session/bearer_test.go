package session_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwt"

	"github.com/litentry/wallet-federation/internal/session"
)

const lifetime = time.Hour

func TestBearerIsAJWTForOthersToo(t *testing.T) {
	t.Parallel()
	bearer, expires := newCodec(t, known(t), issuer).Issue(alice, "SESSION1", noon().Add(time.Second/2), lifetime)
	if want := noon().Add(lifetime); !expires.Equal(want) {
		t.Errorf("it expires at %s, want %s", expires, want)
	}
	token, err := jwt.Parse([]byte(bearer), jwt.WithKey(jwa.HS256, knownKey(2)), jwt.WithClock(jwt.ClockFunc(noon)),
		jwt.WithIssuer(issuer), jwt.WithAudience("urn:wallet-federation:session"), jwt.WithSubject(alice))
	if err != nil {
		t.Fatal(err)
	}
	claims, err := token.AsMap(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"iss": issuer, "aud": []string{"urn:wallet-federation:session"}, "sub": alice, "jti": "SESSION1",
		"iat": noon(), "nbf": noon(), "exp": noon().Add(lifetime),
	}
	if diff := cmp.Diff(want, claims); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	_, header, _ := good(t)
	var protected map[string]string
	if err := json.Unmarshal([]byte(header), &protected); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"alg": "HS256", "typ": "wallet-session+jwt", "kid": known(t).Active().ID}, protected); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestBearerIsVerified(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		id       string
		issuer   string
		verified time.Duration // after it was issued
		lifetime time.Duration
	}{
		"at once":                               {"SESSION1", issuer, 0, lifetime},
		"in its last second":                    {"SESSION1", issuer, lifetime - time.Second, lifetime},
		"in its last nanosecond":                {"SESSION1", issuer, lifetime - 1, lifetime},
		"by a replica whose clock is behind":    {"SESSION1", issuer, -session.Tolerance, lifetime},
		"of the shortest id":                    {"a", issuer, 0, lifetime},
		"of the longest id":                     {strings.Repeat("Z", 64), issuer, 0, lifetime},
		"of an issuer with a path":              {"SESSION1", issuer + "/one/two", 0, lifetime},
		"of an issuer that JSON escapes":        {"SESSION1", issuer + `/"<&>\é`, 0, lifetime},
		"of an issuer that reads like the rest": {"SESSION1", issuer + `","sub":"","iat":1}`, 0, lifetime},
		"of a long issuer":                      {"SESSION1", issuer + "/" + strings.Repeat("a", 700), 0, lifetime},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			codec := newCodec(t, known(t), test.issuer)
			bearer, expires := codec.Issue(alice, test.id, noon(), test.lifetime)
			got, err := codec.Verify(bearer, noon().Add(test.verified))
			if err != nil {
				t.Fatal(err)
			}
			want := session.Session{Wallet: alice, IssuedAt: noon().Unix(), NotBefore: noon().Unix(), Expires: expires.Unix(), ID: test.id}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestBearerOfEveryKnownKeyIsVerified(t *testing.T) {
	t.Parallel()
	codec := newCodec(t, known(t), issuer)
	for _, key := range []byte{1, 2, 3} {
		signing := newCodec(t, parse(t, storedSet(stored("Active", since, secret(key)))), issuer)
		bearer, _ := signing.Issue(alice, "SESSION1", noon(), lifetime)
		if _, err := codec.Verify(bearer, noon()); err != nil {
			t.Errorf("key %d: %v", key, err)
		}
	}
}

// wantRefused checks that a bearer is refused at noon for a reason.
func wantRefused(t *testing.T, bearer string, want error) {
	t.Helper()
	got, err := newCodec(t, known(t), issuer).Verify(bearer, noon())
	if !errors.Is(err, want) || got != (session.Session{}) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	if err != nil && len(err.Error()) > 20 {
		t.Errorf("the error says more than a word: %v", err)
	}
}

// Refused for their form, without a key.
func TestBearersOfAnotherFormAreRefused(t *testing.T) {
	t.Parallel()
	bearer, header, payload := good(t)
	parts := strings.Split(bearer, ".")
	id := known(t).Active().ID
	withHeader := func(header string) string { return sign(knownKey(2), header, payload) }
	for name, test := range map[string]struct {
		bearer string
		want   error
	}{
		"nothing":                       {"", session.ErrMalformed},
		"a word":                        {"bearer", session.ErrMalformed},
		"dots":                          {"..", session.ErrMalformed},
		"one dot":                       {".", session.ErrMalformed},
		"five parts":                    {"a.b.c.d.e", session.ErrMalformed},
		"the header alone":              {parts[0], session.ErrMalformed},
		"the header and a dot":          {parts[0] + ".", session.ErrMalformed},
		"no MAC":                        {parts[0] + "." + parts[1], session.ErrMalformed},
		"an empty MAC":                  {parts[0] + "." + parts[1] + ".", session.ErrForged},
		"an empty payload":              {parts[0] + ".." + parts[2], session.ErrForged},
		"an empty payload, signed":      {sign(knownKey(2), header, ""), session.ErrForeign},
		"a fourth part":                 {bearer + "." + parts[2], session.ErrForged},
		"a dot at the end":              {bearer + ".", session.ErrForged},
		"a dot at the beginning":        {"." + bearer, session.ErrMalformed},
		"a space at the beginning":      {" " + bearer, session.ErrMalformed},
		"a space at the end":            {bearer + " ", session.ErrForged},
		"a line break at the end":       {bearer + "\n", session.ErrForged},
		"a line break in the MAC":       {bearer[:len(bearer)-4] + "\n" + bearer[len(bearer)-4:], session.ErrForged},
		"a line break in the payload":   {parts[0] + "." + parts[1][:8] + "\n" + parts[1][8:] + "." + parts[2], session.ErrForged},
		"a line break in the header":    {parts[0][:8] + "\n" + parts[0][8:] + "." + parts[1] + "." + parts[2], session.ErrMalformed},
		"padding behind the MAC":        {bearer + "=", session.ErrForged},
		"padding behind the header":     {parts[0] + "=." + parts[1] + "." + parts[2], session.ErrMalformed},
		"a NUL at the end":              {bearer + "\x00", session.ErrForged},
		"a bearer twice":                {bearer + bearer, session.ErrForged},
		"two bearers in a list":         {bearer + "," + bearer, session.ErrForged},
		"the scheme before it":          {"Bearer " + bearer, session.ErrMalformed},
		"2,048 dots":                    {strings.Repeat(".", 2048), session.ErrMalformed},
		"2,049 bytes":                   {bearer + strings.Repeat("A", 2049-len(bearer)), session.ErrMalformed},
		"a huge payload, signed":        {sign(knownKey(2), header, strings.Repeat("A", 2000)), session.ErrMalformed},
		"a megabyte":                    {strings.Repeat("A", 1<<20), session.ErrMalformed},
		"invalid UTF-8":                 {"\xff\xfe.\xff.\xff", session.ErrMalformed},
		"JSON serialization":            {`{"protected":"` + parts[0] + `","payload":"` + parts[1] + `","signature":"` + parts[2] + `"}`, session.ErrMalformed},
		"alg none, unsigned":            {encode(`{"alg":"none"}`) + "." + parts[1] + ".", session.ErrMalformed},
		"alg none, signed":              {withHeader(strings.Replace(header, "HS256", "none", 1)), session.ErrMalformed},
		"alg None":                      {withHeader(strings.Replace(header, "HS256", "None", 1)), session.ErrMalformed},
		"alg in lower case":             {withHeader(strings.Replace(header, "HS256", "hs256", 1)), session.ErrMalformed},
		"alg HS384":                     {withHeader(strings.Replace(header, "HS256", "HS384", 1)), session.ErrMalformed},
		"alg HS512, with its MAC":       {sign512(knownKey(2), strings.Replace(header, "HS256", "HS512", 1), payload), session.ErrMalformed},
		"alg HS256, with a MAC of 512":  {sign512(knownKey(2), header, payload), session.ErrForged},
		"alg ES256, signed so":          {signES256(t, strings.Replace(header, "HS256", "ES256", 1), payload), session.ErrMalformed},
		"alg HS256, signed with ES256":  {signES256(t, header, payload), session.ErrForged},
		"alg twice":                     {withHeader(strings.Replace(header, `"alg"`, `"alg":"none","alg"`, 1)), session.ErrMalformed},
		"no alg":                        {withHeader(`{"kid":"` + id + `","typ":"wallet-session+jwt"}`), session.ErrMalformed},
		"no kid":                        {withHeader(`{"alg":"HS256","typ":"wallet-session+jwt"}`), session.ErrMalformed},
		"an empty kid":                  {withHeader(strings.Replace(header, id, "", 1)), session.ErrMalformed},
		"an unknown kid":                {withHeader(strings.Replace(header, id, "AAAAAAAAAAA", 1)), session.ErrMalformed},
		"the kid of another key":        {sign(knownKey(1), header, payload), session.ErrForged},
		"another key under this kid":    {sign(knownKey(9), header, payload), session.ErrForged},
		"an empty key":                  {sign(nil, header, payload), session.ErrForged},
		"the kid as the key":            {sign([]byte(id), header, payload), session.ErrForged},
		"a kid that is a path":          {withHeader(strings.Replace(header, id, "../../../dev/null", 1)), session.ErrMalformed},
		"a kid that is SQL":             {withHeader(strings.Replace(header, id, "x' UNION SELECT '", 1)), session.ErrMalformed},
		"a kid in a list":               {withHeader(strings.Replace(header, `"`+id+`"`, `["`+id+`"]`, 1)), session.ErrMalformed},
		"a kid twice":                   {withHeader(strings.Replace(header, `"kid"`, `"kid":"x","kid"`, 1)), session.ErrMalformed},
		"a kid and more":                {withHeader(strings.Replace(header, id, id+"A", 1)), session.ErrMalformed},
		"members in another order":      {withHeader(`{"typ":"wallet-session+jwt","kid":"` + id + `","alg":"HS256"}`), session.ErrMalformed},
		"a space in the header":         {withHeader(strings.Replace(header, ":", ": ", 1)), session.ErrMalformed},
		"an escape in the header":       {withHeader(strings.Replace(header, "HS256", `HS25\u0036`, 1)), session.ErrMalformed},
		"an embedded key":               {withHeader(strings.Replace(header, "{", `{"jwk":{"kty":"oct","k":"AA"},`, 1)), session.ErrMalformed},
		"a key's address":               {withHeader(strings.Replace(header, "{", `{"jku":"https://example.org/keys",`, 1)), session.ErrMalformed},
		"a critical extension":          {withHeader(strings.Replace(header, "{", `{"crit":["b64"],"b64":false,`, 1)), session.ErrMalformed},
		"typ JWT":                       {withHeader(strings.Replace(header, "wallet-session+jwt", "JWT", 1)), session.ErrMalformed},
		"typ in upper case":             {withHeader(strings.Replace(header, "wallet-session+jwt", "WALLET-SESSION+JWT", 1)), session.ErrMalformed},
		"no typ":                        {withHeader(`{"alg":"HS256","kid":"` + id + `"}`), session.ErrMalformed},
		"a header that is no JSON":      {withHeader("header"), session.ErrMalformed},
		"a header of null":              {withHeader("null"), session.ErrMalformed},
		"an encrypted token of 5 parts": {strings.Repeat(parts[0]+".", 4) + parts[2], session.ErrForged},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantRefused(t, test.bearer, test.want)
		})
	}
}

// Refused for what they say, though signed with the right key.
func TestBearersOfAnotherPurposeAreRefused(t *testing.T) {
	t.Parallel()
	_, header, payload := good(t)
	with := func(old, other string) string {
		if !strings.Contains(payload, old) {
			t.Fatalf("%s is not in %s", old, payload)
		}
		return sign(knownKey(2), header, strings.Replace(payload, old, other, 1))
	}
	at := noon().Unix()
	issued, notBefore, expires := fmt.Sprintf(`"iat":%d`, at), fmt.Sprintf(`"nbf":%d`, at), fmt.Sprintf(`"exp":%d`, at+3600)
	for name, test := range map[string]struct {
		bearer string
		want   error
	}{
		"another issuer":               {with(issuer, "https://other.example.org"), session.ErrForeign},
		"an issuer with a slash more":  {with(issuer, issuer+"/"), session.ErrForeign},
		"an issuer in upper case":      {with("broker", "Broker"), session.ErrForeign},
		"no issuer":                    {with(`"iss":"`+issuer+`",`, ""), session.ErrForeign},
		"an audience of AWS":           {with("urn:wallet-federation:session", "sts.amazonaws.com"), session.ErrForeign},
		"a list of audiences":          {with(`"urn:wallet-federation:session"`, `["urn:wallet-federation:session"]`), session.ErrForeign},
		"no audience":                  {with(`"aud":"urn:wallet-federation:session",`, ""), session.ErrForeign},
		"the subject of a minted JWT":  {with(alice, "agentkeys:agent:"+alice), session.ErrForeign},
		"no wallet":                    {with(alice, ""), session.ErrForeign},
		"a wallet with its checksum":   {with(alice, "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"), session.ErrForeign},
		"a wallet in upper case":       {with(alice, "0x5AAEB6053F3E94C9B9A09F33669435E7EF1BEAED"), session.ErrForeign},
		"a wallet without 0x":          {with(alice, alice[2:]), session.ErrForeign},
		"a wallet and a space":         {with(alice, alice+" "), session.ErrForeign},
		"two wallets":                  {with(alice, alice+" "+bob), session.ErrForeign},
		"the subject twice, before":    {with(`"sub":`, `"sub":"`+bob+`","sub":`), session.ErrForeign},
		"the subject twice, after":     {with(`"jti":"SESSION1"`, `"jti":"SESSION1","sub":"`+bob+`"`), session.ErrForeign},
		"the subject twice, between":   {with(alice, alice+`","sub":"`+bob), session.ErrForeign},
		"the expiry twice":             {with(expires, expires+`,"exp":9999999999`), session.ErrForeign},
		"the expiry twice, at the end": {with(`"jti":"SESSION1"`, `"jti":"SESSION1","exp":"9999999999"`), session.ErrForeign},
		"the id twice":                 {with(`"jti":"SESSION1"`, `"jti":"SESSION1","jti":"OTHER"`), session.ErrForeign},
		"a claim more, at the end":     {with(`"jti":"SESSION1"`, `"jti":"SESSION1","admin":"yes"`), session.ErrForeign},
		"a claim more, of no string":   {with(`"jti":"SESSION1"`, `"jti":"SESSION1","admin":true`), session.ErrForeign},
		"a claim more, first":          {with("{", `{"admin":"yes",`), session.ErrForeign},
		"claims in another order":      {with(issued+","+notBefore, notBefore+","+issued), session.ErrForeign},
		"no id":                        {with(`,"jti":"SESSION1"`, ""), session.ErrForeign},
		"an empty id":                  {with("SESSION1", ""), session.ErrForeign},
		"an id of 65 letters":          {with("SESSION1", strings.Repeat("A", 65)), session.ErrForeign},
		"an id with a hyphen":          {with("SESSION1", "SESSION-1"), session.ErrForeign},
		"an id with an escape":         {with("SESSION1", `SESSION\u0031`), session.ErrForeign},
		"an id of other letters":       {with("SESSION1", "SESSI\u041eN1"), session.ErrForeign},
		"an id with a NUL":             {with("SESSION1", "SESSION1\x00"), session.ErrForeign},
		"no expiry":                    {with(expires+",", ""), session.ErrForeign},
		"an expiry of null":            {with(expires, `"exp":null`), session.ErrForeign},
		"an expiry in a string":        {with(expires, fmt.Sprintf(`"exp":"%d"`, at+3600)), session.ErrForeign},
		"an expiry with a fraction":    {with(expires, expires+".0"), session.ErrForeign},
		"an expiry with an exponent":   {with(expires, `"exp":1e10`), session.ErrForeign},
		"an expiry with a plus":        {with(expires, fmt.Sprintf(`"exp":+%d`, at+3600)), session.ErrForeign},
		"an expiry with a zero before": {with(expires, fmt.Sprintf(`"exp":0%d`, at+3600)), session.ErrForeign},
		"an expiry with a line break":  {with(expires, fmt.Sprintf("\"exp\":\n%d", at+3600)), session.ErrForeign},
		"an expiry beyond 64 bits":     {with(expires, `"exp":9223372036854775808`), session.ErrForeign},
		"an expiry of minus nothing":   {with(expires, `"exp":-0`), session.ErrForeign},
		"an expiry of this second":     {with(expires, fmt.Sprintf(`"exp":%d`, at)), session.ErrExpired},
		"an expiry of long ago":        {with(expires, `"exp":1`), session.ErrExpired},
		"an expiry before the epoch":   {with(expires, fmt.Sprintf(`"exp":%d`, math.MinInt64)), session.ErrExpired},
		"issued in 31 seconds":         {with(issued, fmt.Sprintf(`"iat":%d`, at+31)), session.ErrExpired},
		"not before in 31 seconds":     {with(notBefore, fmt.Sprintf(`"nbf":%d`, at+31)), session.ErrExpired},
		"issued at the end of time":    {with(issued, fmt.Sprintf(`"iat":%d`, math.MaxInt64)), session.ErrExpired},
		"a byte behind the payload":    {sign(knownKey(2), header, payload+"\n"), session.ErrForeign},
		"a byte before the payload":    {sign(knownKey(2), header, " "+payload), session.ErrForeign},
		"a second payload":             {sign(knownKey(2), header, payload+payload), session.ErrForeign},
		"the payload cut":              {sign(knownKey(2), header, payload[:len(payload)-1]), session.ErrForeign},
		"a payload of null":            {sign(knownKey(2), header, "null"), session.ErrForeign},
		"a payload that is no JSON":    {sign(knownKey(2), header, "payload"), session.ErrForeign},
		"a payload that is no base64":  {signEncoded(knownKey(2), encode(header)+".!!!!"), session.ErrForeign},
		"an encoding with bits behind": {signEncoded(knownKey(2), encode(header)+"."+otherSpelling(t, encode(payload))), session.ErrForeign},
		"an encoding with line breaks": {signEncoded(knownKey(2), encode(header)+".\n"+encode(payload)), session.ErrForeign},
		"an encoding with padding":     {signEncoded(knownKey(2), encode(header)+"."+encode(payload)+"=="), session.ErrForeign},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantRefused(t, test.bearer, test.want)
		})
	}
}

func TestBearerWithAnyCharacterChangedIsRefused(t *testing.T) {
	t.Parallel()
	bearer, _, _ := good(t)
	codec := newCodec(t, known(t), issuer)
	for i := range len(bearer) {
		for _, other := range []byte{'A', 'z', '.', '=', '\n', 0, bearer[i] ^ 1, bearer[i] ^ 0x20} {
			if other == bearer[i] {
				continue
			}
			changed := []byte(bearer)
			changed[i] = other
			if _, err := codec.Verify(string(changed), noon()); err == nil {
				t.Errorf("character %d changed to %q: it was believed", i, other)
			}
		}
		if _, err := codec.Verify(bearer[:i], noon()); err == nil {
			t.Errorf("cut to %d characters, it was believed", i)
		}
		if _, err := codec.Verify(bearer[i+1:], noon()); err == nil {
			t.Errorf("without its first %d characters, it was believed", i+1)
		}
	}
}

func TestBearerIsBelievedToTheSecond(t *testing.T) {
	t.Parallel()
	bearer, expires := newCodec(t, known(t), issuer).Issue(alice, "SESSION1", noon(), lifetime)
	codec := newCodec(t, known(t), issuer)
	for after, want := range map[time.Duration]error{
		-session.Tolerance:               nil,
		-session.Tolerance - time.Second: session.ErrExpired,
		lifetime - 1:                     nil,
		lifetime:                         session.ErrExpired,
		lifetime + 1:                     session.ErrExpired,
	} {
		if _, err := codec.Verify(bearer, noon().Add(after)); !errors.Is(err, want) {
			t.Errorf("%s after it was issued: %v, want %v", after, err, want)
		}
	}
	if !expires.Equal(noon().Add(lifetime)) {
		t.Errorf("it says that it expires at %s", expires)
	}
}

func TestBearerOfAKeyThatIsGoneIsRefused(t *testing.T) {
	t.Parallel()
	bearer, _, _ := good(t)
	codec := newCodec(t, parse(t, storedSet(stored("Active", since, secret(3)))), issuer)
	if _, err := codec.Verify(bearer, noon()); !errors.Is(err, session.ErrMalformed) {
		t.Errorf("%v", err)
	}
}

func FuzzVerify(f *testing.F) {
	codec := newCodec(f, known(f), issuer)
	bearer, header, payload := good(f)
	f.Add(bearer, payload)
	f.Add(encode(header)+"..", payload+payload)
	f.Add("..", strings.Replace(payload, "SESSION1", `SESSION1","sub":"`, 1))
	f.Fuzz(func(t *testing.T, bearer, payload string) {
		// What is made without a key is believed only if it is the one bearer there is.
		original, _, _ := good(t)
		if _, err := codec.Verify(bearer, noon()); err == nil && bearer != original {
			t.Errorf("%q was believed", bearer)
		}
		// What is signed is believed only if it is written exactly as Issue writes.
		signed := sign(knownKey(2), header, payload)
		s, err := codec.Verify(signed, noon())
		if err != nil {
			return
		}
		var claims map[string]any
		if err := json.Unmarshal([]byte(payload), &claims); err != nil || claims["sub"] != s.Wallet.String() || claims["jti"] != s.ID || len(claims) != 7 {
			t.Errorf("%q was believed as %+v", payload, s)
		}
	})
}
