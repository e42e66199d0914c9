// Command broker serves one issuer: sign-in, minting, discovery and keys.
//
// It runs from three files, two of which it reloads when they change, and logs
// JSON to standard output; the line with the message "listening" says on which
// address, once it is ready. Broker logic belongs in package broker.
package main
