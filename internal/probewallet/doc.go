// Package probewallet is the format of the Secret that holds the two wallets with
// which the operator tries to break in: data keys "a" and "b", each a secp256k1
// private key as 64 hexadecimal digits. The broker always admits the two.
package probewallet
