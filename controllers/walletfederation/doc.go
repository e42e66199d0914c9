// Package walletfederation reconciles WalletFederations: the guard and the allow
// statements in the bucket policies, the role's grants, the role's trust policy,
// and the proof that wallets are kept apart.
//
// The order is the point. Buckets are guarded before the role is opened, and the
// role is closed before a guard is taken away, so that a crash anywhere leaves
// either no access or isolated access. Nothing that others wrote is lost: the
// originals are kept before the first change.
package walletfederation
