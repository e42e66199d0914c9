// Package policycase decides cases: a case is a line of JSON that names the
// policies that speak about a request, who makes it and what it asks for, and
// the answer is what AWS would say. It is the format in which recordings of AWS
// are kept, so that the same code that answers people replays them.
//
// [Evaluator.Evaluate] answers one line, [Evaluator.Run] a stream of them. The
// decision is package policy's; admission of bucket policies and Block Public
// Access are package bucketpolicy's. What this package knows is which actions an
// operation needs, which condition keys it comes with, and in which order AWS
// looks at things.
//
// It must not guess: a case whose answer hangs on what the case does not tell,
// such as whether an object exists that a precondition is about, is answered
// with "unsupported" and the reason. Nor must it look at the outcome that a
// recording notes. Buckets, objects, users and roles that a case names are taken
// to exist.
package policycase
