package localaws

import (
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var signaturePattern = regexp.MustCompile(`^[0-9a-f]{64}$`)

// parseSignature reads the signature of a request; nil if it is unsigned.
func parseSignature(r *http.Request, query url.Values) (*signature, *apiError) {
	header := r.Header.Get("Authorization")
	presigned := query.Has("X-Amz-Algorithm") || query.Has("X-Amz-Signature")
	switch {
	case query.Has("AWSAccessKeyId"):
		// A URL presigned with version 2, as botocore makes by default for an
		// endpoint of one's own. AWS refuses them for buckets made since 2020.
		return nil, unsupportedScheme()
	case header == "" && !presigned:
		return nil, nil
	case header != "" && presigned:
		return nil, newError(http.StatusBadRequest, "InvalidArgument", "Only one auth mechanism allowed; "+
			"only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified")
	case presigned:
		return parsePresigned(query)
	default:
		return parseAuthorization(r, header)
	}
}

// parseAuthorization reads the Authorization header:
// AWS4-HMAC-SHA256 Credential=.../..., SignedHeaders=a;b, Signature=....
func parseAuthorization(r *http.Request, header string) (*signature, *apiError) {
	algorithm, rest, _ := strings.Cut(header, " ")
	if algorithm != signingAlgorithm {
		return nil, unsupportedScheme()
	}
	malformed := malformedAuthorization(r)
	fields := map[string]string{}
	for field := range strings.SplitSeq(rest, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(field), "=")
		if _, twice := fields[name]; !ok || twice {
			return nil, malformed("the field %q is malformed or occurs twice", name)
		}
		fields[name] = value
	}
	sig := &signature{
		value: fields["Signature"],
		token: r.Header.Get("X-Amz-Security-Token"),
		stamp: r.Header.Get("X-Amz-Date"),
	}
	if problem := sig.fill(fields["Credential"], fields["SignedHeaders"]); problem != "" {
		return nil, malformed("%s", problem)
	}
	return sig, nil
}

func unsupportedScheme() *apiError {
	return newError(http.StatusBadRequest, "InvalidRequest",
		"The authorization mechanism you have provided is not supported. Please use %s.", signingAlgorithm)
}

// parsePresigned reads a presigned URL.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
func parsePresigned(query url.Values) (*signature, *apiError) {
	malformed := func(problem string) *apiError {
		return newError(http.StatusBadRequest, "AuthorizationQueryParametersError", "Error parsing the query parameters: %s", problem)
	}
	if query.Get("X-Amz-Algorithm") != signingAlgorithm {
		return nil, malformed(`X-Amz-Algorithm only supports "` + signingAlgorithm + `"`)
	}
	sig := &signature{
		value:     query.Get("X-Amz-Signature"),
		token:     query.Get("X-Amz-Security-Token"),
		stamp:     query.Get("X-Amz-Date"),
		presigned: true,
	}
	if problem := sig.fill(query.Get("X-Amz-Credential"), query.Get("X-Amz-SignedHeaders")); problem != "" {
		return nil, malformed(problem)
	}
	seconds, err := strconv.ParseUint(query.Get("X-Amz-Expires"), 10, 31)
	if err != nil {
		return nil, malformed("X-Amz-Expires should be a number")
	}
	sig.lifetime = time.Duration(seconds) * time.Second
	if sig.lifetime > maxPresignedLifetime {
		return nil, malformed("X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds")
	}
	return sig, nil
}

// fill takes the credential and the list of signed headers apart, and checks
// the fields that are already there. It answers what is wrong; "" for nothing.
func (sig *signature) fill(credential, signedHeaders string) string {
	accessKeyID, scope, _ := strings.Cut(credential, "/")
	parts := strings.Split(scope, "/")
	if accessKeyID == "" || len(parts) != 4 || parts[1] == "" || parts[3] != "aws4_request" {
		return "the Credential is malformed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\""
	}
	switch parts[2] {
	case "s3", "iam", "sts":
	default:
		return "incorrect service; expecting \"s3\", \"iam\" or \"sts\""
	}
	if !signaturePattern.MatchString(sig.value) {
		return "the Signature is missing or malformed"
	}
	if signedHeaders == "" || signedHeaders != strings.ToLower(signedHeaders) {
		return "the SignedHeaders are missing or not in lower case"
	}
	at, err := time.Parse(signingTime, sig.stamp)
	if err != nil {
		return "the X-Amz-Date is missing or not in the format \"yyyyMMdd'T'HHmmss'Z'\""
	}
	if at.Format("20060102") != parts[0] {
		return "the date of the Credential is not that of the X-Amz-Date"
	}
	sig.accessKeyID, sig.scope, sig.service = accessKeyID, scope, parts[2]
	sig.signedHeaders = strings.Split(signedHeaders, ";")
	sig.time = at
	return ""
}

// malformedAuthorization words an unreadable Authorization header. The service
// is not known yet, so the shape of the request decides whose words are used.
func malformedAuthorization(r *http.Request) func(format string, args ...any) *apiError {
	code, prefix := "AuthorizationHeaderMalformed", "The authorization header is malformed; "
	if isForm(r) {
		code, prefix = "IncompleteSignature", ""
	}
	return func(format string, args ...any) *apiError {
		return newError(http.StatusBadRequest, code, prefix+format, args...)
	}
}

// isForm tells a call of the Query protocol (IAM, STS) from one of S3.
func isForm(r *http.Request) bool {
	contentType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && r.Method == http.MethodPost && contentType == "application/x-www-form-urlencoded"
}

// signatureFaults words the refusals of a signature, which S3 and the Query
// services name differently.
type signatureFaults struct{ s3 bool }

func faultsOf(service string) signatureFaults {
	return signatureFaults{s3: service == "s3"}
}

func (f signatureFaults) unknownKey() *apiError {
	if f.s3 {
		return newError(http.StatusForbidden, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
	}
	return newError(http.StatusForbidden, "InvalidClientTokenId", "The security token included in the request is invalid.")
}

func (f signatureFaults) badToken() *apiError {
	if f.s3 {
		return newError(http.StatusBadRequest, "InvalidToken", "The provided token is malformed or otherwise invalid.")
	}
	return f.unknownKey()
}

func (f signatureFaults) mismatch() *apiError {
	const text = "The request signature we calculated does not match the signature you provided. "
	if f.s3 {
		return newError(http.StatusForbidden, "SignatureDoesNotMatch", text+"Check your key and signing method.")
	}
	return newError(http.StatusForbidden, "SignatureDoesNotMatch",
		text+"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
}

func (f signatureFaults) skewed(signed, now time.Time) *apiError {
	if f.s3 {
		return newError(http.StatusForbidden, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.")
	}
	stamp, nowStamp := signed.UTC().Format(signingTime), now.UTC().Format(signingTime)
	if signed.Before(now) {
		return newError(http.StatusForbidden, "SignatureDoesNotMatch", "Signature expired: %s is now earlier than %s (%s - 15 min.)",
			stamp, now.Add(-maxClockSkew).UTC().Format(signingTime), nowStamp)
	}
	return newError(http.StatusForbidden, "SignatureDoesNotMatch", "Signature not yet current: %s is still later than %s (%s + 15 min.)",
		stamp, now.Add(maxClockSkew).UTC().Format(signingTime), nowStamp)
}
