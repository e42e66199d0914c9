// Package admission is the list of the wallets that may have a session, read
// from a configuration and from files beside it.
//
// A file holds one address a line, in lower case or with its EIP-55 checksum;
// empty lines and lines that begin with # are skipped. Several files together
// hold at most [MaxWallets]. A list takes 20 bytes a wallet.
//
// The package must not decide what an absent list means, watch files or log.
package admission
