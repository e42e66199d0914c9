// Package confinement judges what a role's own policies give its wallet sessions
// in S3 beyond each wallet's prefix. IAM is a union of allows, so such a grant
// reaches whatever no bucket policy denies: every other bucket, and the managed
// ones as soon as their guard is gone.
//
// The judgement errs on one side. A condition or variable that a request could
// satisfy (a source address, a session name) counts as satisfied in an Allow, and
// a Deny that depends on one does not count; so a grant may be named that no
// request can use, and none is overlooked for a condition. The requests that are
// tried come from the policies themselves, wildcards filled with text that is
// nobody's prefix, and from a fixed list.
//
// The package judges S3 alone, and only the first step: a role that may assume
// other roles or change its own policies is for others to find. It reads no
// bucket policy and changes nothing.
package confinement
