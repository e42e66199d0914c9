// Package localaws is a stand-in for the three AWS services that the project
// talks to: IAM and STS over the Query protocol, and S3. One http.Handler
// serves all three, so that AWS_ENDPOINT_URL alone points a client at it.
//
// It is strict where AWS is strict: it verifies Signature Version 4 and web
// identity tokens (against the issuer's live key set), evaluates trust,
// identity, boundary, session and bucket policies with internal/policy, the
// evaluator that the operator's own static proof uses, and answers with AWS's
// limits, error codes and messages. What it does is held to recordings of real
// AWS in testdata; where nothing is recorded it follows the documentation, and
// where that is silent it denies.
//
// Its calls can be made to fail (Server.AddFault) and are logged (Server.Calls);
// what lies below /_localaws/ offers both over HTTP to the administrator. It can
// be as inconvenient as AWS, too: with Options.Lag what reads see of IAM lags
// behind, and with Options.IAMRate and Options.STSRate the account has a budget
// of calls.
//
// It is a stand-in and not AWS: one account, and nothing kept beyond the process
// unless a directory is named for it. It must never be exposed to a network that
// is not trusted, because its administrator credentials are well known, and it
// must not be imported by anything that runs in production.
package localaws
