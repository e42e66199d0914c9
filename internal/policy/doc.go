// Package policy is the AWS IAM policy language: it parses policy documents
// strictly and decides requests by them.
//
// One evaluator serves both sides of the house. The local AWS stand-in
// authorizes every call with it, and the operator judges with it what a role
// could do before it believes that wallets are isolated. The rules are those of
// the IAM User Guide ("Policy evaluation logic", "IAM JSON policy elements:
// Condition operators", "Policy variables"), held to recordings of what AWS
// answered, which package policycase replays.
//
// # What it does
//
// [Parse] reads a document of one [Kind] and refuses everything whose meaning it
// would have to guess: the answer is a [SyntaxError] that says what and where. It
// compiles patterns, operators and variables once, so that [Policies.Evaluate]
// neither parses nor allocates. [Decision.Explain] says in a sentence which
// statement decided, or which condition stood in the way; it is computed only
// when asked for.
//
// # What is inferred
//
// Neither documentation nor a recording settles these, and a policy should not
// lean on them: that NotResource does not exempt where its variable has no value;
// that an empty tag value stands for itself in a variable; that four digits are a
// year and not seconds; that a list without values is a missing key; that a
// NotPrincipal which names the account or the role exempts the role's sessions;
// and that text which is neither true nor false is refused for Bool and Null where
// a policy is stored. Tests name the sources of the others.
//
// # What it must not do
//
// It is pure: no clock, no network, no logging, no global state. It knows no
// AWS service: which actions exist, which action an operation needs and which
// keys the request context holds is told by the caller. A policy that names an
// action nobody has is merely one that never matches.
//
// # Concurrency
//
// A parsed [Document] is never written again and may be shared by any number of
// goroutines. A [Context] is an ordinary map: it must not be written while it is
// evaluated, nor afterwards if a [Decision] made from it is still to be explained.
package policy
