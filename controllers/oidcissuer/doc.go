// Package oidcissuer reconciles OIDCIssuers: the Secrets with the signing key,
// the session keys and the probe wallets; the broker's ConfigMap and workload;
// and the IAM OIDC provider in every account. Session keys it rotates.
//
// It never prints or copies a key, and it never replaces a Secret that it cannot
// read: a damaged key is a condition, an absent one is made anew. Of the user's
// Secrets it only checks that a broker can start with them, and the user's lists
// of wallets it mounts unread.
package oidcissuer
