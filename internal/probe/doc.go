// Package probe proves, against the cloud itself, that two wallets cannot reach
// each other. It signs in to the broker through the issuer URL like anyone else,
// exchanges the JWTs at STS, and tries a table of operations on S3 and a table
// of forged tokens at STS, which it can sign because the operator keeps the key.
//
// What it finds is one of three things. A case is answered as it must be, or it
// is not, or the probe could not look: the broker is down, STS throttles, a 403
// comes from a proxy. The last is a [LookError] and says nothing about the
// isolation. An answer counts as a denial only if it carries the very code that
// the service gives for one, and that service's request id.
//
// It touches only keys below P<probe wallet>/wallet-federation-probe/, also
// where a denied operation is unexpectedly allowed, and none of what it writes
// harms. It removes its objects when it is done. Where the access has no Delete
// it cannot: the names are fixed, so that three objects of a few bytes stay in a
// bucket, six where writes leak, and the report lists them. In a bucket with versions every
// run leaves a few noncurrent versions and delete markers.
//
// What it cannot see: without Write there is no object of the other wallet's to
// read, and S3 answers AccessDenied for a missing object to whoever may not list,
// so that a grant of GetObject alone goes unnoticed; and two statements of the
// guard, the one on bad tags and the one on access points, stand behind the
// trust policy and behind access points that do not exist. Package confinement
// and the comparison of documents see all of these.
//
// One run makes 20 calls of STS, and about 50 of S3 for each bucket. The package
// must not judge policies, keep state, or let a key, bearer or token into a
// report or an error.
package probe
