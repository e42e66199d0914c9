// Command localaws serves the AWS stand-in of internal/localaws: IAM, STS and
// S3 of one account on one endpoint, for tests, demos and clients that want to
// be tried without AWS. It keeps everything in memory, unless --dir says where
// to keep it.
//
// Point a client at it with
//
//	export AWS_ENDPOINT_URL=http://127.0.0.1:4566 AWS_REGION=us-east-1
//	export AWS_ACCESS_KEY_ID=localaws AWS_SECRET_ACCESS_KEY=localaws
//
// The administrator's credentials are known to everybody, so it listens on
// loopback addresses only, unless --allow-remote says that whoever can reach
// the address may do everything.
//
// localaws evaluate serves nothing: it reads cases from standard input, policies
// and a request each, and says what AWS would answer and why.
package main
