// Package account opens the AWS accounts that an OIDCIssuer names, with the
// credentials that its spec asks for, and says what an AWS error means for a
// condition. Both controllers use it, so that both tell the same story.
package account
