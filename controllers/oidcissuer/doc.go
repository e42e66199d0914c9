// Package oidcissuer reconciles OIDCIssuers: the Secrets with the signing key, the
// session key and the probe wallets; the broker's ConfigMap, Deployment and
// Service; and the IAM OIDC provider in every account.
//
// It never prints or copies a key, and it never replaces a Secret that it cannot
// read: a damaged key is a condition, an absent one is made anew.
package oidcissuer
